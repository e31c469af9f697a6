//! Binary search in sorted elements. Positions have no derivative, so it is not an operation.

use super::sort::ascending;
use crate::error::{self, Error};
use crate::index::Index;
use crate::operand::Operand;
use crate::rules::algebra::Element;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::cmp::Ordering;

fn found<T: Element>(sorted: &Tensor<T>, values: &Tensor<T>, right: bool) -> Result<Index, Error> {
    const OP: &str = "searchsorted";
    let Some((&length, leading)) = sorted.shape().split_last() else {
        return Err(Error::Rank { op: OP, expected: "rank 1 or more", found: Vec::new() });
    };
    let shape = values.shape();
    let per_row = match shape.split_last() {
        _ if leading.is_empty() => values.size(),
        Some((&last, others)) if others == leading => last,
        _ => {
            let count = shape.last().copied().unwrap_or(1);
            let expected = leading.iter().copied().chain([count]).collect();
            return Err(Error::Shape { op: OP, expected, found: shape.dims() });
        }
    };
    sorted.fits_copied(OP)?;
    values.fits_copied(OP)?;
    let (elements, values) = (sorted.elements(), values.elements());
    let row = |i: usize| &elements[i * length..][..length];
    for i in 0..leading.iter().product() {
        let falls = |pair: &[T]| ascending(pair[0], pair[1]) == Ordering::Greater;
        if let Some(at) = row(i).windows(2).position(falls) {
            let (a, b) = (row(i)[at], row(i)[at + 1]);
            let reason =
                format!("expected elements in ascending order along the last axis, found {a} before {b}");
            return Err(Error::Invalid { op: OP, reason });
        }
    }
    let before = |x: T, value: T| match ascending(x, value) {
        Ordering::Less => true,
        Ordering::Equal => right,
        Ordering::Greater => false,
    };
    let position = |(i, &value): (usize, &T)| row(i / per_row).partition_point(|&x| before(x, value));
    let positions: Vec<usize> = values.iter().enumerate().map(position).collect();
    Index::new(shape, positions)
}

impl<T: Element> Tensor<T> {
    /// The positions at which values can be inserted into sorted elements so that these stay sorted
    /// (`searchsorted`, `bucketize`): before equal ones, or behind them with `right`. NaN counts as larger than every number.
    ///
    /// A vector is searched for values of any shape; otherwise the search is along the last axis, and all other extents are
    /// those of `values`. The result has the shape of `values`.
    ///
    /// ```
    /// use tape::{Index, Tensor};
    /// let edges = Tensor::from([0.0, 1.0, 1.0, 2.0]);
    /// let values = Tensor::from([-1.0, 1.0, 1.5, 9.0]);
    /// assert_eq!(edges.searchsorted(&values, false), Index::from([0, 1, 3, 4]));
    /// assert_eq!(edges.searchsorted(&values, true), Index::from([0, 3, 3, 4]));
    /// ```
    ///
    /// # Panics
    /// If there is no axis, the other extents differ, or the elements are not in ascending order.
    #[track_caller]
    pub fn searchsorted(&self, values: impl Operand<Tensor<T>>, right: bool) -> Index {
        error::expect(found(self, &values.beside(self), right))
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// See [`Tensor::searchsorted`].
    #[track_caller]
    pub fn searchsorted(self, values: impl Operand<Var<'t, T>>, right: bool) -> Index {
        error::expect(found(&self.value(), &values.beside(&self).value(), right))
    }
}
