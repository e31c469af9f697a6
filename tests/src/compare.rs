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

/// Central differences of `f` at `x`.
pub fn differences(x: &Tensor, f: impl Fn(&Tensor) -> f64) -> Tensor {
    let h = 1e-6;
    let mut x = x.contiguous();
    let at = |x: &mut Tensor, i: usize, value: f64| {
        let old = std::mem::replace(&mut x.as_mut_slice()[i], value);
        let result = f(x);
        x.as_mut_slice()[i] = old;
        result
    };
    let values = x.to_vec();
    let slopes: Vec<f64> = (0..x.size())
        .map(|i| (at(&mut x, i, values[i] + h) - at(&mut x, i, values[i] - h)) / (2.0 * h))
        .collect();
    Tensor::from(slopes).reshape(x.shape())
}
