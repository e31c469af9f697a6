//! [`DoubleDouble`] as a number type of tensors and tapes.

use super::arithmetic::{cbrt, hypot, sqrt};
use super::{DoubleDouble, arc, erf, exp, gamma, hyperbolic, log, power, trig};
use tape::element::{Constant, Pooled, Real};
use tape::{Arithmetic, Binary, Unary};

/// Methods of one argument that call the function beside them.
macro_rules! forward {
    ($($name:ident => $function:path,)*) => {
        $(
            #[inline]
            fn $name(self) -> Self {
                $function(self)
            }
        )*
    };
}

impl Pooled for DoubleDouble {}

impl Real for DoubleDouble {
    type Wide = DoubleDouble;

    const NAME: &'static str = "double-double";
    const ZERO: Self = DoubleDouble::ZERO;
    const ONE: Self = DoubleDouble::ONE;
    /// 2^-104: what a result differs by from the next, near 1, where the second part is of usual size.
    const EPSILON: Self = DoubleDouble { hi: f64::EPSILON * f64::EPSILON, lo: 0.0 };
    const INFINITY: Self = DoubleDouble { hi: f64::INFINITY, lo: 0.0 };
    const NEG_INFINITY: Self = DoubleDouble { hi: f64::NEG_INFINITY, lo: 0.0 };
    const NAN: Self = DoubleDouble { hi: f64::NAN, lo: 0.0 };
    const MAX: Self = DoubleDouble { hi: f64::MAX, lo: f64::MAX * (f64::EPSILON / 4.0) };
    /// 2^-969: below it the second part is subnormal.
    const MIN_POSITIVE: Self = DoubleDouble { hi: f64::MIN_POSITIVE * 9_007_199_254_740_992.0, lo: 0.0 };
    const TRIG_CORE_MAX: Self = DoubleDouble { hi: f64::INFINITY, lo: 0.0 };

    #[inline]
    fn from_f64(x: f64) -> Self {
        DoubleDouble::from(x)
    }
    #[inline]
    fn to_f64(self) -> f64 {
        self.hi
    }
    #[inline]
    fn from_parts(hi: f64, lo: f64) -> Self {
        DoubleDouble::sum_of(hi, lo)
    }
    #[inline]
    fn to_parts(self) -> (f64, f64) {
        (self.hi, self.lo)
    }
    #[inline]
    fn widen(self) -> Self {
        self
    }
    #[inline]
    fn narrow(x: Self) -> Self {
        x
    }
    #[inline]
    fn from_usize(n: usize) -> Self {
        let upper = n >> 32 << 32;
        DoubleDouble::sum_of(upper as f64, (n - upper) as f64)
    }
    #[inline]
    fn to_bits64(self) -> u64 {
        self.hi.to_bits() ^ self.lo.to_bits().rotate_left(32)
    }
    #[inline]
    fn is_nan(self) -> bool {
        self.hi.is_nan()
    }
    #[inline]
    fn is_finite(self) -> bool {
        self.hi.is_finite()
    }
    #[inline]
    fn copysign(self, sign: Self) -> Self {
        sign.sign_onto(self)
    }
    #[inline]
    fn powi(self, n: i32) -> Self {
        power::powi(self, n)
    }
    #[inline]
    fn pow(self, y: Self) -> Self {
        power::pow(self, y)
    }
    #[inline]
    fn log_sigmoid(self) -> Self {
        -hyperbolic::softplus(-self)
    }
    #[inline]
    fn trigamma(self) -> Self {
        gamma::polygamma(1, self)
    }
    #[inline]
    fn polygamma(self, n: u32) -> Self {
        gamma::polygamma(n, self)
    }
    #[inline]
    fn atan2(self, other: Self) -> Self {
        arc::atan2(self, other)
    }
    #[inline]
    fn hypot(self, other: Self) -> Self {
        hypot(self, other)
    }
    forward! {
        abs => DoubleDouble::size,
        sqrt => sqrt,
        floor => DoubleDouble::floored,
        ceil => DoubleDouble::ceiled,
        round => DoubleDouble::rounded,
        trunc => DoubleDouble::truncated,
        exp => exp::exp,
        exp2 => exp::exp2,
        expm1 => exp::expm1,
        ln => log::ln,
        log2 => log::log2,
        log10 => log::log10,
        log1p => log::log1p,
        sin => trig::sin,
        cos => trig::cos,
        tan => trig::tan,
        asin => arc::asin,
        acos => arc::acos,
        atan => arc::atan,
        sinh => hyperbolic::sinh,
        cosh => hyperbolic::cosh,
        tanh => hyperbolic::tanh,
        asinh => hyperbolic::asinh,
        acosh => hyperbolic::acosh,
        atanh => hyperbolic::atanh,
        cbrt => cbrt,
        sigmoid => hyperbolic::sigmoid,
        softplus => hyperbolic::softplus,
        erf => erf::erf,
        erfc => erf::erfc,
        lgamma => gamma::lgamma,
        digamma => gamma::digamma,
        sin_core => trig::sin,
        cos_core => trig::cos,
        tan_core => trig::tan,
    }
}

impl Arithmetic for DoubleDouble {
    #[inline]
    fn lift(&self, c: impl Into<Constant>) -> Self {
        c.into().to()
    }
    #[inline]
    fn map<F: Unary>(self, f: F) -> Self {
        f.eval(self)
    }
    #[inline]
    fn zip<F: Binary>(self, other: Self, f: F) -> Self {
        f.eval(self, other)
    }
    #[inline]
    fn if_gt(self, other: Self, then: Self, otherwise: Self) -> Self {
        if self > other { then } else { otherwise }
    }
    #[inline]
    fn if_eq(self, other: Self, then: Self, otherwise: Self) -> Self {
        if self == other { then } else { otherwise }
    }
}
