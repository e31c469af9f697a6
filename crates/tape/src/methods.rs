//! The operations as methods of tensors and handles, from the lists in `ops`.

use crate::algebra::{Algebra, Element};
use crate::error;
use crate::op::{Array, compute};
use crate::ops::{self, for_each_array_op, for_each_unary};
use crate::shape::{Axes, Shape};
use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;
use std::ops::RangeBounds;

macro_rules! elementwise {
    ($($name:ident $(($($arg:ident: $ty:ty),*))? => $op:ident $({ $($field:ident),* })?;)*) => {
        impl<T: Element> Tensor<T> {$(
            #[doc = concat!("Of every element: see [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[allow(clippy::should_implement_trait)]
            pub fn $name(&self $($(, $arg: $ty)*)?) -> Tensor<T> {
                self.clone().map(ops::$op $({ $($field),* })?)
            }
        )*}
        impl<'t, T: Element> Scalar<'t, T> {$(
            #[doc = concat!("See [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            #[inline]
            #[allow(clippy::should_implement_trait)]
            pub fn $name(self $($(, $arg: $ty)*)?) -> Scalar<'t, T> {
                self.map(ops::$op $({ $($field),* })?)
            }
        )*}
        impl<'t, T: Element> Var<'t, T> {$(
            #[doc = concat!("Of every element: see [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            #[allow(clippy::should_implement_trait)]
            pub fn $name(self $($(, $arg: $ty)*)?) -> Var<'t, T> {
                self.map(ops::$op $({ $($field),* })?)
            }
        )*}
    };
}

for_each_unary!(elementwise);

macro_rules! array_methods {
    ($($file:ident: $($op:ident),+ => $($method:ident [$($x:ident),*] ($($arg:ident: $ty:ty),*) { $build:expr })*;)*) => {
        impl<T: Element> Tensor<T> {$($(
            #[doc = concat!("See [`ops`](crate::ops#reexports), file `", stringify!($file), "`.")]
            #[track_caller]
            pub fn $method(&self $(, $x: &Tensor<T>)* $(, $arg: $ty)*) -> Tensor<T> {
                use crate::ops::*;
                Tensor::apply($build, &[self $(, $x)*])
            }
        )*)*}
        impl<'t, T: Element> Var<'t, T> {$($(
            #[doc = concat!("See [`ops`](crate::ops#reexports), file `", stringify!($file), "`.")]
            #[track_caller]
            pub fn $method(self $(, $x: Var<'t, T>)* $(, $arg: $ty)*) -> Var<'t, T> {
                use crate::ops::*;
                Var::apply($build, &[&self $(, &$x)*])
            }
        )*)*}
    };
}

for_each_array_op!(array_methods);

/// Operations whose result is a number: a `T` from a tensor, a [`Scalar`] from a handle.
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
    /// `ln Σ eˣ` over all elements: see [`LogSumExp`](crate::ops::LogSumExp).
    logsumexp() => ops::LogSumExp { axes: Axes::all(), keepdim: false };
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
