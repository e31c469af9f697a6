//! Loops compiled for each instruction set: the bits of scalar calls, the same bits everywhere, and the time.

use super::arguments::{Format, SplitMix, arguments, pairs};
use super::functions::{Binary, Unary, Visitor, for_each_binary, for_each_unary};
use std::hint::black_box;
use tape::element::Real;

/// Arguments for the comparison of loops and scalar calls: all the reference arguments and random bit
/// patterns.
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

/// Asserts equal bits, or NaN in both: Rust leaves the sign and payload of a NaN open.
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

/// A loop compiled for the instruction sets that `pulp` distinguishes. Structs, not closures: the method is
/// inlined into the function with the instruction set whatever its size, a closure only when it is small.
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

/// `y = f(x)` in a loop with the best instruction set of this machine.
pub(crate) fn map<T: Format, F: Unary>(f: F, x: &[T], y: &mut [T]) {
    pulp::Arch::new().dispatch(Slice(Loop { x, y, f }));
}

struct SameBits;

impl SameBits {
    fn unary_in<T: Format, F: Unary>(name: &str, f: F) {
        let x = many::<T>(name);
        let mut y = vec![T::ZERO; x.len()];
        pulp::Arch::new().dispatch(Loop { x: &x, y: &mut y, f });
        assert_same(name, &y, |i| scalar_unary::<T, F>(x[i]));
        let mut z = vec![T::ZERO; x.len()];
        map(f, &x, &mut z);
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

impl Visitor for SameBits {
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

/// The best time of many runs, in nanoseconds per element.
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
            map(f, black_box(&x), black_box(&mut y));
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

impl Visitor for Time {
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

/// A fingerprint of all results at the reference arguments: FNV-1a over the bit patterns, NaN as one value.
fn fingerprint<T: Format>(results: impl Iterator<Item = T>) -> u64 {
    results.fold(0xcbf2_9ce4_8422_2325, |hash, y| {
        let bits = if y.is_nan() { u64::MAX } else { y.to_bits64() };
        (hash ^ bits).wrapping_mul(0x100_0000_01b3)
    })
}

/// The lines of `bits.txt` as computed here.
#[derive(Default)]
struct Fingerprints(String);

impl Fingerprints {
    fn note(&mut self, name: &str, double: u64, single: u64) {
        self.0 += &format!("{name} {double:016x} {single:016x}\n");
    }
}

impl Visitor for Fingerprints {
    fn unary<F: Unary>(&mut self, name: &str, _: F) {
        let double = fingerprint(arguments::<f64>(name).into_iter().map(F::call));
        self.note(name, double, fingerprint(arguments::<f32>(name).into_iter().map(F::call)));
    }
    fn binary<F: Binary>(&mut self, name: &str, _: F) {
        let double = fingerprint(pairs::<f64>(name).into_iter().map(|(x, y)| F::call(x, y)));
        self.note(name, double, fingerprint(pairs::<f32>(name).into_iter().map(|(x, y)| F::call(x, y))));
    }
}

/// Fails on a machine or compiler that computes other bits, and after every change of a function: then the
/// new lines, printed here, replace the file.
#[test]
fn results_have_the_stored_bits_on_every_machine() {
    let mut here = Fingerprints::default();
    for_each_unary(&mut here);
    for_each_binary(&mut here);
    let stored = std::fs::read_to_string(super::data("bits.txt")).unwrap_or_default();
    assert!(here.0 == stored, "bits.txt should be:\n{}", here.0);
}
