//! Logistic sigmoid of a line: a primitive, because membership functions and gates apply it with constants.

use crate::ops::activation::sigmoid;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `σ(slope · x + offset)`: a logistic function of given steepness and position.
///
/// # Math
/// `y = σ(s x + c)`, `dy = s y σ(-(s x + c)) dx`.
///
/// # Domain
/// All real numbers; 0 and 1 in the tails with derivative 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.sigmoid_scaled(2.0, -2.0);
/// assert!((y.value() - 0.5).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SigmoidScaled {
    /// The factor of `x`: the steepness of the step.
    pub slope: f64,
    /// The offset; the step is at `-offset / slope`.
    pub offset: f64,
}

impl Unary for SigmoidScaled {
    const NAME: &'static str = "sigmoid_scaled";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        (T::from_f64(self.slope) * x + T::from_f64(self.offset)).sigmoid()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let slope = x.lift(self.slope);
        let z = slope * x + x.lift(self.offset);
        slope * z.map(sigmoid::Slope)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "σ(s x + c)",
    derivative: "s y (1 - y)",
    domain: "all",
    convention: "",
    numpy: "",
    torch: "sigmoid(s * x + c)",
};

const POINTS: Points =
    Points { interior: &[(-4.0, 4.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };

pub(crate) const EXAMPLES: &[(SigmoidScaled, Points)] = &[
    (SigmoidScaled { slope: 1.7, offset: -0.4 }, POINTS),
    (SigmoidScaled { slope: -0.5, offset: 2.0 }, POINTS),
];
