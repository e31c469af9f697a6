//! Classes from outputs, and their accuracy.

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
pub fn accuracy(predicted: &[usize], labels: &[usize]) -> Result<f64, Error> {
    same_count("accuracy", predicted, labels)?;
    let correct = predicted.iter().zip(labels).filter(|(a, b)| a == b).count();
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
pub fn top_k<T: Element>(scores: &Tensor<T>, labels: &[usize], k: usize) -> Result<f64, Error> {
    let &[n, classes] = &scores.shape()[..] else {
        return Err(Error::Rank { op: "top_k", expected: "rank 2", found: scores.shape().dims() });
    };
    if k == 0 || k > classes {
        let reason = format!("expected k from 1 to the number of classes, {classes}, found {k}");
        return Err(Error::Invalid { op: "top_k", reason });
    }
    if n != labels.len() {
        return Err(Error::Elements { op: "top_k", shape: vec![n], found: labels.len() });
    }
    if let Some(&label) = labels.iter().find(|&&label| label >= classes) {
        return Err(Error::index(label, 1, scores.shape()).named("top_k"));
    }
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
    let found = rows.filter(|&(row, &label)| before(row, label) < k).count();
    Ok(found as f64 / n as f64)
}

pub(super) fn same_count(op: &'static str, predicted: &[usize], labels: &[usize]) -> Result<(), Error> {
    if predicted.len() == labels.len() {
        return Ok(());
    }
    Err(Error::Elements { op, shape: vec![labels.len()], found: predicted.len() })
}
