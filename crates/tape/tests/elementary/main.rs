//! The elementary functions and four composites against multiple-precision references; the functions also
//! against IEEE special values, and a vectorised loop against scalar calls.
//!
//!     cargo test --release -p tape --test elementary -- --nocapture
//!
//! prints the table of `docs/accuracy.md`;
//!
//!     cargo test --release -p tape --test elementary -- --nocapture --ignored time
//!
//! prints the time of each function in a loop.

mod arguments;
mod composites;
mod exhaustive;
mod extremes;
mod functions;
mod loops;
mod sinc;

use arguments::{Format, arguments, pairs, specials};
use functions::{Binary, Unary, for_each_binary, for_each_unary};
use std::path::PathBuf;
use tape::element::Real;

/// The path of a data file.
fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/elementary").join(file)
}

/// A correctly rounded result, and its distance from the exact one in units of its last place.
struct Reference<T> {
    rounded: T,
    rest: f64,
}

/// The references of a function. A missing or short file is a failure.
fn references<T: Format>(name: &str) -> Vec<Reference<T>> {
    let path = data(&format!("{name}.{}", T::NAME));
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(bytes.len(), arguments::COUNT * (T::WIDTH + 1), "size of {}", path.display());
    let read = |record: &[u8]| {
        let bits = record[..T::WIDTH].iter().rev().fold(0, |u, &b| u << 8 | b as u64);
        let rest = record[T::WIDTH] as i8 as f64 / 254.0;
        Reference { rounded: T::from_low_bits(bits), rest }
    };
    bytes.chunks(T::WIDTH + 1).map(read).collect()
}

/// The distance of `y` from the exact result in units of the last place of the rounded one. Infinite if only
/// one of the two is NaN or infinite, or if they are infinities or zeros of different signs.
fn ulps<T: Format>(y: T, r: &Reference<T>) -> f64 {
    let (a, b) = (y.to_f64(), r.rounded.to_f64());
    if a.is_nan() && b.is_nan() {
        return 0.0;
    }
    if a.is_nan() || b.is_nan() || a.is_infinite() != b.is_infinite() {
        return f64::INFINITY;
    }
    if a.is_infinite() || (a == 0.0 && b == 0.0) {
        return if a.is_sign_negative() == b.is_sign_negative() { 0.0 } else { f64::INFINITY };
    }
    let exponent = ((b.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let unit = exponent.max(T::LOWEST) - (T::DIGITS - 1);
    // In two steps: the difference and the unit, neither of which may overflow.
    let half = unit / 2;
    (((a - b) * 2f64.powi(-half)) * 2f64.powi(half - unit) - r.rest).abs()
}

/// The error bound of a function.
enum Bound {
    /// Units in the last place, in f64 and in f32.
    Ulps(f64, f64),
    /// Relative error in f64, or absolute where the value is below 1; units in the last place in f32, or of 1
    /// where the value is below 1.
    Relative(f64, f64),
}

fn bound(name: &str) -> Bound {
    match name {
        "lgamma" | "digamma" => Bound::Relative(1e-13, 2.0),
        "erfc" | "trigamma" => Bound::Ulps(450.0, 2.0),
        "softplus" | "log_sigmoid" => Bound::Ulps(4.0, 4.0),
        "sqrt" => Bound::Ulps(0.51, 0.51),
        _ => Bound::Ulps(3.0, 2.0),
    }
}

/// The bound in f32.
fn bound_f32(name: &str) -> f64 {
    match bound(name) {
        Bound::Ulps(_, single) | Bound::Relative(_, single) => single,
    }
}

/// The largest error of `values`, checked against the bound; returns it for the table.
fn largest_error<T: Format>(name: &str, values: &[T], show: impl Fn(usize) -> String) -> f64 {
    let (limit, near_zero) = match bound(name) {
        Bound::Ulps(a, b) => (if T::WIDTH == 8 { a } else { b }, false),
        Bound::Relative(a, b) => (if T::WIDTH == 8 { a / f64::EPSILON } else { b }, true),
    };
    let (mut worst, mut at) = (0.0, 0);
    let mut failure = None;
    for (i, (&y, r)) in values.iter().zip(references::<T>(name)).enumerate() {
        let mut error = ulps(y, &r);
        if near_zero && r.rounded.to_f64().abs() < 1.0 {
            error = error.min((y.to_f64() - r.rounded.to_f64()).abs() / T::EPSILON.to_f64());
        }
        if error > worst {
            (worst, at) = (error, i);
        }
        if (error > limit || error.is_nan()) && failure.is_none() {
            failure = Some(format!("{y:e} for {:e}, {error} ulp", r.rounded));
        }
    }
    if let Some(text) = failure {
        eprintln!("{name} {}: bound {limit}, largest {worst} at {}; first failure {text}", T::NAME, show(at));
        return f64::INFINITY;
    }
    println!("{name:12} {} {worst:.3} at {}", T::NAME, show(at));
    worst
}

struct Accuracy<'a> {
    table: &'a mut Vec<(String, [f64; 2])>,
}

impl Accuracy<'_> {
    fn note(&mut self, name: &str, double: f64, single: f64) {
        self.table.push((name.to_string(), [double, single]));
    }
}

fn unary_error<T: Format>(name: &str, f: impl Fn(T) -> T) -> f64 {
    let x = arguments::<T>(name);
    let y: Vec<T> = x.iter().map(|&x| f(x)).collect();
    largest_error(name, &y, |i| format!("{:e}", x[i]))
}

fn binary_error<T: Format>(name: &str, f: impl Fn(T, T) -> T) -> f64 {
    let x = pairs::<T>(name);
    let y: Vec<T> = x.iter().map(|&(a, b)| f(a, b)).collect();
    largest_error(name, &y, |i| format!("{:e}, {:e}", x[i].0, x[i].1))
}

impl functions::Visitor for Accuracy<'_> {
    fn unary<F: Unary>(&mut self, name: &str, _: F) {
        self.note(name, unary_error::<f64>(name, F::call), unary_error::<f32>(name, F::call));
    }
    fn binary<F: Binary>(&mut self, name: &str, _: F) {
        self.note(name, binary_error::<f64>(name, F::call), binary_error::<f32>(name, F::call));
    }
}

#[test]
fn every_function_is_within_its_bound() {
    let mut table = Vec::new();
    let mut visitor = Accuracy { table: &mut table };
    for_each_unary(&mut visitor);
    for_each_binary(&mut visitor);
    println!("| function | max ulp f64 | max ulp f32 | points |\n|---|---|---|---|");
    for (name, [double, single]) in &table {
        println!("| {name} | {double:.3} | {single:.3} | {} |", arguments::COUNT);
    }
    let failed: Vec<_> =
        table.iter().filter(|row| row.1.contains(&f64::INFINITY)).map(|row| &row.0).collect();
    assert!(failed.is_empty(), "outside their bounds: {failed:?}");
}

#[test]
fn signs_and_extremes_treat_nan_and_zero_as_documented() {
    fn check<T: Format>() {
        let (nan, zero, one) = (T::NAN, T::ZERO, T::ONE);
        let extremes = [nan.maximum(one), one.maximum(nan), nan.minimum(one), one.minimum(nan)];
        assert!(extremes.iter().all(|y| y.is_nan()), "{extremes:?}");
        assert_eq!(zero.maximum(-zero).to_bits64(), zero.to_bits64());
        assert_eq!((-zero).maximum(zero).to_bits64(), zero.to_bits64());
        assert_eq!(zero.minimum(-zero).to_bits64(), (-zero).to_bits64());
        assert_eq!((-zero).minimum(zero).to_bits64(), (-zero).to_bits64());
        assert_eq!([one.maximum(-one), one.minimum(-one)], [one, -one]);
        assert_eq!([zero.sign(), (-one - one).sign()], [zero, -one]);
        assert!(nan.sign().is_nan(), "{:?}", nan.sign());
        assert_eq!(T::from_f64(2.5).round(), T::from_f64(3.0));
        assert_eq!(T::from_f64(-2.5).round(), T::from_f64(-3.0));
        for x in specials::<T>().into_iter().filter(|x| x.is_finite()) {
            assert_eq!(x.powi(1).to_bits64(), x.to_bits64());
            assert_eq!(x.powi(0), one);
            assert_eq!(x.powi(2), x * x);
        }
        assert_eq!(T::from_f64(2.0).powi(-3), T::from_f64(0.125));
        assert_eq!(
            T::from_f64(0.5).powi(T::LOWEST - 10),
            T::from_f64(0.5).powi(-1 + T::LOWEST) * T::from_f64(512.0)
        );
    }
    check::<f64>();
    check::<f32>();
}

/// n, x and the n-th derivative of digamma at x, from `scripts/polygamma.py`.
const POLYGAMMA: [(u32, f64, f64); 16] = [
    (2, 0.5, -16.82879664423432),
    (2, 1.25, -1.3277399375369203),
    (2, 30.0, -0.0011487652037286),
    (2, -0.75, -124.58699919679619),
    (2, -7.375, 30.077476549186535),
    (3, 0.001, 6000000000006.469),
    (3, 4.5, 0.030322508542366587),
    (3, -1.25, 1558.2209125348506),
    (4, 2.0, -0.8862661234408782),
    (4, -0.125, 786384.0070758504),
    (5, 12.5, 9.562271597107644e-05),
    (5, -3.875, 31457611.051694818),
    (8, 6.25, -0.0038682488031333974),
    (8, -2.125, 5411658672724.11),
    (12, 1.5, -2464477.6094268286),
    (20, 40.0, -1.4070197752355848e-15),
];

#[test]
fn polygamma_matches_stored_values() {
    for (n, x, expected) in POLYGAMMA {
        let y = x.polygamma(n);
        assert!(
            (y - expected).abs() <= 1e-13 * expected.abs(),
            "polygamma({n}, {x}) = {y:e}, not {expected:e}"
        );
    }
    assert_eq!(0.5_f64.polygamma(0), 0.5_f64.digamma());
    assert_eq!(0.5_f64.polygamma(1), 0.5_f64.trigamma());
    let poles = [2, 3].map(|n| (-2.0_f64).polygamma(n));
    assert!(poles[0].is_nan() && poles[1] == f64::INFINITY, "{poles:?}");
    assert_eq!(0.0_f64.polygamma(3), f64::INFINITY);
    // The sign of zero gives the side, as for digamma.
    assert_eq!([0.0_f64, -0.0].map(|x| x.polygamma(2)), [f64::NEG_INFINITY, f64::INFINITY]);
    assert_eq!(f64::INFINITY.polygamma(2), -0.0);
}

#[test]
fn exact_results_are_exact() {
    for k in -1074..1024 {
        let power = 2f64.powi(k / 2) * 2f64.powi(k - k / 2);
        assert_eq!(Real::exp2(k as f64), power);
        assert_eq!(Real::log2(power), k as f64);
        assert_eq!(Real::pow(2.0_f64, k as f64), power);
    }
    for k in 0..23 {
        assert_eq!(Real::log10(10f64.powi(k)), k as f64);
        assert_eq!(Real::pow(10.0_f64, k as f64), 10f64.powi(k));
    }
    for k in -1000..1000_i64 {
        assert_eq!(Real::cbrt((k * k * k) as f64), k as f64);
        assert_eq!(Real::pow(k as f64 * 0.37, 1.0), k as f64 * 0.37);
        assert_eq!(Real::pow(k as f64, 3.0), (k * k * k) as f64);
    }
    assert_eq!(Real::sigmoid(0.0_f64), 0.5);
    assert_eq!(Real::lgamma(1.0_f64), 0.0);
    assert_eq!(Real::lgamma(2.0_f64), 0.0);
    assert_eq!(Real::hypot(3.0_f64, 4.0), 5.0);
}
