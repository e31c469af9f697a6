//! Negative log-likelihoods of counts and of numbers with a variance.

use super::{Losses, Target, finite, positive, targets};
use crate::setting::expect;
use std::f64::consts::PI;
use std::panic::Location;
use tape::element::Real;
use tape::ops::{Exp, Ln};
use tape::{Algebra, Binary, Element, Error, Unary, Var};

/// `eˣ - y x`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PoissonOfLog;

impl Binary for PoissonOfLog {
    const NAME: &'static str = "poisson_of_log";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T, y: T) -> T {
        Real::exp(x) - y * x
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, x: A, y: A, _l: A) -> A {
        x.map(Exp) - y
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, x: A, _y: A, _l: A) -> A {
        -x
    }
}

/// `a - y ln(a + eps)`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PoissonOfRate {
    eps: f64,
}

impl Binary for PoissonOfRate {
    const NAME: &'static str = "poisson_of_rate";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        a - y * Real::ln(a + T::from_f64(self.eps))
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        a.lift(1.0) - y / (a + a.lift(self.eps))
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, _y: A, _l: A) -> A {
        -(a + a.lift(self.eps)).map(Ln)
    }
}

/// Stirling's `y ln y - y + ½ ln(2π y)` for `ln y!`, where `y > 1`; 0 elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stirling;

impl Unary for Stirling {
    const NAME: &'static str = "stirling";

    #[inline(always)]
    fn eval<T: Element>(&self, y: T) -> T {
        let (half, circle) = (T::from_f64(0.5), T::from_f64(2.0 * PI));
        if y > T::ONE { y * Real::ln(y) - y + half * Real::ln(circle * y) } else { T::ZERO }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, y: A, _l: A) -> A {
        let slope = y.map(Ln) + y.lift(0.5) / y;
        y.if_gt(y.lift(1.0), slope, y.lift(0.0))
    }

    #[inline(always)]
    fn branch<T: Element>(&self, y: T) -> i64 {
        i64::from(y > T::ONE)
    }
}

/// Refuses numbers below 0. NaN passes: the loss is then NaN too.
fn not_negative<T: Element>(op: &'static str, name: &str, x: Var<'_, T>, hint: &str) -> Result<(), Error> {
    match x.value().contiguous().as_slice().unwrap_or_default().iter().find(|x| **x < T::ZERO) {
        None => Ok(()),
        Some(found) => {
            Err(Error::Invalid { op, reason: format!("expected {name} of 0 or more, found {found}{hint}") })
        }
    }
}

/// The losses, with Stirling's term of the targets where it is wanted.
#[track_caller]
fn counts<'t, T: Element>(each: Var<'t, T>, y: Var<'t, T>, full: bool) -> Losses<'t, T> {
    Losses::of_elements(if full { each + y.map(Stirling) } else { each })
}

/// `eˣ - Y X` of each element: the negative log-likelihood of counts `Y` under Poisson distributions whose rates have the
/// logarithms `X`, without its term `ln Y!`, which does not depend on `X`. `full` adds that term by Stirling's formula,
/// `Y ln Y - Y + 1/2 ln(2π Y)` where `Y` is above 1, and 0 elsewhere.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([0.0, 2f64.ln()]);
/// let losses = nn::loss::poisson_nll_with_log_rates(x, &Tensor::from([3.0, 0.0]), false);
/// assert_eq!(losses.per_element().value(), Tensor::from([1.0, 2.0]));
/// assert_eq!(losses.sum().backward().wrt(x), Tensor::from([-2.0, 2.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or a target is negative.
#[track_caller]
pub fn poisson_nll_with_log_rates<'t, T: Element>(
    x: Var<'t, T>,
    y: impl Target<'t, T>,
    full: bool,
) -> Losses<'t, T> {
    let op = "poisson_nll_with_log_rates";
    let y = targets(op, x, y);
    expect(not_negative(op, "targets", y, ""));
    counts(x.zip(y, PoissonOfLog), y, full)
}

/// `A - Y ln(A + eps)` of each element: [`poisson_nll_with_log_rates`] of rates `A`. `eps` is usually 1e-8; it keeps the
/// loss of a rate of 0 finite.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([1.0, 4.0]);
/// let losses = nn::loss::poisson_nll_with_rates(a, &Tensor::from([3.0, 2.0]), 0.0, false);
/// assert_eq!(losses.per_element().value(), Tensor::from([1.0, 4.0 - 2.0 * 4f64.ln()]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([-2.0, 0.5]));
/// ```
///
/// # Panics
/// If the shapes differ, a rate or a target is negative, or `eps` is negative or not finite.
#[track_caller]
pub fn poisson_nll_with_rates<'t, T: Element>(
    a: Var<'t, T>,
    y: impl Target<'t, T>,
    eps: f64,
    full: bool,
) -> Losses<'t, T> {
    let op = "poisson_nll_with_rates";
    let y = targets(op, a, y);
    expect(not_negative(op, "targets", y, ""));
    let hint = "; for logarithms of rates use poisson_nll_with_log_rates";
    expect(not_negative(op, "rates", a, hint).and_then(|()| finite::<T>(op, "eps", eps, 0.0)));
    counts(a.zip(y, PoissonOfRate { eps }), y, full)
}

/// `1/2 (ln V + (A - Y)² / V)` of each element: the negative log-likelihood of `Y` under normal distributions of mean `A` and
/// variance `V`, both of which are differentiated, without its constant `1/2 ln(2π)`, which `full` adds.
///
/// A variance below `eps` counts as `eps`, and has derivative 0 there. (PyTorch's derivative ignores this bound; its `eps`
/// is 1e-6 by default.)
///
/// # Shapes
/// `A` and `Y` of one shape; `V` broadcasts with it.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (a, v) = (tape.var([1.0, 5.0]), tape.var([1.0, 4.0]));
/// let losses = nn::loss::gaussian_nll(a, &Tensor::from([3.0, 5.0]), v, 1e-6, false);
/// assert_eq!(losses.per_element().value(), Tensor::from([2.0, 2f64.ln()]));
/// let grads = losses.sum().backward();
/// assert_eq!(grads.wrt(a), Tensor::from([-2.0, 0.0]));
/// assert_eq!(grads.wrt(v), Tensor::from([-1.5, 0.125]));
/// ```
///
/// # Panics
/// If the shapes of `A` and `Y` differ, or `V` broadcasts to another shape; if a variance is negative, or `eps` is not
/// positive.
#[track_caller]
pub fn gaussian_nll<'t, T: Element>(
    a: Var<'t, T>,
    y: impl Target<'t, T>,
    variance: impl Target<'t, T>,
    eps: f64,
    full: bool,
) -> Losses<'t, T> {
    let op = "gaussian_nll";
    let (y, variance) = (targets(op, a, y), variance.on(a.tape()));
    expect(not_negative(op, "variances", variance, ""));
    positive::<T>(op, "eps", eps);
    let each = a.tape().at_location(Location::caller(), || {
        let v = variance.maximum(T::from_f64(eps));
        (v.ln() + (a - y).square() / v) * T::from_f64(0.5)
    });
    if each.shape() != a.shape() {
        let (expected, found) = (a.shape().dims(), variance.shape().dims());
        Error::Shape { op: "gaussian_nll variances", expected, found }.panic();
    }
    let constant = T::from_f64(0.5 * Real::ln(2.0 * PI));
    Losses::of_elements(if full { each + constant } else { each })
}
