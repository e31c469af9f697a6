//! Square: a primitive, because it records one operand instead of two.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x²`.
///
/// # Math
/// `y = x²`, `dy = 2 x dx`.
///
/// # Domain
/// All real numbers.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(3.0);
/// let y = x.square();
/// assert!((y.value() - 9.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 6.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Square;

impl Unary for Square {
    const NAME: &'static str = "square";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x * x
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(2.0) * x
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x²",
    derivative: "2 x",
    domain: "all",
    convention: "",
    numpy: "square",
    torch: "square",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-5.0, 5.0)],
    edges: &[],
    kinks: &[],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300, 1e150],
};
