//! Softplus: a primitive, because its composition from `exp` and `ln` overflows.

use crate::ops::Sigmoid;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln(1 + eˣ)`, a smooth rectifier.
///
/// # Math
/// `y = max(x, 0) + ln(1 + e^-|x|)`, `dy = σ(x) dx`.
///
/// # Domain
/// All real numbers; no overflow: `softplus(800) = 800`.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.softplus();
/// assert!((y.value() - 0.6931471805599453).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Softplus;

impl Unary for Softplus {
    const NAME: &'static str = "softplus";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.softplus()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Sigmoid)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln(1 + exp(x))",
    derivative: "σ(x)",
    domain: "all",
    convention: "",
    numpy: "logaddexp(x, 0)",
    torch: "nn.functional.softplus",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-6.0, 6.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };
