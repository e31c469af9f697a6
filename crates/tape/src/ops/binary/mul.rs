//! Multiplication.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `a · b`, element by element; shapes broadcast.
///
/// # Math
/// `y = a b`, `dy = b da + a db`.
///
/// # Domain
/// All pairs.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(3.0), tape.scalar(4.0));
/// let y = a * b;
/// let grads = y.backward();
/// assert_eq!((y.value(), grads.wrt(a), grads.wrt(b)), (12.0, 4.0, 3.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mul;

impl Binary for Mul {
    const NAME: &'static str = "mul";
    const BUILTIN_INDEX: Option<u32> = Some(2);

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        a * b
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, _a: A, b: A, _y: A) -> A {
        b
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, _b: A, _y: A) -> A {
        a
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "a b",
    derivative: "b, a",
    domain: "all",
    convention: "",
    numpy: "multiply",
    torch: "mul",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(-4.0, 4.0)],
    b: &[(-4.0, 4.0)],
    special: &[(0.0, 0.0), (1e150, 1e150), (1e-300, 1.0)],
};
