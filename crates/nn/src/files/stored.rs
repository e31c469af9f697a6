//! The element types of files.

use super::error::FileErrorKind;
use super::limits::Conversion;
use super::source::{reserve, up_to};
use ::safetensors::Dtype;
use std::fmt;
use std::io::Read;
use tape::{Element, Shape, Tensor};

/// An element type that tensors can be read into and written from: `f32` and `f64`.
///
/// The conversions copy bit patterns, so negative zeros, subnormal numbers and the payloads of NaNs survive.
/// (Through `f64`, as [`Tensor::cast`] goes, a signalling NaN would not.)
pub trait FileElement: Element {
    /// The type in safetensors files.
    const DTYPE: Dtype;
    /// The type in NumPy's files, without the byte order: `"f4"` or `"f8"`.
    const DESCR: &'static str;
    /// Bytes of one element.
    const SIZE: usize;

    /// Appends the elements in little-endian order.
    fn write(data: &[Self], out: &mut Vec<u8>);
    /// Reads elements in little-endian order, ignoring a remainder shorter than one element.
    fn read(bytes: &[u8]) -> Vec<Self>;
    /// The value nearest to a whole number.
    fn from_i64(n: i64) -> Self;
    /// The value nearest to a whole number.
    fn from_u64(n: u64) -> Self;
}

macro_rules! stored {
    ($($t:ident $dtype:ident $descr:literal;)*) => {$(
        impl FileElement for $t {
            const DTYPE: Dtype = Dtype::$dtype;
            const DESCR: &'static str = $descr;
            const SIZE: usize = size_of::<$t>();

            fn write(data: &[$t], out: &mut Vec<u8>) {
                out.reserve(size_of_val(data));
                data.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes()));
            }
            fn read(bytes: &[u8]) -> Vec<$t> {
                let (numbers, _) = bytes.as_chunks::<{ size_of::<$t>() }>();
                numbers.iter().map(|&bytes| $t::from_le_bytes(bytes)).collect()
            }
            fn from_i64(n: i64) -> $t {
                n as $t
            }
            fn from_u64(n: u64) -> $t {
                n as $t
            }
        }
    )*};
}

stored! {
    f32 F32 "f4";
    f64 F64 "f8";
}

/// The element types of other programs' files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    Bf16,
    F32,
    F64,
}

/// A value of any of these types, without loss.
#[derive(Clone, Copy, Debug)]
enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl Kind {
    /// The type of this name in NumPy's files, without the byte order. (They have no name for `bf16`.)
    pub(crate) fn of_descr(descr: &str) -> Option<Kind> {
        Some(match descr {
            "b1" => Kind::Bool,
            "i1" => Kind::I8,
            "i2" => Kind::I16,
            "i4" => Kind::I32,
            "i8" => Kind::I64,
            "u1" => Kind::U8,
            "u2" => Kind::U16,
            "u4" => Kind::U32,
            "u8" => Kind::U64,
            "f2" => Kind::F16,
            "f4" => Kind::F32,
            "f8" => Kind::F64,
            _ => return None,
        })
    }

    /// The type of this name in safetensors files. (Floating-point types of 8 bits or fewer mean nothing
    /// without a scale.)
    pub(crate) fn of_dtype(dtype: Dtype) -> Option<Kind> {
        Some(match dtype {
            Dtype::BOOL => Kind::Bool,
            Dtype::I8 => Kind::I8,
            Dtype::I16 => Kind::I16,
            Dtype::I32 => Kind::I32,
            Dtype::I64 => Kind::I64,
            Dtype::U8 => Kind::U8,
            Dtype::U16 => Kind::U16,
            Dtype::U32 => Kind::U32,
            Dtype::U64 => Kind::U64,
            Dtype::F16 => Kind::F16,
            Dtype::BF16 => Kind::Bf16,
            Dtype::F32 => Kind::F32,
            Dtype::F64 => Kind::F64,
            _ => return None,
        })
    }

    /// Bytes of one element.
    pub(crate) fn size(self) -> usize {
        match self {
            Kind::Bool | Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 | Kind::F16 | Kind::Bf16 => 2,
            Kind::I32 | Kind::U32 | Kind::F32 => 4,
            Kind::I64 | Kind::U64 | Kind::F64 => 8,
        }
    }

    /// Calls `f` with each element decoded from these little-endian bytes.
    fn each<E>(self, bytes: &[u8], mut f: impl FnMut(Number) -> Result<(), E>) -> Result<(), E> {
        macro_rules! numbers {
            ($t:ident, $n:ident => $number:expr) => {
                bytes.as_chunks().0.iter().try_for_each(|&bytes| {
                    let $n = $t::from_le_bytes(bytes);
                    f($number)
                })
            };
        }
        match self {
            Kind::Bool | Kind::U8 => numbers!(u8, n => Number::Unsigned(n.into())),
            Kind::I8 => numbers!(i8, n => Number::Signed(n.into())),
            Kind::I16 => numbers!(i16, n => Number::Signed(n.into())),
            Kind::I32 => numbers!(i32, n => Number::Signed(n.into())),
            Kind::I64 => numbers!(i64, n => Number::Signed(n)),
            Kind::U16 => numbers!(u16, n => Number::Unsigned(n.into())),
            Kind::U32 => numbers!(u32, n => Number::Unsigned(n.into())),
            Kind::U64 => numbers!(u64, n => Number::Unsigned(n)),
            Kind::F16 => numbers!(u16, n => Number::Float(half(n))),
            Kind::Bf16 => numbers!(u16, n => Number::Float(f32::from_bits(u32::from(n) << 16).into())),
            Kind::F32 => numbers!(f32, x => Number::Float(x.into())),
            Kind::F64 => numbers!(f64, x => Number::Float(x)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", format!("{self:?}").to_lowercase())
    }
}

/// The value of a half-precision bit pattern: a sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f64 {
    let (sign, exponent, fraction) =
        (u64::from(bits >> 15), u64::from(bits >> 10 & 31), u64::from(bits & 1023));
    // 2⁻²⁴, the unit of the subnormal numbers.
    const UNIT: f64 = 1.0 / (1 << 24) as f64;
    let size = match exponent {
        0 => fraction as f64 * UNIT,
        31 => f64::from_bits(2047 << 52 | fraction << 42),
        _ => f64::from_bits((exponent + 1023 - 15) << 52 | fraction << 42),
    };
    f64::from_bits(size.to_bits() | sign << 63)
}

impl Number {
    fn nearest<T: FileElement>(self) -> T {
        match self {
            Number::Signed(n) => T::from_i64(n),
            Number::Unsigned(n) => T::from_u64(n),
            Number::Float(x) => T::from_f64(x),
        }
    }

    /// Returns `true` if `x` equals this number.
    fn is<T: FileElement>(self, x: T) -> bool {
        match self {
            // In 128 bits: the largest values round to ones that 64 bits do not hold.
            Number::Signed(n) => x.to_f64() as i128 == i128::from(n),
            Number::Unsigned(n) => x.to_f64() as i128 == i128::from(n),
            Number::Float(y) => x.to_f64() == y || y.is_nan(),
        }
    }

    /// Returns `true` if rounding would make this finite number infinite.
    fn overflows<T: FileElement>(self, x: T) -> bool {
        match self {
            Number::Float(y) => y.is_finite() && !x.is_finite(),
            _ => false,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Signed(n) => write!(f, "{n}"),
            Number::Unsigned(n) => write!(f, "{n}"),
            Number::Float(x) => write!(f, "{x:?}"),
        }
    }
}

/// The elements of a tensor as stored in a file.
pub(crate) struct Numbers<'a> {
    /// The tensor's name.
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    /// Whether elements are big-endian.
    pub(crate) big_endian: bool,
    pub(crate) count: usize,
    /// The maximum number of bytes in the stream: memory is reserved for no more than these.
    pub(crate) at_most: u64,
}

impl Numbers<'_> {
    /// Reads the elements from a stream, a chunk at a time, so that the raw bytes are never in memory as a
    /// whole.
    pub(crate) fn read<T: FileElement>(
        &self,
        reader: &mut impl Read,
        conversion: Conversion,
    ) -> Result<Vec<T>, FileErrorKind> {
        const PIECE: usize = 1 << 16;
        let size = self.kind.size();
        let expected = self.count * size;
        let mut numbers = Vec::new();
        reserve(&mut numbers, (self.count as u64).min(self.at_most / size as u64))?;
        let mut found = 0;
        while found < expected {
            let piece = PIECE.min(expected - found);
            let mut bytes = up_to(reader, piece as u64)?;
            found += bytes.len();
            if bytes.len() < piece {
                return Err(FileErrorKind::Truncated { expected: expected as u64, found: found as u64 });
            }
            if self.big_endian {
                bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            }
            self.convert(&bytes, conversion, &mut numbers)?;
        }
        Ok(numbers)
    }

    /// Appends the elements decoded from these bytes, up to the first that `T` cannot represent.
    fn convert<T: FileElement>(
        &self,
        bytes: &[u8],
        conversion: Conversion,
        out: &mut Vec<T>,
    ) -> Result<(), FileErrorKind> {
        if Kind::of_dtype(T::DTYPE) == Some(self.kind) {
            out.extend(T::read(bytes));
            return Ok(());
        }
        self.kind.each(bytes, |number| {
            let x = number.nearest::<T>();
            let refused = match conversion {
                Conversion::None | Conversion::Exact if !number.is(x) => "values that {} represents exactly",
                Conversion::Rounded if number.overflows(x) => "values in the range of {}",
                _ if self.kind == Kind::Bool && x > T::ONE => "0 or 1",
                _ => {
                    out.push(x);
                    return Ok(());
                }
            };
            Err(FileErrorKind::Value {
                tensor: self.name.to_owned(),
                expected: refused.replace("{}", T::NAME),
                found: format!("{number} ({})", self.kind),
                position: out.len(),
            })
        })
    }
}

/// The number of bytes that a header announces; products that overflow are refused before anything is
/// allocated.
pub(crate) fn byte_count(shape: &[u64], size: usize) -> Result<usize, FileErrorKind> {
    let too_large = || FileErrorKind::TooLarge { shape: shape.to_vec() };
    // A zero makes the product zero, but `Shape` multiplies from the left: the others must not overflow
    // either.
    let nonzero = shape.iter().filter(|&&n| n != 0).try_fold(size as u64, |all, &n| all.checked_mul(n));
    let all = nonzero.filter(|&n| n <= isize::MAX as u64).ok_or_else(too_large)?;
    Ok(if shape.contains(&0) { 0 } else { all as usize })
}

/// The tensor of these elements.
pub(crate) fn tensor<T: FileElement>(shape: &[usize], numbers: Vec<T>) -> Result<Tensor<T>, FileErrorKind> {
    let shape_in_file = || shape.iter().map(|&n| n as u64).collect();
    Tensor::from_vec(Shape::from(shape), numbers)
        .map_err(|_| FileErrorKind::TooLarge { shape: shape_in_file() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every bit pattern, against the definition.
    #[test]
    fn half_precision_is_decoded_exactly() {
        for bits in 0..=u16::MAX {
            let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
            let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
            let x = half(bits);
            match exponent {
                31 if fraction == 0.0 => assert_eq!(x, sign * f64::INFINITY),
                31 => assert!(x.is_nan()),
                0 => assert_eq!(x.to_bits(), (sign * fraction / 16_777_216.0).to_bits()),
                _ => assert_eq!(x, sign * (1.0 + fraction / 1024.0) * f64::exp2(f64::from(exponent - 15))),
            }
        }
    }

    #[test]
    fn whole_numbers_round_once() {
        // Through `f64` this would round to 2²⁴ · 2³⁰ first, and then to even.
        let n = (1i64 << 54) + (1 << 30) + 1;
        assert_eq!(Number::Signed(n).nearest::<f32>(), n as f32);
        assert_ne!(n as f32, (n as f64) as f32);
        assert!(!Number::Unsigned(u64::MAX).is(u64::MAX as f64));
        assert!(!Number::Signed(i64::MAX).is(i64::MAX as f64));
        assert!(Number::Signed(i64::MIN).is(i64::MIN as f32));
    }
}
