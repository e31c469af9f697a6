//! The logistic function and its relatives: `sigmoid`, `softplus`, `log_sigmoid`.
//!
//! All from `e = e^-|x|`, which does not overflow: `sigmoid` is `1 / (1 + e)` or `e / (1 + e)`, `softplus` is
//! `max(x, 0) + ln(1 + e)`.

use super::exp::{exp_f32, exp_f64};
use super::log::{log1p_unit_f32, log1p_unit_f64};

#[inline(always)]
pub(super) fn sigmoid_f64(x: f64) -> f64 {
    let e = exp_f64(-x.abs());
    let num = if x < 0.0 { e } else { 1.0 };
    num / (1.0 + e)
}

#[inline(always)]
pub(super) fn softplus_f64(x: f64) -> f64 {
    let y = log1p_unit_f64(exp_f64(-x.abs()));
    if x > 0.0 { x + y } else { y }
}

#[inline(always)]
pub(super) fn sigmoid_f32(x: f32) -> f32 {
    let e = exp_f32(-x.abs());
    let num = if x < 0.0 { e } else { 1.0 };
    num / (1.0 + e)
}

#[inline(always)]
pub(super) fn softplus_f32(x: f32) -> f32 {
    let y = log1p_unit_f32(exp_f32(-x.abs()));
    if x > 0.0 { x + y } else { y }
}
