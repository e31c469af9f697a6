//! Powers: `x^y = e^(y ln x)` with the logarithm and the product in double-double precision; integer powers
//! by repeated squaring.

use super::bits::{scale, two_prod};
use super::exp::{clamp, exp_f64, parts};
use super::log::{ln_double, ln_f64};
use std::ops::MulAssign;

/// Beyond this the power of any x except 1 is 0 or infinite; products with it do not overflow.
const HUGE_EXPONENT: f64 = 1_208_925_819_614_629_174_706_176.0;

#[inline(always)]
pub(super) fn pow_f64(x: f64, y: f64) -> f64 {
    let (lh, ll) = ln_double(x.abs());
    let t = clamp(y, -HUGE_EXPONENT, HUGE_EXPONENT);
    let (ph, e) = two_prod(t, lh);
    let (k, p) = parts(clamp(ph, -746.0, 710.0), e + t * ll);
    // Where the tail is outside the clamp, the result is 0 or infinite.
    let r = scale(1.0 + p, k);
    let r = if ph > 710.0 { f64::INFINITY } else { r };
    let r = if ph < -746.0 { 0.0 } else { r };
    special(x, y, r)
}

/// In f32 one double of precision is enough for the logarithm.
#[inline(always)]
pub(super) fn pow_f32(x: f32, y: f32) -> f32 {
    let (x, y) = (x as f64, y as f64);
    special(x, y, exp_f64(y * ln_f64(x.abs()))) as f32
}

/// The special values of IEEE 754 `pow` around `r = |x|^y`.
#[inline(always)]
fn special(x: f64, y: f64, r: f64) -> f64 {
    let a = x.abs();
    let half = y * 0.5;
    let integer = y.trunc() == y;
    let odd = integer & (half.trunc() != half);
    let edge = if (a == 0.0) == (y < 0.0) { f64::INFINITY } else { 0.0 };
    let r = if (a == 0.0) | (a == f64::INFINITY) { edge } else { r };
    let r = if odd { r.copysign(x) } else { r };
    let r = if (x < 0.0) & (a < f64::INFINITY) & !integer { f64::NAN } else { r };
    let r = if x.is_nan() | y.is_nan() { f64::NAN } else { r };
    let r = if (a == 1.0) & (y.abs() == f64::INFINITY) { 1.0 } else { r };
    if (y == 0.0) | (x == 1.0) { 1.0 } else { r }
}

/// `x^n` by repeated squaring: n = 2 is one product.
#[inline(always)]
pub(super) fn powi_f64(x: f64, n: i32) -> f64 {
    let size = n.unsigned_abs();
    let y = squaring(x, 1.0, size);
    if n >= 0 {
        return y;
    }
    // Where x^|n| leaves the normal range its reciprocal may not.
    if y.is_normal() { 1.0 / y } else { squaring(1.0 / x, 1.0, size) }
}

#[inline(always)]
fn squaring<T: Copy + MulAssign>(x: T, one: T, mut n: u32) -> T {
    let mut square = x;
    let mut y = if n & 1 == 1 { x } else { one };
    n >>= 1;
    while n > 0 {
        square *= square;
        if n & 1 == 1 {
            y *= square;
        }
        n >>= 1;
    }
    y
}

/// As `powi_f64`.
#[inline(always)]
pub(super) fn powi_f32(x: f32, n: i32) -> f32 {
    let size = n.unsigned_abs();
    let y = squaring(x, 1.0, size);
    if n >= 0 {
        return y;
    }
    if y.is_normal() { 1.0 / y } else { squaring(1.0 / x, 1.0, size) }
}
