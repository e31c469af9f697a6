//! Tolerances, and comparing within them.

use tape::Tensor;

/// The engine against a closed form: both round differently, so a few units in the last place of f64 per layer.
pub const EXACT: f64 = 1e-12;
/// Against central differences with h = 1e-6: h² from the third derivative and 1e-16 / h from rounding.
pub const DIFFERENCES: f64 = 1e-6;

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
