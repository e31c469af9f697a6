//! Losses of classes: the labels are whole numbers, of which one may mark samples to be left out.
//!
//! Predictions have the shape `[N, classes]` or `[N, classes, ..]` (or `[classes]`), with one label for each
//! sample, or each position of a sample. [`Classes`] holds weights, the mark, and the smoothing; its reduction is
//! not looked at, because [`Losses`] has names for those.
//!
//! A sample that is left out, or whose class has weight 0, takes no part: its loss and its gradient are 0, whatever its
//! predictions are.

use super::{Losses, Target, expect, finite, targets};
use crate::functional::{self, Classes, Reduction};
use tape::{Element, Error, Tensor, Var};

/// `classes` without reduction.
fn apart<T: Element>(classes: &Classes<T>) -> Classes<T> {
    Classes { reduction: Reduction::None, ..classes.clone() }
}

/// What the targets weigh, each in the place of its class.
fn rows<T: Element>(x: Var<'_, T>, labels: &[i64], classes: &Classes<T>) -> Result<Tensor<T>, Error> {
    classes.rows(labels, &x.shape())
}

/// The axis of the classes: the second, or the only one.
fn class_axis<T: Element>(x: Var<'_, T>) -> isize {
    isize::from(x.shape().rank() > 1)
}

/// The cross-entropy of each sample, of logits and labels: `-(1 - s) wₜ ln pₜ - s Σ w ln p / classes` with `p` the
/// softmax of `Z`, label `t`, weights `w` and smoothing `s`. The mean divides by `Σ wₜ` over the samples that are
/// not left out.
///
/// ```
/// use nn::loss::{Classes, label_cross_entropy};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0, 0.0], [3.0, 1.0]]);
/// let classes = Classes { ignore: Some(-1), ..Classes::default() };
/// let losses = label_cross_entropy(z, &[1, -1], &classes);
/// assert_eq!(losses.each().value(), Tensor::from([2f64.ln(), 0.0]));
/// assert_eq!(losses.mean().backward().wrt(z), Tensor::from([[0.5, -0.5], [0.0, 0.0]]));
/// ```
///
/// # Panics
/// As [`try_label_cross_entropy`] fails.
#[track_caller]
pub fn label_cross_entropy<'t, T: Element>(
    z: Var<'t, T>,
    labels: &[i64],
    classes: &Classes<T>,
) -> Losses<'t, T> {
    expect(try_label_cross_entropy(z, labels, classes))
}

/// [`label_cross_entropy`], for labels from outside.
///
/// # Errors
/// If there is not one label for each sample, or a label is not a class; if there is not one weight for each class, a
/// weight is negative or not finite, or the smoothing is not between 0 and 1.
///
/// ```
/// use nn::loss::{Classes, try_label_cross_entropy};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0, 0.0], [3.0, 1.0]]);
/// let loss = try_label_cross_entropy(z, &[1, 0], &Classes::default())?.sum();
/// assert_eq!(loss.backward().wrt(z).slice(0, ..1), Tensor::from([[0.5, -0.5]]));
/// let error = try_label_cross_entropy(z, &[1, 2], &Classes::default()).unwrap_err();
/// assert_eq!(error.to_string(), "cross_entropy: index 2 is out of range for axis 1 of shape [2, 2]");
/// # Ok::<(), tape::Error>(())
/// ```
pub fn try_label_cross_entropy<'t, T: Element>(
    z: Var<'t, T>,
    labels: &[i64],
    classes: &Classes<T>,
) -> Result<Losses<'t, T>, Error> {
    let rows = |smoothing| rows(z, labels, &Classes { smoothing, ..classes.clone() });
    let all = rows(classes.smoothing)?;
    let count = if classes.smoothing == 0.0 { all.sum() } else { rows(0.0)?.sum() };
    // What has no weight takes no part: in the gradient its softmax, which may be NaN, would meet the weight 0.
    let weightless = labels.iter().any(|&label| Some(label) == classes.ignore)
        || classes.weight.as_ref().is_some_and(|w| w.to_vec().contains(&T::ZERO));
    let z = if weightless { Var::select(&all.sum_axes(class_axis(z), true), z, T::ZERO) } else { z };
    Ok(Losses::weighing(functional::cross_entropy(&z, labels, &apart(classes)), count))
}

/// The cross-entropy of each sample, of logits and distributions: `-Σ w ((1 - s) Y + s / classes) ln p`. The mean
/// divides by the number of samples.
///
/// ```
/// use nn::loss::{Classes, soft_cross_entropy};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let z = tape.var([[0.0, 0.0]]);
/// let classes = Classes { smoothing: 0.5, ..Classes::default() };
/// let loss = soft_cross_entropy(z, &Tensor::from([[0.0, 1.0]]), &classes).mean();
/// assert_eq!(loss.value(), 2f64.ln());
/// assert_eq!(loss.backward().wrt(z), Tensor::from([[0.25, -0.25]]));
/// ```
///
/// # Panics
/// If the shapes differ; for weights and smoothing as [`try_label_cross_entropy`] fails.
#[track_caller]
pub fn soft_cross_entropy<'t, T: Element>(
    z: Var<'t, T>,
    y: impl Target<'t, T>,
    classes: &Classes<T>,
) -> Losses<'t, T> {
    let y = targets("soft_cross_entropy", z, y);
    Losses::of_elements(functional::soft_cross_entropy(&z, &y, &apart(classes)))
}

/// `-wₜ Xₜ` of each sample, for logarithms of probabilities `X` and label `t`: the negative log-likelihood. The mean
/// divides by `Σ wₜ` over the samples that are not left out. There is no smoothing.
///
/// ```
/// use nn::loss::{Classes, nll};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[-1.0, f64::NEG_INFINITY], [-2.0, -0.5]]);
/// let classes = Classes { weight: Some(Tensor::from([1.0, 3.0])), ..Classes::default() };
/// let losses = nll(x, &[0, 1], &classes);
/// assert_eq!(losses.each().value(), Tensor::from([1.0, 1.5]));
/// assert_eq!(losses.mean().backward().wrt(x), Tensor::from([[-0.25, 0.0], [0.0, -0.75]]));
/// ```
///
/// # Panics
/// As [`try_nll`] fails.
#[track_caller]
pub fn nll<'t, T: Element>(x: Var<'t, T>, labels: &[i64], classes: &Classes<T>) -> Losses<'t, T> {
    expect(try_nll(x, labels, classes))
}

/// [`nll`], for labels from outside.
///
/// # Errors
/// As [`try_label_cross_entropy`], and for any smoothing.
///
/// ```
/// use nn::loss::{Classes, try_nll};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[-1.0, -2.0]]);
/// let loss = try_nll(x, &[1], &Classes::default())?.sum();
/// assert_eq!((loss.value(), loss.backward().wrt(x)), (2.0, Tensor::from([[0.0, -1.0]])));
/// let error = try_nll(x, &[1, 1], &Classes::default()).unwrap_err();
/// assert_eq!(error.to_string(), "cross_entropy: shape [1] needs 1 elements, found 2");
/// # Ok::<(), tape::Error>(())
/// ```
pub fn try_nll<'t, T: Element>(
    x: Var<'t, T>,
    labels: &[i64],
    classes: &Classes<T>,
) -> Result<Losses<'t, T>, Error> {
    without_smoothing("nll", classes)?;
    let rows = rows(x, labels, classes)?;
    let count = rows.sum();
    // What has no weight takes no part: its logarithm may be infinite.
    let taken = Var::select(&rows, x, T::ZERO) * x.tape().constant(rows.clone());
    Ok(Losses::weighing(-taken.sum_axes(class_axis(x), false), count))
}

/// `wₜ / classes Σ max(0, margin - Xₜ + X_c)ᵖ` of each sample, over the classes `c` that are not its label `t`:
/// zero once the score of the label is the largest by the margin. The mean is that over the samples; none are left
/// out, and there is no smoothing.
///
/// ```
/// use nn::loss::{Classes, multi_margin};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 0.5, -2.0, 0.0]]);
/// let loss = multi_margin(x, &[0], 1, 1.0, &Classes::default()).mean();
/// assert_eq!(loss.value(), 0.125);
/// assert_eq!(loss.backward().wrt(x), Tensor::from([[-0.25, 0.25, 0.0, 0.0]]));
/// ```
///
/// # Panics
/// As [`try_multi_margin`] fails.
#[track_caller]
pub fn multi_margin<'t, T: Element>(
    x: Var<'t, T>,
    labels: &[i64],
    p: i32,
    margin: f64,
    classes: &Classes<T>,
) -> Losses<'t, T> {
    expect(try_multi_margin(x, labels, p, margin, classes))
}

/// [`multi_margin`], for labels from outside.
///
/// # Errors
/// As [`try_label_cross_entropy`], for any smoothing, if `p` is not positive, and if the margin is negative or not finite.
///
/// ```
/// use nn::loss::{Classes, try_multi_margin};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 0.5]]);
/// let loss = try_multi_margin(x, &[0], 1, 1.0, &Classes::default())?.sum();
/// assert_eq!((loss.value(), loss.backward().wrt(x)), (0.25, Tensor::from([[-0.5, 0.5]])));
/// let error = try_multi_margin(x, &[0], 0, 1.0, &Classes::default()).unwrap_err();
/// assert_eq!(error.to_string(), "multi_margin: expected a positive p, found 0");
/// # Ok::<(), tape::Error>(())
/// ```
pub fn try_multi_margin<'t, T: Element>(
    x: Var<'t, T>,
    labels: &[i64],
    p: i32,
    margin: f64,
    classes: &Classes<T>,
) -> Result<Losses<'t, T>, Error> {
    if p < 1 {
        let reason = format!("expected a positive p, found {p}");
        return Err(Error::Invalid { op: "multi_margin", reason });
    }
    let margin = finite::<T>("multi_margin", "margin", margin, 0.0)?;
    without_smoothing("multi_margin", classes)?;
    let axis = class_axis(x);
    let unweighted = Classes { ignore: None, weight: None, ..classes.clone() };
    let label = rows(x, labels, &unweighted)?;
    let weight = rows(x, labels, &Classes { ignore: None, ..classes.clone() })?.sum_axes(axis, true);
    let score = Var::select(&label, x, T::ZERO).sum_axes(axis, true);
    let excess = (x - score + margin).relu().powi(p);
    // What has no weight takes no part: its scores may be infinite.
    let others = Var::select(&weight, excess.masked_fill(&label, T::ZERO), T::ZERO);
    let classes = T::from_usize(x.shape()[axis as usize]);
    let share = weight.map_elements(|weight| weight / classes);
    Ok(Losses::of_elements((others * x.tape().constant(share)).sum_axes(axis, false)))
}

/// Refuses smoothing where there is none.
fn without_smoothing<T: Element>(op: &'static str, classes: &Classes<T>) -> Result<(), Error> {
    if classes.smoothing == 0.0 {
        return Ok(());
    }
    Err(Error::Invalid { op, reason: format!("expected no smoothing, found {}", classes.smoothing) })
}
