//! Rounding down.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// The largest integer not above `x`.
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
/// let x = tape.scalar(1.75);
/// let y = x.floor();
/// assert!((y.value() - 1.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor;

impl Unary for Floor {
    const NAME: &'static str = "floor";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.floor()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(0.0)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        x.floor().to_f64() as i64
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "⌊x⌋",
    derivative: "0",
    domain: "all",
    convention: "0 at the jumps",
    numpy: "floor",
    torch: "floor",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(0.1, 0.4), (0.6, 0.9), (-2.4, -2.1)],
    edges: &[],
    kinks: &[-1.0, 0.0, 0.5, 1.0, 2.5],
    extreme: &[1e-300, 1e300, 1e3, -1e3],
};
