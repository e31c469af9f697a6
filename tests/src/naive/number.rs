//! What the naive interpreter computes with.

use gradcheck::strategies::{One, Two};
use std::ops::{Add, Div, Mul, Sub};
use tape::Scalar;
use tape::element::Real;

/// A number, plain or recorded.
pub trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The plain number.
    fn value(self) -> f64;
    /// A function of it.
    fn one(self, f: One) -> Self;
    /// A function of it and another.
    fn two(self, other: Self, f: Two) -> Self;
    /// `self · a + b`, which recorded numbers may do in one step.
    fn mul_add(self, a: Self, b: Self) -> Self;
}

impl Number for Scalar<'_> {
    fn value(self) -> f64 {
        Scalar::value(self)
    }
    fn one(self, f: One) -> Self {
        f.of(self)
    }
    fn two(self, other: Self, f: Two) -> Self {
        f.of(self, other)
    }
    fn mul_add(self, a: Self, b: Self) -> Self {
        Scalar::mul_add(self, a, b)
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// By the standard library and textbook formulas, but for the error and gamma functions, which it lacks.
impl Number for f64 {
    fn value(self) -> f64 {
        self
    }

    fn one(self, f: One) -> f64 {
        let x = self;
        match f {
            One::Abs => x.abs(),
            One::Acos => x.acos(),
            One::Acosh => x.acosh(),
            One::Asin => x.asin(),
            One::Asinh => x.asinh(),
            One::Atan => x.atan(),
            One::Atanh => x.atanh(),
            One::Cbrt => x.cbrt(),
            One::Cos => x.cos(),
            One::Cosh => x.cosh(),
            One::Cube | One::Powi => x * x * x,
            One::Digamma => Real::digamma(x),
            One::Erf => Real::erf(x),
            One::Erfc => Real::erfc(x),
            One::Exp => x.exp(),
            One::Exp2 => x.exp2(),
            One::Expm1 => x.exp_m1(),
            One::Gelu => 0.5 * x * Real::erfc(-x / 2_f64.sqrt()),
            One::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                x * logistic(2.0 * inner)
            }
            One::Lgamma => Real::lgamma(x),
            One::Ln => x.ln(),
            One::Log10 => x.log10(),
            One::Log1p => x.ln_1p(),
            One::Log2 => x.log2(),
            One::LogSigmoid => -softplus(-x),
            One::Mish => x * softplus(x).tanh(),
            One::Neg => -x,
            One::Powf => x.powf(2.5),
            One::Recip => 1.0 / x,
            One::Relu => x.max(0.0),
            One::Rsqrt => 1.0 / x.sqrt(),
            One::Sigmoid => logistic(x),
            One::SigmoidScaled => logistic(1.5 * x - 0.25),
            One::Silu => x * logistic(x),
            One::Sin => x.sin(),
            One::Sinc if x == 0.0 => 1.0,
            One::Sinc => (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x),
            One::Sinh => x.sinh(),
            One::Softplus => softplus(x),
            One::Sqrt => x.sqrt(),
            One::Square => x * x,
            One::Tan => x.tan(),
            One::Tanh => x.tanh(),
        }
    }

    fn two(self, other: f64, f: Two) -> f64 {
        let (a, b) = (self, other);
        match f {
            Two::Add => a + b,
            Two::Atan2 => a.atan2(b),
            Two::Div => a / b,
            Two::Hypot => a.hypot(b),
            Two::LogAddExp => a.max(b) + (-(a - b).abs()).exp().ln_1p(),
            Two::Maximum => a.max(b),
            Two::Minimum => a.min(b),
            Two::Mul => a * b,
            Two::Pow => a.powf(b),
            Two::Sub => a - b,
        }
    }

    fn mul_add(self, a: f64, b: f64) -> f64 {
        self * a + b
    }
}
