//! Rectifier.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, SlopeFromOutput, Unary};

/// `max(x, 0)`.
///
/// # Math
/// `y = x` where `x > 0`, else 0; `dy = dx` where `x > 0`, else 0.
///
/// # Domain
/// All real numbers. At the kink 0 the derivative is 0 by convention. NaN stays NaN.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(3.0);
/// let y = x.relu();
/// assert!((y.value() - 3.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Relu;

impl Unary for Relu {
    const NAME: &'static str = "relu";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        if x <= T::ZERO { T::ZERO } else { x }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let (zero, one) = (x.lift(0.0), x.lift(1.0));
        x.if_gt(zero, one, zero)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x > T::ZERO)
    }
}

impl SlopeFromOutput for Relu {}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "max(x, 0)",
    derivative: "1 if x > 0 else 0",
    domain: "all",
    convention: "0 at 0",
    numpy: "maximum(x, 0)",
    torch: "relu",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-8.0, 8.0)], edges: &[], kinks: &[0.0], extreme: &[1e-300, 1e300, 1e3, -1e3] };
