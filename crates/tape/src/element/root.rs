//! Roots: `cbrt` and `hypot`.
//!
//! `cbrt` takes a polynomial guess of 8 bits, one step of Halley's iteration (26 bits), rounds to 26 bits so
//! that the square is exact, and corrects once more. `hypot` sums the squares in double-double precision.

use super::bits::{ROUND, fast_two_sum, poly, pow2, two_prod};
use super::coefficients::CBRT_F64;
use super::log::split;

#[inline(always)]
pub(super) fn cbrt_f64(x: f64) -> f64 {
    let (k, m) = split(x.abs());
    // k = 3 third + rest, rest in {-1, 0, 1}
    let third = k * (1.0 / 3.0) + ROUND;
    let rest = k - 3.0 * (third - ROUND);
    let m = m * pow2(rest + ROUND);
    let y = poly(m, &CBRT_F64);
    let cube = y * y * y;
    let y = y * ((cube + 2.0 * m) / (2.0 * cube + m));
    let y = f64::from_bits(y.to_bits() & 0xffff_ffff_f800_0000);
    let q = m / (y * y);
    let y = y + y * ((q - y) / (2.0 * y + q));
    let r = (y * pow2(third)).copysign(x);
    if (x == 0.0) | (x.abs() == f64::INFINITY) | x.is_nan() { x } else { r }
}

#[inline(always)]
pub(super) fn hypot_f64(x: f64, y: f64) -> f64 {
    let (a, b) = (x.abs(), y.abs());
    let (big, small) = if a > b { (a, b) } else { (b, a) };
    let down = f64::from_bits((1023 - 600) << 52);
    let up = f64::from_bits((1023 + 600) << 52);
    let (factor, back) = if big > f64::from_bits((1023 + 500) << 52) { (down, up) } else { (1.0, 1.0) };
    let (factor, back) = if big < f64::from_bits((1023 - 400) << 52) { (up, down) } else { (factor, back) };
    let (u, v) = (big * factor, small * factor);
    let (uh, ul) = two_prod(u, u);
    let (vh, vl) = two_prod(v, v);
    let (s, e) = fast_two_sum(uh, vh);
    let h = s.sqrt();
    let (p, q) = two_prod(h, h);
    let h2 = h + (((s - p) - q) + (e + (ul + vl))) / (2.0 * h);
    let r = h2 * back;
    let r = if big == 0.0 { 0.0 } else { r };
    let r = if x.is_nan() | y.is_nan() { f64::NAN } else { r };
    if (a == f64::INFINITY) | (b == f64::INFINITY) { f64::INFINITY } else { r }
}
