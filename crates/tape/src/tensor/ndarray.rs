//! Tensors as arrays of the crate `ndarray`, and arrays as tensors, without copying.

use super::Tensor;
use super::buffer::Buffer;
use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::shape::Shape;
use ndarray::{Array, ArrayViewD, Axis, Dimension, IxDyn, ShapeBuilder};
use triomphe::Arc;

impl<T: Element> Tensor<T> {
    /// The elements as an array of the crate `ndarray`, which borrows them. Nothing is copied: a transposed, sliced, reversed
    /// or broadcast tensor is viewed through its strides. With the feature `ndarray`.
    ///
    /// ```
    /// use tape::Tensor;
    /// let x: Tensor = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// let view = x.view_ndarray();
    /// assert_eq!(view, ndarray::arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).into_dyn());
    /// assert_eq!(Some(view.as_ptr()), x.as_slice().map(<[f64]>::as_ptr));
    /// assert_eq!(x.transpose().view_ndarray(), view.t());
    /// ```
    #[track_caller]
    pub fn view_ndarray(&self) -> ArrayViewD<'_, T> {
        let extents = IxDyn(&self.shape);
        let view = if self.shape.contains(&0) {
            ArrayViewD::from_shape(extents, &[])
        } else {
            // A reversed axis is one from its last element, reversed.
            let before = |(&step, &extent): (&isize, &usize)| {
                if step < 0 { step.unsigned_abs() * (extent - 1) } else { 0 }
            };
            let first = self.offset - self.strides.iter().zip(self.shape.iter()).map(before).sum::<usize>();
            let steps: Vec<usize> = self.strides.iter().map(|step| step.unsigned_abs()).collect();
            ArrayViewD::from_shape(extents.strides(IxDyn(&steps)), &self.buffer()[first..])
        };
        match view {
            Ok(mut view) => {
                let reversed = self.strides.iter().enumerate().filter(|&(_, &step)| step < 0);
                reversed.for_each(|(axis, _)| view.invert_axis(Axis(axis)));
                view
            }
            Err(found) => {
                let reason = format!("expected strides within the buffer, found {:?}: {found}", self.strides);
                Error::Invalid { op: "view_ndarray", reason }.panic()
            }
        }
    }
}

/// An array of the crate `ndarray` as a tensor, which takes over its buffer; one that is not in row-major order is copied.
/// With the feature `ndarray`.
///
/// ```
/// use tape::Tensor;
/// let array = ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]);
/// let before = array.as_ptr();
/// let x = Tensor::from(array);
/// assert_eq!(x.as_slice().map(<[f64]>::as_ptr), Some(before));
/// assert_eq!(x, Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
/// let reversed = ndarray::arr1(&[1.0, 2.0, 3.0]).slice_move(ndarray::s![..;-1]);
/// assert_eq!(Tensor::from(reversed), Tensor::from([3.0, 2.0, 1.0]));
/// ```
///
/// # Panics
/// If the system has no memory for a copy.
impl<T: Element, D: Dimension> From<Array<T, D>> for Tensor<T> {
    #[track_caller]
    fn from(array: Array<T, D>) -> Tensor<T> {
        let shape = Shape::from(array.shape());
        if !array.is_standard_layout() {
            error::expect(Tensor::<T>::fits("from", &shape));
            let elements = array.iter().copied().collect();
            return error::expect(Tensor::from_vec(shape, elements));
        }
        let (elements, offset) = array.into_raw_vec_and_offset();
        let strides = shape.strides();
        Tensor { data: Buffer(Some(Arc::new(elements))), offset: offset.unwrap_or(0), shape, strides }
    }
}
