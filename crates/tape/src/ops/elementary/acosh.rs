//! Inverse hyperbolic cosine: a primitive, because its composition from `ln` cancels near 1.

use crate::ops::Sqrt;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln(x + √(x² - 1))`.
///
/// # Math
/// `y = arcosh x`, `dy = dx / (√(x - 1) √(x + 1))`, which neither cancels near 1 nor overflows.
///
/// # Domain
/// `x ≥ 1`, NaN below; the derivative is ∞ at 1.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.25);
/// let y = x.acosh();
/// assert!((y.value() - 2f64.ln()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 4.0 / 3.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Acosh;

impl Unary for Acosh {
    const NAME: &'static str = "acosh";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.acosh()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(1.0) / ((x - x.lift(1.0)).map(Sqrt) * (x + x.lift(1.0)).map(Sqrt))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "arcosh(x)",
    derivative: "1 / √(x² - 1)",
    domain: "x ≥ 1",
    convention: "acosh'(1) = inf",
    numpy: "arccosh",
    torch: "acosh",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(1.1, 6.0)], edges: &[1.0], kinks: &[], extreme: &[30.0, 1e3, 1e300] };
