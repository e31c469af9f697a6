//! Logarithms: `ln`, `log2`, `log10`, `log1p`, and `ln` in double-double precision for `pow`.
//!
//! `x = 2^k (1 + f)` with `1 + f` in [sqrt(1/2), sqrt(2)), then `s = f / (2 + f)` and
//! `ln(1 + f) = 2 atanh(s) = f - (f^2/2 - s (f^2/2 + R(s^2)))` with a fitted `R`.

use super::bits::{fast_two_sum, poly, poly_f32, two_prod, two_sum};
use super::coefficients::{
    LN2_HI, LN2_HI_F32, LN2_LO, LN2_LO_F32, LOG_F32, LOG_F64, LOG_TAIL_F64, LOG2E_HI, LOG2E_LO, LOG10_2_HI,
    LOG10_2_LO, LOG10E_HI, LOG10E_LO, THIRD_LO,
};

const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const SQRT_HALF_F32: u32 = 0x3f35_04f3;

/// `x = 2^k m` with m in [sqrt(1/2), sqrt(2)), for positive finite x. Returns `k` and `m`.
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64) {
    let tiny = x < f64::MIN_POSITIVE;
    let y = if tiny { x * 18_014_398_509_481_984.0 } else { x };
    let bits = y.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - SQRT_HALF);
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + SQRT_HALF);
    // The biased exponent as a float: put it under the mantissa of 2^52.
    let e = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000);
    let k = e - if tiny { 4_503_599_627_371_573.0 } else { 4_503_599_627_371_519.0 };
    (k, m)
}

/// `ln(2^k (1 + f)) + c`.
#[inline(always)]
fn ln_core(k: f64, f: f64, c: f64) -> f64 {
    let s = f / (2.0 + f);
    let z = s * s;
    let half = 0.5 * f * f;
    let tail = s * (half + z * poly(z, &LOG_F64)) + (k * LN2_LO + c);
    k * LN2_HI - ((half - tail) - f)
}

/// The value at positive finite x; otherwise the limits: -inf at 0, inf at inf, NaN below 0.
#[inline(always)]
fn on_domain(x: f64, y: f64) -> f64 {
    let edge = if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    let edge = if x == f64::INFINITY { x } else { edge };
    if (x > 0.0) & (x < f64::INFINITY) { y } else { edge }
}

#[inline(always)]
pub(super) fn ln_f64(x: f64) -> f64 {
    let (k, m) = split(x);
    on_domain(x, ln_core(k, m - 1.0, 0.0))
}

#[inline(always)]
pub(super) fn log1p_f64(x: f64) -> f64 {
    let (u, error) = two_sum(1.0, x);
    let (k, m) = split(u);
    let near = k == 0.0;
    let f = if near { x } else { m - 1.0 };
    let c = if near { 0.0 } else { error / u };
    let y = on_domain(u, ln_core(k, f, c));
    // Zero keeps its sign.
    if x == 0.0 { x } else { y }
}

/// sqrt(2) - 1.
const SQRT_2_M1: f64 = 0.414_213_562_373_095_03;

/// `ln(1 + x)` for 0 <= x <= 1; NaN stays NaN. `1 + x = 2 (1 + (x - 1) / 2)`, and `x - 1` is nearly exact.
#[inline(always)]
pub(super) fn log1p_unit_f64(x: f64) -> f64 {
    let far = x > SQRT_2_M1;
    ln_core(if far { 1.0 } else { 0.0 }, if far { (x - 1.0) * 0.5 } else { x }, 0.0)
}

/// `ln m` as a high part of 21 bits and a rest.
#[inline(always)]
fn ln_high_low(m: f64) -> (f64, f64) {
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let half = 0.5 * f * f;
    let hi = f64::from_bits((f - half).to_bits() & 0xffff_ffff_0000_0000);
    (hi, ((f - hi) - half) + s * (half + z * poly(z, &LOG_F64)))
}

#[inline(always)]
pub(super) fn log2_f64(x: f64) -> f64 {
    let (k, m) = split(x);
    let (hi, lo) = ln_high_low(m);
    let (w, e) = fast_two_sum(k, hi * LOG2E_HI);
    on_domain(x, w + (e + ((hi + lo) * LOG2E_LO + lo * LOG2E_HI)))
}

#[inline(always)]
pub(super) fn log10_f64(x: f64) -> f64 {
    let (k, m) = split(x);
    let (hi, lo) = ln_high_low(m);
    let (w, e) = two_sum(k * LOG10_2_HI, hi * LOG10E_HI);
    on_domain(x, w + (e + (k * LOG10_2_LO + ((hi + lo) * LOG10E_LO + lo * LOG10E_HI))))
}

/// `ln x` for positive finite x as a sum of two doubles, with a relative error near 2^-65.
#[inline(always)]
pub(super) fn ln_double(x: f64) -> (f64, f64) {
    let (k, m) = split(x);
    let f = m - 1.0;
    // s = f / (2 + f)
    let (dh, dl) = two_sum(2.0, f);
    let sh = f / dh;
    let (p, e) = two_prod(sh, dh);
    let sl = (((f - p) - e) - sh * dl) / dh;
    // z = s^2
    let (zh, e) = two_prod(sh, sh);
    let zl = e + 2.0 * sh * sl;
    // c = atanh(s) / s = 1 + z (1/3 + z q(z))
    let (ah, al) = fast_two_sum(1.0 / 3.0, zh * poly(zh, &LOG_TAIL_F64));
    let al = al + THIRD_LO;
    let (bh, e) = two_prod(zh, ah);
    let bl = e + (zh * al + zl * ah);
    let (ch, cl) = fast_two_sum(1.0, bh);
    let cl = cl + bl;
    // 2 s c + k ln 2
    let (lh, e) = two_prod(2.0 * sh, ch);
    let ll = e + 2.0 * (sh * cl + sl * ch);
    let (h, e) = two_sum(k * LN2_HI, lh);
    fast_two_sum(h, e + (ll + k * LN2_LO))
}

/// `x = 2^k m` with m in [sqrt(1/2), sqrt(2)), for positive finite x.
#[inline(always)]
fn split_f32(x: f32) -> (f32, f32) {
    let tiny = x < f32::MIN_POSITIVE;
    let y = if tiny { x * 33_554_432.0 } else { x };
    let bits = y.to_bits().wrapping_add(0x3f80_0000 - SQRT_HALF_F32);
    let m = f32::from_bits((bits & 0x007f_ffff) + SQRT_HALF_F32);
    let e = f32::from_bits((bits >> 23) | 0x4b00_0000);
    (e - if tiny { 8_388_760.0 } else { 8_388_735.0 }, m)
}

#[inline(always)]
fn ln_core_f32(k: f32, f: f32, c: f32) -> f32 {
    let s = f / (2.0 + f);
    let z = s * s;
    let half = 0.5 * f * f;
    let tail = s * (half + z * poly_f32(z, &LOG_F32)) + (k * LN2_LO_F32 + c);
    k * LN2_HI_F32 - ((half - tail) - f)
}

#[inline(always)]
pub(super) fn ln_f32(x: f32) -> f32 {
    let (k, m) = split_f32(x);
    let y = ln_core_f32(k, m - 1.0, 0.0);
    let edge = if x == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
    let edge = if x == f32::INFINITY { x } else { edge };
    if (x > 0.0) & (x < f32::INFINITY) { y } else { edge }
}

/// `ln(1 + x)` for 0 <= x <= 1; NaN stays NaN.
#[inline(always)]
pub(super) fn log1p_unit_f32(x: f32) -> f32 {
    let far = x > SQRT_2_M1 as f32;
    ln_core_f32(if far { 1.0 } else { 0.0 }, if far { (x - 1.0) * 0.5 } else { x }, 0.0)
}
