//! Exponential minus one: a primitive, because the subtraction cancels near 0.

use crate::ops::Exp;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `eˣ - 1`, accurate near 0.
///
/// # Math
/// `y = eˣ - 1`, `dy = eˣ dx`; `eˣ` is recomputed, because `y + 1` would lose it in the left tail.
///
/// # Domain
/// All real numbers; -1 at -∞.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(2.0);
/// let y = x.expm1();
/// assert!((y.value() - (2f64.exp() - 1.0)).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 2f64.exp()).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expm1;

impl Unary for Expm1 {
    const NAME: &'static str = "expm1";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.expm1()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Exp)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "exp(x) - 1",
    derivative: "exp(x)",
    domain: "all",
    convention: "",
    numpy: "expm1",
    torch: "expm1",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-5.0, 5.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, -1e3, 1e-300] };
