//! The remainder of a division whose quotient is rounded towards 0.

use crate::ops::Round;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `a - q b` with `q = a / b` rounded towards 0, exactly; it has the sign of `a`. Element by element; shapes broadcast.
///
/// # Math
/// `dy = da - q db`.
///
/// # Domain
/// `b ≠ 0`; NaN at `b = 0` and infinite `a`; `a` for infinite `b`. The function jumps where `a / b` is an integer;
/// the derivative does not show it.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(-7.0), tape.scalar(3.0));
/// let y = a.fmod(b);
/// let grads = y.backward();
/// assert_eq!(y.value(), -1.0);
/// assert_eq!((grads.wrt(a), grads.wrt(b)), (1.0, 2.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fmod;

impl Binary for Fmod {
    const NAME: &'static str = "fmod";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        a.fmod(b)
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, _b: A, _y: A) -> A {
        a.lift(1.0)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, y: A) -> A {
        -quotient(a, b, y).map(Round)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, a: T, b: T) -> i64 {
        quotient(a, b, self.eval(a, b)).round().to_f64() as i64
    }
}

/// The quotient of which `y` is the remainder: an integer but for its rounding.
#[inline(always)]
pub(crate) fn quotient<A: Algebra>(a: A, b: A, y: A) -> A {
    (a - y) / b
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "a - trunc(a / b) b",
    derivative: "1, -trunc(a / b)",
    domain: "b ≠ 0",
    convention: "jumps do not show",
    numpy: "fmod",
    torch: "fmod",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(3.1, 3.9), (-3.9, -3.1)],
    b: &[(1.02, 1.3), (-1.3, -1.02)],
    special: &[(5.5, 2.0), (-5.5, 2.0), (0.0, 3.0), (1e-300, 3.0), (1e16, 3.0)],
};
