//! Dense tensors: a shared buffer, a shape and strides.
//!
//! Storage, construction and access ([`Tensor`]), free views (`view`), and the loops that compute
//! (`kernel`, `reduce`, `matmul`). Nothing here knows about derivatives.

pub(crate) mod factor;
mod grid;
pub(crate) mod kernel;
pub(crate) mod matmul;
pub(crate) mod reduce;
mod view;

use crate::error::{self, Error};
use crate::pool::{self, Block};
use crate::rules::algebra::Element;
use crate::shape::{Shape, Strides, copied};
use std::borrow::Cow;
use std::fmt;
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
pub struct Tensor<T: Element = f64> {
    data: Buffer<T>,
    offset: usize,
    shape: Shape,
    strides: Strides,
}

/// A share of a block; the last share returns the block to the thread's pool.
struct Buffer<T: Element>(Option<Block<T>>);

impl<T: Element> Buffer<T> {
    #[inline]
    fn slice(&self) -> &[T] {
        match &self.0 {
            Some(block) => block,
            None => &[],
        }
    }

    /// Returns `true` if the block is not shared.
    #[inline]
    fn is_unique(&self) -> bool {
        self.0.as_ref().is_none_or(Arc::is_unique)
    }

    /// The block for writing, if it is not shared.
    #[inline]
    fn unique(&mut self) -> Option<&mut [T]> {
        match &mut self.0 {
            Some(block) => Arc::get_mut(block).map(Vec::as_mut_slice),
            None => Some(&mut []),
        }
    }
}

impl<T: Element> Drop for Buffer<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(block) = self.0.take() {
            pool::release(block);
        }
    }
}

impl<T: Element> Clone for Tensor<T> {
    #[inline]
    fn clone(&self) -> Tensor<T> {
        Tensor {
            data: Buffer(self.data.0.clone()),
            offset: self.offset,
            shape: self.shape.clone(),
            strides: copied(&self.strides),
        }
    }
}

impl<T: Element> Tensor<T> {
    /// A tensor filled by `fill`, which must write every element of the slice it is given.
    #[track_caller]
    #[inline]
    pub(crate) fn build(shape: Shape, fill: impl FnOnce(&mut [T])) -> Tensor<T> {
        Tensor::build_for("tensor", shape, fill)
    }

    /// Like `build`, with errors naming the operation `op`.
    ///
    /// A tensor gets its shape only here, in `from_vec` and in `view`, and all three check it: so neither
    /// a product of extents of a tensor nor a position in its buffer overflows.
    #[track_caller]
    #[inline]
    pub(crate) fn build_for(op: &'static str, shape: Shape, fill: impl FnOnce(&mut [T])) -> Tensor<T> {
        let (strides, n) = shape.row_major::<T>(op);
        if n == 0 {
            fill(&mut []);
            return Tensor { data: Buffer(None), offset: 0, shape, strides };
        }
        let Some(mut block) = pool::acquire(n) else { no_memory::<T>(op, &shape).panic() };
        if let Some(block) = Arc::get_mut(&mut block) {
            fill(&mut block[..n]);
        }
        Tensor { data: Buffer(Some(block)), offset: 0, shape, strides }
    }

    /// Refuses, in the name of `op`, a shape that no tensor can have or for which the system has no
    /// memory, before any work begins. (Memory is probed only for tensors larger than the blocks that a
    /// thread keeps, one gibibyte.)
    ///
    /// # Errors
    /// [`Error::Size`] and [`Error::Memory`].
    ///
    /// ```
    /// use tape::{Shape, Tensor};
    /// assert!(Tensor::<f32>::fits("layer", &Shape::from([784, 32])).is_ok());
    /// let error = Tensor::<f32>::fits("layer", &Shape::from([1 << 31, 1 << 31, 1])).unwrap_err();
    /// assert!(error.to_string().starts_with("layer: expected at most "));
    /// ```
    #[inline]
    pub fn fits(op: &'static str, shape: &Shape) -> Result<(), Error> {
        let n = shape.elements::<T>(op)?;
        if pool::room::<T>(n) { Ok(()) } else { Err(no_memory::<T>(op, shape)) }
    }

    /// Checks that the system has memory for a copy, if this tensor repeats elements and so has more of
    /// them than its buffer.
    #[inline]
    pub(crate) fn fits_copied(&self, op: &'static str) -> Result<(), Error> {
        let n = self.size();
        if n <= self.data.slice().len() || pool::room::<T>(n) {
            Ok(())
        } else {
            Err(no_memory::<T>(op, &self.shape))
        }
    }

    /// `data` in row-major order.
    ///
    /// # Errors
    /// [`Error::Elements`] if the number of elements is not the product of the extents; [`Error::Size`] for a shape that
    /// no tensor can have.
    ///
    /// ```
    /// use tape::{Error, Tensor};
    /// let error = Tensor::from_vec([1 << 32, 1 << 32], vec![0.0; 4]).unwrap_err();
    /// assert!(matches!(error, Error::Elements { found: 4, .. }));
    /// assert_eq!(
    ///     error.to_string(),
    ///     "from_vec: shape [4294967296, 4294967296] needs 18446744073709551616 elements, found 4"
    /// );
    /// ```
    pub fn from_vec(shape: impl Into<Shape>, data: Vec<T>) -> Result<Tensor<T>, Error> {
        let shape = filled::<T>("from_vec", shape.into(), data.len())?;
        let strides = shape.strides();
        Ok(Tensor { data: Buffer(Some(Arc::new(data))), offset: 0, shape, strides })
    }

    /// A copy of `data`, in row-major order.
    ///
    /// # Errors
    /// As [`from_vec`](Tensor::from_vec).
    pub fn from_slice(shape: impl Into<Shape>, data: &[T]) -> Result<Tensor<T>, Error> {
        let shape = filled::<T>("from_slice", shape.into(), data.len())?;
        Ok(Tensor::build_for("from_slice", shape, |out| out.copy_from_slice(data)))
    }

    /// A tensor of rank 0.
    #[inline]
    pub fn scalar(value: T) -> Tensor<T> {
        Tensor::build(Shape::default(), |out| out[0] = value)
    }

    /// A tensor with every element equal to `value`.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full).
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: T) -> Tensor<T> {
        Tensor::build_for("full", shape.into(), |out| out.fill(value))
    }

    /// [`full`](Tensor::full) for a shape from untrusted input.
    ///
    /// # Errors
    /// [`Error::Size`] for a shape that no tensor can have, [`Error::Memory`] if the system has no memory for it.
    ///
    /// ```
    /// use tape::{Error, Tensor};
    /// assert_eq!(Tensor::try_full([2], 0.5)?, Tensor::from([0.5, 0.5]));
    /// assert!(matches!(Tensor::try_full([1 << 31, 1 << 31, 4], 0.5), Err(Error::Size { .. })));
    /// assert!(matches!(Tensor::try_full([usize::MAX / 32], 0.5), Err(Error::Memory { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn try_full(shape: impl Into<Shape>, value: T) -> Result<Tensor<T>, Error> {
        let shape = shape.into();
        Tensor::<T>::fits("full", &shape)?;
        Ok(Tensor::full(shape, value))
    }

    /// A tensor of zeros.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full).
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>) -> Tensor<T> {
        Tensor::build_for("zeros", shape.into(), |out| out.fill(T::ZERO))
    }

    /// A tensor of ones.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full).
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>) -> Tensor<T> {
        Tensor::build_for("ones", shape.into(), |out| out.fill(T::ONE))
    }

    /// The `n` x `n` identity matrix.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full).
    #[track_caller]
    pub fn eye(n: usize) -> Tensor<T> {
        Tensor::from_fn_for("eye", [n, n].into(), |i| if i[0] == i[1] { T::ONE } else { T::ZERO })
    }

    /// The vector 0, 1, ..., n - 1.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full).
    #[track_caller]
    pub fn arange(n: usize) -> Tensor<T> {
        Tensor::from_fn_for("arange", [n].into(), |i| T::from_usize(i[0]))
    }

    /// `n` evenly spaced values from `start` to `stop`, both ends included.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full).
    #[track_caller]
    pub fn linspace(start: T, stop: T, n: usize) -> Tensor<T> {
        let steps = T::from_usize(n.saturating_sub(1).max(1));
        Tensor::from_fn_for("linspace", [n].into(), |i| {
            if i[0] + 1 == n && n > 1 { stop } else { start + (stop - start) * T::from_usize(i[0]) / steps }
        })
    }

    /// A tensor with each element computed by `f` from its index.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full).
    #[track_caller]
    pub fn from_fn(shape: impl Into<Shape>, f: impl FnMut(&[usize]) -> T) -> Tensor<T> {
        Tensor::from_fn_for("from_fn", shape.into(), f)
    }

    #[track_caller]
    fn from_fn_for(op: &'static str, shape: Shape, mut f: impl FnMut(&[usize]) -> T) -> Tensor<T> {
        let mut index = vec![0; shape.rank()];
        Tensor::build_for(op, shape.clone(), |out| {
            for value in out {
                *value = f(&index);
                for (i, &extent) in index.iter_mut().zip(shape.iter()).rev() {
                    *i += 1;
                    if *i < extent {
                        break;
                    }
                    *i = 0;
                }
            }
        })
    }

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
        let mut step = 1;
        for (&stride, &extent) in self.strides.iter().zip(self.shape.iter()).rev() {
            if extent != 1 && stride != step {
                return self.size() == 0;
            }
            step *= extent as isize;
        }
        true
    }

    /// The elements in row-major order, if they are contiguous in memory.
    #[inline]
    pub fn as_slice(&self) -> Option<&[T]> {
        let n = self.size();
        match self.is_contiguous() {
            true if n == 0 => Some(&[]),
            true => Some(&self.data.slice()[self.offset..self.offset + n]),
            false => None,
        }
    }

    /// The elements in row-major order, for writing. Copies first if the buffer is shared or strided.
    ///
    /// # Panics
    /// As [`to_vec`](Tensor::to_vec).
    #[track_caller]
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let n = self.size();
        if !self.is_contiguous() || !self.data.is_unique() {
            *self = self.copied();
        }
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
    pub(crate) fn compact(&self) -> Cow<'_, Tensor<T>> {
        if self.is_contiguous() { Cow::Borrowed(self) } else { Cow::Owned(self.copied()) }
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

    /// A row-major copy with its own buffer.
    #[track_caller]
    fn copied(&self) -> Tensor<T> {
        if self.strides.iter().all(|&stride| stride == 0) && self.size() > 0 {
            let value = self.data.slice()[self.offset];
            return Tensor::build_for("copy", self.shape.clone(), |out| out.fill(value));
        }
        kernel::map(self, |x| x)
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
        let inside = index.len() == self.rank() && index.iter().zip(self.shape.iter()).all(|(&i, &n)| i < n);
        inside.then(|| {
            let step = |(&i, &stride): (&usize, &isize)| i as isize * stride;
            let position = self.offset as isize + index.iter().zip(&self.strides).map(step).sum::<isize>();
            self.data.slice()[position as usize]
        })
    }

    /// The same elements, converted to another number type.
    ///
    /// # Panics
    /// As [`try_full`](Tensor::try_full) of that type.
    #[track_caller]
    pub fn cast<U: Element>(&self) -> Tensor<U> {
        error::expect(Tensor::<U>::fits("cast", &self.shape).and_then(|()| self.fits_copied("cast")));
        let x = self.compact();
        let source = x.as_slice().unwrap_or_default();
        Tensor::build_for("cast", self.shape.clone(), |out| {
            for (to, from) in out.iter_mut().zip(source) {
                *to = U::from_f64(from.to_f64());
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

    /// Adds `other`, of the same shape, in place.
    pub(crate) fn add_assign(&mut self, other: &Tensor<T>) {
        debug_assert_eq!(self.shape, other.shape, "a cotangent must have the shape of its value");
        kernel::update(self, other, |x, y| *x += y);
    }
}

#[cold]
#[inline(never)]
fn no_memory<T>(op: &'static str, shape: &Shape) -> Error {
    let bytes = shape.try_size().unwrap_or(usize::MAX).saturating_mul(size_of::<T>());
    Error::Memory { op, bytes, shape: shape.dims() }
}

/// Returns the shape if a tensor of this shape has `found` elements.
fn filled<T>(op: &'static str, shape: Shape, found: usize) -> Result<Shape, Error> {
    let elements = shape.elements::<T>(op);
    match elements {
        Ok(size) if size == found => Ok(shape),
        // Too many to be counted, unless an extent is 0.
        Err(error) if found == 0 && shape.contains(&0) => Err(error),
        _ => Err(Error::Elements { op, shape: shape.dims(), found }),
    }
}

/// Equal shapes and equal elements (so a tensor with a NaN does not equal itself).
impl<T: Element> PartialEq for Tensor<T> {
    fn eq(&self, other: &Tensor<T>) -> bool {
        self.shape == other.shape && self.to_vec() == other.to_vec()
    }
}

impl<T: Element> Default for Tensor<T> {
    /// A tensor of shape `[0]`.
    fn default() -> Tensor<T> {
        Tensor::build(Shape::from([0]), |_| ())
    }
}

impl<T: Element> From<T> for Tensor<T> {
    fn from(value: T) -> Tensor<T> {
        Tensor::scalar(value)
    }
}

impl<T: Element, const N: usize> From<[T; N]> for Tensor<T> {
    fn from(data: [T; N]) -> Tensor<T> {
        Tensor::build(Shape::from([N]), |out| out.copy_from_slice(&data))
    }
}

impl<T: Element, const M: usize, const N: usize> From<[[T; N]; M]> for Tensor<T> {
    fn from(data: [[T; N]; M]) -> Tensor<T> {
        Tensor::build(Shape::from([M, N]), |out| out.copy_from_slice(data.as_flattened()))
    }
}

impl<T: Element, const L: usize, const M: usize, const N: usize> From<[[[T; N]; M]; L]> for Tensor<T> {
    fn from(data: [[[T; N]; M]; L]) -> Tensor<T> {
        Tensor::build(Shape::from([L, M, N]), |out| {
            out.copy_from_slice(data.as_flattened().as_flattened());
        })
    }
}

impl<T: Element> From<&[T]> for Tensor<T> {
    fn from(data: &[T]) -> Tensor<T> {
        Tensor::build(Shape::from([data.len()]), |out| out.copy_from_slice(data))
    }
}

impl<T: Element> From<Vec<T>> for Tensor<T> {
    fn from(data: Vec<T>) -> Tensor<T> {
        error::expect(Tensor::from_vec([data.len()], data))
    }
}

/// Nested brackets; rows longer than eight elements and tensors longer than eight rows are abbreviated.
impl<T: Element> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Writes the sub-tensor of the axes from `axis` on that begins at `at`.
        fn level<T: Element>(
            x: &Tensor<T>,
            axis: usize,
            at: isize,
            f: &mut fmt::Formatter<'_>,
        ) -> fmt::Result {
            let Some(&n) = x.shape.get(axis) else {
                return fmt::Display::fmt(&x.buffer()[at as usize], f);
            };
            let entry = |i: usize, f: &mut fmt::Formatter<'_>| {
                write!(f, "{}", if i > 0 { ", " } else { "" })?;
                level(x, axis + 1, at + i as isize * x.strides[axis], f)
            };
            let shown = if n > 8 { 4 } else { n };
            write!(f, "[")?;
            (0..shown).try_for_each(|i| entry(i, f))?;
            if n > 8 {
                write!(f, ", ...")?;
                (n - 3..n).try_for_each(|i| entry(i, f))?;
            }
            write!(f, "]")
        }
        level(self, 0, self.offset as isize, f)
    }
}

impl<T: Element> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor<{}>{} {}", T::NAME, self.shape, self)
    }
}
