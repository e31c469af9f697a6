//! The numbers of the naive interpreter.

use gradcheck::strategies::{BinaryFn, UnaryFn};
use std::ops::{Add, Div, Mul, Sub};
use tape::Scalar;
use tape::element::Real;

/// A plain number or a recorded scalar.
pub trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// Returns the plain number.
    fn value(self) -> f64;
    /// Applies a function of one number.
    fn unary(self, f: UnaryFn) -> Self;
    /// Applies a function of two numbers.
    fn binary(self, other: Self, f: BinaryFn) -> Self;
    /// Returns `self · a + b`, which is one node for recorded scalars.
    fn mul_add(self, a: Self, b: Self) -> Self;
}

impl Number for Scalar<'_> {
    fn value(self) -> f64 {
        Scalar::value(self)
    }
    fn unary(self, f: UnaryFn) -> Self {
        f.of(self)
    }
    fn binary(self, other: Self, f: BinaryFn) -> Self {
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

/// By the standard library and textbook formulas, except for the error and gamma functions, which it lacks.
impl Number for f64 {
    fn value(self) -> f64 {
        self
    }

    fn unary(self, f: UnaryFn) -> f64 {
        let x = self;
        match f {
            UnaryFn::Abs => x.abs(),
            UnaryFn::Acos => x.acos(),
            UnaryFn::Acosh => x.acosh(),
            UnaryFn::Asin => x.asin(),
            UnaryFn::Asinh => x.asinh(),
            UnaryFn::Atan => x.atan(),
            UnaryFn::Atanh => x.atanh(),
            UnaryFn::Cbrt => x.cbrt(),
            UnaryFn::Cos => x.cos(),
            UnaryFn::Cosh => x.cosh(),
            UnaryFn::Cube | UnaryFn::Powi => x * x * x,
            UnaryFn::Digamma => Real::digamma(x),
            UnaryFn::Erf => Real::erf(x),
            UnaryFn::Erfc => Real::erfc(x),
            UnaryFn::Exp => x.exp(),
            UnaryFn::Exp2 => x.exp2(),
            UnaryFn::Expm1 => x.exp_m1(),
            UnaryFn::Gelu => 0.5 * x * Real::erfc(-x / 2_f64.sqrt()),
            UnaryFn::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                x * logistic(2.0 * inner)
            }
            UnaryFn::Lgamma => Real::lgamma(x),
            UnaryFn::Ln => x.ln(),
            UnaryFn::Log10 => x.log10(),
            UnaryFn::Log1p => x.ln_1p(),
            UnaryFn::Log2 => x.log2(),
            UnaryFn::LogSigmoid => -softplus(-x),
            UnaryFn::Mish => x * softplus(x).tanh(),
            UnaryFn::Neg => -x,
            UnaryFn::Powf => x.powf(2.5),
            UnaryFn::Recip => 1.0 / x,
            UnaryFn::Relu => x.max(0.0),
            UnaryFn::Rsqrt => 1.0 / x.sqrt(),
            UnaryFn::Sigmoid => logistic(x),
            UnaryFn::SigmoidScaled => logistic(1.5 * x - 0.25),
            UnaryFn::Silu => x * logistic(x),
            UnaryFn::Sin => x.sin(),
            UnaryFn::Sinc if x == 0.0 => 1.0,
            UnaryFn::Sinc => (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x),
            UnaryFn::Sinh => x.sinh(),
            UnaryFn::Softplus => softplus(x),
            UnaryFn::Sqrt => x.sqrt(),
            UnaryFn::Square => x * x,
            UnaryFn::Tan => x.tan(),
            UnaryFn::Tanh => x.tanh(),
        }
    }

    fn binary(self, other: f64, f: BinaryFn) -> f64 {
        let (a, b) = (self, other);
        match f {
            BinaryFn::Add => a + b,
            BinaryFn::Atan2 => a.atan2(b),
            BinaryFn::Div => a / b,
            BinaryFn::Hypot => a.hypot(b),
            BinaryFn::LogAddExp => a.max(b) + (-(a - b).abs()).exp().ln_1p(),
            BinaryFn::Maximum => a.max(b),
            BinaryFn::Minimum => a.min(b),
            BinaryFn::Mul => a * b,
            BinaryFn::Pow => a.powf(b),
            BinaryFn::Sub => a - b,
        }
    }

    fn mul_add(self, a: f64, b: f64) -> f64 {
        self * a + b
    }
}
