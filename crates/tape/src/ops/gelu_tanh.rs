//! Gaussian error linear unit, in the approximation by `tanh` that many published models use.

use crate::algebra::{Algebra, Element, Unary};
use super::silu::confine;
use crate::ops::Sigmoid;
use crate::ops::card::{Card, Points};

/// `x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`: differs from [`Gelu`](super::Gelu) by less than 5·10⁻⁴.
///
/// # Math
/// `y = x σ(g)` with `g = 2 √(2/π) (x + 0.044715 x³)`, which is the same and does not cancel for negative
/// `x`; `dy = (σ(g) + x g' σ(g) σ(-g)) dx`.
///
/// # Domain
/// Every number; 0 at -∞ with derivative 0, `x` in the right tail.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.gelu_tanh();
/// assert!((y.value() - 0.8411919906082768).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0829640838457826).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeluTanh;

impl Unary for GeluTanh {
    const NAME: &'static str = "gelu_tanh";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let g = T::from_f64(LINEAR) * x + T::from_f64(CUBIC) * (x * x * x);
        let gate = g.sigmoid();
        // At -∞ the gate is 0 and wins.
        if gate == T::ZERO { -T::ZERO } else { x * gate }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let x = confine(x, 40.0);
        let square = x.clone() * x.clone();
        let g = x.clone() * (x.lift(LINEAR) + x.lift(CUBIC) * square.clone());
        let steepness = x.lift(LINEAR) + x.lift(3.0 * CUBIC) * square;
        let gate = g.clone().map(Sigmoid);
        gate.clone() + x * (steepness * (gate * (-g).map(Sigmoid)))
    }
}

/// `2 √(2/π)`
const LINEAR: f64 = 1.595_769_121_605_730_7;
/// `0.044715 · 2 √(2/π)`
const CUBIC: f64 = 0.071_354_816_272_600_25;

pub(crate) const CARD: Card = Card {
    formula: "x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2",
    derivative: "σ(g) + x g' σ(g) σ(-g)",
    domain: "all",
    convention: "",
    numpy: "",
    torch: "nn.functional.gelu(approximate='tanh')",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-5.0, 5.0)],
    edges: &[],
    kinks: &[],
    far: &[30.0, -30.0, 1e3, -1e3, 1e-300],
};
