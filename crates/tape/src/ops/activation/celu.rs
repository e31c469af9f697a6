//! Continuously differentiable exponential linear unit.

use crate::ops::Exp;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x` where positive, `alpha (e^(x / alpha) - 1)` elsewhere.
///
/// # Math
/// `dy = dx` where `x > 0`, else `dy = e^(x / alpha) dx`: 1 on both sides of 0.
///
/// # Domain
/// All real numbers, `alpha > 0`; `-alpha` at -∞.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(-1.0);
/// let y = x.celu(2.0);
/// assert!((y.value() - 2.0 * (-0.5f64).exp_m1()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - (-0.5f64).exp()).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Celu {
    /// The depth of the left tail.
    pub alpha: f64,
}

/// The usual depth, 1.
impl Default for Celu {
    fn default() -> Celu {
        Celu { alpha: 1.0 }
    }
}

impl Unary for Celu {
    const NAME: &'static str = "celu";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let alpha = T::from_f64(self.alpha);
        let left = alpha * (x / alpha).expm1();
        if x > T::ZERO { x } else { left }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let left = (x / x.lift(self.alpha)).map(Exp);
        x.if_gt(x.lift(0.0), x.lift(1.0), left)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x > T::ZERO)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x if x > 0 else α (exp(x / α) - 1)",
    derivative: "1 if x > 0 else exp(x / α)",
    domain: "all",
    convention: "1 at 0",
    numpy: "where(x > 0, x, a * expm1(x / a))",
    torch: "nn.functional.celu",
};

const POINTS: Points = Points {
    interior: &[(-6.0, -0.1), (0.1, 6.0)],
    edges: &[],
    kinks: &[0.0],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300],
};

pub(crate) const EXAMPLES: &[(Celu, Points)] =
    &[(Celu { alpha: 0.5 }, POINTS), (Celu { alpha: 1.5 }, POINTS)];
