//! Natural logarithm.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln x`.
///
/// # Math
/// `y = ln x`, `dy = dx / x`.
///
/// # Domain
/// `x > 0`; `ln 0 = -∞` with infinite derivative, NaN below.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.ln();
/// assert!((y.value() - 0.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ln;

impl Unary for Ln {
    const NAME: &'static str = "ln";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.ln()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(1.0) / x
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln x",
    derivative: "1 / x",
    domain: "x > 0",
    convention: "inf at 0",
    numpy: "log",
    torch: "log",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(0.05, 9.0)], edges: &[0.0], kinks: &[], extreme: &[1e-300, 1e300, 1e3] };
