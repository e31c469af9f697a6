//! Hyperbolic tangent.

use crate::ops::activation::sigmoid;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, SlopeFromOutput, Unary};

/// `tanh x`, zero-centred with range (-1, 1).
///
/// # Math
/// `y = tanh x`, `dy = (1 - y²) dx`. Where the difference would lose digits, for `|y|` above 1/2, the slope
/// is computed as `4 σ(2x) σ(-2x)`, which has them all down to where it underflows.
///
/// # Domain
/// All real numbers; ±1 at ±∞ with derivative 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.tanh();
/// assert!((y.value() - 0.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tanh;

impl Unary for Tanh {
    const NAME: &'static str = "tanh";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.tanh()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        let square = y * y;
        let tail = x.lift(4.0) * (x.lift(2.0) * x).map(sigmoid::Slope);
        square.if_gt(square.lift(0.25), tail, square.lift(1.0) - square)
    }
}

/// Off by up to 2 ε: twice the error of the value, and the rounding of its square.
impl SlopeFromOutput for Tanh {
    #[inline(always)]
    fn slope_from_output<A: Algebra>(&self, y: A) -> A {
        y.lift(1.0) - y * y
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "tanh x",
    derivative: "1 - y²",
    domain: "all",
    convention: "",
    numpy: "tanh",
    torch: "tanh",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-4.0, 4.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };
