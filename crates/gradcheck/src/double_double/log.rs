//! Logarithms: near 1 the series of the inverse hyperbolic tangent, elsewhere one step of Newton's method.

use super::arithmetic::exponent;
use super::constants::{ATANH, LN_2, LN_10};
use super::exp::exp;
use super::{DoubleDouble, poly};
use tape::element::Real;

/// The size of `x - 1` up to which the series is used.
const NEAR: f64 = 0.1;

/// `ln((1 + s) / (1 - s))` for |s| up to 0.06.
fn series(s: DoubleDouble) -> DoubleDouble {
    let z = s * s;
    (s + s * (z * poly(z, &ATANH))).scaled(2.0)
}

/// `ln(1 + x)` for |x| up to [`NEAR`].
fn near_one(x: DoubleDouble) -> DoubleDouble {
    series(x / (DoubleDouble::from(2.0) + x))
}

/// The exponent and the logarithm of the mantissa of a positive finite number; the mantissa is next to 1.
fn of_mantissa(x: DoubleDouble) -> (i32, DoubleDouble) {
    let subnormal = x.hi < f64::MIN_POSITIVE;
    let x = if subnormal { x.times_power_of_two(100) } else { x };
    let n = exponent(x.hi * std::f64::consts::SQRT_2);
    let n = if x.hi > 1e308 { 1023 } else { n };
    let m = x.times_power_of_two(-n);
    let rest = m - DoubleDouble::ONE;
    let l = if rest.hi.abs() < NEAR {
        near_one(rest)
    } else {
        let first = DoubleDouble::from(Real::ln(m.hi));
        let e = m * exp(-first) - DoubleDouble::ONE;
        first + (e - (e * e).scaled(0.5))
    };
    (if subnormal { n - 100 } else { n }, l)
}

/// The value where there is no finite logarithm.
fn special(x: f64) -> Option<DoubleDouble> {
    let y = match x {
        x if x.is_nan() || x < 0.0 => f64::NAN,
        0.0 => f64::NEG_INFINITY,
        f64::INFINITY => f64::INFINITY,
        _ => return None,
    };
    Some(DoubleDouble::from(y))
}

/// The natural logarithm: -inf at 0, NaN below.
pub(super) fn ln(x: DoubleDouble) -> DoubleDouble {
    special(x.hi).unwrap_or_else(|| {
        let (n, l) = of_mantissa(x);
        if n == 0 { l } else { DoubleDouble::from(f64::from(n)) * LN_2 + l }
    })
}

/// The logarithm to base 2; exact for powers of two.
pub(super) fn log2(x: DoubleDouble) -> DoubleDouble {
    special(x.hi).unwrap_or_else(|| {
        let (n, l) = of_mantissa(x);
        DoubleDouble::from(f64::from(n)) + l / LN_2
    })
}

/// The logarithm to base 10.
pub(super) fn log10(x: DoubleDouble) -> DoubleDouble {
    ln(x) / LN_10
}

/// `ln(1 + x)`, accurate near 0.
pub(super) fn log1p(x: DoubleDouble) -> DoubleDouble {
    if x.hi == 0.0 {
        return x;
    }
    if x.hi.abs() < NEAR { near_one(x) } else { ln(DoubleDouble::ONE + x) }
}
