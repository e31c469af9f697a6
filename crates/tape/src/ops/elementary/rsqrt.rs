//! Reciprocal square root.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `1 / √x`.
///
/// # Math
/// `y = 1 / √x`, `dy = -y / (2 x) dx`.
///
/// # Domain
/// `x > 0`; ∞ at 0 with derivative -∞, NaN below.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(4.0);
/// let y = x.rsqrt();
/// assert!((y.value() - 0.5).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - -0.0625).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rsqrt;

impl Unary for Rsqrt {
    const NAME: &'static str = "rsqrt";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        T::ONE / x.sqrt()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        y.lift(-0.5) * (y / x)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "1 / √x",
    derivative: "-y / (2 x)",
    domain: "x > 0",
    convention: "",
    numpy: "1 / sqrt(x)",
    torch: "rsqrt",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(0.1, 9.0)], edges: &[0.0], kinks: &[], extreme: &[1e-100, 1e300, 1e3] };
