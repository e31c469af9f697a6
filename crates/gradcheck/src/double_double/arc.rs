//! Inverse circular functions: the angle in `f64`, and what is left after turning by it.

use super::DoubleDouble;
use super::arithmetic::{exponent, sqrt};
use super::constants::{FRAC_3_PI_4, FRAC_PI_2, FRAC_PI_4, PI};
use super::trig::sin_cos;
use tape::element::Real;

/// The angle of the point (x, y), in [-pi, pi], with the IEEE rules for signed zeros.
pub(super) fn atan2(y: DoubleDouble, x: DoubleDouble) -> DoubleDouble {
    if let Some(angle) = special(y.hi, x.hi) {
        return DoubleDouble::from(y.hi).sign_onto(angle);
    }
    let n = exponent(x.hi.abs().max(y.hi.abs()));
    let (x, y) = (x.times_power_of_two(-n), y.times_power_of_two(-n));
    let first = Real::atan2(y.hi, x.hi);
    if first == 0.0 {
        return y / x;
    }
    let first = DoubleDouble::from(first);
    let (sin, cos) = sin_cos(first);
    // The tangent of the rest, about 1e-16: its cube is below the last place.
    first + (y * cos - x * sin) / (x * cos + y * sin)
}

/// The size of the angle of a point on an axis or at infinity.
fn special(y: f64, x: f64) -> Option<DoubleDouble> {
    let left = x.is_sign_negative();
    if y.is_nan() || x.is_nan() {
        return Some(DoubleDouble::from(f64::NAN));
    }
    match (y.is_infinite(), x.is_infinite()) {
        (true, true) => Some(if left { FRAC_3_PI_4 } else { FRAC_PI_4 }),
        (true, false) => Some(FRAC_PI_2),
        (false, true) => Some(if left { PI } else { DoubleDouble::ZERO }),
        _ if y == 0.0 => Some(if left { PI } else { DoubleDouble::ZERO }),
        _ if x == 0.0 => Some(FRAC_PI_2),
        _ => None,
    }
}

/// The inverse tangent in [-pi/2, pi/2].
pub(super) fn atan(x: DoubleDouble) -> DoubleDouble {
    atan2(x, DoubleDouble::ONE)
}

/// `sqrt(1 - x^2)`; NaN outside [-1, 1].
fn other_leg(x: DoubleDouble) -> DoubleDouble {
    sqrt((DoubleDouble::ONE - x) * (DoubleDouble::ONE + x))
}

/// The inverse sine in [-pi/2, pi/2]; NaN outside [-1, 1].
pub(super) fn asin(x: DoubleDouble) -> DoubleDouble {
    atan2(x, other_leg(x))
}

/// The inverse cosine in [0, pi]; NaN outside [-1, 1].
pub(super) fn acos(x: DoubleDouble) -> DoubleDouble {
    atan2(other_leg(x), x)
}
