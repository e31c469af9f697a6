//! Modified Bessel function of order 1: [`BesselI`](crate::ops::BesselI) under its name in numerical libraries.

use crate::ops::BesselI;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `I₁(x)`.
///
/// # Math
/// `dy = (I₀(x) + I₂(x)) / 2 dx`.
///
/// # Domain
/// All real numbers; ∞ beyond 713.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.i1();
/// assert!((y.value() - 0.5651591039924851).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.7009067737595233).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct I1;

const BESSEL: BesselI = BesselI { n: 1 };

impl Unary for I1 {
    const NAME: &'static str = "i1";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        BESSEL.eval(x)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        BESSEL.slope(x, y)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "I₁(x)",
    derivative: "(I₀(x) + I₂(x)) / 2",
    domain: "all",
    convention: "",
    numpy: "scipy.special.i1",
    torch: "special.i1",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-6.0, 6.0)],
    edges: &[],
    kinks: &[],
    extreme: &[0.0, 30.0, -30.0, 60.0, -60.0, 1e-300],
};
