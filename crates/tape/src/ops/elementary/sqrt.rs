//! Square root.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `√x`.
///
/// # Math
/// `y = √x`, `dy = dx / (2 y)`.
///
/// # Domain
/// `x ≥ 0`; NaN below. At 0 the derivative is infinite; a cotangent that is exactly zero stays zero there.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(9.0);
/// let y = x.sqrt();
/// assert!((y.value() - 3.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0 / 6.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sqrt;

impl Unary for Sqrt {
    const NAME: &'static str = "sqrt";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.sqrt()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, _x: A, y: A) -> A {
        y.lift(0.5) / y
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "√x",
    derivative: "1 / (2 y)",
    domain: "x ≥ 0",
    convention: "inf at 0",
    numpy: "sqrt",
    torch: "sqrt",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(0.05, 9.0)], edges: &[0.0], kinks: &[], extreme: &[1e-300, 1e300, 1e3] };
