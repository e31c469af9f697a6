//! Addition.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `a + b`; shapes broadcast.
///
/// # Math
/// `y = a + b`, `dy = da + db`.
///
/// # Domain
/// All pairs.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(3.0), tape.scalar(4.0));
/// let y = a + b;
/// let grads = y.backward();
/// assert_eq!((y.value(), grads.wrt(a), grads.wrt(b)), (7.0, 1.0, 1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Add;

impl Binary for Add {
    const NAME: &'static str = "add";
    const BUILTIN_INDEX: Option<u32> = Some(0);

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        a + b
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, _b: A, _y: A) -> A {
        a.lift(1.0)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, _a: A, b: A, _y: A) -> A {
        b.lift(1.0)
    }

    #[inline(always)]
    fn constant_slope(&self, _k: usize) -> Option<f64> {
        Some(1.0)
    }
}

pub(crate) const DOC: OpDoc =
    OpDoc { formula: "a + b", derivative: "1, 1", domain: "all", convention: "", numpy: "add", torch: "add" };

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(-4.0, 4.0)],
    b: &[(-4.0, 4.0)],
    special: &[(0.0, 0.0), (1e300, -1e300), (1e-300, 1.0)],
};
