//! `Real` for `f64`: the functions of the sibling modules.

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

impl Real for f64 {
    type Wide = f64;

    const NAME: &'static str = "f64";
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const EPSILON: Self = f64::EPSILON;
    const INFINITY: Self = f64::INFINITY;
    const NEG_INFINITY: Self = f64::NEG_INFINITY;
    const NAN: Self = f64::NAN;
    const MAX: Self = f64::MAX;
    const MIN_POSITIVE: Self = f64::MIN_POSITIVE;
    const TRIG_CORE_MAX: Self = reduce::CORE_MAX;

    fn product_kernel() -> Option<ProductKernel<f64>> {
        Some(ProductKernel(gemm_f64::gemm::f64::get_gemm_fn()))
    }
    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }
    #[inline(always)]
    fn narrow(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn from_usize(n: usize) -> Self {
        n as f64
    }
    #[inline(always)]
    fn to_bits64(self) -> u64 {
        self.to_bits()
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        f64::copysign(self, sign)
    }
    #[inline(always)]
    fn fmod(self, other: Self) -> Self {
        self % other
    }
    #[inline(always)]
    fn powi(self, n: i32) -> Self {
        pow::powi_f64(self, n)
    }
    #[inline(always)]
    fn pow(self, y: Self) -> Self {
        pow::pow_f64(self, y)
    }
    forward! {
        abs => f64::abs,
        sqrt => f64::sqrt,
        floor => f64::floor,
        ceil => f64::ceil,
        round => f64::round,
        trunc => f64::trunc,
        exp => exp::exp_f64,
        exp2 => exp::exp2_f64,
        expm1 => exp::expm1_f64,
        ln => log::ln_f64,
        log2 => log::log2_f64,
        log10 => log::log10_f64,
        log1p => log::log1p_f64,
        sin => trig::sin_f64,
        cos => trig::cos_f64,
        tan => trig::tan_f64,
        asin => arc::asin_f64,
        acos => arc::acos_f64,
        atan => arc::atan_f64,
        sinh => hyperbolic::sinh_f64,
        cosh => hyperbolic::cosh_f64,
        tanh => hyperbolic::tanh_f64,
        asinh => hyperbolic::asinh_f64,
        acosh => hyperbolic::acosh_f64,
        atanh => hyperbolic::atanh_f64,
        cbrt => root::cbrt_f64,
        sigmoid => logistic::sigmoid_f64,
        softplus => logistic::softplus_f64,
        erf => erf::erf_f64,
        erfc => erf::erfc_f64,
        lgamma => gamma::lgamma_f64,
        digamma => gamma::digamma_f64,
        sin_core => trig::sin_core_f64,
        cos_core => trig::cos_core_f64,
        tan_core => trig::tan_core_f64,
    }
    #[inline(always)]
    fn log_sigmoid(self) -> Self {
        -logistic::softplus_f64(-self)
    }
    #[inline(always)]
    fn trigamma(self) -> Self {
        gamma::polygamma_f64(1, self)
    }
    #[inline(always)]
    fn polygamma(self, n: u32) -> Self {
        gamma::polygamma_f64(n, self)
    }
    #[inline(always)]
    fn atan2(self, other: Self) -> Self {
        arc::atan2_f64(self, other)
    }
    #[inline(always)]
    fn hypot(self, other: Self) -> Self {
        root::hypot_f64(self, other)
    }
}
