//! Sorting. The order is plain data, found once; the values are gathered by it and differentiable.

use crate::error::{self, Error};
use crate::index::Index;
use crate::rules::algebra::Element;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::cmp::Ordering;

/// Compares for ascending order; NaN is larger than every number.
pub(super) fn ascending<T: Element>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The first `k` positions along `axis` in sorted order (all, if `None`); ties keep their original order.
#[track_caller]
pub(super) fn order<T: Element>(
    op: &'static str,
    x: &Tensor<T>,
    axis: isize,
    descending: bool,
    k: Option<usize>,
) -> Index {
    let axis = error::expect(x.shape().axis(axis).map_err(|error| error.named(op)));
    let extent = x.shape()[axis];
    let k = k.unwrap_or(extent);
    if k > extent {
        let reason = format!("expected at most the {extent} elements of axis {axis}, found {k}");
        Error::Invalid { op, reason }.panic();
    }
    error::expect(x.fits_copied(op));
    let mut shape = x.shape().clone();
    shape.set(axis, k);
    let inner: usize = shape[axis + 1..].iter().product();
    let axes: Vec<usize> = (0..x.rank()).filter(|&other| other != axis).chain([axis]).collect();
    let values = x.permuted(&axes).to_vec();
    let mut found = vec![0; shape.size()];
    for (lane, values) in values.chunks_exact(extent.max(1)).enumerate() {
        let mut positions: Vec<usize> = (0..extent).collect();
        positions.sort_by(|&a, &b| match descending {
            false => ascending(values[a], values[b]),
            true => ascending(values[b], values[a]),
        });
        for (i, position) in positions.into_iter().take(k).enumerate() {
            found[(lane / inner * k + i) * inner + lane % inner] = position;
        }
    }
    error::expect(Index::new(shape, found))
}

impl<T: Element> Tensor<T> {
    /// The positions along `axis` in the order of their elements. Ties keep their original order; NaN counts
    /// as larger than every number.
    ///
    /// ```
    /// use tape::{Index, Tensor};
    /// let x = Tensor::from([2.0, 3.0, 1.0, 3.0]);
    /// assert_eq!(x.argsort(0, false), Index::from([2, 0, 1, 3]));
    /// assert_eq!(x.argsort(0, true), Index::from([1, 3, 0, 2]));
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn argsort(&self, axis: isize, descending: bool) -> Index {
        order("argsort", self, axis, descending, None)
    }

    /// The elements sorted along `axis`, and their original positions. See [`argsort`](Tensor::argsort) for
    /// ties and NaN.
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn sort(&self, axis: isize, descending: bool) -> (Tensor<T>, Index) {
        let index = order("sort", self, axis, descending, None);
        (self.gather(axis, &index), index)
    }

    /// The `k` largest (or smallest) elements along `axis` in sorted order, and their original positions. See
    /// [`argsort`](Tensor::argsort) for ties and NaN.
    ///
    /// # Panics
    /// If the axis does not exist or has fewer than `k` elements.
    #[track_caller]
    pub fn topk(&self, k: usize, axis: isize, largest: bool) -> (Tensor<T>, Index) {
        let index = order("topk", self, axis, largest, Some(k));
        (self.gather(axis, &index), index)
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// See [`Tensor::argsort`].
    #[track_caller]
    pub fn argsort(self, axis: isize, descending: bool) -> Index {
        self.read("argsort").argsort(axis, descending)
    }

    /// The elements sorted along `axis`, and their original positions: see [`Tensor::sort`]. Each element's
    /// cotangent goes back to its original position ([`Gather`](crate::ops::Gather)).
    ///
    /// ```
    /// use tape::{Index, Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.var([3.0, 1.0, 2.0]);
    /// let (values, index) = x.sort(0, false);
    /// assert_eq!((values.value(), index), (Tensor::from([1.0, 2.0, 3.0]), Index::from([1, 2, 0])));
    /// assert_eq!(values.vjp([1.0, 10.0, 100.0]).wrt(x), Tensor::from([100.0, 1.0, 10.0]));
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn sort(self, axis: isize, descending: bool) -> (Var<'t, T>, Index) {
        let index = order("sort", &self.read("sort"), axis, descending, None);
        (self.gather(axis, &index), index)
    }

    /// The `k` largest (or smallest) elements along `axis` in sorted order, and their original positions: see
    /// [`Tensor::topk`]. The other elements get the cotangent 0.
    ///
    /// ```
    /// use tape::{Index, Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.var([3.0, 1.0, 3.0, 2.0]);
    /// let (values, index) = x.topk(2, 0, true);
    /// assert_eq!((values.value(), index), (Tensor::from([3.0, 3.0]), Index::from([0, 2])));
    /// assert_eq!(values.vjp([1.0, 10.0]).wrt(x), Tensor::from([1.0, 0.0, 10.0, 0.0]));
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist or has fewer than `k` elements.
    #[track_caller]
    pub fn topk(self, k: usize, axis: isize, largest: bool) -> (Var<'t, T>, Index) {
        let index = order("topk", &self.read("topk"), axis, largest, Some(k));
        (self.gather(axis, &index), index)
    }
}
