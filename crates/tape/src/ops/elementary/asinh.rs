//! Inverse hyperbolic sine: a primitive, because its composition from `ln` cancels.

use crate::ops::Hypot;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln(x + √(x² + 1))`.
///
/// # Math
/// `y = arsinh x`, `dy = dx / √(1 + x²)`; the root does not overflow where `x²` does.
///
/// # Domain
/// All real numbers.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.75);
/// let y = x.asinh();
/// assert!((y.value() - 2f64.ln()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.8).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asinh;

impl Unary for Asinh {
    const NAME: &'static str = "asinh";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.asinh()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(1.0) / x.lift(1.0).zip(x, Hypot)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "arsinh(x)",
    derivative: "1 / √(1 + x²)",
    domain: "all",
    convention: "",
    numpy: "arcsinh",
    torch: "asinh",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-5.0, 5.0)],
    edges: &[],
    kinks: &[],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300, 1e300, -1e300],
};
