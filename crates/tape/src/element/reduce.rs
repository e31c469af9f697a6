//! Argument reduction of the circular functions: `x = n pi/2 + r`, |r| <= pi/4, `r` as a sum of two doubles.
//!
//! Up to 2^20 by Cody-Waite with pi/2 in four parts (W. J. Cody, W. Waite, "Software manual for the
//! elementary functions", 1980), straight-line code. Beyond, M. H. Payne and R. N. Hanek's method ("Radian
//! reduction for trigonometric functions", 1983): the exponent of x says which digits of 2/pi can reach the
//! quadrant and the fraction, and only those are multiplied, in integers.

use super::bits::{ROUND, fast_two_sum, two_prod, two_sum};
use super::coefficients::{
    PIO2_1, PIO2_2, PIO2_3, PIO2_4, PIO2_HI, PIO2_LO, PIO2_REST, TWO_OVER_PI, TWO_OVER_PI_BITS,
};

/// The largest |x| for the straight-line reduction.
pub(super) const CORE_MAX: f64 = 1_048_576.0;

/// Reduction for |x| <= CORE_MAX. The quadrant is in the low bits of the first result.
#[inline(always)]
pub(super) fn small(x: f64) -> (u64, f64, f64) {
    let t = x * TWO_OVER_PI + ROUND;
    let k = t - ROUND;
    // Products with the 33-bit parts are exact, and so is the first difference.
    let (a, e1) = two_sum(x - k * PIO2_1, -(k * PIO2_2));
    let (b, e2) = two_sum(a, -(k * PIO2_3));
    let low = (e1 + e2) - k * PIO2_4;
    let r = b + low;
    (t.to_bits(), r, (b - r) + low)
}

/// Reduction for |x| <= CORE_MAX where x is an f32: one double holds the result.
#[inline(always)]
pub(super) fn small_f32(x: f64) -> (u64, f64) {
    let t = x * TWO_OVER_PI + ROUND;
    let k = t - ROUND;
    (t.to_bits(), (x - k * PIO2_1) - k * PIO2_REST)
}

/// Reduction for finite |x| >= 1.
pub(super) fn huge(x: f64) -> (u64, f64, f64) {
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1075;
    let mantissa = (bits & 0x000f_ffff_ffff_ffff) | 0x0010_0000_0000_0000;
    // x = mantissa 2^exponent. Digits of 2/pi that contribute only multiples of 4 are skipped; of the others
    // 192 suffice: what follows them changes the fraction by less than 2^-136.
    let start = exponent - 2;
    // The product modulo 2^192, in units of 2^-190.
    let (p2, carry) = mul_add(mantissa, digits(start + 128), 0);
    let (p1, carry) = mul_add(mantissa, digits(start + 64), carry);
    let (p0, _) = mul_add(mantissa, digits(start), carry);
    // Two bits of quadrant, then 128 of the fraction; one half and more rounds to the next quadrant.
    let fraction = (((p0 << 2) | (p1 >> 62)) as u128) << 64 | ((p1 << 2) | (p2 >> 62)) as u128;
    let n = (p0 >> 62) + (fraction >> 127) as u64;
    let signed = fraction as i128;
    // Its leading 106 bits as two doubles, times pi/2.
    let magnitude = signed.unsigned_abs();
    let shift = magnitude.leading_zeros();
    let aligned = magnitude.checked_shl(shift).unwrap_or(0);
    let unit = f64::from_bits((1023 - 53 - shift as u64) << 52);
    let fh = (aligned >> 75) as u64 as f64 * unit;
    let fl = ((aligned >> 22) as u64 & 0x001f_ffff_ffff_ffff) as f64 * (unit * TWO_M53);
    let (h, e) = two_prod(fh, PIO2_HI);
    let (r, rest) = fast_two_sum(h, e + (fh * PIO2_LO + fl * PIO2_HI));
    if (signed < 0) == (x < 0.0) {
        (if x < 0.0 { n.wrapping_neg() } else { n }, r, rest)
    } else {
        (if x < 0.0 { n.wrapping_neg() } else { n }, -r, -rest)
    }
}

/// 2^-53.
const TWO_M53: f64 = f64::EPSILON * 0.5;

/// 64 binary digits of 2/pi, the first of them with weight 2^-(start + 1).
fn digits(start: i32) -> u64 {
    let word = |i: i32| if i < 0 { 0 } else { TWO_OVER_PI_BITS.get(i as usize).copied().unwrap_or(0) };
    let (i, shift) = (start.div_euclid(64), start.rem_euclid(64) as u32);
    if shift == 0 { word(i) } else { (word(i) << shift) | (word(i + 1) >> (64 - shift)) }
}

/// `a b + carry` as a low word and a carry.
fn mul_add(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let t = a as u128 * b as u128 + carry as u128;
    (t as u64, (t >> 64) as u64)
}
