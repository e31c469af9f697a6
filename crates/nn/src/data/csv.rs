//! Parsing of comma-separated values.

use super::table::{Positions, Table};
use crate::files::{self, FileError, FileErrorKind, Limits};
use ::csv::{ErrorKind, Position, ReaderBuilder, StringRecord, Trim};
use std::collections::hash_map::Entry;
use std::path::Path;

/// Options for reading CSV: [`Table::read`] and [`Table::parse`] with other settings.
///
/// ```
/// use nn::data::{Csv, Table};
/// let text = "5.1,3.5,setosa\n4.9,3.0,setosa\n";
/// let error = Table::parse("iris.data", text).unwrap_err().to_string();
/// assert!(error.starts_with("iris.data: line 1: expected the names of the columns, found the number \"5.1\""));
/// let table = Csv::new().names(["length", "width", "kind"]).parse("iris.data", text)?;
/// assert_eq!((table.len(), table.column("kind")?), (2, vec!["setosa", "setosa"]));
/// let table = Csv::new().headerless().parse("iris.data", text)?;
/// assert_eq!(table.columns(), ["0", "1", "2"]);
/// let years = Csv::new().separator(b';').named().parse("years.csv", "city;2019;2020\nRome;1;2\n")?;
/// assert_eq!(years.column("2020")?, ["2"]);
/// # Ok::<(), nn::files::FileError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    separator: u8,
    first: FirstLine,
    limits: Limits,
}

/// The meaning of the first line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FirstLine {
    /// The names of the columns; refused if it holds a number.
    NamesIfText,
    /// The names of the columns.
    Names,
    /// A row; the columns are numbered.
    Row,
    /// A row; the columns have these names.
    RowUnder(Vec<String>),
}

impl Default for Csv {
    fn default() -> Csv {
        Csv::new()
    }
}

impl Csv {
    /// Commas, and a first line of column names. A file whose first line holds a number is refused: it
    /// probably has no names, and its first row would be lost.
    pub fn new() -> Csv {
        Csv { separator: b',', first: FirstLine::NamesIfText, limits: Limits::default() }
    }

    /// Sets the separator between cells: `b';'`, `b'\t'`.
    pub fn separator(self, separator: u8) -> Csv {
        Csv { separator, ..self }
    }

    /// Treats the first line as a row like all others; the columns are called `0`, `1` and so on.
    pub fn headerless(self) -> Csv {
        Csv { first: FirstLine::Row, ..self }
    }

    /// Treats the first line as a row like all others; the columns get these names.
    pub fn names<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Csv {
        Csv { first: FirstLine::RowUnder(names.into_iter().map(Into::into).collect()), ..self }
    }

    /// Takes the first line as the column names, even if it holds numbers, such as years.
    pub fn named(self) -> Csv {
        Csv { first: FirstLine::Names, ..self }
    }

    /// Sets the limits.
    pub fn limits(self, limits: Limits) -> Csv {
        Csv { limits, ..self }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that does not exist, is not regular, is not UTF-8, ends within quotes, or has a row whose number of
    /// cells differs from the number of columns; two columns of the same name; a first line that is missing, or holds a
    /// number where names are expected; anything beyond the [`Limits`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table, FileError> {
        let bytes = files::read(path.as_ref(), &self.limits)?;
        self.parse(path, bytes)
    }

    /// Parses the text of a file; `name` identifies it in errors.
    ///
    /// # Errors
    /// As [`read`](Csv::read).
    pub fn parse(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> Result<Table, FileError> {
        let path = name.as_ref();
        self.table(path, text.as_ref()).map_err(|kind| kind.of(path))
    }

    fn table(&self, path: &Path, text: &[u8]) -> Result<Table, FileErrorKind> {
        self.limits.check_bytes(text.len() as u64)?;
        let mut reader = ReaderBuilder::new()
            .delimiter(self.separator)
            .has_headers(false)
            .trim(Trim::All)
            .from_reader(text);
        let mut lines = Lines { text, counted: 0, line: 1 };
        let mut record = StringRecord::new();
        let mut next = |record: &mut StringRecord| match reader.read_record(record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let line = lines.of(record.position());
                // A quote that is not closed takes the rest of the file.
                let last = reader.position().byte() == text.len() as u64;
                if last && lines.quote_is_open(self.separator) {
                    let reason = format!("line {line}: expected a closing quote, found the end of the file");
                    return Err(FileErrorKind::Corrupt { format: "CSV", reason });
                }
                Ok(Some(line))
            }
            Err(error) => Err(lines.error(&error)),
        };
        let mut line = next(&mut record)?;
        self.limits.check_columns(record.len())?;
        let columns: Vec<String> = match &self.first {
            FirstLine::RowUnder(names) => names.clone(),
            _ if line.is_none() => {
                let reason = "the line of column names is missing".to_owned();
                return Err(FileErrorKind::Corrupt { format: "CSV", reason });
            }
            FirstLine::Row => (0..record.len()).map(|i| i.to_string()).collect(),
            FirstLine::Names | FirstLine::NamesIfText => record.iter().map(str::to_owned).collect(),
        };
        self.limits.check_columns(columns.len())?;
        if self.first == FirstLine::NamesIfText
            && let Some(found) = columns.iter().find(|name| number(name).is_some())
        {
            return Err(FileErrorKind::FirstLine { line: line.unwrap_or(1), found: found.clone() });
        }
        let positions = self.positions(&columns)?;
        if matches!(self.first, FirstLine::Names | FirstLine::NamesIfText) {
            line = next(&mut record)?;
        }
        // The cells take no more bytes than the file.
        let mut table = Table::empty(path.to_owned(), columns, positions, text.len())?;
        while let Some(begin) = line {
            if record.len() != table.columns().len() {
                let (expected, found) = (table.columns().len() as u64, record.len() as u64);
                return Err(FileErrorKind::Row { line: begin, expected, found });
            }
            table.push(begin, record.iter())?;
            line = next(&mut record)?;
        }
        Ok(table)
    }

    /// The index of each column by name. Unnamed columns, which spreadsheets write, are an error only if that
    /// name is requested.
    fn positions(&self, columns: &[String]) -> Result<Positions, FileErrorKind> {
        let mut positions = Positions::with_capacity(columns.len());
        for (i, name) in columns.iter().enumerate() {
            self.limits.check_name(name)?;
            match positions.entry(name.clone()) {
                Entry::Vacant(place) => {
                    place.insert(Some(i));
                }
                Entry::Occupied(mut place) if name.is_empty() => {
                    place.insert(None);
                }
                Entry::Occupied(_) => return Err(FileErrorKind::RepeatedColumn { column: name.clone() }),
            }
        }
        Ok(positions)
    }
}

/// Parses a cell as a finite number.
pub(super) fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|x: &f64| x.is_finite())
}

/// Counts lines while records are read.
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

    /// Returns `true` if the record that begins here has a quote that is not closed. The reader takes the end of the file
    /// for the closing quote.
    fn quote_is_open(&self, separator: u8) -> bool {
        let text = &self.text[self.counted..];
        let mut bytes = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).iter().copied().peekable();
        // A cell is quoted if the quote is its first byte.
        let (mut quoted, mut first) = (false, true);
        while let Some(byte) = bytes.next() {
            match byte {
                // Two quotes in a quoted cell are one character.
                b'"' if quoted => quoted = bytes.next_if_eq(&b'"').is_some(),
                _ if quoted => {}
                b'\r' | b'\n' => return false,
                _ => quoted = first && byte == b'"',
            }
            first = !quoted && byte == separator;
        }
        quoted
    }

    /// Converts an error of the reader.
    fn error(&mut self, error: &::csv::Error) -> FileErrorKind {
        let corrupt = |reason| FileErrorKind::Corrupt { format: "CSV", reason };
        match error.kind() {
            ErrorKind::UnequalLengths { pos, expected_len, len } => {
                FileErrorKind::Row { line: self.of(pos.as_ref()), expected: *expected_len, found: *len }
            }
            ErrorKind::Utf8 { pos, .. } => corrupt(format!("line {} is not UTF-8", self.of(pos.as_ref()))),
            _ => corrupt(error.to_string()),
        }
    }
}
