//! Softplus of given sharpness.

use crate::ops::Sigmoid;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln(1 + e^(beta x)) / beta`: the larger `beta`, the closer to the rectifier.
///
/// # Math
/// `dy = σ(beta x) dx`.
///
/// # Domain
/// All real numbers, `beta ≠ 0`; no overflow where `beta x` does not overflow.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.softplus_scaled(2.0);
/// assert!((y.value() - 2f64.ln() / 2.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftplusScaled {
    /// The sharpness of the bend.
    pub beta: f64,
}

impl Unary for SoftplusScaled {
    const NAME: &'static str = "softplus_scaled";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let beta = T::from_f64(self.beta);
        (beta * x).softplus() / beta
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        (x.lift(self.beta) * x).map(Sigmoid)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln(1 + exp(β x)) / β",
    derivative: "σ(β x)",
    domain: "all",
    convention: "",
    numpy: "logaddexp(b * x, 0) / b",
    torch: "nn.functional.softplus(x, b)",
};

const POINTS: Points =
    Points { interior: &[(-6.0, 6.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };

pub(crate) const EXAMPLES: &[(SoftplusScaled, Points)] =
    &[(SoftplusScaled { beta: 2.5 }, POINTS), (SoftplusScaled { beta: 0.5 }, POINTS)];
