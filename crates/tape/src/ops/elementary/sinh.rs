//! Hyperbolic sine: a primitive, because its composition from `exp` cancels near 0.

use crate::ops::Cosh;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `(eˣ - e⁻ˣ) / 2`.
///
/// # Math
/// `y = sinh x`, `dy = cosh x dx`.
///
/// # Domain
/// All real numbers; overflows beyond ±710 (f32: ±89).
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.sinh();
/// assert!((y.value() - 1f64.sinh()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1f64.cosh()).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sinh;

impl Unary for Sinh {
    const NAME: &'static str = "sinh";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.sinh()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Cosh)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "sinh(x)",
    derivative: "cosh(x)",
    domain: "all",
    convention: "",
    numpy: "sinh",
    torch: "sinh",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-4.0, 4.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e-300] };
