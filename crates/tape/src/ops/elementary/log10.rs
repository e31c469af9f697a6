//! Logarithm to base 10.

use crate::element::Constant;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `log₁₀ x`.
///
/// # Math
/// `y = log₁₀ x`, `dy = dx / (x ln 10)`.
///
/// # Domain
/// `x > 0`; -∞ at 0, NaN below.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(100.0);
/// let y = x.log10();
/// assert!((y.value() - 2.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.01 / 10f64.ln()).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Log10;

impl Unary for Log10 {
    const NAME: &'static str = "log10";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.log10()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(Constant::LOG10_E) / x
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "log10(x)",
    derivative: "1 / (x ln 10)",
    domain: "x > 0",
    convention: "",
    numpy: "log10",
    torch: "log10",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(0.05, 9.0)], edges: &[0.0], kinks: &[], extreme: &[1e-300, 1e300, 1e3] };
