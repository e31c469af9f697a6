//! Inverse sine.

use crate::ops::Sqrt;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `arcsin x`, in [-π/2, π/2].
///
/// # Math
/// `y = arcsin x`, `dy = dx / √((1 - x) (1 + x))`, which keeps the digits of `1 - x²` near ±1.
///
/// # Domain
/// `|x| ≤ 1`, NaN outside; the derivative is ∞ at ±1.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.6);
/// let y = x.asin();
/// assert!((y.value() - 0.6f64.asin()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.25).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asin;

impl Unary for Asin {
    const NAME: &'static str = "asin";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.asin()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(1.0) / x.map(OneMinusSquare).map(Sqrt)
    }
}

/// `1 - x²` as `(1 - x) (1 + x)`, which keeps the digits near ±1. A separate function because of its slope:
/// that of the product would be `(1 - x) - (1 + x)`, which loses digits near 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OneMinusSquare;

impl Unary for OneMinusSquare {
    const NAME: &'static str = "one_minus_square";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        (T::ONE - x) * (T::ONE + x)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(-2.0) * x
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "arcsin(x)",
    derivative: "1 / √(1 - x²)",
    domain: "|x| ≤ 1",
    convention: "asin'(±1) = inf",
    numpy: "arcsin",
    torch: "asin",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-0.9, 0.9)], edges: &[-1.0, 1.0], kinks: &[], extreme: &[1e-300, 0.999999] };
