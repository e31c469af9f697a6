//! Shapes, axes, and the shape rules that several operations share.

use crate::error::{self, Error};
use smallvec::SmallVec;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// The extent of each axis, outermost first. Rank 0, `[]`, is a single element.
///
/// ```
/// use tape::Shape;
/// let shape = Shape::from([2, 3]);
/// assert_eq!((shape.rank(), shape.size(), shape[1]), (2, 6, 3));
/// ```
#[derive(Default, Eq)]
pub struct Shape(SmallVec<[usize; 4]>);

/// Steps between neighbours along each axis, in elements; negative for a flipped view, 0 for a repeated one.
pub(crate) type Strides = SmallVec<[isize; 4]>;

/// An extent that [`reshape`](crate::Tensor::reshape) finds from the number of elements (-1 in NumPy).
///
/// ```
/// use tape::{INFER, Tensor};
/// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(x.reshape([INFER, 2]).shape(), [3, 2]);
/// assert_eq!(x.reshape([INFER]).shape(), [6]);
/// ```
pub const INFER: usize = usize::MAX;

/// The greatest number of elements of a shape: no axis and no step is longer.
const LIMIT: usize = isize::MAX as usize;

/// The most elements of a tensor of `T`: more than `isize::MAX` bytes cannot be allocated.
const fn limit<T>() -> usize {
    LIMIT / size_of::<T>()
}

/// An extent that an operation computes, or the error if no axis can be that long; `found` describes the
/// requested extent in words.
#[inline]
pub(crate) fn extent(value: Option<usize>, found: impl FnOnce() -> String) -> Result<usize, Error> {
    let refuse =
        || Error::invalid(format!("expected an axis of at most {LIMIT} elements, found {}", found()));
    value.filter(|&extent| extent <= LIMIT).ok_or_else(refuse)
}

/// A list of `n` items, faster than collecting an iterator of unknown length if `n` is small. `any` is an
/// arbitrary item.
#[inline(always)]
pub(crate) fn collect_small<X: Copy>(n: usize, any: X, item: impl Fn(usize) -> X) -> SmallVec<[X; 4]> {
    if n > 4 {
        // A loop: an iterator would be collected by code that is compiled again for every call.
        let mut list = SmallVec::from_elem(any, n);
        list.iter_mut().enumerate().for_each(|(k, x)| *x = item(k));
        return list;
    }
    // Always four, so that they are built in registers; written out, since `array::from_fn` is compiled again for every call.
    let item = |k| if k < n { item(k) } else { any };
    SmallVec::from_buf_and_len([item(0), item(1), item(2), item(3)], n)
}

#[cold]
#[inline(never)]
fn copied_long<N: Copy>(list: &[N]) -> SmallVec<[N; 4]> {
    SmallVec::from_slice(list)
}

/// A copy of a short list.
#[inline]
pub(crate) fn copied<N: Copy + Default>(list: &[N]) -> SmallVec<[N; 4]> {
    if list.len() > 4 { copied_long(list) } else { collect_small(list.len(), N::default(), |k| list[k]) }
}

impl Clone for Shape {
    #[inline]
    fn clone(&self) -> Shape {
        Shape(copied(&self.0))
    }
}

impl PartialEq for Shape {
    #[inline]
    fn eq(&self, other: &Shape) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a == b)
    }
}

impl Hash for Shape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self[..].hash(state);
    }
}

impl Shape {
    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The number of elements: the product of the extents, 1 for rank 0.
    ///
    /// # Panics
    /// With [`Error::Size`] where [`try_size`](Shape::try_size) returns `None`.
    #[track_caller]
    #[inline]
    pub fn size(&self) -> usize {
        match self.try_size() {
            Some(size) => size,
            None => Error::Size { op: "shape", limit: LIMIT, found: self.dims() }.panic(),
        }
    }

    /// The number of elements, or `None` if it exceeds the limit for a tensor: the product of the extents,
    /// with an extent of 0 counted as 1, must be at most `isize::MAX`. (So the product of any subset of the
    /// extents is within the limit too.)
    ///
    /// ```
    /// use tape::Shape;
    /// assert_eq!(Shape::from([2, 0, 3]).try_size(), Some(0));
    /// assert_eq!(Shape::from([usize::MAX, 2]).try_size(), None);
    /// assert_eq!(Shape::from([usize::MAX, 2, 0]).try_size(), None);
    /// ```
    #[inline]
    pub fn try_size(&self) -> Option<usize> {
        let (size, bound) = self.counted();
        (bound <= LIMIT).then_some(size)
    }

    /// The number of elements, and the product that is limited (saturated if it overflows).
    #[inline]
    fn counted(&self) -> (usize, usize) {
        let (mut bound, mut over, mut empty) = (1_usize, false, false);
        for &extent in self.iter() {
            let (product, wrapped) = bound.overflowing_mul(extent.max(1));
            (bound, over, empty) = (product, over | wrapped, empty | (extent == 0));
        }
        (if empty { 0 } else { bound }, if over { usize::MAX } else { bound })
    }

    /// The number of elements of a tensor of `T`, which take at most `isize::MAX` bytes.
    #[inline]
    pub(crate) fn elements<T>(&self) -> Result<usize, Error> {
        let (size, bound) = self.counted();
        if bound <= limit::<T>() { Ok(size) } else { Err(self.beyond::<T>()) }
    }

    /// The error for a shape that no tensor of `T` can have.
    #[cold]
    #[inline(never)]
    fn beyond<T>(&self) -> Error {
        Error::Size { op: error::UNNAMED, limit: limit::<T>(), found: self.dims() }
    }

    /// The extents as a plain vector, as stored in errors.
    pub fn dims(&self) -> Vec<usize> {
        self.0.to_vec()
    }

    /// The shape of `rank` axes with these extents.
    #[inline]
    pub(crate) fn collect_small(rank: usize, extent: impl Fn(usize) -> usize) -> Shape {
        Shape(collect_small(rank, 0, extent))
    }

    /// The shape with the extent of the last axis replaced; there must be one.
    #[inline]
    pub(crate) fn with_last(&self, extent: usize) -> Shape {
        Shape::collect_small(self.rank(), |axis| if axis + 1 == self.rank() { extent } else { self[axis] })
    }

    /// The shape with the last two axes exchanged; there must be two.
    pub(crate) fn transposed(&self) -> Shape {
        let (mut shape, last) = (self.clone(), self.rank() - 1);
        shape.0.swap(last - 1, last);
        shape
    }

    /// Replaces the extent of one axis.
    pub(crate) fn set(&mut self, axis: usize, extent: usize) {
        self.0[axis] = extent;
    }

    /// Row-major strides. The shape must be that of a tensor.
    #[inline]
    pub(crate) fn strides(&self) -> Strides {
        let mut strides = collect_small(self.rank(), 0, |_| 0);
        let mut step = 1;
        for (stride, &extent) in strides.iter_mut().zip(self.iter()).rev() {
            *stride = step as isize;
            step *= extent;
        }
        strides
    }

    /// Row-major strides and the number of elements of a tensor of `T`: see [`elements`](Shape::elements).
    #[track_caller]
    #[inline]
    pub(crate) fn row_major<T>(&self, op: &'static str) -> (Strides, usize) {
        let size = match self.elements::<T>() {
            Ok(size) => size,
            Err(error) => error.named(op).panic(),
        };
        (self.strides(), size)
    }

    /// The shape both operands are stretched to, by NumPy's rule: align at the last axis, extents equal or 1.
    ///
    /// ```
    /// use tape::Shape;
    /// assert_eq!(Shape::broadcast(&[2, 1], &[3]).unwrap(), Shape::from([2, 3]));
    /// let error = Shape::broadcast(&[2], &[3]).unwrap_err().named("add");
    /// assert!(error.to_string().starts_with("add"));
    /// ```
    ///
    /// # Errors
    /// If two extents differ and neither is 1; see [`Error::named`].
    pub fn broadcast(lhs: &[usize], rhs: &[usize]) -> Result<Shape, Error> {
        let rank = lhs.len().max(rhs.len());
        let extent = |dims: &[usize], i: usize| match (i + dims.len()).checked_sub(rank) {
            Some(k) => dims[k],
            None => 1,
        };
        let both = |i: usize| (extent(lhs, i), extent(rhs, i));
        if (0..rank).any(|i| matches!(both(i), (a, b) if a != b && a != 1 && b != 1)) {
            return Err(Error::broadcast(lhs.to_vec(), rhs.to_vec()));
        }
        Ok(Shape::collect_small(rank, |i| match both(i) {
            (1, b) => b,
            (a, _) => a,
        }))
    }

    /// Returns `true` if a tensor of this shape can be stretched to `target`.
    pub fn broadcasts_to(&self, target: &[usize]) -> bool {
        self.rank() <= target.len()
            && self.iter().rev().zip(target.iter().rev()).all(|(&a, &b)| a == b || a == 1)
    }

    /// The shape after reducing `axes` (sorted), which remain with extent 1 if `keepdim`.
    pub fn reduced(&self, axes: &[usize], keepdim: bool) -> Shape {
        if axes.len() == self.rank() && !keepdim {
            return Shape::default();
        }
        let keep = |(axis, &extent): (usize, &usize)| match (axes.contains(&axis), keepdim) {
            (false, _) => Some(extent),
            (true, true) => Some(1),
            (true, false) => None,
        };
        self.iter().enumerate().filter_map(keep).collect()
    }

    /// The position of `axis`, which counts from the end if negative.
    pub fn axis(&self, axis: isize) -> Result<usize, Error> {
        let rank = self.rank() as isize;
        let position = if axis < 0 { axis + rank } else { axis };
        if (0..rank).contains(&position) {
            Ok(position as usize)
        } else {
            Err(Error::Axis { op: error::UNNAMED, axis, shape: self.dims() })
        }
    }

    /// The extent of an axis, which counts from the end if negative.
    pub(crate) fn extent(&self, axis: isize) -> Result<usize, Error> {
        self.axis(axis).map(|axis| self[axis])
    }

    /// This shape with the extent [`INFER`] replaced by what makes `size` elements.
    pub(crate) fn inferred(&self, size: usize) -> Result<Shape, Error> {
        if self.try_size() == Some(size) {
            return Ok(self.clone());
        }
        let wrong = || Error::elements(self.dims(), size);
        if self.iter().any(|&extent| extent > LIMIT && extent != INFER) {
            let signed: Vec<isize> = self.iter().map(|&extent| extent as isize).collect();
            return Err(Error::invalid(format!(
                "expected extents of 0 or more, or one of -1, found {signed:?}"
            )));
        }
        let rest: Shape = self.iter().copied().filter(|&extent| extent != INFER).collect();
        match self.rank() - rest.rank() {
            0 => Err(wrong()),
            1 => {
                let known = rest.try_size().filter(|&known| known > 0 && size.is_multiple_of(known));
                let inferred = size / known.ok_or_else(wrong)?;
                Ok(self.iter().map(|&extent| if extent == INFER { inferred } else { extent }).collect())
            }
            several => Err(Error::invalid(format!("expected at most one inferred extent, found {several}"))),
        }
    }

    /// Positions of `axes` in the given order; every axis for `Axes::all()`.
    pub(crate) fn order(&self, axes: &Axes) -> Result<SmallVec<[usize; 4]>, Error> {
        let Some(list) = &axes.0 else { return Ok(collect_small(self.rank(), 0, |axis| axis)) };
        let mut order = SmallVec::new();
        for &axis in list {
            let axis = self.axis(axis)?;
            if order.contains(&axis) {
                return Err(Error::RepeatedAxis { op: error::UNNAMED, axis });
            }
            order.push(axis);
        }
        Ok(order)
    }

    /// Positions of `axes`, sorted.
    pub(crate) fn axes(&self, axes: &Axes) -> Result<SmallVec<[usize; 4]>, Error> {
        let mut out = self.order(axes)?;
        out.sort_unstable();
        Ok(out)
    }
}

impl Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0[..], f)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The shape of a vector.
impl From<usize> for Shape {
    #[inline]
    fn from(extent: usize) -> Shape {
        Shape(copied(&[extent]))
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    #[inline]
    fn from(dims: [usize; N]) -> Shape {
        Shape(copied(&dims))
    }
}

impl From<&[usize]> for Shape {
    #[inline]
    fn from(dims: &[usize]) -> Shape {
        Shape(copied(dims))
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Shape {
        Shape(SmallVec::from_vec(dims))
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Shape {
        shape.clone()
    }
}

/// The argument of [`reshape`](crate::Tensor::reshape): a shape in which one extent may be [`INFER`], or -1.
///
/// ```
/// use tape::Tensor;
/// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(x.reshape([-1, 2]).shape(), [3, 2]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Extents(pub(crate) Shape);

macro_rules! extents {
    ($([$($parameter:tt)*] $from:ty;)*) => {$(
        impl<$($parameter)*> From<$from> for Extents {
            #[inline]
            fn from(shape: $from) -> Extents {
                Extents(Shape::from(shape))
            }
        }
    )*};
}

extents! {
    [] Shape;
    [] &Shape;
    [] usize;
    [] Vec<usize>;
    [] &[usize];
    [const N: usize] [usize; N];
}

impl<const N: usize> From<[isize; N]> for Extents {
    fn from(extents: [isize; N]) -> Extents {
        // -1 is `INFER`; other negative numbers are beyond the limit of an extent.
        Extents(extents.iter().map(|&extent| extent as usize).collect())
    }
}

/// The type of a literal where nothing else determines it.
impl<const N: usize> From<[i32; N]> for Extents {
    fn from(extents: [i32; N]) -> Extents {
        Extents::from(extents.map(|extent| extent as isize))
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(dims: I) -> Shape {
        // Pushed one by one: collecting an iterator of unknown length takes longer for a short list.
        let mut shape = Shape::default();
        dims.into_iter().for_each(|extent| shape.0.push(extent));
        shape
    }
}

impl<const N: usize> PartialEq<[usize; N]> for Shape {
    fn eq(&self, other: &[usize; N]) -> bool {
        self[..] == other[..]
    }
}

impl<const N: usize> PartialEq<[usize; N]> for &Shape {
    fn eq(&self, other: &[usize; N]) -> bool {
        self[..] == other[..]
    }
}

/// One or several axes, negative counting from the end; made from `1`, `-1`, `[0, 2]` or a slice.
///
/// ```
/// use tape::Tensor;
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(x.sum_axes(-1, false).to_vec(), [3.0, 7.0]);
/// assert_eq!(x.sum_axes([0, 1], true).shape(), [1, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes(Option<SmallVec<[isize; 4]>>);

impl Axes {
    /// Every axis of the operand.
    pub fn all() -> Axes {
        Axes(None)
    }
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Axes {
        Axes(Some(SmallVec::from_slice(&[axis])))
    }
}

impl From<i32> for Axes {
    fn from(axis: i32) -> Axes {
        Axes::from(axis as isize)
    }
}

impl From<&[isize]> for Axes {
    fn from(axes: &[isize]) -> Axes {
        Axes(Some(SmallVec::from_slice(axes)))
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Axes {
        Axes::from(&axes[..])
    }
}

impl<const N: usize> From<[i32; N]> for Axes {
    fn from(axes: [i32; N]) -> Axes {
        Axes(Some(axes.iter().map(|&axis| axis as isize).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_aligns_at_the_last_axis() {
        let shape = |a: &[usize], b: &[usize]| Shape::broadcast(a, b).map(|s| s.dims());
        assert_eq!(shape(&[2, 3], &[3]), Ok(vec![2, 3]));
        assert_eq!(shape(&[2, 1], &[1, 4]), Ok(vec![2, 4]));
        assert_eq!(shape(&[], &[0, 2]), Ok(vec![0, 2]));
        assert_eq!(shape(&[1], &[0]), Ok(vec![0]));
        let error = shape(&[2, 3], &[2]).unwrap_err();
        assert_eq!(error.to_string(), "shape: shapes do not broadcast: [2, 3] and [2]");
        assert_eq!(error.named("add").to_string(), "add: shapes do not broadcast: [2, 3] and [2]");
    }

    #[test]
    fn axes_count_from_the_end_and_must_be_distinct() {
        let shape = Shape::from([2, 3, 4]);
        assert_eq!(shape.axes(&Axes::from([-1, 0])).unwrap()[..], [0, 2]);
        assert_eq!(shape.axes(&Axes::all()).unwrap()[..], [0, 1, 2]);
        let text = |axes| shape.axes(&axes).unwrap_err().named("sum").to_string();
        assert_eq!(text(Axes::from(3)), "sum: axis 3 does not exist in shape [2, 3, 4]");
        assert_eq!(text(Axes::from([1, -2])), "sum: axis 1 appears more than once");
    }

    #[test]
    fn strides_are_row_major() {
        assert_eq!(Shape::from([2, 3, 4]).strides()[..], [12, 4, 1]);
        assert_eq!(Shape::from([]).strides().len(), 0);
    }
}
