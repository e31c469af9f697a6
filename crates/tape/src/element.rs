//! The numbers a tensor holds.

use crate::pool::Pooled;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

macro_rules! elements {
    ($($unary:ident)*; $($binary:ident)*) => {
        /// A floating-point number: `f32` or `f64`.
        pub trait Real:
            Pooled + Copy + PartialEq + PartialOrd + Debug + Display + Default + Send + Sync + 'static
            + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
            + Neg<Output = Self> + AddAssign + SubAssign + MulAssign + DivAssign + Sum
        {
            /// 0
            const ZERO: Self;
            /// 1
            const ONE: Self;
            /// eps
            const EPSILON: Self;
            /// inf
            const INFINITY: Self;
            /// -inf
            const NEG_INFINITY: Self;
            /// NaN
            const NAN: Self;
            /// name
            const NAME: &'static str;
            /// from
            fn from_f64(x: f64) -> Self;
            /// to
            fn to_f64(self) -> f64;
            /// from
            fn from_usize(n: usize) -> Self;
            /// nan
            fn is_nan(self) -> bool;
            /// fin
            fn is_finite(self) -> bool;
            /// powi
            fn powi(self, n: i32) -> Self;
            /// sign with sign(0) = 0
            fn signum0(self) -> Self;
            /// softplus
            fn softplus(self) -> Self;
            /// sigmoid
            fn sigmoid(self) -> Self;
            /// pow
            fn pow(self, y: Self) -> Self;
            $(
            /// fn
            fn $unary(self) -> Self;)*
            $(
            /// fn
            fn $binary(self, other: Self) -> Self;)*
        }
        elements!(@impl f32 [$($unary)*] [$($binary)*]);
        elements!(@impl f64 [$($unary)*] [$($binary)*]);
    };
    (@impl $t:ident [$($unary:ident)*] [$($binary:ident)*]) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $t::EPSILON;
            const INFINITY: Self = $t::INFINITY;
            const NEG_INFINITY: Self = $t::NEG_INFINITY;
            const NAN: Self = $t::NAN;
            const NAME: &'static str = stringify!($t);
            #[inline(always)]
            fn from_f64(x: f64) -> Self { x as $t }
            #[inline(always)]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline(always)]
            fn from_usize(n: usize) -> Self { n as $t }
            #[inline(always)]
            fn is_nan(self) -> bool { self != self }
            #[inline(always)]
            fn is_finite(self) -> bool { $t::is_finite(self) }
            #[inline(always)]
            fn powi(self, n: i32) -> Self { $t::powi(self, n) }
            #[inline(always)]
            fn signum0(self) -> Self {
                if self > 0.0 { 1.0 } else if self < 0.0 { -1.0 } else { self }
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                let e = (-self.abs()).exp();
                let s = 1.0 / (1.0 + e);
                if self < 0.0 { e * s } else { s }
            }
            #[inline(always)]
            fn softplus(self) -> Self {
                let e = (-self.abs()).exp();
                let m = if self > 0.0 { self } else if self <= 0.0 { 0.0 } else { self };
                m + $t::ln_1p(e)
            }
            #[inline(always)]
            fn pow(self, y: Self) -> Self { $t::powf(self, y) }
            $(#[inline(always)]
            fn $unary(self) -> Self { $t::$unary(self) })*
            $(#[inline(always)]
            fn $binary(self, other: Self) -> Self { $t::$binary(self, other) })*
        }
    };
}

elements! { abs sqrt floor ceil round trunc exp exp2 ln log2 log10 sin cos tan asin acos atan sinh cosh tanh cbrt; atan2 hypot copysign }
