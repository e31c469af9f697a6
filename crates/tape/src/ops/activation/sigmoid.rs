//! Logistic sigmoid: a primitive, because its composition from `exp` overflows.

use crate::ops::Tanh;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, SlopeFromOutput, Unary};

/// The logistic function `σ(x) = 1 / (1 + e⁻ˣ)`, with range (0, 1).
///
/// # Math
/// `y = σ(x)`, `dy = y (1 - y) dx`, computed at `-|x|`, where the difference is accurate: the slope is even,
/// and has all its digits down to where it underflows. So do its own derivatives: `σ'' = -σ' tanh(x / 2)`.
///
/// # Domain
/// All real numbers; 0 and 1 at ∓∞ with derivative 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.0);
/// let y = x.sigmoid();
/// assert!((y.value() - 0.5).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.25).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sigmoid;

impl Unary for Sigmoid {
    const NAME: &'static str = "sigmoid";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        x.sigmoid()
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Slope)
    }
}

/// Off by up to ε: above 1/2 the value is this far from the function.
impl SlopeFromOutput for Sigmoid {
    #[inline(always)]
    fn slope_from_output<A: Algebra>(&self, y: A) -> A {
        y * (y.lift(1.0) - y)
    }
}

/// The derivative of [`Sigmoid`], `σ(x) σ(-x)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slope;

impl Unary for Slope {
    const NAME: &'static str = "sigmoid_slope";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let y = (-x.abs()).sigmoid();
        y * (T::ONE - y)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        -(y * (x.lift(0.5) * x).map(Tanh))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "1 / (1 + exp(-x))",
    derivative: "y (1 - y)",
    domain: "all",
    convention: "",
    numpy: "scipy.special.expit",
    torch: "sigmoid",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-6.0, 6.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };
