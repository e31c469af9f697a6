//! Tensors made from indices and coordinates.

use super::Tensor;
use crate::error::Error;
use crate::index::Index;
use crate::rules::algebra::Element;
use crate::shape::Shape;

impl<T: Element> Tensor<T> {
    /// One row of `classes` zeros for each entry of the index, with a 1 at that position.
    ///
    /// ```
    /// use tape::Tensor;
    /// let y: Tensor = Tensor::one_hot([2, 0], 3)?;
    /// assert_eq!(y, Tensor::from([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Index`] if an entry is out of range for a row; [`Error::Size`] and [`Error::Memory`] if a
    /// tensor of this size cannot exist or does not fit in memory.
    pub fn one_hot(index: impl Into<Index>, classes: usize) -> Result<Tensor<T>, Error> {
        let index = index.into();
        let shape: Shape = index.shape().iter().copied().chain([classes]).collect();
        index.check(shape.rank() - 1, &shape).map_err(|error| error.named("one_hot"))?;
        Tensor::<T>::fits("one_hot", &shape)?;
        let mut out = Tensor::zeros(shape);
        for (row, &i) in out.as_mut_slice().chunks_exact_mut(classes.max(1)).zip(index.as_slice()) {
            row[i] = T::ONE;
        }
        Ok(out)
    }

    /// The coordinates of every point of a grid: tensor `k` holds at `[i, j, ..]` the element of
    /// `axes[k]` selected by the `k`-th index (NumPy's `indexing="ij"`). Free: the results are views that
    /// repeat their axis.
    ///
    /// ```
    /// use tape::Tensor;
    /// let (x, y) = (Tensor::from([1.0, 2.0]), Tensor::from([3.0, 4.0, 5.0]));
    /// let grid = Tensor::meshgrid(&[&x, &y])?;
    /// assert_eq!(grid[0], Tensor::from([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]));
    /// assert_eq!(grid[1], Tensor::from([[3.0, 4.0, 5.0], [3.0, 4.0, 5.0]]));
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Rank`] if a tensor is not a vector; [`Error::Size`] if there are more points than a
    /// tensor can hold.
    pub fn meshgrid(axes: &[&Tensor<T>]) -> Result<Vec<Tensor<T>>, Error> {
        if let Some(other) = axes.iter().find(|axis| axis.rank() != 1) {
            let found = other.shape().dims();
            return Err(Error::Rank { op: "meshgrid", expected: "vectors", found });
        }
        let shape: Shape = axes.iter().map(|axis| axis.size()).collect();
        shape.elements::<T>().map_err(|error| error.named("meshgrid"))?;
        let point = |(k, axis): (usize, &&Tensor<T>)| {
            let along: Shape =
                (0..axes.len()).map(|other| if other == k { axis.size() } else { 1 }).collect();
            axis.reshaped(along).stretched(&shape)
        };
        Ok(axes.iter().enumerate().map(point).collect())
    }
}

impl Index {
    /// The same entries as floating-point elements.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full).
    #[track_caller]
    pub fn to_tensor<T: Element>(&self) -> Tensor<T> {
        Tensor::build_for("to_tensor", self.shape().clone(), |out| {
            for (out, &i) in out.iter_mut().zip(self.as_slice()) {
                *out = T::from_usize(i);
            }
        })
    }
}
