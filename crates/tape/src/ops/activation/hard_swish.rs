//! Hard swish: three pieces near `x σ(x)`, without an exponential.

use crate::ops::HardSigmoid;
use crate::ops::activation::hard_sigmoid::END;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x (x + 3) / 6` between -3 and 3, 0 below and `x` above: `x` times [`HardSigmoid`](crate::ops::HardSigmoid).
///
/// # Math
/// `dy = (x / 3 + 1/2) dx` for `|x| < 3`, 0 below and `dx` above.
///
/// # Domain
/// All real numbers; NaN at -∞. At -3 the derivative is 0 and at 3 it is 1, as outside.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([-4.0, 1.5, 4.0]);
/// let y = x.hard_swish();
/// assert_eq!(y.value().to_vec(), [0.0, 1.125, 4.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HardSwish;

impl Unary for HardSwish {
    const NAME: &'static str = "hard_swish";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x * HardSigmoid.eval(x)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let (zero, one, end) = (x.lift(0.0), x.lift(1.0), x.lift(END));
        let inside = x / end + x.lift(0.5);
        x.if_gt(-end, end.if_gt(x, inside, one), zero)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        HardSigmoid.branch(x)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x min(max(x / 6 + 1/2, 0), 1)",
    derivative: "x / 3 + 1/2 if |x| < 3, else 0 below and 1 above",
    domain: "x > -∞",
    convention: "0 at -3, 1 at 3",
    numpy: "x * clip(x / 6 + 0.5, 0, 1)",
    torch: "nn.functional.hardswish",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-2.9, 2.9), (3.1, 6.0), (-6.0, -3.1)],
    edges: &[],
    kinks: &[-3.0, 3.0],
    extreme: &[1e-300, 1e300, 1e3, -1e3],
};
