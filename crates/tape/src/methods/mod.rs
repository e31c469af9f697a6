//! The operations as methods of tensors and handles, from the lists in `ops`.

mod algebra;
mod argmax;
mod compare;
pub(crate) mod einsum;
mod mul_add;
mod rearrange;
mod sort;

use crate::error;
use crate::index::Index;
use crate::ops::{self, PadMode, for_each_binary_function, for_each_tensor_op, for_each_unary};
use crate::rules::algebra::{Arithmetic, Element};
use crate::rules::op::{Array, compute};
use crate::shape::{Axes, Shape};
use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;
use std::ops::RangeBounds;

macro_rules! elementwise {
    ($($family:ident {
        $(fn $name:ident(self $(, $arg:ident: $ty:ty)*) => $op:ident $({ $($field:ident),* })?;)*
    })*) => {
        impl<T: Element> Tensor<T> {$($(
            #[doc = concat!("Applied to every element: see [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            #[allow(clippy::should_implement_trait)]
            pub fn $name(&self $(, $arg: $ty)*) -> Tensor<T> {
                self.clone().map(ops::$op $({ $($field),* })?)
            }
        )*)*}
        impl<'t, T: Element> Scalar<'t, T> {$($(
            #[doc = concat!("See [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            #[inline]
            #[allow(clippy::should_implement_trait)]
            pub fn $name(self $(, $arg: $ty)*) -> Scalar<'t, T> {
                self.map(ops::$op $({ $($field),* })?)
            }
        )*)*}
        impl<'t, T: Element> Var<'t, T> {$($(
            #[doc = concat!("Applied to every element: see [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            #[allow(clippy::should_implement_trait)]
            pub fn $name(self $(, $arg: $ty)*) -> Var<'t, T> {
                self.map(ops::$op $({ $($field),* })?)
            }
        )*)*}
    };
}

for_each_unary!(elementwise);

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

macro_rules! functions_of_two {
    ($(fn $name:ident(self, other) => $op:ident;)*) => {
        impl<T: Element> Tensor<T> {$(
            #[doc = concat!("Applied to every pair of elements: see [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            pub fn $name(&self, other: impl Operand<Tensor<T>>) -> Tensor<T> {
                self.clone().zip(other.beside(self), ops::$op)
            }
        )*}
        impl<'t, T: Element> Scalar<'t, T> {$(
            #[doc = concat!("See [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            #[inline]
            pub fn $name(self, other: impl Operand<Scalar<'t, T>>) -> Scalar<'t, T> {
                self.zip(other.beside(&self), ops::$op)
            }
        )*}
        impl<'t, T: Element> Var<'t, T> {$(
            #[doc = concat!("Applied to every pair of elements: see [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            pub fn $name(self, other: impl Operand<Var<'t, T>>) -> Var<'t, T> {
                self.zip(other.beside(&self), ops::$op)
            }
        )*}
    };
}

for_each_binary_function!(functions_of_two);

impl<T: Element> Tensor<T> {
    /// `base` to the power of every element: see [`Pow`](crate::ops::Pow).
    #[track_caller]
    pub fn rpow(&self, base: T) -> Tensor<T> {
        Tensor::scalar(base).zip(self.clone(), ops::Pow)
    }
}

impl<'t, T: Element> Scalar<'t, T> {
    /// `base` to this power: see [`Pow`](crate::ops::Pow).
    #[track_caller]
    #[inline]
    pub fn rpow(self, base: T) -> Scalar<'t, T> {
        self.number(base).zip(self, ops::Pow)
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// `base` to the power of every element: see [`Pow`](crate::ops::Pow).
    #[track_caller]
    pub fn rpow(self, base: T) -> Var<'t, T> {
        self.number(base).zip(self, ops::Pow)
    }
}

macro_rules! tensor_methods {
    ($($family:ident {
        $($file:ident: $op:ident $(, $more:ident)* =>
            $(fn $method:ident(self $(, $x:ident)* $(; $($arg:ident: $ty:ty),*)?) { $build:expr })*;)*
    })*) => {
        impl<T: Element> Tensor<T> {$($($(
            #[doc = concat!("See [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            pub fn $method(&self $(, $x: &Tensor<T>)* $($(, $arg: $ty)*)?) -> Tensor<T> {
                #[allow(unused_imports, reason = "the caller may pass a complete expression")]
                use crate::ops::*;
                Tensor::apply($build, &[self $(, $x)*])
            }
        )*)*)*}
        impl<'t, T: Element> Var<'t, T> {$($($(
            #[doc = concat!("See [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            pub fn $method(self $(, $x: Var<'t, T>)* $($(, $arg: $ty)*)?) -> Var<'t, T> {
                #[allow(unused_imports, reason = "the caller may pass a complete expression")]
                use crate::ops::*;
                Var::apply($build, &[&self $(, &$x)*])
            }
        )*)*)*}
    };
}

for_each_tensor_op!(tensor_methods);

/// Operations whose result is a scalar: a `T` from a tensor, a [`Scalar`] from a handle.
macro_rules! numbers {
    ($($(#[$doc:meta])* $method:ident($($arg:ident: $ty:ty),*) => $build:expr;)*) => {
        impl<T: Element> Tensor<T> {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self $(, $arg: $ty)*) -> T {
                error::expect(compute(&$build, &[self])).item()
            }
        )*}
        impl<'t, T: Element> Var<'t, T> {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $method(self $(, $arg: $ty)*) -> Scalar<'t, T> {
                Var::apply($build, &[&self]).item()
            }
        )*}
    };
}

numbers! {
    /// The sum of all elements: see [`Sum`](crate::ops::Sum).
    sum() => ops::Sum { axes: Axes::all(), keepdim: false };
    /// The mean of all elements: see [`Mean`](crate::ops::Mean).
    mean() => ops::Mean { axes: Axes::all(), keepdim: false };
    /// The largest element: see [`Max`](crate::ops::Max).
    max() => ops::Max { axes: Axes::all(), keepdim: false };
    /// The smallest element: see [`Min`](crate::ops::Min).
    min() => ops::Min { axes: Axes::all(), keepdim: false };
    /// The product of all elements: see [`Prod`](crate::ops::Prod).
    prod() => ops::Prod { axes: Axes::all(), keepdim: false };
    /// The variance of all elements: see [`Variance`](crate::ops::Variance).
    variance(ddof: usize) => ops::Variance { axes: Axes::all(), ddof, keepdim: false };
    /// The standard deviation of all elements: see [`StdDev`](crate::ops::StdDev).
    std(ddof: usize) => ops::StdDev { axes: Axes::all(), ddof, keepdim: false };
    /// The `p`-norm of all elements: see [`Norm`](crate::ops::Norm).
    norm(p: f64) => ops::Norm { p, axes: Axes::all(), keepdim: false };
    /// `ln Σ eˣ` over all elements: see [`LogSumExp`](crate::ops::LogSumExp).
    logsumexp() => ops::LogSumExp { axes: Axes::all(), keepdim: false };
    /// The sum of the main diagonal: see [`Trace`](crate::ops::Trace).
    trace() => ops::Trace;
    /// The element at an index: see [`At`](crate::ops::At).
    at(index: impl Into<Shape>) => ops::At { index: index.into() };
}

impl<T: Element> Tensor<T> {
    /// [`Concat`](crate::ops::Concat): tensors one after another along an axis.
    #[track_caller]
    pub fn concat(x: &[&Tensor<T>], axis: isize) -> Tensor<T> {
        Tensor::apply(ops::Concat { axis }, x)
    }

    /// [`Stack`](crate::ops::Stack): tensors side by side along a new axis.
    #[track_caller]
    pub fn stack(x: &[&Tensor<T>], axis: isize) -> Tensor<T> {
        Tensor::apply(ops::Stack { axis }, x)
    }
}

impl<T: Element> Tensor<T> {
    /// `then` where this mask is not 0, `otherwise` where it is: see [`Select`](crate::ops::Select).
    #[track_caller]
    pub fn select(&self, then: &Tensor<T>, otherwise: &Tensor<T>) -> Tensor<T> {
        Tensor::apply(ops::Select { mask: self.clone() }, &[then, otherwise])
    }

    /// `value` where the mask is not 0: see [`Select`](crate::ops::Select).
    #[track_caller]
    pub fn masked_fill(&self, mask: &Tensor<T>, value: T) -> Tensor<T> {
        mask.select(&Tensor::scalar(value), self)
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// `then` where the mask is not 0, `otherwise` where it is: see [`Select`](crate::ops::Select).
    #[track_caller]
    pub fn select(mask: &Tensor<T>, then: Var<'t, T>, otherwise: impl Operand<Var<'t, T>>) -> Var<'t, T> {
        let otherwise = otherwise.beside(&then);
        Var::apply(ops::Select { mask: mask.clone() }, &[&then, &otherwise])
    }

    /// `value` where the mask is not 0: see [`Select`](crate::ops::Select).
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0]);
    /// let y = x.masked_fill(&Tensor::from([0.0, 1.0]), f64::NEG_INFINITY).softmax(0);
    /// assert_eq!(y.value(), Tensor::from([1.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn masked_fill(self, mask: &Tensor<T>, value: T) -> Var<'t, T> {
        Var::select(mask, self.number(value), self)
    }
}
