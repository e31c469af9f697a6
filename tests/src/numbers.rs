//! Comparing numbers, and derivatives by differences.

/// Panics unless `found` is `expected` within `tolerance`.
#[track_caller]
pub fn near(found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(error <= tolerance, "found {found}, expected {expected}, error {error:e} above {tolerance:e}");
}

/// As [`near`], for lists.
#[track_caller]
pub fn all_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).for_each(|(&found, &expected)| near(found, expected, tolerance));
}

/// The central difference of `f` at `x`.
pub fn difference(f: impl Fn(f64) -> f64, x: f64) -> f64 {
    let h = 1e-6 * x.abs().max(1.0);
    (f(x + h) - f(x - h)) / (2.0 * h)
}
