//! Indices as plain data, for indexing operations.

use crate::error::Error;
use crate::shape::Shape;
use std::fmt;
use std::ops::{Bound, Range, RangeBounds, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};
use std::sync::Arc;

/// Integers with a shape: positions along an axis, or in row-major order. Never differentiated.
///
/// Made from a list, a nested list, or [`Index::new`]; [`sort`](crate::Tensor::sort) and related methods
/// return one. Copies share the data.
///
/// ```
/// use tape::{Index, Tensor};
/// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(x.gather(1, [[2, 0], [1, 1]]), Tensor::from([[3.0, 1.0], [5.0, 5.0]]));
/// let index = Index::new([2, 2], vec![2, 0, 1, 1])?;
/// assert_eq!(index, Index::from([[2, 0], [1, 1]]));
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Index {
    shape: Shape,
    data: Arc<[usize]>,
}

impl Index {
    /// An index of this shape, from `data` in row-major order.
    ///
    /// # Errors
    /// [`Error::Elements`] if the number of elements is not the product of the extents.
    pub fn new(shape: impl Into<Shape>, data: impl Into<Arc<[usize]>>) -> Result<Index, Error> {
        let (shape, data) = (shape.into(), data.into());
        match shape.try_size() {
            Some(size) if size == data.len() => Ok(Index { shape, data }),
            _ => Err(Error::elements(shape.dims(), data.len()).named("index")),
        }
    }

    /// The extents of the axes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The entries in row-major order.
    pub fn as_slice(&self) -> &[usize] {
        &self.data
    }

    /// Refuses entries that are out of range for `axis`.
    pub(crate) fn check(&self, axis: usize, shape: &Shape) -> Result<(), Error> {
        match self.data.iter().find(|&&i| i >= shape[axis]) {
            Some(&i) => Err(Error::index(i, axis, shape)),
            None => Ok(()),
        }
    }

    /// The axis along which this index selects from a tensor of shape `x`, element by element: the ranks are
    /// equal, and no other extent exceeds that of the tensor.
    pub(crate) fn along(&self, axis: isize, x: &Shape) -> Result<usize, Error> {
        let axis = x.axis(axis)?;
        if self.shape.rank() != x.rank() {
            let expected = "an index with as many axes as the operand";
            return Err(Error::rank(expected, self.shape.dims()));
        }
        if (0..x.rank()).any(|d| d != axis && self.shape[d] > x[d]) {
            let mut expected = x.dims();
            expected[axis] = self.shape[axis];
            return Err(Error::shape(expected, self.shape.dims()));
        }
        self.check(axis, x)?;
        Ok(axis)
    }

    /// Row-major positions in `x` of the elements selected along `axis`.
    pub(crate) fn positions(&self, axis: usize, x: &Shape) -> Vec<usize> {
        let mut steps = x.strides();
        let step = steps[axis] as usize;
        steps[axis] = 0;
        let mut at = vec![0; x.rank()];
        let position = |&i: &usize| {
            let others: usize = at.iter().zip(&steps).map(|(&at, &step)| at * step as usize).sum();
            advance(&mut at, &self.shape);
            others + i * step
        };
        self.data.iter().map(position).collect()
    }
}

/// Advances to the next index in row-major order.
pub(crate) fn advance(index: &mut [usize], shape: &[usize]) {
    for (i, &extent) in index.iter_mut().zip(shape).rev() {
        *i += 1;
        if *i < extent {
            break;
        }
        *i = 0;
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}", self.data, self.shape)
    }
}

impl From<Vec<usize>> for Index {
    fn from(data: Vec<usize>) -> Index {
        Index { shape: Shape::from([data.len()]), data: data.into() }
    }
}

impl From<&[usize]> for Index {
    fn from(data: &[usize]) -> Index {
        Index::from(data.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Index {
    fn from(data: [usize; N]) -> Index {
        Index::from(data.to_vec())
    }
}

impl<const N: usize, const M: usize> From<[[usize; M]; N]> for Index {
    fn from(rows: [[usize; M]; N]) -> Index {
        Index { shape: Shape::from([N, M]), data: rows.concat().into() }
    }
}

impl<const N: usize> From<&[usize; N]> for Index {
    fn from(data: &[usize; N]) -> Index {
        Index::from(data.to_vec())
    }
}

impl<const N: usize, const M: usize> From<&[[usize; M]; N]> for Index {
    fn from(rows: &[[usize; M]; N]) -> Index {
        Index::from(*rows)
    }
}

impl From<Range<usize>> for Index {
    fn from(range: Range<usize>) -> Index {
        Index::from(range.collect::<Vec<usize>>())
    }
}

impl From<&Index> for Index {
    fn from(index: &Index) -> Index {
        index.clone()
    }
}

/// A position along an axis, counted from the end if it is negative: `usize`, `isize` or `i32`.
pub trait Position: Copy {
    /// The position as a signed number; one that is too large for it is beyond every axis.
    fn signed(self) -> isize;
}

impl Position for usize {
    fn signed(self) -> isize {
        isize::try_from(self).unwrap_or(isize::MAX)
    }
}

impl Position for isize {
    fn signed(self) -> isize {
        self
    }
}

/// The type of a literal where nothing else determines it.
impl Position for i32 {
    fn signed(self) -> isize {
        self as isize
    }
}

/// A range of positions along an axis: `1..3`, `..n`, `-2..`, `..`.
///
/// ```
/// use tape::Tensor;
/// let x = Tensor::from([1.0, 2.0, 3.0, 4.0]);
/// let n = x.size();
/// assert_eq!(x.slice(0, 1..n - 1), Tensor::from([2.0, 3.0]));
/// assert_eq!(x.slice(0, -2..), Tensor::from([3.0, 4.0]));
/// ```
pub trait Positions {
    /// The first position and the last, as bounds.
    fn bounds(&self) -> (Bound<isize>, Bound<isize>);
}

macro_rules! positions {
    ($($range:ident)*) => {$(
        impl<P: Position> Positions for $range<P> {
            fn bounds(&self) -> (Bound<isize>, Bound<isize>) {
                (self.start_bound().map(|&at| at.signed()), self.end_bound().map(|&at| at.signed()))
            }
        }
    )*};
}

positions!(Range RangeFrom RangeTo RangeInclusive RangeToInclusive);

impl Positions for RangeFull {
    fn bounds(&self) -> (Bound<isize>, Bound<isize>) {
        (Bound::Unbounded, Bound::Unbounded)
    }
}

impl<P: Position> Positions for (Bound<P>, Bound<P>) {
    fn bounds(&self) -> (Bound<isize>, Bound<isize>) {
        (self.0.map(Position::signed), self.1.map(Position::signed))
    }
}
