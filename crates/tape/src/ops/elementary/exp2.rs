//! Power of two.

use crate::element::Constant;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `2ˣ`.
///
/// # Math
/// `y = 2ˣ`, `dy = y ln 2 dx`.
///
/// # Domain
/// All real numbers; overflows to ∞ above 1024 (f32: 128).
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(3.0);
/// let y = x.exp2();
/// assert!((y.value() - 8.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 8.0 * 2f64.ln()).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exp2;

impl Unary for Exp2 {
    const NAME: &'static str = "exp2";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.exp2()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, _x: A, y: A) -> A {
        y.lift(Constant::LN_2) * y
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "2ˣ",
    derivative: "y ln 2",
    domain: "all",
    convention: "",
    numpy: "exp2",
    torch: "exp2",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-6.0, 6.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, -1e3, 1e-300] };
