//! What the losses add up, element by element: one fused kernel each.

use tape::element::Real;
use tape::ops::{Ln, Sigmoid, Sign, Softplus};
use tape::{Algebra, Binary, Element};

/// Logarithms of probabilities below this count as this.
const FLOOR: f64 = -100.0;

/// `max(ln p, FLOOR)`.
#[inline(always)]
fn ln<A: Algebra>(p: A) -> A {
    let (floor, ln) = (p.lift(FLOOR), p.map(Ln));
    ln.if_gt(floor, ln, floor)
}

/// The derivative of [`ln`]: `1/p`, and 0 where the floor is reached.
#[inline(always)]
fn ln_slope<A: Algebra>(p: A) -> A {
    let (floor, zero, one) = (p.lift(FLOOR), p.lift(0.0), p.lift(1.0));
    p.map(Ln).if_gt(floor, one / p, zero)
}

/// `(a - y)²`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SquaredError;

impl Binary for SquaredError {
    const NAME: &'static str = "squared_error";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        (a - y) * (a - y)
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        a.lift(2.0) * (a - y)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        a.lift(2.0) * (y - a)
    }
}

/// `|a - y|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AbsoluteError;

impl Binary for AbsoluteError {
    const NAME: &'static str = "absolute_error";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        (a - y).abs()
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        (a - y).map(Sign)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        (y - a).map(Sign)
    }
}

/// `-y ln a - (1 - y) ln(1 - a)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BinaryCrossEntropy;

impl Binary for BinaryCrossEntropy {
    const NAME: &'static str = "binary_cross_entropy";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        -(y * ln(a) + (T::ONE - y) * ln(T::ONE - a))
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        let one = a.lift(1.0);
        (one - y) * ln_slope(one - a) - y * ln_slope(a)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, _y: A, _l: A) -> A {
        ln(a.lift(1.0) - a) - ln(a)
    }
}

/// `-y ln a`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CrossEntropy;

impl Binary for CrossEntropy {
    const NAME: &'static str = "cross_entropy";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        -(y * ln(a))
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        -(y * ln_slope(a))
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, _y: A, _l: A) -> A {
        -ln(a)
    }
}

/// `softplus(z) - z y`, which is `max(z, 0) - z y + ln(1 + e^-|z|)`: the binary cross-entropy of `σ(z)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LogitCrossEntropy;

impl Binary for LogitCrossEntropy {
    const NAME: &'static str = "logit_cross_entropy";

    #[inline(always)]
    fn eval<T: Element>(&self, z: T, y: T) -> T {
        z.map(Softplus) - z * y
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, z: A, y: A, _l: A) -> A {
        z.map(Sigmoid) - y
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, z: A, _y: A, _l: A) -> A {
        -z
    }
}

/// `scale (a - y)² / 2` where `|a - y| ≤ δ`, `scale δ (|a - y| - δ/2)` beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Huber {
    /// Where the parabola ends.
    pub(crate) delta: f64,
    /// The factor of everything.
    pub(crate) scale: f64,
}

impl Huber {
    /// `d`, limited to `[-δ, δ]`, times the factor.
    #[inline(always)]
    fn limited<A: Algebra>(&self, d: A) -> A {
        let (low, high, scale) = (d.lift(-self.delta), d.lift(self.delta), d.lift(self.scale));
        let above = low.if_gt(d, low, d);
        d.if_gt(high, high, above) * scale
    }
}

impl Binary for Huber {
    const NAME: &'static str = "huber";

    #[inline(always)]
    fn eval<T: Element>(&self, a: T, y: T) -> T {
        let (r, delta, half) = ((a - y).abs(), T::from_f64(self.delta), T::from_f64(0.5));
        let loss = if r > delta { delta * (r - half * delta) } else { half * r * r };
        T::from_f64(self.scale) * loss
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        self.limited(a - y)
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, a: A, y: A, _l: A) -> A {
        self.limited(y - a)
    }
}

/// `y (ln y - x)`, and 0 where `y` is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct KlDivergence;

impl Binary for KlDivergence {
    const NAME: &'static str = "kl_divergence";

    #[inline(always)]
    fn eval<T: Element>(&self, x: T, y: T) -> T {
        if y == T::ZERO { T::ZERO } else { y * (Real::ln(y) - x) }
    }

    #[inline(always)]
    fn slope_a<A: Algebra>(&self, _x: A, y: A, _l: A) -> A {
        -y
    }

    #[inline(always)]
    fn slope_b<A: Algebra>(&self, x: A, y: A, _l: A) -> A {
        let (zero, one) = (y.lift(0.0), y.lift(1.0));
        let slope = y.map(Ln) - x + one;
        y.if_eq(zero, zero, slope)
    }
}
