//! `+ - * /` and negation among tensors, handles and plain numbers, on either side.

use crate::element::Constant;
use crate::error::Error;
use crate::operand::Operand;
use crate::ops;
use crate::rules::algebra::{Arithmetic, Binary, Element};
use crate::rules::elementwise::{Left, Right};
use crate::rules::op::Array;
use crate::tape::{Scalar, Var};
use crate::tensor::{Tensor, kernel};
use std::iter::{Product, Sum};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// Applies `f` to a tensor and a plain number.
#[track_caller]
fn right<T: Element, F: Binary>(a: &Tensor<T>, b: T, f: F) -> Tensor<T> {
    a.clone().map(Right { f, b: Constant::of(b) })
}

#[track_caller]
fn left<T: Element, F: Binary>(a: T, b: &Tensor<T>, f: F) -> Tensor<T> {
    b.clone().map(Left { f, a: Constant::of(a) })
}

macro_rules! operator {
    ($trait:ident $method:ident) => {
        impl<T: Element> $trait for Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, other: Tensor<T>) -> Tensor<T> {
                self.zip(other, ops::$trait)
            }
        }
        impl<T: Element> $trait for &Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, other: &Tensor<T>) -> Tensor<T> {
                Tensor::apply(crate::rules::elementwise::Zip(ops::$trait), &[self, other])
            }
        }
        impl<T: Element> $trait<&Tensor<T>> for Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, other: &Tensor<T>) -> Tensor<T> {
                $trait::$method(&self, other)
            }
        }
        impl<T: Element> $trait<Tensor<T>> for &Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, other: Tensor<T>) -> Tensor<T> {
                $trait::$method(self, &other)
            }
        }
        impl<T: Element> $trait<T> for &Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, other: T) -> Tensor<T> {
                right(self, other, ops::$trait)
            }
        }
        impl<T: Element> $trait<T> for Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, other: T) -> Tensor<T> {
                right(&self, other, ops::$trait)
            }
        }
        impl<'t, T: Element> $trait for Scalar<'t, T> {
            type Output = Scalar<'t, T>;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: Scalar<'t, T>) -> Scalar<'t, T> {
                self.zip(other, ops::$trait)
            }
        }
        impl<'t, T: Element> $trait<T> for Scalar<'t, T> {
            type Output = Scalar<'t, T>;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: T) -> Scalar<'t, T> {
                self.zip(self.number(other), ops::$trait)
            }
        }
        impl<'t, T: Element> $trait for Var<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: Var<'t, T>) -> Var<'t, T> {
                self.zip(other, ops::$trait)
            }
        }
        impl<'t, T: Element> $trait<T> for Var<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: T) -> Var<'t, T> {
                self.zip(self.number(other), ops::$trait)
            }
        }
        impl<'t, T: Element> $trait<Scalar<'t, T>> for Var<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: Scalar<'t, T>) -> Var<'t, T> {
                self.zip(other.to_var(), ops::$trait)
            }
        }
        impl<'t, T: Element> $trait<Var<'t, T>> for Scalar<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: Var<'t, T>) -> Var<'t, T> {
                self.to_var().zip(other, ops::$trait)
            }
        }
        impl<'t, T: Element> $trait<&Tensor<T>> for Scalar<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: &Tensor<T>) -> Var<'t, T> {
                $trait::$method(self.to_var(), other)
            }
        }
        impl<'t, T: Element> $trait<Scalar<'t, T>> for &Tensor<T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: Scalar<'t, T>) -> Var<'t, T> {
                $trait::$method(self, other.to_var())
            }
        }
        impl<'t, T: Element> $trait<&Tensor<T>> for Var<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: &Tensor<T>) -> Var<'t, T> {
                self.zip(self.tape().constant(other.clone()), ops::$trait)
            }
        }
        impl<'t, T: Element> $trait<Var<'t, T>> for &Tensor<T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: Var<'t, T>) -> Var<'t, T> {
                other.tape().constant(self.clone()).zip(other, ops::$trait)
            }
        }
        numbers_on_the_left!($trait $method f32 f64);
        borrowed!($trait $method ['t] Scalar<'t, T>, Scalar<'t, T>);
        borrowed!($trait $method ['t] Var<'t, T>, Var<'t, T>);
        borrowed!($trait $method ['t] Var<'t, T>, Scalar<'t, T>);
        borrowed!($trait $method ['t] Scalar<'t, T>, Var<'t, T>);
        number_borrowed!($trait $method ['t] Scalar<'t, T>);
        number_borrowed!($trait $method ['t] Var<'t, T>);
        number_borrowed!($trait $method [] Tensor<T>);
        impl<'t, T: Element> $trait<Tensor<T>> for Var<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: Tensor<T>) -> Var<'t, T> {
                self.zip(self.tape().constant(other), ops::$trait)
            }
        }
        impl<'t, T: Element> $trait<Var<'t, T>> for Tensor<T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: Var<'t, T>) -> Var<'t, T> {
                other.tape().constant(self).zip(other, ops::$trait)
            }
        }
    };
}

/// The operator where an operand or both are borrowed handles, as closures over slices get them.
macro_rules! borrowed {
    ($trait:ident $method:ident [$($lifetime:lifetime)?] $left:ty, $right:ty) => {
        impl<$($lifetime,)? T: Element> $trait<$right> for &$left {
            type Output = <$left as $trait<$right>>::Output;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: $right) -> Self::Output {
                $trait::$method(*self, other)
            }
        }
        impl<$($lifetime,)? T: Element> $trait<&$right> for $left {
            type Output = <$left as $trait<$right>>::Output;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: &$right) -> Self::Output {
                $trait::$method(self, *other)
            }
        }
        impl<$($lifetime,)? T: Element> $trait<&$right> for &$left {
            type Output = <$left as $trait<$right>>::Output;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: &$right) -> Self::Output {
                $trait::$method(*self, *other)
            }
        }
    };
}

/// The operator with a borrowed number on the right.
macro_rules! number_borrowed {
    ($trait:ident $method:ident [$($lifetime:lifetime)?] $left:ty) => {
        impl<$($lifetime,)? T: Element> $trait<&T> for $left {
            type Output = $left;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: &T) -> $left {
                $trait::$method(self, *other)
            }
        }
        impl<$($lifetime,)? T: Element> $trait<&T> for &$left {
            type Output = $left;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: &T) -> $left {
                $trait::$method(self.clone(), *other)
            }
        }
    };
}

macro_rules! numbers_on_the_left {
    ($trait:ident $method:ident $($t:ident)*) => {$(
        impl $trait<&Tensor<$t>> for $t {
            type Output = Tensor<$t>;
            #[track_caller]
            fn $method(self, other: &Tensor<$t>) -> Tensor<$t> {
                left(self, other, ops::$trait)
            }
        }
        impl $trait<Tensor<$t>> for $t {
            type Output = Tensor<$t>;
            #[track_caller]
            fn $method(self, other: Tensor<$t>) -> Tensor<$t> {
                left(self, &other, ops::$trait)
            }
        }
        impl<'t> $trait<Scalar<'t, $t>> for $t {
            type Output = Scalar<'t, $t>;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: Scalar<'t, $t>) -> Scalar<'t, $t> {
                other.number(self).zip(other, ops::$trait)
            }
        }
        impl<'t> $trait<Var<'t, $t>> for $t {
            type Output = Var<'t, $t>;
            #[track_caller]
            fn $method(self, other: Var<'t, $t>) -> Var<'t, $t> {
                other.number(self).zip(other, ops::$trait)
            }
        }
        number_on_the_left_borrowed!($trait $method $t, Scalar<'t, $t>);
        number_on_the_left_borrowed!($trait $method $t, Var<'t, $t>);
    )*};
}

/// The operator with a number on the left where it or the handle is borrowed.
macro_rules! number_on_the_left_borrowed {
    ($trait:ident $method:ident $t:ident, $handle:ty) => {
        impl<'t> $trait<&$handle> for $t {
            type Output = $handle;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: &$handle) -> $handle {
                $trait::$method(self, *other)
            }
        }
        impl<'t> $trait<$handle> for &$t {
            type Output = $handle;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: $handle) -> $handle {
                $trait::$method(*self, other)
            }
        }
        impl<'t> $trait<&$handle> for &$t {
            type Output = $handle;
            #[track_caller]
            #[inline(always)]
            fn $method(self, other: &$handle) -> $handle {
                $trait::$method(*self, *other)
            }
        }
    };
}

operator!(Add add);
operator!(Sub sub);
operator!(Mul mul);
operator!(Div div);

impl<T: Element> Neg for Tensor<T> {
    type Output = Tensor<T>;
    fn neg(self) -> Tensor<T> {
        self.map(ops::Neg)
    }
}

impl<T: Element> Neg for &Tensor<T> {
    type Output = Tensor<T>;
    fn neg(self) -> Tensor<T> {
        self.clone().map(ops::Neg)
    }
}

impl<'t, T: Element> Neg for Scalar<'t, T> {
    type Output = Scalar<'t, T>;
    #[track_caller]
    #[inline(always)]
    fn neg(self) -> Scalar<'t, T> {
        self.map(ops::Neg)
    }
}

impl<'t, T: Element> Neg for Var<'t, T> {
    type Output = Var<'t, T>;
    #[track_caller]
    fn neg(self) -> Var<'t, T> {
        self.map(ops::Neg)
    }
}

impl<'t, T: Element> Neg for &Scalar<'t, T> {
    type Output = Scalar<'t, T>;
    #[track_caller]
    #[inline(always)]
    fn neg(self) -> Scalar<'t, T> {
        -*self
    }
}

impl<'t, T: Element> Neg for &Var<'t, T> {
    type Output = Var<'t, T>;
    #[track_caller]
    fn neg(self) -> Var<'t, T> {
        -*self
    }
}

/// `x += y`: `x` becomes the handle of the result; the one before keeps its value and its place in the graph.
macro_rules! assignment {
    ($trait:ident $method:ident $operator:ident $apply:ident) => {
        impl<'t, T: Element, R> $trait<R> for Scalar<'t, T>
        where
            Scalar<'t, T>: $operator<R, Output = Scalar<'t, T>>,
        {
            #[track_caller]
            #[inline(always)]
            fn $method(&mut self, other: R) {
                *self = $operator::$apply(*self, other);
            }
        }
        impl<'t, T: Element, R> $trait<R> for Var<'t, T>
        where
            Var<'t, T>: $operator<R, Output = Var<'t, T>>,
        {
            #[track_caller]
            fn $method(&mut self, other: R) {
                *self = $operator::$apply(*self, other);
            }
        }
        /// The operand broadcasts to the shape of `self`, which does not change.
        ///
        /// # Panics
        /// If the operand does not broadcast to the shape.
        impl<T: Element, R: Operand<Tensor<T>>> $trait<R> for Tensor<T> {
            #[track_caller]
            fn $method(&mut self, other: R) {
                let other = other.beside(self);
                if !other.shape().broadcasts_to(self.shape()) {
                    let (expected, found) = (self.shape().dims(), other.shape().dims());
                    Error::shape(expected, found).named(stringify!($method)).panic();
                }
                kernel::update(self, &other, |x, y| *x = $operator::$apply(*x, y));
            }
        }
    };
}

assignment!(AddAssign add_assign Add add);
assignment!(SubAssign sub_assign Sub sub);
assignment!(MulAssign mul_assign Mul mul);
assignment!(DivAssign div_assign Div div);

/// `iterator.sum()` and `iterator.product()` over handles.
macro_rules! fold {
    ($trait:ident $method:ident $handle:ident $what:literal $operator:tt) => {
        impl<'t, T: Element> $trait for $handle<'t, T> {
            /// # Panics
            /// If the iterator is empty: then no tape is known for the result.
            #[track_caller]
            fn $method<I: Iterator<Item = $handle<'t, T>>>(iter: I) -> $handle<'t, T> {
                let empty = Error::Operands { op: stringify!($method), expected: $what, found: 0 };
                iter.reduce(|a, b| a $operator b).unwrap_or_else(|| empty.panic())
            }
        }
        impl<'a, 't, T: Element> $trait<&'a $handle<'t, T>> for $handle<'t, T> {
            /// # Panics
            /// If the iterator is empty: then no tape is known for the result.
            #[track_caller]
            fn $method<I: Iterator<Item = &'a $handle<'t, T>>>(iter: I) -> $handle<'t, T> {
                iter.copied().$method()
            }
        }
    };
}

fold!(Sum sum Scalar "one scalar or more" +);
fold!(Sum sum Var "one tensor or more" +);
fold!(Product product Scalar "one scalar or more" *);
fold!(Product product Var "one tensor or more" *);
