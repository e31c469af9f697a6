//! Rounding to the nearest integer.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// The nearest integer; ties are rounded away from zero, as in `f64::round` (NumPy and PyTorch round them to
/// even).
///
/// # Math
/// `dy = 0`.
///
/// # Domain
/// All real numbers. The derivative is 0 everywhere, also at the ties, where the function jumps.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(2.5);
/// let y = x.round();
/// assert!((y.value() - 3.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round;

impl Unary for Round {
    const NAME: &'static str = "round";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.round()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(0.0)
    }

    #[inline(always)]
    fn branch<T: Element>(&self, x: T) -> i64 {
        x.round().to_f64() as i64
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "nearest integer",
    derivative: "0",
    domain: "all",
    convention: "0 at the jumps; ties away from zero",
    numpy: "round (ties to even)",
    torch: "round (ties to even)",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(0.1, 0.4), (0.6, 0.9), (-2.4, -2.1)],
    edges: &[],
    kinks: &[-1.0, 0.0, 0.5, 1.0, 2.5],
    extreme: &[1e-300, 1e300, 1e3, -1e3],
};
