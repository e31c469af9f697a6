//! The safetensors format: a JSON header with names, types, shapes and offsets, then the elements.
//!
//! Chosen as the format for models because every framework reads it and it can hold nothing but tensors.

use super::error::{FileError, FileErrorKind};
use super::json::repeated_key;
use super::limits::{Conversion, Options};
use super::source::{self, up_to};
use super::state_error::StateError;
use super::stored::{self, Kind, Numbers};
use super::{FileElement, State, atomic, only, writable_state};
use ::safetensors::tensor::{Metadata, TensorInfo};
use ::safetensors::{SafeTensorError, View};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use tape::Tensor;

const FORMAT: &str = "safetensors";

/// Bytes before the header, which hold its length.
const PREFIX: u64 = 8;

/// The longest header that readers of the format accept.
const MAX_HEADER: u64 = 100_000_000;

/// The key of the header that is not a tensor.
const METADATA: &str = "__metadata__";

struct Entry<'a, T: FileElement>(&'a Tensor<T>);

impl<T: FileElement> View for Entry<'_, T> {
    fn dtype(&self) -> ::safetensors::Dtype {
        T::DTYPE
    }
    fn shape(&self) -> &[usize] {
        self.0.shape()
    }
    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::new();
        T::write(&self.0.to_vec(), &mut bytes);
        Cow::Owned(bytes)
    }
    fn data_len(&self) -> usize {
        self.0.size() * T::SIZE
    }
}

fn corrupt(error: SafeTensorError) -> FileErrorKind {
    refused(error.to_string())
}

fn refused(reason: String) -> FileErrorKind {
    FileErrorKind::Corrupt { format: FORMAT, reason }
}

/// The bytes of a file with these tensors. The order of `state` does not matter.
///
/// # Errors
/// [`StateError::Duplicate`] if a name appears more than once, [`FileErrorKind::Name`] for the name that the format
/// reserves, [`FileErrorKind::Limit`] for what could not be read again.
pub fn to_bytes<T: FileElement>(state: &[(String, Tensor<T>)]) -> Result<Vec<u8>, FileErrorKind> {
    to_bytes_with(state, None)
}

/// As [`to_bytes`], with one metadata entry. (With several, the bytes would vary: the library writes them in
/// an unspecified order.)
pub(crate) fn to_bytes_with<T: FileElement>(
    state: &[(String, Tensor<T>)],
    metadata: Option<(&str, String)>,
) -> Result<Vec<u8>, FileErrorKind> {
    writable_state(state)?;
    if let Some((name, _)) = state.iter().find(|(name, _)| name == METADATA) {
        let reason = "the format reserves this name";
        return Err(FileErrorKind::Name { tensor: name.clone(), reason });
    }
    let metadata = metadata.map(|(key, text)| [(key.to_owned(), text)].into_iter().collect());
    let entries = state.iter().map(|(name, tensor)| (name, Entry(tensor)));
    ::safetensors::serialize(entries, metadata).map_err(corrupt)
}

/// Reads the tensors in the bytes of a file, sorted by name. Elements of other types are read if `T`
/// represents them exactly: see [`Conversion`].
///
/// # Errors
/// A file that is damaged or truncated, elements that `T` cannot represent, a name that appears more than
/// once, or anything beyond the default [`Limits`](super::Limits).
pub fn from_bytes<T: FileElement>(bytes: &[u8]) -> Result<State<T>, FileErrorKind> {
    from_bytes_with(bytes, &Options::new())
}

/// As [`from_bytes`], with other limits, or with rounding.
///
/// # Errors
/// As [`from_bytes`].
pub fn from_bytes_with<T: FileElement>(bytes: &[u8], options: &Options) -> Result<State<T>, FileErrorKind> {
    Contents::of_bytes(bytes, options)?.tensors(|_| true)
}

/// A file whose header has been read and checked against the length of the file; the elements come next.
struct Contents<'o, R> {
    header: Metadata,
    numbers: R,
    options: &'o Options,
}

impl<'o, 'b> Contents<'o, &'b [u8]> {
    /// Reads the header in the bytes of a file.
    fn of_bytes(bytes: &'b [u8], options: &'o Options) -> Result<Contents<'o, &'b [u8]>, FileErrorKind> {
        options.limits.check_bytes(bytes.len() as u64)?;
        Contents::of(bytes, bytes.len() as u64, options)
    }
}

impl<'o, R: Read> Contents<'o, R> {
    /// Reads the header of a stream of this many bytes.
    fn of(mut reader: R, length: u64, options: &'o Options) -> Result<Contents<'o, R>, FileErrorKind> {
        let truncated = |expected: u64| FileErrorKind::Truncated { expected, found: length };
        let prefix = up_to(&mut reader, PREFIX)?;
        let prefix = <[u8; PREFIX as usize]>::try_from(prefix).map_err(|_| truncated(PREFIX))?;
        let header = u64::from_le_bytes(prefix);
        let begin = header.saturating_add(PREFIX);
        // Text, or any other format: its first bytes are no plausible length.
        if header > MAX_HEADER {
            return Err(refused(format!("a header of {header} bytes, expected at most {MAX_HEADER}")));
        }
        if begin > length {
            return Err(truncated(begin));
        }
        let text = up_to(&mut reader, header)?;
        if text.len() as u64 != header {
            return Err(truncated(begin));
        }
        let invalid = |error: serde_json::Error| refused(error.to_string());
        // The library silently keeps the last tensor of a name.
        if let Some(name) = repeated_key(&text).map_err(invalid)? {
            return Err(StateError::Duplicate { tensor: name }.into());
        }
        let header: Metadata = serde_json::from_slice(&text).map_err(invalid)?;
        let end = begin.saturating_add(header.data_len() as u64);
        if end > length {
            return Err(truncated(end));
        }
        if end < length {
            return Err(FileErrorKind::Trailing { expected: end });
        }
        Ok(Contents { header, numbers: reader, options })
    }

    /// Reads all tensors, and the metadata entry `key`.
    fn with_metadata<T: FileElement>(self, key: &str) -> Result<(State<T>, Option<String>), FileErrorKind> {
        let metadata = self.header.metadata().as_ref();
        let text = metadata.and_then(|metadata| metadata.get(key)).cloned();
        Ok((self.tensors(|_| true)?, text))
    }

    /// Reads the tensors whose names `keep` accepts, sorted by name.
    fn tensors<T: FileElement>(mut self, keep: impl Fn(&str) -> bool) -> Result<State<T>, FileErrorKind> {
        let entries = self.header.tensors();
        self.options.limits.check_entries(entries.len())?;
        let mut entries: Vec<(String, &TensorInfo)> = entries.into_iter().collect();
        // In file order, and empty tensors by name, so that the same file gives the same error.
        entries.sort_by(|(a, x), (b, y)| x.data_offsets.cmp(&y.data_offsets).then_with(|| a.cmp(b)));
        let mut state = State::new();
        for (name, info) in entries {
            self.options.limits.check_name(&name)?;
            self.options.limits.check_axes(info.shape.len())?;
            let bytes = (info.data_offsets.1 - info.data_offsets.0) as u64;
            if keep(&name) {
                let tensor = tensor(&mut self.numbers, &name, info, bytes, self.options)?;
                state.push((name, tensor));
            } else {
                io::copy(&mut (&mut self.numbers).take(bytes), &mut io::sink())?;
            }
        }
        state.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(state)
    }
}

/// Reads the tensor whose elements come next in a stream and take this many bytes.
fn tensor<T: FileElement>(
    reader: &mut impl Read,
    name: &str,
    info: &TensorInfo,
    bytes: u64,
    options: &Options,
) -> Result<Tensor<T>, FileErrorKind> {
    let read = |_: &Kind| options.conversion != Conversion::None || info.dtype == T::DTYPE;
    let kind = Kind::of_dtype(info.dtype).filter(read).ok_or_else(|| FileErrorKind::Dtype {
        tensor: name.to_owned(),
        expected: T::NAME,
        found: info.dtype.to_string().to_lowercase(),
    })?;
    let extents: Vec<u64> = info.shape.iter().map(|&n| n as u64).collect();
    let count = stored::byte_count(&extents, kind.size())? / kind.size();
    let numbers = Numbers { name, kind, big_endian: false, count, at_most: bytes };
    stored::tensor(&info.shape, numbers.read(reader, options.conversion)?)
}

/// Reads the tensors of a stream of this many bytes.
#[cfg(test)]
pub(super) fn of_stream<T: FileElement>(
    stream: impl Read,
    length: u64,
    options: &Options,
) -> Result<State<T>, FileErrorKind> {
    Contents::of(stream, length, options)?.tensors(|_| true)
}

/// Writes named tensors to a file.
///
/// # Errors
/// As [`to_bytes`], or any error of the operating system.
///
/// ```
/// # fn main() -> Result<(), nn::files::FileError> {
/// use nn::files::safetensors;
/// use tape::Tensor;
/// let path = std::env::temp_dir().join(format!("nn-doc-{}.safetensors", std::process::id()));
/// let state = vec![("fc1.bias".to_owned(), Tensor::from([-0.0, 5e-324]))];
/// safetensors::save(&path, &state)?;
/// assert_eq!(safetensors::load::<f64>(&path)?, state);
/// let error = safetensors::load::<f32>(&path).unwrap_err().kind.to_string();
/// assert_eq!(error, "tensor \"fc1.bias\": expected values that f32 represents exactly, found 5e-324 (f64) at position 1");
/// # std::fs::remove_file(&path).unwrap();
/// # Ok(())
/// # }
/// ```
pub fn save<T: FileElement>(path: impl AsRef<Path>, state: &[(String, Tensor<T>)]) -> Result<(), FileError> {
    let path = path.as_ref();
    let bytes = to_bytes(state).map_err(|kind| kind.of(path))?;
    atomic::write(path, &bytes)
}

/// As [`load`], for tensors of type `T` only, with the metadata entry `key`.
pub(crate) fn load_same<T: FileElement>(
    path: &Path,
    key: &str,
    options: &Options,
) -> Result<(State<T>, Option<String>), FileError> {
    read(path, &options.clone().same_type(), |contents| contents.with_metadata(key))
}

/// As [`load_same`], from the bytes of a file.
pub(crate) fn from_bytes_same<T: FileElement>(
    bytes: &[u8],
    key: &str,
    options: &Options,
) -> Result<(State<T>, Option<String>), FileErrorKind> {
    let options = options.clone().same_type();
    Contents::of_bytes(bytes, &options)?.with_metadata(key)
}

/// Opens a file and reads something of its contents.
fn read<V>(
    path: &Path,
    options: &Options,
    read: impl FnOnce(Contents<'_, BufReader<File>>) -> Result<V, FileErrorKind>,
) -> Result<V, FileError> {
    let open = |(file, length)| Contents::of(BufReader::new(file), length, options);
    source::open(path, &options.limits).and_then(open).and_then(read).map_err(|kind| kind.of(path))
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
    read(path.as_ref(), options, |contents| contents.tensors(|_| true))
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
    read(path.as_ref(), options, |contents| only(contents.tensors(|entry| entry == name)?, name))
}
