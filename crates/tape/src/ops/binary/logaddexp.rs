//! Logarithm of the sum of two exponentials: a primitive, because its composition overflows.

use crate::ops::Sigmoid;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `ln(eᵃ + eᵇ)`, element by element; shapes broadcast.
///
/// # Math
/// `y = max(a, b) + ln(1 + e^-|a - b|)`, `dy = σ(a - b) da + σ(b - a) db`.
///
/// # Domain
/// All pairs, ±1000 included. Two infinities of one sign: ∞ with derivatives ½, -∞ (`ln 0`) with derivatives
/// 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(1000.0), tape.scalar(1000.0));
/// let y = a.logaddexp(b);
/// let grads = y.backward();
/// assert!((y.value() - (1000.0 + 2f64.ln())).abs() < 1e-12);
/// assert!((grads.wrt(a) - 0.5).abs() < 1e-12);
/// assert!((grads.wrt(b) - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogAddExp;

impl Binary for LogAddExp {
    const NAME: &'static str = "logaddexp";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        // The difference of equal infinities is undefined.
        let distance = if a == b { T::ZERO } else { (a - b).abs() };
        a.maximum(b) + (-distance).exp().log1p()
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, b: A, y: A) -> A {
        share(a, b, y)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, y: A) -> A {
        share(b, a, y)
    }
}

/// The share `eᵃ / (eᵃ + eᵇ)` of the first operand.
#[inline(always)]
fn share<A: Algebra>(a: A, b: A, y: A) -> A {
    let share = (a - b).map(Sigmoid);
    let tie = a.if_eq(b, y.lift(0.5), share);
    let share = y.if_eq(y.lift(f64::INFINITY), tie, share);
    y.if_eq(y.lift(f64::NEG_INFINITY), y.lift(0.0), share)
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln(exp(a) + exp(b))",
    derivative: "σ(a - b), σ(b - a)",
    domain: "all",
    convention: "two -inf: -inf with derivative 0",
    numpy: "logaddexp",
    torch: "logaddexp",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(-4.0, 4.0)],
    b: &[(-4.0, 4.0)],
    special: &[(0.0, 0.0), (1e3, 1e3), (-1e3, -1e3), (1e3, -1e3), (-1e300, 1e300)],
};
