//! Classes from outputs, and their accuracy.

use crate::Labels;
use crate::functional::no_class;
use tape::{Element, Error, Tensor};

/// The column of the largest element of each row, the first of equal ones. NaN is skipped; a row of NaNs
/// gives 0.
///
/// # Shapes
/// `x` is `[n, classes]`, with at least one class.
///
/// # Errors
/// Another rank, or no classes.
///
/// ```
/// use nn::metrics::argmax_rows;
/// use tape::Tensor;
/// assert_eq!(argmax_rows(&Tensor::from([[0.1, 0.7, 0.7], [f64::NAN, -2.0, -1.0]]))?, [1, 2]);
/// # Ok::<(), tape::Error>(())
/// ```
pub fn argmax_rows<T: Element>(x: &Tensor<T>) -> Result<Vec<usize>, Error> {
    let &[_, classes] = &x.shape()[..] else {
        return Err(Error::Rank { op: "argmax_rows", expected: "rank 2", found: x.shape().dims() });
    };
    if classes == 0 {
        return Err(Error::Empty { op: "argmax_rows", shape: x.shape().dims() });
    }
    let largest = |row: &[T]| {
        let mut best = 0;
        for (i, &value) in row.iter().enumerate() {
            if value > row[best] || (row[best].is_nan() && !value.is_nan()) {
                best = i;
            }
        }
        best
    };
    Ok(x.to_vec().chunks_exact(classes).map(largest).collect())
}

/// The share of predictions that equal their label: correct / total. NaN if there are none.
///
/// # Errors
/// Different numbers of predictions and labels.
///
/// ```
/// assert_eq!(nn::metrics::accuracy(&[3, 1, 4, 1], &[3, 1, 4, 5])?, 0.75);
/// # Ok::<(), tape::Error>(())
/// ```
pub fn accuracy(predicted: &(impl Labels + ?Sized), labels: &(impl Labels + ?Sized)) -> Result<f64, Error> {
    let (predicted, labels) = (predicted.to_i64(), labels.to_i64());
    same_count("accuracy", &predicted, &labels)?;
    let correct = predicted.iter().zip(labels.iter()).filter(|(a, b)| a == b).count();
    Ok(correct as f64 / labels.len() as f64)
}

/// The share of samples whose label is among the `k` largest scores of its row. NaN if there are none.
///
/// Of equal scores the earlier counts as larger, and NaN as smaller than all, as in [`argmax_rows`]: `top_k`
/// with `k = 1` is the [`accuracy`] of its classes.
///
/// # Shapes
/// `scores` is `[n, classes]`, `labels` has `n` elements.
///
/// # Errors
/// Another rank, another number of labels than rows, a label that is not a column; a `k` of 0 or above the
/// number of columns.
///
/// ```
/// use nn::metrics::top_k;
/// use tape::Tensor;
/// let scores = Tensor::from([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]);
/// assert_eq!([1, 2, 3].map(|k| top_k(&scores, &[1, 2], k).unwrap()), [0.5, 1.0, 1.0]);
/// ```
pub fn top_k<T: Element>(
    scores: &Tensor<T>,
    labels: &(impl Labels + ?Sized),
    k: usize,
) -> Result<f64, Error> {
    let &[n, classes] = &scores.shape()[..] else {
        return Err(Error::Rank { op: "top_k", expected: "rank 2", found: scores.shape().dims() });
    };
    if k == 0 || k > classes {
        let reason = format!("expected k from 1 to the number of classes, {classes}, found {k}");
        return Err(Error::Invalid { op: "top_k", reason });
    }
    let labels = labels.to_i64();
    if n != labels.len() {
        return Err(Error::Elements { op: "top_k", shape: vec![n], found: labels.len() });
    }
    let class =
        |&label: &i64| class_below(classes, label).ok_or_else(|| no_class("top_k", label, 1, scores.shape()));
    let labels = labels.iter().map(class).collect::<Result<Vec<usize>, Error>>()?;
    let before = |row: &[T], label: usize| {
        let own = row[label];
        let ahead = |&(i, &score): &(usize, &T)| match (score.is_nan(), own.is_nan()) {
            (false, false) => score > own || (score == own && i < label),
            (other, own) => own && (!other || i < label),
        };
        row.iter().enumerate().filter(ahead).count()
    };
    let values = scores.to_vec();
    let rows = values.chunks_exact(classes).zip(labels);
    let found = rows.filter(|&(row, label)| before(row, label) < k).count();
    Ok(found as f64 / n as f64)
}

/// A label as an index, if it is a class.
pub(super) fn class_below(classes: usize, label: i64) -> Option<usize> {
    usize::try_from(label).ok().filter(|&class| class < classes)
}

pub(super) fn same_count(op: &'static str, predicted: &[i64], labels: &[i64]) -> Result<(), Error> {
    if predicted.len() == labels.len() {
        return Ok(());
    }
    Err(Error::Elements { op, shape: vec![labels.len()], found: predicted.len() })
}
