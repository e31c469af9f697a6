//! Softsign.

use crate::ops::Abs;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x / (1 + |x|)`: a sigmoid with tails that fall like `1 / |x|`.
///
/// # Math
/// `dy = dx / (1 + |x|)²`. The second derivative jumps at 0, where it is 0.
///
/// # Domain
/// All real numbers; NaN at ±∞.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(-3.0);
/// let y = x.softsign();
/// assert_eq!(y.value(), -0.75);
/// assert_eq!(y.backward().wrt(x), 0.0625);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Softsign;

impl Unary for Softsign {
    const NAME: &'static str = "softsign";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x / (T::ONE + x.abs())
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let one = x.lift(1.0);
        // Not one over the square, which overflows.
        let share = one / (one + x.map(Abs));
        share * share
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        i64::from(x > T::ZERO)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x / (1 + |x|)",
    derivative: "1 / (1 + |x|)²",
    domain: "finite x",
    convention: "the second derivative is 0 at 0",
    numpy: "x / (1 + abs(x))",
    torch: "nn.functional.softsign",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-6.0, -0.1), (0.1, 6.0)],
    edges: &[],
    kinks: &[0.0],
    extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300, 1e300],
};
