//! Logarithm of the odds: a primitive, because its composition loses the digits near 1/2.

use crate::ops::Recip;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln(x / (1 - x))`, the inverse of [`Sigmoid`](crate::ops::Sigmoid).
///
/// # Math
/// `dy = dx / (x (1 - x))`. Near 1/2 by `ln(1 + (2x - 1) / (1 - x))`.
///
/// # Domain
/// `0 ≤ x ≤ 1`: -∞ at 0 and ∞ at 1, with derivative ∞ at both; NaN elsewhere.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.75);
/// let y = x.logit();
/// assert!((y.value() - 3f64.ln()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 16.0 / 3.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Logit;

impl Unary for Logit {
    const NAME: &'static str = "logit";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let rest = T::ONE - x;
        let near = x > T::from_f64(0.3) && x < T::from_f64(0.7);
        if near { ((x - rest) / rest).log1p() } else { (x / rest).ln() }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        // Not one over the product, whose derivative overflows where this one does not.
        x.map(Recip) + (x.lift(1.0) - x).map(Recip)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln(x / (1 - x))",
    derivative: "1 / (x (1 - x))",
    domain: "0 ≤ x ≤ 1",
    convention: "inf at 0 and 1",
    numpy: "scipy.special.logit",
    torch: "logit",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(0.02, 0.98)], edges: &[0.0, 1.0], kinks: &[], extreme: &[1e-300, 0.5, 0.999_999] };
