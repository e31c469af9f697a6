//! Absolute value.

use crate::ops::Sign;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `|x|`.
///
/// # Math
/// `y = |x|`, `dy = sign(x) dx`.
///
/// # Domain
/// All real numbers. At the kink 0 the derivative is 0 by convention.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(-3.0);
/// let y = x.abs();
/// assert!((y.value() - 3.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) + 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Abs;

impl Unary for Abs {
    const NAME: &'static str = "abs";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.abs()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Sign)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        x.sign().to_f64() as i64
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "|x|",
    derivative: "sign(x)",
    domain: "all",
    convention: "0 at 0",
    numpy: "absolute",
    torch: "abs",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-8.0, 8.0)], edges: &[], kinks: &[0.0], extreme: &[1e-300, 1e300, 1e3, -1e3] };
