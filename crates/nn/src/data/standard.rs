//! Standardisation of columns to mean 0 and standard deviation 1.

use super::columns::{Columns, extremes};
use crate::checkpoint::SavedState;
use crate::files::StateError;
use crate::scaling::power_of_two;
use tape::{Element, Error, Tensor};

/// The names of the saved tensors.
const NAMES: [&str; 2] = ["mean", "deviation"];

/// Standardisation of each column of a matrix: `(v - mean) / deviation`, so that every column of the fitted
/// data has mean 0 and standard deviation 1 (`√(1/n Σ (v - mean)²)`).
///
/// Fit it to the training part alone and apply it to all parts: nothing known about the others may reach the
/// model. A constant column becomes exactly 0, whatever its mean rounds to; in other parts it becomes `v - mean`,
/// as if the deviation were 1. The data are copied, never changed in place.
///
/// ```
/// use nn::data::Standard;
/// use tape::Tensor;
/// let x = Tensor::from([[10.0, 7.0], [30.0, 7.0]]);
/// let scale = Standard::fit(&x)?;
/// let normal = scale.apply(&x)?;
/// assert_eq!(normal, Tensor::from([[-1.0, 0.0], [1.0, 0.0]]));
/// assert_eq!(scale.inverse(&normal)?, x);
/// assert_eq!((scale.mean().to_vec(), scale.deviation().to_vec()), (vec![20.0, 7.0], vec![10.0, 0.0]));
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Standard<T: Element = f64>(Columns<T>);

impl<T: Element> Standard<T> {
    /// Fits the mean and deviation of each column of `x`, `[n, columns]`.
    ///
    /// # Errors
    /// If `x` is not a matrix or has no rows, or if a value or the range of a column is not finite.
    pub fn fit(x: &Tensor<T>) -> Result<Standard<T>, Error> {
        let [min, max] = extremes("standard", x)?;
        // The mean of equal numbers may be rounded; their deviation would then be noise.
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
        // Keeps sums and squares in range. Scaling by a power of two changes only exponents.
        let scale: Vec<T> = min.abs().maximum(max.abs()).to_vec().into_iter().map(power_of_two).collect();
        let scale = Tensor::from(scale);
        let scaled = x / &scale;
        let [mean, deviation] =
            [scaled.mean_axes(0, false), scaled.std_axes(0, 0, false)].map(|moment| &moment * &scale);
        let zeros = Tensor::zeros(min.shape());
        Standard::from_values(spread(mean, &min), spread(deviation, &zeros))
    }

    /// A scaling by given means and deviations, `[columns]` each, such as those of [`mean`](Standard::mean)
    /// and [`deviation`](Standard::deviation) restored from a file.
    ///
    /// ```
    /// use nn::data::Standard;
    /// use tape::Tensor;
    /// let scale = Standard::from_values(Tensor::from([20.0]), Tensor::from([10.0]))?;
    /// assert_eq!(scale.apply(&Tensor::from([[35.0]]))?, Tensor::from([[1.5]]));
    /// assert!(Standard::from_values(Tensor::from([20.0]), Tensor::from([-1.0])).is_err());
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// If they are not vectors of equal length, if an element is not finite, or if a deviation is negative.
    pub fn from_values(mean: Tensor<T>, deviation: Tensor<T>) -> Result<Standard<T>, Error> {
        if mean.rank() != 1 || mean.shape() != deviation.shape() {
            let (expected, found) = (vec![mean.size()], deviation.shape().dims());
            return Err(Error::Shape { op: "standard", expected, found });
        }
        let wrong = |v: &T, deviation| !v.is_finite() || (deviation && *v < T::ZERO);
        for (name, values) in [("mean", &mean), ("deviation", &deviation)] {
            if let Some(found) = values.to_vec().iter().find(|v| wrong(v, name == "deviation")) {
                let reason =
                    format!("expected finite means and deviations of 0 or more, found {name} {found}");
                return Err(Error::Invalid { op: "standard", reason });
            }
        }
        Ok(Standard(Columns { op: "standard", offset: mean, span: deviation }))
    }

    /// The state for [`restore`](Standard::restore): a part of a [checkpoint](crate::checkpoint).
    ///
    /// ```
    /// use nn::checkpoint::Checkpoint;
    /// use nn::data::Standard;
    /// use tape::Tensor;
    /// let scale = Standard::fit(&Tensor::from([[10.0, 7.0], [30.0, 7.0]]))?;
    /// let mut checkpoint = Checkpoint::new();
    /// checkpoint.put("inputs", scale.save());
    /// assert_eq!(Standard::restore(checkpoint.take("inputs")?)?, scale);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&self) -> SavedState<T> {
        self.0.save(NAMES)
    }

    /// The scaling of a state of [`save`](Standard::save).
    ///
    /// # Errors
    /// If the names are not those of `save`, the tensors are not vectors of equal length, an element is not finite, or a
    /// deviation is negative.
    pub fn restore(saved: SavedState<T>) -> Result<Standard<T>, StateError> {
        Ok(Standard(Columns::restore("standard", NAMES, saved)?))
    }

    /// The mean of each column.
    pub fn mean(&self) -> &Tensor<T> {
        &self.0.offset
    }

    /// The standard deviation of each column.
    pub fn deviation(&self) -> &Tensor<T> {
        &self.0.span
    }

    /// Standardises the columns of `x`.
    ///
    /// # Errors
    /// If `x` is not a matrix with the same number of columns.
    pub fn apply(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        self.0.apply(x)
    }

    /// The inverse of [`apply`](Standard::apply).
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
    use crate::data::MinMax;

    #[test]
    fn inverse_gives_back_what_apply_was_given_also_in_a_constant_column() {
        let train: Tensor = Tensor::from([[7.0, 0.1, 0.0], [7.0, 0.1, 4.0], [7.0, 0.1, 2.0]]);
        let other: Tensor = Tensor::from([[9.0, -0.5, 3.0], [7.0, 0.1, 1.0]]);
        let (standard, min_max) = (Standard::fit(&train).unwrap(), MinMax::fit(&train).unwrap());
        for back in [
            standard.inverse(&standard.apply(&other).unwrap()).unwrap(),
            min_max.inverse(&min_max.apply(&other).unwrap()).unwrap(),
        ] {
            for (back, other) in back.to_vec().into_iter().zip(other.to_vec()) {
                assert!((back - other).abs() <= 1e-15 * other.abs(), "{back} != {other}");
            }
        }
        assert_eq!(standard.apply(&other).unwrap().slice(1, ..1).to_vec(), [2.0, 0.0]);
    }

    #[test]
    fn columns_of_every_magnitude_come_to_the_scale_and_back() {
        fn check<T: Element>(size: f64) {
            let x = Tensor::from([[3.0], [-1.0], [2.0], [0.5]]).map_elements(|v| v * size);
            let x: Tensor<T> = x.cast();
            for normal in [
                Standard::fit(&x).and_then(|scale| Ok((scale.apply(&x)?, scale.inverse(&scale.apply(&x)?)?))),
                MinMax::fit(&x).and_then(|scale| Ok((scale.apply(&x)?, scale.inverse(&scale.apply(&x)?)?))),
            ] {
                let (normal, back) = normal.unwrap();
                let spread = (normal.max() - normal.min()).to_f64();
                assert!((0.99..3.0).contains(&spread), "{size:e}: {spread}");
                for (back, x) in back.to_vec().into_iter().zip(x.to_vec()) {
                    let error = (back.to_f64() - x.to_f64()).abs() / size;
                    assert!(error <= 8.0 * T::EPSILON.to_f64(), "{size:e}: {back} != {x}");
                }
            }
        }
        [1e-300, 1e-200, 1e-160, 1.0, 1e155, 1e200, 4e307].into_iter().for_each(check::<f64>);
        [1e-35, 1e-25, 1.0, 1e25, 8e37].into_iter().for_each(check::<f32>);
        // Many numbers near the limit: their sum is beyond it.
        let x = Tensor::from_fn([8, 1], |i| if i[0] % 2 == 0 { 1.5e308 } else { 1.25e308 });
        let scale = Standard::fit(&x).unwrap();
        assert_eq!((scale.mean().item(), scale.deviation().item()), (1.375e308, 0.125e308));
    }

    #[test]
    fn the_scale_has_the_bits_of_mean_and_deviation() {
        let x = Tensor::from_fn([37, 2], |i| ((i[0] * 7 + i[1]) as f64).sin() * 3.0 + 0.1);
        let scale = Standard::fit(&x).unwrap();
        assert_eq!(scale.mean(), &x.mean_axes(0, false));
        assert_eq!(scale.deviation(), &x.std_axes(0, 0, false));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let of = |x: [[f64; 2]; 2]| {
            let x = Tensor::from(x);
            [Standard::fit(&x).unwrap_err(), MinMax::fit(&x).unwrap_err()].map(|error| error.to_string())
        };
        let [standard, min_max] = of([[1.0, 2.0], [3.0, f64::NAN]]);
        assert_eq!(standard, "standard: expected finite values, found NaN in row 1, column 1");
        assert_eq!(min_max, "min_max: expected finite values, found NaN in row 1, column 1");
        let [standard, _] = of([[1.0, f64::NEG_INFINITY], [3.0, 2.0]]);
        assert_eq!(standard, "standard: expected finite values, found -inf in row 0, column 1");
        let [_, min_max] = of([[1.5e308, 0.0], [-1.5e308, 2.0]]);
        assert!(min_max.starts_with("min_max: expected a finite range, found -15"), "{min_max}");
        for (mean, deviation) in [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (0.0, -1.0), (0.0, f64::NAN)] {
            let error = Standard::from_values(Tensor::from([mean]), Tensor::from([deviation])).unwrap_err();
            assert!(error.to_string().contains("expected finite means and deviations"), "{error}");
        }
    }

    #[test]
    fn a_constant_column_is_zero_whatever_its_mean_rounds_to() {
        // Ten times 0.1 do not add up to 1.
        let x = Tensor::full([10, 1], 0.1);
        let scale = Standard::fit(&x).unwrap();
        assert_eq!(scale.apply(&x).unwrap(), Tensor::zeros([10, 1]));
        assert_eq!(scale.inverse(&Tensor::zeros([10, 1])).unwrap(), x);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let scale = Standard::fit(&Tensor::from([[1.0, 2.0]])).unwrap();
        assert!(scale.apply(&Tensor::from([[1.0]])).is_err() && scale.inverse(&Tensor::from([1.0])).is_err());
        assert!(Standard::fit(&Tensor::<f64>::zeros([0, 2])).is_err());
        assert!(Standard::from_values(Tensor::from([1.0]), Tensor::from([1.0, 2.0])).is_err());
        assert!(Standard::from_values(Tensor::from([[1.0]]), Tensor::from([[1.0]])).is_err());
    }
}
