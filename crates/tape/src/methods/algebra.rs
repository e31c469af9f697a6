//! Methods of linear algebra that are not one operation with one tensor as its result.

use crate::error;
use crate::operand::Operand;
use crate::ops;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, compute};
use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The inner product of two vectors: see [`Dot`](crate::ops::Dot).
    #[track_caller]
    pub fn dot(&self, other: impl Operand<Tensor<T>>) -> T {
        error::expect(compute(&ops::Dot, &[self, &other.beside(self)])).item()
    }

    /// The sign of the determinant and the logarithm of its absolute value: see
    /// [`LogAbsDet`](crate::ops::LogAbsDet).
    #[track_caller]
    pub fn slogdet(&self) -> (Tensor<T>, Tensor<T>) {
        (Tensor::apply(ops::DetSign, &[self]), Tensor::apply(ops::LogAbsDet, &[self]))
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// The inner product of two vectors: see [`Dot`](crate::ops::Dot).
    #[track_caller]
    pub fn dot(self, other: impl Operand<Var<'t, T>>) -> Scalar<'t, T> {
        Var::apply(ops::Dot, &[&self, &other.beside(&self)]).item()
    }

    /// The sign of the determinant and the logarithm of its absolute value: see
    /// [`LogAbsDet`](crate::ops::LogAbsDet).
    #[track_caller]
    pub fn slogdet(self) -> (Var<'t, T>, Var<'t, T>) {
        (Var::apply(ops::DetSign, &[&self]), Var::apply(ops::LogAbsDet, &[&self]))
    }
}
