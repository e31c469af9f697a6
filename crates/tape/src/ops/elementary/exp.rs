//! Exponential.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `eˣ`.
///
/// # Math
/// `y = eˣ`, `dy = y dx`.
///
/// # Domain
/// All real numbers; overflows to infinity above 709.78 (`f64`) and 88.72 (`f32`).
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.exp();
/// assert!((y.value() - 1.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exp;

impl Unary for Exp {
    const NAME: &'static str = "exp";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.exp()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, _x: A, y: A) -> A {
        y
    }
}

pub(crate) const DOC: OpDoc =
    OpDoc { formula: "exp(x)", derivative: "y", domain: "all", convention: "", numpy: "exp", torch: "exp" };

pub(crate) const POINTS: Points =
    Points { interior: &[(-5.0, 5.0)], edges: &[], kinks: &[], extreme: &[-30.0, 30.0, -1e3, 1e-300] };
