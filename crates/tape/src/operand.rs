//! The right operand of a method or an assignment.

use crate::rules::algebra::Element;
use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;

/// The right operand of a function of two operands, or of a comparison, with an `L` on the left: another `L`,
/// a plain number, and beside a [`Var`] also a [`Scalar`] or a constant tensor.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([-1.0, 2.0]);
/// let bounds = Tensor::from([0.0, 1.0]);
/// assert_eq!(x.maximum(0.5).value(), Tensor::from([0.5, 2.0]));
/// assert_eq!(x.minimum(&bounds).value(), Tensor::from([-1.0, 1.0]));
/// assert_eq!(tape.scalar_constant(2.0).pow(tape.scalar(3.0)).value(), 8.0);
/// ```
pub trait Operand<L> {
    /// The operand as an `L`, on the tape of `left` if there is one.
    fn beside(self, left: &L) -> L;
}

impl<T: Element> Operand<Tensor<T>> for Tensor<T> {
    fn beside(self, _left: &Tensor<T>) -> Tensor<T> {
        self
    }
}

impl<T: Element> Operand<Tensor<T>> for &Tensor<T> {
    fn beside(self, _left: &Tensor<T>) -> Tensor<T> {
        self.clone()
    }
}

impl<T: Element> Operand<Tensor<T>> for T {
    fn beside(self, _left: &Tensor<T>) -> Tensor<T> {
        Tensor::scalar(self)
    }
}

impl<'t, T: Element> Operand<Scalar<'t, T>> for Scalar<'t, T> {
    #[inline]
    fn beside(self, _left: &Scalar<'t, T>) -> Scalar<'t, T> {
        self
    }
}

impl<'t, T: Element> Operand<Scalar<'t, T>> for &Scalar<'t, T> {
    #[inline]
    fn beside(self, _left: &Scalar<'t, T>) -> Scalar<'t, T> {
        *self
    }
}

impl<'t, T: Element> Operand<Scalar<'t, T>> for T {
    #[inline]
    fn beside(self, left: &Scalar<'t, T>) -> Scalar<'t, T> {
        left.number(self)
    }
}

impl<'t, T: Element> Operand<Var<'t, T>> for Var<'t, T> {
    fn beside(self, _left: &Var<'t, T>) -> Var<'t, T> {
        self
    }
}

impl<'t, T: Element> Operand<Var<'t, T>> for Scalar<'t, T> {
    #[track_caller]
    fn beside(self, _left: &Var<'t, T>) -> Var<'t, T> {
        self.to_var()
    }
}

impl<'t, T: Element> Operand<Var<'t, T>> for &Var<'t, T> {
    fn beside(self, _left: &Var<'t, T>) -> Var<'t, T> {
        *self
    }
}

impl<'t, T: Element> Operand<Var<'t, T>> for Tensor<T> {
    #[track_caller]
    fn beside(self, left: &Var<'t, T>) -> Var<'t, T> {
        left.tape().constant(self)
    }
}

impl<'t, T: Element> Operand<Var<'t, T>> for &Tensor<T> {
    #[track_caller]
    fn beside(self, left: &Var<'t, T>) -> Var<'t, T> {
        left.tape().constant(self.clone())
    }
}

impl<'t, T: Element> Operand<Var<'t, T>> for T {
    fn beside(self, left: &Var<'t, T>) -> Var<'t, T> {
        left.number(self)
    }
}
