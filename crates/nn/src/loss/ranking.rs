//! Losses of comparisons: which of two scores is larger, which of two vectors is nearer.

use super::{Losses, Target, check, finite, positive, targets};
use crate::setting::expect;
use std::panic::Location;
use tape::{Element, Error, Var};

/// `max(0, margin - Y (A - B))` of each element: zero once `A` is above `B` by the margin where the target is 1, and below it
/// where the target is -1. The derivative at the kink is 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (a, b) = (tape.var([1.0, 1.0, 3.0]), tape.var([0.5, 2.0, 0.0]));
/// let losses = nn::loss::margin_ranking(a, b, &Tensor::from([1.0, 1.0, -1.0]), 1.0);
/// assert_eq!(losses.per_element().value(), Tensor::from([0.5, 2.0, 4.0]));
/// let grads = losses.sum().backward();
/// assert_eq!(grads.wrt(a), Tensor::from([-1.0, -1.0, 1.0]));
/// assert_eq!(grads.wrt(b), Tensor::from([1.0, 1.0, -1.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or the margin is negative or not finite.
#[track_caller]
pub fn margin_ranking<'t, T: Element>(
    a: Var<'t, T>,
    b: Var<'t, T>,
    y: impl Target<'t, T>,
    margin: f64,
) -> Losses<'t, T> {
    let op = "margin_ranking";
    expect(check(op, a, b));
    let (y, margin) = (targets(op, a, y), expect(finite::<T>(op, "margin", margin, 0.0)));
    Losses::of_elements((-((a - b) * y) + margin).relu())
}

/// The options of [`triplet_margin`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TripletOptions {
    /// By how much the negative has to be farther away than the positive, 0 or more.
    pub margin: f64,
    /// The norm of the distances, above 0.
    pub p: f64,
    /// A number that is added to each difference, so that equal vectors have a distance with a derivative.
    pub eps: f64,
    /// Whether the distance of the negative is the smaller one of those from the anchor and from the positive.
    pub swap: bool,
}

impl Default for TripletOptions {
    /// A margin of 1, the Euclidean norm, and an `eps` of 1e-6.
    fn default() -> TripletOptions {
        TripletOptions { margin: 1.0, p: 2.0, eps: 1e-6, swap: false }
    }
}

/// `max(0, d(U, P) - d(U, Q) + margin)` of each sample, for anchors `U`, vectors `P` that belong to them, and vectors `Q` that
/// do not: zero once `Q` is farther away by the margin. Balntas and others, 2016; `d(u, v)` is the p-norm of `u - v + eps`.
/// The derivative at the kink is 0.
///
/// # Shapes
/// `U`, `P` and `Q` `[N, m]`.
///
/// ```
/// use nn::loss::{TripletOptions, triplet_margin};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (u, p, q) = (tape.var([[0.0, 0.0]]), tape.var([[3.0, 4.0]]), tape.var([[0.0, 4.0]]));
/// let losses = triplet_margin(u, p, q, &TripletOptions { eps: 0.0, ..TripletOptions::default() });
/// assert_eq!(losses.per_element().value(), Tensor::from([2.0])); // 5 - 4 + 1
/// let grads = losses.sum().backward();
/// assert_eq!(grads.wrt(p), Tensor::from([[0.6, 0.8]]));
/// assert_eq!(grads.wrt(q), Tensor::from([[0.0, -1.0]]));
/// ```
///
/// # Panics
/// If the shapes differ from these, or an option is out of range.
#[track_caller]
pub fn triplet_margin<'t, T: Element>(
    u: Var<'t, T>,
    p: Var<'t, T>,
    q: Var<'t, T>,
    options: &TripletOptions,
) -> Losses<'t, T> {
    let op = "triplet_margin";
    if u.shape().rank() != 2 {
        Error::Rank { op, expected: "vectors [N, m]", found: u.shape().dims() }.panic();
    }
    expect(check(op, u, p).and_then(|()| check(op, u, q)));
    let margin = expect(finite::<T>(op, "margin", options.margin, 0.0));
    let eps = expect(finite::<T>(op, "eps", options.eps, 0.0));
    positive::<T>(op, "p", options.p);
    u.tape().at_location(Location::caller(), || {
        let distance = |a: Var<'t, T>, b: Var<'t, T>| (a - b + eps).norm_axes(options.p, -1, false);
        let far = match options.swap {
            true => distance(u, q).minimum(distance(p, q)),
            false => distance(u, q),
        };
        Losses::of_elements((distance(u, p) - far + margin).relu())
    })
}
