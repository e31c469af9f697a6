//! Inverse cosine.

use super::asin::OneMinusSquare;
use crate::ops::Sqrt;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `arccos x`, in [0, π].
///
/// # Math
/// `y = arccos x`, `dy = -dx / √((1 - x) (1 + x))`, which keeps the digits of `1 - x²` near ±1.
///
/// # Domain
/// `|x| ≤ 1`, NaN outside; the derivative is -∞ at ±1. So `acos(cos x)` has no finite derivative at 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.6);
/// let y = x.acos();
/// assert!((y.value() - 0.6f64.acos()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - (-1.25)).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Acos;

impl Unary for Acos {
    const NAME: &'static str = "acos";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.acos()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(-1.0) / x.map(OneMinusSquare).map(Sqrt)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "arccos(x)",
    derivative: "-1 / √(1 - x²)",
    domain: "|x| ≤ 1",
    convention: "acos'(±1) = -inf",
    numpy: "arccos",
    torch: "acos",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-0.9, 0.9)], edges: &[-1.0, 1.0], kinks: &[], extreme: &[1e-300, 0.999999] };
