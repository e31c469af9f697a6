//! Power with a variable base and exponent.

use crate::ops::Ln;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `aᵇ`, element by element; shapes broadcast. With a number on the right `a.pow(3.0)`, with one on the left
/// `b.rpow(2.0)`.
///
/// # Math
/// `y = aᵇ`, `dy = b aᵇ⁻¹ da + y ln a db`.
///
/// # Domain
/// `a > 0`; `a = 0`; negative `a` where `b` is an integer, NaN elsewhere. `a⁰ = 1` with derivative 0 with
/// respect to `a`, also at 0. With respect to `b` the derivative is 0 at `a = 0`, and NaN for negative `a`,
/// where no derivative exists; for a constant exponent it is never computed.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(2.0), tape.scalar(3.0));
/// let y = a.pow(b);
/// let grads = y.backward();
/// assert!((y.value() - 8.0).abs() < 1e-12);
/// assert!((grads.wrt(a) - 12.0).abs() < 1e-12);
/// assert!((grads.wrt(b) - 8.0 * 2f64.ln()).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pow;

impl Binary for Pow {
    const NAME: &'static str = "pow";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        a.pow(b)
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        // A zero exponent absorbs the other factor; at 0⁰ completely, elsewhere the mixed derivative remains.
        let (zero, one) = (b.lift(0.0), b.lift(1.0));
        let slope = b.chain_rule(a.zip(b - one, Pow));
        let at_zero = b.if_eq(zero, zero, slope);
        a.if_eq(zero, at_zero, slope)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, _b: A, y: A) -> A {
        // A power that has become 0 absorbs the infinite logarithm.
        let zero = a.lift(0.0);
        a.if_eq(zero, zero, y.chain_rule(a.map(Ln)))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "aᵇ",
    derivative: "b aᵇ⁻¹, y ln a",
    domain: "a ≥ 0, or b integer",
    convention: "a⁰ has derivative 0; d/db is 0 at a = 0",
    numpy: "power",
    torch: "pow",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(0.3, 3.0)],
    b: &[(0.2, 3.0), (-3.0, -0.2)],
    special: &[(0.0, 2.0), (0.0, 1.0), (0.0, 0.0), (2.0, 0.0), (1.0, 300.0), (1e100, -2.0)],
};
