//! Losses of distributions and of directions.

use super::binary::together;
use super::pairs::Term;
use super::{Losses, Target, check, positive, probabilities, targets};
use crate::setting::expect;
use std::panic::Location;
use tape::element::Real;
use tape::ops::Ln;
use tape::{Algebra, Binary, Element, Error, Tensor, Var};

/// `y (ln y - x)`, and 0 where `y` is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
struct KlDivergence;

impl Term for KlDivergence {
    fn from_settings(_: [f64; 2]) -> KlDivergence {
        KlDivergence
    }
}

impl Binary for KlDivergence {
    const NAME: &'static str = "kl_divergence";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T, y: T) -> T {
        if y == T::ZERO { T::ZERO } else { y * (Real::ln(y) - x) }
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, _x: A, y: A, _l: A) -> A {
        -y
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, x: A, y: A, _l: A) -> A {
        let (zero, one) = (y.lift(0.0), y.lift(1.0));
        let slope = y.map(Ln) - x + one;
        y.if_eq(zero, zero, slope)
    }
}

/// `Y (ln Y - X)` of each element, for logarithms of probabilities `X` and probabilities `Y`: their sum is the
/// Kullback-Leibler divergence of `Y` from `eˣ`, and [`Losses::mean_over_samples`] its mean over samples. Where `Y` is 0
/// the loss and its derivatives are 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[0.5f64.ln(), 0.5f64.ln()]]);
/// let loss = nn::loss::kl_divergence(x, &Tensor::from([[1.0, 0.0]])).mean_over_samples();
/// assert_eq!(loss.value(), 2f64.ln());
/// assert_eq!(loss.backward().wrt(x), Tensor::from([[-1.0, 0.0]]));
/// ```
///
/// # Panics
/// If the shapes differ, or a target is not in [0, 1].
#[track_caller]
pub fn kl_divergence<'t, T: Element>(x: Var<'t, T>, y: impl Target<'t, T>) -> Losses<'t, T> {
    let y = targets("kl_divergence", x, y);
    expect(probabilities(
        "kl_divergence",
        "targets",
        y,
        "; for logarithms of probabilities use kl_divergence_from_logs",
    ));
    Losses::of_pairs(x, y, KlDivergence)
}

/// [`kl_divergence`] with the logarithms of the targets too: `eʸ (Y - X)` of each element. Where `eʸ` is 0 the loss and
/// its derivatives are 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[0.5f64.ln(), 0.5f64.ln()]]);
/// let loss = nn::loss::kl_divergence_from_logs(x, &Tensor::from([[0.0, -50.0]])).sum();
/// assert!((loss.value() - 2f64.ln()).abs() < 1e-15);
/// assert_eq!(loss.backward().wrt(x).to_vec()[0], -1.0);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn kl_divergence_from_logs<'t, T: Element>(x: Var<'t, T>, y: impl Target<'t, T>) -> Losses<'t, T> {
    let y = targets("kl_divergence_from_logs", x, y);
    let share = y.exp();
    let losses = share * (y - x);
    let some = share.value();
    let none = some.to_vec().contains(&T::ZERO);
    Losses::of_elements(if none { Var::select(&some, losses, T::ZERO) } else { losses })
}

/// The scale of each vector along an axis, which is kept with extent 1: 1, or a power of two near its largest
/// element where the product of two squared lengths would overflow. A cosine does not depend on the lengths.
fn scales<T: Element>(x: Var<'_, T>, axis: isize) -> Tensor<T> {
    let limit = T::MAX.to_f64().powf(0.2);
    let scale = |largest: T| match largest.to_f64() {
        largest if largest.is_finite() && largest > limit => largest.log2().floor().exp2(),
        _ => 1.0,
    };
    let x = x.value();
    match x.size() {
        0 => x.sum_axes(axis, true),
        _ => x.abs().max_axes(axis, true).map_elements(|largest| T::from_f64(scale(largest))),
    }
}

/// `u · v / (max(|u|, eps) max(|v|, eps))` along an axis: the cosine of the angle between them, 0 if one is 0.
/// `eps` is usually 1e-8.
///
/// # Shapes
/// `u` and `v` have one shape; the result has it without the axis.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (u, v) = (tape.var([[3.0, 4.0]]), tape.var([[2.0, 0.0]]));
/// let cosine = nn::loss::cosine_similarity(u, v, 1, 1e-8);
/// assert_eq!(cosine.value().to_vec(), [0.6]);
/// let grad = cosine.sum().backward().wrt(v).to_vec();
/// assert!(grad[0].abs() < 1e-15 && (grad[1] - 0.4).abs() < 1e-15);
/// ```
///
/// # Panics
/// If the shapes differ, there is no such axis, or `eps` is not positive.
#[track_caller]
pub fn cosine_similarity<'t, T: Element>(u: Var<'t, T>, v: Var<'t, T>, axis: isize, eps: f64) -> Var<'t, T> {
    expect(check("cosine_similarity", u, v));
    positive::<T>("cosine_similarity", "eps", eps);
    let (u, v) = (u / &scales(u, axis), v / &scales(v, axis));
    let [length_u, length_v] = u.tape().at_location(Location::caller(), || {
        [u, v].map(|x| x.norm_axes(2.0, axis, false).maximum(T::from_f64(eps)))
    });
    (u * v).sum_axes(axis, false) / (length_u * length_v)
}

/// For pairs of vectors, one per sample: `1 - cos` where the target is 1 (they belong together), `max(0, cos - margin)`
/// elsewhere. The cosine is `u · v / √((|u|² + 1e-12) (|v|² + 1e-12))` here, which is smooth everywhere.
///
/// # Shapes
/// `u` and `v` `[N, m]`, targets `[N]`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (u, v) = (tape.var([[3.0, 4.0], [3.0, 4.0]]), tape.var([[2.0, 0.0], [0.0, 1.0]]));
/// let losses = nn::loss::cosine_embedding(u, v, &Tensor::from([1.0, -1.0]), 0.5);
/// let each = losses.per_element().value().to_vec();
/// assert!((each[0] - 0.4).abs() < 1e-12 && (each[1] - 0.3).abs() < 1e-12);
/// assert!((losses.sum().backward().wrt(v).to_vec()[1] + 0.4).abs() < 1e-12);
/// ```
///
/// # Panics
/// If the shapes differ from these, or the margin is not between -1 and 1.
#[track_caller]
pub fn cosine_embedding<'t, T: Element>(
    u: Var<'t, T>,
    v: Var<'t, T>,
    y: &Tensor<T>,
    margin: f64,
) -> Losses<'t, T> {
    if u.shape().rank() != 2 {
        let found = u.shape().dims();
        Error::Rank { op: "cosine_embedding", expected: "vectors [N, m]", found }.panic();
    }
    expect(check("cosine_embedding", u, v));
    if !(-1.0..=1.0).contains(&margin) {
        let reason = format!("expected a margin between -1 and 1, found {margin}");
        Error::Invalid { op: "cosine_embedding", reason }.panic();
    }
    let cosine = u.tape().at_location(Location::caller(), || {
        let product = |a: Var<'t, T>, b: Var<'t, T>| (a * b).sum_axes(1, false);
        let [(u, least_u), (v, least_v)] = [u, v].map(|x| {
            let scale = scales(x, 1);
            // Beside a length that is scaled down, the term that keeps it from 0 vanishes.
            let least = scale.map_elements(|scale| T::from_f64(if scale == T::ONE { 1e-12 } else { 0.0 }));
            (x / &scale, least.reshape([x.shape()[0]]))
        });
        let square = |a: Var<'t, T>, least: Tensor<T>| product(a, a) + &least;
        product(u, v) / (square(u, least_u) * square(v, least_v)).sqrt()
    });
    expect(check("cosine_embedding", cosine, y.on(u.tape())));
    Losses::of_elements(Var::select(&together(y), -cosine + T::ONE, (cosine - T::from_f64(margin)).relu()))
}
