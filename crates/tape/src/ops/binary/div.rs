//! Division.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `a / b`, element by element; shapes broadcast.
///
/// # Math
/// `y = a / b`, `dy = da / b - (y / b) db`.
///
/// # Domain
/// `b ≠ 0`.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(3.0), tape.scalar(2.0));
/// let y = a / b;
/// let grads = y.backward();
/// assert_eq!((y.value(), grads.wrt(a), grads.wrt(b)), (1.5, 0.5, -0.75));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Div;

impl Binary for Div {
    const NAME: &'static str = "div";
    const BUILTIN_INDEX: Option<u32> = Some(3);

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        a / b
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, _a: A, b: A, _y: A) -> A {
        b.lift(1.0) / b
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, _a: A, b: A, y: A) -> A {
        -(y / b)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "a / b",
    derivative: "1 / b, -a / b²",
    domain: "b ≠ 0",
    convention: "",
    numpy: "divide",
    torch: "div",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(-4.0, 4.0)],
    b: &[(0.3, 4.0), (-4.0, -0.3)],
    special: &[(0.0, 1.0), (1e150, 1e-100), (1e-300, 1.0)],
};
