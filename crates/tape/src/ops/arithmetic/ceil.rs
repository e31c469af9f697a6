//! Rounding up.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// The smallest integer not below `x`.
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
/// let x = tape.scalar(1.25);
/// let y = x.ceil();
/// assert!((y.value() - 2.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceil;

impl Unary for Ceil {
    const NAME: &'static str = "ceil";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.ceil()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(0.0)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        x.ceil().to_f64() as i64
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "⌈x⌉",
    derivative: "0",
    domain: "all",
    convention: "0 at the jumps",
    numpy: "ceil",
    torch: "ceil",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(0.1, 0.4), (0.6, 0.9), (-2.4, -2.1)],
    edges: &[],
    kinks: &[-1.0, 0.0, 0.5, 1.0, 2.5],
    extreme: &[1e-300, 1e300, 1e3, -1e3],
};
