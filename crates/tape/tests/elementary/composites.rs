//! The composites gelu, gelu_tanh, silu and mish against multiple-precision references.
//!
//!     cargo test --release -p tape --test elementary -- --nocapture every_composite
//!
//! prints their table in `docs/accuracy.md`.
//!
//! Each is `x` times a gate between 0 and 1. The argument of the gate is rounded, so no formula in one
//! precision does better than the condition number `|x f'(x) / f(x)|` for large negative `x`, where it grows
//! as `x²` (gelu), `x³` (gelu_tanh) or `|x|` (silu, mish). Where the gate is subnormal, its own rounding is a
//! fraction of the smallest subnormal number, multiplied by `x`.

use super::arguments::{COUNT, Format, arguments};
use super::{references, ulps};
use tape::Unary;
use tape::element::Real;
use tape::ops::{Gelu, GeluTanh, Mish, Silu};

/// Errors are at most this many times `unit`.
const BOUND: f64 = 4.0;

/// `Φ + x φ` over `Φ`. For large negative `x`, `φ / Φ` lies between `|x|` and `|x| + 1 / |x|`; the lower end
/// is used.
fn gelu_condition(x: f64) -> f64 {
    if x < -30.0 {
        return x * x - 1.0;
    }
    let share = 0.5 * Real::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    let density = Real::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
    (1.0 + x * (density / share)).abs()
}

/// `1 + x g' σ(-g)` for `x σ(g)`; the gate is 1 for large positive `x`.
fn gelu_tanh_condition(x: f64) -> f64 {
    let x = x.min(30.0);
    let linear = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
    let g = linear * (x + 0.044715 * x * x * x);
    (1.0 + x * linear * (1.0 + 3.0 * 0.044715 * x * x) * Real::sigmoid(-g)).abs()
}

/// `1 + x σ(-x)`.
fn silu_condition(x: f64) -> f64 {
    (1.0 + x * Real::sigmoid(-x)).abs()
}

/// `1 + x ω' / ω` for `x ω` with `ω = u / (u + 2)`, `u = e²ˣ + 2eˣ`: `ω' / ω = 4 (1 + eˣ) / ((eˣ + 2) (u + 2))`.
fn mish_condition(x: f64) -> f64 {
    let e = Real::exp(x.min(300.0));
    let u = e * (e + 2.0);
    (1.0 + x * (4.0 * (1.0 + e) / (e + 2.0) / (u + 2.0))).abs()
}

/// The unit of the error at `x` where the result is `y`, in units of the last place of `y`: one of those
/// times the condition number, or times 1 if that is more, and half the smallest subnormal number times `x`,
/// or times 1 if that is more. The last place of a subnormal number is here the one below its leading digit,
/// not the fixed position, so that gradual underflow counts once. A result that rounds to zero allows one
/// half of the smallest subnormal number.
fn unit<T: Format>(x: f64, y: f64, condition: f64) -> f64 {
    if !x.is_finite() || !y.is_finite() {
        return 1.0;
    }
    if y == 0.0 {
        return 0.5;
    }
    // The exponents of f32 are in the normal range of f64; the subnormal numbers of f64 are not.
    let lowest = 2f64.powi(T::LOWEST);
    let share = (y.abs() / lowest).min(1.0);
    // The smallest normal number over the binade of y: the smallest subnormal over the last place of y.
    let binade = f64::from_bits(y.abs().max(lowest).to_bits() & !(u64::MAX >> 12));
    condition.max(1.0) * share + 0.5 * x.abs().max(1.0) * (lowest / binade)
}

/// The largest error of a composite, in units of `unit`.
fn largest<T: Format + tape::Element>(f: impl Unary, condition: fn(f64) -> f64) -> f64 {
    fn of<F: Unary>(_: &F) -> &'static str {
        F::NAME
    }
    let name = of(&f);
    let (mut worst, mut at, mut ulp) = (0.0, T::ZERO, 0.0);
    for (x, r) in arguments::<T>(name).into_iter().zip(references::<T>(name)) {
        let y = f.eval(x);
        let distance = ulps(y, &r);
        let error = distance / unit::<T>(x.to_f64(), r.rounded.to_f64(), condition(x.to_f64()));
        assert!(error <= BOUND, "{name} {}: {y:e} at {x:e}, {distance} ulp, {error} units", T::NAME);
        if error > worst {
            (worst, at, ulp) = (error, x, distance);
        }
    }
    println!("{name:12} {} {worst:.3} at {at:e}, {ulp:.3} ulp", T::NAME);
    worst
}

#[test]
fn every_composite_is_within_its_bound() {
    fn row(f: impl Unary, condition: fn(f64) -> f64) -> [f64; 2] {
        [largest::<f64>(f, condition), largest::<f32>(f, condition)]
    }
    let table = [
        ("gelu", row(Gelu, gelu_condition)),
        ("gelu_tanh", row(GeluTanh, gelu_tanh_condition)),
        ("silu", row(Silu, silu_condition)),
        ("mish", row(Mish, mish_condition)),
    ];
    println!("| composite | max f64 | max f32 | points |\n|---|---|---|---|");
    for (name, [double, single]) in table {
        println!("| `{name}` | {double:.3} | {single:.3} | {COUNT} |");
    }
}

/// The argument of the gate of `gelu_tanh` is computed in two parts, so that its rounding is not amplified in
/// the result: where the linear term dominates, the error is a few units of the last place whatever the
/// condition number.
#[test]
fn gelu_tanh_does_not_round_the_argument_of_its_gate() {
    fn check<T: Format + tape::Element>() {
        let near = arguments::<T>("gelu_tanh").into_iter().zip(references::<T>("gelu_tanh"));
        for (x, r) in near.filter(|(x, _)| (-2.0..=2.0).contains(&x.to_f64())) {
            let distance = ulps(GeluTanh.eval(x), &r);
            assert!(distance <= 3.0, "{} at {x:e}: {distance} ulp", T::NAME);
        }
    }
    check::<f64>();
    check::<f32>();
}

/// Checks the condition numbers, which widen the bound, against differences of the functions in f64.
#[test]
fn condition_numbers_of_composites_match_differences() {
    fn check(f: impl Unary, condition: fn(f64) -> f64) {
        for i in -300..=300 {
            let x = i as f64 * 0.05 + 0.013;
            let h = 1e-4 * x.abs().min(1.0);
            let slope = (f.eval(x + h) - f.eval(x - h)) / (2.0 * h);
            let expected = (x * slope / f.eval(x)).abs();
            let found = condition(x);
            assert!((found - expected).abs() <= 1e-3 * expected.max(1.0), "{x}: {found}, not {expected}");
        }
    }
    check(Gelu, gelu_condition);
    check(GeluTanh, gelu_tanh_condition);
    check(Silu, silu_condition);
    check(Mish, mish_condition);
}
