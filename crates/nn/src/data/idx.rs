//! The IDX format: a magic number, the extents, then the elements, all big-endian.
//!
//! The magic number is two zero bytes, the code of the element type, and the number of axes. Gzip compression
//! is recognised by the first bytes; inflated bytes count towards the [`Limits`].

use crate::files::{self, Budget, FileError, FileErrorKind, Limits, byte_count, goes_on, is_damage, reserve};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use tape::{Element, Shape, Tensor};

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The elements of an IDX file, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum IdxData {
    /// Code 08.
    U8(Vec<u8>),
    /// Code 09.
    I8(Vec<i8>),
    /// Code 0b.
    I16(Vec<i16>),
    /// Code 0c.
    I32(Vec<i32>),
    /// Code 0d.
    F32(Vec<f32>),
    /// Code 0e.
    F64(Vec<f64>),
}

/// Applies one expression to the vector of any variant.
macro_rules! each {
    ($numbers:expr, $data:ident => $body:expr) => {
        match $numbers {
            IdxData::U8($data) => $body,
            IdxData::I8($data) => $body,
            IdxData::I16($data) => $body,
            IdxData::I32($data) => $body,
            IdxData::F32($data) => $body,
            IdxData::F64($data) => $body,
        }
    };
}

impl IdxData {
    fn len(&self) -> usize {
        each!(self, data => data.len())
    }

    fn code(&self) -> u8 {
        match self {
            IdxData::U8(_) => 0x08,
            IdxData::I8(_) => 0x09,
            IdxData::I16(_) => 0x0b,
            IdxData::I32(_) => 0x0c,
            IdxData::F32(_) => 0x0d,
            IdxData::F64(_) => 0x0e,
        }
    }

    /// Bytes per element of the type with this code.
    fn size(code: u8) -> Option<usize> {
        match code {
            0x08 | 0x09 => Some(1),
            0x0b => Some(2),
            0x0c | 0x0d => Some(4),
            0x0e => Some(8),
            _ => None,
        }
    }

    /// Decodes elements of the type with this code, which must be valid.
    fn decode(code: u8, bytes: Vec<u8>) -> Result<IdxData, FileErrorKind> {
        macro_rules! words {
            ($t:ident) => {{
                let (words, _) = bytes.as_chunks();
                let mut numbers = Vec::new();
                reserve(&mut numbers, words.len() as u64)?;
                numbers.extend(words.iter().map(|&word| $t::from_be_bytes(word)));
                numbers
            }};
        }
        Ok(match code {
            0x09 => IdxData::I8(words!(i8)),
            0x0b => IdxData::I16(words!(i16)),
            0x0c => IdxData::I32(words!(i32)),
            0x0d => IdxData::F32(words!(f32)),
            0x0e => IdxData::F64(words!(f64)),
            _ => IdxData::U8(bytes),
        })
    }
}

/// The array in an IDX file.
///
/// ```
/// use nn::data::{Idx, IdxData};
/// let labels = Idx::new([3], IdxData::U8(vec![7, 2, 1])).unwrap();
/// let bytes = labels.to_bytes();
/// assert_eq!(bytes, [0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]);
/// assert_eq!(Idx::from_bytes(&bytes)?, labels);
/// assert_eq!(Idx::from_bytes(&bytes[..9]).unwrap_err().to_string(), "truncated: expected 11 bytes, found 9");
/// # Ok::<(), nn::files::FileErrorKind>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    shape: Vec<usize>,
    numbers: IdxData,
}

impl Idx {
    /// Elements in row-major order with a shape; `None` if the shape has another number of elements, more
    /// than 255 axes or an extent of 2³² or more, which the format cannot express, or could not be read
    /// again.
    pub fn new(shape: impl Into<Vec<usize>>, numbers: IdxData) -> Option<Idx> {
        let shape = shape.into();
        let extents: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
        // A tensor of this shape must be possible.
        byte_count(&extents, size_of::<f64>()).ok()?;
        let size = IdxData::size(numbers.code())?;
        let bytes = byte_count(&extents, size).ok()?;
        let sayable = shape.len() <= 255 && shape.iter().all(|&n| u32::try_from(n).is_ok());
        (sayable && bytes / size == numbers.len()).then_some(Idx { shape, numbers })
    }

    /// The extents of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in row-major order.
    pub fn numbers(&self) -> &IdxData {
        &self.numbers
    }

    /// Returns the shape and the elements, without a copy.
    pub fn into_parts(self) -> (Vec<usize>, IdxData) {
        (self.shape, self.numbers)
    }

    /// The elements as a tensor of the same shape. In an `f32` tensor, whole numbers beyond 2²⁴ and `f64` are
    /// rounded.
    ///
    /// # Panics
    /// If [`try_to_tensor`](Idx::try_to_tensor) returns an error.
    #[track_caller]
    pub fn to_tensor<T: Element>(&self) -> Tensor<T> {
        self.try_to_tensor().unwrap_or_else(|kind| panic!("idx: {kind}"))
    }

    /// As [`to_tensor`](Idx::to_tensor), for elements that may be too large for `T`.
    ///
    /// # Errors
    /// [`FileErrorKind::Value`] for a finite element that would become infinite, [`FileErrorKind::TooLarge`] if there is no
    /// memory for the elements.
    ///
    /// ```
    /// use nn::data::{Idx, IdxData};
    /// let idx = Idx::new([2], IdxData::F64(vec![0.5, 1e300])).unwrap();
    /// let error = idx.try_to_tensor::<f32>().unwrap_err().to_string();
    /// assert_eq!(error, "expected values in the range of f32, found 1e300 at position 1");
    /// assert_eq!(idx.try_to_tensor::<f64>()?.to_vec(), [0.5, 1e300]);
    /// # Ok::<(), nn::files::FileErrorKind>(())
    /// ```
    // One of the six types is `f64` already.
    #[allow(clippy::useless_conversion)]
    pub fn try_to_tensor<T: Element>(&self) -> Result<Tensor<T>, FileErrorKind> {
        let number = |(position, x): (usize, f64)| {
            let y = T::from_f64(x);
            if y.is_finite() || !x.is_finite() {
                return Ok(y);
            }
            let (expected, found) = (format!("values in the range of {}", T::NAME), format!("{x:?}"));
            Err(FileErrorKind::Value { tensor: String::new(), expected, found, position })
        };
        let mut numbers = Vec::new();
        reserve(&mut numbers, self.numbers.len() as u64)?;
        each!(&self.numbers, data => for (position, &x) in data.iter().enumerate() {
            numbers.push(number((position, f64::from(x)))?);
        });
        match Tensor::from_vec(Shape::from(self.shape.as_slice()), numbers) {
            Ok(tensor) => Ok(tensor),
            Err(_) => unreachable!("the constructors count the numbers"),
        }
    }

    /// Reads the array from the bytes of a file, compressed or not.
    ///
    /// # Errors
    /// A wrong magic number, a truncated file or trailing bytes, extents whose product does not fit into
    /// memory, damaged compression, or anything beyond the default [`Limits`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Idx, FileErrorKind> {
        Idx::from_bytes_with(bytes, &Limits::default())
    }

    /// As [`from_bytes`](Idx::from_bytes), with other limits.
    ///
    /// # Errors
    /// As [`from_bytes`](Idx::from_bytes).
    pub fn from_bytes_with(bytes: &[u8], limits: &Limits) -> Result<Idx, FileErrorKind> {
        Idx::from_reader(bytes, bytes.len() as u64, limits)
    }

    /// Reads the array in a file, compressed or not.
    ///
    /// # Errors
    /// As [`from_bytes`](Idx::from_bytes), with the file's name; a file that does not exist, is not regular,
    /// or cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Idx, FileError> {
        Idx::read_with(path, &Limits::default())
    }

    /// As [`read`](Idx::read), with other limits.
    ///
    /// # Errors
    /// As [`read`](Idx::read).
    pub fn read_with(path: impl AsRef<Path>, limits: &Limits) -> Result<Idx, FileError> {
        let path = path.as_ref();
        let read = |(file, length): (File, u64)| Idx::from_reader(BufReader::new(file), length, limits);
        files::open(path, limits).and_then(read).map_err(|kind| kind.of(path))
    }

    /// Reads the array from a stream of this many bytes.
    fn from_reader(mut reader: impl BufRead, length: u64, limits: &Limits) -> Result<Idx, FileErrorKind> {
        limits.check_bytes(length)?;
        // A read may yield one byte, or be interrupted.
        let start = up_to(&mut reader, GZIP.len())?;
        let compressed = start == GZIP;
        let reader = start.as_slice().chain(reader);
        if compressed {
            let mut budget = Budget::new(limits, length);
            let most = budget.left();
            Idx::decode(budget.of(MultiGzDecoder::new(reader)), Some(most), limits)
        } else {
            Idx::decode(reader, None, limits)
        }
    }

    /// Reads the array from a stream that may inflate to at most this many bytes.
    fn decode(mut reader: impl Read, most: Option<u64>, limits: &Limits) -> Result<Idx, FileErrorKind> {
        let wrong = |found: &[u8]| FileErrorKind::Magic { expected: "an IDX file", found: found.to_vec() };
        let start = up_to(&mut reader, 4)?;
        let &[0, 0, code, axes] = start.as_slice() else { return Err(wrong(&start)) };
        let size = IdxData::size(code).ok_or_else(|| wrong(&start))?;
        limits.check_axes(axes.into())?;
        let header = 4 + 4 * u64::from(axes);
        let extents = up_to(&mut reader, header as usize - 4)?;
        let truncated =
            |expected, body: &[u8]| FileErrorKind::Truncated { expected, found: 4 + body.len() as u64 };
        if extents.len() as u64 + 4 < header {
            return Err(truncated(header, &extents));
        }
        let extents: Vec<u64> =
            extents.as_chunks().0.iter().map(|&word| u64::from(u32::from_be_bytes(word))).collect();
        // A tensor of this shape must be possible.
        byte_count(&extents, size_of::<f64>())?;
        let count = byte_count(&extents, size)?;
        let expected = header + count as u64;
        // Checked before inflating: more than a file of this length can hold is a false claim, or meant to
        // exhaust memory.
        if let Some(most) = most.filter(|&most| expected > most) {
            return Err(FileErrorKind::Limit { what: "inflated bytes", limit: most, found: expected });
        }
        let bytes = up_to(&mut reader, count)?;
        if bytes.len() < count {
            return Err(FileErrorKind::Truncated { expected, found: header + bytes.len() as u64 });
        }
        if goes_on(&mut reader).map_err(damaged)? {
            return Err(FileErrorKind::Trailing { expected });
        }
        let shape = extents.iter().map(|&n| n as usize).collect();
        Ok(Idx { shape, numbers: IdxData::decode(code, bytes)? })
    }

    /// The magic number of a file with this array.
    pub(crate) fn magic(&self) -> [u8; 4] {
        [0, 0, self.numbers.code(), self.shape.len() as u8]
    }

    /// The bytes of an uncompressed file with this array.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.magic().to_vec();
        self.shape.iter().for_each(|&n| bytes.extend_from_slice(&(n as u32).to_be_bytes()));
        each!(&self.numbers, data => data.iter().for_each(|x| bytes.extend_from_slice(&x.to_be_bytes())));
        bytes
    }

    /// Writes the array to an uncompressed file.
    ///
    /// # Errors
    /// Any error of the operating system.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        files::write(path, &self.to_bytes())
    }
}

/// Reads up to `count` bytes: the buffer grows with the stream, whatever the header claims. A truncated
/// compressed stream counts as one that ends there, unless nothing of it is left or only its checksum is missing.
fn up_to(reader: &mut impl Read, count: usize) -> Result<Vec<u8>, FileErrorKind> {
    let mut bytes = Vec::new();
    match reader.take(count as u64).read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() || error.kind() != io::ErrorKind::UnexpectedEof => Err(damaged(error)),
        _ => Ok(bytes),
    }
}

/// Damage inside a compressed stream is reported as a read error.
fn damaged(error: io::Error) -> FileErrorKind {
    match is_damage(&error) {
        true => FileErrorKind::Corrupt { format: "gzip", reason: error.to_string() },
        false => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::failing::each_failure;
    use flate2::{Compression, read::GzEncoder};

    #[test]
    fn failures_of_the_device_are_passed_on() {
        let bytes = Idx { shape: vec![2, 2], numbers: IdxData::I16(vec![1, 2, 3, 4]) }.to_bytes();
        let mut compressed = Vec::new();
        let read = GzEncoder::new(&bytes[..], Compression::best()).read_to_end(&mut compressed);
        read.expect("a slice is compressed");
        for bytes in [bytes, compressed] {
            each_failure(&bytes, |stream| {
                Idx::from_reader(BufReader::new(stream), bytes.len() as u64, &Limits::default())
            });
        }
    }
}
