//! The operations as methods of tensors and handles, from the lists in `ops`.

mod algebra;
mod argmax;
mod axes;
mod blend;
mod compare;
mod diagonals;
pub(crate) mod einsum;
mod factors;
mod linalg;
mod mul_add;
mod nonzero;
mod order;
mod pattern;
mod rearrange;
pub(crate) mod scatter_reduce;
mod searchsorted;
mod sort;
mod windows;
mod writes;

use crate::error;
use crate::index::Index;
use crate::operand::Operand;
use crate::ops::{self, PadMode, for_each_binary_function, for_each_tensor_op, for_each_unary};
use crate::rules::algebra::{Arithmetic, Element};
use crate::rules::op::{Array, compute};
use crate::shape::{Axes, Shape};
use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;

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
            pub fn $method(&self $(, $x: impl Operand<Tensor<T>>)* $($(, $arg: $ty)*)?) -> Tensor<T> {
                #[allow(unused_imports, reason = "the caller may pass a complete expression")]
                use crate::ops::*;
                $(let $x = &$x.beside(self);)*
                Tensor::apply($build, &[self $(, $x)*])
            }
        )*)*)*}
        impl<'t, T: Element> Var<'t, T> {$($($(
            #[doc = concat!("See [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            pub fn $method(self $(, $x: impl Operand<Var<'t, T>>)* $($(, $arg: $ty)*)?) -> Var<'t, T> {
                #[allow(unused_imports, reason = "the caller may pass a complete expression")]
                use crate::ops::*;
                $(let $x = $x.beside(&self);)*
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

/// Reductions along one axis, which is dropped.
macro_rules! along_an_axis {
    ($($(#[$doc:meta])* $method:ident($($arg:ident: $ty:ty),*) => $op:ident { $($field:ident $(: $value:expr)?),* };)*) => {
        impl<T: Element> Tensor<T> {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self, axis: isize $(, $arg: $ty)*) -> Tensor<T> {
                Tensor::apply(ops::$op { axes: axis.into(), keepdim: false $(, $field $(: $value)?)* }, &[self])
            }
        )*}
        impl<'t, T: Element> Var<'t, T> {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $method(self, axis: isize $(, $arg: $ty)*) -> Var<'t, T> {
                Var::apply(ops::$op { axes: axis.into(), keepdim: false $(, $field $(: $value)?)* }, &[&self])
            }
        )*}
    };
}

along_an_axis! {
    /// The sums along an axis, which is dropped: see [`Sum`](crate::ops::Sum).
    ///
    /// ```
    /// use tape::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.sum_axis(0), Tensor::from([4.0, 6.0]));
    /// ```
    sum_axis() => Sum {};
    /// The means along an axis, which is dropped: see [`Mean`](crate::ops::Mean).
    mean_axis() => Mean {};
    /// The largest elements along an axis, which is dropped: see [`Max`](crate::ops::Max).
    max_axis() => Max {};
    /// The smallest elements along an axis, which is dropped: see [`Min`](crate::ops::Min).
    min_axis() => Min {};
    /// The products along an axis, which is dropped: see [`Prod`](crate::ops::Prod).
    prod_axis() => Prod {};
    /// The variances along an axis, which is dropped: see [`Variance`](crate::ops::Variance).
    variance_axis(ddof: usize) => Variance { ddof };
    /// The standard deviations along an axis, which is dropped: see [`StdDev`](crate::ops::StdDev).
    std_axis(ddof: usize) => StdDev { ddof };
    /// The `p`-norms along an axis, which is dropped: see [`Norm`](crate::ops::Norm).
    norm_axis(p: f64) => Norm { p };
    /// `ln Σ eˣ` along an axis, which is dropped: see [`LogSumExp`](crate::ops::LogSumExp).
    logsumexp_axis() => LogSumExp {};
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
