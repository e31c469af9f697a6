//! Inverse tangent.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `arctan x`, in (-π/2, π/2).
///
/// # Math
/// `y = arctan x`, `dy = dx / (1 + x²)`.
///
/// # Domain
/// All real numbers; ±π/2 at ±∞ with derivative 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(2.0);
/// let y = x.atan();
/// assert!((y.value() - 2f64.atan()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.2).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Atan;

impl Unary for Atan {
    const NAME: &'static str = "atan";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.atan()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(1.0) / (x.lift(1.0) + x * x)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "arctan(x)",
    derivative: "1 / (1 + x²)",
    domain: "all",
    convention: "",
    numpy: "arctan",
    torch: "atan",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-5.0, 5.0)],
    edges: &[],
    kinks: &[],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300, 1e300],
};
