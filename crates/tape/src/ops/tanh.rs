//! Hyperbolic tangent.

use crate::algebra::{Algebra, Element, SlopeFromValue, Unary};
use crate::ops::card::{Card, Points};

/// `tanh x`, zero-centred with range (-1, 1).
///
/// # Math
/// `y = tanh x`, `dy = (1 - y²) dx`.
///
/// # Domain
/// Every number; ±1 at ±∞ with derivative 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.tanh();
/// assert!((y.value() - 0.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tanh;

impl Unary for Tanh {
    const NAME: &'static str = "tanh";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.tanh()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, _x: A, y: A) -> A {
        y.lift(1.0) - y.clone() * y
    }
}

impl SlopeFromValue for Tanh {}

pub(crate) const CARD: Card = Card {
    formula: "tanh x",
    derivative: "1 - y²",
    domain: "all",
    convention: "",
    numpy: "tanh",
    torch: "tanh",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-4.0, 4.0)],
    edges: &[],
    kinks: &[],
    far: &[30.0, -30.0, 1e3, -1e3, 1e-300],
};
