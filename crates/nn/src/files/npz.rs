//! NumPy's `.npz`: a zip archive with one `.npy` per tensor.
//!
//! Written uncompressed, as by `numpy.savez` (trained parameters hardly compress), and without timestamps, so
//! that the same state gives the same bytes. Read compressed or not. Entries that are not arrays, such as
//! directories and texts, are skipped, and listed by [`passed_over`]: those whose name does not end in
//! `.npy`, unless they begin like an array. Overlapping entries, as in archives made to exhaust memory, are
//! refused.

use super::error::{FileError, FileErrorKind};
use super::limits::Options;
use super::source::{self, Budget, is_damage, up_to};
use super::state_error::StateError;
use super::{FileElement, State, atomic, npy, only, unique_names, writable_state};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use tape::Tensor;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const SUFFIX: &str = ".npy";

fn corrupt(error: ZipError) -> FileErrorKind {
    match error {
        ZipError::Io(error) if !is_damage(&error) => error.into(),
        error => refused(error.to_string()),
    }
}

fn refused(reason: String) -> FileErrorKind {
    FileErrorKind::Corrupt { format: "npz", reason }
}

/// The bytes of a file with these tensors.
///
/// # Errors
/// [`StateError::Duplicate`] if a name appears more than once, [`FileErrorKind::Limit`] for what could not be read
/// again.
pub fn to_bytes<T: FileElement>(state: &[(String, Tensor<T>)]) -> Result<Vec<u8>, FileErrorKind> {
    writable_state(state)?;
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, x) in state {
        let contents = npy::to_bytes(x);
        // Entries of 4 GiB need the wide form of the header.
        let large = u32::try_from(contents.len()).is_err();
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
        archive.start_file(format!("{name}{SUFFIX}"), options).map_err(corrupt)?;
        archive.write_all(&contents)?;
    }
    Ok(archive.finish().map_err(corrupt)?.into_inner())
}

/// Reads the tensors in the bytes of a file, sorted by name.
///
/// # Errors
/// A file that is damaged or truncated (checksums included), elements that `T` cannot represent, a name that
/// appears more than once, or anything beyond the default [`Limits`](super::Limits).
pub fn from_bytes<T: FileElement>(bytes: &[u8]) -> Result<State<T>, FileErrorKind> {
    from_bytes_with(bytes, &Options::new())
}

/// As [`from_bytes`], with other limits, or with rounding.
///
/// # Errors
/// As [`from_bytes`].
pub fn from_bytes_with<T: FileElement>(bytes: &[u8], options: &Options) -> Result<State<T>, FileErrorKind> {
    options.limits.check_bytes(bytes.len() as u64)?;
    of_stream(Cursor::new(bytes), bytes.len() as u64, options)
}

/// Reads the tensors of a stream of this many bytes.
pub(super) fn of_stream<T: FileElement>(
    stream: impl Read + Seek,
    length: u64,
    options: &Options,
) -> Result<State<T>, FileErrorKind> {
    tensors(Archive::open(stream, length, options)?, |_| true)
}

/// An archive whose entries can be read one by one.
struct Archive<'o, R> {
    archive: ZipArchive<R>,
    names: Vec<String>,
    budget: Budget,
    options: &'o Options,
}

impl<'o, R: Read + Seek> Archive<'o, R> {
    /// Opens the archive in a stream of this many bytes.
    fn open(reader: R, length: u64, options: &'o Options) -> Result<Archive<'o, R>, FileErrorKind> {
        let mut archive = ZipArchive::new(reader).map_err(corrupt)?;
        options.limits.check_entries(archive.len())?;
        if archive.has_duplicate_names() {
            return Err(repeated_name(archive)?);
        }
        if archive.has_overlapping_entries().map_err(corrupt)? {
            return Err(refused("entries overlap".to_owned()));
        }
        let names = archive.file_names().map(|name| name.map(|name| name.into_owned()));
        let names = names.collect::<Result<Vec<_>, _>>().map_err(corrupt)?;
        names
            .iter()
            .try_for_each(|name| options.limits.check_name(name.strip_suffix(SUFFIX).unwrap_or(name)))?;
        Ok(Archive { archive, names, budget: Budget::new(&options.limits, length), options })
    }

    /// Returns `true` if entry `i` is an array; an entry whose name does not say so is inspected.
    fn is_array(&mut self, i: usize) -> Result<bool, FileErrorKind> {
        if self.names[i].ends_with(SUFFIX) {
            return Ok(true);
        }
        // An entry that cannot even be opened (a password, an unknown compression), or is damaged, is not one of ours.
        let start = match self.archive.by_index(i) {
            Ok(entry) => up_to(&mut self.budget.of(entry), npy::MAGIC.len() as u64),
            Err(ZipError::Io(error)) => Err(error),
            Err(_) => return Ok(false),
        };
        match start {
            Ok(start) => Ok(start == npy::MAGIC),
            Err(error) if is_damage(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the tensor in entry `i`, an array of this name.
    fn tensor<T: FileElement>(&mut self, i: usize, name: &str) -> Result<Tensor<T>, FileErrorKind> {
        let entry = self.archive.by_index(i).map_err(corrupt)?;
        npy::from_inflating(self.budget.of(entry), name, self.options).map_err(|kind| match kind {
            // These name the tensor, or say what to change.
            FileErrorKind::Dtype { .. } | FileErrorKind::Value { .. } | FileErrorKind::Limit { .. } => kind,
            // These are about the device or the memory. (An unknown compression is an error of reading, too.)
            FileErrorKind::NotFound | FileErrorKind::TooLarge { .. } => kind,
            FileErrorKind::Io { kind: cause, .. } if cause != ErrorKind::Unsupported => kind,
            kind => refused(format!("entry {:?}: {kind}", self.names[i])),
        })
    }
}

/// The error for an archive in which a name appears more than once. The library keeps the last entry of a
/// name, so the directory is read again: for each entry 46 bytes, which include the lengths of name, extra
/// field and comment, and then these.
fn repeated_name<R: Read + Seek>(archive: ZipArchive<R>) -> Result<FileErrorKind, FileErrorKind> {
    let start = archive.central_directory_start();
    let mut reader = archive.into_inner();
    reader.seek(SeekFrom::Start(start))?;
    let mut seen = HashSet::new();
    loop {
        let record = up_to(&mut reader, 46)?;
        let length = |at: usize| record.get(at..at + 2).map(|n| u64::from(u16::from_le_bytes([n[0], n[1]])));
        let (Some(name), Some(extra), Some(comment)) = (length(28), length(30), length(32)) else {
            return Ok(refused("the name of an entry appears more than once".to_owned()));
        };
        let name = up_to(&mut reader, name)?;
        up_to(&mut reader, extra + comment)?;
        let text = String::from_utf8_lossy(&name).into_owned();
        if !seen.insert(name) {
            let tensor = text.strip_suffix(SUFFIX).unwrap_or(&text).to_owned();
            return Ok(StateError::Duplicate { tensor }.into());
        }
    }
}

/// Reads the tensors whose names `keep` accepts, sorted by name.
fn tensors<T: FileElement, R: Read + Seek>(
    mut archive: Archive<'_, R>,
    keep: impl Fn(&str) -> bool,
) -> Result<State<T>, FileErrorKind> {
    let mut state = State::new();
    for i in 0..archive.names.len() {
        let full = &archive.names[i];
        let name = full.strip_suffix(SUFFIX).unwrap_or(full).to_owned();
        if keep(&name) && archive.is_array(i)? {
            state.push((name.clone(), archive.tensor(i, &name)?));
        }
    }
    state.sort_by(|(a, _), (b, _)| a.cmp(b));
    unique_names(&state)?;
    Ok(state)
}

/// Opens a file and reads something from its archive.
fn read<V>(
    path: &Path,
    options: &Options,
    read: impl FnOnce(Archive<'_, BufReader<File>>) -> Result<V, FileErrorKind>,
) -> Result<V, FileError> {
    let open = |(file, length)| Archive::open(BufReader::new(file), length, options);
    source::open(path, &options.limits).and_then(open).and_then(read).map_err(|kind| kind.of(path))
}

/// Writes named tensors to a file.
///
/// # Errors
/// As [`to_bytes`], or any error of the operating system.
///
/// ```
/// # fn main() -> Result<(), nn::files::FileError> {
/// use nn::files::npz;
/// use tape::Tensor;
/// let path = std::env::temp_dir().join(format!("nn-doc-{}.npz", std::process::id()));
/// let state = vec![("fc1.bias".to_owned(), Tensor::from([0.5, -0.0]))];
/// npz::save(&path, &state)?;
/// assert_eq!(npz::load::<f64>(&path)?, state);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok(())
/// # }
/// ```
pub fn save<T: FileElement>(path: impl AsRef<Path>, state: &[(String, Tensor<T>)]) -> Result<(), FileError> {
    let path = path.as_ref();
    let bytes = to_bytes(state).map_err(|kind| kind.of(path))?;
    atomic::write(path, &bytes)
}

/// Reads the named tensors of a file, sorted by name. See [`save`].
///
/// # Errors
/// As [`from_bytes`], with the file's name; a file that does not exist, is not regular, or cannot be read.
pub fn load<T: FileElement>(path: impl AsRef<Path>) -> Result<State<T>, FileError> {
    load_with(path, &Options::new())
}

/// As [`load`], with other limits, or with rounding.
///
/// # Errors
/// As [`load`].
pub fn load_with<T: FileElement>(path: impl AsRef<Path>, options: &Options) -> Result<State<T>, FileError> {
    read(path.as_ref(), options, |archive| tensors(archive, |_| true))
}

/// Reads one tensor of a file, which may hold others of other element types.
///
/// # Errors
/// As [`load`]; errors in other tensors count only if they make the file unreadable. [`StateError::Names`] if
/// there is no tensor of that name.
pub fn load_tensor<T: FileElement>(path: impl AsRef<Path>, name: &str) -> Result<Tensor<T>, FileError> {
    load_tensor_with(path, name, &Options::new())
}

/// As [`load_tensor`], with other limits, or with rounding.
///
/// # Errors
/// As [`load_tensor`].
pub fn load_tensor_with<T: FileElement>(
    path: impl AsRef<Path>,
    name: &str,
    options: &Options,
) -> Result<Tensor<T>, FileError> {
    read(path.as_ref(), options, |archive| only(tensors(archive, |entry| entry == name)?, name))
}

/// The names of the entries that [`load`] skips because they are not arrays, in file order.
///
/// # Errors
/// A file that does not exist, or is not an archive.
///
/// ```
/// # fn main() -> Result<(), nn::files::FileError> {
/// use nn::files::npz;
/// use tape::Tensor;
/// let path = std::env::temp_dir().join(format!("nn-doc-passed-over-{}.npz", std::process::id()));
/// npz::save(&path, &[("w".to_owned(), Tensor::scalar(1.0))])?;
/// assert!(npz::passed_over(&path)?.is_empty());
/// # std::fs::remove_file(&path).unwrap();
/// # Ok(())
/// # }
/// ```
pub fn passed_over(path: impl AsRef<Path>) -> Result<Vec<String>, FileError> {
    read(path.as_ref(), &Options::new(), |mut archive| {
        let mut names = Vec::new();
        for i in 0..archive.names.len() {
            if !archive.is_array(i)? {
                names.push(archive.names[i].clone());
            }
        }
        Ok(names)
    })
}
