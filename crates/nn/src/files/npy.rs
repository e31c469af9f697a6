//! NumPy's `.npy`: a header that is a Python dictionary, then the elements.
//!
//! Implemented here because the library for the format brings arbitrary-precision integers and a parser
//! generator for the three keys of one dictionary. Reads versions 1 to 3, both byte orders, C and Fortran
//! order, extents with the `L` of Python 2, and all integer and floating-point types up to 64 bits and
//! booleans (see [`Conversion`]); complex, text and record types are recognised only to name them in the
//! error. If a file holds several arrays, the first is read, as in NumPy. Writes version 1, little-endian, C
//! order.

use super::error::{FileError, FileErrorKind};
use super::limits::{Conversion, Limits, Options};
use super::source::{self, Inflating, goes_on, is_damage, reserve, up_to};
use super::stored::{self, Kind, Numbers};
use super::{FileElement, atomic, writable};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use tape::Tensor;

pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The alignment of the elements in NumPy's files.
const ALIGNMENT: usize = 64;

/// Longer headers describe records, not numbers.
const MAX_HEADER: usize = 1 << 16;

/// The name in errors for a tensor without one.
const UNNAMED: &str = "";

fn corrupt(reason: impl Into<String>) -> FileErrorKind {
    FileErrorKind::Corrupt { format: "npy", reason: reason.into() }
}

/// The bytes of a file with this tensor.
///
/// ```
/// use nn::files::npy;
/// use tape::Tensor;
/// let x = Tensor::from([[1.0_f32, -0.0], [f32::INFINITY, 1e-45]]);
/// let bytes = npy::to_bytes(&x);
/// assert_eq!(&bytes[10..], [&b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"[..],
///     &[b' '; 58], b"\n", &x.to_vec().iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()].concat());
/// assert_eq!(npy::from_bytes::<f32>(&bytes)?, x);
/// # Ok::<(), nn::files::FileErrorKind>(())
/// ```
pub fn to_bytes<T: FileElement>(x: &Tensor<T>) -> Vec<u8> {
    let extents: String = x.shape().iter().map(|n| format!("{n}, ")).collect();
    // A tuple of one keeps its comma, longer ones lose the last: (), (3,), (3, 4).
    let extents = if x.rank() == 1 { extents.trim_end() } else { extents.trim_end_matches(", ") };
    let descr = T::DESCR;
    let mut header = format!("{{'descr': '<{descr}', 'fortran_order': False, 'shape': ({extents}), }}");
    let before = MAGIC.len() + 4;
    let padded = (before + header.len() + 1).next_multiple_of(ALIGNMENT);
    header.extend(std::iter::repeat_n(' ', padded - before - header.len() - 1));
    header.push('\n');
    let mut bytes = Vec::with_capacity(padded + x.size() * T::SIZE);
    bytes.extend_from_slice(MAGIC);
    // Version 1 stores the header length in 16 bits: enough for thousands of axes.
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    T::write(&x.to_vec(), &mut bytes);
    bytes
}

/// Reads the tensor in the bytes of a file.
///
/// # Errors
/// A file that is damaged, truncated or too long, elements that `T` cannot represent, or anything beyond the
/// default [`Limits`].
pub fn from_bytes<T: FileElement>(bytes: &[u8]) -> Result<Tensor<T>, FileErrorKind> {
    from_bytes_with(bytes, &Options::new())
}

/// As [`from_bytes`], with other limits, or with rounding.
///
/// # Errors
/// As [`from_bytes`].
pub fn from_bytes_with<T: FileElement>(bytes: &[u8], options: &Options) -> Result<Tensor<T>, FileErrorKind> {
    options.limits.check_bytes(bytes.len() as u64)?;
    single(bytes, bytes.len() as u64, options)
}

/// Reads the tensor of a file, which has no name.
pub(super) fn single<T: FileElement>(
    mut reader: impl Read,
    length: u64,
    options: &Options,
) -> Result<Tensor<T>, FileErrorKind> {
    let header = Header::read(&mut reader, &options.limits)?;
    let tensor = header.tensor(&mut reader, UNNAMED, length, options)?;
    // The rest may be another array: NumPy appends to files, and reads one at a time.
    match up_to(&mut reader, MAGIC.len() as u64)? {
        next if next.is_empty() || next == MAGIC => Ok(tensor),
        _ => Err(FileErrorKind::Trailing { expected: header.byte_count()? as u64 }),
    }
}

/// Reads the tensor `name` from a compressed stream, which must end with it.
pub(super) fn from_inflating<T: FileElement>(
    mut reader: Inflating<'_, impl Read>,
    name: &str,
    options: &Options,
) -> Result<Tensor<T>, FileErrorKind> {
    let header = Header::read(&mut reader, &options.limits)?;
    // Checked before inflating: the header may announce more than a file of this length can hold.
    let promised = header.byte_count()? as u64;
    reader.budget.allows(promised)?;
    let tensor = header.tensor(&mut reader, name, promised, options)?;
    match goes_on(&mut reader).map_err(read_error)? {
        false => Ok(tensor),
        true => Err(FileErrorKind::Trailing { expected: promised }),
    }
}

/// Damage inside a compressed stream is reported as a read error.
fn read_error(error: io::Error) -> FileErrorKind {
    if is_damage(&error) { corrupt(error.to_string()) } else { error.into() }
}

/// The header, which precedes the elements.
#[derive(Debug)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl Header {
    fn read(reader: &mut impl Read, limits: &Limits) -> Result<Header, FileErrorKind> {
        let mut start = up_to(reader, 8).map_err(read_error)?;
        if !start.starts_with(MAGIC) {
            start.truncate(MAGIC.len());
            return Err(FileErrorKind::Magic { expected: "93 4e 55 4d 50 59 (npy)", found: start });
        }
        let wide = match start.get(MAGIC.len()) {
            Some(1) => 2,
            Some(2 | 3) => 4,
            Some(version) => return Err(corrupt(format!("expected version 1, 2 or 3, found {version}"))),
            None => return Err(corrupt("expected version 1, 2 or 3, found the end of the file")),
        };
        let mut length = exactly(reader, wide)?;
        length.resize(4, 0);
        let length = length.iter().rev().fold(0, |all, &byte| all << 8 | usize::from(byte));
        if length > MAX_HEADER {
            return Err(corrupt(format!("a header of {length} bytes, expected at most {MAX_HEADER}")));
        }
        let text = exactly(reader, length)?;
        let text = std::str::from_utf8(&text).map_err(|error| corrupt(error.to_string()))?;
        let header = Header::parse(text)?;
        limits.check_axes(header.shape.len())?;
        Ok(header)
    }

    fn parse(text: &str) -> Result<Header, FileErrorKind> {
        let refused = || {
            let found = text.trim_end();
            corrupt(format!("expected a dictionary of descr, fortran_order and shape, found {found:?}"))
        };
        let mut rest = Rest(text);
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let parsed = (|| {
            rest.token("{")?;
            while rest.token("}").is_none() {
                let key = rest.string()?;
                rest.token(":")?;
                let new = match key {
                    "descr" => descr.replace(rest.descr()?).is_none(),
                    "fortran_order" => fortran_order.replace(rest.boolean()?).is_none(),
                    "shape" => shape.replace(rest.tuple()?).is_none(),
                    _ => false,
                };
                // An unknown or repeated key.
                if !new {
                    return None;
                }
                if rest.token(",").is_none() {
                    rest.token("}")?;
                    break;
                }
            }
            let header = Header { descr: descr?, fortran_order: fortran_order?, shape: shape? };
            rest.0.trim().is_empty().then_some(header)
        })();
        parsed.ok_or_else(refused)
    }

    /// The byte order and the element type.
    fn kind(&self) -> Option<(bool, Kind)> {
        let mut kind = self.descr.chars();
        let order = kind.next()?;
        let kind = Kind::of_descr(kind.as_str())?;
        let big_endian = match order {
            '<' => false,
            '>' => true,
            '=' => cfg!(target_endian = "big"),
            '|' if kind.size() == 1 => false,
            _ => return None,
        };
        Some((big_endian, kind))
    }

    /// Bytes of all elements. (An unsupported type counts as one byte each.)
    fn byte_count(&self) -> Result<usize, FileErrorKind> {
        stored::byte_count(&self.shape, self.kind().map_or(1, |(_, kind)| kind.size()))
    }

    /// Reads the elements after the header, as the tensor `name`, from a stream of at most this many bytes.
    fn tensor<T: FileElement>(
        &self,
        reader: &mut impl Read,
        name: &str,
        at_most: u64,
        options: &Options,
    ) -> Result<Tensor<T>, FileErrorKind> {
        let same = |&(_, kind): &(bool, Kind)| Kind::of_dtype(T::DTYPE) == Some(kind);
        let read = |kind: &(bool, Kind)| options.conversion != Conversion::None || same(kind);
        let (big_endian, kind) = self.kind().filter(read).ok_or_else(|| FileErrorKind::Dtype {
            tensor: name.to_owned(),
            expected: T::NAME,
            found: self.descr.clone(),
        })?;
        let count = self.byte_count()? / kind.size();
        let numbers = Numbers { name, kind, big_endian, count, at_most };
        let numbers = numbers.read(reader, options.conversion).map_err(|kind| match kind {
            FileErrorKind::Io { kind, message } => read_error(io::Error::new(kind, message)),
            kind => kind,
        })?;
        let mut shape: Vec<usize> = self.shape.iter().map(|&n| n as usize).collect();
        if !self.fortran_order {
            return stored::tensor(&shape, numbers);
        }
        // Column by column is row by row of the transpose.
        shape.reverse();
        let reversed = stored::tensor(&shape, numbers)?;
        let axes: Vec<isize> = (0..shape.len() as isize).rev().collect();
        let mut numbers = Vec::new();
        reserve(&mut numbers, count as u64)?;
        numbers.extend(reversed.permute(&axes[..]).iter());
        shape.reverse();
        stored::tensor(&shape, numbers)
    }
}

/// Reads exactly `count` bytes.
fn exactly(reader: &mut impl Read, count: usize) -> Result<Vec<u8>, FileErrorKind> {
    let bytes = up_to(reader, count as u64).map_err(read_error)?;
    if bytes.len() < count {
        return Err(FileErrorKind::Truncated { expected: count as u64, found: bytes.len() as u64 });
    }
    Ok(bytes)
}

/// The unparsed rest of a Python literal. Methods return `None` if the text there is something else.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn token(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (string, rest) = text[1..].split_once(quote)?;
        self.0 = rest;
        Some(string)
    }

    /// A type's name; for a record type, which is a list, the text up to its end.
    fn descr(&mut self) -> Option<String> {
        let text = self.0.trim_start();
        if !text.starts_with('[') {
            return self.string().map(str::to_owned);
        }
        let mut depth = 0usize;
        let end = text.find(|c| {
            depth = if c == '[' { depth + 1 } else { depth - usize::from(c == ']') };
            depth == 0
        })?;
        self.0 = &text[end + 1..];
        Some(text[..=end].to_owned())
    }

    fn boolean(&mut self) -> Option<bool> {
        match self.token("True") {
            Some(()) => Some(true),
            None => self.token("False").map(|()| false),
        }
    }

    fn number(&mut self) -> Option<u64> {
        let text = self.0.trim_start();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        // Python 2 marks long integers.
        self.0 = text[end..].strip_prefix('L').unwrap_or(&text[end..]);
        text[..end].parse().ok()
    }

    fn tuple(&mut self) -> Option<Vec<u64>> {
        self.token("(")?;
        let mut numbers = Vec::new();
        while self.token(")").is_none() {
            numbers.push(self.number()?);
            if self.token(",").is_none() {
                self.token(")")?;
                break;
            }
        }
        Some(numbers)
    }
}

/// Writes one tensor to a file.
///
/// # Errors
/// More axes than the default [`Limits`] allow, or any error of the operating system.
pub fn save<T: FileElement>(path: impl AsRef<Path>, x: &Tensor<T>) -> Result<(), FileError> {
    writable(UNNAMED, x).map_err(|kind| kind.of(&path))?;
    atomic::write(path, &to_bytes(x))
}

/// Reads the tensor of a file.
///
/// # Errors
/// As [`from_bytes`], with the file's name; a file that does not exist, is not regular, or cannot be read.
pub fn load<T: FileElement>(path: impl AsRef<Path>) -> Result<Tensor<T>, FileError> {
    load_with(path, &Options::new())
}

/// As [`load`], with other limits, or with rounding.
///
/// # Errors
/// As [`load`].
pub fn load_with<T: FileElement>(path: impl AsRef<Path>, options: &Options) -> Result<Tensor<T>, FileError> {
    let path = path.as_ref();
    let read = |(file, length): (File, u64)| single(BufReader::new(file), length, options);
    source::open(path, &options.limits).and_then(read).map_err(|kind| kind.of(path))
}
