//! Inverse circular functions: `asin`, `acos`, `atan`, `atan2`.
//!
//! `asin` by a polynomial up to 1/2 and `asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2))` above. `atan` by a
//! polynomial up to tan(pi/8), by `pi/4 + atan((x - 1) / (x + 1))` up to tan(3 pi/8), by `pi/2 - atan(1/x)`
//! above. One division serves all three ranges.

use super::bits::{fast_two_sum, poly};
use super::coefficients::{ASIN_F64, ATAN_F64, PIO2_HI, PIO2_LO, TAN_3PI_8, TAN_PI_8};

/// For a = |x|: whether a > 1/2, then `s` and `asin(s) - s` for s = a, else for s = sqrt((1 - a) / 2).
#[inline(always)]
fn half_range(a: f64) -> (bool, f64, f64) {
    let big = a > 0.5;
    let z = if big { (1.0 - a) * 0.5 } else { a * a };
    let s = if big { z.sqrt() } else { a };
    (big, s, s * z * poly(z, &ASIN_F64))
}

#[inline(always)]
pub(super) fn asin_f64(x: f64) -> f64 {
    let (big, s, p) = half_range(x.abs());
    let (w, e) = fast_two_sum(PIO2_HI, -2.0 * s);
    let far = w + ((PIO2_LO + e) - 2.0 * p);
    let y = if big { far } else { s + p };
    y.copysign(x)
}

#[inline(always)]
pub(super) fn acos_f64(x: f64) -> f64 {
    let (big, s, p) = half_range(x.abs());
    // x > 1/2: 2 (s + p). Otherwise c (pi/2 - v) with v = x + p(x), or v = s + p and c = 2 below -1/2.
    let v = if big { s } else { s.copysign(x) };
    let q = if big { p } else { p.copysign(x) };
    let (w, e) = fast_two_sum(PIO2_HI, -v);
    let left = w + ((PIO2_LO - q) + e);
    let left = if big { 2.0 * left } else { left };
    if x > 0.5 { 2.0 * (s + p) } else { left }
}

/// The angle of the point (x, y) for x, y >= 0, x below 2^1001 unless x = 1 or y / x is tiny.
#[inline(always)]
fn angle(y: f64, x: f64) -> f64 {
    let middle = y > x * TAN_PI_8;
    let steep = y > x * TAN_3PI_8;
    let num = if middle { y - x } else { y };
    let num = if steep { -x } else { num };
    let den = if middle { y + x } else { x };
    let den = if steep { y } else { den };
    let base = if middle { PIO2_HI * 0.5 } else { 0.0 };
    let base = if steep { PIO2_HI } else { base };
    let low = if middle { PIO2_LO * 0.5 } else { 0.0 };
    let low = if steep { PIO2_LO } else { low };
    let q = num / den;
    let z = q * q;
    base + (q + (q * z * poly(z, &ATAN_F64) + low))
}

#[inline(always)]
pub(super) fn atan_f64(x: f64) -> f64 {
    angle(x.abs(), 1.0).copysign(x)
}

#[inline(always)]
pub(super) fn atan2_f64(y: f64, x: f64) -> f64 {
    let (a, b) = (y.abs(), x.abs());
    let both = (a == f64::INFINITY) & (b == f64::INFINITY);
    let (a, b) = (if both { 1.0 } else { a }, if both { 1.0 } else { b });
    // Powers of two that keep sums finite and quotients exact; the angle does not change.
    let largest = if a > b { a } else { b };
    let factor = if largest > TWO_900 { TWO_M200 } else { 1.0 };
    let factor = if largest < 1.0 / TWO_900 { TWO_200 } else { factor };
    let t = angle(a * factor, b * factor);
    // On the axis y = 0 the quotient may be 0/0.
    let t = if (a == 0.0) & !b.is_nan() { 0.0 } else { t };
    let left = (2.0 * PIO2_HI - t) + 2.0 * PIO2_LO;
    let t = if x.is_sign_negative() { left } else { t };
    t.copysign(y)
}

const TWO_200: f64 = f64::from_bits((1023 + 200) << 52);
const TWO_M200: f64 = f64::from_bits((1023 - 200) << 52);
const TWO_900: f64 = f64::from_bits((1023 + 900) << 52);
