//! The safetensors format: a JSON header with names, types, shapes and offsets, then the numbers.
//!
//! Chosen as the format for models because every framework reads it and it can hold nothing but tensors.

use super::error::{FileError, Problem};
use super::{State, Stored, atomic, only, stored, unique_names};
use ::safetensors::tensor::Metadata;
use ::safetensors::{SafeTensorError, SafeTensors, View};
use std::borrow::Cow;
use std::path::Path;
use tape::Tensor;

const FORMAT: &str = "safetensors";

/// Bytes before the header: its length.
const PREFIX: usize = 8;

struct Entry<'a> {
    dtype: ::safetensors::Dtype,
    shape: &'a [usize],
    bytes: Vec<u8>,
}

impl View for Entry<'_> {
    fn dtype(&self) -> ::safetensors::Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn corrupt(error: SafeTensorError) -> Problem {
    Problem::Corrupt { format: FORMAT, reason: error.to_string() }
}

/// The bytes of a file with these tensors. The order of `state` does not matter.
///
/// # Errors
/// [`Problem::Duplicate`] if a name stands twice.
pub fn to_bytes<T: Stored>(state: &[(String, Tensor<T>)]) -> Result<Vec<u8>, Problem> {
    to_bytes_with(state, None)
}

/// As [`to_bytes`], with a line of metadata. (With several the bytes would not be the same each time: the library
/// writes them in an order of its own.)
fn to_bytes_with<T: Stored>(
    state: &[(String, Tensor<T>)],
    metadata: Option<(&str, String)>,
) -> Result<Vec<u8>, Problem> {
    unique_names(state)?;
    let metadata = metadata.map(|(key, text)| [(key.to_owned(), text)].into_iter().collect());
    let entries = state.iter().map(|(name, tensor)| {
        let mut bytes = Vec::new();
        T::write(&tensor.to_vec(), &mut bytes);
        (name, Entry { dtype: T::DTYPE, shape: tensor.shape(), bytes })
    });
    ::safetensors::serialize(entries, metadata).map_err(corrupt)
}

/// The tensors in the bytes of a file, sorted by name. Whole numbers of 64 bits, with which other programs count
/// batches, are read too if `T` holds them exactly.
///
/// # Errors
/// A file that is damaged or cut off, and tensors of another number type than `T`.
pub fn from_bytes<T: Stored>(bytes: &[u8]) -> Result<State<T>, Problem> {
    entries(bytes, |_| true)
}

/// The tensors whose names are to be kept, sorted by name.
fn entries<T: Stored>(bytes: &[u8], keep: impl Fn(&str) -> bool) -> Result<State<T>, Problem> {
    check_extent(bytes)?;
    let file = SafeTensors::deserialize(bytes).map_err(corrupt)?;
    let mut views: Vec<_> = file.iter().filter(|(name, _)| keep(name)).collect();
    // The library iterates in an order of its own each time; the same file is to give the same error.
    views.sort_by_key(|&(name, _)| name);
    let mut state = State::new();
    for (name, view) in views {
        let (numbers, size) = match view.dtype() {
            dtype if dtype == T::DTYPE => (Some(T::read(view.data())), T::SIZE),
            ::safetensors::Dtype::I64 => (stored::whole(view.data()), stored::WHOLE_SIZE),
            _ => (None, T::SIZE),
        };
        let Some(numbers) = numbers else {
            let found = view.dtype().to_string().to_lowercase();
            return Err(Problem::Dtype { tensor: name.to_owned(), expected: T::NAME, found });
        };
        state.push((name.to_owned(), stored::tensor(view.shape(), numbers, size)?));
    }
    Ok(state)
}

/// Does the header announce as many bytes as there are?
///
/// The library adds the last offset and the header's length without a check, which panics where overflow is
/// checked and the offset lies near 2^64. Hence a look at the header before it sees the file.
fn check_extent(bytes: &[u8]) -> Result<(), Problem> {
    let truncated = |expected: u64| Problem::Truncated { expected, found: bytes.len() as u64 };
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX>().ok_or_else(|| truncated(PREFIX as u64))?;
    let length = u64::from_le_bytes(*prefix);
    let header = usize::try_from(length).ok().and_then(|n| rest.get(..n));
    let header = header.ok_or_else(|| truncated(length.saturating_add(PREFIX as u64)))?;
    let metadata: Metadata = serde_json::from_slice(header)
        .map_err(|error| Problem::Corrupt { format: FORMAT, reason: error.to_string() })?;
    let (data, expected) = (rest.len() - header.len(), metadata.data_len());
    if expected > data {
        return Err(truncated(((bytes.len() - data) as u64).saturating_add(expected as u64)));
    }
    if expected < data {
        return Err(Problem::Trailing { expected: (bytes.len() - data + expected) as u64 });
    }
    Ok(())
}

/// Writes named tensors to a file.
///
/// # Errors
/// A name that stands twice, or whatever the operating system refuses.
///
/// ```
/// # fn main() -> Result<(), nn::files::FileError> {
/// use nn::files::safetensors;
/// use tape::Tensor;
/// let path = std::env::temp_dir().join(format!("nn-doc-{}.safetensors", std::process::id()));
/// let state = vec![("fc1.bias".to_owned(), Tensor::from([-0.0, 5e-324]))];
/// safetensors::save(&path, &state)?;
/// assert_eq!(safetensors::load::<f64>(&path)?, state);
/// assert!(safetensors::load::<f32>(&path).unwrap_err().to_string().ends_with("expected f32, found f64"));
/// # std::fs::remove_file(&path).unwrap();
/// # Ok(())
/// # }
/// ```
pub fn save<T: Stored>(path: impl AsRef<Path>, state: &[(String, Tensor<T>)]) -> Result<(), FileError> {
    save_with(path.as_ref(), state, None)
}

/// As [`save`], with a line of metadata.
pub(crate) fn save_with<T: Stored>(
    path: &Path,
    state: &[(String, Tensor<T>)],
    metadata: Option<(&str, String)>,
) -> Result<(), FileError> {
    let bytes = to_bytes_with(state, metadata).map_err(|problem| problem.of(path))?;
    atomic::write(path, &bytes)
}

/// As [`load`], with the line of metadata under `key`.
pub(crate) fn load_with<T: Stored>(path: &Path, key: &str) -> Result<(State<T>, Option<String>), FileError> {
    let bytes = atomic::read(path)?;
    let read = || -> Result<_, Problem> {
        let state = from_bytes(&bytes)?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(corrupt)?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(key));
        Ok((state, text.cloned()))
    };
    read().map_err(|problem| problem.of(path))
}

/// Reads the named tensors of a file, sorted by name. See [`save`].
///
/// # Errors
/// As [`from_bytes`], with the file's name; a file that does not exist or cannot be read.
pub fn load<T: Stored>(path: impl AsRef<Path>) -> Result<State<T>, FileError> {
    let path = path.as_ref();
    from_bytes(&atomic::read(path)?).map_err(|problem| problem.of(path))
}

/// Reads one tensor of a file, which may hold others of other number types.
///
/// # Errors
/// As [`load`], but of the other tensors only what makes the file unreadable; [`Problem::Names`] if there is no
/// tensor of that name.
pub fn load_tensor<T: Stored>(path: impl AsRef<Path>, name: &str) -> Result<Tensor<T>, FileError> {
    let path = path.as_ref();
    let state = entries(&atomic::read(path)?, |entry| entry == name).map_err(|problem| problem.of(path))?;
    only(state, name).map_err(|problem| problem.of(path))
}
