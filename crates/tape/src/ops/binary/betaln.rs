//! Logarithm of the beta function: a primitive, because the three gamma functions cancel.

use crate::element::Constant;
use crate::ops::Digamma;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};

/// `ln |B(a, b)| = ln |Γ(a) Γ(b) / Γ(a + b)|`, element by element; shapes broadcast.
///
/// # Math
/// `dy = (ψ(a) - ψ(a + b)) da + (ψ(b) - ψ(a + b)) db`. Where the larger argument is 10 or more, the large terms of
/// Stirling's series are subtracted before they are computed (A. R. DiDonato and A. H. Morris, 1992).
///
/// # Domain
/// `a > 0` and `b > 0`; elsewhere as the three functions are. ∞ at 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (a, b) = (tape.scalar(2.0), tape.scalar(3.0));
/// let y = a.betaln(b);
/// let grads = y.backward();
/// assert!((y.value() + 12f64.ln()).abs() < 1e-12);
/// assert!((grads.wrt(a) + (1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0)).abs() < 1e-12);
/// assert!((grads.wrt(b) + (1.0 / 3.0 + 1.0 / 4.0)).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaLn;

/// From here on Stirling's series has all digits.
const LARGE: f64 = 10.0;

/// The coefficients `B₂ₖ / (2k (2k - 1))` as fractions.
const STIRLING: [(i32, u32); 10] = [
    (1, 12),
    (-1, 360),
    (1, 1260),
    (-1, 1680),
    (1, 1188),
    (-691, 360_360),
    (1, 156),
    (-3617, 122_400),
    (43_867, 244_188),
    (-174_611, 125_400),
];

/// `ln Γ(x) - ((x - 1/2) ln x - x + ln √(2π))`, for large `x`.
fn correction<T: Element>(x: T) -> T {
    let square = T::ONE / (x * x);
    let coefficient = |(p, q): (i32, u32)| T::from_f64(f64::from(p)) / T::from_f64(f64::from(q));
    STIRLING.into_iter().rev().fold(T::ZERO, |sum, c| sum * square + coefficient(c)) / x
}

impl Binary for BetaLn {
    const NAME: &'static str = "betaln";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, b: T) -> T {
        let (p, q) = (a.minimum(b), a.maximum(b));
        let large = T::from_f64(LARGE);
        let cancels = p > T::ZERO && q >= large && q.is_finite();
        if !cancels {
            return p.lgamma() + q.lgamma() - (p + q).lgamma();
        }
        let half = T::from_f64(0.5);
        let rest = correction(q) - correction(p + q);
        if p < large {
            return p.lgamma() + rest + p - (q - half) * (p / q).log1p() - p * (p + q).ln();
        }
        let ends = half * (Constant::TAU.to::<T>().ln() - q.ln());
        ends + correction(p) + rest + (p - half) * (p / (p + q)).ln() - q * (p / q).log1p()
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        a.map(Digamma) - (a + b).map(Digamma)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        b.map(Digamma) - (a + b).map(Digamma)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln |B(a, b)|",
    derivative: "ψ(a) - ψ(a + b), ψ(b) - ψ(a + b)",
    domain: "a > 0, b > 0",
    convention: "",
    numpy: "scipy.special.betaln",
    torch: "",
};

pub(crate) const POINTS: BinaryPoints = BinaryPoints {
    a: &[(0.3, 6.0), (8.0, 30.0)],
    b: &[(0.3, 6.0), (8.0, 30.0)],
    special: &[(1.0, 1.0), (1e-3, 1e3), (1e3, 1e3), (0.5, 1e6), (10.0, 10.0)],
};
