//! Rounding towards zero.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// The integer part of `x`.
///
/// # Math
/// `dy = 0`.
///
/// # Domain
/// All real numbers. The derivative is 0 everywhere, also at the integers, where the function jumps.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(-1.75);
/// let y = x.trunc();
/// assert_eq!(y.value(), -1.0);
/// assert_eq!(y.backward().wrt(x), 0.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trunc;

impl Unary for Trunc {
    const NAME: &'static str = "trunc";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.trunc()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(0.0)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        x.trunc().to_f64() as i64
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x without its fraction",
    derivative: "0",
    domain: "all",
    convention: "0 at the jumps",
    numpy: "trunc",
    torch: "trunc",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(0.1, 0.9), (1.1, 1.9), (-2.4, -2.1)],
    edges: &[],
    kinks: &[-1.0, 1.0, 2.0],
    extreme: &[0.0, 1e-300, 1e300, 1e3, -1e3],
};
