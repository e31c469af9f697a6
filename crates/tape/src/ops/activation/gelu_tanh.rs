//! Gaussian error linear unit, in the `tanh` approximation used by many published models.

use super::silu::confine;
use crate::element::Constant;
use crate::ops::Sigmoid;
use crate::ops::activation::sigmoid;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`, which differs from [`Gelu`](crate::ops::Gelu) by less than
/// 5·10⁻⁴.
///
/// # Math
/// `y = x σ(g)` with `g = 2 √(2/π) (x + 0.044715 x³)`, which is equivalent and does not cancel for negative
/// `x`; `dy = (σ(g) + x g' σ(g) σ(-g)) dx`.
///
/// # Domain
/// All real numbers; 0 at -∞ with derivative 0, `x` in the right tail.
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GeluTanh;

impl Unary for GeluTanh {
    const NAME: &'static str = "gelu_tanh";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        // g in two parts, because its rounding error would appear in the result many times over. The first
        // term of g is exact: 12 digits of the factor times the upper half of those of x.
        let bound = T::from_f64(40.0);
        let near = x.minimum(bound).maximum(-bound);
        let shifted = T::from_f64(if T::EPSILON.to_f64() < 1e-10 { 134_217_729.0 } else { 4097.0 }) * near;
        let upper = shifted - (shifted - near);
        let first = T::from_f64(LINEAR_UPPER) * upper;
        let cubic = CUBIC.to::<T>() * (near * near * near);
        let rest = T::from_f64(LINEAR_UPPER) * (near - upper) + (LINEAR_LOWER.to::<T>() * near + cubic);
        let g = first + rest;
        let lost = rest - (g - first);
        let gate = g.sigmoid();
        let gate = gate + gate * (T::ONE - gate) * lost;
        // At -∞ the gate of 0 takes precedence.
        if gate == T::ZERO { -T::ZERO } else { x * gate }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        let x = confine(x, 40.0);
        let square = x * x;
        let g = x * (x.lift(LINEAR) + x.lift(CUBIC) * square);
        let steepness = x.lift(LINEAR) + x.lift(CUBIC_SLOPE) * square;
        g.map(Sigmoid) + x * (steepness * g.map(sigmoid::Slope))
    }
}

/// `2 √(2/π)`, the first part rounded down.
const LINEAR: Constant = Constant::new(1.595_769_121_605_730_7, 1.223515168339221e-16);
/// Its first 12 binary digits, and the rest.
const LINEAR_UPPER: f64 = 1.595_703_125;
const LINEAR_LOWER: Constant = Constant::new(6.599_660_573_071_176e-5, -6.983310670704388e-22);
/// `0.044715 · 2 √(2/π)`
const CUBIC: Constant = Constant::new(0.071_354_816_272_600_25, -6.175149918155315e-19);
/// Three times that.
const CUBIC_SLOPE: Constant = Constant::new(0.214_064_448_817_800_73, 1.2025242832367862e-17);

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2",
    derivative: "σ(g) + x g' σ(g) σ(-g)",
    domain: "all",
    convention: "",
    numpy: "",
    torch: "nn.functional.gelu(approximate='tanh')",
};

pub(crate) const POINTS: Points =
    Points { interior: &[(-5.0, 5.0)], edges: &[], kinks: &[], extreme: &[30.0, -30.0, 1e3, -1e3, 1e-300] };
