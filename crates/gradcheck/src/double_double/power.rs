//! Powers: `x^y = e^(y ln x)`, and by repeated squaring for whole exponents.

use super::DoubleDouble;
use super::exp::exp;
use super::log::ln;
use tape::element::Real;

/// `x^n` by repeated squaring.
pub(super) fn powi(x: DoubleDouble, n: i32) -> DoubleDouble {
    let size = n.unsigned_abs();
    let y = squaring(x, size);
    if n >= 0 {
        return y;
    }
    // Where x^|n| leaves the range of full precision its reciprocal may not.
    let full = y.hi.is_finite() && y.hi.abs() > 1e-290;
    if full { DoubleDouble::ONE / y } else { squaring(DoubleDouble::ONE / x, size) }
}

fn squaring(x: DoubleDouble, mut n: u32) -> DoubleDouble {
    let mut square = x;
    let mut y = if n & 1 == 1 { x } else { DoubleDouble::ONE };
    n >>= 1;
    while n > 0 {
        square *= square;
        if n & 1 == 1 {
            y *= square;
        }
        n >>= 1;
    }
    y
}

/// The largest whole exponent for which squaring is as accurate as the logarithm.
const FEW_FACTORS: f64 = 32.0;

/// `x^y`, with the special values of IEEE 754, which are those of `f64`. The relative error grows as `|y ln x|`.
pub(super) fn pow(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble {
    let whole = y.truncated() == y;
    let in_double = Real::pow(x.hi, y.hi);
    if x == DoubleDouble::ONE || x.hi == 0.0 || y.hi == 0.0 || !x.hi.is_finite() || !y.hi.is_finite() {
        // Next to 1 an infinite exponent tells on which side the base is.
        let next_to_one = x.hi.abs() == 1.0 && x.lo != 0.0 && y.hi.is_infinite();
        let grows = ((x.size() > DoubleDouble::ONE) == (y.hi > 0.0)) as u8;
        return DoubleDouble::from(match (next_to_one, grows) {
            (true, 1) => f64::INFINITY,
            (true, _) => 0.0,
            _ => in_double,
        });
    }
    if x.hi < 0.0 && !whole {
        return DoubleDouble::from(f64::NAN);
    }
    if whole && y.hi.abs() <= FEW_FACTORS {
        return powi(x, y.hi as i32);
    }
    let half = y.scaled(0.5);
    let size = exp(y * ln(x.size()));
    if x.hi < 0.0 && half.truncated() != half { -size } else { size }
}
