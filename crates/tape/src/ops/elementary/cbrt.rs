//! Cube root.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `∛x`, also for negative numbers.
///
/// # Math
/// `y = ∛x`, `dy = dx / (3 y²)`.
///
/// # Domain
/// All real numbers; `cbrt'(0) = ∞`.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(8.0);
/// let y = x.cbrt();
/// assert!((y.value() - 2.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0 / 12.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cbrt;

impl Unary for Cbrt {
    const NAME: &'static str = "cbrt";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.cbrt()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, _x: A, y: A) -> A {
        y.lift(1.0) / (y.lift(3.0) * (y * y))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "∛x",
    derivative: "1 / (3 y²)",
    domain: "all",
    convention: "cbrt'(0) = inf",
    numpy: "cbrt",
    torch: "x.sign() * x.abs().pow(1 / 3)",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(0.1, 9.0), (-9.0, -0.1)],
    edges: &[0.0],
    kinks: &[],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300, 1e300],
};
