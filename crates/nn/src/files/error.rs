//! The errors of files, as data. `Display` makes the text: one line, the file's name first.

use super::text::{Extents, Listed, Plain, Quoted};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A file that could not be read or written, and why.
///
/// ```
/// use nn::files::{FileError, Problem, npz};
/// let error: FileError = npz::load::<f64>("no/such/file.npz").unwrap_err();
/// assert_eq!(error.problem, Problem::NotFound);
/// assert_eq!(error.to_string(), "no/such/file.npz: no such file");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The kind of error.
    pub problem: Problem,
}

/// The kinds of errors of a file: of its contents, or of reaching them.
///
/// Texts that stood in the file are escaped where the message shows them, and cut where they are long; `Debug` gives
/// the message too.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum Problem {
    /// The file does not exist.
    NotFound,
    /// The operating system refused.
    Io {
        /// The kind of refusal.
        kind: io::ErrorKind,
        /// The system's words.
        message: String,
    },
    /// Something else than a regular file: a directory, a pipe, a device.
    NotAFile {
        /// The kind of file found.
        found: &'static str,
    },
    /// More of something than [`Limits`](super::Limits) allows.
    Limit {
        /// The quantity that exceeds its limit.
        what: &'static str,
        /// As much as is allowed.
        limit: u64,
        /// As much as there is, or where reading stopped.
        found: u64,
    },
    /// The name ends in nothing that says which format is meant.
    Extension {
        /// The formats there are.
        expected: &'static str,
    },
    /// The first bytes are not those of the format.
    Magic {
        /// The format, and what of it was expected.
        expected: &'static str,
        /// The first bytes.
        found: Vec<u8>,
    },
    /// The file ends before what its header announces.
    Truncated {
        /// Bytes that the header announces.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Bytes follow after what the header announces.
    Trailing {
        /// Bytes that the header announces.
        expected: u64,
    },
    /// Extents whose product does not fit into memory addresses.
    TooLarge {
        /// The extents.
        shape: Vec<u64>,
    },
    /// The container is damaged, in the words of the library that reads it.
    Corrupt {
        /// The format.
        format: &'static str,
        /// The message of its reader.
        reason: String,
    },
    /// A tensor holds another number type.
    Dtype {
        /// The tensor's name.
        tensor: String,
        /// The requested type.
        expected: &'static str,
        /// The type in the file.
        found: String,
    },
    /// A tensor holds a number that the requested number type cannot represent.
    Value {
        /// The tensor's name.
        tensor: String,
        /// The expected value.
        expected: String,
        /// The number, and its type in the file.
        found: String,
        /// The position of the number, in the order of the file.
        position: usize,
    },
    /// A name that the format has no place for.
    Name {
        /// The tensor's name.
        tensor: String,
        /// Why not.
        reason: &'static str,
    },
    /// A tensor has another shape.
    Shape {
        /// The tensor's name.
        tensor: String,
        /// The requested shape.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// The names in the file differ from the requested ones.
    Names {
        /// Requested names that are not in the file.
        missing: Vec<String>,
        /// Names in the file that were not requested.
        unexpected: Vec<String>,
    },
    /// The numbers in a saved state differ from the requested ones.
    Numbers {
        /// Requested names that are missing.
        missing: Vec<String>,
        /// Names that were not requested.
        unexpected: Vec<String>,
    },
    /// A number in a saved state, or an element of a tensor, that is none of those it can be.
    Number {
        /// Its name.
        number: String,
        /// The accepted values.
        expected: &'static str,
        /// The number.
        found: String,
    },
    /// A checkpoint without a part, or a note, of that name.
    Part {
        /// The name.
        missing: String,
    },
    /// A metadata entry of a checkpoint whose text does not parse as the requested type.
    Note {
        /// The name.
        name: String,
        /// The text of the entry.
        text: String,
    },
    /// A checkpoint of another layout.
    Version {
        /// The version that is read.
        expected: u64,
        /// The version of the file.
        found: u64,
    },
    /// A name that appears more than once.
    Duplicate {
        /// The tensor's name.
        tensor: String,
    },
    /// Images and labels that do not belong together.
    Counts {
        /// The number of images.
        images: usize,
        /// The number of labels.
        labels: usize,
    },
    /// A row of a table has another number of cells than there are columns.
    Row {
        /// The line on which it begins, from 1.
        line: u64,
        /// The number of columns.
        expected: u64,
        /// The number of cells.
        found: u64,
    },
    /// A cell of a table does not hold a value of the requested kind.
    Cell {
        /// The line on which its row begins, from 1.
        line: u64,
        /// The name of its column.
        column: String,
        /// The requested kind.
        expected: String,
        /// The text of the cell.
        found: String,
    },
    /// A table has no column of that name.
    Column {
        /// The requested name.
        missing: String,
        /// The names there are.
        found: Vec<String>,
    },
    /// A table has two columns of one name.
    RepeatedColumn {
        /// The name.
        column: String,
    },
    /// The first line of a table holds a number, where the names of the columns were expected.
    FirstLine {
        /// The line, from 1: the first that is not empty.
        line: u64,
        /// The cell that holds a number.
        found: String,
    },
}

impl Problem {
    /// The problem, as that of a file.
    pub(crate) fn of(self, path: impl AsRef<Path>) -> FileError {
        FileError { path: path.as_ref().to_owned(), problem: self }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        // A stream of ours may have stopped for a reason of ours.
        let error = match error.downcast::<Problem>() {
            Ok(problem) => return problem,
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::NotFound => Problem::NotFound,
            kind => Problem::Io { kind, message: error.to_string() },
        }
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Problem").field(&format_args!("{self}")).finish()
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NotFound => write!(f, "no such file"),
            Problem::Io { message, .. } => write!(f, "{}", Plain(message)),
            Problem::NotAFile { found } => write!(f, "expected a regular file, found {found}"),
            Problem::Limit { what, limit, found } => {
                write!(f, "{what}: expected at most {limit}, found {found} (see nn::files::Limits)")
            }
            Problem::Extension { expected } => write!(f, "the name must end in {expected}"),
            Problem::Magic { expected, found } => {
                write!(f, "wrong magic number: expected {expected}, found")?;
                if found.is_empty() {
                    write!(f, " nothing")?;
                }
                found.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
            Problem::Truncated { expected, found } => {
                write!(f, "truncated: expected {expected} bytes, found {found}")
            }
            Problem::Trailing { expected } => {
                write!(f, "bytes follow after the {expected} that the header announces")
            }
            Problem::TooLarge { shape } => write!(f, "shape {} does not fit into memory", Extents(shape)),
            Problem::Corrupt { format, reason } => {
                write!(f, "not a valid {format} file: {}", Plain(reason))
            }
            Problem::Dtype { tensor, expected, found } => {
                write!(f, "{}expected {expected}, found {}", Tensor(tensor), Plain(found))
            }
            Problem::Value { tensor, expected, found, position } => {
                write!(f, "{}expected {expected}, found {found} at position {position}", Tensor(tensor))
            }
            Problem::Name { tensor, reason } => write!(f, "tensor {}: {reason}", Quoted(tensor)),
            Problem::Shape { tensor, expected, found } => {
                let (expected, found) = (Extents(expected), Extents(found));
                write!(f, "{}expected shape {expected}, found {found}", Tensor(tensor))
            }
            Problem::Names { missing, unexpected } => differences(f, "tensors", missing, unexpected),
            Problem::Numbers { missing, unexpected } => differences(f, "numbers", missing, unexpected),
            Problem::Number { number, expected, found } => {
                write!(f, "number {}: expected {expected}, found {found}", Quoted(number))
            }
            Problem::Part { missing } => write!(f, "there is no {} in this checkpoint", Quoted(missing)),
            Problem::Note { name, text } => write!(f, "note {} is {}", Quoted(name), Quoted(text)),
            Problem::Version { expected, found } => {
                write!(f, "checkpoint layout: expected version {expected}, found {found}")
            }
            Problem::Duplicate { tensor } => write!(f, "tensor {} appears more than once", Quoted(tensor)),
            Problem::Counts { images, labels } => write!(f, "{labels} labels for {images} images"),
            Problem::Row { line, expected, found } => {
                write!(f, "line {line}: expected {expected} cells, found {found}")
            }
            Problem::Cell { line, column, expected, found } => {
                let (column, found) = (Quoted(column), Quoted(found));
                write!(f, "line {line}, column {column}: expected {}, found {found}", Plain(expected))
            }
            Problem::Column { missing, found } => {
                write!(f, "no column {} among {}", Quoted(missing), Listed(found))
            }
            Problem::RepeatedColumn { column } => {
                write!(f, "column {} appears more than once", Quoted(column))
            }
            Problem::FirstLine { line, found } => write!(
                f,
                "line {line}: expected the names of the columns, found the number {}: `Csv` reads a file without names",
                Quoted(found)
            ),
        }
    }
}

/// The tensor that a sentence is about, if it has a name.
struct Tensor<'a>(&'a str);

impl fmt::Display for Tensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "tensor {}: ", Quoted(self.0)) }
    }
}

/// Which names are missing, and which are too many.
fn differences(
    f: &mut fmt::Formatter<'_>,
    of: &str,
    missing: &[String],
    unexpected: &[String],
) -> fmt::Result {
    let mut separator = "";
    for (what, names) in [("missing", missing), ("unexpected", unexpected)] {
        if !names.is_empty() {
            write!(f, "{separator}{what} {of}: {}", Listed(names))?;
            separator = "; ";
        }
    }
    Ok(())
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.problem)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Plain(&self.path.to_string_lossy()), self.problem)
    }
}
