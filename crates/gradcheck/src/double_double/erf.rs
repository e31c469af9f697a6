//! The error function and its complement: a series of positive terms up to 1, beyond it a continued fraction.

use super::DoubleDouble;
use super::arithmetic::two_prod;
use super::constants::FRAC_2_SQRT_PI;
use super::exp::exp;

const ONE: DoubleDouble = DoubleDouble::ONE;

/// `e^(-x^2)`, with the digits of the square that a number of this type has no room for.
fn gaussian(x: DoubleDouble) -> DoubleDouble {
    let (square, rest) = two_prod(x.hi, x.hi);
    let (across, across_rest) = two_prod(2.0 * x.hi, x.lo);
    let upper = DoubleDouble::renormalized(square, rest);
    let sum = upper + DoubleDouble::from(across);
    let lost = ((upper - sum) + DoubleDouble::from(across)).hi + (across_rest + x.lo * x.lo);
    let y = exp(-sum);
    y - y * DoubleDouble::from(lost)
}

/// `erf(x)` for 0 <= x <= 1.5: `2 / sqrt(pi) e^(-x^2)` times the sum of `2^n x^(2n + 1) / (1 · 3 · ... (2n + 1))`.
fn series(x: DoubleDouble) -> DoubleDouble {
    let twice_square = (x * x).scaled(2.0);
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.hi > 1e-34 * sum.hi {
        odd += 2.0;
        term = term * twice_square / DoubleDouble::from(odd);
        sum += term;
    }
    FRAC_2_SQRT_PI * gaussian(x) * sum
}

/// `erfc(x)` for x >= 1: Laplace's continued fraction, from its end.
fn fraction(x: DoubleDouble) -> DoubleDouble {
    if x.hi > 28.0 {
        return DoubleDouble::ZERO;
    }
    let terms = (30.0 + 900.0 / (x.hi * x.hi)) as u32;
    let mut y = x;
    for n in (1..=terms).rev() {
        y = x + DoubleDouble::from(0.5 * f64::from(n)) / y;
    }
    FRAC_2_SQRT_PI.scaled(0.5) * gaussian(x) / y
}

/// The error function.
pub(super) fn erf(x: DoubleDouble) -> DoubleDouble {
    if x.hi == 0.0 || x.hi.is_nan() {
        return x;
    }
    let size = x.size();
    x.sign_onto(if size.hi < 1.5 { series(size) } else { ONE - fraction(size) })
}

/// `1 - erf(x)`, accurate in the right tail.
pub(super) fn erfc(x: DoubleDouble) -> DoubleDouble {
    if x.hi.is_nan() {
        return x;
    }
    if x.hi < 1.0 { ONE - erf(x) } else { fraction(x) }
}
