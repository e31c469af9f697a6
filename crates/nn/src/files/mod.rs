//! Parameters in files: safetensors and NumPy's formats.
//!
//! [`safetensors`] and [`npz`] hold named tensors, [`npy`] holds one. All of them preserve every bit of every
//! element, write files atomically ([`write()`]), and report a damaged, hostile or unsuitable file as a
//! [`FileError`] that names the file, the tensor, and what was expected and found. They never panic, and
//! never allocate what a header merely claims. Only regular files are read, within [`Limits`] that a caller
//! can raise; elements of other types are read if they convert exactly, or rounded if [`Options`] say so.
//!
//! Nothing here knows about modules: a state is a list of names and tensors.

mod atomic;
mod error;
#[cfg(test)]
pub(crate) mod failing;
mod json;
mod limits;
pub mod npy;
pub mod npz;
pub mod safetensors;
mod source;
mod state_error;
mod stored;
mod text;

pub use atomic::write;
pub use error::{FileError, FileErrorKind};
pub use limits::{Conversion, Limits, Options};
pub use state_error::StateError;
pub use stored::FileElement;

pub(crate) use json::repeated_key;
pub(crate) use source::{Budget, goes_on, is_damage, open, read, regular, reserve};
pub(crate) use stored::byte_count;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use tape::{Element, Tensor};

/// Named tensors.
pub type State<T> = Vec<(String, Tensor<T>)>;

const EXTENSIONS: &str = ".safetensors or .npz";

/// Writes named tensors in the format given by the file's extension: `.safetensors` or `.npz`.
///
/// # Errors
/// Another extension; a name that appears more than once or could not be read again; any error of the
/// operating system.
pub fn save<T: FileElement>(path: impl AsRef<Path>, state: &[(String, Tensor<T>)]) -> Result<(), FileError> {
    let path = path.as_ref();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("safetensors") => safetensors::save(path, state),
        Some("npz") => npz::save(path, state),
        _ => Err(FileErrorKind::Extension { expected: EXTENSIONS }.of(path)),
    }
}

/// Reads named tensors, sorted by name, in the format given by the file's extension: `.safetensors` or
/// `.npz`.
///
/// # Errors
/// As [`safetensors::load`] and [`npz::load`]; another extension.
pub fn load<T: FileElement>(path: impl AsRef<Path>) -> Result<State<T>, FileError> {
    load_with(path, &Options::new())
}

/// As [`load`], with other limits, or with rounding.
///
/// # Errors
/// As [`load`].
pub fn load_with<T: FileElement>(path: impl AsRef<Path>, options: &Options) -> Result<State<T>, FileError> {
    let path = path.as_ref();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("safetensors") => safetensors::load_with(path, options),
        Some("npz") => npz::load_with(path, options),
        _ => Err(FileErrorKind::Extension { expected: EXTENSIONS }.of(path)),
    }
}

/// Returns the tensors of `state` in the order of `wanted`, provided that names and shapes match exactly.
///
/// # Errors
/// [`StateError::Names`] lists all missing and all unexpected names; [`StateError::Shape`] names the first tensor
/// of another shape; [`StateError::Duplicate`] a name that appears more than once.
///
/// ```
/// use nn::files::matching;
/// use tape::Tensor;
/// let state = vec![("b".to_owned(), Tensor::from([1.0, 2.0])), ("c".to_owned(), Tensor::scalar(3.0))];
/// let wanted = [("a", &[2][..]), ("b", &[2][..])];
/// let error = matching(state, &wanted).unwrap_err();
/// assert_eq!(error.to_string(), "missing tensors: a; unexpected tensors: c");
/// ```
pub fn matching<T: Element>(
    state: State<T>,
    wanted: &[(&str, &[usize])],
) -> Result<Vec<Tensor<T>>, StateError> {
    unique_names(&state)?;
    let mut found: HashMap<String, Tensor<T>> = state.into_iter().collect();
    let mut tensors = Vec::with_capacity(wanted.len());
    let mut missing = Vec::new();
    for &(name, shape) in wanted {
        match found.remove(name) {
            Some(tensor) => tensors.push((name, shape, tensor)),
            None => missing.push(name.to_owned()),
        }
    }
    let mut unexpected: Vec<String> = found.into_keys().collect();
    unexpected.sort();
    if !missing.is_empty() || !unexpected.is_empty() {
        return Err(StateError::Names { missing, unexpected });
    }
    let fit = |(name, shape, tensor): (&str, &[usize], Tensor<T>)| {
        if tensor.shape()[..] == *shape {
            return Ok(tensor);
        }
        Err(StateError::Shape {
            tensor: name.to_owned(),
            expected: shape.to_vec(),
            found: tensor.shape().dims(),
        })
    };
    tensors.into_iter().map(fit).collect()
}

/// Refuses a repeated name, which both formats would silently lose.
fn unique_names<T: Element>(state: &[(String, Tensor<T>)]) -> Result<(), StateError> {
    let mut seen = HashSet::new();
    match state.iter().find(|(name, _)| !seen.insert(name)) {
        Some((name, _)) => Err(StateError::Duplicate { tensor: name.clone() }),
        None => Ok(()),
    }
}

/// Refuses a tensor that could not be read again: one beyond the default limits.
fn writable<T: FileElement>(name: &str, x: &Tensor<T>) -> Result<(), FileErrorKind> {
    let limits = Limits::default();
    limits.check_name(name)?;
    limits.check_axes(x.rank())?;
    let extents: Vec<u64> = x.shape().iter().map(|&n| n as u64).collect();
    // A broadcast tensor may have more elements than fit into memory.
    reserve(&mut Vec::<u8>::new(), byte_count(&extents, T::SIZE)? as u64)
        .map_err(|_| FileErrorKind::TooLarge { shape: extents })
}

/// Refuses a state that could not be read again.
fn writable_state<T: FileElement>(state: &[(String, Tensor<T>)]) -> Result<(), FileErrorKind> {
    unique_names(state)?;
    Limits::default().check_entries(state.len())?;
    state.iter().try_for_each(|(name, x)| writable(name, x))
}

/// The tensor `name`, if it was found.
fn only<T: Element>(mut state: State<T>, name: &str) -> Result<Tensor<T>, FileErrorKind> {
    let missing = || StateError::Names { missing: vec![name.to_owned()], unexpected: vec![] }.into();
    state.pop().map(|(_, tensor)| tensor).ok_or_else(missing)
}
