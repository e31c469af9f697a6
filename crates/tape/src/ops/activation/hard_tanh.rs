//! Hard hyperbolic tangent: [`Clamp`](crate::ops::Clamp) to [-1, 1] under its name in networks.

use crate::ops::Clamp;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x` between -1 and 1, and the nearer bound outside.
///
/// # Math
/// `dy = dx` for `|x| ≤ 1`, else 0.
///
/// # Domain
/// All real numbers. On the bounds the derivative is 1.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.5);
/// let y = x.hard_tanh();
/// assert!((y.value() - 0.5).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HardTanh;

impl Unary for HardTanh {
    const NAME: &'static str = "hard_tanh";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        UNIT.eval(x)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        UNIT.slope(x, y)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        UNIT.branch(x)
    }
}

const UNIT: Clamp = Clamp { lo: -1.0, hi: 1.0 };

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "min(max(x, -1), 1)",
    derivative: "1 if |x| ≤ 1 else 0",
    domain: "all",
    convention: "1 on the bounds",
    numpy: "clip(x, -1, 1)",
    torch: "nn.functional.hardtanh",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-0.9, 0.9), (1.1, 5.0), (-5.0, -1.1)],
    edges: &[],
    kinks: &[-1.0, 1.0],
    extreme: &[1e-300, 1e300, 1e3, -1e3],
};
