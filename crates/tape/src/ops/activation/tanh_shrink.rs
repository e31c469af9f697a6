//! The distance of the hyperbolic tangent from its argument: a primitive, because the difference cancels near 0.

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::ops::{Square, Tanh};
use crate::rules::algebra::{Algebra, Element, Unary};

/// `x - tanh(x)`.
///
/// # Math
/// `dy = tanh²(x) dx`. Near 0 by `x cosh x - sinh x = Σ 2k x²ᵏ⁺¹ / (2k + 1)!`, whose terms have one sign.
///
/// # Domain
/// All real numbers.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1e-3);
/// let y = x.tanh_shrink();
/// assert!((y.value() - (1e-9 / 3.0 - 2e-15 / 15.0)).abs() < 1e-22);
/// assert!((y.backward().wrt(x) - 1e-3f64.tanh().powi(2)).abs() < 1e-18);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TanhShrink;

/// Below this magnitude the difference has lost digits.
const NEAR: f64 = 1.5;

/// `x cosh x - sinh x`, by its series.
#[inline(always)]
fn numerator<T: Element>(x: T) -> T {
    let square = x * x;
    // x²ᵏ⁺¹ / (2k + 1)!, times 2k.
    let (mut term, mut sum, mut k) = (x, T::ZERO, 1);
    loop {
        term = term * square / T::from_usize(2 * k * (2 * k + 1));
        let next = sum + T::from_usize(2 * k) * term;
        if next == sum || k > 40 {
            return next;
        }
        (sum, k) = (next, k + 1);
    }
}

impl Unary for TanhShrink {
    const NAME: &'static str = "tanh_shrink";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        if x.abs() < T::from_f64(NEAR) { numerator(x) / x.cosh() } else { x - x.tanh() }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Tanh).map(Square)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x - tanh x",
    derivative: "tanh² x",
    domain: "all",
    convention: "",
    numpy: "x - tanh(x)",
    torch: "nn.functional.tanhshrink",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-4.0, 4.0)],
    edges: &[],
    kinks: &[],
    extreme: &[0.0, 30.0, -30.0, 1e3, -1e3, 1e-300, 1e-5, 1e300],
};
