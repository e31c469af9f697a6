//! The remainder of a division whose quotient is rounded down.

use crate::ops::Fmod;
use crate::ops::binary::fmod::quotient;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `a - q b` with `q = a / b` rounded down, exactly; it has the sign of `b`. Element by element; shapes broadcast.
///
/// # Math
/// `dy = da - q db`.
///
/// # Domain
/// `b ≠ 0`; NaN at `b = 0` and infinite `a`; for infinite `b`, `a` if it has the sign of `b`, else `b`. The function jumps where `a / b` is an integer;
/// the derivative does not show it.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(-7.0), tape.scalar(3.0));
/// let y = a.remainder(b);
/// let grads = y.backward();
/// assert_eq!(y.value(), 2.0);
/// assert_eq!((grads.wrt(a), grads.wrt(b)), (1.0, 3.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Remainder;

impl Binary for Remainder {
    const NAME: &'static str = "remainder";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        let y = a.fmod(b);
        if y != T::ZERO && (y < T::ZERO) != (b < T::ZERO) { y + b } else { y.copysign(b) }
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, _b: A, _y: A) -> A {
        a.lift(1.0)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, y: A) -> A {
        Fmod.slope_b(a, b, y)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, a: T, b: T) -> i64 {
        quotient(a, b, self.eval(a, b)).round().to_f64() as i64
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "a - ⌊a / b⌋ b",
    derivative: "1, -⌊a / b⌋",
    domain: "b ≠ 0",
    convention: "jumps do not show",
    numpy: "remainder",
    torch: "remainder",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(3.1, 3.9), (-3.9, -3.1)],
    b: &[(1.02, 1.3), (-1.3, -1.02)],
    special: &[(5.5, 2.0), (-5.5, 2.0), (0.0, 3.0), (1e-300, 3.0), (1e16, 3.0)],
};
