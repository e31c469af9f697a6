//! Losses of class labels other than the cross-entropy.
//!
//! Predictions have the shape `[N, classes]` or `[N, classes, ..]` (or `[classes]`), with one integer label for each
//! sample, or for each position of a sample.
//!
//! An ignored sample, or one whose class has weight 0, has loss 0 and gradient 0, whatever its predictions are.

use super::{Losses, finite};
use crate::Labels;
use crate::functional::{CrossEntropyOptions, class_axis};
use crate::setting::expect;
use tape::{Element, Error, Tensor, Var};

/// The weighted one-hot rows of the labels.
pub(super) fn rows<T: Element>(
    x: Var<'_, T>,
    labels: &(impl Labels + ?Sized),
    options: &CrossEntropyOptions<T>,
) -> Result<Tensor<T>, Error> {
    options.rows(labels, &x.shape())
}

/// `-wₜ Xₜ` of each sample, for logarithms of probabilities `X` and label `t`: the negative log-likelihood. The mean
/// divides by `Σ wₜ` over the samples that are not ignored. There is no smoothing.
///
/// ```
/// use nn::functional::CrossEntropyOptions;
/// use nn::loss::nll;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[-1.0, f64::NEG_INFINITY], [-2.0, -0.5]]);
/// let options = CrossEntropyOptions { weight: Some(Tensor::from([1.0, 3.0])), ..CrossEntropyOptions::default() };
/// let losses = nll(x, &[0, 1], &options);
/// assert_eq!(losses.per_element().value(), Tensor::from([1.0, 1.5]));
/// assert_eq!(losses.mean().backward().wrt(x), Tensor::from([[-0.25, 0.0], [0.0, -0.75]]));
/// ```
///
/// # Panics
/// If [`try_nll`] returns an error.
#[track_caller]
pub fn nll<'t, T: Element>(
    x: Var<'t, T>,
    labels: &(impl Labels + ?Sized),
    options: &CrossEntropyOptions<T>,
) -> Losses<'t, T> {
    expect(try_nll(x, labels, options))
}

/// [`nll`], for labels from user input.
///
/// # Errors
/// As [`try_cross_entropy_with_logits_and_options`](super::try_cross_entropy_with_logits_and_options), and for any smoothing.
///
/// ```
/// use nn::functional::CrossEntropyOptions;
/// use nn::loss::try_nll;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[-1.0, -2.0]]);
/// let loss = try_nll(x, &[1], &CrossEntropyOptions::default())?.sum();
/// assert_eq!((loss.value(), loss.backward().wrt(x)), (2.0, Tensor::from([[0.0, -1.0]])));
/// let error = try_nll(x, &[1, 1], &CrossEntropyOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "cross_entropy: shape [1] needs 1 elements, found 2");
/// # Ok::<(), tape::Error>(())
/// ```
#[track_caller]
pub fn try_nll<'t, T: Element>(
    x: Var<'t, T>,
    labels: &(impl Labels + ?Sized),
    options: &CrossEntropyOptions<T>,
) -> Result<Losses<'t, T>, Error> {
    without_smoothing("nll", options)?;
    let rows = rows(x, labels, options)?;
    let count = rows.sum();
    // A term of weight 0 contributes nothing: its logarithm may be infinite.
    let taken = Var::select(&rows, x, T::ZERO) * x.tape().constant(rows.clone());
    Ok(Losses::with_count(-taken.sum_axes(class_axis(&x.shape())? as isize, false), count))
}

/// `wₜ / classes Σ max(0, margin - Xₜ + X_c)ᵖ` of each sample, over the classes `c` that are not its label `t`:
/// zero once the score of the label is the largest by the margin. The mean is that over the samples; `ignore` has
/// no effect, and there is no smoothing.
///
/// ```
/// use nn::functional::CrossEntropyOptions;
/// use nn::loss::multi_margin;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 0.5, -2.0, 0.0]]);
/// let loss = multi_margin(x, &[0], 1, 1.0, &CrossEntropyOptions::default()).mean();
/// assert_eq!(loss.value(), 0.125);
/// assert_eq!(loss.backward().wrt(x), Tensor::from([[-0.25, 0.25, 0.0, 0.0]]));
/// ```
///
/// # Panics
/// If [`try_multi_margin`] returns an error.
#[track_caller]
pub fn multi_margin<'t, T: Element>(
    x: Var<'t, T>,
    labels: &(impl Labels + ?Sized),
    p: i32,
    margin: f64,
    options: &CrossEntropyOptions<T>,
) -> Losses<'t, T> {
    expect(try_multi_margin(x, labels, p, margin, options))
}

/// [`multi_margin`], for labels from user input.
///
/// # Errors
/// As [`try_cross_entropy_with_logits_and_options`](super::try_cross_entropy_with_logits_and_options), for any smoothing, if `p` is not positive, and if the margin is negative or not finite.
///
/// ```
/// use nn::functional::CrossEntropyOptions;
/// use nn::loss::try_multi_margin;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 0.5]]);
/// let loss = try_multi_margin(x, &[0], 1, 1.0, &CrossEntropyOptions::default())?.sum();
/// assert_eq!((loss.value(), loss.backward().wrt(x)), (0.25, Tensor::from([[-0.5, 0.5]])));
/// let error = try_multi_margin(x, &[0], 0, 1.0, &CrossEntropyOptions::default()).unwrap_err();
/// assert_eq!(error.to_string(), "multi_margin: expected a positive p, found 0");
/// # Ok::<(), tape::Error>(())
/// ```
#[track_caller]
pub fn try_multi_margin<'t, T: Element>(
    x: Var<'t, T>,
    labels: &(impl Labels + ?Sized),
    p: i32,
    margin: f64,
    options: &CrossEntropyOptions<T>,
) -> Result<Losses<'t, T>, Error> {
    if p < 1 {
        let reason = format!("expected a positive p, found {p}");
        return Err(Error::Invalid { op: "multi_margin", reason });
    }
    let margin = finite::<T>("multi_margin", "margin", margin, 0.0)?;
    without_smoothing("multi_margin", options)?;
    let axis = class_axis(&x.shape())? as isize;
    let unweighted = CrossEntropyOptions { ignore: None, weight: None, ..options.clone() };
    let label = rows(x, labels, &unweighted)?;
    let weight =
        rows(x, labels, &CrossEntropyOptions { ignore: None, ..options.clone() })?.sum_axes(axis, true);
    let score = Var::select(&label, x, T::ZERO).sum_axes(axis, true);
    let excess = (x - score + margin).relu().powi(p);
    // A term of weight 0 contributes nothing: its scores may be infinite.
    let others = Var::select(&weight, excess.masked_fill(&label, T::ZERO), T::ZERO);
    let classes = T::from_usize(x.shape()[axis as usize]);
    let share = weight.map_elements(|weight| weight / classes);
    Ok(Losses::of_elements((others * x.tape().constant(share)).sum_axes(axis, false)))
}

/// Refuses smoothing, for losses without it.
pub(super) fn without_smoothing<T: Element>(
    op: &'static str,
    options: &CrossEntropyOptions<T>,
) -> Result<(), Error> {
    if options.smoothing == 0.0 {
        return Ok(());
    }
    Err(Error::Invalid { op, reason: format!("expected no smoothing, found {}", options.smoothing) })
}
