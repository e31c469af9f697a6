//! Exponential functions: the argument less a multiple of ln 2, and the series.

use super::constants::{EXP, LN_2, LN_2_LOWER, LN_2_MIDDLE, LN_2_UPPER};
use super::{DoubleDouble, poly};

/// Beyond these arguments, `e^x` and its half are infinite or 0.
const LARGE: f64 = 720.0;
const SMALL: f64 = -760.0;

/// `e^r - 1` for |r| up to 0.36.
pub(super) fn series(r: DoubleDouble) -> DoubleDouble {
    r * poly(r, &EXP)
}

/// The multiple `n` of ln 2 next to `x`, and `x - n ln 2`.
fn reduced(x: DoubleDouble) -> (i32, DoubleDouble) {
    let n = (x.hi * std::f64::consts::LOG2_E).round();
    let r = x - DoubleDouble::from(n * LN_2_UPPER) - DoubleDouble::from(n * LN_2_MIDDLE);
    (n as i32, r - DoubleDouble::from(n) * LN_2_LOWER)
}

/// `2^n e^x`, without overflow of `e^x`.
pub(super) fn exp_scaled(x: DoubleDouble, n: i32) -> DoubleDouble {
    if x.hi.is_nan() {
        return x;
    }
    if x.hi > LARGE || x.hi < SMALL {
        return DoubleDouble::from(if x.hi > 0.0 { f64::INFINITY } else { 0.0 });
    }
    let (k, r) = reduced(x);
    (DoubleDouble::ONE + series(r)).times_power_of_two(k + n)
}

/// `e^x`.
pub(super) fn exp(x: DoubleDouble) -> DoubleDouble {
    exp_scaled(x, 0)
}

/// `2^x`.
pub(super) fn exp2(x: DoubleDouble) -> DoubleDouble {
    if x.hi.is_nan() {
        return x;
    }
    if x.hi.abs() > 1100.0 {
        return DoubleDouble::from(if x.hi > 0.0 { f64::INFINITY } else { 0.0 });
    }
    let n = x.hi.round();
    let r = (x - DoubleDouble::from(n)) * LN_2;
    (DoubleDouble::ONE + series(r)).times_power_of_two(n as i32)
}

/// `e^x - 1`, accurate near 0.
pub(super) fn expm1(x: DoubleDouble) -> DoubleDouble {
    if x.hi == 0.0 {
        return x;
    }
    if x.hi.abs() < 0.35 { series(x) } else { exp(x) - DoubleDouble::ONE }
}
