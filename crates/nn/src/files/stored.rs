//! The bytes of numbers in files.

use super::error::Problem;
use ::safetensors::Dtype;
use tape::{Element, Shape, Tensor};

/// A number type that files can hold: `f32` and `f64`.
///
/// The conversions copy bit patterns, so negative zeros, subnormal numbers and the payloads of NaNs survive.
/// (Through `f64`, as [`Tensor::cast`] goes, a signalling NaN would not.)
pub trait Stored: Element {
    /// The type in safetensors files.
    const DTYPE: Dtype;
    /// The type in NumPy's files, without the byte order: `"f4"` or `"f8"`.
    const DESCR: &'static str;
    /// Bytes of one number.
    const SIZE: usize;

    /// Appends the numbers in little-endian order.
    fn write(data: &[Self], out: &mut Vec<u8>);
    /// Reads numbers in little-endian order; a remainder shorter than one number is left out.
    fn read(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! stored {
    ($($t:ident $dtype:ident $descr:literal;)*) => {$(
        impl Stored for $t {
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
        }
    )*};
}

stored! {
    f32 F32 "f4";
    f64 F64 "f8";
}

/// The number of bytes that a header announces, unless it lies: products that do not fit are refused before
/// anything is allocated.
pub(crate) fn byte_count(shape: &[u64], size: usize) -> Result<usize, Problem> {
    let too_large = || Problem::TooLarge { shape: shape.to_vec() };
    // A zero makes the product zero, but `Shape` multiplies from the left: the others must fit all the same.
    let nonzero = shape.iter().filter(|&&n| n != 0).try_fold(size as u64, |all, &n| all.checked_mul(n));
    let all = nonzero.filter(|&n| n <= isize::MAX as u64).ok_or_else(too_large)?;
    Ok(if shape.contains(&0) { 0 } else { all as usize })
}

/// Bytes of one whole number, which other programs count batches with.
pub(crate) const WHOLE_SIZE: usize = size_of::<i64>();

/// Reads whole numbers in little-endian order, if `T` holds every one of them exactly.
pub(crate) fn whole<T: Stored>(bytes: &[u8]) -> Option<Vec<T>> {
    let (numbers, _) = bytes.as_chunks::<WHOLE_SIZE>();
    let exact = |&bytes| {
        let n = i64::from_le_bytes(bytes);
        let x = T::from_f64(n as f64);
        // In 128 bits: the largest number rounds to one that 64 bits do not hold.
        (x.to_f64() as i128 == i128::from(n)).then_some(x)
    };
    numbers.iter().map(exact).collect()
}

/// The tensor of these numbers, of which each took so many bytes.
pub(crate) fn tensor<T: Stored>(shape: &[usize], numbers: Vec<T>, size: usize) -> Result<Tensor<T>, Problem> {
    let announced = shape.iter().map(|&n| n as u64).collect::<Vec<_>>();
    let expected = byte_count(&announced, size)? as u64;
    let found = (numbers.len() * size) as u64;
    Tensor::from_vec(Shape::from(shape), numbers).map_err(|_| Problem::Truncated { expected, found })
}
