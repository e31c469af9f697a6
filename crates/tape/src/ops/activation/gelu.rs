//! Gaussian error linear unit, in its exact form.

use super::silu::confine;
use crate::element::Constant;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::ops::{Erfc, Exp};
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x Φ(x)`, with `Φ` the distribution function of the normal distribution.
///
/// # Math
/// `y = x erfc(-x / √2) / 2`, which does not cancel for negative `x`; `dy = (Φ(x) + x φ(x)) dx` with the
/// density `φ(x) = e^(-x²/2) / √(2π)`.
///
/// # Domain
/// All real numbers; 0 at -∞ with derivative 0, `x` in the right tail.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.gelu();
/// assert!((y.value() - 0.8413447460685429).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 1.0833154705876863).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gelu;

impl Unary for Gelu {
    const NAME: &'static str = "gelu";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        // Below, the gate is 0, which an infinite factor would turn into NaN.
        let low = T::from_f64(-BOUND);
        let x = if x < low { low } else { x };
        x * (T::from_f64(0.5) * ((-Constant::FRAC_1_SQRT_2).to::<T>() * x).erfc())
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let x = confine(x, BOUND);
        let density = x.lift(Constant::FRAC_1_SQRT_2PI) * (x.lift(-0.5) * (x * x)).map(Exp);
        let share = x.lift(0.5) * (x.lift(-Constant::FRAC_1_SQRT_2) * x).map(Erfc);
        share + x * density
    }
}

/// The arguments at which `Φ(-x)` and the density have vanished.
const BOUND: f64 = 40.0;

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x Φ(x)",
    derivative: "Φ(x) + x φ(x)",
    domain: "all",
    convention: "",
    numpy: "x * scipy.stats.norm.cdf(x)",
    torch: "nn.functional.gelu",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-5.0, 5.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };
