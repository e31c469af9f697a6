//! Modified Bessel functions of the first kind, of every integer order.

use crate::element::Constant;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Points;
use crate::rules::algebra::{Algebra, Element, Unary};

/// `Iₙ(x)`, of which [`I0`](crate::ops::I0) and [`I1`](crate::ops::I1) are the first two.
///
/// # Math
/// `dy = (Iₙ₋₁(x) + Iₙ₊₁(x)) / 2 dx`, and `I₁(x) dx` for `n = 0`. The power series, whose terms have one sign; far from 0
/// Hankel's expansion (NIST Digital Library of Mathematical Functions, 10.25.2 and 10.40.1).
///
/// # Domain
/// All real numbers. Like `eˣ / √(2πx)` for large `x`: ∞ beyond 713.
///
/// # Examples
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(1.0);
/// let y = x.bessel_i(2);
/// assert!((y.value() - 0.13574766976703828).abs() < 1e-12);
/// assert!((y.backward().wrt(x) - 0.29366376445840847).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BesselI {
    /// The order.
    pub n: u32,
}

/// From here on, and for orders up to 5, the expansion has all digits.
const FAR: f64 = 50.0;

/// `Σ (x/2)ⁿ⁺²ᵏ / (k! (n + k)!)`.
fn series<T: Element>(n: u32, x: T) -> T {
    let half = x * T::from_f64(0.5);
    let square = half * half;
    let mut term = (1..=n).fold(T::ONE, |term, k| term * half / T::from_usize(k as usize));
    let mut sum = term;
    for k in 1.. {
        term = term * square / (T::from_usize(k) * T::from_usize(n as usize + k));
        let next = sum + term;
        if next == sum || !next.is_finite() {
            return next;
        }
        sum = next;
    }
    sum
}

/// `eˣ / √(2πx) Σ (-1)ᵏ (4n² - 1)(4n² - 9) ... (4n² - (2k - 1)²) / (k! (8x)ᵏ)`.
fn expansion<T: Element>(n: u32, x: T) -> T {
    let order = T::from_f64(4.0 * f64::from(n) * f64::from(n));
    let (mut term, mut sum) = (T::ONE, T::ONE);
    for k in 1..64 {
        let odd = T::from_usize(2 * k - 1);
        term = -term * (order - odd * odd) / (T::from_usize(8 * k) * x);
        let next = sum + term;
        if next == sum {
            break;
        }
        sum = next;
    }
    // In two halves: the exponential overflows a little earlier than the function.
    let half = (x * T::from_f64(0.5)).exp();
    half * (sum / (Constant::TAU.to::<T>() * x).sqrt()) * half
}

/// `Iₙ(x)`.
pub(crate) fn bessel_i<T: Element>(n: u32, x: T) -> T {
    let a = x.abs();
    let y = match () {
        () if a.is_nan() || !a.is_finite() => a,
        () if a > T::from_f64(FAR) && n <= 5 => expansion(n, a),
        () => series(n, a),
    };
    if n.is_multiple_of(2) || x >= T::ZERO { y } else { -y }
}

impl Unary for BesselI {
    const NAME: &'static str = "bessel_i";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        bessel_i(self.n, x)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        match (self.n.checked_sub(1), self.n.checked_add(1)) {
            (None, _) => x.map(BesselI { n: 1 }),
            (Some(below), Some(above)) => {
                x.lift(0.5) * (x.map(BesselI { n: below }) + x.map(BesselI { n: above }))
            }
            (Some(_), None) => x.lift(f64::NAN),
        }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Iₙ(x)",
    derivative: "(Iₙ₋₁(x) + Iₙ₊₁(x)) / 2",
    domain: "all",
    convention: "",
    numpy: "scipy.special.iv(n, x)",
    torch: "",
};

const POINTS: Points = Points {
    interior: &[(-6.0, 6.0)],
    edges: &[],
    kinks: &[],
    extreme: &[0.0, 30.0, -30.0, 60.0, -60.0, 1e-300],
};

pub(crate) const EXAMPLES: &[(BesselI, Points)] =
    &[(BesselI { n: 0 }, POINTS), (BesselI { n: 2 }, POINTS), (BesselI { n: 5 }, POINTS)];
