//! Mish: a primitive, because its composition overflows and cancels.

use crate::algebra::{Algebra, Element, Unary};
use super::silu::confine;
use crate::ops::{Sigmoid, Softplus, Tanh};
use crate::ops::card::{Card, Points};

/// `x tanh(ln(1 + eˣ))`.
///
/// # Math
/// `y = x ω(x)` with `ω = tanh(s)`, `s = softplus(x)`; `dy = (ω + x (1 - ω²) σ(x)) dx`, where `1 - ω²` is
/// computed as `4 σ(2s) σ(-2s)`.
///
/// # Domain
/// Every number; 0 at -∞ with derivative 0, `x` in the right tail.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.mish();
/// assert!((y.value() - 0.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.6).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mish;

impl Unary for Mish {
    const NAME: &'static str = "mish";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        // tanh(ln(1 + t)) = (t² + 2t) / (t² + 2t + 2), for positive x multiplied out by e^-2x: nothing overflows or cancels.
        let e = (-x.abs()).exp();
        let two = T::ONE + T::ONE;
        let right = x > T::ZERO;
        let top = if right { T::ONE + two * e } else { e * (e + two) };
        let gate = top / (top + if right { two * (e * e) } else { two });
        // At -∞ the gate is 0 and wins.
        if gate == T::ZERO { -T::ZERO } else { x * gate }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let x = confine(x, 800.0);
        let s = x.clone().map(Softplus);
        let twice = s.lift(2.0) * s.clone();
        let bend = s.lift(4.0) * (twice.clone().map(Sigmoid) * (-twice).map(Sigmoid));
        s.map(Tanh) + x.clone() * (bend * x.map(Sigmoid))
    }
}

pub(crate) const CARD: Card = Card {
    formula: "x tanh(ln(1 + exp(x)))",
    derivative: "ω + x (1 - ω²) σ(x)",
    domain: "all",
    convention: "",
    numpy: "",
    torch: "nn.functional.mish",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-6.0, 6.0)],
    edges: &[],
    kinks: &[],
    far: &[30.0, -30.0, 1e3, -1e3, 1e-300],
};
