//! Sigmoid linear unit, also called swish.

use crate::ops::Sigmoid;
use crate::ops::activation::sigmoid;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x σ(x)`.
///
/// # Math
/// `y = x σ(x)`, `dy = (σ(x) + x σ(x) σ(-x)) dx`.
///
/// # Domain
/// All real numbers; 0 at -∞ with derivative 0, `x` in the right tail.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.silu();
/// assert!((y.value() - 0.0).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Silu;

impl Unary for Silu {
    const NAME: &'static str = "silu";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let gate = x.sigmoid();
        // At -∞ the gate of 0 takes precedence.
        if gate == T::ZERO { -T::ZERO } else { x * gate }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let x = confine(x, 800.0);
        x.map(Sigmoid) + x * x.map(sigmoid::Slope)
    }
}

/// `x` where `|x| ≤ bound`, else ±`bound`: for slopes that are constant to the last digit beyond the bound,
/// where an infinite `x` would multiply a zero.
#[inline(always)]
pub(crate) fn confine<A: Algebra>(x: A, bound: f64) -> A {
    let (low, high) = (x.lift(-bound), x.lift(bound));
    let x = x.if_gt(high, high, x);
    low.if_gt(x, low, x)
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x σ(x)",
    derivative: "σ(x) (1 + x σ(-x))",
    domain: "all",
    convention: "",
    numpy: "x * scipy.special.expit(x)",
    torch: "nn.functional.silu",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-6.0, 6.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };
