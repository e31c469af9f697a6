//! Exponentials: `exp`, `exp2`, `expm1`.
//!
//! Cody-Waite reduction `x = k ln 2 + r`, |r| <= ln(2)/2, with ln 2 in two parts, then
//! `e^r = 1 + r + r^2 q(r)` with a fitted `q`, then a scaling by `2^k` in two exact steps.

use super::bits::{ROUND, ROUND_F32, poly, poly_f32, pow2, scale, scale_f32};
use super::coefficients::{
    EXP_F32, EXP_F64, EXP_SHORT, LN2, LN2_F32, LN2_HI, LN2_HI_F32, LN2_LO, LN2_LO_F32, LOG2E, LOG2E_F32,
};

/// `e^(x + tail) = 2^k (1 + p)`: returns `k` and `p`. Needs |x| < 2^19 and a tail below an ulp of x.
#[inline(always)]
pub(super) fn parts(x: f64, tail: f64) -> (f64, f64) {
    let k = (x * LOG2E + ROUND) - ROUND;
    let hi = x - k * LN2_HI;
    let lo = k * LN2_LO - tail;
    let r = hi - lo;
    let c = (hi - r) - lo;
    (k, r + (r * r * poly(r, &EXP_F64) + c))
}

/// `e^x` for -700 <= x <= 700 with about 30 good bits, for results that are rounded to f32.
#[inline(always)]
pub(super) fn exp_short(x: f64) -> f64 {
    let k = x * LOG2E + ROUND;
    let r = x - (k - ROUND) * LN2;
    (1.0 + (r + r * r * poly(r, &EXP_SHORT))) * pow2(k)
}

/// The smaller of the two; NaN stays NaN.
#[inline(always)]
pub(super) fn at_most<T: PartialOrd>(x: T, high: T) -> T {
    if x > high { high } else { x }
}

/// `x` clamped to [low, high]; NaN stays NaN.
#[inline(always)]
pub(super) fn clamp<T: PartialOrd>(x: T, low: T, high: T) -> T {
    let x = at_most(x, high);
    if x < low { low } else { x }
}

/// `e^-x` for x >= 0.
#[inline(always)]
pub(super) fn exp_minus_f64(x: f64) -> f64 {
    let (k, p) = parts(-at_most(x, 746.0), 0.0);
    scale(1.0 + p, k)
}

/// `e^-x` for x >= 0.
#[inline(always)]
pub(super) fn exp_minus_f32(x: f32) -> f32 {
    let (k, p) = parts_f32(-at_most(x, 105.0));
    scale_f32(1.0 + p, k)
}

#[inline(always)]
pub(super) fn exp_f64(x: f64) -> f64 {
    let (k, p) = parts(clamp(x, -746.0, 710.0), 0.0);
    scale(1.0 + p, k)
}

#[inline(always)]
pub(super) fn exp2_f64(x: f64) -> f64 {
    let x = clamp(x, -1080.0, 1025.0);
    let k = (x + ROUND) - ROUND;
    let r = (x - k) * LN2;
    scale(1.0 + (r + r * r * poly(r, &EXP_F64)), k)
}

/// `e^x - 1` as `2^k y`: `2^k (1 + p) - 1 = 2^k ((1 - 2^-k) + p)`, exact before the last sum. Needs x > -700.
#[inline(always)]
pub(super) fn expm1_parts(x: f64) -> (f64, f64) {
    let (k, p) = parts(x, 0.0);
    // Beyond 2^100 the one no longer counts.
    let low = if k > 100.0 { 100.0 } else { k };
    (k, (1.0 - pow2(ROUND - low)) + p)
}

#[inline(always)]
pub(super) fn expm1_f64(x: f64) -> f64 {
    let (k, y) = expm1_parts(clamp(x, -60.0, 711.0));
    scale(y, k).copysign(x)
}

/// `e^x = 2^k (1 + p)`: returns `k` and `p`.
#[inline(always)]
pub(super) fn parts_f32(x: f32) -> (f32, f32) {
    let k = (x * LOG2E_F32 + ROUND_F32) - ROUND_F32;
    let r = (x - k * LN2_HI_F32) - k * LN2_LO_F32;
    (k, r + r * r * poly_f32(r, &EXP_F32))
}

#[inline(always)]
pub(super) fn exp_f32(x: f32) -> f32 {
    let (k, p) = parts_f32(clamp(x, -105.0, 89.0));
    scale_f32(1.0 + p, k)
}

#[inline(always)]
pub(super) fn exp2_f32(x: f32) -> f32 {
    let x = clamp(x, -152.0, 129.0);
    let k = (x + ROUND_F32) - ROUND_F32;
    let r = (x - k) * LN2_F32;
    scale_f32(1.0 + (r + r * r * poly_f32(r, &EXP_F32)), k)
}
