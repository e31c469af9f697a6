//! The error function and its complement.
//!
//! `erf` by a polynomial up to 1. Beyond, `erfc(x) = e^(-x^2) g(x)`, with the slowly varying scaled
//! complement `g` as a polynomial in (x - c) / (x + c).

use super::bits::{ROUND, poly, pow2, scale, two_prod};
use super::coefficients::{
    ERF_F64, ERF_SHORT, ERF_TAIL_F64, ERF_TAIL_SHORT, ERFCX_F64, EXP_F64, LN2_HI, LN2_LO, LOG2E,
};
use super::exp::{at_most, exp_short, parts};

#[inline(always)]
pub(super) fn erf_f64(x: f64) -> f64 {
    let a = at_most(x.abs(), 6.0);
    let z = a * a;
    let near = a + a * poly(z, &ERF_F64);
    let far = 1.0 - exp_tail(-z) * poly((a - 2.0) / (a + 2.0), &ERF_TAIL_F64);
    let y = if a < 1.0 { near } else { far };
    y.copysign(x)
}

/// `e^x` for -700 <= x <= 0, without the last correction of the reduced argument: it is subtracted from 1.
#[inline(always)]
fn exp_tail(x: f64) -> f64 {
    let k = x * LOG2E + ROUND;
    let n = k - ROUND;
    let r = (x - n * LN2_HI) - n * LN2_LO;
    (1.0 + (r + r * r * poly(r, &EXP_F64))) * pow2(k)
}

#[inline(always)]
pub(super) fn erf_f32(x: f32) -> f32 {
    let a = at_most((x as f64).abs(), 4.0);
    let z = a * a;
    let near = a + a * poly(z, &ERF_SHORT);
    let far = 1.0 - exp_short(-z) * poly((a - 2.0) / (a + 2.0), &ERF_TAIL_SHORT);
    let y = if a < 1.0 { near } else { far };
    y.copysign(x as f64) as f32
}

#[inline(always)]
pub(super) fn erfc_f64(x: f64) -> f64 {
    let a = at_most(x.abs(), 28.0);
    let (z, e) = two_prod(a, a);
    let (k, p) = parts(-z, -e);
    let g = poly((a - 3.0) / (a + 3.0), &ERFCX_F64) / (1.0 + 2.0 * a);
    let far = scale((1.0 + p) * g, k);
    let far = if x < 0.0 { 2.0 - far } else { far };
    let near = 1.0 - (x + x * poly(z, &ERF_F64));
    // Up to here 1 - erf keeps the last place of erf to a factor of 2: erfc(13/16) is just above 1/4.
    if a < 0.8125 { near } else { far }
}
