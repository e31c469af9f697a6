//! Comparisons: masks of ones and zeros, by value. They have no derivative, so they are not operations.

use crate::error;
use crate::operand::Operand;
use crate::rules::algebra::{Arithmetic, Element};
use crate::shape::Shape;
use crate::tape::{Scalar, Var};
use crate::tensor::{Tensor, kernel};

#[track_caller]
fn mask<T: Element>(
    name: &'static str,
    a: &Tensor<T>,
    b: &Tensor<T>,
    test: impl Fn(T, T) -> bool + Copy + Sync,
) -> Tensor<T> {
    let shape = error::expect(Shape::broadcast(a.shape(), b.shape()).map_err(|error| error.named(name)));
    error::expect(Tensor::<T>::fits(name, &shape));
    kernel::zip(&shape, a, b, move |a, b| if test(a, b) { T::ONE } else { T::ZERO })
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $operator:tt $text:literal;)*) => {
        impl<T: Element> Tensor<T> {$(
            $(#[$doc])*
            #[doc = concat!("1 where `self ", $text, " other`, 0 elsewhere; shapes broadcast.")]
            #[track_caller]
            pub fn $name(&self, other: impl Operand<Tensor<T>>) -> Tensor<T> {
                mask(stringify!($name), self, &other.beside(self), |a, b| a $operator b)
            }
        )*}
        impl<'t, T: Element> Var<'t, T> {$(
            #[doc = concat!("1 where `self ", $text, " other`, 0 elsewhere, as a plain tensor; shapes broadcast.")]
            #[track_caller]
            pub fn $name(self, other: impl Operand<Var<'t, T>>) -> Tensor<T> {
                let (op, other) = (stringify!($name), other.beside(&self));
                mask(op, &self.read(op), &other.read(op), |a, b| a $operator b)
            }
        )*}
        impl<'t, T: Element> Scalar<'t, T> {$(
            #[doc = concat!("Returns `true` if `self ", $text, " other`, by value.")]
            #[track_caller]
            pub fn $name(self, other: impl Operand<Scalar<'t, T>>) -> bool {
                self.value() $operator other.beside(&self).value()
            }
        )*}
    };
}

comparisons! {
    /// ```
    /// use tape::{Tape, Tensor};
    /// let x = Tensor::from([-1.0, 0.0, f64::NAN]);
    /// assert_eq!(x.gt(-0.5).to_vec(), [0.0, 1.0, 0.0]);
    /// let tape = Tape::new();
    /// let x = tape.var([-3.0, 2.0]);
    /// let y = (x * &x.lt(0.0)).sum();
    /// assert_eq!(y.backward().wrt(x).to_vec(), [1.0, 0.0]);
    /// assert!(tape.scalar(2.0).ge(2.0));
    /// ```
    ///
    gt > ">";
    ge >= ">=";
    lt < "<";
    le <= "<=";
    eq_mask == "==";
    ne_mask != "!=";
}

/// Choices by the values of two operands, as methods. (`Arithmetic` has the same for generic code.)
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl<'t, T: Element> Scalar<'t, T> {$(
            $(#[$doc])*
            #[track_caller]
            #[inline]
            pub fn $name(
                self,
                other: impl Operand<Scalar<'t, T>>,
                then: impl Operand<Scalar<'t, T>>,
                otherwise: impl Operand<Scalar<'t, T>>,
            ) -> Scalar<'t, T> {
                Arithmetic::$name(self, other.beside(&self), then.beside(&self), otherwise.beside(&self))
            }
        )*}
        impl<'t, T: Element> Var<'t, T> {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(
                self,
                other: impl Operand<Var<'t, T>>,
                then: impl Operand<Var<'t, T>>,
                otherwise: impl Operand<Var<'t, T>>,
            ) -> Var<'t, T> {
                Arithmetic::$name(self, other.beside(&self), then.beside(&self), otherwise.beside(&self))
            }
        )*}
    };
}

choices! {
    /// `then` where `self > other`, else `otherwise` (also where either is NaN). Only the chosen operand gets the
    /// cotangent.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(3.0);
    /// let y = x.if_gt(1.0, x * 2.0 - 1.0, x * x);
    /// assert_eq!((y.value(), y.backward().wrt(x)), (5.0, 2.0));
    /// ```
    if_gt;
    /// `then` where `self == other`, else `otherwise` (also where either is NaN). Only the chosen operand gets the
    /// cotangent.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.var([0.0, 2.0]);
    /// let y = x.if_eq(0.0, 1.0, x.recip());
    /// assert_eq!(y.value().to_vec(), [1.0, 0.5]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, -0.25]);
    /// ```
    if_eq;
}
