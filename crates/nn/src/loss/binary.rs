//! Binary classification losses.

use super::floored_ln::{ln, ln_slope};
use super::pairs::Term;
use super::{Losses, Target, check, finite, probabilities, targets};
use crate::functional::{Reduction, bce_with_logits};
use crate::setting::expect;
use tape::ops::{Relu, Sigmoid, Softplus};
use tape::{Algebra, Binary, Element, Error, Tensor, Unary, Var};

/// `-y ln a - (1 - y) ln(1 - a)`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct BinaryCrossEntropy;

impl Term for BinaryCrossEntropy {
    fn from_settings(_: [f64; 2]) -> BinaryCrossEntropy {
        BinaryCrossEntropy
    }
}

impl Binary for BinaryCrossEntropy {
    const NAME: &'static str = "binary_cross_entropy";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        -(y * ln(a) + (T::ONE - y) * ln(T::ONE - a))
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        let one = a.lift(1.0);
        (one - y) * ln_slope(one - a) - y * ln_slope(a)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, _y: A, _l: A) -> A {
        ln(a.lift(1.0) - a) - ln(a)
    }
}

/// `softplus(z) - z y`, which is `max(z, 0) - z y + ln(1 + e^-|z|)`: the binary cross-entropy of `σ(z)`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct LogitCrossEntropy;

impl Term for LogitCrossEntropy {
    fn from_settings(_: [f64; 2]) -> LogitCrossEntropy {
        LogitCrossEntropy
    }
}

impl Binary for LogitCrossEntropy {
    const NAME: &'static str = "logit_cross_entropy";

    #[inline(always)]
    fn eval<T: Element>(&self, z: T, y: T) -> T {
        z.map(Softplus) - z * y
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, z: A, y: A, _l: A) -> A {
        z.map(Sigmoid) - y
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, z: A, _y: A, _l: A) -> A {
        -z
    }
}

/// Targets of a binary classification: probabilities, of the shape of the predictions.
#[track_caller]
fn classes<'t, T: Element>(op: &'static str, a: Var<'t, T>, y: impl Target<'t, T>) -> Var<'t, T> {
    let y = targets(op, a, y);
    expect(probabilities(op, "targets", y, ""));
    y
}

/// `-Y ln A - (1 - Y) ln(1 - A)` of each element, for probabilities `A`.
///
/// A logarithm below -100 counts as -100 and has derivative 0, so the predictions 0 and 1 give finite losses;
/// [`binary_cross_entropy_with_logits`] needs no such rule.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([0.5, 0.5]);
/// let losses = nn::loss::binary_cross_entropy_with_probabilities(a, &Tensor::from([1.0, 0.0]));
/// let weighted = losses.weighted(&Tensor::from([1.0, 3.0])).mean();
/// assert_eq!(weighted.value(), 2.0 * 2f64.ln());
/// assert_eq!(weighted.backward().wrt(a), Tensor::from([-1.0, 3.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or a prediction or a target is not in [0, 1].
#[track_caller]
pub fn binary_cross_entropy_with_probabilities<'t, T: Element>(
    a: Var<'t, T>,
    y: impl Target<'t, T>,
) -> Losses<'t, T> {
    let op = "binary_cross_entropy_with_probabilities";
    let y = classes(op, a, y);
    expect(probabilities(op, "probabilities", a, "; for logits use binary_cross_entropy_with_logits"));
    Losses::of_pairs(a, y, BinaryCrossEntropy)
}

/// [`binary_cross_entropy_with_probabilities`] of `σ(Z)`, finite for every finite `Z`:
/// `max(Z, 0) - Z Y + ln(1 + e^-|Z|)` of each element.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0], [-1000.0]]);
/// let loss = nn::loss::binary_cross_entropy_with_logits(z, &Tensor::from([[0.0], [1.0]])).mean_over_samples();
/// assert!((loss.value() - (2f64.ln() + 1000.0) / 2.0).abs() < 1e-12);
/// assert_eq!(loss.backward().wrt(z), Tensor::from([[0.25], [-0.5]]));
/// ```
///
/// # Panics
/// If the shapes differ, or a target is not in [0, 1].
#[track_caller]
pub fn binary_cross_entropy_with_logits<'t, T: Element>(
    z: Var<'t, T>,
    y: impl Target<'t, T>,
) -> Losses<'t, T> {
    let y = classes("binary_cross_entropy_with_logits", z, y);
    Losses::of_pairs(z, y, LogitCrossEntropy)
}

/// [`binary_cross_entropy_with_logits`] where `pos_weight` multiplies the term of `Y`: above 1 it penalizes
/// false negatives more than false positives. The loss of each element is `pos_weight Y softplus(-Z) + (1 - Y) softplus(Z)`,
/// which neither overflows nor cancels.
///
/// # Shapes
/// `Z` and `Y` of one shape; `pos_weight` broadcasts with it.
///
/// ```
/// use nn::loss::binary_cross_entropy_with_logits_and_pos_weight;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([0.0, 0.0, -1000.0]);
/// let (y, pos_weight) = (Tensor::from([1.0, 0.0, 1.0]), Tensor::scalar(3.0));
/// let losses = binary_cross_entropy_with_logits_and_pos_weight(z, &y, &pos_weight);
/// assert_eq!(losses.per_element().value(), Tensor::from([3.0 * 2f64.ln(), 2f64.ln(), 3000.0]));
/// assert_eq!(losses.sum().backward().wrt(z), Tensor::from([-1.5, 0.5, -3.0]));
/// ```
///
/// # Panics
/// If the shapes of `Z` and `Y` differ, or a target is not in [0, 1]; if `pos_weight` broadcasts to another shape, or has a negative or
/// non-finite element.
#[track_caller]
pub fn binary_cross_entropy_with_logits_and_pos_weight<'t, T: Element>(
    z: Var<'t, T>,
    y: impl Target<'t, T>,
    pos_weight: &Tensor<T>,
) -> Losses<'t, T> {
    let op = "binary_cross_entropy_with_logits_and_pos_weight";
    let y = classes(op, z, y);
    if let Some(found) = pos_weight.to_vec().into_iter().find(|w| !(*w >= T::ZERO && w.is_finite())) {
        let reason = format!("expected a finite pos_weight, 0 or more, found {found}");
        Error::Invalid { op, reason }.panic();
    }
    let pos_weight = z.tape().constant(pos_weight.clone());
    let each = bce_with_logits(&z, &y, None, Some(&pos_weight), Reduction::None);
    if each.shape() != z.shape() {
        Error::Shape { op, expected: z.shape().dims(), found: each.shape().dims() }.panic();
    }
    Losses::of_elements(each)
}

/// `max(0, margin - a y)`
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hinge {
    margin: f64,
}

impl Hinge {
    /// `margin - a y`.
    #[inline(always)]
    fn excess<A: Algebra>(&self, a: A, y: A) -> A {
        -(a * y) + a.lift(self.margin)
    }
}

impl Term for Hinge {
    fn settings(self) -> [f64; 2] {
        [self.margin, 0.0]
    }

    fn from_settings([margin, _]: [f64; 2]) -> Hinge {
        Hinge { margin }
    }
}

impl Binary for Hinge {
    const NAME: &'static str = "hinge";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        self.excess(a, y).map(Relu)
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        let zero = a.lift(0.0);
        self.excess(a, y).if_gt(zero, -y, zero)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        let zero = a.lift(0.0);
        self.excess(a, y).if_gt(zero, -a, zero)
    }

    fn branch<T: Element>(&self, a: T, y: T) -> i64 {
        Relu.branch(self.excess(a, y))
    }
}

/// `max(0, margin - Y A)` of each element, for targets 1 and -1: zero once the prediction is on the right side by the
/// margin. The derivative at the kink is 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([0.5, 2.0, 0.5]);
/// let losses = nn::loss::hinge(a, &Tensor::from([1.0, 1.0, -1.0]), 1.0);
/// assert_eq!(losses.per_element().value(), Tensor::from([0.5, 0.0, 1.5]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([-1.0, 0.0, 1.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or the margin is negative or not finite.
#[track_caller]
pub fn hinge<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>, margin: f64) -> Losses<'t, T> {
    let (y, margin) = (targets("hinge", a, y), expect(finite::<T>("hinge", "margin", margin, 0.0)));
    Losses::of_pairs(a, y, Hinge { margin: margin.to_f64() })
}

/// For distances `A`: `A` where the target is 1 (a similar pair), `max(0, margin - A)` elsewhere (a dissimilar pair).
/// The derivative at the kink is 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([0.25, 0.25, 2.0]);
/// let losses = nn::loss::hinge_embedding(a, &Tensor::from([1.0, -1.0, -1.0]), 1.0);
/// assert_eq!(losses.per_element().value(), Tensor::from([0.25, 0.75, 0.0]));
/// assert_eq!(losses.sum().backward().wrt(a), Tensor::from([1.0, -1.0, 0.0]));
/// ```
///
/// # Panics
/// If the shapes differ, or the margin is negative or not finite.
#[track_caller]
pub fn hinge_embedding<'t, T: Element>(a: Var<'t, T>, y: &Tensor<T>, margin: f64) -> Losses<'t, T> {
    expect(check("hinge_embedding", a, y.on(a.tape())));
    let margin = expect(finite::<T>("hinge_embedding", "margin", margin, 0.0));
    Losses::of_elements(Var::select(&together(y), a, (-a + margin).relu()))
}

/// 1 where the target is 1.
pub(super) fn together<T: Element>(y: &Tensor<T>) -> Tensor<T> {
    y.map_elements(|y| if y == T::ONE { T::ONE } else { T::ZERO })
}
