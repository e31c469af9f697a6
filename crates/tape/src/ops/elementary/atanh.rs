//! Inverse hyperbolic tangent: a primitive, because its composition from `ln` cancels near 0.

use super::asin::OneMinusSquare;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln((1 + x) / (1 - x)) / 2`.
///
/// # Math
/// `y = artanh x`, `dy = dx / ((1 - x) (1 + x))`, which keeps the digits of `1 - x²` near ±1.
///
/// # Domain
/// `|x| < 1`; ±∞ at ±1 with derivative ∞, NaN outside.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.6);
/// let y = x.atanh();
/// assert!((y.value() - 2f64.ln()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.5625).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Atanh;

impl Unary for Atanh {
    const NAME: &'static str = "atanh";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.atanh()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(1.0) / x.map(OneMinusSquare)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "artanh(x)",
    derivative: "1 / (1 - x²)",
    domain: "|x| < 1",
    convention: "",
    numpy: "arctanh",
    torch: "atanh",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-0.9, 0.9)], edges: &[-1.0, 1.0], kinks: &[], extreme: &[1e-300, 0.999999] };
