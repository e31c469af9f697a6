//! Classes from outputs, and how many are right. (Labels as targets: [`one_hot`](crate::one_hot).)

use std::fmt;
use tape::{Element, Error, Tensor};

/// The column of the largest element of each row; of several equal ones the first. NaN is passed over;
/// a row of NaNs gives 0.
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

/// The share of predictions that equal their label: correct / total. 1 if there are none to be wrong.
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
    Ok(if labels.is_empty() { 1.0 } else { correct as f64 / labels.len() as f64 })
}

fn same_count(op: &'static str, predicted: &[usize], labels: &[usize]) -> Result<(), Error> {
    if predicted.len() == labels.len() {
        return Ok(());
    }
    Err(Error::Elements { op, shape: vec![labels.len()], found: predicted.len() })
}

/// How often which class was taken for which: rows are labels, columns predictions.
///
/// ```
/// use nn::metrics::Confusion;
/// let confusion = Confusion::new(&[0, 1, 1, 1], &[0, 0, 1, 1], 2)?;
/// assert_eq!(confusion.count(0, 1), 1);
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!((confusion.recall(0), confusion.recall(1)), (0.5, 1.0));
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<usize>,
}

impl Confusion {
    /// Counts predictions against labels.
    ///
    /// # Errors
    /// Different numbers of predictions and labels, or a class that is not below `classes`.
    pub fn new(predicted: &[usize], labels: &[usize], classes: usize) -> Result<Confusion, Error> {
        same_count("confusion", predicted, labels)?;
        let mut counts = vec![0; classes * classes];
        for (&column, &row) in predicted.iter().zip(labels) {
            for (axis, class) in [row, column].into_iter().enumerate() {
                if class >= classes {
                    let (index, shape) = (class as isize, vec![classes, classes]);
                    return Err(Error::Index { op: "confusion", index, axis, shape });
                }
            }
            counts[row * classes + column] += 1;
        }
        Ok(Confusion { classes, counts })
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often `predicted` was said where `label` is right; 0 for classes there are not.
    pub fn count(&self, label: usize, predicted: usize) -> usize {
        let inside = label < self.classes && predicted < self.classes;
        if inside { self.counts[label * self.classes + predicted] } else { 0 }
    }

    /// The share of the samples of a class that were recognised; NaN if it has none.
    pub fn recall(&self, label: usize) -> f64 {
        let total: usize = (0..self.classes).map(|column| self.count(label, column)).sum();
        self.count(label, label) as f64 / total as f64
    }

    /// The share of all predictions that are right; 1 if there are none to be wrong.
    pub fn accuracy(&self) -> f64 {
        let total: usize = self.counts.iter().sum();
        let correct: usize = (0..self.classes).map(|class| self.count(class, class)).sum();
        if total == 0 { 1.0 } else { correct as f64 / total as f64 }
    }
}

/// A table with the share recognised at the end of each row.
impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = self.counts.iter().copied().max().unwrap_or(0).max(self.classes);
        let width = largest.to_string().len() + 2;
        write!(f, "label\\said")?;
        (0..self.classes).try_for_each(|class| write!(f, "{class:width$}"))?;
        writeln!(f, "  recall")?;
        for row in 0..self.classes {
            write!(f, "{row:>10}")?;
            (0..self.classes).try_for_each(|column| write!(f, "{:width$}", self.count(row, column)))?;
            writeln!(f, "  {:.3}", self.recall(row))?;
        }
        Ok(())
    }
}
