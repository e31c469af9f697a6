//! Logarithm of the difference of two exponentials: a primitive, because its composition overflows and cancels.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::ops::{Exp, Expm1, Recip};
use crate::rules::algebra::{Algebra, Binary, Element};
use std::f64::consts::LN_2;

/// `ln(eᵃ - eᵇ)`, element by element; shapes broadcast.
///
/// # Math
/// `y = a + ln(1 - e^-d)` with `d = a - b`; `dy = da / (1 - e^-d) - db / (e^d - 1)`. Up to `d = ln 2` by
/// `ln(-expm1(-d))`, beyond by `log1p(-exp(-d))` (M. Mächler, 2012).
///
/// # Domain
/// `a ≥ b`; NaN elsewhere. At `a = b` it is -∞, with infinite derivatives; two -∞ give -∞ with derivative NaN.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(1000.0 + 2f64.ln()), tape.scalar(1000.0));
/// let y = a.logsubexp(b);
/// let grads = y.backward();
/// assert!((y.value() - 1000.0).abs() < 1e-9);
/// assert!((grads.wrt(a) - 2.0).abs() < 1e-9);
/// assert!((grads.wrt(b) + 1.0).abs() < 1e-9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSubExp;

impl Binary for LogSubExp {
    const NAME: &'static str = "logsubexp";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        if a == b {
            return if a < T::INFINITY { T::NEG_INFINITY } else { T::NAN };
        }
        let d = a - b;
        let ln = if d < T::from_f64(LN_2) { (-(-d).expm1()).ln() } else { (-(-d).exp()).log1p() };
        a + ln
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        -(b - a).map(Expm1).map(Recip)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        // Not 1 / (1 - e^d), whose own derivative overflows where this one does not.
        let below = -(a - b);
        below.map(Exp) * below.map(Expm1).map(Recip)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln(exp(a) - exp(b))",
    derivative: "1 / (1 - exp(b - a)), -1 / (exp(a - b) - 1)",
    domain: "a ≥ b",
    convention: "-inf at a = b",
    numpy: "a + log1p(-exp(b - a))",
    torch: "a + log1p(-exp(b - a))",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(0.5, 4.0)],
    b: &[(-4.0, 0.3)],
    special: &[(1e3, 0.0), (1e-9, 0.0), (-1e3, -1001.0), (1e300, -1e300)],
};
