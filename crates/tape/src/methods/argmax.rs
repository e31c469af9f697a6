//! Positions of the largest and the smallest element. Integers have no derivative, so they are not operations.

use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::tape::Var;
use crate::tensor::Tensor;

/// The position of the first element that no other beats, or of the first NaN if there is one.
fn first_best<T: Element>(x: &[T], beats: impl Fn(T, T) -> bool) -> usize {
    let mut best = 0;
    for (i, &value) in x.iter().enumerate() {
        if value.is_nan() {
            return i;
        }
        if beats(value, x[best]) {
            best = i;
        }
    }
    best
}

#[track_caller]
fn all<T: Element>(op: &'static str, x: &Tensor<T>, beats: impl Fn(T, T) -> bool) -> usize {
    if x.size() == 0 {
        Error::Empty { op, shape: x.shape().dims() }.panic();
    }
    error::expect(x.fits_copied(op));
    first_best(&x.to_vec(), beats)
}

#[track_caller]
fn along<T: Element>(
    op: &'static str,
    x: &Tensor<T>,
    axis: isize,
    beats: impl Fn(T, T) -> bool + Copy,
) -> Vec<usize> {
    let axis = error::expect(x.shape().axis(axis).map_err(|error| error.named(op)));
    let extent = x.shape()[axis];
    let others: Vec<usize> = (0..x.rank()).filter(|&other| other != axis).collect();
    let rows: usize = others.iter().map(|&other| x.shape()[other]).product();
    if extent == 0 && rows > 0 {
        Error::Empty { op, shape: x.shape().dims() }.panic();
    }
    error::expect(x.fits_copied(op));
    let order: Vec<usize> = others.into_iter().chain([axis]).collect();
    x.permuted(&order).to_vec().chunks_exact(extent.max(1)).map(|row| first_best(row, beats)).collect()
}

impl<T: Element> Tensor<T> {
    /// The row-major position of the largest element: the first of equals, the first NaN if there is one.
    ///
    /// # Panics
    /// If there are no elements.
    #[track_caller]
    pub fn argmax(&self) -> usize {
        all("argmax", self, |a, b| a > b)
    }

    /// The position of the largest element along `axis`, for each index of the other axes in row-major order.
    ///
    /// ```
    /// use tape::Tensor;
    /// let x = Tensor::from([[1.0, 3.0, 3.0], [2.0, 2.0, 0.0]]);
    /// assert_eq!(x.argmax_axis(1), [1, 0]);
    /// assert_eq!(x.argmin_axis(0), [0, 1, 1]);
    /// assert_eq!((x.argmax(), x.argmin()), (1, 5));
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist or has no elements.
    #[track_caller]
    pub fn argmax_axis(&self, axis: isize) -> Vec<usize> {
        along("argmax", self, axis, |a, b| a > b)
    }

    /// The row-major position of the smallest element: the first of equals, the first NaN if there is one.
    ///
    /// # Panics
    /// If there are no elements.
    #[track_caller]
    pub fn argmin(&self) -> usize {
        all("argmin", self, |a, b| a < b)
    }

    /// The position of the smallest element along `axis`. See [`argmax_axis`](Tensor::argmax_axis).
    ///
    /// # Panics
    /// If the axis does not exist or has no elements.
    #[track_caller]
    pub fn argmin_axis(&self, axis: isize) -> Vec<usize> {
        along("argmin", self, axis, |a, b| a < b)
    }
}

impl<T: Element> Var<'_, T> {
    /// See [`Tensor::argmax`].
    #[track_caller]
    pub fn argmax(self) -> usize {
        self.read("argmax").argmax()
    }

    /// See [`Tensor::argmax_axis`].
    #[track_caller]
    pub fn argmax_axis(self, axis: isize) -> Vec<usize> {
        self.read("argmax").argmax_axis(axis)
    }

    /// See [`Tensor::argmin`].
    #[track_caller]
    pub fn argmin(self) -> usize {
        self.read("argmin").argmin()
    }

    /// See [`Tensor::argmin_axis`].
    #[track_caller]
    pub fn argmin_axis(self, axis: isize) -> Vec<usize> {
        self.read("argmin").argmin_axis(axis)
    }
}
