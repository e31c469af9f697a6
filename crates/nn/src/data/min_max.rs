//! Scaling of columns to the range from 0 to 1.

use super::columns::{Columns, extremes};
use crate::checkpoint::SavedState;
use crate::files::StateError;
use tape::{Element, Error, Tensor};

/// The names of the saved tensors.
const NAMES: [&str; 2] = ["min", "range"];

/// Min-max normalisation of each column of a matrix: `(v - min) / (max - min)`, so that every column of the
/// fitted data ranges from 0 to 1.
///
/// A constant column becomes 0; in other data it becomes `v - min`. The data are copied, never changed in
/// place.
///
/// ```
/// use nn::data::MinMax;
/// use tape::Tensor;
/// let x = Tensor::from([[10.0, 7.0], [30.0, 7.0], [20.0, 7.0]]);
/// let scale = MinMax::fit(&x)?;
/// let normal = scale.apply(&x)?;
/// assert_eq!(normal, Tensor::from([[0.0, 0.0], [1.0, 0.0], [0.5, 0.0]]));
/// assert_eq!(scale.inverse(&normal)?, x);
/// assert_eq!(scale.apply(&Tensor::from([[40.0, 7.0]]))?, Tensor::from([[1.5, 0.0]]));
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MinMax<T: Element = f64>(Columns<T>);

impl<T: Element> MinMax<T> {
    /// Fits the smallest and largest value of each column of `x`, `[n, columns]`.
    ///
    /// # Errors
    /// If `x` is not a matrix or has no rows, or if a value or the range of a column is not finite.
    pub fn fit(x: &Tensor<T>) -> Result<MinMax<T>, Error> {
        let [min, max] = extremes("min_max", x)?;
        let span = &max - &min;
        Ok(MinMax(Columns { op: "min_max", offset: min, span }))
    }

    /// The state for [`restore`](MinMax::restore): a part of a [checkpoint](crate::checkpoint).
    ///
    /// ```
    /// use nn::checkpoint::Checkpoint;
    /// use nn::data::MinMax;
    /// use tape::Tensor;
    /// let scale = MinMax::fit(&Tensor::from([[10.0, 7.0], [30.0, 7.0]]))?;
    /// let mut checkpoint = Checkpoint::new();
    /// checkpoint.put("inputs", scale.save());
    /// assert_eq!(MinMax::restore(checkpoint.take("inputs")?)?, scale);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&self) -> SavedState<T> {
        self.0.save(NAMES)
    }

    /// The scaling of a state of [`save`](MinMax::save).
    ///
    /// # Errors
    /// If the names are not those of `save`, the tensors are not vectors of equal length, an element is not finite, or a
    /// range is negative.
    pub fn restore(saved: SavedState<T>) -> Result<MinMax<T>, StateError> {
        Ok(MinMax(Columns::restore("min_max", NAMES, saved)?))
    }

    /// Scales the columns of `x`; values outside the fitted range fall outside 0 to 1.
    ///
    /// # Errors
    /// If `x` is not a matrix with the same number of columns.
    pub fn apply(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        self.0.apply(x)
    }

    /// The inverse of [`apply`](MinMax::apply).
    ///
    /// # Errors
    /// If `x` is not a matrix with the same number of columns.
    pub fn inverse(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        self.0.inverse(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_shapes_are_refused() {
        let scale = MinMax::fit(&Tensor::from([[1.0, 2.0]])).unwrap();
        assert!(scale.apply(&Tensor::from([[1.0]])).is_err() && scale.inverse(&Tensor::from([1.0])).is_err());
        assert!(
            MinMax::fit(&Tensor::<f64>::zeros([0, 2])).is_err() && MinMax::fit(&Tensor::from([1.0])).is_err()
        );
    }
}
