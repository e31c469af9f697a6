//! Tables of comma-separated values.

use crate::files::{self, FileError, Problem};
use csv::{ErrorKind, Position, Reader, ReaderBuilder, StringRecord};
use std::path::{Path, PathBuf};
use tape::{Element, Tensor};

/// A CSV file: columns with names, which its first line gives, and rows of text.
///
/// Cells may be quoted (RFC 4180: the quote is their first character); blanks around a cell do not count. What cannot be used is an error that names the file,
/// the line, the column, what was expected and what was found:
///
/// ```
/// use nn::data::Table;
/// use tape::Tensor;
/// let table = Table::parse("plants.csv", "height,kind\n1.5,oak\n,elm\n2,oak\n")?;
/// let error = table.numbers::<f64>(&["height"]).unwrap_err();
/// assert_eq!(error.to_string(), "plants.csv: line 3, column \"height\": expected a finite number, found \"\"");
/// let table = table.complete(&["height"], "")?;
/// assert_eq!(table.numbers(&["height"])?, Tensor::from([[1.5], [2.0]]));
/// assert_eq!(table.column("kind")?, ["oak", "oak"]);
/// # Ok::<(), nn::files::FileError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    path: PathBuf,
    columns: Vec<String>,
    rows: Vec<Row>,
}

/// The cells, and the line they begin on.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    line: u64,
    cells: StringRecord,
}

/// A column of names as numbers of classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// The names, sorted.
    pub names: Vec<String>,
    /// The position among the names, for each row.
    pub labels: Vec<usize>,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that does not exist, is not UTF-8, has a row with another number of cells than the first line, a name twice,
    /// or no first line.
    pub fn read(path: impl AsRef<Path>) -> Result<Table, FileError> {
        Table::read_separated(path, b',')
    }

    /// Reads a file whose cells are separated by another byte: `b';'`, `b'\t'`.
    ///
    /// # Errors
    /// As [`read`](Table::read).
    pub fn read_separated(path: impl AsRef<Path>, separator: u8) -> Result<Table, FileError> {
        let bytes = files::read(path.as_ref())?;
        Table::parse_separated(path, bytes, separator)
    }

    /// The table in the text of a file; `name` stands for it in errors.
    ///
    /// # Errors
    /// As [`read`](Table::read).
    pub fn parse(name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> Result<Table, FileError> {
        Table::parse_separated(name, text, b',')
    }

    /// The table in the text of a file whose cells are separated by this byte.
    ///
    /// # Errors
    /// As [`read`](Table::read).
    pub fn parse_separated(
        name: impl AsRef<Path>,
        text: impl AsRef<[u8]>,
        separator: u8,
    ) -> Result<Table, FileError> {
        let (path, text) = (name.as_ref(), text.as_ref());
        let reader = ReaderBuilder::new().delimiter(separator).trim(csv::Trim::All).from_reader(text);
        let (columns, rows) = parse(reader, text).map_err(|problem| problem.of(path))?;
        Ok(Table { path: path.to_owned(), columns, rows })
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Are there no rows?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The cells of a column.
    ///
    /// # Errors
    /// If there is no column of that name.
    pub fn column(&self, name: &str) -> Result<Vec<&str>, FileError> {
        let at = self.position(name)?;
        Ok(self.rows.iter().map(|row| &row.cells[at]).collect())
    }

    /// The rows that have something else than `missing` (often `""` or `"NA"`) in each of these columns.
    ///
    /// # Errors
    /// If there is no column of a name.
    pub fn complete(&self, columns: &[&str], missing: &str) -> Result<Table, FileError> {
        let at = self.positions(columns)?;
        let whole = |row: &&Row| at.iter().all(|&i| &row.cells[i] != missing);
        Ok(Table { rows: self.rows.iter().filter(whole).cloned().collect(), ..self.clone() })
    }

    /// The numbers in these columns, `[rows, columns]`.
    ///
    /// # Errors
    /// If there is no column of a name, or a cell holds something else than a finite number: a missing value must not
    /// become a NaN that nobody asked for.
    pub fn numbers<T: Element>(&self, columns: &[&str]) -> Result<Tensor<T>, FileError> {
        let at = self.positions(columns)?;
        let mut data = Vec::with_capacity(self.rows.len() * at.len());
        for row in &self.rows {
            for &i in &at {
                let number = row.cells[i].parse::<f64>().ok().filter(|x| x.is_finite());
                let number = number.ok_or_else(|| self.cell(row, i, "a finite number".to_owned()))?;
                data.push(T::from_f64(number));
            }
        }
        match Tensor::from_vec([self.rows.len(), at.len()], data) {
            Ok(tensor) => Ok(tensor),
            Err(_) => unreachable!("each row gives a number for each column"),
        }
    }

    /// A column of names as numbers from 0; the names are sorted.
    ///
    /// # Errors
    /// If there is no column of that name.
    pub fn classes(&self, column: &str) -> Result<Classes, FileError> {
        let cells = self.column(column)?;
        let mut names: Vec<String> = cells.iter().map(|&name| name.to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        let labels = self.labels(column, &names)?;
        Ok(Classes { names, labels })
    }

    /// A column of names as their positions in a list: that of another table, say.
    ///
    /// # Errors
    /// If there is no column of that name, or a cell holds a name that is not in the list.
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
        let known = || names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
        let label = |row: &Row| {
            let position = names.iter().position(|name| name.as_ref() == &row.cells[at]);
            position.ok_or_else(|| self.cell(row, at, format!("one of {}", known())))
        };
        self.rows.iter().map(label).collect()
    }

    fn positions(&self, columns: &[&str]) -> Result<Vec<usize>, FileError> {
        columns.iter().map(|name| self.position(name)).collect()
    }

    fn position(&self, name: &str) -> Result<usize, FileError> {
        let missing = || Problem::Column { missing: name.to_owned(), found: self.columns.clone() };
        let position = self.columns.iter().position(|column| column == name);
        position.ok_or_else(|| missing().of(&self.path))
    }

    /// A cell that holds something else than was expected.
    fn cell(&self, row: &Row, column: usize, expected: String) -> FileError {
        let (column, found) = (self.columns[column].clone(), row.cells[column].to_owned());
        Problem::Cell { line: row.line, column, expected, found }.of(&self.path)
    }
}

/// The names of the columns and the rows.
fn parse(mut reader: Reader<&[u8]>, text: &[u8]) -> Result<(Vec<String>, Vec<Row>), Problem> {
    let mut lines = Lines { text, counted: 0, line: 1 };
    let header = reader.headers().map_err(|error| lines.problem(&error))?;
    let columns: Vec<String> = header.iter().map(str::to_owned).collect();
    if columns.is_empty() {
        return Err(Problem::Corrupt { format: "CSV", reason: "there is no line of names".to_owned() });
    }
    for (i, name) in columns.iter().enumerate() {
        if columns[..i].contains(name) {
            return Err(Problem::RepeatedColumn { column: name.clone() });
        }
    }
    let mut rows = Vec::new();
    for record in reader.into_records() {
        let cells = record.map_err(|error| lines.problem(&error))?;
        rows.push(Row { line: lines.of(cells.position()), cells });
    }
    Ok((columns, rows))
}

/// Counts lines while records go by.
struct Lines<'t> {
    text: &'t [u8],
    counted: usize,
    line: u64,
}

impl Lines<'_> {
    /// The number of the line on which a record begins: the reader's position is before the blank lines that it skips.
    fn of(&mut self, position: Option<&Position>) -> u64 {
        let start =
            position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.counted);
        let blank = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let start = start.clamp(self.counted, self.text.len());
        let begin = start + self.text[start..].iter().take_while(blank).count();
        let passed = &self.text[self.counted..begin];
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.counted = begin;
        self.line
    }

    /// What the reader complains about.
    fn problem(&mut self, error: &csv::Error) -> Problem {
        let corrupt = |reason| Problem::Corrupt { format: "CSV", reason };
        match error.kind() {
            ErrorKind::UnequalLengths { pos, expected_len, len } => {
                Problem::Row { line: self.of(pos.as_ref()), expected: *expected_len, found: *len }
            }
            ErrorKind::Utf8 { pos, .. } => corrupt(format!("line {} is not UTF-8", self.of(pos.as_ref()))),
            _ => corrupt(error.to_string()),
        }
    }
}
