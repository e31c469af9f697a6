//! Complementary error function: a primitive, because `1 - erf(x)` cancels in the right tail.

use crate::element::Constant;
use crate::ops::Exp;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `erfc(x) = 1 - erf(x)`, accurate in the right tail.
///
/// # Math
/// `dy = -2/√π e^(-x²) dx`.
///
/// # Domain
/// All real numbers; 0 at ∞ and 2 at -∞ with derivative 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.erfc();
/// assert!((y.value() - 0.15729920705028513).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - (-0.41510749742059466)).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Erfc;

impl Unary for Erfc {
    const NAME: &'static str = "erfc";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.erfc()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(-Constant::FRAC_2_SQRT_PI) * (-(x * x)).map(Exp)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "1 - erf(x)",
    derivative: "-2/√π exp(-x²)",
    domain: "all",
    convention: "",
    numpy: "scipy.special.erfc",
    torch: "erfc",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-4.0, 4.0)],
    edges: &[],
    kinks: &[],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300, 1e300],
};
