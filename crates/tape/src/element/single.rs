//! `Real` for `f32`: native arithmetic for the functions that dominate training, `f64` rounded once
//! elsewhere.

use super::{ProductKernel, Real, arc, erf, exp, gamma, hyperbolic, log, logistic, pow, reduce, root, trig};

/// Methods of one argument that call the function beside them.
macro_rules! forward {
    ($($name:ident => $function:path,)*) => {
        $(
            #[inline(always)]
            fn $name(self) -> Self {
                $function(self)
            }
        )*
    };
}

/// Methods of one argument that compute in `f64` and round.
macro_rules! widen {
    ($($name:ident => $function:path,)*) => {
        $(
            #[inline(always)]
            fn $name(self) -> Self {
                $function(self as f64) as f32
            }
        )*
    };
}

impl Real for f32 {
    type Wide = f64;

    const NAME: &'static str = "f32";
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const EPSILON: Self = f32::EPSILON;
    const INFINITY: Self = f32::INFINITY;
    const NEG_INFINITY: Self = f32::NEG_INFINITY;
    const NAN: Self = f32::NAN;
    const MAX: Self = f32::MAX;
    const MIN_POSITIVE: Self = f32::MIN_POSITIVE;
    const TRIG_CORE_MAX: Self = reduce::CORE_MAX as f32;

    fn product_kernel() -> Option<ProductKernel<f32>> {
        Some(ProductKernel(gemm_f32::gemm::f32::get_gemm_fn()))
    }
    #[inline(always)]
    fn widen(self) -> f64 {
        self as f64
    }
    #[inline(always)]
    fn narrow(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self as f64
    }
    #[inline(always)]
    fn from_usize(n: usize) -> Self {
        n as f32
    }
    #[inline(always)]
    fn to_bits64(self) -> u64 {
        self.to_bits() as u64
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }
    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        f32::copysign(self, sign)
    }
    #[inline(always)]
    fn fmod(self, other: Self) -> Self {
        self % other
    }
    #[inline(always)]
    fn powi(self, n: i32) -> Self {
        pow::powi_f32(self, n)
    }
    #[inline(always)]
    fn pow(self, y: Self) -> Self {
        pow::pow_f32(self, y)
    }
    forward! {
        abs => f32::abs,
        sqrt => f32::sqrt,
        floor => f32::floor,
        ceil => f32::ceil,
        round => f32::round,
        trunc => f32::trunc,
        exp => exp::exp_f32,
        exp2 => exp::exp2_f32,
        ln => log::ln_f32,
        sin => trig::sin_f32,
        cos => trig::cos_f32,
        tan => trig::tan_f32,
        tanh => hyperbolic::tanh_f32,
        sigmoid => logistic::sigmoid_f32,
        softplus => logistic::softplus_f32,
        erf => erf::erf_f32,
        sin_core => trig::sin_core_f32,
        cos_core => trig::cos_core_f32,
        tan_core => trig::tan_core_f32,
    }
    widen! {
        expm1 => exp::expm1_f64,
        log2 => log::log2_f64,
        log10 => log::log10_f64,
        log1p => log::log1p_f64,
        asin => arc::asin_f64,
        acos => arc::acos_f64,
        atan => arc::atan_f64,
        sinh => hyperbolic::sinh_f64,
        cosh => hyperbolic::cosh_f64,
        asinh => hyperbolic::asinh_f64,
        acosh => hyperbolic::acosh_f64,
        atanh => hyperbolic::atanh_f64,
        cbrt => root::cbrt_f64,
        erfc => erf::erfc_f64,
        lgamma => gamma::lgamma_f64,
        digamma => gamma::digamma_f64,
    }
    #[inline(always)]
    fn log_sigmoid(self) -> Self {
        -logistic::softplus_f32(-self)
    }
    #[inline(always)]
    fn trigamma(self) -> Self {
        gamma::polygamma_f64(1, self as f64) as f32
    }
    #[inline(always)]
    fn polygamma(self, n: u32) -> Self {
        gamma::polygamma_f64(n, self as f64) as f32
    }
    #[inline(always)]
    fn atan2(self, other: Self) -> Self {
        arc::atan2_f64(self as f64, other as f64) as f32
    }
    #[inline(always)]
    fn hypot(self, other: Self) -> Self {
        root::hypot_f64(self as f64, other as f64) as f32
    }
}
