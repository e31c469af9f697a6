//! NumPy's `.npy`: a header that is a Python dictionary, then the numbers.
//!
//! Written here: the library for the format brings arbitrary-precision integers and a parser generator for the
//! three keys of one dictionary. Read are versions 1 to 3, both byte orders, C and Fortran order, any number
//! type's name (so that the error can say it) but only the values of `f32` and `f64`, and whole numbers of 64 bits
//! where they are exact in those; written is version 1, little-endian, C order.

use super::error::{FileError, Problem};
use super::{Stored, atomic, stored};
use std::io::{self, Read};
use std::path::Path;
use tape::Tensor;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// NumPy aligns the numbers to this.
const ALIGNMENT: usize = 64;

/// Longer headers than this describe records, not numbers.
const MAX_HEADER: usize = 1 << 16;

/// Whole numbers of 64 bits, without the byte order.
const WHOLE: &str = "i8";

/// The name in errors of a tensor that has none.
const UNNAMED: &str = "";

fn corrupt(reason: impl Into<String>) -> Problem {
    Problem::Corrupt { format: "npy", reason: reason.into() }
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
/// # Ok::<(), nn::files::Problem>(())
/// ```
pub fn to_bytes<T: Stored>(x: &Tensor<T>) -> Vec<u8> {
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
    // Version 1 counts the header with 16 bits: enough for thousands of axes.
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    T::write(&x.to_vec(), &mut bytes);
    bytes
}

/// The tensor in the bytes of a file.
///
/// # Errors
/// A file that is damaged, cut off or too long, and another number type than `T`.
pub fn from_bytes<T: Stored>(bytes: &[u8]) -> Result<Tensor<T>, Problem> {
    from_reader(bytes, UNNAMED)
}

/// The tensor `name` from a stream that ends where it ends.
pub(super) fn from_reader<T: Stored>(mut reader: impl Read, name: &str) -> Result<Tensor<T>, Problem> {
    let header = Header::read(&mut reader)?;
    let (order, kind) = header.descr.split_at(header.descr.len().min(1));
    let refused =
        || Problem::Dtype { tensor: name.to_owned(), expected: T::NAME, found: header.descr.clone() };
    let size = match kind {
        _ if !matches!(order, "<" | ">" | "=") => return Err(refused()),
        kind if kind == T::DESCR => T::SIZE,
        WHOLE => stored::WHOLE_SIZE,
        _ => return Err(refused()),
    };
    let count = stored::byte_count(&header.shape, size)?;
    // What the header claims is not allocated; the buffer grows with what there is, up to one byte too many.
    let mut bytes = Vec::new();
    reader.take(count as u64 + 1).read_to_end(&mut bytes).map_err(read_error)?;
    if bytes.len() != count {
        let (expected, found) = (count as u64, bytes.len() as u64);
        let trailing = found > expected;
        return Err(if trailing {
            Problem::Trailing { expected }
        } else {
            Problem::Truncated { expected, found }
        });
    }
    if order == ">" {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    let numbers = if kind == WHOLE { stored::whole(&bytes).ok_or_else(refused)? } else { T::read(&bytes) };
    let mut shape: Vec<usize> = header.shape.iter().map(|&n| n as usize).collect();
    if !header.fortran_order {
        return stored::tensor(&shape, numbers, size);
    }
    // Column by column is row by row of the transpose.
    shape.reverse();
    let reversed = stored::tensor(&shape, numbers, size)?;
    let axes: Vec<isize> = (0..shape.len() as isize).rev().collect();
    Ok(reversed.permute(&axes[..]).contiguous())
}

/// Damage inside a compressed stream comes as an error of reading.
fn read_error(error: io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => {
            corrupt(error.to_string())
        }
        _ => error.into(),
    }
}

/// What stands before the numbers.
#[derive(Debug, Default)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl Header {
    fn read(reader: &mut impl Read) -> Result<Header, Problem> {
        let mut start = Vec::new();
        reader.take(8).read_to_end(&mut start).map_err(read_error)?;
        if !start.starts_with(MAGIC) {
            start.truncate(MAGIC.len());
            return Err(Problem::Magic { expected: "93 4e 55 4d 50 59 (npy)", found: start });
        }
        let wide = match start.get(6) {
            Some(1) => 2,
            Some(2 | 3) => 4,
            version => return Err(corrupt(format!("version {version:?} is unknown"))),
        };
        let mut length = [0; 4];
        exactly(reader, &mut length[..wide])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_HEADER {
            return Err(corrupt(format!("a header of {length} bytes")));
        }
        let mut text = vec![0; length];
        exactly(reader, &mut text)?;
        let text = std::str::from_utf8(&text).map_err(|error| corrupt(error.to_string()))?;
        Header::parse(text)
    }

    fn parse(text: &str) -> Result<Header, Problem> {
        let refused = || corrupt(format!("header {:?}", text.trim_end()));
        let mut rest = Rest(text);
        let mut header = Header::default();
        let mut seen = [false; 3];
        let parsed = (|| {
            rest.token("{")?;
            while rest.token("}").is_none() {
                let key = rest.string()?;
                rest.token(":")?;
                let place = match key {
                    "descr" => {
                        header.descr = rest.descr()?;
                        0
                    }
                    "fortran_order" => {
                        header.fortran_order = rest.boolean()?;
                        1
                    }
                    "shape" => {
                        header.shape = rest.tuple()?;
                        2
                    }
                    _ => return None,
                };
                seen[place] = true;
                if rest.token(",").is_none() {
                    rest.token("}")?;
                    break;
                }
            }
            (rest.0.trim().is_empty() && seen == [true; 3]).then_some(())
        })();
        parsed.map(|()| header).ok_or_else(refused)
    }
}

/// Fills `buffer` or says how much there was.
fn exactly(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), Problem> {
    let mut found = Vec::new();
    reader.take(buffer.len() as u64).read_to_end(&mut found).map_err(read_error)?;
    if found.len() < buffer.len() {
        return Err(Problem::Truncated { expected: buffer.len() as u64, found: found.len() as u64 });
    }
    buffer.copy_from_slice(&found);
    Ok(())
}

/// The part of a Python literal that is not read yet. `None` is "something else stands here".
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

    /// A type's name; of a record type, which is a list, the text up to its end.
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
        self.0 = &text[end..];
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
/// Whatever the operating system refuses.
pub fn save<T: Stored>(path: impl AsRef<Path>, x: &Tensor<T>) -> Result<(), FileError> {
    atomic::write(path, &to_bytes(x))
}

/// Reads the tensor of a file.
///
/// # Errors
/// As [`from_bytes`], with the file's name; a file that does not exist or cannot be read.
pub fn load<T: Stored>(path: impl AsRef<Path>) -> Result<Tensor<T>, FileError> {
    let path = path.as_ref();
    from_bytes(&atomic::read(path)?).map_err(|problem| problem.of(path))
}
