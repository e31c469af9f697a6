//! Negation.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `-x`.
///
/// # Math
/// `y = -x`, `dy = -dx`.
///
/// # Domain
/// All real numbers.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(3.0);
/// let y = -x;
/// assert!((y.value() + 3.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) + 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neg;

impl Unary for Neg {
    const NAME: &'static str = "neg";
    const BUILTIN_INDEX: Option<u32> = Some(4);

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        -x
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(-1.0)
    }
}

pub(crate) const DOC: OpDoc =
    OpDoc { formula: "-x", derivative: "-1", domain: "all", convention: "", numpy: "negative", torch: "neg" };

pub(crate) const POINTS: Points =
    Points { interior: &[(-8.0, 8.0)], edges: &[], kinks: &[], extreme: &[1e-300, -1e300, 1e3, -1e3] };
