//! Losses of yes and no.

use super::regression::each;
use super::terms::BinaryCrossEntropy;
use super::{Losses, Target, check, expect, finite, targets};
use crate::functional::{Reduction, bce_with_logits};
use tape::{Element, Error, Tensor, Var};

/// `-Y ln A - (1 - Y) ln(1 - A)` of each element: what [`bce`](super::bce) adds up, with the same floor of the
/// logarithms.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([0.5, 0.5]);
/// let losses = nn::loss::binary_cross_entropy(a, &Tensor::from([1.0, 0.0]));
/// let weighted = losses.weighted(&Tensor::from([1.0, 3.0])).mean();
/// assert_eq!(weighted.value(), 2.0 * 2f64.ln());
/// assert_eq!(weighted.backward().wrt(a), Tensor::from([-1.0, 3.0]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn binary_cross_entropy<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Losses<'t, T> {
    each("binary_cross_entropy", a, y, BinaryCrossEntropy)
}

/// [`binary_cross_entropy`] of `σ(Z)`, accurate for every `Z`; `pos_weight`, which broadcasts with `Z`, multiplies
/// the part of `Y`: above 1 it makes a missed yes dearer than a false one.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([0.0, 0.0, -1000.0]);
/// let losses =
///     nn::loss::binary_cross_entropy_from_logits(z, &Tensor::from([1.0, 0.0, 1.0]), Some(&Tensor::scalar(3.0)));
/// assert_eq!(losses.each().value(), Tensor::from([3.0 * 2f64.ln(), 2f64.ln(), 3000.0]));
/// assert_eq!(losses.sum().backward().wrt(z), Tensor::from([-1.5, 0.5, -3.0]));
/// ```
///
/// # Panics
/// If the shapes of `Z` and `Y` differ; if `pos_weight` broadcasts to another shape, or one is negative or not finite.
#[track_caller]
pub fn binary_cross_entropy_from_logits<'t, T: Element>(
    z: Var<'t, T>,
    y: impl Target<'t, T>,
    pos_weight: Option<&Tensor<T>>,
) -> Losses<'t, T> {
    let y = targets("binary_cross_entropy_from_logits", z, y);
    let op = "binary_cross_entropy_from_logits";
    if let Some(found) =
        pos_weight.and_then(|w| w.to_vec().into_iter().find(|w| !(*w >= T::ZERO && w.is_finite())))
    {
        let reason = format!("expected a finite pos_weight, 0 or more, found {found}");
        Error::Invalid { op, reason }.panic();
    }
    let pos_weight = pos_weight.map(|weight| z.tape().constant(weight.clone()));
    let each = bce_with_logits(&z, &y, None, pos_weight.as_ref(), Reduction::None);
    if each.shape() != z.shape() {
        Error::Shape { op, expected: z.shape().dims(), found: each.shape().dims() }.panic();
    }
    Losses::of_elements(each)
}

/// `max(0, margin - Y A)` of each element, for targets 1 and -1: zero once the prediction is on the right side by the
/// margin. The derivative at the kink is 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([0.5, 2.0, 0.5]);
/// let losses = nn::loss::hinge(a, &Tensor::from([1.0, 1.0, -1.0]), 1.0);
/// assert_eq!(losses.each().value(), Tensor::from([0.5, 0.0, 1.5]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([-1.0, 0.0, 1.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or the margin is negative or not finite.
#[track_caller]
pub fn hinge<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>, margin: f64) -> Losses<'t, T> {
    let (y, margin) = (targets("hinge", a, y), expect(finite::<T>("hinge", "margin", margin, 0.0)));
    Losses::of_elements((-(a * y) + margin).relu())
}

/// Of distances `A`: `A` itself where the target is 1 (the pair belongs together), `max(0, margin - A)` elsewhere.
/// The derivative at the kink is 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([0.25, 0.25, 2.0]);
/// let losses = nn::loss::hinge_embedding(a, &Tensor::from([1.0, -1.0, -1.0]), 1.0);
/// assert_eq!(losses.each().value(), Tensor::from([0.25, 0.75, 0.0]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([1.0, -1.0, 0.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or the margin is negative or not finite.
#[track_caller]
pub fn hinge_embedding<'t, T: Element>(a: Var<'t, T>, y: &Tensor<T>, margin: f64) -> Losses<'t, T> {
    check("hinge_embedding", a, y.on(a.tape()));
    let margin = expect(finite::<T>("hinge_embedding", "margin", margin, 0.0));
    Losses::of_elements(Var::select(&together(y), a, (-a + margin).relu()))
}

/// 1 where the target is 1.
pub(super) fn together<T: Element>(y: &Tensor<T>) -> Tensor<T> {
    y.map_elements(|y| if y == T::ONE { T::ONE } else { T::ZERO })
}
