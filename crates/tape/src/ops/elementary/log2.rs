//! Logarithm to base 2.

use crate::element::Constant;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `log₂ x`.
///
/// # Math
/// `y = log₂ x`, `dy = dx / (x ln 2)`.
///
/// # Domain
/// `x > 0`; -∞ at 0, NaN below.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(8.0);
/// let y = x.log2();
/// assert!((y.value() - 3.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0 / (8.0 * 2f64.ln())).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Log2;

impl Unary for Log2 {
    const NAME: &'static str = "log2";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.log2()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(Constant::LOG2_E) / x
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "log2(x)",
    derivative: "1 / (x ln 2)",
    domain: "x > 0",
    convention: "",
    numpy: "log2",
    torch: "log2",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(0.05, 9.0)], edges: &[0.0], kinks: &[], extreme: &[1e-300, 1e300, 1e3] };
