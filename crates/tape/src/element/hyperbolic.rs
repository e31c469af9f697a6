//! Hyperbolic functions and their inverses, from `e^t - 1` and `ln(1 + t)` of |x|.

use super::bits::{ROUND, ROUND_F32, poly_f32, pow2, pow2_f32, scale};
use super::coefficients::{LN2, TANH_F32};
use super::exp::{at_most, expm1_parts, parts, parts_f32};
use super::log::log1p_f64;

#[inline(always)]
pub(super) fn sinh_f64(x: f64) -> f64 {
    let t = at_most(x.abs(), 711.0);
    let (k, y) = expm1_parts(t);
    // h = (e^t - 1) / 2, sinh t = h + h / (2h + 1).
    let h = scale(y, k - 1.0);
    let rest = h / (2.0 * h + 1.0);
    // For large t, 2h + 1 overflows where the rest no longer counts.
    let y = h + if t > 100.0 { 0.0 } else { rest };
    // Halving a subnormal would round.
    let y = if t < 1e-9 { t } else { y };
    y.copysign(x)
}

#[inline(always)]
pub(super) fn cosh_f64(x: f64) -> f64 {
    let (k, p) = parts(at_most(x.abs(), 711.0), 0.0);
    let h = scale(1.0 + p, k - 1.0);
    h + 0.25 / h
}

#[inline(always)]
pub(super) fn tanh_f64(x: f64) -> f64 {
    let (k, y) = expm1_parts(2.0 * at_most(x.abs(), 22.0));
    // k < 64: one factor is enough.
    let e = y * pow2(k + ROUND);
    (e / (e + 2.0)).copysign(x)
}

/// Below 5/8 a polynomial, above `1 - 2 / (e^2x + 1)`.
#[inline(always)]
pub(super) fn tanh_f32(x: f32) -> f32 {
    let t = at_most(x.abs(), 10.0);
    let (k, p) = parts_f32(2.0 * t);
    let far = 1.0 - 2.0 / ((1.0 + p) * pow2_f32(k + ROUND_F32) + 1.0);
    let z = t * t;
    let near = t + t * z * poly_f32(z, &TANH_F32);
    let y = if t < 0.625 { near } else { far };
    y.copysign(x)
}

#[inline(always)]
pub(super) fn asinh_f64(x: f64) -> f64 {
    let t = x.abs();
    let square = t * t;
    // sqrt(1 + t^2) - 1 = t^2 / (1 + sqrt(1 + t^2))
    let u = t + square / (1.0 + (1.0 + square).sqrt());
    let huge = t > TWO_500;
    let y = log1p_f64(if huge { t } else { u });
    let y = if huge { y + LN2 } else { y };
    y.copysign(x)
}

#[inline(always)]
pub(super) fn acosh_f64(x: f64) -> f64 {
    let t = x - 1.0;
    let u = t + (2.0 * t + t * t).sqrt();
    let huge = x > TWO_500;
    let y = log1p_f64(if huge { x } else { u });
    let y = if huge { y + LN2 } else { y };
    if x < 1.0 { f64::NAN } else { y }
}

#[inline(always)]
pub(super) fn atanh_f64(x: f64) -> f64 {
    let t = x.abs();
    // 2t / (1 - t) = 2t + 2t t / (1 - t): the rounding of the quotient matters less.
    let u = 2.0 * t + 2.0 * t * t / (1.0 - t);
    let y = 0.5 * log1p_f64(u);
    // Halving a subnormal would round.
    let y = if t < 1e-9 { t } else { y };
    let y = if t > 1.0 { f64::NAN } else { y };
    y.copysign(x)
}

const TWO_500: f64 = f64::from_bits((1023 + 500) << 52);
