//! Exponential linear unit.

use crate::ops::Exp;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x` where positive, `alpha (eˣ - 1)` elsewhere.
///
/// # Math
/// `dy = dx` where `x > 0`, else `dy = alpha eˣ dx`.
///
/// # Domain
/// All real numbers; `-alpha` at -∞. The derivative at 0 is `alpha`.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(-1.0);
/// let y = x.elu(2.0);
/// assert!((y.value() - 2.0 * (-1f64).exp_m1()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 2.0 * (-1f64).exp()).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elu {
    /// The depth of the left tail.
    pub alpha: f64,
}

/// The usual depth, 1.
impl Default for Elu {
    fn default() -> Elu {
        Elu { alpha: 1.0 }
    }
}

impl Unary for Elu {
    const NAME: &'static str = "elu";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let left = T::from_f64(self.alpha) * x.expm1();
        if x > T::ZERO { x } else { left }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let left = x.lift(self.alpha) * x.map(Exp);
        let (zero, one) = (x.lift(0.0), x.lift(1.0));
        x.if_gt(zero, one, left)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x > T::ZERO)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x if x > 0 else α (exp(x) - 1)",
    derivative: "1 if x > 0 else α exp(x)",
    domain: "all",
    convention: "the slope at 0 is α",
    numpy: "where(x > 0, x, a * expm1(x))",
    torch: "nn.functional.elu",
};

const POINTS: Points = Points {
    interior: &[(-6.0, 6.0)],
    edges: &[],
    kinks: &[0.0],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300],
};

pub(crate) const EXAMPLES: &[(Elu, Points)] = &[(Elu { alpha: 0.5 }, POINTS), (Elu { alpha: 1.0 }, POINTS)];
