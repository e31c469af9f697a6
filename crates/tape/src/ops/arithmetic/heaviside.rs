//! Unit step.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// 0 where `x` is negative, 1 where it is positive, `at_zero` at 0.
///
/// # Math
/// `dy = 0`.
///
/// # Domain
/// All real numbers; NaN at NaN. The derivative is 0 everywhere, also at 0, where the function jumps.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.heaviside(0.5);
/// assert!((y.value() - 0.5).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heaviside {
    /// The value at 0.
    pub at_zero: f64,
}

impl Unary for Heaviside {
    const NAME: &'static str = "heaviside";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        if x > T::ZERO {
            T::ONE
        } else if x < T::ZERO {
            T::ZERO
        } else if x == T::ZERO {
            T::from_f64(self.at_zero)
        } else {
            x
        }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(0.0)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        x.sign().to_f64() as i64
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "0, h, 1 for x <, =, > 0",
    derivative: "0",
    domain: "all",
    convention: "0 at the jump",
    numpy: "heaviside",
    torch: "heaviside",
};

const POINTS: Points =
    Points { interior: &[(-8.0, 8.0)], edges: &[], kinks: &[0.0], extreme: &[1e-300, -1e300, 1e3, -1e3] };

pub(crate) const EXAMPLES: &[(Heaviside, Points)] =
    &[(Heaviside { at_zero: 0.5 }, POINTS), (Heaviside { at_zero: 1.0 }, POINTS)];
