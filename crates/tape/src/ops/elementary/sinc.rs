//! Normalised sinc: a primitive, because its composition is 0 / 0 at 0.

use crate::element::{Constant, Real};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `sin(πx) / (πx)`, continued by 1 at 0; exactly 0 at the other integers.
///
/// # Math
/// `y = sinc x`; its derivatives of every order are computed by their power series near 0 and by the recurrence
/// that follows from `πx · y = sin(πx)` elsewhere, so none of them cancels.
///
/// # Domain
/// All finite numbers; NaN at ±∞. The derivative at 0 is 0.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(0.5);
/// let y = x.sinc();
/// assert!((y.value() - std::f64::consts::FRAC_2_PI).abs() < 1e-12);
/// assert!((y.backward().wrt(x) + 4.0 / std::f64::consts::PI).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sinc;

impl Unary for Sinc {
    const NAME: &'static str = "sinc";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        let sine = sin_pi(x) / (Constant::PI.to::<T>() * x);
        if x == T::ZERO { T::ONE } else { sine }
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Derivative { n: 1 })
    }
}

/// The `n`-th derivative of [`Sinc`].
#[derive(Clone, Copy, Debug, PartialEq)]
struct Derivative {
    n: i32,
}

impl Unary for Derivative {
    const NAME: &'static str = "sinc_derivative";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        T::narrow(derivative(self.n, x.widen()))
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.map(Derivative { n: self.n + 1 })
    }
}

/// `sin(πx)`; whole periods are removed before the product with π rounds.
#[inline(always)]
fn sin_pi<T: Real>(x: T) -> T {
    let half = T::from_f64(0.5);
    let r = x - (x * half).round() * (T::ONE + T::ONE);
    let r = if r.abs() > half { T::ONE.copysign(r) - r } else { r };
    (Constant::PI.to::<T>() * r).sin()
}

/// `dⁿ/dxⁿ sinc(x) = πⁿ s⁽ⁿ⁾(πx)` with `s(z) = sin z / z`.
fn derivative<T: Real>(n: i32, x: T) -> T {
    let pi: T = Constant::PI.to();
    let z = pi * x;
    let near = z.abs() < T::from_f64(1.0 + 0.5 * f64::from(n));
    let scaled = if near { series(n, z) } else { recurrence(n, x, z) };
    pi.powi(n) * scaled
}

/// `s⁽ⁿ⁾(z) = Σ (-1)ᵏ z²ᵏ⁻ⁿ / ((2k - n)! (2k + 1))` over `2k ≥ n`, for `z` of moderate size.
fn series<T: Real>(n: i32, z: T) -> T {
    let first = (n + 1) / 2;
    let sign = if first % 2 == 0 { T::ONE } else { -T::ONE };
    let mut power = f64::from(2 * first - n);
    let mut term = if power > 0.0 { sign * z } else { sign };
    let mut weight = f64::from(2 * first + 1);
    let mut sum = term / T::from_f64(weight);
    // Terms below this change no digit.
    let negligible = T::EPSILON * T::from_f64(1.0 / 256.0);
    while (term / T::from_f64(weight)).abs() > negligible * sum.abs() {
        term *= -z * z / T::from_f64((power + 1.0) * (power + 2.0));
        power += 2.0;
        weight += 2.0;
        sum += term / T::from_f64(weight);
    }
    sum
}

/// From `z s = sin z`, differentiated n times: `z s⁽ⁿ⁾ + n s⁽ⁿ⁻¹⁾ = sin⁽ⁿ⁾ z`.
fn recurrence<T: Real>(n: i32, x: T, z: T) -> T {
    let (half, two) = (T::from_f64(0.5), T::from_f64(2.0));
    let (sin, cos) = (sin_pi(x), sin_pi(half - (x - two * (half * x).round()).abs()));
    let mut y = sin / z;
    for k in 1..=n {
        let cycle = [sin, cos, -sin, -cos][(k % 4) as usize];
        y = (cycle - T::from_f64(f64::from(k)) * y) / z;
    }
    y
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "sin(πx) / (πx)",
    derivative: "(cos(πx) - y) / x",
    domain: "all",
    convention: "1 with derivative 0 at 0",
    numpy: "sinc",
    torch: "sinc",
};

pub(crate) const POINTS: Points = Points {
    interior: &[(-4.0, 4.0)],
    edges: &[],
    kinks: &[],
    extreme: &[0.0, 30.0, -30.5, 1e3, 1e-300, 1e-9],
};
