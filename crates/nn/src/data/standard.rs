//! Columns with mean 0 and deviation 1.

use super::columns::{Columns, extremes};
use tape::{Element, Error, Tensor};

/// Standardisation of each column of a matrix: `(v - mean) / deviation`, so that every column of the data it was
/// made from has mean 0 and standard deviation 1 (`√(1/n Σ (v - mean)²)`).
///
/// Make it from the training part alone and apply it to all parts: what is known of the others must not reach the
/// model. A constant column becomes 0, exactly, whatever its mean rounds to. The data are copied, never changed in
/// place.
///
/// ```
/// use nn::data::Standard;
/// use tape::Tensor;
/// let x = Tensor::from([[10.0, 7.0], [30.0, 7.0]]);
/// let scale = Standard::of(&x)?;
/// let normal = scale.apply(&x)?;
/// assert_eq!(normal, Tensor::from([[-1.0, 0.0], [1.0, 0.0]]));
/// assert_eq!(scale.undo(&normal)?, x);
/// assert_eq!((scale.mean().to_vec(), scale.deviation().to_vec()), (vec![20.0, 7.0], vec![10.0, 0.0]));
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Standard<T: Element = f64>(Columns<T>);

impl<T: Element> Standard<T> {
    /// Mean and deviation of each column of `x`, `[n, columns]`.
    ///
    /// # Errors
    /// If `x` is not a matrix or has no rows.
    pub fn of(x: &Tensor<T>) -> Result<Standard<T>, Error> {
        let [min, max] = extremes("standard", x)?;
        // The mean of equal numbers may be rounded; their deviation would then be noise to divide by.
        let spread = |moment: Tensor<T>, constant: &Tensor<T>| {
            let columns = moment.to_vec().into_iter().zip(constant.to_vec());
            let range = min.to_vec().into_iter().zip(max.to_vec());
            let chosen = columns.zip(range).map(
                |((moment, constant), (min, max))| {
                    if min == max { constant } else { moment }
                },
            );
            Tensor::from(chosen.collect::<Vec<T>>())
        };
        let zeros = Tensor::zeros(min.shape());
        Standard::from_values(spread(x.mean_axes(0, false), &min), spread(x.std_axes(0, 0, false), &zeros))
    }

    /// With these means and deviations, `[columns]` each: those that [`mean`](Standard::mean) and
    /// [`deviation`](Standard::deviation) gave, and a file kept.
    ///
    /// # Errors
    /// If they are not vectors of one length.
    pub fn from_values(mean: Tensor<T>, deviation: Tensor<T>) -> Result<Standard<T>, Error> {
        if mean.rank() != 1 || mean.shape() != deviation.shape() {
            let (expected, found) = (vec![mean.size()], deviation.shape().dims());
            return Err(Error::Shape { op: "standard", expected, found });
        }
        Ok(Standard(Columns { op: "standard", offset: mean, span: deviation }))
    }

    /// The mean of each column.
    pub fn mean(&self) -> &Tensor<T> {
        &self.0.offset
    }

    /// The standard deviation of each column.
    pub fn deviation(&self) -> &Tensor<T> {
        &self.0.span
    }

    /// The columns of `x` on the scale.
    ///
    /// # Errors
    /// If `x` is not a matrix with as many columns.
    pub fn apply(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        self.0.apply(x)
    }

    /// What [`apply`](Standard::apply) was given.
    ///
    /// # Errors
    /// If `x` is not a matrix with as many columns.
    pub fn undo(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        self.0.undo(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_column_is_zero_whatever_its_mean_rounds_to() {
        // Ten times 0.1 do not add up to 1.
        let x = Tensor::full([10, 1], 0.1);
        let scale = Standard::of(&x).unwrap();
        assert_eq!(scale.apply(&x).unwrap(), Tensor::zeros([10, 1]));
        assert_eq!(scale.undo(&Tensor::zeros([10, 1])).unwrap(), x);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let scale = Standard::of(&Tensor::from([[1.0, 2.0]])).unwrap();
        assert!(scale.apply(&Tensor::from([[1.0]])).is_err() && scale.undo(&Tensor::from([1.0])).is_err());
        assert!(Standard::of(&Tensor::<f64>::zeros([0, 2])).is_err());
        assert!(Standard::from_values(Tensor::from([1.0]), Tensor::from([1.0, 2.0])).is_err());
        assert!(Standard::from_values(Tensor::from([[1.0]]), Tensor::from([[1.0]])).is_err());
    }
}
