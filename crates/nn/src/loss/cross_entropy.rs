//! Cross-entropy of classes.

use super::classes::rows;
use super::floored_ln::{ln, ln_slope};
use super::pairs::Term;
use super::target::{ClassTarget, ClassTargets};
use super::{Losses, check, probabilities};
use crate::functional::{self, CrossEntropyOptions, Reduction, class_axis, no_class};
use crate::setting::expect;
use tape::{Algebra, Binary, Element, Error, Tensor, Var};

/// `-y ln a`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CrossEntropy;

impl Term for CrossEntropy {
    fn from_settings(_: [f64; 2]) -> CrossEntropy {
        CrossEntropy
    }
}

impl Binary for CrossEntropy {
    const NAME: &'static str = "cross_entropy";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        -(y * ln(a))
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        -(y * ln_slope(a))
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, _y: A, _l: A) -> A {
        -ln(a)
    }
}

/// `-Σ Y ln A` of each sample, for probabilities `A` `[N, classes]` and labels or distributions `Y`.
///
/// A logarithm below -100 counts as -100 and has derivative 0; [`cross_entropy_with_logits`] needs no such rule.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[0.25, 0.75], [0.5, 0.5]]);
/// let loss = nn::loss::cross_entropy_with_probabilities(a, &[0, 1]).mean();
/// assert!((loss.value() - (4f64.ln() + 2f64.ln()) / 2.0).abs() < 1e-15);
/// assert_eq!(loss.backward().wrt(a), Tensor::from([[-2.0, 0.0], [0.0, -1.0]]));
/// ```
///
/// # Panics
/// If the shapes differ or are not `[N, classes]`, or a label is not a class; if a prediction or a target is not in
/// [0, 1].
#[track_caller]
pub fn cross_entropy_with_probabilities<'t, T: Element>(
    a: Var<'t, T>,
    y: impl ClassTarget<'t, T>,
) -> Losses<'t, T> {
    let op = "cross_entropy_with_probabilities";
    let y = distributions(op, a, y);
    expect(probabilities(op, "probabilities", a, "; for logits use cross_entropy_with_logits"));
    Losses::of_rows(a, y, CrossEntropy)
}

/// `-Σ Y ln softmax(Z)` of each sample, for logits `Z` `[N, classes]` and labels or distributions `Y`; finite for
/// every finite `Z`.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0, 0.0], [1000.0, 0.0]]);
/// let loss = nn::loss::cross_entropy_with_logits(z, &[0, 1]).mean();
/// assert!((loss.value() - (2f64.ln() + 1000.0) / 2.0).abs() < 1e-12);
/// assert_eq!(loss.backward().wrt(z), Tensor::from([[-0.25, 0.25], [0.5, -0.5]]));
/// ```
///
/// # Panics
/// If the shapes differ or are not `[N, classes]`, a label is not a class, or an element of a distribution is not in
/// [0, 1]. Use [`cross_entropy_with_logits_and_options`] for predictions `[N, classes, ..]`.
#[track_caller]
pub fn cross_entropy_with_logits<'t, T: Element>(z: Var<'t, T>, y: impl ClassTarget<'t, T>) -> Losses<'t, T> {
    let y = distributions("cross_entropy_with_logits", z, y);
    Losses::of_elements(z.cross_entropy(y, -1))
}

/// [`cross_entropy_with_logits`] with class weights `w`, label smoothing `s`, and a label that marks samples to ignore.
///
/// With `p` the softmax of `Z` over the classes, the loss of a sample is
/// - `-(1 - s) wₜ ln pₜ - s Σ w ln p / classes` for a label `t`. The mean divides by `Σ wₜ` over the samples that are not
///   ignored.
/// - `-Σ w ((1 - s) Y + s / classes) ln p` for a distribution `Y`. The mean divides by the number of samples.
///
/// An ignored sample, or one whose class has weight 0, has loss 0 and gradient 0, whatever its predictions are.
///
/// # Shapes
/// `Z` `[N, classes]`, `[N, classes, ..]` or `[classes]`; distributions have its shape, labels are one for each sample, or
/// for each position of a sample.
///
/// ```
/// use nn::functional::CrossEntropyOptions;
/// use nn::loss::cross_entropy_with_logits_and_options;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0, 0.0], [3.0, 1.0]]);
/// let options = CrossEntropyOptions { ignore: Some(-1), ..CrossEntropyOptions::default() };
/// let losses = cross_entropy_with_logits_and_options(z, &[1, -1], &options);
/// assert_eq!(losses.per_element().value(), Tensor::from([2f64.ln(), 0.0]));
/// assert_eq!(losses.mean().backward().wrt(z), Tensor::from([[0.5, -0.5], [0.0, 0.0]]));
///
/// let z = tape.var([[0.0, 0.0]]);
/// let options = CrossEntropyOptions { smoothing: 0.5, ..CrossEntropyOptions::default() };
/// let loss = cross_entropy_with_logits_and_options(z, &Tensor::from([[0.0, 1.0]]), &options).mean();
/// assert_eq!(loss.value(), 2f64.ln());
/// assert_eq!(loss.backward().wrt(z), Tensor::from([[0.25, -0.25]]));
/// ```
///
/// # Panics
/// If [`try_cross_entropy_with_logits_and_options`] returns an error.
#[track_caller]
pub fn cross_entropy_with_logits_and_options<'t, T: Element>(
    z: Var<'t, T>,
    y: impl ClassTarget<'t, T>,
    options: &CrossEntropyOptions<T>,
) -> Losses<'t, T> {
    expect(try_cross_entropy_with_logits_and_options(z, y, options))
}

/// [`cross_entropy_with_logits_and_options`], for labels from user input.
///
/// # Errors
/// If the numbers of labels and samples differ, a label is not a class, or the shape of distributions differs
/// from that of `Z`, or an element of one is not in [0, 1]; if the numbers of weights and classes differ, a weight is negative or not finite, or the
/// smoothing is not between 0 and 1.
///
/// ```
/// use nn::functional::CrossEntropyOptions;
/// use nn::loss::try_cross_entropy_with_logits_and_options as cross_entropy;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0, 0.0], [3.0, 1.0]]);
/// let options = CrossEntropyOptions::default();
/// let loss = cross_entropy(z, &[1, 0], &options)?.sum();
/// assert_eq!(loss.backward().wrt(z).slice(0, ..1), Tensor::from([[0.5, -0.5]]));
/// let error = cross_entropy(z, &[1, 2], &options).unwrap_err();
/// assert_eq!(error.to_string(), "cross_entropy: index 2 is out of range for axis 1 of shape [2, 2]");
/// # Ok::<(), tape::Error>(())
/// ```
#[track_caller]
pub fn try_cross_entropy_with_logits_and_options<'t, T: Element>(
    z: Var<'t, T>,
    y: impl ClassTarget<'t, T>,
    options: &CrossEntropyOptions<T>,
) -> Result<Losses<'t, T>, Error> {
    match y.on(z.tape()) {
        ClassTargets::Labels(labels) => of_labels(z, &labels, options),
        ClassTargets::Distributions(y) => {
            let op = "cross_entropy_with_logits_and_options";
            check(op, z, y)?;
            options.check(&z.shape())?;
            probabilities(op, "targets", y, "")?;
            Ok(Losses::of_elements(functional::soft_cross_entropy(&z, &y, options, Reduction::None)))
        }
    }
}

/// The losses of labels.
#[track_caller]
fn of_labels<'t, T: Element>(
    z: Var<'t, T>,
    labels: &[i64],
    options: &CrossEntropyOptions<T>,
) -> Result<Losses<'t, T>, Error> {
    let rows = |smoothing| rows(z, labels, &CrossEntropyOptions { smoothing, ..options.clone() });
    let all = rows(options.smoothing)?;
    let count = if options.smoothing == 0.0 { all.sum() } else { rows(0.0)?.sum() };
    // The gradient of a sample of weight 0 would multiply its softmax, which may be NaN, by 0.
    let weightless = labels.iter().any(|&label| Some(label) == options.ignore)
        || options.weight.as_ref().is_some_and(|w| w.to_vec().contains(&T::ZERO));
    let axis = class_axis(&z.shape())? as isize;
    let z = if weightless { Var::select(&all.sum_axes(axis, true), z, T::ZERO) } else { z };
    Ok(Losses::with_count(functional::cross_entropy(&z, labels, options, Reduction::None), count))
}

/// Targets as distributions `[N, classes]`, the shape of the predictions.
#[track_caller]
fn distributions<'t, T: Element>(
    op: &'static str,
    predictions: Var<'t, T>,
    y: impl ClassTarget<'t, T>,
) -> Var<'t, T> {
    let shape = predictions.shape();
    let rank = || Error::Rank { op, expected: "predictions [N, classes]", found: shape.dims() };
    let (y, labels) = match y.on(predictions.tape()) {
        ClassTargets::Distributions(y) => (y, false),
        ClassTargets::Labels(_) if shape.rank() != 2 => rank().panic(),
        ClassTargets::Labels(labels) => {
            (predictions.tape().constant(expect(one_hot(&labels, shape[1]))), true)
        }
    };
    expect(check(op, predictions, y));
    if shape.rank() != 2 {
        rank().panic();
    }
    if !labels {
        expect(probabilities(op, "targets", y, ""));
    }
    y
}

/// One-hot rows of labels.
fn one_hot<T: Element>(labels: &[i64], classes: usize) -> Result<Tensor<T>, Error> {
    let shape = [labels.len(), classes];
    let class = |&label: &i64| usize::try_from(label).map_err(|_| no_class("one_hot", label, 1, &shape));
    Tensor::one_hot(labels.iter().map(class).collect::<Result<Vec<_>, _>>()?, classes)
}
