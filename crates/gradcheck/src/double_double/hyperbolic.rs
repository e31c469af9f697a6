//! Hyperbolic functions and their inverses, from `e^x - 1` and `ln(1 + x)`.

use super::DoubleDouble;
use super::arithmetic::sqrt;
use super::constants::LN_2;
use super::exp::{exp, exp_scaled, expm1};
use super::log::{ln, log1p};

/// Beyond this `e^-x` is below the last place of `e^x`.
const ONE_SIDED: f64 = 40.0;

/// Beyond this the square of a number and 1 are its square.
const SQUARE_ONLY: f64 = 1e40;

const ONE: DoubleDouble = DoubleDouble::ONE;

/// Hyperbolic sine.
pub(super) fn sinh(x: DoubleDouble) -> DoubleDouble {
    let size = x.size();
    if size.hi > ONE_SIDED || x.hi == 0.0 {
        return if x.hi == 0.0 { x } else { x.sign_onto(exp_scaled(size, -1)) };
    }
    let e = expm1(size);
    x.sign_onto((e + e / (ONE + e)).scaled(0.5))
}

/// Hyperbolic cosine.
pub(super) fn cosh(x: DoubleDouble) -> DoubleDouble {
    let size = x.size();
    if size.hi > ONE_SIDED {
        return exp_scaled(size, -1);
    }
    let e = exp(size);
    (e + ONE / e).scaled(0.5)
}

/// Hyperbolic tangent.
pub(super) fn tanh(x: DoubleDouble) -> DoubleDouble {
    let size = x.size();
    if size.hi > ONE_SIDED || x.hi == 0.0 {
        return if x.hi == 0.0 { x } else { x.sign_onto(ONE) };
    }
    let e = expm1(size.scaled(2.0));
    x.sign_onto(e / (e + DoubleDouble::from(2.0)))
}

/// Inverse hyperbolic sine.
pub(super) fn asinh(x: DoubleDouble) -> DoubleDouble {
    let size = x.size();
    if x.hi == 0.0 {
        return x;
    }
    if size.hi > SQUARE_ONLY {
        return x.sign_onto(ln(size) + LN_2);
    }
    let square = size * size;
    x.sign_onto(log1p(size + square / (ONE + sqrt(ONE + square))))
}

/// Inverse hyperbolic cosine; NaN below 1.
pub(super) fn acosh(x: DoubleDouble) -> DoubleDouble {
    if x.hi > SQUARE_ONLY {
        return ln(x) + LN_2;
    }
    let beyond = x - ONE;
    if beyond.hi < 0.0 {
        return DoubleDouble::from(f64::NAN);
    }
    log1p(beyond + sqrt(beyond * (beyond + DoubleDouble::from(2.0))))
}

/// Inverse hyperbolic tangent; NaN outside [-1, 1].
pub(super) fn atanh(x: DoubleDouble) -> DoubleDouble {
    if x.hi == 0.0 {
        return x;
    }
    let size = x.size();
    x.sign_onto(log1p(size.scaled(2.0) / (ONE - size)).scaled(0.5))
}

/// The logistic function.
pub(super) fn sigmoid(x: DoubleDouble) -> DoubleDouble {
    let e = exp(-x.size());
    (if x.hi < 0.0 { e } else { ONE }) / (ONE + e)
}

/// `ln(1 + e^x)` without overflow.
pub(super) fn softplus(x: DoubleDouble) -> DoubleDouble {
    let y = log1p(exp(-x.size()));
    if x.hi > 0.0 { x + y } else { y }
}
