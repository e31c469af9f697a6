//! Inverse error function.

use crate::element::Constant;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::ops::{Exp, Square};
use crate::rules::algebra::{Algebra, Element, Unary};
use std::f64::consts::PI;

/// The number whose error function is `x`.
///
/// # Math
/// `dy = √π/2 e^(y²) dx`. The value is found by three steps of Halley's method from an approximation with elementary
/// functions (S. Winitzki, 2008), on the complement `erfc(y) = 1 - |x|` where `|x| > 1/2`.
///
/// # Domain
/// `-1 ≤ x ≤ 1`: ±∞ at ±1, with derivative ∞; NaN elsewhere.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.5);
/// let y = x.erfinv();
/// assert!((y.value() - 0.4769362762044699).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.1125848189719496).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Erfinv;

/// The parameter of the approximation.
const WINITZKI: f64 = 0.147;

/// Steps of Halley's method, each of which triples the number of digits.
const STEPS: usize = 3;

/// An approximation with an error of two parts in a thousand.
fn guess(x: f64) -> f64 {
    let complement = (1.0 - x) * (1.0 + x);
    let (ln, k) = (complement.ln(), 2.0 / (PI * WINITZKI));
    let half = k + 0.5 * ln;
    ((half * half - ln / WINITZKI).sqrt() - half).sqrt()
}

impl Unary for Erfinv {
    const NAME: &'static str = "erfinv";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let a = x.abs();
        if a.is_nan() || a > T::ONE {
            return T::NAN;
        }
        if a == T::ONE {
            return T::INFINITY.copysign(x);
        }
        if a < T::EPSILON {
            return x / Constant::FRAC_2_SQRT_PI.to::<T>();
        }
        let tail = a > T::from_f64(0.5);
        let rest = T::ONE - a;
        // The approximation cancels near 0 and near 1, which costs no more than a step.
        let mut y = if tail {
            T::from_f64(guess(1.0 - rest.to_f64()).min(26.0))
        } else {
            T::from_f64(guess(a.to_f64()))
        };
        if tail && !(y.to_f64() > 0.0 && y.is_finite()) {
            y = T::from_f64((-rest.to_f64().ln()).sqrt());
        }
        for _ in 0..STEPS {
            let error = if tail { rest - y.erfc() } else { y.erf() - a };
            let step = error * (y * y).exp() / Constant::FRAC_2_SQRT_PI.to::<T>();
            y -= step / (T::ONE + y * step);
        }
        y.copysign(x)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        y.map(Square).map(Exp) / x.lift(Constant::FRAC_2_SQRT_PI)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "erf⁻¹(x)",
    derivative: "√π/2 exp(y²)",
    domain: "|x| ≤ 1",
    convention: "inf at ±1",
    numpy: "scipy.special.erfinv",
    torch: "erfinv",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-0.98, 0.98)],
    edges: &[-1.0, 1.0],
    kinks: &[],
    extreme: &[0.0, 1e-300, 1e-9, 0.5, 0.999_999, -0.999_999],
};
