//! Constructors and conversions.

use super::Tensor;
use super::buffer::Buffer;
use crate::error::{self, Error};
use crate::index::advance;
use crate::pool;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use triomphe::Arc;

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
        let mut tensor = Tensor::unfilled(op, shape);
        let n = tensor.size();
        if let Some(block) = tensor.data.unique() {
            fill(&mut block[..n]);
        }
        tensor
    }

    /// A tensor with unspecified elements, not shared. Not inlined: it would be compiled again for every kernel.
    #[track_caller]
    #[inline(never)]
    fn unfilled(op: &'static str, shape: Shape) -> Tensor<T> {
        let (strides, n) = shape.row_major::<T>(op);
        if n == 0 {
            return Tensor { data: Buffer(None), offset: 0, shape, strides };
        }
        let Some(block) = pool::acquire(n) else { no_memory::<T>(op, &shape).panic() };
        Tensor { data: Buffer(Some(block)), offset: 0, shape, strides }
    }

    /// A vector with unspecified elements, to compute in.
    pub(crate) fn scratch(n: usize) -> Tensor<T> {
        Tensor::build(Shape::from([n]), |_| {})
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
        let n = shape.elements::<T>().map_err(|error| error.named(op))?;
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
        Tensor::from_vec_for("from_vec", shape.into(), data)
    }

    /// As [`from_vec`](Tensor::from_vec), with another name in errors.
    pub(super) fn from_vec_for(op: &'static str, shape: Shape, data: Vec<T>) -> Result<Tensor<T>, Error> {
        let shape = filled::<T>(op, shape, data.len())?;
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

    /// A matrix with these rows.
    ///
    /// ```
    /// use tape::Tensor;
    /// let x = Tensor::from_rows(&[vec![1.0, 2.0], vec![3.0, 4.0]])?;
    /// assert_eq!(x, Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let error = Tensor::from_rows(&[vec![1.0, 2.0], vec![3.0]]).unwrap_err();
    /// assert_eq!(error.to_string(), "from_rows: expected rows of 2 elements as row 0 has, found 1 in row 1");
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the rows have different lengths.
    pub fn from_rows<R: AsRef<[T]>>(rows: &[R]) -> Result<Tensor<T>, Error> {
        let width = rows.first().map_or(0, |row| row.as_ref().len());
        let mut data = Vec::with_capacity(width * rows.len());
        for (at, row) in rows.iter().enumerate() {
            let row = row.as_ref();
            if row.len() != width {
                let found = row.len();
                let reason =
                    format!("expected rows of {width} elements as row 0 has, found {found} in row {at}");
                return Err(Error::Invalid { op: "from_rows", reason });
            }
            data.extend_from_slice(row);
        }
        Tensor::from_vec([rows.len(), width], data)
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

    /// A tensor of zeros with the shape of this one.
    ///
    /// ```
    /// use tape::Tensor;
    /// assert_eq!(Tensor::from([1.0, 2.0]).zeros_like(), Tensor::from([0.0, 0.0]));
    /// ```
    #[track_caller]
    pub fn zeros_like(&self) -> Tensor<T> {
        Tensor::zeros(&self.shape)
    }

    /// A tensor of ones with the shape of this one.
    ///
    /// ```
    /// use tape::Tensor;
    /// assert_eq!(Tensor::from([3.0, 2.0]).ones_like(), Tensor::from([1.0, 1.0]));
    /// ```
    #[track_caller]
    pub fn ones_like(&self) -> Tensor<T> {
        Tensor::ones(&self.shape)
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
                advance(&mut index, &shape);
            }
        })
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
    let elements = shape.elements::<T>().map_err(|error| error.named(op));
    match elements {
        Ok(size) if size == found => Ok(shape),
        // Too many to be counted, unless an extent is 0.
        Err(error) if found == 0 && shape.contains(&0) => Err(error),
        _ => Err(Error::Elements { op, shape: shape.dims(), found }),
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

/// Rows of equal length.
///
/// # Panics
/// If the rows have different lengths; [`Tensor::from_rows`] returns an error.
impl<T: Element> From<Vec<Vec<T>>> for Tensor<T> {
    #[track_caller]
    fn from(rows: Vec<Vec<T>>) -> Tensor<T> {
        error::expect(Tensor::from_rows(&rows))
    }
}

impl<T: Element, const N: usize> From<Vec<[T; N]>> for Tensor<T> {
    fn from(rows: Vec<[T; N]>) -> Tensor<T> {
        Tensor::build(Shape::from([rows.len(), N]), |out| out.copy_from_slice(rows.as_flattened()))
    }
}
