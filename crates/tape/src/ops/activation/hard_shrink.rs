//! Hard thresholding.

use crate::ops::SoftShrink;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x` where it is farther from 0 than `lambda`, else 0.
///
/// # Math
/// `dy = dx` where `|x| > lambda`, else 0.
///
/// # Domain
/// All real numbers, `lambda ≥ 0`. At `±lambda` the derivative is 0, though the function jumps there.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([-2.0, 0.5, 3.0]);
/// let y = x.hard_shrink(1.0);
/// assert_eq!(y.value().to_vec(), [-2.0, 0.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardShrink {
    /// The threshold.
    pub lambda: f64,
}

/// The usual threshold, 1/2.
impl Default for HardShrink {
    fn default() -> HardShrink {
        HardShrink { lambda: 0.5 }
    }
}

impl Unary for HardShrink {
    const NAME: &'static str = "hard_shrink";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let lambda = T::from_f64(self.lambda);
        if x.abs() > lambda || x.is_nan() { x } else { T::ZERO }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        self.soft().slope(x, y)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        self.soft().branch(x)
    }
}

impl HardShrink {
    /// Soft thresholding differs by a constant on each side, so it has the same slope.
    #[inline(always)]
    fn soft(&self) -> SoftShrink {
        SoftShrink { lambda: self.lambda }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x if |x| > λ else 0",
    derivative: "1 if |x| > λ else 0",
    domain: "all",
    convention: "0 at ±λ",
    numpy: "where(abs(x) > l, x, 0)",
    torch: "nn.functional.hardshrink(x, l)",
};

const POINTS: Points = Points {
    interior: &[(-0.4, 0.4), (0.6, 5.0), (-5.0, -0.6)],
    edges: &[],
    kinks: &[-0.5, 0.5],
    extreme: &[0.0, 1e-300, 1e300, 1e3, -1e3],
};

pub(crate) const EXAMPLES: &[(HardShrink, Points)] = &[(HardShrink { lambda: 0.5 }, POINTS)];
