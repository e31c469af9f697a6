//! Confusion matrices.

use super::classes::{class_below, same_count};
use crate::Labels;
use crate::functional::no_class;
use std::fmt;
use tape::{Error, Shape, Tensor};

/// A confusion matrix: rows are labels, columns predictions.
///
/// ```
/// use nn::metrics::Confusion;
/// let confusion = Confusion::new(&[0, 1, 1, 1], &[0, 0, 1, 1], 2)?;
/// assert_eq!(confusion.count(0, 1), 1);
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!((confusion.recall(0), confusion.recall(1)), (0.5, 1.0));
/// assert_eq!((confusion.precision(0), confusion.precision(1)), (1.0, 2.0 / 3.0));
/// assert_eq!((confusion.f1(0), confusion.f1(1)), (2.0 / 3.0, 0.8));
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
    /// Different numbers of predictions and labels, a class that is not below `classes`, or more classes than there is memory
    /// for their pairs.
    pub fn new(
        predicted: &(impl Labels + ?Sized),
        labels: &(impl Labels + ?Sized),
        classes: usize,
    ) -> Result<Confusion, Error> {
        let (predicted, labels) = (predicted.to_i64(), labels.to_i64());
        same_count("confusion", &predicted, &labels)?;
        // A count takes no more bytes than an `f64`.
        Tensor::<f64>::fits("confusion", &Shape::from([classes, classes]))?;
        let mut counts = vec![0; classes * classes];
        let shape = [classes; 2];
        let class = |axis, label| {
            class_below(classes, label).ok_or_else(|| no_class("confusion", label, axis, &shape))
        };
        for (&column, &row) in predicted.iter().zip(labels.iter()) {
            counts[class(0, row)? * classes + class(1, column)?] += 1;
        }
        Ok(Confusion { classes, counts })
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of samples of class `label` that were predicted as `predicted`; 0 for classes out of range.
    pub fn count(&self, label: usize, predicted: usize) -> usize {
        let inside = label < self.classes && predicted < self.classes;
        if inside { self.counts[label * self.classes + predicted] } else { 0 }
    }

    /// The share of the samples of a class that were predicted correctly; NaN if it has none.
    pub fn recall(&self, label: usize) -> f64 {
        let total: usize = (0..self.classes).map(|column| self.count(label, column)).sum();
        self.count(label, label) as f64 / total as f64
    }

    /// The share of the predictions of a class that are right; NaN if there are none.
    pub fn precision(&self, class: usize) -> f64 {
        let total: usize = (0..self.classes).map(|row| self.count(row, class)).sum();
        self.count(class, class) as f64 / total as f64
    }

    /// The harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`; NaN for a class that is neither a label nor
    /// predicted.
    pub fn f1(&self, class: usize) -> f64 {
        let both: usize = (0..self.classes).map(|i| self.count(i, class) + self.count(class, i)).sum();
        2.0 * self.count(class, class) as f64 / both as f64
    }

    /// The mean of [`f1`](Confusion::f1) over the classes that are labels or predicted, each with the same weight however
    /// rare it is; NaN if there are none.
    pub fn macro_f1(&self) -> f64 {
        let all: Vec<f64> = (0..self.classes).map(|class| self.f1(class)).filter(|f1| !f1.is_nan()).collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    /// The share of all predictions that are right; NaN if there are none.
    pub fn accuracy(&self) -> f64 {
        let total: usize = self.counts.iter().sum();
        let correct: usize = (0..self.classes).map(|class| self.count(class, class)).sum();
        correct as f64 / total as f64
    }
}

/// A table with the recall at the end of each row.
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
