//! Logarithm of the gamma function: a primitive, because the gamma function overflows.

use crate::ops::Digamma;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `ln |Γ(x)|`.
///
/// # Math
/// `dy = ψ(x) dx` with the digamma function `ψ` ([`Digamma`](crate::ops::Digamma)).
///
/// # Domain
/// All real numbers except 0, -1, -2, ..., where it is ∞.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(3.0);
/// let y = x.lgamma();
/// assert!((y.value() - 2f64.ln()).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.9227843350984671).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lgamma;

impl Unary for Lgamma {
    const NAME: &'static str = "lgamma";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.lgamma()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Digamma)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln |Γ(x)|",
    derivative: "ψ(x)",
    domain: "x ≠ 0, -1, -2, ...",
    convention: "",
    numpy: "scipy.special.gammaln",
    torch: "lgamma",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(0.2, 8.0), (-0.8, -0.2)],
    edges: &[0.0],
    kinks: &[],
    extreme: &[1e-300, 30.0, 1e3],
};
