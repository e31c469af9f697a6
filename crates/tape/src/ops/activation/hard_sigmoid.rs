//! Hard sigmoid: three line segments near the logistic function.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x / 6 + 1/2` between -3 and 3, 0 below and 1 above.
///
/// # Math
/// `dy = dx / 6` for `|x| < 3`, else 0.
///
/// # Domain
/// All real numbers. At ±3 the derivative is 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([-4.0, 0.0, 1.5]);
/// let y = x.hard_sigmoid();
/// assert_eq!(y.value().to_vec(), [0.0, 0.5, 0.75]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0 / 6.0, 1.0 / 6.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HardSigmoid;

/// The function is constant beyond.
pub(crate) const END: f64 = 3.0;

impl Unary for HardSigmoid {
    const NAME: &'static str = "hard_sigmoid";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let end = T::from_f64(END);
        (x.maximum(-end).minimum(end) + end) / T::from_f64(2.0 * END)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let (zero, end) = (x.lift(0.0), x.lift(END));
        let inside = x.lift(1.0) / x.lift(2.0 * END);
        x.if_gt(-end, end.if_gt(x, inside, zero), zero)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x > T::from_f64(-END)) + i64::from(x >= T::from_f64(END))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "min(max(x / 6 + 1/2, 0), 1)",
    derivative: "1/6 if |x| < 3 else 0",
    domain: "all",
    convention: "0 at ±3",
    numpy: "clip(x / 6 + 0.5, 0, 1)",
    torch: "nn.functional.hardsigmoid",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-2.9, 2.9), (3.1, 6.0), (-6.0, -3.1)],
    edges: &[],
    kinks: &[-3.0, 3.0],
    extreme: &[1e-300, 1e300, 1e3, -1e3],
};
