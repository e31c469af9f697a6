//! Soft thresholding.

use crate::ops::Abs;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// Moves every number towards 0 by `lambda`; what would cross 0 becomes 0.
///
/// # Math
/// `dy = dx` where `|x| > lambda`, else 0.
///
/// # Domain
/// All real numbers, `lambda ≥ 0`. At `±lambda` the derivative is 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([-2.0, 0.5, 3.0]);
/// let y = x.soft_shrink(1.0);
/// assert_eq!(y.value().to_vec(), [-1.0, 0.0, 2.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftShrink {
    /// The threshold.
    pub lambda: f64,
}

/// The usual threshold, 1/2.
impl Default for SoftShrink {
    fn default() -> SoftShrink {
        SoftShrink { lambda: 0.5 }
    }
}

impl Unary for SoftShrink {
    const NAME: &'static str = "soft_shrink";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let lambda = T::from_f64(self.lambda);
        if x > lambda {
            x - lambda
        } else if x < -lambda {
            x + lambda
        } else if x.is_nan() {
            x
        } else {
            T::ZERO
        }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Abs).if_gt(x.lift(self.lambda), x.lift(1.0), x.lift(0.0))
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        let lambda = T::from_f64(self.lambda);
        i64::from(x > lambda) - i64::from(x < -lambda)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "sign(x) max(|x| - λ, 0)",
    derivative: "1 if |x| > λ else 0",
    domain: "all",
    convention: "0 at ±λ",
    numpy: "sign(x) * maximum(abs(x) - l, 0)",
    torch: "nn.functional.softshrink(x, l)",
};

const POINTS: Points = Points {
    interior: &[(-0.4, 0.4), (0.6, 5.0), (-5.0, -0.6)],
    edges: &[],
    kinks: &[-0.5, 0.5],
    extreme: &[0.0, 1e-300, 1e300, 1e3, -1e3],
};

pub(crate) const EXAMPLES: &[(SoftShrink, Points)] = &[(SoftShrink { lambda: 0.5 }, POINTS)];
