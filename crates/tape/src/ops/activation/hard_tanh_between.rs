//! Hard hyperbolic tangent with bounds: [`Clamp`](crate::ops::Clamp) under its name in networks.

use crate::ops::Clamp;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x` between `lo` and `hi`, and the nearer bound outside; between -1 and 1 it is [`HardTanh`](crate::ops::HardTanh).
///
/// # Math
/// `dy = dx` for `lo ≤ x ≤ hi`, else 0.
///
/// # Domain
/// All real numbers. On the bounds the derivative is 1.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([-3.0, 1.5, 3.0]);
/// let y = x.hard_tanh_between(-2.0, 2.0);
/// assert_eq!(y.value().to_vec(), [-2.0, 1.5, 2.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardTanhBetween {
    /// The lower bound.
    pub lo: f64,
    /// The upper bound.
    pub hi: f64,
}

impl HardTanhBetween {
    #[inline(always)]
    fn clamp(&self) -> Clamp {
        Clamp { lo: self.lo, hi: self.hi }
    }
}

impl Unary for HardTanhBetween {
    const NAME: &'static str = "hard_tanh_between";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        self.clamp().eval(x)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        self.clamp().slope(x, y)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        self.clamp().branch(x)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "min(max(x, lo), hi)",
    derivative: "1 if lo ≤ x ≤ hi else 0",
    domain: "all",
    convention: "1 on the bounds",
    numpy: "clip(x, lo, hi)",
    torch: "nn.functional.hardtanh(x, lo, hi)",
};

const POINTS: Points = Points {
    interior: &[(-0.4, 1.9), (2.1, 5.0), (-5.0, -0.6)],
    edges: &[],
    kinks: &[-0.5, 2.0],
    extreme: &[1e-300, 1e300, 1e3, -1e3],
};

pub(crate) const EXAMPLES: &[(HardTanhBetween, Points)] = &[(HardTanhBetween { lo: -0.5, hi: 2.0 }, POINTS)];
