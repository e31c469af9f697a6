//! Tables of comma-separated values.

use super::csv::{Csv, number};
use crate::files::{FileError, FileErrorKind, reserve};
use std::collections::{HashMap, TryReserveError};
use std::path::{Path, PathBuf};
use tape::{Element, Tensor};

/// A table from a CSV file: rows of text, and column names from its first line.
///
/// Cells may be quoted (RFC 4180: the quote is the first character); blanks around a cell are ignored.
/// Unusable input is an error that names the file, the line and the column, and what was expected and found:
///
/// ```
/// use nn::data::Table;
/// use tape::Tensor;
/// let table = Table::parse("plants.csv", "height,kind\n1.5,oak\n,elm\n2,oak\n")?;
/// let error = table.numbers::<f64>(&["height"]).unwrap_err();
/// assert_eq!(error.to_string(), "plants.csv: line 3, column \"height\": expected a finite number, found \"\"");
/// let table = table.drop_missing(&["height"], "")?;
/// assert_eq!(table.numbers(&["height"])?, Tensor::from([[1.5], [2.0]]));
/// assert_eq!(table.column("kind")?, ["oak", "oak"]);
/// # Ok::<(), nn::files::FileError>(())
/// ```
///
/// [`Csv`] reads files of other kinds: without a line of names, with other separators, larger than the default limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    path: PathBuf,
    columns: Vec<String>,
    positions: Positions,
    /// The line on which each row begins.
    lines: Vec<u64>,
    /// The text of all cells, row by row, and where each ends.
    text: String,
    ends: Vec<usize>,
}

/// The index of each column by name; `None` for the empty name if several columns are unnamed.
pub(super) type Positions = HashMap<String, Option<usize>>;

/// A column of class names as labels.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LabelColumn {
    /// The names, sorted.
    pub names: Vec<String>,
    /// The label of each row: the position of its name.
    pub labels: Vec<usize>,
}

impl Table {
    /// Reads a file whose first line gives the names of the columns.
    ///
    /// # Errors
    /// As [`Csv::read`].
    pub fn read(path: impl AsRef<Path>) -> Result<Table, FileError> {
        Csv::new().read(path)
    }

    /// Reads a file whose cells are separated by another byte: `b';'`, `b'\t'`.
    ///
    /// # Errors
    /// As [`read`](Table::read).
    pub fn read_separated(path: impl AsRef<Path>, separator: u8) -> Result<Table, FileError> {
        Csv::new().separator(separator).read(path)
    }

    /// Parses the text of a file; `name` identifies it in errors.
    ///
    /// # Errors
    /// As [`read`](Table::read).
    pub fn parse(name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> Result<Table, FileError> {
        Csv::new().parse(name, text)
    }

    /// Parses the text of a file whose cells are separated by this byte.
    ///
    /// # Errors
    /// As [`read`](Table::read).
    pub fn parse_separated(
        name: impl AsRef<Path>,
        text: impl AsRef<[u8]>,
        separator: u8,
    ) -> Result<Table, FileError> {
        Csv::new().separator(separator).parse(name, text)
    }

    /// A table without rows, whose cells will take this many bytes.
    pub(super) fn empty(
        path: PathBuf,
        columns: Vec<String>,
        positions: Positions,
        bytes: usize,
    ) -> Result<Table, FileErrorKind> {
        let mut text = String::new();
        text.try_reserve_exact(bytes).map_err(|_| FileErrorKind::TooLarge { shape: vec![bytes as u64] })?;
        Ok(Table { path, columns, positions, lines: Vec::new(), text, ends: Vec::new() })
    }

    /// Appends a row that begins on this line.
    pub(super) fn push<'c>(
        &mut self,
        line: u64,
        cells: impl Iterator<Item = &'c str>,
    ) -> Result<(), FileErrorKind> {
        // More at a time than is needed now, so that a table of n rows is copied few times.
        let room = |granted: Result<(), TryReserveError>, rows| {
            granted.map_err(|_| FileErrorKind::TooLarge { shape: vec![rows + 1, self.columns.len() as u64] })
        };
        let rows = self.lines.len() as u64;
        room(self.lines.try_reserve(1), rows)?;
        room(self.ends.try_reserve(self.columns.len()), rows)?;
        self.lines.push(line);
        for cell in cells {
            room(self.text.try_reserve(cell.len()), rows)?;
            self.text.push_str(cell);
            self.ends.push(self.text.len());
        }
        Ok(())
    }

    /// The cell of a row in a column.
    fn get(&self, row: usize, column: usize) -> &str {
        let at = row * self.columns.len() + column;
        let begin = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[begin..self.ends[at]]
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns `true` if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The cells of a column.
    ///
    /// # Errors
    /// If there is no column of that name, or the name is empty and several columns are unnamed.
    pub fn column(&self, name: &str) -> Result<Vec<&str>, FileError> {
        let at = self.position(name)?;
        let mut cells = self.list(1)?;
        cells.extend((0..self.len()).map(|row| self.get(row, at)));
        Ok(cells)
    }

    /// The rows without `missing` (often `""` or `"NA"`) in any of these columns.
    ///
    /// # Errors
    /// If there is no column of one of the names.
    pub fn drop_missing(&self, columns: &[&str], missing: &str) -> Result<Table, FileError> {
        let at = self.positions(columns)?;
        let (columns, positions) = (self.columns.clone(), self.positions.clone());
        let table = Table::empty(self.path.clone(), columns, positions, 0);
        let mut table = table.map_err(|kind| kind.of(&self.path))?;
        for row in 0..self.len() {
            if at.iter().all(|&column| self.get(row, column) != missing) {
                let cells = (0..self.columns.len()).map(|column| self.get(row, column));
                table.push(self.lines[row], cells).map_err(|kind| kind.of(&self.path))?;
            }
        }
        Ok(table)
    }

    /// Parses these columns as numbers, `[rows, columns]`.
    ///
    /// # Errors
    /// If there is no column of one of the names, or a cell is not a finite number of type `T`: a missing
    /// value must not become an unexpected NaN, nor `1e39` an infinity in an `f32`.
    pub fn numbers<T: Element>(&self, columns: &[&str]) -> Result<Tensor<T>, FileError> {
        let at = self.positions(columns)?;
        let mut data = self.list(at.len())?;
        for row in 0..self.len() {
            for &column in &at {
                let refused = |expected| self.cell(row, column, expected);
                let finite = number(self.get(row, column));
                let x = T::from_f64(finite.ok_or_else(|| refused("a finite number".to_owned()))?);
                if !x.is_finite() {
                    return Err(refused(format!("a number in the range of {}", T::NAME)));
                }
                data.push(x);
            }
        }
        match Tensor::from_vec([self.len(), at.len()], data) {
            Ok(tensor) => Ok(tensor),
            Err(_) => unreachable!("each row gives a number for each column"),
        }
    }

    /// Converts a column of class names to labels from 0, in the sorted order of the names.
    ///
    /// # Errors
    /// If there is no column of that name.
    pub fn classes(&self, column: &str) -> Result<LabelColumn, FileError> {
        let mut names = self.column(column)?;
        names.sort_unstable();
        names.dedup();
        let labels = self.labels(column, &names)?;
        Ok(LabelColumn { names: names.into_iter().map(str::to_owned).collect(), labels })
    }

    /// Converts a column of class names to their positions in a list, such as that of another table.
    ///
    /// # Errors
    /// If there is no column of that name, or a cell is not in the list.
    ///
    /// ```
    /// use nn::data::Table;
    /// let table = Table::parse("new.csv", "kind\noak\nelm\n")?;
    /// assert_eq!(table.labels("kind", &["elm", "oak"])?, [1, 0]);
    /// let error = table.labels("kind", &["oak", "ash"]).unwrap_err().to_string();
    /// assert_eq!(error, "new.csv: line 3, column \"kind\": expected one of oak, ash, found \"elm\"");
    /// # Ok::<(), nn::files::FileError>(())
    /// ```
    pub fn labels(&self, column: &str, names: &[impl AsRef<str>]) -> Result<Vec<usize>, FileError> {
        let at = self.position(column)?;
        let mut labels = HashMap::with_capacity(names.len());
        for (label, name) in names.iter().enumerate() {
            labels.entry(name.as_ref()).or_insert(label);
        }
        let known = || -> String {
            let some = names.iter().take(SHOWN).map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
            let more = names.len().saturating_sub(SHOWN);
            if more == 0 { some } else { format!("{some} and {more} more") }
        };
        let mut found = self.list(1)?;
        for row in 0..self.len() {
            let label = labels.get(self.get(row, at)).copied();
            found.push(label.ok_or_else(|| self.cell(row, at, format!("one of {}", known())))?);
        }
        Ok(found)
    }

    /// A list with room for this many values of each row.
    fn list<V>(&self, values: usize) -> Result<Vec<V>, FileError> {
        let mut list = Vec::new();
        reserve(&mut list, self.len() as u64 * values as u64).map_err(|kind| kind.of(&self.path))?;
        Ok(list)
    }

    fn positions(&self, columns: &[&str]) -> Result<Vec<usize>, FileError> {
        columns.iter().map(|name| self.position(name)).collect()
    }

    fn position(&self, name: &str) -> Result<usize, FileError> {
        let kind = match self.positions.get(name) {
            Some(&Some(position)) => return Ok(position),
            Some(None) => FileErrorKind::RepeatedColumn { column: name.to_owned() },
            None => FileErrorKind::Column { missing: name.to_owned(), found: self.columns.clone() },
        };
        Err(kind.of(&self.path))
    }

    /// The error for a cell that does not hold the expected kind of value.
    fn cell(&self, row: usize, column: usize, expected: String) -> FileError {
        let (line, found) = (self.lines[row], self.get(row, column).to_owned());
        FileErrorKind::Cell { line, column: self.columns[column].clone(), expected, found }.of(&self.path)
    }
}

/// The maximum number of names in an error.
const SHOWN: usize = 20;
