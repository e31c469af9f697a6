//! [`Real`]: the number formats that a tensor can store, with their elementary functions.
//!
//! The functions are written here from `+ - * /`, square roots, comparisons and bits, without the
//! platform's mathematical library and without fused multiply-add: a result depends neither on the machine's
//! instruction set nor on whether a scalar call or a vectorised loop computed it. (Only a NaN may differ, in
//! its sign and payload, which Rust leaves open.) Most are branch-free, so that a plain loop over slices
//! vectorises. The circular functions have a branch-free core and a slow path for arguments beyond 2^20; their
//! slice forms use both. `lgamma`, `digamma`, `polygamma` and `powi` are ordinary scalar code.
//! `docs/accuracy.md` lists the largest errors, which `tests/elementary` measures.
//!
//! Everything is `#[inline(always)]`, so that a loop inside a function with SIMD target features is
//! compiled with them. The loop itself must be inlined there too: with `pulp`, put it into the `with_simd`
//! method of a struct and mark the method `#[inline(always)]`. A closure passed to `dispatch` is inlined only
//! when it is small.
//!
//! On a concrete `f64` the method syntax `x.exp()` finds the standard library's method, in generic code over
//! `T: Real` the one defined here; `Real::exp(x)` is always the latter.

mod arc;
mod bits;
pub(crate) mod coefficients;
mod constant;
mod double;
mod erf;
mod exp;
mod gamma;
mod hyperbolic;
mod log;
mod logistic;
mod pow;
mod reduce;
mod root;
mod single;
mod trig;

pub use crate::pool::Pooled;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

pub use constant::Constant;

/// A kernel of `gemm`, `dst = alpha · dst + beta · lhs · rhs` without `alpha · dst` if `read_dst` is `false`. The arguments
/// are the extents `m`, `n`, `k`; `dst` with its steps from column to column and from row to row, and `read_dst`; `lhs` and
/// `rhs` with their steps, all in this order; `alpha` and `beta`; three flags for complex numbers; the number of threads.
/// It reads `lhs` and writes `dst` fastest where their rows are next to each other, and expects such a `dst`.
type GemmKernel<T> = unsafe fn(
    usize,
    usize,
    usize,
    *mut T,
    isize,
    isize,
    bool,
    *const T,
    isize,
    isize,
    *const T,
    isize,
    isize,
    T,
    T,
    bool,
    bool,
    bool,
    gemm_common::Parallelism,
);

/// A kernel of `gemm` for the matrix products of one number type. Only this crate makes one.
#[doc(hidden)]
#[derive(Debug)]
pub struct ProductKernel<T>(pub(crate) GemmKernel<T>);

/// A real number format: `f32`, `f64`, or another that implements it.
///
/// ```
/// use tape::element::Real;
///
/// fn logistic<T: Real>(x: T) -> T {
///     T::ONE / (T::ONE + (-x).exp())
/// }
/// assert_eq!(logistic(0.0_f32), 0.5);
/// assert_eq!(Real::sigmoid(-800.0_f64), 0.0);
/// ```
pub trait Real:
    Pooled
    + Copy
    + PartialOrd
    + PartialEq
    + Debug
    + Display
    + Default
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
{
    /// The format in which long sums and products are accumulated, and rounded once: `f64` for `f32`, and the format itself
    /// for those that are not narrower.
    type Wide: Real;

    /// Name of the format, for instance `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// Negative infinity.
    const NEG_INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// The largest finite number.
    const MAX: Self;
    /// The smallest positive normal number.
    const MIN_POSITIVE: Self;
    /// The largest |x| for which [`Real::sin_core`] and its companions hold.
    const TRIG_CORE_MAX: Self;

    /// The kernel for large matrix products that suits the processor; `None` if the format has none. Then every product is
    /// computed by the loop for small ones.
    #[doc(hidden)]
    fn product_kernel() -> Option<ProductKernel<Self>> {
        None
    }

    /// The nearest number of this format.
    fn from_f64(x: f64) -> Self;
    /// The nearest `f64`: the same number for `f32` and `f64`.
    fn to_f64(self) -> f64;
    /// The nearest number of this format to `hi + lo`, where `lo` is below the last place of `hi`. Formats that are not more
    /// accurate than `f64` ignore `lo`.
    #[inline(always)]
    fn from_parts(hi: f64, _lo: f64) -> Self {
        Self::from_f64(hi)
    }
    /// The nearest `f64`, and the nearest to the rest: 0 for `f32` and `f64`.
    #[inline(always)]
    fn to_parts(self) -> (f64, f64) {
        (self.to_f64(), 0.0)
    }
    /// The same number in the wide format.
    fn widen(self) -> Self::Wide;
    /// The nearest number of this format.
    fn narrow(x: Self::Wide) -> Self;
    /// The nearest number of this format.
    fn from_usize(n: usize) -> Self;
    /// The bit pattern, zero-extended to 64 bits; of formats with more bits a hash of it.
    fn to_bits64(self) -> u64;

    /// `|x|`.
    fn abs(self) -> Self;
    /// Square root, correctly rounded for `f32` and `f64`; NaN below 0, -0 at -0.
    fn sqrt(self) -> Self;
    /// The largest integer not above `x`.
    fn floor(self) -> Self;
    /// The smallest integer not below `x`.
    fn ceil(self) -> Self;
    /// The nearest integer; ties go away from zero, as in `f64::round`.
    fn round(self) -> Self;
    /// The integer part, towards zero.
    fn trunc(self) -> Self;
    /// Returns `true` if this is NaN.
    fn is_nan(self) -> bool;
    /// Returns `true` if this is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// `|self|` with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// The sign: 1, -1, 0 at both zeros (with their sign), NaN at NaN.
    #[inline(always)]
    fn sign(self) -> Self {
        if self == Self::ZERO || self.is_nan() { self } else { Self::ONE.copysign(self) }
    }
    /// The smaller of two numbers; NaN if either is, and -0 is below 0.
    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        -(-self).maximum(-other)
    }
    /// The larger of two numbers; NaN if either is, and -0 is below 0.
    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        let y = if self > other { self } else { other };
        // Equal numbers differ at most in the sign of zero: -0 + 0 = 0.
        let y = if (self == Self::ZERO) & (other == Self::ZERO) { self + other } else { y };
        if self.is_nan() { self } else { y }
    }
    /// The remainder of `self / other` with the quotient rounded towards zero, exactly; it has the sign of `self`.
    #[inline(always)]
    fn fmod(self, other: Self) -> Self {
        self - (self / other).trunc() * other
    }
    /// `x^n` by repeated squaring.
    fn powi(self, n: i32) -> Self;

    /// `e^x`.
    fn exp(self) -> Self;
    /// `2^x`.
    fn exp2(self) -> Self;
    /// `e^x - 1`, accurate near 0.
    fn expm1(self) -> Self;
    /// Natural logarithm: -inf at 0, NaN below.
    fn ln(self) -> Self;
    /// Logarithm to base 2.
    fn log2(self) -> Self;
    /// Logarithm to base 10.
    fn log10(self) -> Self;
    /// `ln(1 + x)`, accurate near 0.
    fn log1p(self) -> Self;
    /// Sine, for arguments of any size. Vectorised loops use [`Real::sin_slice`].
    fn sin(self) -> Self;
    /// Cosine, for arguments of any size. Vectorised loops use [`Real::cos_slice`].
    fn cos(self) -> Self;
    /// Tangent, for arguments of any size. Vectorised loops use [`Real::tan_slice`].
    fn tan(self) -> Self;
    /// Inverse sine in [-pi/2, pi/2]; NaN outside [-1, 1].
    fn asin(self) -> Self;
    /// Inverse cosine in [0, pi]; NaN outside [-1, 1].
    fn acos(self) -> Self;
    /// Inverse tangent in [-pi/2, pi/2].
    fn atan(self) -> Self;
    /// Hyperbolic sine.
    fn sinh(self) -> Self;
    /// Hyperbolic cosine.
    fn cosh(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Inverse hyperbolic sine.
    fn asinh(self) -> Self;
    /// Inverse hyperbolic cosine; NaN below 1.
    fn acosh(self) -> Self;
    /// Inverse hyperbolic tangent; NaN outside [-1, 1].
    fn atanh(self) -> Self;
    /// Cube root, also of negative numbers.
    fn cbrt(self) -> Self;
    /// Logistic function `1 / (1 + e^-x)`, accurate in both tails.
    fn sigmoid(self) -> Self;
    /// `ln(1 + e^x)` without overflow.
    fn softplus(self) -> Self;
    /// `ln(sigmoid(x)) = -softplus(-x)`.
    fn log_sigmoid(self) -> Self;
    /// Error function.
    fn erf(self) -> Self;
    /// `1 - erf(x)`, accurate in the right tail.
    fn erfc(self) -> Self;
    /// `ln |Gamma(x)|`; infinite at 0, -1, -2, ...
    fn lgamma(self) -> Self;
    /// Derivative of `lgamma`; NaN at -1, -2, ..., infinite at 0.
    fn digamma(self) -> Self;
    /// Derivative of `digamma`; infinite at 0, -1, -2, ...
    fn trigamma(self) -> Self;
    /// The n-th derivative of `digamma` (n = 0 is `digamma`); NaN at negative arguments for n > 20.
    fn polygamma(self, n: u32) -> Self;
    /// The angle of the point (x, y) = (`other`, `self`), in [-pi, pi], with the IEEE rules for signed zeros.
    fn atan2(self, other: Self) -> Self;
    /// `sqrt(x^2 + y^2)` without overflow; infinite if either is.
    fn hypot(self, other: Self) -> Self;
    /// `self^y`, with the IEEE special values: `pow(x, 0) = 1`, NaN for negative `x` and fractional `y`.
    fn pow(self, y: Self) -> Self;

    /// Sine by straight-line code, for |x| up to [`Real::TRIG_CORE_MAX`] (same bits as `sin` there).
    fn sin_core(self) -> Self;
    /// Cosine by straight-line code, for |x| up to [`Real::TRIG_CORE_MAX`] (same bits as `cos` there).
    fn cos_core(self) -> Self;
    /// Tangent by straight-line code, for |x| up to [`Real::TRIG_CORE_MAX`] (same bits as `tan` there).
    fn tan_core(self) -> Self;
    /// `y[i] = sin(x[i])`.
    #[inline(always)]
    fn sin_slice(x: &[Self], y: &mut [Self]) {
        map_checked(x, y, Self::sin_core, Self::sin);
    }
    /// `y[i] = cos(x[i])`.
    #[inline(always)]
    fn cos_slice(x: &[Self], y: &mut [Self]) {
        map_checked(x, y, Self::cos_core, Self::cos);
    }
    /// `y[i] = tan(x[i])`.
    #[inline(always)]
    fn tan_slice(x: &[Self], y: &mut [Self]) {
        map_checked(x, y, Self::tan_core, Self::tan);
    }
}

/// Elements between two checks for large arguments: few enough to stay in the first-level cache.
const CHUNK: usize = 256;

/// `y = core(x)`, then `full` where |x| is too large for the core.
#[inline(always)]
fn map_checked<T: Real>(x: &[T], y: &mut [T], core: impl Fn(T) -> T, full: impl Fn(T) -> T) {
    assert_eq!(x.len(), y.len(), "slices of different lengths");
    for (x, y) in x.chunks(CHUNK).zip(y.chunks_mut(CHUNK)) {
        let mut far = false;
        for (y, &x) in y.iter_mut().zip(x) {
            *y = core(x);
            far |= x.abs() > T::TRIG_CORE_MAX;
        }
        if far {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = full(x);
            }
        }
    }
}
