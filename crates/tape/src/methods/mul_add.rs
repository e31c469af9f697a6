//! A product and a sum in one step, as a method. (`Arithmetic::mul_add` is the same for generic code.)

use crate::operand::Operand;
use crate::rules::algebra::{Arithmetic, Element};
use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// `self · a + b`, element by element; shapes broadcast. The product is rounded before the addition.
    ///
    /// ```
    /// use tape::Tensor;
    /// let x = Tensor::from([1.0, 2.0]);
    /// assert_eq!(x.mul_add(3.0, &x), Tensor::from([4.0, 8.0]));
    /// ```
    #[track_caller]
    pub fn mul_add(&self, a: impl Operand<Tensor<T>>, b: impl Operand<Tensor<T>>) -> Tensor<T> {
        Arithmetic::mul_add(self.clone(), a.beside(self), b.beside(self))
    }
}

impl<'t, T: Element> Scalar<'t, T> {
    /// `self · a + b`, with the value and derivatives of the operators, bit for bit.
    ///
    /// Where `b` is the scalar recorded last, one node is recorded; otherwise two, a product and a sum. So
    /// the sum of `n` products takes `n` nodes instead of `2n - 1` if it starts with a product and nothing
    /// else is recorded in between.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let w = [1.0, 2.0, 3.0].map(|w| tape.scalar(w));
    /// let x = [0.5, -1.0, 4.0];
    /// let leaves = tape.len();
    /// let z = w[2].mul_add(x[2], w[1].mul_add(x[1], w[0] * x[0]));
    /// assert_eq!((z.value(), tape.len() - leaves), (10.5, 3));
    /// assert_eq!(z.backward().wrt(w), x);
    /// ```
    ///
    /// # Panics
    /// If an operand belongs to another tape.
    #[track_caller]
    #[inline]
    pub fn mul_add(self, a: impl Operand<Scalar<'t, T>>, b: impl Operand<Scalar<'t, T>>) -> Scalar<'t, T> {
        Arithmetic::mul_add(self, a.beside(&self), b.beside(&self))
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// `self · a + b`, element by element; shapes broadcast. A product and a sum are recorded.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0]);
    /// let y = x.mul_add(x, 1.0);
    /// assert_eq!(y.value().to_vec(), [2.0, 5.0]);
    /// assert_eq!(y.vjp([1.0, 10.0]).wrt(x).to_vec(), [2.0, 40.0]);
    /// ```
    #[track_caller]
    pub fn mul_add(self, a: impl Operand<Var<'t, T>>, b: impl Operand<Var<'t, T>>) -> Var<'t, T> {
        Arithmetic::mul_add(self, a.beside(&self), b.beside(&self))
    }
}
