//! Activations and their derivatives, from textbook formulas.

use super::bounded::Bounded;
use gradcheck::strategies::Activation;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Errors of a function itself, in halves of an ulp: of ours and of the library's (`docs/accuracy.md`), with the steps
/// around it.
const OWN: f64 = 16.0;

/// More than the largest slope of any activation, 1.13 (gelu).
const SLOPE: f64 = 1.2;

/// More than the largest second derivative of any activation, 0.8 (gelu).
const CURVATURE: f64 = 0.85;

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// `(1 + erf(z/√2)) / 2` by the series with terms of one sign.
fn normal(z: f64) -> f64 {
    let x = z * FRAC_1_SQRT_2;
    if x.abs() > 6.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term.abs() > 1e-18 * sum.abs() {
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    0.5 + (-x * x).exp() * sum / PI.sqrt()
}

/// The density of the normal distribution.
fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// `s(z)`.
pub(super) fn activate(s: Activation, z: Bounded) -> Bounded {
    let x = z.value;
    let value = match s {
        Activation::Identity => return z,
        Activation::Relu => return Bounded { value: x.max(0.0), ..z },
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => logistic(x),
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::Gelu => x * normal(x),
    };
    z.of(value, SLOPE, OWN * (1.0 + x.abs()))
}

/// `s'(z)`. At `relu`'s kink by the convention, 0.
pub(super) fn slope(s: Activation, z: Bounded) -> Bounded {
    let x = z.value;
    let value = match s {
        Activation::Identity => return Bounded::exact(1.0),
        Activation::Relu => return Bounded::exact(if x > 0.0 { 1.0 } else { 0.0 }),
        Activation::Tanh => 1.0 - x.tanh() * x.tanh(),
        Activation::Sigmoid => logistic(x) * logistic(-x),
        Activation::Softplus => logistic(x),
        Activation::Gelu => normal(x) + x * density(x),
    };
    z.of(value, CURVATURE, OWN * (1.0 + x.abs().min(8.0)))
}
