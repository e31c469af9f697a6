//! Columns on a common scale.

use tape::{Element, Error, Tensor};

/// Min-max normalisation of each column of a matrix: `(v - min) / (max - min)`, so that every column of the data it
/// was made from runs from 0 to 1.
///
/// A constant column becomes 0. The data are copied, never changed in place.
///
/// ```
/// use nn::data::MinMax;
/// use tape::Tensor;
/// let x = Tensor::from([[10.0, 7.0], [30.0, 7.0], [20.0, 7.0]]);
/// let scale = MinMax::of(&x)?;
/// let normal = scale.apply(&x)?;
/// assert_eq!(normal, Tensor::from([[0.0, 0.0], [1.0, 0.0], [0.5, 0.0]]));
/// assert_eq!(scale.undo(&normal)?, x);
/// assert_eq!(scale.apply(&Tensor::from([[40.0, 7.0]]))?, Tensor::from([[1.5, 0.0]]));
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MinMax<T: Element = f64> {
    min: Tensor<T>,
    max: Tensor<T>,
}

impl<T: Element> MinMax<T> {
    /// The smallest and largest value of each column of `x`, `[n, columns]`.
    ///
    /// # Errors
    /// If `x` is not a matrix or has no rows.
    pub fn of(x: &Tensor<T>) -> Result<MinMax<T>, Error> {
        if x.rank() != 2 || x.shape()[0] == 0 {
            let found = x.shape().dims();
            return Err(Error::Rank { op: "min_max", expected: "a matrix with one row or more", found });
        }
        let max = x.max_axes(0, false);
        let min = -&(-x).max_axes(0, false);
        Ok(MinMax { min, max })
    }

    /// The columns of `x` on the scale; values outside the range of the data leave 0 to 1.
    ///
    /// # Errors
    /// If `x` is not a matrix with as many columns.
    pub fn apply(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        self.each(x, |v, min, span| if span == T::ZERO { T::ZERO } else { (v - min) / span })
    }

    /// What [`apply`](MinMax::apply) was given.
    ///
    /// # Errors
    /// If `x` is not a matrix with as many columns.
    pub fn undo(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        self.each(x, |v, min, span| min + v * span)
    }

    fn each(&self, x: &Tensor<T>, f: impl Fn(T, T, T) -> T) -> Result<Tensor<T>, Error> {
        let columns = self.min.size();
        if x.rank() != 2 || x.shape()[1] != columns {
            let (expected, found) = (vec![columns], x.shape().dims());
            return Err(Error::Shape { op: "min_max", expected, found });
        }
        let (min, max) = (self.min.to_vec(), self.max.to_vec());
        let mut out = x.clone();
        for row in out.as_mut_slice().chunks_exact_mut(columns.max(1)) {
            for ((v, &min), &max) in row.iter_mut().zip(&min).zip(&max) {
                *v = f(*v, min, max - min);
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_shapes_are_refused() {
        let scale = MinMax::of(&Tensor::from([[1.0, 2.0]])).unwrap();
        assert!(scale.apply(&Tensor::from([[1.0]])).is_err() && scale.undo(&Tensor::from([1.0])).is_err());
        assert!(
            MinMax::of(&Tensor::<f64>::zeros([0, 2])).is_err() && MinMax::of(&Tensor::from([1.0])).is_err()
        );
    }
}
