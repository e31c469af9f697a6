//! Rectifier with an upper bound, for arithmetic of few bits.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x` between 0 and 6, and the nearer bound outside.
///
/// # Math
/// `dy = dx` for `0 < x < 6`, else 0.
///
/// # Domain
/// All real numbers. At 0 and at 6 the derivative is 0, as that of [`Relu`](crate::ops::Relu) at 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([-1.0, 2.0, 7.0]);
/// let y = x.relu6();
/// assert_eq!(y.value().to_vec(), [0.0, 2.0, 6.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Relu6;

/// The upper bound.
const TOP: f64 = 6.0;

impl Unary for Relu6 {
    const NAME: &'static str = "relu6";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.maximum(T::ZERO).minimum(T::from_f64(TOP))
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let (zero, one, top) = (x.lift(0.0), x.lift(1.0), x.lift(TOP));
        x.if_gt(zero, top.if_gt(x, one, zero), zero)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x > T::ZERO) + i64::from(x >= T::from_f64(TOP))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "min(max(x, 0), 6)",
    derivative: "1 if 0 < x < 6 else 0",
    domain: "all",
    convention: "0 on the bounds",
    numpy: "clip(x, 0, 6)",
    torch: "nn.functional.relu6",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(0.1, 5.9), (6.1, 9.0), (-4.0, -0.1)],
    edges: &[],
    kinks: &[0.0, 6.0],
    extreme: &[1e-300, 1e300, 1e3, -1e3],
};
