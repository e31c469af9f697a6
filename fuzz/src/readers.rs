//! The readers of files, given any bytes: an error of one line, or a value that is written and read again unchanged.

use nn::checkpoint::Checkpoint;
use nn::data::{Csv, Idx};
use nn::files::{FileError, FileErrorKind, Options, npy, npz, safetensors};
use std::fmt::Display;
use tape::Tensor;

/// Asserts that an error fits on a screen and does not move the cursor of a terminal.
pub(super) fn brief(error: impl Display) {
    let text = error.to_string();
    assert!(!text.is_empty());
    assert!(text.len() < 3000, "{} bytes: {text}", text.len());
    assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
}

/// The bits of tensors by name.
fn bits(state: &[(String, Tensor<f64>)]) -> Vec<(String, Vec<usize>, Vec<u64>)> {
    let bits = |x: &Tensor<f64>| x.to_vec().into_iter().map(f64::to_bits).collect();
    state.iter().map(|(name, x)| (name.clone(), x.shape().to_vec(), bits(x))).collect()
}

/// Reads bytes by a format, in every setting; what is read is written and read again.
fn round_trip(
    data: &[u8],
    read: impl Fn(&[u8], &Options) -> Result<Vec<(String, Tensor<f64>)>, FileErrorKind>,
    write: impl Fn(&[(String, Tensor<f64>)]) -> Result<Vec<u8>, FileErrorKind>,
) {
    for options in [Options::new(), Options::new().rounded(), Options::new().same_type()] {
        match read(data, &options) {
            Err(error) => brief(error),
            Ok(state) => match write(&state) {
                Err(error) => brief(error),
                Ok(written) => {
                    let again = read(&written, &options).expect("what was written is read");
                    assert_eq!(bits(&again), bits(&state));
                }
            },
        }
    }
}

/// Images and labels of MNIST's format, compressed or not.
pub fn idx(data: &[u8]) {
    match Idx::from_bytes(data) {
        Err(error) => brief(error),
        Ok(idx) => {
            let size: usize = idx.shape().iter().product();
            assert!(size <= data.len() * 1100 + (1 << 20), "{size} elements from {} bytes", data.len());
        }
    }
}

/// One array of NumPy.
pub fn npy(data: &[u8]) {
    round_trip(
        data,
        |data, options| Ok(vec![("x".to_owned(), npy::from_bytes_with(data, options)?)]),
        |state| Ok(npy::to_bytes(&state[0].1)),
    );
    if let Err(error) = npy::from_bytes::<f32>(data) {
        brief(error);
    }
}

/// An archive of NumPy.
pub fn npz(data: &[u8]) {
    round_trip(data, npz::from_bytes_with, npz::to_bytes);
    if let Err(error) = npz::from_bytes::<f32>(data) {
        brief(error);
    }
}

/// A file of safetensors.
pub fn safetensors(data: &[u8]) {
    round_trip(data, safetensors::from_bytes_with, safetensors::to_bytes);
    if let Err(error) = safetensors::from_bytes::<f32>(data) {
        brief(error);
    }
}

/// A checkpoint of a training run.
pub fn checkpoint(data: &[u8]) {
    match Checkpoint::<f64>::from_bytes(data) {
        Err(error) => brief(error),
        Ok(checkpoint) => match checkpoint.to_bytes() {
            Err(error) => brief(error),
            Ok(written) => {
                let again = Checkpoint::<f64>::from_bytes(&written).expect("what was written is read");
                assert_eq!(again.to_bytes().expect("what was read is written"), written);
            }
        },
    }
}

/// A table; the first byte chooses the settings.
pub fn csv(data: &[u8]) {
    let Some((&settings, text)) = data.split_first() else { return };
    let mut csv = Csv::new().separator(b",;\t "[usize::from(settings & 3)]);
    if settings & 4 != 0 {
        csv = csv.headerless();
    }
    if settings & 8 != 0 {
        csv = csv.named();
    }
    let short = |result: Result<(), FileError>| result.err().into_iter().for_each(brief);
    match csv.parse("table.csv", text) {
        Err(error) => brief(error),
        Ok(table) => {
            let columns: Vec<&str> = table.columns().iter().map(String::as_str).collect();
            for &column in columns.iter().take(8) {
                match table.column(column) {
                    Ok(cells) => assert_eq!(cells.len(), table.len()),
                    Err(error) => brief(error),
                }
                short(table.numbers::<f64>(&[column]).map(|x| assert_eq!(x.size(), table.len())));
                short(table.classes(column).map(|_| ()));
            }
            short(table.drop_missing(&columns, "").map(|kept| assert!(kept.len() <= table.len())));
        }
    }
}
