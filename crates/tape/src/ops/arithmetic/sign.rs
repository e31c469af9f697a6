//! Sign.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// The sign of `x`: -1, 0 or 1.
///
/// # Math
/// `y = sign(x)`, `dy = 0`.
///
/// # Domain
/// All real numbers; `sign(0) = 0`. The derivative is 0, also at the jump.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(-3.0);
/// let y = x.sign();
/// assert!((y.value() + 1.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sign;

impl Unary for Sign {
    const NAME: &'static str = "sign";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.sign()
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
    formula: "sign(x)",
    derivative: "0",
    domain: "all",
    convention: "0 at 0",
    numpy: "sign",
    torch: "sign",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-8.0, 8.0)], edges: &[], kinks: &[0.0], extreme: &[1e-300, -1e300, 1e3, -1e3] };
