//! Logarithm of the beta function: a primitive, because the three gamma functions cancel.

use crate::element::{Constant, Real};
use crate::ops::Polygamma;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::BinaryPoints;
use crate::rules::algebra::{Algebra, Binary, Element};
use smallvec::SmallVec;

/// `ln |B(a, b)| = ln |Γ(a) Γ(b) / Γ(a + b)|`, element by element; shapes broadcast.
///
/// # Math
/// `dy = (ψ(a) - ψ(a + b)) da + (ψ(b) - ψ(a + b)) db`. Where the larger argument is 10 or more, the large terms of
/// Stirling's series are subtracted before they are computed (A. R. DiDonato and A. H. Morris, 1992). So are the terms of the two
/// digamma functions, and of their derivatives: those of the recurrence (DLMF 5.5.2 and 5.15.5) and of the asymptotic series
/// (5.11.2 and 5.15.9).
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

/// From here on ten terms of the series in `1 / x` have all digits.
fn large<T: Real>() -> T {
    T::from_f64(if T::EPSILON.to_f64() < 1e-20 { 40.0 } else { 10.0 })
}

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
        let large = large();
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
        a.zip(b, PolygammaDifference { n: 0 })
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, b: A, _y: A) -> A {
        b.zip(a, PolygammaDifference { n: 0 })
    }
}

/// `ψₙ(x) - ψₙ(x + d)`, with all digits where `d` is small beside `x`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PolygammaDifference {
    n: u32,
}

/// Differences of higher orders are computed as they are written.
const LAST_ORDER: u32 = 20;

/// The Bernoulli numbers `B₂`, `B₄`, ... as fractions.
const BERNOULLI: [(i32, u32); 10] = [
    (1, 6),
    (-1, 30),
    (1, 42),
    (-1, 30),
    (5, 66),
    (-691, 2730),
    (7, 6),
    (-3617, 510),
    (43_867, 798),
    (-174_611, 330),
];

/// `uᵐ - vᵐ` over `u - v`, which is `uᵐ⁻¹ + uᵐ⁻² v + ... + vᵐ⁻¹`, for m = 1, 2, ...
fn quotients<T: Real>(u: T, v: T) -> impl Iterator<Item = T> {
    let next = move |&(quotient, power): &(T, T)| Some((u * quotient + power, power * v));
    std::iter::successors(Some((T::ONE, v)), next).map(|(quotient, _)| quotient)
}

/// `|ψₙ(x) - ψₙ(x + d)|` for positive `x` and `d`: terms of one sign up to where the asymptotic series has all digits, then the
/// terms of that, each as a difference `uᵐ - vᵐ` of powers of `u = 1/x` and `v = 1/(x + d)`.
fn polygamma_difference<T: Real>(n: u32, x: T, d: T) -> T {
    let number = |k: u32| T::from_f64(f64::from(k));
    // `(a + 1) (a + 2) ... b`, a quotient of factorials.
    let rising = |a: u32, b: u32| (a + 1..=b).fold(T::ONE, |product, k| product * number(k));
    let far = number(n) + large();
    let (mut t, mut sum) = (x, T::ZERO);
    let inverses = |t: T| (T::ONE / t, T::ONE / (t + d));
    while t < far {
        let (u, v) = inverses(t);
        sum += d * v * u * quotients(u, v).nth(n as usize).unwrap_or(T::ZERO);
        t += T::ONE;
    }
    let (u, v) = inverses(t);
    let quotients: SmallVec<[T; 64]> = quotients(u, v).take(2 * BERNOULLI.len() + n as usize).collect();
    let bernoulli = BERNOULLI.into_iter().zip((2..).step_by(2)).map(|((p, q), k)| {
        let factor = if n == 0 { T::ONE / number(k) } else { rising(k, k + n - 1) };
        factor * T::from_f64(f64::from(p)) / number(q) * quotients[(k + n - 1) as usize]
    });
    let half = T::from_f64(0.5) * rising(0, n) * quotients[n as usize];
    let series = bernoulli.sum::<T>() + half;
    let rest = rising(0, n) * sum + d * v * u * series;
    match n.checked_sub(1) {
        None => (d / t).log1p() + rest,
        Some(before) => rising(0, before) * (d * v * u * quotients[before as usize]) + rest,
    }
}

impl Binary for PolygammaDifference {
    const NAME: &'static str = "polygamma_difference";

    fn eval<T: Element>(&self, x: T, d: T) -> T {
        let sum = x + d;
        if !(x > T::ZERO && d > T::ZERO && sum.is_finite()) || self.n > LAST_ORDER {
            return x.polygamma(self.n) - sum.polygamma(self.n);
        }
        let size = T::narrow(polygamma_difference(self.n, x.widen(), d.widen()));
        if self.n.is_multiple_of(2) { -size } else { size }
    }

    fn slope_a<A: Algebra>(&self, x: A, d: A, _y: A) -> A {
        x.zip(d, PolygammaDifference { n: self.n.saturating_add(1) })
    }

    fn slope_b<A: Algebra>(&self, x: A, d: A, _y: A) -> A {
        -(x + d).map(Polygamma { n: self.n.saturating_add(1) })
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
