//! Regression losses.

use super::pairs::Term;
use super::{Losses, Target, elementwise, positive, targets};
use tape::ops::Sign;
use tape::{Algebra, Binary, Element, Error, Var};

/// `(a - y)²`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SquaredError;

impl Binary for SquaredError {
    const NAME: &'static str = "squared_error";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        (a - y) * (a - y)
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        a.lift(2.0) * (a - y)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        a.lift(2.0) * (y - a)
    }
}

/// `|a - y|`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct AbsoluteError;

impl Term for AbsoluteError {
    fn from_settings(_: [f64; 2]) -> AbsoluteError {
        AbsoluteError
    }
}

impl Binary for AbsoluteError {
    const NAME: &'static str = "absolute_error";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        (a - y).abs()
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        (a - y).map(Sign)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        (y - a).map(Sign)
    }
}

/// `scale (a - y)² / 2` where `|a - y| ≤ δ`, `scale δ (|a - y| - δ/2)` beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Huber {
    /// The half-width of the parabola.
    delta: f64,
    /// A factor of the whole loss.
    scale: f64,
}

impl Huber {
    /// `d`, limited to `[-δ, δ]`, times the factor.
    #[inline(always)]
    fn limited<A: Algebra>(&self, d: A) -> A {
        let (low, high, scale) = (d.lift(-self.delta), d.lift(self.delta), d.lift(self.scale));
        let above = low.if_gt(d, low, d);
        d.if_gt(high, high, above) * scale
    }
}

impl Term for Huber {
    fn settings(self) -> [f64; 2] {
        [self.delta, self.scale]
    }

    fn from_settings([delta, scale]: [f64; 2]) -> Huber {
        Huber { delta, scale }
    }
}

impl Binary for Huber {
    const NAME: &'static str = "huber";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        let (r, delta, half) = ((a - y).abs(), T::from_f64(self.delta), T::from_f64(0.5));
        let loss = if r > delta { delta * (r - half * delta) } else { half * r * r };
        T::from_f64(self.scale) * loss
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        self.limited(a - y)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        self.limited(y - a)
    }
}

/// `(A - Y)²` of each element. The reductions record one fused operation, `squared_distance`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([1.0, 4.0]);
/// let losses = nn::loss::squared_error(a, &Tensor::from([0.0, 2.0]));
/// assert_eq!(losses.per_element().value(), Tensor::from([1.0, 4.0]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([2.0, 4.0]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn squared_error<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Losses<'t, T> {
    Losses::squared(a, targets("squared_error", a, y))
}

/// `|A - Y|` of each element; the derivative where they are equal is 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([1.0, 4.0]);
/// let losses = nn::loss::absolute_error(a, &Tensor::from([1.0, 6.0]));
/// assert_eq!(losses.per_element().value(), Tensor::from([0.0, 2.0]));
/// assert_eq!(losses.mean().backward().wrt(a), Tensor::from([0.0, -0.5]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn absolute_error<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Losses<'t, T> {
    elementwise("absolute_error", a, y, AbsoluteError)
}

/// The loss of Huber (1964) of each element: `1/2 (A - Y)²` where `|A - Y| ≤ δ`, and `δ (|A - Y| - δ/2)` beyond, so that
/// an outlier contributes a gradient of at most `δ`. The gradient is `A - Y`, limited to `[-δ, δ]`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([1.5, 6.0]);
/// let losses = nn::loss::huber(a, &Tensor::from([1.0, 2.0]), 1.0);
/// assert_eq!(losses.per_element().value(), Tensor::from([0.125, 3.5]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([0.5, 1.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or `delta` is not positive.
#[track_caller]
pub fn huber<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>, delta: f64) -> Losses<'t, T> {
    positive::<T>("huber", "delta", delta);
    elementwise("huber", a, y, Huber { delta, scale: 1.0 })
}

/// [`huber`] divided by its width: `(A - Y)² / 2β` where `|A - Y| ≤ β`, and `|A - Y| - β/2` beyond.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([1.5, 6.0]);
/// let losses = nn::loss::smooth_l1(a, &Tensor::from([1.0, 2.0]), 2.0);
/// assert_eq!(losses.per_element().value(), Tensor::from([0.0625, 3.0]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([0.25, 1.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or `beta` or `1/β` is not positive and finite.
#[track_caller]
pub fn smooth_l1<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>, beta: f64) -> Losses<'t, T> {
    positive::<T>("smooth_l1", "beta", beta);
    if !(T::from_f64(beta).is_finite() && T::from_f64(1.0 / beta).is_finite()) {
        let reason = format!("expected a beta that is finite and has a finite 1/beta, found {beta}");
        Error::Invalid { op: "smooth_l1", reason }.panic();
    }
    elementwise("smooth_l1", a, y, Huber { delta: beta, scale: 1.0 / beta })
}
