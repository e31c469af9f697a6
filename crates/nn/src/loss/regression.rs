//! Losses of numbers.

use super::terms::{AbsoluteError, Huber, SquaredError};
use super::{Losses, Target, targets};
use tape::{Binary, Element, Error, Var};

/// `term` of every element.
#[track_caller]
pub(super) fn each<'t, T: Element, F: Binary>(
    name: &'static str,
    a: Var<'t, T>,
    y: impl Target<'t, T>,
    term: F,
) -> Losses<'t, T> {
    Losses::of_elements(a.zip(targets(name, a, y), term))
}

/// Refuses parameters that are not positive as numbers of the loss.
#[track_caller]
pub(super) fn positive<T: Element>(op: &'static str, name: &str, x: f64) {
    let value = T::from_f64(x);
    if value.is_nan() || value <= T::ZERO {
        Error::Invalid { op, reason: format!("expected a positive {name}, found {x}") }.panic();
    }
}

/// `(A - Y)²` of each element; [`mse`](super::mse) and its like are sums of these.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([1.0, 4.0]);
/// let losses = nn::loss::squared_error(a, &Tensor::from([0.0, 2.0]));
/// assert_eq!(losses.each().value(), Tensor::from([1.0, 4.0]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([2.0, 4.0]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn squared_error<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Losses<'t, T> {
    each("squared_error", a, y, SquaredError)
}

/// `|A - Y|` of each element; the derivative where they are equal is 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([1.0, 4.0]);
/// let losses = nn::loss::absolute_error(a, &Tensor::from([1.0, 6.0]));
/// assert_eq!(losses.each().value(), Tensor::from([0.0, 2.0]));
/// assert_eq!(losses.mean().backward().wrt(a), Tensor::from([0.0, -0.5]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn absolute_error<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Losses<'t, T> {
    each("absolute_error", a, y, AbsoluteError)
}

/// Huber (1964): of each element `1/2 (A - Y)²` where that is at most `δ` wide, and `δ (|A - Y| - δ/2)` beyond, so
/// that outliers pull with a force of `δ` only. The gradient is `A - Y`, limited to `[-δ, δ]`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([1.5, 6.0]);
/// let losses = nn::loss::huber(a, &Tensor::from([1.0, 2.0]), 1.0);
/// assert_eq!(losses.each().value(), Tensor::from([0.125, 3.5]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([0.5, 1.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or `delta` is not positive.
#[track_caller]
pub fn huber<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>, delta: f64) -> Losses<'t, T> {
    positive::<T>("huber", "delta", delta);
    each("huber", a, y, Huber { delta, scale: 1.0 })
}

/// [`huber`] over its width: `(A - Y)² / 2β` where that is at most `β` wide, and `|A - Y| - β/2` beyond.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([1.5, 6.0]);
/// let losses = nn::loss::smooth_l1(a, &Tensor::from([1.0, 2.0]), 2.0);
/// assert_eq!(losses.each().value(), Tensor::from([0.0625, 3.0]));
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
    each("smooth_l1", a, y, Huber { delta: beta, scale: 1.0 / beta })
}
