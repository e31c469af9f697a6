//! Restriction to an interval.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x` between `lo` and `hi`, and the nearer bound outside. If `lo > hi` the result is `hi`.
///
/// # Math
/// `dy = dx` for `lo ≤ x ≤ hi`, else 0.
///
/// # Domain
/// All real numbers; NaN stays NaN. On the bounds the derivative is 1: the function is the identity on the closed
/// interval.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(2.0);
/// let y = x.clamp(-1.0, 2.0);
/// assert!((y.value() - 2.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    /// The lower bound.
    pub lo: f64,
    /// The upper bound.
    pub hi: f64,
}

impl Unary for Clamp {
    const NAME: &'static str = "clamp";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let (lo, hi) = (T::from_f64(self.lo), T::from_f64(self.hi));
        let raised = if x < lo { lo } else { x };
        if raised > hi { hi } else { raised }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let (zero, one) = (x.lift(0.0), x.lift(1.0));
        let above = x.if_gt(x.lift(self.hi), zero, one);
        x.lift(self.lo).if_gt(x, zero, above)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x > T::from_f64(self.hi)) - i64::from(x < T::from_f64(self.lo))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "min(max(x, lo), hi)",
    derivative: "1 if lo ≤ x ≤ hi else 0",
    domain: "all",
    convention: "1 on the bounds",
    numpy: "clip",
    torch: "clamp",
};

const POINTS: Points = Points {
    interior: &[(-0.9, 1.9), (2.1, 6.0), (-5.0, -1.1)],
    edges: &[],
    kinks: &[-1.0, 2.0],
    extreme: &[1e-300, 1e300, 1e3, -1e3],
};

pub(crate) const EXAMPLES: &[(Clamp, Points)] = &[
    (Clamp { lo: -1.0, hi: 2.0 }, POINTS),
    (Clamp { lo: f64::NEG_INFINITY, hi: 2.0 }, Points { kinks: &[2.0], ..POINTS }),
];
