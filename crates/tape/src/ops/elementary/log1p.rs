//! Logarithm of one plus a number: a primitive, because the addition cancels near 0.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln(1 + x)`, accurate near 0.
///
/// # Math
/// `y = ln(1 + x)`, `dy = dx / (1 + x)`.
///
/// # Domain
/// `x > -1`; -∞ at -1, NaN below.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.log1p();
/// assert!((y.value() - 2f64.ln()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Log1p;

impl Unary for Log1p {
    const NAME: &'static str = "log1p";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.log1p()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(1.0) / (x.lift(1.0) + x)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln(1 + x)",
    derivative: "1 / (1 + x)",
    domain: "x > -1",
    convention: "",
    numpy: "log1p",
    torch: "log1p",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-0.9, 9.0)], edges: &[-1.0], kinks: &[], extreme: &[1e-300, -1e-300, 1e300, 1e3] };
