//! Sine.

use crate::ops::Cos;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `sin x`, `x` in radians.
///
/// # Math
/// `y = sin x`, `dy = cos x dx`.
///
/// # Domain
/// All finite numbers; NaN at ±∞.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.sin();
/// assert!((y.value() - 0.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sin;

impl Unary for Sin {
    const NAME: &'static str = "sin";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.sin()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Cos)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "sin x",
    derivative: "cos x",
    domain: "finite x",
    convention: "",
    numpy: "sin",
    torch: "sin",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-7.0, 7.0)], edges: &[], kinks: &[], extreme: &[30.0, 1e3, -1e3, 1e-300] };
