//! Logarithm of the logistic sigmoid: a primitive, because its composition underflows to `ln 0`.

use crate::ops::Sigmoid;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln σ(x) = -ln(1 + e⁻ˣ)`.
///
/// # Math
/// `y = -softplus(-x)`, `dy = σ(-x) dx`.
///
/// # Domain
/// All real numbers: `x` in the left tail, with derivative 1 (also at -∞), and 0 in the right one.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.log_sigmoid();
/// assert!((y.value() - (-(2f64.ln()))).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LogSigmoid;

impl Unary for LogSigmoid {
    const NAME: &'static str = "log_sigmoid";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.log_sigmoid()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        (-x).map(Sigmoid)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln σ(x)",
    derivative: "σ(-x)",
    domain: "all",
    convention: "",
    numpy: "scipy.special.log_expit",
    torch: "nn.functional.logsigmoid",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-6.0, 6.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };
