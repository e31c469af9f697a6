//! Derivatives of the naive interpreter: numbers that carry their tangent along.

use super::Number;
use gradcheck::strategies::{One, Two};
use std::ops::{Add, Div, Mul, Sub};

/// A number and how it moves. Nested, `Dual<Dual<f64>>`, it has derivatives of a higher order.
///
/// For graphs of the exact track only: it knows arithmetic and the functions that are made of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<N> {
    /// The number.
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

    fn one(self, f: One) -> Self {
        match f {
            One::Neg => Dual { value: self.value.one(f), tangent: self.tangent.one(f) },
            One::Square => self * self,
            _ => panic!("{f:?} is not of the exact track"),
        }
    }

    fn two(self, other: Self, f: Two) -> Self {
        match f {
            Two::Add => self + other,
            Two::Sub => self - other,
            Two::Mul => self * other,
            _ => panic!("{f:?} is not of the exact track"),
        }
    }

    fn mul_add(self, a: Self, b: Self) -> Self {
        self * a + b
    }
}
