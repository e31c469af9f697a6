//! Dual numbers, for derivatives by the naive interpreter.

use super::Number;
use gradcheck::strategies::{BinaryFn, UnaryFn};
use std::ops::{Add, Div, Mul, Sub};

/// A number with its tangent. Nested, `Dual<Dual<f64>>`, it has derivatives of higher order.
///
/// It supports graphs of the exact track only: arithmetic and functions made of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<N> {
    /// The value.
    pub value: N,
    /// Its tangent.
    pub tangent: N,
}

impl<N: Number> Add for Dual<N> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Dual { value: self.value + other.value, tangent: self.tangent + other.tangent }
    }
}

impl<N: Number> Sub for Dual<N> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Dual { value: self.value - other.value, tangent: self.tangent - other.tangent }
    }
}

impl<N: Number> Mul for Dual<N> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let tangent = self.tangent * other.value + self.value * other.tangent;
        Dual { value: self.value * other.value, tangent }
    }
}

impl<N: Number> Div for Dual<N> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        Dual { value, tangent: (self.tangent - value * other.tangent) / other.value }
    }
}

impl<N: Number> Number for Dual<N> {
    fn value(self) -> f64 {
        self.value.value()
    }

    fn unary(self, f: UnaryFn) -> Self {
        match f {
            UnaryFn::Neg => Dual { value: self.value.unary(f), tangent: self.tangent.unary(f) },
            UnaryFn::Square => self * self,
            _ => panic!("{f:?} is not of the exact track"),
        }
    }

    fn binary(self, other: Self, f: BinaryFn) -> Self {
        match f {
            BinaryFn::Add => self + other,
            BinaryFn::Sub => self - other,
            BinaryFn::Mul => self * other,
            _ => panic!("{f:?} is not of the exact track"),
        }
    }

    fn mul_add(self, a: Self, b: Self) -> Self {
        self * a + b
    }
}
