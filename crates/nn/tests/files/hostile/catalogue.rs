//! The rows of the tables of hostile files, and the check of all rows.

use super::*;
use crate::allocator::measure;
use std::path::Path;

/// A file: its name in the table, its bytes, and the value that is read from it or the error without the file's name.
/// An error that ends in "..." goes on: that part is the text of another library.
pub(super) type Row = (&'static str, Vec<u8>, Result<&'static str, &'static str>);

/// The least number of rows of a format.
const ROWS: usize = 60;

/// The memory that a reader may take: in proportion to the file, beyond what any file takes (buffers, tables of the
/// decompressor).
fn allowed(bytes: usize) -> usize {
    (1 << 18) + 32 * bytes
}

/// Reads every row from a file: the value or the error is the one in the table, the error names the file and fits on a
/// screen, and memory is in proportion.
pub(super) fn check(format: &str, rows: Vec<Row>, read: impl Fn(&Path) -> Result<String, FileError>) {
    assert!(rows.len() >= ROWS, "{format}: {} rows", rows.len());
    let names: std::collections::HashSet<&str> = rows.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names.len(), rows.len(), "{format}: names that appear more than once");
    let scratch = Scratch::new(&format!("catalogue-{format}"));
    let mut wrong = Vec::new();
    for (i, (name, bytes, expected)) in rows.iter().enumerate() {
        let path = scratch.file(&format!("{i}.{format}"));
        std::fs::write(&path, bytes).unwrap();
        let (found, _, most) = measure(|| read(&path));
        let found = match found {
            Ok(value) => Ok(value),
            Err(error) => {
                assert_eq!(error.path, path, "{name}");
                let text = brief(&error.kind);
                assert_eq!(error.to_string(), format!("{}: {text}", path.display()), "{name}");
                Err(text)
            }
        };
        let right = match (&found, expected) {
            (Ok(found), Ok(expected)) => found == expected,
            (Err(found), Err(expected)) => match expected.strip_suffix("...") {
                Some(begin) => found.starts_with(begin) && begin.len() > 10,
                None => found == expected,
            },
            _ => false,
        };
        if !right {
            wrong.push(format!("{name}\n    expected {expected:?}\n    found {found:?}"));
        }
        if most > allowed(bytes.len()) {
            wrong.push(format!("{name}: {most} bytes of memory for a file of {}", bytes.len()));
        }
    }
    assert!(wrong.is_empty(), "{format}: {} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// The first bytes of files of other formats, and the error of each.
pub(super) fn foreign(errors: [&'static str; 8]) -> impl Iterator<Item = Row> {
    let files = [
        ("a pickle", b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e.".to_vec()),
        ("a web page", b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n".to_vec()),
        ("a pointer of Git LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n".to_vec()),
        ("a PNG picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01".to_vec()),
        ("an HDF5 file", b"\x89HDF\r\n\x1a\n\x00\x00\x00\x00\x00\x08\x08\x00\x04\x00\x10\x00".to_vec()),
        ("a program", b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x3e\x00".to_vec()),
        ("zeros", vec![0; 64]),
        ("ones", vec![0xff; 64]),
    ];
    files.into_iter().zip(errors).map(|((name, bytes), error)| (name, bytes, Err(error)))
}

/// A model of two parameters, with values that no file of the tables has.
pub(super) fn model() -> Linear {
    Linear::from_values([[-1.5, 2.5]], [1e300])
}

/// The tensors of a state, with their shapes: `bias [1]: 3`.
pub(super) fn shown(state: &State<f64>) -> String {
    let one = |(name, x): &(String, Tensor<f64>)| {
        let values: Vec<String> = x.to_vec().iter().map(f64::to_string).collect();
        format!("{name:?} {:?}: {}", x.shape().dims(), values.join(" "))
    };
    state.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Reads a state, and loads it into a model, which has the values of the file then, or is unchanged.
pub(super) fn state_of(path: &Path) -> Result<String, FileError> {
    let (read, mut loaded) = (files::load::<f64>(path), model());
    let before = bits(&state_dict(&loaded));
    match (nn::load(path, &mut loaded), &read) {
        (Ok(()), Ok(state)) => {
            let mut after = bits(&state_dict(&loaded));
            after.sort();
            assert_eq!(after, bits(state), "{}", path.display());
        }
        (Ok(()), Err(error)) => panic!("a model was loaded from what is no state: {error}"),
        (Err(error), Ok(_)) => {
            assert!(matches!(error.kind, FileErrorKind::State(_)), "{error}");
            assert_eq!(bits(&state_dict(&loaded)), before, "{error}");
        }
        (Err(error), Err(expected)) => {
            assert_eq!(&error, expected);
            assert_eq!(bits(&state_dict(&loaded)), before, "{error}");
        }
    }
    read.map(|state| shown(&state))
}
