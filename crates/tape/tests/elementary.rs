//! The elementary functions against multiple-precision references, against IEEE special values, and a
//! vectorised loop against scalar calls.
//!
//!     cargo test --release -p tape --test elementary -- --nocapture
//!
//! prints the table of `docs/accuracy.md`;
//!
//!     cargo test --release -p tape --test elementary -- --nocapture --ignored time
//!
//! prints the time of each function in a loop.

#[path = "elementary/arguments.rs"]
mod arguments;
#[path = "elementary/functions.rs"]
mod functions;

use arguments::{Format, SplitMix, arguments, pairs, specials};
use functions::{Binary, Unary, for_each_binary, for_each_unary};
use std::hint::black_box;
use std::path::PathBuf;
use tape::element::Element;

/// The path of a data file.
fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/elementary").join(file)
}

/// A correctly rounded result, and how far the exact one lies from it in units of its last place.
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

/// The distance of `y` from the exact result in units of the last place of the rounded one. Infinite if one is NaN, infinite
/// or a zero of a sign that the other is not.
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
    // In two steps: the difference over the unit, neither of which may overflow.
    let half = unit / 2;
    (((a - b) * 2f64.powi(-half)) * 2f64.powi(half - unit) - r.rest).abs()
}

/// What a function is held to.
enum Bound {
    /// Units in the last place, in f64 and in f32.
    Ulps(f64, f64),
    /// Relative error in f64, absolute where the value is below 1; units in the last place of the larger of the value and 1 in f32.
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

/// Arguments for the comparison of loops and scalar calls: all of the reference ones and random bit patterns.
fn many<T: Format>(name: &str) -> Vec<T> {
    let mut x = arguments::<T>(name);
    let mut rng = SplitMix::new("vector");
    while x.len() < 100_003 {
        let raw: T = rng.raw();
        // Bit patterns, and the same with an exponent near 0, where the functions do not saturate.
        let near = T::from_f64(1.0 + (rng.next() >> 12) as f64 * f64::EPSILON);
        let near =
            near * T::from_f64([0.001, 0.1, 1.0, -0.5, 5.0, -20.0, 80.0, 600.0][(rng.next() % 8) as usize]);
        x.extend([raw, near]);
    }
    x
}

/// Same bits, or both NaN: Rust leaves the sign and payload of a NaN open.
fn assert_same<T: Format>(name: &str, loops: &[T], scalar: impl Fn(usize) -> T) {
    for (i, &a) in loops.iter().enumerate() {
        let b = scalar(i);
        let same = a.to_bits64() == b.to_bits64() || (a.is_nan() && b.is_nan());
        assert!(same, "{name} {}: loop {a:e}, scalar {b:e} at index {i}", T::NAME);
    }
}

#[inline(never)]
fn scalar_unary<T: Format, F: Unary>(x: T) -> T {
    F::call(black_box(x))
}

#[inline(never)]
fn scalar_binary<T: Format, F: Binary>(x: T, y: T) -> T {
    F::call(black_box(x), black_box(y))
}

fn loop_unary<T: Format, F: Unary>(x: &[T], y: &mut [T]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = F::call(x);
            }
        },
    );
}

fn slice_unary<T: Format, F: Unary>(x: &[T], y: &mut [T]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || F::slice(x, y),
    );
}

fn loop_binary<T: Format, F: Binary>(x: &[T], y: &[T], z: &mut [T]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((z, &x), &y) in z.iter_mut().zip(x).zip(y) {
                *z = F::call(x, y);
            }
        },
    );
}

struct SameBits;

impl SameBits {
    fn unary_in<T: Format, F: Unary>(name: &str) {
        let x = many::<T>(name);
        let mut y = vec![T::ZERO; x.len()];
        loop_unary::<T, F>(&x, &mut y);
        assert_same(name, &y, |i| scalar_unary::<T, F>(x[i]));
        let mut z = vec![T::ZERO; x.len()];
        slice_unary::<T, F>(&x, &mut z);
        assert_same(name, &z, |i| y[i]);
    }

    fn binary_in<T: Format, F: Binary>(name: &str) {
        let mut pairs = pairs::<T>(name);
        let x = many::<T>("exp");
        pairs.extend(x.iter().zip(x.iter().rev()).map(|(&a, &b)| (a, b)));
        let (x, y): (Vec<T>, Vec<T>) = pairs.into_iter().unzip();
        let mut z = vec![T::ZERO; x.len()];
        loop_binary::<T, F>(&x, &y, &mut z);
        assert_same(name, &z, |i| scalar_binary::<T, F>(x[i], y[i]));
    }
}

impl functions::Visitor for SameBits {
    fn unary<F: Unary>(&mut self, name: &str, _: F) {
        SameBits::unary_in::<f64, F>(name);
        SameBits::unary_in::<f32, F>(name);
    }
    fn binary<F: Binary>(&mut self, name: &str, _: F) {
        SameBits::binary_in::<f64, F>(name);
        SameBits::binary_in::<f32, F>(name);
    }
}

/// Without optimisation the loop is not vectorised and this compares less than with `--release`.
#[test]
fn a_vectorised_loop_gives_the_bits_of_scalar_calls() {
    for_each_unary(&mut SameBits);
    for_each_binary(&mut SameBits);
}

struct Time;

impl Time {
    fn unary_in<T: Format, F: Unary>(name: &str, low: f64, high: f64) -> f64 {
        let _ = name;
        let n = 4096;
        let step = (high - low) / n as f64;
        let x: Vec<T> = (0..n).map(|i| T::from_f64(low + step * (i * 1597 % n) as f64)).collect();
        let mut y = vec![T::ZERO; n];
        let mut best = f64::INFINITY;
        for _ in 0..200 {
            let start = std::time::Instant::now();
            slice_unary::<T, F>(black_box(&x), black_box(&mut y));
            best = best.min(start.elapsed().as_secs_f64());
        }
        best / n as f64 * 1e9
    }
}

impl functions::Visitor for Time {
    fn unary<F: Unary>(&mut self, name: &str, _: F) {
        let (low, high) = match name {
            "asin" | "acos" | "atanh" => (-0.99, 0.99),
            "acosh" => (1.0, 20.0),
            "ln" | "log2" | "log10" | "sqrt" | "lgamma" | "digamma" | "trigamma" => (0.01, 20.0),
            "log1p" => (-0.9, 20.0),
            _ => (-20.0, 20.0),
        };
        let (a, b) = (Time::unary_in::<f64, F>(name, low, high), Time::unary_in::<f32, F>(name, low, high));
        println!("{name:12} f64 {a:7.2} ns  f32 {b:7.2} ns");
    }
    fn binary<F: Binary>(&mut self, name: &str, _: F) {
        let n = 4096;
        let x: Vec<f64> = (0..n).map(|i| 0.01 + i as f64 / 100.0).collect();
        let y: Vec<f64> = (0..n).map(|i| 3.0 - i as f64 / 1000.0).collect();
        let mut z = vec![0.0; n];
        let mut best = f64::INFINITY;
        for _ in 0..200 {
            let start = std::time::Instant::now();
            loop_binary::<f64, F>(black_box(&x), black_box(&y), black_box(&mut z));
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!("{name:12} f64 {:7.2} ns", best / n as f64 * 1e9);
    }
}

#[test]
#[ignore = "prints times, asserts nothing"]
fn time_per_element() {
    for_each_unary(&mut Time);
    for_each_binary(&mut Time);
}

#[test]
fn slices_with_huge_arguments_match_scalar_calls() {
    let mut x = vec![0.5_f64; 1000];
    x[300] = 1e300;
    x[999] = f64::INFINITY;
    let mut y = vec![0.0; 1000];
    Element::sin_slice(&x, &mut y);
    assert_same("sin", &y, |i| Element::sin(x[i]));
}

#[test]
fn helpers_treat_nan_and_signed_zero_as_documented() {
    fn check<T: Format>() {
        let (nan, zero, one) = (T::NAN, T::ZERO, T::ONE);
        assert!(nan.larger(one).is_nan() && one.larger(nan).is_nan());
        assert!(nan.smaller(one).is_nan() && one.smaller(nan).is_nan());
        assert_eq!(zero.larger(-zero).to_bits64(), zero.to_bits64());
        assert_eq!((-zero).larger(zero).to_bits64(), zero.to_bits64());
        assert_eq!(zero.smaller(-zero).to_bits64(), (-zero).to_bits64());
        assert_eq!((-zero).smaller(zero).to_bits64(), (-zero).to_bits64());
        assert!(one.larger(-one) == one && one.smaller(-one) == -one);
        assert!(nan.signum0().is_nan() && zero.signum0() == zero && (-one - one).signum0() == -one);
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
