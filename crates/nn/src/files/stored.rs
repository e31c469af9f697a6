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

/// The tensor of these bytes, which were counted.
pub(crate) fn tensor<T: Stored>(shape: &[usize], bytes: &[u8]) -> Result<Tensor<T>, Problem> {
    let announced = shape.iter().map(|&n| n as u64).collect::<Vec<_>>();
    let expected = byte_count(&announced, T::SIZE)? as u64;
    Tensor::from_vec(Shape::from(shape), T::read(bytes))
        .map_err(|_| Problem::Truncated { expected, found: bytes.len() as u64 })
}
