//! Sine, cosine and tangent: the argument less a multiple of pi / 2, and the series.

use super::constants::{COS, SIN};
use super::reduction::{half_turns, quadrant};
use super::{DoubleDouble, poly};

/// Sine and cosine for |r| up to pi / 4.
fn series(r: DoubleDouble) -> (DoubleDouble, DoubleDouble) {
    let z = r * r;
    (r + r * (z * poly(z, &SIN)), DoubleDouble::ONE + z * poly(z, &COS))
}

/// Sine and cosine of the angle that is `n` right angles and `r`.
fn turned(n: u64, r: DoubleDouble) -> (DoubleDouble, DoubleDouble) {
    let (sin, cos) = series(r);
    match n {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// Sine and cosine.
pub(super) fn sin_cos(x: DoubleDouble) -> (DoubleDouble, DoubleDouble) {
    if x.hi == 0.0 {
        return (x, DoubleDouble::ONE);
    }
    if !x.hi.is_finite() {
        return (DoubleDouble::from(f64::NAN), DoubleDouble::from(f64::NAN));
    }
    let (n, r) = quadrant(x);
    turned(n, r)
}

/// `sin(pi x)` and `cos(pi x)`: exactly 0 where they are.
pub(super) fn sin_cos_pi(x: DoubleDouble) -> (DoubleDouble, DoubleDouble) {
    if !x.hi.is_finite() {
        return (DoubleDouble::from(f64::NAN), DoubleDouble::from(f64::NAN));
    }
    let (n, r) = half_turns(x);
    turned(n, r)
}

/// Sine.
pub(super) fn sin(x: DoubleDouble) -> DoubleDouble {
    sin_cos(x).0
}

/// Cosine.
pub(super) fn cos(x: DoubleDouble) -> DoubleDouble {
    sin_cos(x).1
}

/// Tangent.
pub(super) fn tan(x: DoubleDouble) -> DoubleDouble {
    let (sin, cos) = sin_cos(x);
    sin / cos
}
