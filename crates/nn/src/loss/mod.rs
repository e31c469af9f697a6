//! Losses, each with its exact normalisation.
//!
//! Predictions `A` have shape `[N, ..]`: one sample per position of the first axis, `N` of them, with `m` outputs
//! each. Targets `Y` have exactly the same shape: `[N]` against `[N, 1]` is refused, never broadcast. Targets are a
//! `&Tensor` (a constant) or a `Var`. A loss over no samples is 0.
//!
//! | function | value | gradient with respect to `A` |
//! |---|---|---|
//! | [`half_sse`] | `1/2 Σ (A - Y)²` | `A - Y` |
//! | [`sse`] | `Σ (A - Y)²` | `2 (A - Y)` |
//! | [`sample_mean_se`] | `1/N Σ (A - Y)²` | `2 (A - Y) / N` |
//! | [`half_mse`] | `1/(2N) Σ (A - Y)²` | `(A - Y) / N` |
//! | [`mse`] | `1/(Nm) Σ (A - Y)²` | `2 (A - Y) / (Nm)` |
//! | [`mae_sum`] | `Σ ǀA - Yǀ` | `sign(A - Y)` |
//! | [`mae`] | `1/N Σ ǀA - Yǀ` | `sign(A - Y) / N` |
//! | [`bce`] | `-1/N Σ [Y ln A + (1 - Y) ln(1 - A)]` | `(A - Y) / (N A (1 - A))` |
//! | [`bce_mean`] | the same with `1/(Nm)` | `(A - Y) / (Nm A (1 - A))` |
//! | [`cross_entropy`] | `-1/N Σ Y ln A` | `-Y / (N A)` |
//! | [`bce_from_logits`] | `bce` of `σ(Z)` | `(σ(Z) - Y) / N` |
//! | [`cross_entropy_from_logits`] | `cross_entropy` of `softmax(Z)` | `(softmax(Z) - Y) / N` |
//!
//! These come with their names as single functions. All others give the losses of single elements, or of samples,
//! as [`Losses`], of which `.sum()`, `.sample_mean()` and `.mean()` make one number: [`squared_error`],
//! [`absolute_error`], [`huber`], [`smooth_l1`]; [`binary_cross_entropy`], [`hinge`]; [`label_cross_entropy`],
//! [`soft_cross_entropy`], [`nll`], [`multi_margin`] with weights of classes, smoothing, and labels to be left out;
//! [`kl_divergence`], [`cosine_embedding`]. [`l1_penalty`] and [`l2_penalty`] are of weights. For labels from outside
//! there are forms that answer an error instead of a panic ([`try_label_cross_entropy`], [`try_nll`],
//! [`try_multi_margin`]); [`one_hot`] is that of the losses whose targets are distributions.
//!
//! Sums run over all elements. The names of the literature are not reliable: "mean squared error" stands for five
//! of these rows, and for `m = 1` or `N = 1` several coincide, so check with more than one of each.

mod binary;
mod by_name;
mod classes;
mod distance;
mod losses;
mod penalty;
mod regression;
mod target;
mod terms;

pub use binary::{binary_cross_entropy, binary_cross_entropy_from_logits, hinge, hinge_embedding};
pub use by_name::{Loss, ParseLossError};
pub use classes::{
    label_cross_entropy, multi_margin, nll, soft_cross_entropy, try_label_cross_entropy, try_multi_margin,
    try_nll,
};
pub use distance::{cosine_embedding, cosine_similarity, kl_divergence, kl_divergence_from_logs};
pub use losses::Losses;
#[doc(no_inline)]
pub use nn::functional::Classes;
pub use penalty::{l1_penalty, l2_penalty};
pub use regression::{absolute_error, huber, smooth_l1, squared_error};
pub use target::{ClassTarget, Target};

use tape::{Binary, Element, Error, Scalar, Shape, Tensor, Var};
use terms::{AbsoluteError, BinaryCrossEntropy, CrossEntropy, LogitCrossEntropy};

/// Labels as distributions, `[N, classes]`: 1 in the column of the label, 0 elsewhere.
///
/// ```
/// use tape::Tensor;
/// let y: Tensor = nn::one_hot(&[2, 0], 3)?;
/// assert_eq!(y, Tensor::from([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]));
/// assert!(nn::one_hot::<f64>(&[3], 3).is_err());
/// # Ok::<(), tape::Error>(())
/// ```
///
/// # Errors
/// [`Error::Index`] if a label is not below `classes`.
pub fn one_hot<T: Element>(labels: &[usize], classes: usize) -> Result<Tensor<T>, Error> {
    Tensor::one_hot(labels, classes)
}

/// `1/2 Σ (A - Y)²`, of one sample half the squared distance.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let loss = nn::loss::half_sse(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(loss.value(), 2.5);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[1.0, 0.0], [0.0, -2.0]]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn half_sse<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    squares("half_sse", a, y) * T::from_f64(0.5)
}

/// `Σ (A - Y)²`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let loss = nn::loss::sse(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(loss.value(), 5.0);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[2.0, 0.0], [0.0, -4.0]]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn sse<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    squares("sse", a, y)
}

/// `1/N Σ (A - Y)²`: the mean over samples of the sum over outputs.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let loss = nn::loss::sample_mean_se(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(loss.value(), 2.5);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[1.0, 0.0], [0.0, -2.0]]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn sample_mean_se<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    squares("sample_mean_se", a, y) / samples(a)
}

/// `1/(2N) Σ (A - Y)²`: half the mean over samples of the sum over outputs.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let loss = nn::loss::half_mse(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(loss.value(), 1.25);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[0.5, 0.0], [0.0, -1.0]]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn half_mse<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    squares("half_mse", a, y) / (samples(a) * T::from_f64(2.0))
}

/// `1/(Nm) Σ (A - Y)²`: the mean over all elements.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let loss = nn::loss::mse(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(loss.value(), 1.25);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[0.5, 0.0], [0.0, -1.0]]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn mse<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    squares("mse", a, y) / elements(a)
}

/// `Σ |A - Y|`; the derivative where they are equal is 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let loss = nn::loss::mae_sum(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(loss.value(), 3.0);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[1.0, 0.0], [0.0, -1.0]]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn mae_sum<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    total("mae_sum", a, y, AbsoluteError)
}

/// `1/N Σ |A - Y|`: the mean over samples of the sum over outputs; the derivative where they are equal is 0.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let loss = nn::loss::mae(a, &Tensor::from([[0.0, 2.0], [3.0, 6.0]]));
/// assert_eq!(loss.value(), 1.5);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[0.5, 0.0], [0.0, -0.5]]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn mae<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    total("mae", a, y, AbsoluteError) / samples(a)
}

/// `-1/N Σ [Y ln A + (1 - Y) ln(1 - A)]`: binary cross-entropy, the mean over samples of the sum over outputs.
///
/// Predictions are probabilities. A logarithm below -100 counts as -100 and has derivative 0, so predictions 0
/// and 1 give finite numbers; [`bce_from_logits`] needs no such rule.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[0.5], [0.25]]);
/// let loss = nn::loss::bce(a, &Tensor::from([[1.0], [0.0]]));
/// assert!((loss.value() - (2f64.ln() - 0.75f64.ln()) / 2.0).abs() < 1e-15);
/// let grad = loss.backward().wrt(a).to_vec();
/// assert!((grad[0] + 1.0).abs() < 1e-15 && (grad[1] - 2.0 / 3.0).abs() < 1e-15);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn bce<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    total("bce", a, y, BinaryCrossEntropy) / samples(a)
}

/// `-1/(Nm) Σ [Y ln A + (1 - Y) ln(1 - A)]`: [`bce`] as the mean over all elements.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[0.5, 0.5]]);
/// let loss = nn::loss::bce_mean(a, &Tensor::from([[1.0, 0.0]]));
/// assert!((loss.value() - 2f64.ln()).abs() < 1e-15);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[-1.0, 1.0]]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn bce_mean<'t, T: Element>(a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    total("bce_mean", a, y, BinaryCrossEntropy) / elements(a)
}

/// `1/N Σ [max(Z, 0) - Z Y + ln(1 + e^-|Z|)]`: [`bce`] of `σ(Z)`, accurate for every `Z`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0], [-1000.0]]);
/// let loss = nn::loss::bce_from_logits(z, &Tensor::from([[0.0], [1.0]]));
/// assert!((loss.value() - (2f64.ln() + 1000.0) / 2.0).abs() < 1e-12);
/// assert_eq!(loss.backward().wrt(z), Tensor::from([[0.25], [-0.5]]));
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn bce_from_logits<'t, T: Element>(z: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    total("bce_from_logits", z, y, LogitCrossEntropy) / samples(z)
}

/// `-1/N Σ Y ln A`: categorical cross-entropy of probabilities `A` `[N, classes]`.
///
/// A logarithm below -100 counts as -100 and has derivative 0; [`cross_entropy_from_logits`] needs no such rule.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[0.25, 0.75], [0.5, 0.5]]);
/// let loss = nn::loss::cross_entropy(a, &[0, 1]);
/// assert!((loss.value() - (4f64.ln() + 2f64.ln()) / 2.0).abs() < 1e-15);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[-2.0, 0.0], [0.0, -1.0]]));
/// ```
///
/// # Panics
/// If the shapes differ, or a label is not a class.
#[track_caller]
pub fn cross_entropy<'t, T: Element>(a: Var<'t, T>, y: impl ClassTarget<'t, T>) -> Scalar<'t, T> {
    total("cross_entropy", a, y.distributions(a), CrossEntropy) / samples(a)
}

/// `-1/N Σ Y ln softmax(Z)`: [`cross_entropy`] of the softmax along the last axis, accurate for every `Z`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0, 0.0], [1000.0, 0.0]]);
/// let loss = nn::loss::cross_entropy_from_logits(z, &[0, 1]);
/// assert!((loss.value() - (2f64.ln() + 1000.0) / 2.0).abs() < 1e-12);
/// assert_eq!(loss.backward().wrt(z), Tensor::from([[-0.25, 0.25], [0.5, -0.5]]));
/// ```
///
/// # Panics
/// If the shapes differ, or a label is not a class.
#[track_caller]
pub fn cross_entropy_from_logits<'t, T: Element>(z: Var<'t, T>, y: impl ClassTarget<'t, T>) -> Scalar<'t, T> {
    let y = y.distributions(z);
    check("cross_entropy_from_logits", z, y);
    z.cross_entropy(y, -1).sum() / samples(z)
}

/// The sum of `term` over all elements.
#[track_caller]
fn total<'t, T: Element, F: Binary>(
    name: &'static str,
    a: Var<'t, T>,
    y: impl Target<'t, T>,
    term: F,
) -> Scalar<'t, T> {
    a.zip(targets(name, a, y), term).sum()
}

/// `Σ (A - Y)²`, one operation.
#[track_caller]
fn squares<'t, T: Element>(name: &'static str, a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
    a.squared_distance(targets(name, a, y)).item()
}

/// Targets, of the shape of the predictions and on their tape.
#[track_caller]
fn targets<'t, T: Element>(op: &'static str, a: Var<'t, T>, y: impl Target<'t, T>) -> Var<'t, T> {
    let y = y.on(a.tape());
    check(op, a, y);
    y
}

/// Refuses targets of another shape than the predictions'.
#[track_caller]
fn check<T: Element>(op: &'static str, a: Var<'_, T>, y: Var<'_, T>) {
    let (a, y): (Shape, Shape) = (a.shape(), y.shape());
    if a != y {
        let reason = format!("predictions {a} and targets {y} differ in shape");
        Error::Invalid { op, reason }.panic();
    }
}

/// Unwraps what is an error only where the caller asks for one.
#[track_caller]
fn expect<V>(result: Result<V, Error>) -> V {
    match result {
        Ok(value) => value,
        Err(error) => error.panic(),
    }
}

/// A setting as a number of the loss: what is checked is what is computed with.
fn finite<T: Element>(op: &'static str, name: &str, x: f64, least: f64) -> Result<T, Error> {
    let value = T::from_f64(x);
    if value.is_finite() && x >= least {
        return Ok(value);
    }
    Err(Error::Invalid { op, reason: format!("expected a finite {name}, {least} or more, found {x}") })
}

/// `N`, and 1 if there are no samples: then the sum is 0 already.
fn samples<T: Element>(a: Var<'_, T>) -> T {
    T::from_usize(a.shape().first().copied().unwrap_or(1).max(1))
}

/// `Nm`, and 1 if there are no elements.
fn elements<T: Element>(a: Var<'_, T>) -> T {
    T::from_usize(a.shape().size().max(1))
}
