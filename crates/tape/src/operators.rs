//! `+ - * /` and negation among tensors, handles and plain numbers, on either side.

use crate::ops;
use crate::rules::algebra::{Arithmetic, Binary, Element};
use crate::rules::elementwise::{Left, Right};
use crate::rules::op::Array;
use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Applies `f` to a tensor and a plain number.
#[track_caller]
fn right<T: Element, F: Binary>(a: &Tensor<T>, b: T, f: F) -> Tensor<T> {
    a.clone().map(Right { f, b: b.to_f64() })
}

#[track_caller]
fn left<T: Element, F: Binary>(a: T, b: &Tensor<T>, f: F) -> Tensor<T> {
    b.clone().map(Left { f, a: a.to_f64() })
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
    )*};
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

impl<'t, T: Element> std::iter::Sum for Scalar<'t, T> {
    /// # Panics
    /// If the iterator is empty: then no tape is known for the sum.
    #[track_caller]
    fn sum<I: Iterator<Item = Scalar<'t, T>>>(iter: I) -> Scalar<'t, T> {
        let empty = crate::Error::Operands { op: "sum", expected: "one scalar or more", found: 0 };
        iter.reduce(|a, b| a + b).unwrap_or_else(|| empty.panic())
    }
}
