//! Regression metrics.

use crate::scaling::power_of_two;
use tape::{Element, Error, Tensor};

/// The root of the mean squared error, `√(1/(nm) Σ (A - Y)²)`, in the units of the targets. NaN if there are none.
///
/// # Errors
/// Predictions and targets of different shapes.
///
/// ```
/// use nn::metrics::rmse;
/// use tape::Tensor;
/// assert_eq!(rmse(&Tensor::from([[1.0], [7.0]]), &Tensor::from([[1.0], [3.0]]))?, 8f64.sqrt());
/// # Ok::<(), tape::Error>(())
/// ```
pub fn rmse<T: Element>(predicted: &Tensor<T>, wanted: &Tensor<T>) -> Result<f64, Error> {
    let residual = residual("rmse", predicted, wanted)?;
    let scale = scale(&[&residual]);
    let residual = &residual / scale;
    Ok((&residual * &residual).mean().sqrt() * scale)
}

/// The coefficient of determination, `R² = 1 - Σ (A - Y)² / Σ (Y - Ȳ)²`, where `Ȳ` is the mean of each column of the
/// targets: 1 if all is explained, 0 if the predictions are no better than that mean, negative if they are worse.
///
/// Several columns count by their variance. Constant targets have nothing to explain: -∞, or NaN if they are
/// met exactly. NaN if there are no targets.
///
/// # Shapes
/// Both `[n, ..]`.
///
/// # Errors
/// Predictions and targets of different shapes, or without axes.
///
/// ```
/// use nn::metrics::r_squared;
/// use tape::Tensor;
/// let wanted = Tensor::from([[1.0], [2.0], [6.0]]);
/// assert_eq!(r_squared(&wanted, &wanted)?, 1.0);
/// assert_eq!(r_squared(&Tensor::full([3, 1], 3.0), &wanted)?, 0.0);
/// assert_eq!(r_squared(&Tensor::from([[1.0], [3.0], [5.0]]), &wanted)?, 1.0 - 2.0 / 14.0);
/// # Ok::<(), tape::Error>(())
/// ```
pub fn r_squared<T: Element>(predicted: &Tensor<T>, wanted: &Tensor<T>) -> Result<f64, Error> {
    if wanted.rank() == 0 {
        return Err(Error::Rank { op: "r_squared", expected: "at least one axis", found: vec![] });
    }
    let (predicted, wanted) = (predicted.cast::<f64>(), wanted.cast::<f64>());
    let scale = scale(&[&predicted, &wanted]);
    let (predicted, wanted) = (&predicted / scale, &wanted / scale);
    let residual = residual("r_squared", &predicted, &wanted)?;
    let spread = &wanted - &wanted.mean_axes(0, true);
    Ok(1.0 - (&residual * &residual).sum() / (&spread * &spread).sum())
}

/// A scale that keeps the squares of these numbers in range.
fn scale(of: &[&Tensor<f64>]) -> f64 {
    power_of_two(of.iter().flat_map(|t| t.to_vec()).fold(0.0, |largest: f64, x| largest.max(x.abs())))
}

/// `A - Y` in double precision.
fn residual<T: Element>(
    op: &'static str,
    predicted: &Tensor<T>,
    wanted: &Tensor<T>,
) -> Result<Tensor<f64>, Error> {
    if predicted.shape() != wanted.shape() {
        let (expected, found) = (wanted.shape().dims(), predicted.shape().dims());
        return Err(Error::Shape { op, expected, found });
    }
    Ok(&predicted.cast::<f64>() - &wanted.cast::<f64>())
}
