//! Leaky rectifier.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x` where positive, `slope · x` elsewhere.
///
/// # Math
/// `dy = dx` where `x > 0`, else `dy = slope · dx`.
///
/// # Domain
/// All real numbers. The derivative at 0 is `slope`.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(-2.0);
/// let y = x.leaky_relu(0.1);
/// assert!((y.value() - (-0.2)).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.1).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyRelu {
    /// The derivative on the left, usually small and positive.
    pub slope: f64,
}

/// The usual slope, 0.01.
impl Default for LeakyRelu {
    fn default() -> LeakyRelu {
        LeakyRelu { slope: 0.01 }
    }
}

impl Unary for LeakyRelu {
    const NAME: &'static str = "leaky_relu";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        if x > T::ZERO { x } else { T::from_f64(self.slope) * x }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let (zero, one, slope) = (x.lift(0.0), x.lift(1.0), x.lift(self.slope));
        x.if_gt(zero, one, slope)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x > T::ZERO)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "max(x, 0) + s min(x, 0)",
    derivative: "1 if x > 0 else s",
    domain: "all",
    convention: "the slope at 0 is s",
    numpy: "where(x > 0, x, s * x)",
    torch: "nn.functional.leaky_relu",
};

const POINTS: Points =
    Points { interior: &[(-8.0, 8.0)], edges: &[], kinks: &[0.0], extreme: &[1e-300, 1e300, 1e3, -1e3] };

pub(crate) const EXAMPLES: &[(LeakyRelu, Points)] =
    &[(LeakyRelu { slope: 0.2 }, POINTS), (LeakyRelu { slope: -1.5 }, POINTS)];
