//! The limits of a reader, and its conversion of elements.

use super::error::FileErrorKind;

/// The limits of a reader. A file that exceeds one is refused with [`FileErrorKind::Limit`], before memory is spent
/// on it; written files stay within the default limits.
///
/// Every reader of this crate obeys the same limits: `safetensors`, `.npy`, `.npz`, checkpoints, IDX and
/// tables, from files and from memory. Raise them for a file you trust:
///
/// ```
/// use nn::files::{Limits, Options, npy};
/// use tape::Tensor;
/// let bytes = npy::to_bytes(&Tensor::<f64>::zeros([1, 1, 1]));
/// let strict = Options::new().limits(Limits { axes: 2, ..Limits::default() });
/// let error = npy::from_bytes_with::<f64>(&bytes, &strict).unwrap_err();
/// assert_eq!(error.to_string(), "axes of a tensor: expected at most 2, found 3 (see nn::files::Limits)");
/// let patient = Options::new().limits(Limits { bytes: 1 << 40, ratio: 2000, ..Limits::default() });
/// assert!(npy::from_bytes_with::<f64>(&bytes, &patient).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Limits {
    /// Bytes of a file, and of everything in it when inflated: 16 GiB.
    pub bytes: u64,
    /// Inflated bytes per compressed byte, beyond the first [MiB](Limits::FREE) of a file: 100. Images reach
    /// 10, zeros 1000.
    pub ratio: u64,
    /// Tensors in a file, or entries in an archive: 2²⁰.
    pub entries: usize,
    /// Axes of a tensor: 255.
    pub axes: usize,
    /// Bytes of a name: 4096.
    pub name: usize,
    /// Columns of a table: 2²⁰.
    pub columns: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 1 << 34, ratio: 100, entries: 1 << 20, axes: 255, name: 1 << 12, columns: 1 << 20 }
    }
}

impl Limits {
    /// Bytes that a compressed file may always inflate to: 1 MiB.
    pub const FREE: u64 = 1 << 20;

    /// The bytes that a compressed file of this length may inflate to.
    pub(crate) fn inflated(&self, compressed: u64) -> u64 {
        compressed.saturating_mul(self.ratio).saturating_add(Limits::FREE).min(self.bytes)
    }

    pub(crate) fn check_bytes(&self, found: u64) -> Result<(), FileErrorKind> {
        at_most("bytes of a file", self.bytes, found)
    }

    pub(crate) fn check_entries(&self, found: usize) -> Result<(), FileErrorKind> {
        at_most("entries of a file", self.entries as u64, found as u64)
    }

    pub(crate) fn check_axes(&self, found: usize) -> Result<(), FileErrorKind> {
        at_most("axes of a tensor", self.axes as u64, found as u64)
    }

    pub(crate) fn check_name(&self, name: &str) -> Result<(), FileErrorKind> {
        at_most("bytes of a name", self.name as u64, name.len() as u64)
    }

    pub(crate) fn check_columns(&self, found: usize) -> Result<(), FileErrorKind> {
        at_most("columns of a table", self.columns as u64, found as u64)
    }
}

/// Returns an error if a quantity exceeds its limit.
pub(crate) fn at_most(what: &'static str, limit: u64, found: u64) -> Result<(), FileErrorKind> {
    if found <= limit { Ok(()) } else { Err(FileErrorKind::Limit { what, limit, found }) }
}

/// The conversion of elements of a type other than the requested one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Conversion {
    /// They are refused.
    None,
    /// They are read if each is exactly representable in that type: a whole number, a boolean (as 0 or 1) or
    /// a half-precision number in an `f32`, an `f64` that happens to be an `f32`. The error names the first
    /// that is not.
    #[default]
    Exact,
    /// They are rounded to the nearest, ties to even. A finite value that would become infinite is still
    /// refused.
    Rounded,
}

/// Options for reading a file: its [limits](Limits), and the [conversion](Conversion) of elements.
///
/// ```
/// use nn::files::{Options, npy};
/// use tape::Tensor;
/// let tenth = npy::to_bytes(&Tensor::scalar(0.1));
/// let error = npy::from_bytes::<f32>(&tenth).unwrap_err().to_string();
/// assert_eq!(error, "expected values that f32 represents exactly, found 0.1 (f64) at position 0");
/// let rounded = Options::new().rounded();
/// assert_eq!(npy::from_bytes_with::<f32>(&tenth, &rounded)?, Tensor::scalar(0.1));
/// assert!(npy::from_bytes::<f32>(&npy::to_bytes(&Tensor::scalar(0.5))).is_ok());
/// # Ok::<(), nn::files::FileErrorKind>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Options {
    /// The limits.
    pub limits: Limits,
    /// The conversion of elements of another type.
    pub conversion: Conversion,
}

impl Options {
    /// The default limits, and exact conversions.
    pub fn new() -> Options {
        Options::default()
    }

    /// Sets the limits.
    pub fn limits(self, limits: Limits) -> Options {
        Options { limits, ..self }
    }

    /// Rounds elements of another type: [`Conversion::Rounded`].
    pub fn rounded(self) -> Options {
        Options { conversion: Conversion::Rounded, ..self }
    }

    /// Refuses elements of another type: [`Conversion::None`].
    pub fn same_type(self) -> Options {
        Options { conversion: Conversion::None, ..self }
    }
}
