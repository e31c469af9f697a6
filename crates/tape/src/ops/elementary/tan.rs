//! Tangent.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `tan x`, in radians.
///
/// # Math
/// `y = tan x`, `dy = (1 + y²) dx`.
///
/// # Domain
/// All finite numbers: no `f64` is a pole.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.5);
/// let y = x.tan();
/// assert!((y.value() - 0.5f64.tan()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - (1.0 + 0.5f64.tan().powi(2))).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tan;

impl Unary for Tan {
    const NAME: &'static str = "tan";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.tan()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, _x: A, y: A) -> A {
        y.lift(1.0) + y * y
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "tan(x)",
    derivative: "1 + y²",
    domain: "x ≠ π/2 + k π",
    convention: "",
    numpy: "tan",
    torch: "tan",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-1.4, 1.4), (1.8, 4.5)],
    edges: &[],
    kinks: &[],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300],
};
