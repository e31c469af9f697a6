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
use tape::element::Real;

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

/// A loop compiled for the instruction sets that `pulp` tells apart. Structs, not closures: the method is inlined
/// into the function with the instruction set whatever its size, a closure only when it is small.
struct Loop<'a, T, F> {
    x: &'a [T],
    y: &'a mut [T],
    f: F,
}

struct Slice<'a, T, F>(Loop<'a, T, F>);

struct Loop2<'a, T, F> {
    x: &'a [T],
    y: &'a [T],
    z: &'a mut [T],
    f: F,
}

impl<T: Format, F: Unary> pulp::WithSimd for Loop<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let _ = self.f;
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = F::call(x);
        }
    }
}

impl<T: Format, F: Unary> pulp::WithSimd for Slice<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        F::slice(self.0.x, self.0.y);
    }
}

impl<T: Format, F: Binary> pulp::WithSimd for Loop2<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let _ = self.f;
        for ((z, &x), &y) in self.z.iter_mut().zip(self.x).zip(self.y) {
            *z = F::call(x, y);
        }
    }
}

struct SameBits;

impl SameBits {
    fn unary_in<T: Format, F: Unary>(name: &str, f: F) {
        let x = many::<T>(name);
        let mut y = vec![T::ZERO; x.len()];
        pulp::Arch::new().dispatch(Loop { x: &x, y: &mut y, f });
        assert_same(name, &y, |i| scalar_unary::<T, F>(x[i]));
        let mut z = vec![T::ZERO; x.len()];
        pulp::Arch::new().dispatch(Slice(Loop { x: &x, y: &mut z, f }));
        assert_same(name, &z, |i| y[i]);
        // The other instruction sets of this machine.
        pulp::Arch::Scalar.dispatch(Loop { x: &x, y: &mut z, f });
        assert_same(name, &z, |i| y[i]);
        #[cfg(target_arch = "x86_64")]
        if let Some(set) = pulp::x86::V3::try_new() {
            pulp::Simd::vectorize(set, Loop { x: &x, y: &mut z, f });
            assert_same(name, &z, |i| y[i]);
        }
    }

    fn binary_in<T: Format, F: Binary>(name: &str, f: F) {
        let mut pairs = pairs::<T>(name);
        let x = many::<T>("exp");
        pairs.extend(x.iter().zip(x.iter().rev()).map(|(&a, &b)| (a, b)));
        let (x, y): (Vec<T>, Vec<T>) = pairs.into_iter().unzip();
        let mut z = vec![T::ZERO; x.len()];
        pulp::Arch::new().dispatch(Loop2 { x: &x, y: &y, z: &mut z, f });
        assert_same(name, &z, |i| scalar_binary::<T, F>(x[i], y[i]));
    }
}

impl functions::Visitor for SameBits {
    fn unary<F: Unary>(&mut self, name: &str, f: F) {
        SameBits::unary_in::<f64, F>(name, f);
        SameBits::unary_in::<f32, F>(name, f);
    }
    fn binary<F: Binary>(&mut self, name: &str, f: F) {
        SameBits::binary_in::<f64, F>(name, f);
        SameBits::binary_in::<f32, F>(name, f);
    }
}

/// Without optimisation the loop is not vectorised and this compares less than with `--release`.
#[test]
fn a_vectorised_loop_gives_the_bits_of_scalar_calls() {
    for_each_unary(&mut SameBits);
    for_each_binary(&mut SameBits);
}

/// The best time of many runs, in nanoseconds for each of `n` elements.
fn nanoseconds(n: usize, mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..300 {
        let start = std::time::Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best / n as f64 * 1e9
}

struct Time;

const TIMED: usize = 4096;

impl Time {
    fn spread<T: Format>(low: f64, high: f64, stride: usize) -> Vec<T> {
        let step = (high - low) / TIMED as f64;
        (0..TIMED).map(|i| T::from_f64(low + step * (i * stride % TIMED) as f64)).collect()
    }

    fn unary_in<T: Format, F: Unary>(f: F, low: f64, high: f64) -> f64 {
        let x = Time::spread::<T>(low, high, 1597);
        let mut y = vec![T::ZERO; TIMED];
        nanoseconds(TIMED, || {
            pulp::Arch::new().dispatch(Slice(Loop { x: black_box(&x), y: black_box(&mut y), f }));
        })
    }

    fn binary_in<T: Format, F: Binary>(f: F) -> f64 {
        let x = Time::spread::<T>(0.01, 20.0, 1597);
        let y = Time::spread::<T>(-5.0, 5.0, 2003);
        let mut z = vec![T::ZERO; TIMED];
        nanoseconds(TIMED, || {
            pulp::Arch::new().dispatch(Loop2 { x: black_box(&x), y: black_box(&y), z: black_box(&mut z), f });
        })
    }
}

impl functions::Visitor for Time {
    fn unary<F: Unary>(&mut self, name: &str, f: F) {
        let (low, high) = match name {
            "asin" | "acos" | "atanh" => (-0.99, 0.99),
            "acosh" => (1.0, 20.0),
            "ln" | "log2" | "log10" | "sqrt" | "lgamma" | "digamma" | "trigamma" => (0.01, 20.0),
            "log1p" => (-0.9, 20.0),
            _ => (-20.0, 20.0),
        };
        let (a, b) = (Time::unary_in::<f64, F>(f, low, high), Time::unary_in::<f32, F>(f, low, high));
        println!("{name:12} f64 {a:7.2} ns  f32 {b:7.2} ns");
    }
    fn binary<F: Binary>(&mut self, name: &str, f: F) {
        println!(
            "{name:12} f64 {:7.2} ns  f32 {:7.2} ns",
            Time::binary_in::<f64, F>(f),
            Time::binary_in::<f32, F>(f)
        );
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
    Real::sin_slice(&x, &mut y);
    assert_same("sin", &y, |i| Real::sin(x[i]));
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
    assert!((-2.0_f64).polygamma(2).is_nan() && (-2.0_f64).polygamma(3) == f64::INFINITY);
    assert_eq!(0.0_f64.polygamma(3), f64::INFINITY);
    // The sign of zero is the side, as for digamma.
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
