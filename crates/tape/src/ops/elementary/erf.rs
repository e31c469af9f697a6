//! Error function.

use crate::element::Constant;
use crate::ops::Exp;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `erf(x) = 2/√π ∫₀ˣ e^(-t²) dt`.
///
/// # Math
/// `dy = 2/√π e^(-x²) dx`.
///
/// # Domain
/// All real numbers; ±1 at ±∞ with derivative 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.erf();
/// assert!((y.value() - 0.8427007929497149).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.41510749742059466).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Erf;

impl Unary for Erf {
    const NAME: &'static str = "erf";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.erf()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(Constant::FRAC_2_SQRT_PI) * (-(x * x)).map(Exp)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "erf(x)",
    derivative: "2/√π exp(-x²)",
    domain: "all",
    convention: "",
    numpy: "scipy.special.erf",
    torch: "erf",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-4.0, 4.0)],
    edges: &[],
    kinks: &[],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300, 1e300],
};
