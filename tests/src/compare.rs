//! Tolerances, comparing within them, and derivatives by differences.

use tape::Tensor;

/// The engine against a closed form: both round differently, so a few units in the last place of f64 per layer.
pub const EXACT: f64 = 1e-12;
/// Against central differences with h = 1e-6: h² from the third derivative and 1e-16 / h from rounding.
pub const DIFFERENCES: f64 = 1e-6;

/// Panics unless `found` is at most `bound`, and returns it.
#[track_caller]
pub fn at_most(what: &str, found: f64, bound: f64) -> f64 {
    assert!(found <= bound, "{what}: found {found:e}, expected at most {bound:e}");
    found
}

/// Panics unless `found` is `expected` within `tolerance`, and returns the error.
#[track_caller]
pub fn near(what: &str, found: f64, expected: f64, tolerance: f64) -> f64 {
    let error = (found - expected).abs();
    assert!(
        error <= tolerance,
        "{what}: found {found}, expected {expected}, error {error:e} > {tolerance:e}"
    );
    error
}

/// As [`near`], for lists.
#[track_caller]
pub fn all_near(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        near(&format!("{what}, element {i}"), found, expected, tolerance);
    }
}

/// The largest difference between two tensors of one shape, relative to magnitudes above 1.
#[track_caller]
pub fn error(found: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(found.shape(), expected.shape(), "shape");
    let pairs = found.to_vec().into_iter().zip(expected.to_vec());
    pairs.map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max)
}

/// Panics unless `found` is `expected` within `tolerance`, relative to magnitudes above 1.
#[track_caller]
pub fn assert_close(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    for (i, (found, expected)) in found.to_vec().into_iter().zip(expected.to_vec()).enumerate() {
        let error = (found - expected).abs() / expected.abs().max(1.0);
        assert!(
            error <= tolerance,
            "{what}, element {i}: found {found}, expected {expected}, error {error:e}"
        );
    }
}

/// The central difference of `f` at `x`.
pub fn difference(f: impl Fn(f64) -> f64, x: f64) -> f64 {
    let h = 1e-6 * x.abs().max(1.0);
    (f(x + h) - f(x - h)) / (2.0 * h)
}

/// The gradient of `f` at `x` by central differences.
pub fn differences(f: impl Fn(&Tensor) -> f64, x: &Tensor) -> Tensor {
    let mut out = Tensor::zeros(x.shape());
    for i in 0..x.size() {
        let at = |step: f64| {
            let mut moved = x.clone();
            let entry = &mut moved.as_mut_slice()[i];
            let old = *entry;
            *entry += step * old.abs().max(1.0);
            let distance = *entry - old;
            (f(&moved), distance)
        };
        let ((above, up), (below, down)) = (at(1e-6), at(-1e-6));
        out.as_mut_slice()[i] = (above - below) / (up - down);
    }
    out
}
