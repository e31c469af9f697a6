//! Cosine.

use crate::ops::Sin;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `cos x`, `x` in radians.
///
/// # Math
/// `y = cos x`, `dy = -sin x dx`.
///
/// # Domain
/// All finite numbers; NaN at ±∞.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.cos();
/// assert!((y.value() - 1.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cos;

impl Unary for Cos {
    const NAME: &'static str = "cos";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.cos()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        -x.map(Sin)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "cos x",
    derivative: "-sin x",
    domain: "finite x",
    convention: "",
    numpy: "cos",
    torch: "cos",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-7.0, 7.0)], edges: &[], kinks: &[], extreme: &[30.0, 1e3, -1e3, 1e-300] };
