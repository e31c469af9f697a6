//! NumPy's `.npz`: a zip archive with one `.npy` per tensor.
//!
//! Written uncompressed, as `numpy.savez` does (trained parameters hardly compress), without times of day, so
//! that the same state gives the same bytes. Read compressed or not.

use super::error::{FileError, Problem};
use super::{State, Stored, atomic, npy, only, unique_names};
use std::io::{Cursor, Write};
use std::path::Path;
use tape::Tensor;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const SUFFIX: &str = ".npy";

fn corrupt(error: ZipError) -> Problem {
    Problem::Corrupt { format: "npz", reason: error.to_string() }
}

/// The bytes of a file with these tensors.
///
/// # Errors
/// [`Problem::Duplicate`] if a name stands twice.
pub fn to_bytes<T: Stored>(state: &[(String, Tensor<T>)]) -> Result<Vec<u8>, Problem> {
    unique_names(state)?;
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

/// The tensors in the bytes of a file, sorted by name.
///
/// # Errors
/// A file that is damaged or cut off (checksums included), and tensors of another number type than `T`.
pub fn from_bytes<T: Stored>(bytes: &[u8]) -> Result<State<T>, Problem> {
    entries(bytes, |_| true)
}

/// The tensors whose names are to be kept, sorted by name.
fn entries<T: Stored>(bytes: &[u8], keep: impl Fn(&str) -> bool) -> Result<State<T>, Problem> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(corrupt)?;
    let mut state = State::new();
    for i in 0..archive.len() {
        let entry = archive.by_index(i).map_err(corrupt)?;
        let full = entry.name().map_err(corrupt)?.into_owned();
        let name = full.strip_suffix(SUFFIX).unwrap_or(&full);
        if keep(name) {
            state.push((name.to_owned(), npy::from_reader(entry, name)?));
        }
    }
    state.sort_by(|(a, _), (b, _)| a.cmp(b));
    unique_names(&state)?;
    Ok(state)
}

/// Writes named tensors to a file.
///
/// # Errors
/// A name that stands twice, or whatever the operating system refuses.
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
pub fn save<T: Stored>(path: impl AsRef<Path>, state: &[(String, Tensor<T>)]) -> Result<(), FileError> {
    let path = path.as_ref();
    let bytes = to_bytes(state).map_err(|problem| problem.of(path))?;
    atomic::write(path, &bytes)
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
