//! Reciprocal.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `1 / x`.
///
/// # Math
/// `y = 1 / x`, `dy = -y² dx`.
///
/// # Domain
/// `x ≠ 0`; ±∞ at ±0 with derivative -∞.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(4.0);
/// let y = x.recip();
/// assert!((y.value() - 0.25).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - -0.0625).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recip;

impl Unary for Recip {
    const NAME: &'static str = "recip";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        T::ONE / x
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, _x: A, y: A) -> A {
        -(y * y)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "1 / x",
    derivative: "-1 / x²",
    domain: "x ≠ 0",
    convention: "",
    numpy: "reciprocal",
    torch: "reciprocal",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(0.2, 5.0), (-5.0, -0.2)],
    edges: &[0.0],
    kinks: &[],
    extreme: &[30.0, -1e3, 1e100],
};
