//! Mish: a primitive, because its composition overflows and cancels.

use super::silu::confine;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::ops::{Exp, Sigmoid, Softplus, Tanh};
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x tanh(ln(1 + eˣ))`.
///
/// # Math
/// `y = x ω(x)` with `ω = tanh(ln(1 + eˣ)) = u / (u + 2)`, `u = e²ˣ + 2eˣ`; `dy = (ω + x ω') dx` with
/// `ω' = 4 eˣ (1 + eˣ) / (u + 2)²`. For positive `x` the fractions are multiplied by `e⁻²ˣ`.
///
/// # Domain
/// All real numbers; 0 at -∞ with derivative 0, `x` in the right tail.
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mish;

impl Unary for Mish {
    const NAME: &'static str = "mish";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        // tanh(ln(1 + t)) = (t² + 2t) / (t² + 2t + 2), for positive x multiplied by e^-2x: nothing overflows
        // or cancels.
        let e = (-x.abs()).exp();
        let two = T::ONE + T::ONE;
        let right = x > T::ZERO;
        let top = if right { T::ONE + two * e } else { e * (e + two) };
        let gate = top / (top + if right { two * (e * e) } else { two });
        // At -∞ the gate of 0 takes precedence.
        if gate == T::ZERO { -T::ZERO } else { x * gate }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Slope)
    }
}

/// The derivative of [`Mish`].
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slope;

impl Unary for Slope {
    const NAME: &'static str = "mish_slope";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        slope(x)
    }

    /// With the gate `g = tanh(ln(1 + eˣ))`: `g' (2 + x (σ(-x) - 2 g σ(x)))`, where the quotient's own derivative cancels.
    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let x = confine(x, 800.0);
        let (left, right) = ((-x).map(Sigmoid), x.map(Sigmoid));
        let z = x.map(Softplus);
        let gate = z.map(Tanh);
        let steepness = Tanh.slope(z, gate) * right;
        steepness * (x.lift(2.0) + x * (left - x.lift(2.0) * gate * right))
    }
}

/// `g + x g'`, from exponentials that do not overflow.
#[inline(always)]
fn slope<A: Algebra>(x: A) -> A {
    let x = confine(x, 800.0);
    let (zero, one, two) = (x.lift(0.0), x.lift(1.0), x.lift(2.0));
    // Both forms are smooth across 0, where the left one applies; -|x| would have a kink there.
    let e = x.if_gt(zero, -x, x).map(Exp);
    let twice = two * e;
    let square = e * e;
    let right = one + twice;
    let top = x.if_gt(zero, right, square + twice);
    let rest = x.if_gt(zero, two * square, two);
    let bend = x.if_gt(zero, square, e) * (one + e);
    let bottom = top + rest;
    let bend = x.lift(4.0) * bend / bottom / bottom;
    top / bottom + x * bend
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x tanh(ln(1 + exp(x)))",
    derivative: "ω + x ω'",
    domain: "all",
    convention: "",
    numpy: "",
    torch: "nn.functional.mish",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-6.0, 6.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };
