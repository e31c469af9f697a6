//! Digamma function: the derivative of `lgamma`.

use crate::ops::Polygamma;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ψ(x) = d ln Γ(x) / dx`.
///
/// # Math
/// `dy = ψ₁(x) dx` with the trigamma function `ψ₁`, [`Polygamma`](crate::ops::Polygamma) of order 1.
///
/// # Domain
/// All real numbers except 0, where it is ∓∞, and -1, -2, ..., where it is NaN.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.digamma();
/// assert!((y.value() - (-0.5772156649015329)).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.6449340668482264).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Digamma;

impl Unary for Digamma {
    const NAME: &'static str = "digamma";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.digamma()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Polygamma { n: 1 })
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ψ(x)",
    derivative: "ψ₁(x)",
    domain: "x ≠ 0, -1, -2, ...",
    convention: "",
    numpy: "scipy.special.digamma",
    torch: "digamma",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(0.2, 8.0), (-0.8, -0.2)],
    edges: &[0.0],
    kinks: &[],
    extreme: &[1e-100, 30.0, 1e3],
};
