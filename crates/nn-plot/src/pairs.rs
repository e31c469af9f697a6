//! Tensors as points.

use crate::error::PlotError;
use tape::{Element, Tensor};

/// The rows of a tensor `[.., 2]` as points, in order.
///
/// # Errors
/// If the last extent is not 2.
///
/// ```
/// use nn_plot::pairs;
/// use tape::Tensor;
/// let x: Tensor<f32> = Tensor::from([[0.0, 1.0], [2.0, 0.5]]);
/// assert_eq!(pairs(&x)?, [(0.0, 1.0), (2.0, 0.5)]);
/// let error = pairs(&x.reshape([4])).unwrap_err().to_string();
/// assert_eq!(error, "points: expected shape [.., 2], found [4]");
/// # Ok::<(), nn_plot::PlotError>(())
/// ```
pub fn pairs<T: Element>(x: &Tensor<T>) -> Result<Vec<(f64, f64)>, PlotError> {
    match x.shape()[..] {
        [.., 2] => Ok(x.cast::<f64>().to_vec().chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()),
        _ => {
            let found = x.shape().to_vec();
            Err(PlotError::data(format!("points: expected shape [.., 2], found {found:?}")))
        }
    }
}
