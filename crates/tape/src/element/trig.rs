//! Circular functions: `sin`, `cos`, `tan`.
//!
//! Reduction to |r| <= pi/4 in `reduce`, then one polynomial for the sine and one for the cosine of `r`; the
//! quadrant selects. The `*_core` functions hold for |x| <= `reduce::CORE_MAX` (and NaN) and vectorise; the
//! others send larger arguments through the scalar reduction, with the same polynomials after it.

use super::bits::{poly, two_prod};
use super::coefficients::{COS_F64, COS_SHORT, PIO2_LO, SIN_F64, SIN_SHORT};
use super::reduce::{CORE_MAX, huge, small, small_f32};

/// Sine and cosine of `r + t` for |r| <= pi/4 and a tail t.
#[inline(always)]
fn kernels(r: f64, t: f64) -> (f64, f64) {
    let z = r * r;
    let half = 0.5 * z;
    let sin = r + (r * z * poly(z, &SIN_F64) + t * (1.0 - half));
    let w = 1.0 - half;
    let cos = w + (((1.0 - w) - half) + (z * z * poly(z, &COS_F64) - r * t));
    (sin, cos)
}

/// The same to about 26 bits.
#[inline(always)]
fn kernels_short(r: f64) -> (f64, f64) {
    let z = r * r;
    (r + r * z * poly(z, &SIN_SHORT), (1.0 - 0.5 * z) + z * z * poly(z, &COS_SHORT))
}

/// The sine of `n pi/2 + r` from the sine and cosine of `r`.
#[inline(always)]
fn sin_of(n: u64, (sin, cos): (f64, f64)) -> f64 {
    let y = if n & 1 == 0 { sin } else { cos };
    f64::from_bits(y.to_bits() ^ ((n & 2) << 62))
}

#[inline(always)]
fn tan_of(n: u64, (sin, cos): (f64, f64)) -> f64 {
    let odd = n & 1 != 0;
    let num = if odd { -cos } else { sin };
    let den = if odd { sin } else { cos };
    num / den
}

/// Keeps the sign of a zero argument, which the reduction loses.
#[inline(always)]
fn odd(x: f64, y: f64) -> f64 {
    if x == 0.0 { x } else { y }
}

#[inline(always)]
pub(super) fn sin_core_f64(x: f64) -> f64 {
    let (n, r, t) = small(x);
    odd(x, sin_of(n, kernels(r, t)))
}

#[inline(always)]
pub(super) fn cos_core_f64(x: f64) -> f64 {
    let (n, r, t) = small(x);
    sin_of(n.wrapping_add(1), kernels(r, t))
}

#[inline(always)]
pub(super) fn tan_core_f64(x: f64) -> f64 {
    let (n, r, t) = small(x);
    odd(x, tan_of(n, kernels(r, t)))
}

#[inline(always)]
pub(super) fn sin_core_f32(x: f32) -> f32 {
    let (n, r) = small_f32(x as f64);
    odd(x as f64, sin_of(n, kernels_short(r))) as f32
}

#[inline(always)]
pub(super) fn cos_core_f32(x: f32) -> f32 {
    let (n, r) = small_f32(x as f64);
    sin_of(n.wrapping_add(1), kernels_short(r)) as f32
}

#[inline(always)]
pub(super) fn tan_core_f32(x: f32) -> f32 {
    let (n, r) = small_f32(x as f64);
    odd(x as f64, tan_of(n, kernels_short(r))) as f32
}

/// Quadrant, sine and cosine after the scalar reduction; NaN for the infinities.
#[cold]
#[inline(never)]
fn far(x: f64) -> (u64, (f64, f64)) {
    if x.abs() == f64::INFINITY {
        return (0, (f64::NAN, f64::NAN));
    }
    let (n, r, t) = huge(x);
    (n, kernels(r, t))
}

/// Sine of an argument beyond `CORE_MAX`.
fn sin_far(x: f64) -> f64 {
    let (n, y) = far(x);
    sin_of(n, y)
}

/// Cosine of an argument beyond `CORE_MAX`.
fn cos_far(x: f64) -> f64 {
    let (n, y) = far(x);
    sin_of(n.wrapping_add(1), y)
}

/// Tangent of an argument beyond `CORE_MAX`.
fn tan_far(x: f64) -> f64 {
    let (n, y) = far(x);
    tan_of(n, y)
}

#[inline(always)]
pub(super) fn sin_f64(x: f64) -> f64 {
    if x.abs() > CORE_MAX { sin_far(x) } else { sin_core_f64(x) }
}

#[inline(always)]
pub(super) fn cos_f64(x: f64) -> f64 {
    if x.abs() > CORE_MAX { cos_far(x) } else { cos_core_f64(x) }
}

#[inline(always)]
pub(super) fn tan_f64(x: f64) -> f64 {
    if x.abs() > CORE_MAX { tan_far(x) } else { tan_core_f64(x) }
}

#[inline(always)]
pub(super) fn sin_f32(x: f32) -> f32 {
    if x.abs() > CORE_MAX as f32 { sin_far(x as f64) as f32 } else { sin_core_f32(x) }
}

#[inline(always)]
pub(super) fn cos_f32(x: f32) -> f32 {
    if x.abs() > CORE_MAX as f32 { cos_far(x as f64) as f32 } else { cos_core_f32(x) }
}

#[inline(always)]
pub(super) fn tan_f32(x: f32) -> f32 {
    if x.abs() > CORE_MAX as f32 { tan_far(x as f64) as f32 } else { tan_core_f32(x) }
}

/// The sine and cosine of `pi x`, from the exact distance to the nearest half integer. Arguments from 2^53 on
/// are even integers; the infinities are treated as such.
pub(super) fn sin_cos_pi(x: f64) -> (f64, f64) {
    if x.abs() >= 9_007_199_254_740_992.0 {
        return (0.0, 1.0);
    }
    let n = (x * 2.0).round();
    let (r, e) = two_prod(x - n * 0.5, std::f64::consts::PI);
    let tail = e + (x - n * 0.5) * (2.0 * PIO2_LO);
    let quadrant = (n - (n * 0.25).floor() * 4.0) as u64;
    let y = kernels(r, tail);
    (sin_of(quadrant, y), sin_of(quadrant.wrapping_add(1), y))
}
