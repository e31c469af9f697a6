//! The errors of files, as data. `Display` writes one line that begins with the file's name.

use super::state_error::StateError;
use super::text::{Extents, Listed, Plain, Quoted, Tensor};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The error of reading or writing a file.
///
/// ```
/// use nn::files::{FileError, FileErrorKind, npz};
/// let error: FileError = npz::load::<f64>("no/such/file.npz").unwrap_err();
/// assert_eq!(error.kind, FileErrorKind::NotFound);
/// assert_eq!(error.to_string(), "no/such/file.npz: no such file");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The kind of error.
    pub kind: FileErrorKind,
}

/// The kinds of errors of files: of their contents, or of access to them.
///
/// Messages escape text from the file, and truncate it where it is long; `Debug` prints the message too.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum FileErrorKind {
    /// The file does not exist.
    NotFound,
    /// An error of the operating system.
    Io {
        /// The kind of error.
        kind: io::ErrorKind,
        /// The system's message.
        message: String,
    },
    /// Not a regular file: a directory, a pipe, a device.
    NotAFile {
        /// The kind of file found.
        found: &'static str,
    },
    /// A quantity exceeds its [limit](super::Limits).
    Limit {
        /// The quantity.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// The amount found when reading stopped.
        found: u64,
    },
    /// The extension of the name is not that of a format.
    Extension {
        /// The known extensions.
        expected: &'static str,
    },
    /// The first bytes are not those of the format.
    Magic {
        /// The expected bytes and the format.
        expected: &'static str,
        /// The first bytes.
        found: Vec<u8>,
    },
    /// The bytes are not those of any format for models.
    NoModel {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// The file is shorter than its header announces.
    Truncated {
        /// The number of bytes that the header announces.
        expected: u64,
        /// The number of bytes in the file.
        found: u64,
    },
    /// The file is longer than its header announces.
    Trailing {
        /// The number of bytes that the header announces.
        expected: u64,
    },
    /// The product of the extents does not fit into the address space.
    TooLarge {
        /// The extents.
        shape: Vec<u64>,
    },
    /// The container is damaged.
    Corrupt {
        /// The format.
        format: &'static str,
        /// The message of its reader.
        reason: String,
    },
    /// A tensor has another element type.
    Dtype {
        /// The tensor's name.
        tensor: String,
        /// The requested type.
        expected: &'static str,
        /// The type in the file.
        found: String,
    },
    /// A tensor has an element that the requested type cannot represent.
    Value {
        /// The tensor's name.
        tensor: String,
        /// The expected value.
        expected: String,
        /// The element, and its type in the file.
        found: String,
        /// The position of the element, in the order of the file.
        position: usize,
    },
    /// The format cannot store a tensor of this name.
    Name {
        /// The tensor's name.
        tensor: String,
        /// The reason.
        reason: &'static str,
    },
    /// A checkpoint has another layout.
    Version {
        /// The supported version.
        expected: u64,
        /// The version of the file.
        found: u64,
    },
    /// The state in the file is not the requested one, or a name appears more than once.
    State(StateError),
    /// Different numbers of images and labels.
    Counts {
        /// The number of images.
        images: usize,
        /// The number of labels.
        labels: usize,
    },
    /// The number of cells in a row of a table is not the number of columns.
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
        /// The existing names.
        found: Vec<String>,
    },
    /// A table has two columns of the same name.
    RepeatedColumn {
        /// The name.
        column: String,
    },
    /// The first line of a table holds a number where the names of the columns were expected.
    FirstLine {
        /// The line, from 1: the first that is not empty.
        line: u64,
        /// The cell with the number.
        found: String,
    },
}

impl FileErrorKind {
    /// Turns it into the error of a file.
    pub(crate) fn of(self, path: impl AsRef<Path>) -> FileError {
        FileError { path: path.as_ref().to_owned(), kind: self }
    }
}

impl From<StateError> for FileErrorKind {
    fn from(error: StateError) -> FileErrorKind {
        FileErrorKind::State(error)
    }
}

impl From<io::Error> for FileErrorKind {
    fn from(error: io::Error) -> FileErrorKind {
        // One of our own streams may have stopped with one of our own errors.
        let error = match error.downcast::<FileErrorKind>() {
            Ok(kind) => return kind,
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::NotFound => FileErrorKind::NotFound,
            kind => FileErrorKind::Io { kind, message: error.to_string() },
        }
    }
}

impl fmt::Debug for FileErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileErrorKind").field(&format_args!("{self}")).finish()
    }
}

impl std::error::Error for FileErrorKind {}

/// Writes the first bytes of a file after the word "found".
fn write_bytes(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if bytes.is_empty() {
        write!(f, " nothing")?;
    }
    bytes.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
}

impl fmt::Display for FileErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileErrorKind::NotFound => write!(f, "no such file"),
            FileErrorKind::Io { message, .. } => write!(f, "{}", Plain(message)),
            FileErrorKind::NotAFile { found } => write!(f, "expected a regular file, found {found}"),
            FileErrorKind::Limit { what, limit, found } => {
                write!(f, "{what}: expected at most {limit}, found {found} (see nn::files::Limits)")
            }
            FileErrorKind::Extension { expected } => write!(f, "the name must end in {expected}"),
            FileErrorKind::Magic { expected, found } => {
                write!(f, "wrong magic number: expected {expected}, found")?;
                write_bytes(found, f)
            }
            FileErrorKind::NoModel { found } => {
                write!(f, "not a model: expected the bytes of a .safetensors or .npz file, found")?;
                write_bytes(found, f)
            }
            FileErrorKind::Truncated { expected, found } => {
                write!(f, "truncated: expected {expected} bytes, found {found}")
            }
            FileErrorKind::Trailing { expected } => {
                write!(f, "bytes follow after the {expected} that the header announces")
            }
            FileErrorKind::TooLarge { shape } => {
                write!(f, "shape {} does not fit into memory", Extents(shape))
            }
            FileErrorKind::Corrupt { format, reason } => {
                write!(f, "not a valid {format} file: {}", Plain(reason))
            }
            FileErrorKind::Dtype { tensor, expected, found } => {
                write!(f, "{}expected {expected}, found {}", Tensor(tensor), Plain(found))
            }
            FileErrorKind::Value { tensor, expected, found, position } => {
                write!(f, "{}expected {expected}, found {found} at position {position}", Tensor(tensor))
            }
            FileErrorKind::Name { tensor, reason } => write!(f, "tensor {}: {reason}", Quoted(tensor)),
            FileErrorKind::State(error) => error.fmt(f),
            FileErrorKind::Version { expected, found } => {
                write!(f, "checkpoint layout: expected version {expected}, found {found}")
            }
            FileErrorKind::Counts { images, labels } => write!(f, "{labels} labels for {images} images"),
            FileErrorKind::Row { line, expected, found } => {
                write!(f, "line {line}: expected {expected} cells, found {found}")
            }
            FileErrorKind::Cell { line, column, expected, found } => {
                let (column, found) = (Quoted(column), Quoted(found));
                write!(f, "line {line}, column {column}: expected {}, found {found}", Plain(expected))
            }
            FileErrorKind::Column { missing, found } => {
                write!(f, "no column {} among {}", Quoted(missing), Listed(found))
            }
            FileErrorKind::RepeatedColumn { column } => {
                write!(f, "column {} appears more than once", Quoted(column))
            }
            FileErrorKind::FirstLine { line, found } => write!(
                f,
                "line {line}: expected the names of the columns, found the number {}: `Csv` reads a file without names",
                Quoted(found)
            ),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.kind)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Plain(&self.path.to_string_lossy()), self.kind)
    }
}
