//! Angle of a point: a primitive, because `atan(a / b)` covers only half of the circle.

use crate::ops::Hypot;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// The angle of the point `(b, a)` (the `y` coordinate comes first) from the positive axis, in [-π, π];
/// shapes broadcast.
///
/// # Math
/// `dy = (b da - a db) / r²` with `r = hypot(a, b)`, divided by `r` twice to avoid overflow.
///
/// # Domain
/// All pairs, with the IEEE rules for signed zeros and infinities. At the origin and at infinity the
/// derivative is 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(3.0), tape.scalar(4.0));
/// let y = a.atan2(b);
/// let grads = y.backward();
/// assert!((y.value() - 0.75f64.atan()).abs() < 1e-12);
/// assert!((grads.wrt(a) - 0.16).abs() < 1e-12);
/// assert!((grads.wrt(b) - (-0.12)).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Atan2;

impl Binary for Atan2 {
    const NAME: &'static str = "atan2";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        a.atan2(b)
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        per_radius(b, a.zip(b, Hypot))
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        -per_radius(a, a.zip(b, Hypot))
    }

    /// The value jumps where `a` crosses 0 at a negative `b`.
    #[inline(always)]
    fn branch<T: Element>(&self, a: T, b: T) -> i64 {
        i64::from(b < T::ZERO && a < T::ZERO)
    }

    fn undefined<T: Element>(&self, a: T, b: T) -> bool {
        a == T::ZERO && b == T::ZERO
    }
}

/// `x / r²`, and 0 where `r` is 0 or ∞.
#[inline(always)]
fn per_radius<A: Algebra>(x: A, r: A) -> A {
    let zero = r.lift(0.0);
    let slope = x / r / r;
    let slope = r.if_eq(r.lift(f64::INFINITY), zero, slope);
    r.if_eq(zero, zero, slope)
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "angle of (b, a)",
    derivative: "b / (a² + b²), -a / (a² + b²)",
    domain: "all",
    convention: "0 at the origin",
    numpy: "arctan2",
    torch: "atan2",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(0.3, 4.0), (-4.0, -0.3)],
    b: &[(0.3, 4.0), (-4.0, -0.3)],
    special: &[
        (0.0, 0.0),
        (0.0, 1.0),
        (0.0, -1.0),
        (1.0, 0.0),
        (-1.0, 0.0),
        (1e300, 1e300),
        (1e-100, 1e-100),
    ],
};
