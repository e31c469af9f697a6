//! The smaller of two numbers.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// The smaller of `a` and `b`, element by element; shapes broadcast.
///
/// # Math
/// `dy = da` where `a < b`, `dy = db` where `b < a`, `dy = (da + db) / 2` where they are equal.
///
/// # Domain
/// All pairs; NaN if either is, with derivative 0. Ties share the derivative equally.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(3.0), tape.scalar(5.0));
/// let y = a.minimum(b);
/// let grads = y.backward();
/// assert!((y.value() - 3.0).abs() < 1e-12);
/// assert!((grads.wrt(a) - 1.0).abs() < 1e-12);
/// assert!((grads.wrt(b) - 0.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minimum;

impl Binary for Minimum {
    const NAME: &'static str = "minimum";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        a.minimum(b)
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        let (zero, half, one) = (a.lift(0.0), a.lift(0.5), a.lift(1.0));
        let tie = a.if_eq(b, half, zero);
        b.if_gt(a, one, tie)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        let (zero, half, one) = (a.lift(0.0), a.lift(0.5), a.lift(1.0));
        let tie = a.if_eq(b, half, zero);
        a.if_gt(b, one, tie)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, a: T, b: T) -> i64 {
        i64::from(a > b) - i64::from(a < b)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "min(a, b)",
    derivative: "1 or 0",
    domain: "all",
    convention: "ties share equally",
    numpy: "minimum",
    torch: "minimum",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(-4.0, 4.0)],
    b: &[(-4.0, 4.0)],
    special: &[(0.0, 0.0), (1.0, 1.0), (1e300, -1e300), (1e-300, 0.0)],
};
