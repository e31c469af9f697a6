//! Views: other shapes and strides over the same buffer. All of them are free. The caller checks shapes;
//! that a tensor of the shape can exist is checked here.

use super::Tensor;
use crate::rules::algebra::Element;
use crate::shape::{Shape, Strides, collect_small, copied};

impl<T: Element> Tensor<T> {
    /// Every step along an axis must lead from one element to another: `offset + Σ index · stride` lies
    /// in the buffer, for every index and for every partial sum.
    #[track_caller]
    fn view(&self, offset: usize, shape: Shape, strides: Strides) -> Tensor<T> {
        debug_assert_eq!(shape.rank(), strides.len());
        if let Err(error) = shape.elements::<T>().map_err(|error| error.named("view")) {
            error.panic();
        }
        Tensor { data: self.data.clone(), offset, shape, strides }
    }

    /// The same elements in row-major order under another shape of the same size.
    pub(crate) fn reshaped(&self, shape: Shape) -> Tensor<T> {
        debug_assert_eq!(self.size(), shape.size());
        let source = self.compact();
        let strides = shape.strides();
        source.view(source.offset, shape, strides)
    }

    /// Axis `i` of the result is axis `order[i]` of `self`.
    pub(crate) fn permuted(&self, order: &[usize]) -> Tensor<T> {
        let shape = Shape::collect_small(order.len(), |k| self.shape[order[k]]);
        let strides = collect_small(order.len(), 0, |k| self.strides[order[k]]);
        self.view(self.offset, shape, strides)
    }

    /// The last two axes exchanged.
    pub(crate) fn transposed(&self) -> Tensor<T> {
        let (mut strides, last) = (copied(&self.strides), self.rank() - 1);
        strides.swap(last - 1, last);
        self.view(self.offset, self.shape.transposed(), strides)
    }

    /// Stretched to `shape` by repeating along new axes and axes of extent 1, without copying.
    #[inline]
    pub(crate) fn stretched(&self, shape: &Shape) -> Tensor<T> {
        if self.shape == *shape {
            return self.clone();
        }
        let strides = self.stretched_strides(shape);
        self.view(self.offset, shape.clone(), strides)
    }

    /// The strides with which `self` walks over `shape`, 0 where it repeats.
    #[inline]
    pub(crate) fn stretched_strides(&self, shape: &[usize]) -> Strides {
        debug_assert!(self.shape.broadcasts_to(shape), "{} does not stretch to {shape:?}", self.shape);
        let mut strides = match shape.len() {
            rank @ 0..=4 => Strides::from_buf_and_len([0; 4], rank),
            rank => Strides::from_elem(0, rank),
        };
        let missing = shape.len() - self.rank();
        for (i, (&stride, &extent)) in self.strides.iter().zip(self.shape.iter()).enumerate() {
            strides[missing + i] = if extent == 1 && shape[missing + i] != 1 { 0 } else { stride };
        }
        strides
    }

    /// `count` elements of `axis` from `start`, `step` apart (negative: backwards).
    pub(crate) fn sliced(&self, axis: usize, start: usize, count: usize, step: isize) -> Tensor<T> {
        let mut shape = self.shape.clone();
        shape.set(axis, count);
        let mut strides = copied(&self.strides);
        let offset = match shape.size() {
            0 => 0,
            _ => (self.offset as isize + start as isize * strides[axis]) as usize,
        };
        // With at most one element no step is taken, so the step may be any value.
        if count > 1 {
            strides[axis] *= step;
        }
        self.view(offset, shape, strides)
    }

    /// `length` elements of each matrix of the last two axes from `start`, each one row and one column further.
    pub(crate) fn diagonal_view(&self, start: [usize; 2], length: usize) -> Tensor<T> {
        let leading = self.rank() - 2;
        let [down, right] = [self.strides[leading], self.strides[leading + 1]];
        let shape: Shape = self.shape[..leading].iter().copied().chain([length]).collect();
        let first = || start[0] as isize * down + start[1] as isize * right;
        let offset = if shape.size() == 0 { 0 } else { (self.offset as isize + first()) as usize };
        let step = if length > 1 { down + right } else { 1 };
        let strides = self.strides[..leading].iter().copied().chain([step]).collect();
        self.view(offset, shape, strides)
    }

    /// `count` windows of `size` elements along `axis`, `step` apart, along a new last axis.
    pub(crate) fn windows(&self, axis: usize, count: usize, size: usize, step: usize) -> Tensor<T> {
        let mut shape: Shape = self.shape.iter().copied().chain([size]).collect();
        shape.set(axis, count);
        let mut strides: Strides = self.strides.iter().copied().chain([self.strides[axis]]).collect();
        if count > 1 {
            strides[axis] *= step as isize;
        }
        self.view(if shape.size() == 0 { 0 } else { self.offset }, shape, strides)
    }
}
