//! The operations by name for code generic over the type: rules, and your own functions.

use crate::index::Index;
use crate::ops::{PadMode, for_each_binary_function, for_each_tensor_op, for_each_unary};
use crate::rules::algebra::{Arithmetic, Element};
use crate::rules::op::Array;
use crate::shape::{Axes, Shape};

macro_rules! elementwise {
    (
        { $($family:ident {
            $(fn $name:ident(self $(, $arg:ident: $ty:ty)*) => $op:ident $({ $($field:ident),* })?;)*
        })* }
        $(fn $binary:ident(self, other) => $binary_op:ident;)*
    ) => {
        /// The elementwise functions by name, for code that is generic over [`Arithmetic`].
        ///
        /// Numbers, tensors and handles have inherent methods of the same names; import this trait only where
        /// the type is a parameter, because on a [`Tensor`](crate::Tensor) it would take the tensor by value.
        ///
        /// ```
        /// use tape::{Algebra, Elementwise, Tape};
        /// fn gauss<A: Algebra>(x: A) -> A {
        ///     (-x * x).exp()
        /// }
        /// let tape = Tape::new();
        /// let x = tape.scalar(1.0);
        /// assert_eq!(gauss(x).backward().wrt(x), -2.0 * gauss(1.0));
        /// ```
        pub trait Elementwise: Arithmetic {$($(
            #[doc = concat!("See [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            fn $name(self $(, $arg: $ty)*) -> Self {
                self.map(crate::ops::$op $({ $($field),* })?)
            }
        )*)*
        $(
            #[doc = concat!("See [`", stringify!($binary_op), "`](crate::ops::", stringify!($binary_op), ").")]
            #[track_caller]
            fn $binary(self, other: Self) -> Self {
                self.zip(other, crate::ops::$binary_op)
            }
        )*}
        impl<A: Arithmetic> Elementwise for A {}
    };
}

/// Passes both lists to [`elementwise`].
macro_rules! both_lists {
    ($($unary:tt)*) => {
        for_each_binary_function! { elementwise { $($unary)* } }
    };
}

for_each_unary!(both_lists);

macro_rules! tensor_ops {
    ($($family:ident {
        $($file:ident: $op:ident $(, $more:ident)* =>
            $(fn $method:ident(self $(, $x:ident)* $(; $($arg:ident: $ty:ty),*)?) { $build:expr })*;)*
    })*) => {
        /// The tensor operations by name, for rules and other code that is generic over [`Array`].
        pub trait TensorOps<T: Element>: Array<T> {$($($(
            #[doc = concat!("See [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            fn $method(&self $(, $x: &Self)* $($(, $arg: $ty)*)?) -> Self {
                #[allow(unused_imports, reason = "an operation may be given whole")]
                use crate::ops::*;
                Self::apply($build, &[self $(, $x)*])
            }
        )*)*)*}
        impl<T: Element, A: Array<T>> TensorOps<T> for A {}
    };
}

for_each_tensor_op!(tensor_ops);
