//! Cube: a primitive, because it records one operand instead of three.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x³`.
///
/// # Math
/// `y = x³`, `dy = 3 x² dx`.
///
/// # Domain
/// All real numbers.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(2.0);
/// let y = x.cube();
/// assert!((y.value() - 8.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 12.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cube;

impl Unary for Cube {
    const NAME: &'static str = "cube";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x * x * x
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(3.0) * (x * x)
    }
}

pub(crate) const DOC: OpDoc =
    OpDoc {
        formula: "x³", derivative: "3 x²", domain: "all", convention: "", numpy: "power", torch: "pow"
    };

pub(crate) const POINTS: Points = Points {
    interior: &[(-4.0, 4.0)],
    edges: &[],
    kinks: &[],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300, 1e100],
};
