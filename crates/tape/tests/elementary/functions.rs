//! The functions under test as types, so that loops over them are compiled for each.

use super::arguments::Format;

/// A function of one variable.
pub(crate) trait Unary: Copy {
    fn call<T: Format>(x: T) -> T;
    fn slice<T: Format>(x: &[T], y: &mut [T]);
}

/// A function of two variables.
pub(crate) trait Binary: Copy {
    fn call<T: Format>(x: T, y: T) -> T;
}

/// Something to do with every function.
pub(crate) trait Visitor {
    fn unary<F: Unary>(&mut self, name: &str, f: F);
    fn binary<F: Binary>(&mut self, name: &str, f: F);
}

/// Declares the types and a function that visits them. A function may have its own slice form.
macro_rules! unary {
    ($($name:ident $kind:ident $($slice:ident)?,)*) => {
        $(
            #[derive(Clone, Copy)]
            pub(crate) struct $kind;
            impl Unary for $kind {
                #[inline(always)]
                fn call<T: Format>(x: T) -> T {
                    x.$name()
                }
                #[inline(always)]
                fn slice<T: Format>(x: &[T], y: &mut [T]) {
                    unary!(@slice $kind x y $($slice)?);
                }
            }
        )*
        pub(crate) fn for_each_unary(visitor: &mut impl Visitor) {
            $(visitor.unary(stringify!($name), $kind);)*
        }
    };
    (@slice $kind:ident $x:ident $y:ident) => {
        for (y, &x) in $y.iter_mut().zip($x) {
            *y = $kind::call(x);
        }
    };
    (@slice $kind:ident $x:ident $y:ident $slice:ident) => {
        T::$slice($x, $y)
    };
}

macro_rules! binary {
    ($($name:ident $kind:ident,)*) => {
        $(
            #[derive(Clone, Copy)]
            pub(crate) struct $kind;
            impl Binary for $kind {
                #[inline(always)]
                fn call<T: Format>(x: T, y: T) -> T {
                    x.$name(y)
                }
            }
        )*
        pub(crate) fn for_each_binary(visitor: &mut impl Visitor) {
            $(visitor.binary(stringify!($name), $kind);)*
        }
    };
}

unary! {
    exp Exp,
    exp2 Exp2,
    expm1 Expm1,
    ln Ln,
    log2 Log2,
    log10 Log10,
    log1p Log1p,
    sin Sin sin_slice,
    cos Cos cos_slice,
    tan Tan tan_slice,
    asin Asin,
    acos Acos,
    atan Atan,
    sinh Sinh,
    cosh Cosh,
    tanh Tanh,
    asinh Asinh,
    acosh Acosh,
    atanh Atanh,
    sqrt Sqrt,
    cbrt Cbrt,
    sigmoid Sigmoid,
    softplus Softplus,
    log_sigmoid LogSigmoid,
    erf Erf,
    erfc Erfc,
    lgamma Lgamma,
    digamma Digamma,
    trigamma Trigamma,
}

binary! {
    pow Pow,
    atan2 Atan2,
    hypot Hypot,
}
