//! The functions of one and two scalars in random graphs.

use crate::strategies::values::Domain;
use tape::{Arithmetic, ops};

macro_rules! map {
    ($first:ident, (), $f:ident) => {
        $first.map($f)
    };
}

macro_rules! zip {
    ($first:ident, ($second:ident), $f:ident) => {
        $first.zip($second, $f)
    };
}

macro_rules! functions {
    (
        $(#[$doc:meta])* $kind:ident($($x:ident),*) = $apply:ident $operands:tt;
        $($(#[$one:meta])* $name:ident $(($field:ident: $value:expr))*, $domain:ident;)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each is the function of its name in `tape::ops`")]
        pub enum $kind {
            $($(#[$one])* $name,)*
        }

        impl $kind {
            /// Every function.
            pub const ALL: &[$kind] = &[$($kind::$name),*];

            /// The domain on which it is smooth. [`resolve`](crate::strategies::GraphSpec::resolve) moves
            /// other operands there.
            pub fn domain(self) -> Domain {
                match self {
                    $($kind::$name => Domain::$domain,)*
                }
            }

            /// Applies the function to numbers, tensors or handles.
            #[track_caller]
            pub fn of<A: Arithmetic>(self, first: A $(, $x: A)*) -> A {
                match self {
                    $($kind::$name => {
                        let f = ops::$name { $($field: $value),* };
                        $apply!(first, $operands, f)
                    })*
                }
            }
        }
    };
}

functions! {
    /// A function of one scalar: the operation of its name in [`ops`](tape::ops), with parameters fixed.
    UnaryFn() = map ();
    Abs, NonZero;
    Acos, Unit;
    Acosh, AboveOne;
    Asin, Unit;
    Asinh, Real;
    Atan, Real;
    Atanh, Unit;
    Cbrt, Positive;
    Cos, Real;
    Cosh, Real;
    Cube, Real;
    Digamma, Positive;
    Erf, Real;
    Erfc, Real;
    Exp, Real;
    Exp2, Real;
    Expm1, Real;
    Gelu, Real;
    GeluTanh, Real;
    Lgamma, Positive;
    Ln, Positive;
    Log10, Positive;
    Log1p, Positive;
    Log2, Positive;
    LogSigmoid, Real;
    Mish, Real;
    Neg, Real;
    /// `x^2.5`.
    Powf(p: 2.5), Positive;
    /// `x³` by [`Powi`](tape::ops::Powi).
    Powi(n: 3), Real;
    Recip, Positive;
    Relu, NonZero;
    Rsqrt, Positive;
    Sigmoid, Real;
    /// `σ(1.5 x - 0.25)`.
    SigmoidScaled(slope: 1.5)(offset: -0.25), Real;
    Silu, Real;
    Sin, Real;
    Sinc, Real;
    Sinh, Real;
    Softplus, Real;
    Sqrt, Positive;
    Square, Real;
    Tan, Unit;
    Tanh, Real;
}

functions! {
    /// A function of two scalars: the operation of its name in [`ops`](tape::ops). The domain is that of the
    /// operand that needs one: the second, but for `Pow` and `Hypot` the first.
    BinaryFn(second) = zip (second);
    Add, Real;
    Atan2, Positive;
    Div, Positive;
    Hypot, Positive;
    LogAddExp, Real;
    Maximum, NonZero;
    Minimum, NonZero;
    Mul, Real;
    Pow, Positive;
    Sub, Real;
}

impl UnaryFn {
    /// Returns `true` if it has no kinks on its domain, and derivatives of all orders.
    pub fn is_smooth(self) -> bool {
        self.domain() != Domain::NonZero
    }

    /// Returns `true` if it and its derivative are exact on dyadic numbers.
    pub fn is_exact(self) -> bool {
        matches!(self, UnaryFn::Abs | UnaryFn::Neg | UnaryFn::Relu | UnaryFn::Square)
    }
}

impl BinaryFn {
    /// Returns `true` if it has no kinks on its domain, and derivatives of all orders.
    pub fn is_smooth(self) -> bool {
        self.domain() != Domain::NonZero
    }

    /// Returns `true` if it and its derivative are exact on dyadic numbers.
    pub fn is_exact(self) -> bool {
        matches!(self, BinaryFn::Add | BinaryFn::Maximum | BinaryFn::Minimum | BinaryFn::Mul | BinaryFn::Sub)
    }
}
