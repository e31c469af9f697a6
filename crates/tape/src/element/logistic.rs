//! The logistic function and its relatives: `sigmoid`, `softplus`, `log_sigmoid`.
//!
//! All from `e = e^-|x|`, which does not overflow: `sigmoid` is `1 / (1 + e)` or `e / (1 + e)`, `softplus` is
//! `max(x, 0) + ln(1 + e)`.

use super::exp::{exp_minus_f32, exp_minus_f64};
use super::log::{log1p_unit_f32, log1p_unit_f64};

#[inline(always)]
pub(super) fn sigmoid_f64(x: f64) -> f64 {
    let e = exp_minus_f64(x.abs());
    let num = if x < 0.0 { e } else { 1.0 };
    num / (1.0 + e)
}

#[inline(always)]
pub(super) fn softplus_f64(x: f64) -> f64 {
    let y = log1p_unit_f64(exp_minus_f64(x.abs()));
    if x > 0.0 { x + y } else { y }
}

/// The rounding of `1 + e` would raise the error above two units in the last place: divide by the exact
/// sum, with `1 / d = 3/2 - d/2`, which is accurate enough for the correction.
#[inline(always)]
pub(super) fn sigmoid_f32(x: f32) -> f32 {
    let e = exp_minus_f32(x.abs());
    let num = if x < 0.0 { e } else { 1.0 };
    let d = 1.0 + e;
    let lost = e - (d - 1.0);
    let q = num / d;
    q - q * (lost * (1.5 - 0.5 * d))
}

#[inline(always)]
pub(super) fn softplus_f32(x: f32) -> f32 {
    let y = log1p_unit_f32(exp_minus_f32(x.abs()));
    if x > 0.0 { x + y } else { y }
}
