//! The metrics of each epoch.

use super::best::improves;
use crate::files::{self, FileError};
use crate::optim::schedule::Goal;
use crate::setting::expect;
use std::fmt;
use std::path::Path;
use tape::Error;

/// Named columns of numbers, one row for each epoch. Epochs count from 1.
///
/// It prints as CSV and gives each column as points of a curve; the crate `nn-plot` draws it.
///
/// ```
/// use nn::optim::schedule::Goal;
/// use nn::train::History;
/// let mut history = History::new(["loss", "accuracy"]);
/// history.push(&[0.5, 0.75]);
/// history.push(&[0.25, 0.875]);
/// assert_eq!(history.last("accuracy"), Some(0.875));
/// assert_eq!(history.best("loss", Goal::Minimize), Some((2, 0.25)));
/// assert_eq!(history.points("loss"), Some(vec![(1.0, 0.5), (2.0, 0.25)]));
/// assert_eq!(history.to_string(), "epoch,loss,accuracy\n1,0.5,0.75\n2,0.25,0.875\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(remote = "Self"))]
pub struct History {
    names: Vec<String>,
    #[cfg_attr(feature = "serde", serde(with = "or_missing"))]
    rows: Vec<Vec<f64>>,
}

/// Rows in which a value that is NaN is missing: JSON has no NaN.
#[cfg(feature = "serde")]
mod or_missing {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(rows: &[Vec<f64>], serializer: S) -> Result<S::Ok, S::Error> {
        let present = |row: &Vec<f64>| row.iter().map(|x| (!x.is_nan()).then_some(*x)).collect::<Vec<_>>();
        rows.iter().map(present).collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<f64>>, D::Error> {
        let rows = Vec::<Vec<Option<f64>>>::deserialize(deserializer)?;
        Ok(rows.into_iter().map(|row| row.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect()).collect())
    }
}

#[cfg(feature = "serde")]
crate::setting::serde_checked!(
    History,
    "The names of the columns and a row for each epoch; NaN is a missing value."
);

impl History {
    /// No epochs yet, with these columns.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> History {
        History { names: names.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Appends an epoch.
    ///
    /// # Panics
    /// If the number of values is not the number of columns.
    #[track_caller]
    pub fn push(&mut self, values: &[f64]) {
        expect(self.fits(values));
        self.rows.push(values.to_vec());
    }

    fn fits(&self, row: &[f64]) -> Result<(), Error> {
        if row.len() == self.names.len() {
            return Ok(());
        }
        Err(Error::Elements { op: "history", shape: vec![self.names.len()], found: row.len() })
    }

    #[cfg(feature = "serde")]
    fn check(&self) -> Result<(), Error> {
        self.rows.iter().try_for_each(|row| self.fits(row))
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of epochs.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns `true` if there is no epoch.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A column; `None` if there is none of that name.
    pub fn get(&self, name: &str) -> Option<Vec<f64>> {
        let at = self.names.iter().position(|known| known == name)?;
        Some(self.rows.iter().map(|row| row[at]).collect())
    }

    /// A column as points of a curve: the epoch, from 1, and the value.
    pub fn points(&self, name: &str) -> Option<Vec<(f64, f64)>> {
        Some((1..).map(f64::from).zip(self.get(name)?).collect())
    }

    /// The last value of a column.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.get(name)?.last().copied()
    }

    /// The epoch, from 1, with the best value of a column, and that value: the first of equal ones, never a NaN.
    pub fn best(&self, name: &str, goal: Goal) -> Option<(usize, f64)> {
        let mut best = None;
        for (epoch, value) in (1..).zip(self.get(name)?) {
            if improves(goal, value, best.map(|(_, value)| value), 0.0) {
                best = Some((epoch, value));
            }
        }
        best
    }

    /// Writes the columns as CSV, in the form in which they print: numbers parse back to the same values.
    ///
    /// # Errors
    /// Any error of the operating system.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        files::write(path, self.to_string().as_bytes())
    }
}

/// CSV with a line of names; a name with a comma, a quote or a line break is quoted.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch")?;
        for name in &self.names {
            if name.contains([',', '"', '\n', '\r']) {
                write!(f, ",\"{}\"", name.replace('"', "\"\""))?;
            } else {
                write!(f, ",{name}")?;
            }
        }
        writeln!(f)?;
        for (epoch, row) in self.rows.iter().enumerate() {
            write!(f, "{}", epoch + 1)?;
            row.iter().try_for_each(|value| write!(f, ",{value}"))?;
            writeln!(f)?;
        }
        Ok(())
    }
}
