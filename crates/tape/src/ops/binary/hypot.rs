//! Length of a vector of two elements: a primitive, because its composition overflows.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `√(a² + b²)` without intermediate overflow or underflow; shapes broadcast.
///
/// # Math
/// `dy = (a / y) da + (b / y) db`; the second derivatives `b² / y³`, `-a b / y³` and `a² / y³` are computed
/// directly, not as differences.
///
/// # Domain
/// All pairs. At the origin the derivative is 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(3.0), tape.scalar(4.0));
/// let y = a.hypot(b);
/// let grads = y.backward();
/// assert!((y.value() - 5.0).abs() < 1e-12);
/// assert!((grads.wrt(a) - 0.6).abs() < 1e-12);
/// assert!((grads.wrt(b) - 0.8).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hypot;

impl Binary for Hypot {
    const NAME: &'static str = "hypot";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        a.hypot(b)
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        a.zip(b, Share)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        b.zip(a, Share)
    }

    fn undefined<T: Element>(&self, a: T, b: T) -> bool {
        a == T::ZERO && b == T::ZERO
    }
}

/// `a / √(a² + b²)`, the slope of [`Hypot`]; 0 at the origin.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share;

impl Binary for Share {
    const NAME: &'static str = "hypot_slope";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        let r = a.hypot(b);
        if r == T::ZERO { T::ZERO } else { a / r }
    }

    /// `b² / r³`, where `1 / r - a² / r³` would cancel.
    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        let other = b.zip(a, Share);
        over(other * other, a.zip(b, Hypot))
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, y: A) -> A {
        let other = b.zip(a, Share);
        -over(y * other, a.zip(b, Hypot))
    }
}

/// `x / r`, and 0 where `r` is 0.
#[inline(always)]
fn over<A: Algebra>(x: A, r: A) -> A {
    let zero = r.lift(0.0);
    r.if_eq(zero, zero, x / r)
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "√(a² + b²)",
    derivative: "a / y, b / y",
    domain: "all",
    convention: "0 at the origin",
    numpy: "hypot",
    torch: "hypot",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(-4.0, -0.3), (0.3, 4.0)],
    b: &[(-4.0, -0.3), (0.3, 4.0)],
    special: &[(0.0, 0.0), (0.0, 2.0), (1e300, 1e300), (1e-300, 1e-300)],
};
