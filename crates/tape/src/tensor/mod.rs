//! Dense tensors: a shared buffer, a shape and strides.
//!
//! Storage, construction and access ([`Tensor`]), free views (`view`), and the loops that compute
//! (`kernel`, `reduce`, `matmul`). Nothing here knows about derivatives.

mod access;
mod blocks;
mod buffer;
pub(crate) mod columns;
mod create;
mod display;
pub(crate) mod factor;
pub(crate) mod fourier;
mod grid;
pub(crate) mod kernel;
pub(crate) mod matmul;
#[cfg(feature = "ndarray")]
mod ndarray;
pub(crate) mod orthogonal;
pub(crate) mod reduce;
#[cfg(feature = "serde")]
mod serde;
pub(crate) mod sums;
mod view;

use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::shape::{Shape, Strides, copied};
pub use access::Iter;
use buffer::Buffer;
use std::borrow::Cow;
use std::ops::Deref;
use triomphe::Arc;

/// A dense array of floating-point elements with a shape.
///
/// Cloning, reshaping, transposing, slicing and broadcasting share the buffer and copy nothing; writing
/// copies first if the buffer is shared. `Tensor` knows nothing of gradients: to record operations, put it on
/// a [`Tape`](crate::Tape).
///
/// ```
/// use tape::Tensor;
/// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(x.shape(), [2, 3]);
/// assert_eq!(x.transpose().to_vec(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
/// assert_eq!((&x * 10.0).get([1, 2]), Some(60.0));
/// ```
///
/// # The type of the elements
/// Where nothing else says it, `Tensor::zeros([2, 3])` is an error, "type annotations needed": the default `f64` is that of
/// the type `Tensor`, but Rust has no default for the function of an expression. [`TensorF64`] and [`TensorF32`] have
/// the constructors of one type each; an annotation or `::<f64>` does the same here and for whatever else is generic.
///
/// ```
/// use tape::{Tensor, TensorF32, TensorF64};
/// let x = TensorF64::zeros([2, 3]);
/// let y: Tensor = Tensor::zeros([2, 3]);
/// assert_eq!((&x, &y), (&Tensor::<f64>::zeros([2, 3]), &TensorF32::zeros([2, 3]).cast()));
/// ```
///
/// ```compile_fail,E0283
/// use tape::Tensor;
/// let x = Tensor::zeros([2, 3]);
/// ```
pub struct Tensor<T: Element = f64> {
    data: Buffer<T>,
    offset: usize,
    shape: Shape,
    strides: Strides,
}

/// A [`Tensor`] of `f64`, to name the type in an expression: `TensorF64::zeros([2, 3])`.
pub type TensorF64 = Tensor<f64>;

/// A [`Tensor`] of `f32`, to name the type in an expression: `TensorF32::zeros([2, 3])`.
pub type TensorF32 = Tensor<f32>;

/// The elements of a tensor in row-major order, in its own buffer or in that of a copy.
pub(crate) struct Elements<'a, T: Element>(Cow<'a, Tensor<T>>);

impl<T: Element> Deref for Elements<'_, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.0.as_slice().unwrap_or_default()
    }
}

impl<T: Element> Clone for Tensor<T> {
    #[inline]
    fn clone(&self) -> Tensor<T> {
        Tensor {
            data: self.data.clone(),
            offset: self.offset,
            shape: self.shape.clone(),
            strides: copied(&self.strides),
        }
    }
}

impl<T: Element> Tensor<T> {
    /// The extents of the axes.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.shape.rank()
    }

    /// The number of elements.
    #[inline]
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The step between neighbours along each axis, in elements.
    #[inline]
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The position of the first element in the buffer.
    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The whole shared buffer, to be indexed by offset and strides.
    #[inline]
    pub(crate) fn buffer(&self) -> &[T] {
        self.data.slice()
    }

    /// Returns `true` if the elements are contiguous in row-major order.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.contiguous_size().is_some()
    }

    /// Returns `true` if no other tensor shares the buffer.
    #[inline]
    fn is_unique(&self) -> bool {
        self.data.is_unique()
    }

    /// Returns `true` if [`as_mut_slice`](Tensor::as_mut_slice) copies nothing, or next to nothing.
    #[inline]
    fn is_cheap_to_change(&self) -> bool {
        self.size() <= 256 || (self.is_contiguous() && self.is_unique())
    }

    /// The elements in row-major order, if they are contiguous in memory.
    #[inline]
    pub fn as_slice(&self) -> Option<&[T]> {
        match self.contiguous_size()? {
            0 => Some(&[]),
            n => Some(&self.data.slice()[self.offset..self.offset + n]),
        }
    }

    /// The number of elements, if they are contiguous in row-major order: both in one pass over the axes.
    #[inline]
    fn contiguous_size(&self) -> Option<usize> {
        let (mut step, mut contiguous) = (1, true);
        for (&stride, &extent) in self.strides.iter().zip(self.shape.iter()).rev() {
            contiguous &= extent == 1 || stride == step as isize;
            step *= extent;
        }
        (contiguous || step == 0).then_some(step)
    }

    /// The elements in row-major order, for writing. Copies first if the buffer is shared or strided.
    ///
    /// # Panics
    /// As [`to_vec`](Tensor::to_vec).
    #[track_caller]
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let n = self.contiguous_size().filter(|_| self.is_unique()).unwrap_or_else(|| {
            self.take_copy();
            self.size()
        });
        let offset = if n == 0 { 0 } else { self.offset };
        match self.data.unique() {
            Some(block) => &mut block[offset..offset + n],
            None => unreachable!("a fresh copy is not shared"),
        }
    }

    /// A contiguous row-major tensor with the same elements: itself if it already is one.
    ///
    /// # Panics
    /// As [`to_vec`](Tensor::to_vec).
    #[track_caller]
    #[inline]
    pub fn contiguous(&self) -> Tensor<T> {
        self.compact().into_owned()
    }

    /// Like `contiguous`, but borrows where no copy is needed.
    #[track_caller]
    #[inline]
    fn compact(&self) -> Cow<'_, Tensor<T>> {
        if self.is_contiguous() { Cow::Borrowed(self) } else { Cow::Owned(self.copied()) }
    }

    /// The elements in row-major order, borrowed where they are contiguous. For a kernel, as a slice: `&*x.elements()`.
    #[track_caller]
    #[inline]
    pub(crate) fn elements(&self) -> Elements<'_, T> {
        Elements(self.compact())
    }

    /// The elements in row-major order.
    ///
    /// # Panics
    /// With [`Error::Memory`] if the system has no memory for them: a tensor that repeats its elements
    /// may have more of them than fit.
    #[track_caller]
    pub fn to_vec(&self) -> Vec<T> {
        error::expect(self.fits_copied("to_vec"));
        match self.as_slice() {
            Some(slice) => slice.to_vec(),
            None => self.copied().to_vec(),
        }
    }

    /// Replaces the tensor by its copy.
    #[track_caller]
    #[inline(never)]
    fn take_copy(&mut self) {
        *self = self.copied();
    }

    /// A row-major copy with its own buffer.
    #[track_caller]
    fn copied(&self) -> Tensor<T> {
        if self.strides.iter().all(|&stride| stride == 0) && self.size() > 0 {
            let value = self.data.slice()[self.offset];
            return Tensor::build_for("copy", self.shape.clone(), |out| out.fill(value));
        }
        kernel::copy_columns(self).unwrap_or_else(|| kernel::map(self, |x| x))
    }

    /// The only element.
    ///
    /// # Panics
    /// If the tensor does not have exactly one element.
    #[track_caller]
    #[inline]
    pub fn item(&self) -> T {
        if self.size() != 1 {
            Error::Elements { op: "item", shape: vec![], found: self.size() }.panic()
        }
        self.data.slice()[self.offset]
    }

    /// The element at `index`, or `None` if the index does not exist.
    pub fn get(&self, index: impl AsRef<[usize]>) -> Option<T> {
        let index = index.as_ref();
        self.contains(index).then(|| self.data.slice()[self.position(index)])
    }

    /// The same elements, converted to another number type.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full) of that type.
    #[track_caller]
    pub fn cast<U: Element>(&self) -> Tensor<U> {
        error::expect(Tensor::<U>::fits("cast", &self.shape).and_then(|()| self.fits_copied("cast")));
        let source = &*self.elements();
        Tensor::build_for("cast", self.shape.clone(), |out| {
            for (to, from) in out.iter_mut().zip(source) {
                let (hi, lo) = from.to_parts();
                *to = U::from_parts(hi, lo);
            }
        })
    }

    /// A new tensor with `f` applied to every element. Not recorded: for data and for tests.
    ///
    /// # Panics
    /// As [`to_vec`](Tensor::to_vec).
    #[track_caller]
    pub fn map_elements(&self, f: impl Fn(T) -> T + Copy + Sync) -> Tensor<T> {
        error::expect(self.fits_copied("map_elements"));
        kernel::map(self, f)
    }

    /// Returns `true` if both tensors have the same buffer, offset, shape and strides.
    pub fn ptr_eq(&self, other: &Tensor<T>) -> bool {
        let same_block = match (&self.data.0, &other.data.0) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        same_block
            && self.offset == other.offset
            && self.shape == other.shape
            && self.strides == other.strides
    }

    /// Gives this tensor a shape, and elements that `fill` writes in row-major order: in its own buffer if it has one of that
    /// shape that is not shared, otherwise in another.
    #[inline]
    pub(crate) fn refill(&mut self, shape: &Shape, fill: impl FnOnce(&mut [T])) {
        if let Some(n) = self.contiguous_size().filter(|_| self.shape == *shape) {
            let offset = self.offset;
            if let Some(block) = self.data.unique().and_then(|block| block.get_mut(offset..offset + n)) {
                return fill(block);
            }
        }
        *self = Tensor::build(shape.clone(), fill);
    }

    /// All elements of the buffer that this tensor alone has, if it is of this many in row-major order from the start.
    #[inline]
    pub(crate) fn own_elements(&mut self, n: usize) -> Option<&mut [T]> {
        if self.offset == 0 && n > 0 { self.data.unique()?.get_mut(..n) } else { None }
    }

    /// The address of the buffer, the same for tensors that share it.
    pub(crate) fn buffer_address(&self) -> Option<usize> {
        self.data.0.as_ref().map(|block| Arc::as_ptr(block) as usize)
    }

    /// Adds `other`, of the same shape, in place.
    pub(crate) fn add_in_place(&mut self, other: &Tensor<T>) {
        debug_assert_eq!(self.shape, other.shape, "a cotangent must have the shape of its value");
        if self.is_contiguous() && self.is_unique() {
            kernel::update(self, other, |x, y| *x += y);
        } else {
            // One pass, where writing would copy first.
            *self = kernel::zip(&self.shape, self, other, |x, y| x + y);
        }
    }
}

/// Equal shapes and equal elements (so a tensor with a NaN does not equal itself).
impl<T: Element> PartialEq for Tensor<T> {
    fn eq(&self, other: &Tensor<T>) -> bool {
        self.shape == other.shape && self.to_vec() == other.to_vec()
    }
}
