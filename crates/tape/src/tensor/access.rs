//! The elements of a tensor one by one: iterators, `x[[i, j]]`, comparison.

use super::Tensor;
use crate::error::{self, Error};
use crate::index::advance;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use smallvec::SmallVec;
use std::ops::{Index, IndexMut};

/// The elements of a tensor in row-major order, borrowed: see [`Tensor::iter`].
#[derive(Clone, Debug)]
pub struct Iter<'a, T: Element> {
    tensor: &'a Tensor<T>,
    index: SmallVec<[usize; 4]>,
    left: usize,
}

impl<'a, T: Element> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.left = self.left.checked_sub(1)?;
        let element = &self.tensor.data.slice()[self.tensor.position(&self.index)];
        advance(&mut self.index, &self.tensor.shape);
        Some(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Element> ExactSizeIterator for Iter<'_, T> {}

impl<'a, T: Element> IntoIterator for &'a Tensor<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: Element> IntoIterator for Tensor<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> std::vec::IntoIter<T> {
        self.to_vec().into_iter()
    }
}

/// A vector of the elements.
impl<T: Element> FromIterator<T> for Tensor<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Tensor<T> {
        Tensor::from(elements.into_iter().collect::<Vec<T>>())
    }
}

impl<T: Element> Tensor<T> {
    /// The elements in row-major order, whatever the layout in memory.
    ///
    /// ```
    /// use tape::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.transpose().iter().copied().collect::<Vec<f64>>(), [1.0, 3.0, 2.0, 4.0]);
    /// let doubled: Tensor = x.iter().map(|x| 2.0 * x).collect();
    /// assert_eq!(doubled, Tensor::from([2.0, 4.0, 6.0, 8.0]));
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { tensor: self, index: SmallVec::from_elem(0, self.rank()), left: self.size() }
    }

    /// The position in the buffer of an element, whose index has been checked.
    pub(super) fn position(&self, index: &[usize]) -> usize {
        let step = |(&i, &stride): (&usize, &isize)| i as isize * stride;
        (self.offset as isize + index.iter().zip(&self.strides).map(step).sum::<isize>()) as usize
    }

    /// Returns `true` if the index has as many entries as axes, all in range.
    pub(super) fn contains(&self, index: &[usize]) -> bool {
        index.len() == self.rank() && index.iter().zip(self.shape.iter()).all(|(&i, &n)| i < n)
    }

    /// Checks the index of `x[index]`.
    #[track_caller]
    fn checked(&self, index: &[usize]) {
        if !self.contains(index) {
            let reason = format!("expected an index of an element of shape {}, found {index:?}", self.shape);
            Error::Invalid { op: "index", reason }.panic();
        }
    }

    /// Returns `true` if the shapes are equal and every element is close to that of `other`:
    /// `|x - y| <= 1e-8 + 1e-5 |y|`, NumPy's default. Infinities are close to themselves, NaN to nothing.
    ///
    /// ```
    /// use tape::Tensor;
    /// let x = Tensor::from([1.0, 1e6]);
    /// assert!(x.allclose(&Tensor::from([1.0, 1e6 + 1.0])));
    /// assert!(!x.allclose(&Tensor::from([1.0, 1e6 + 100.0])));
    /// ```
    pub fn allclose(&self, other: &Tensor<T>) -> bool {
        self.allclose_within(other, 1e-5, 1e-8)
    }

    /// [`allclose`](Tensor::allclose) with other bounds: `|x - y| <= absolute + relative |y|`.
    ///
    /// ```
    /// use tape::Tensor;
    /// let (x, y) = (Tensor::from([1.0, 2.0]), Tensor::from([1.0, 2.5]));
    /// assert!(x.allclose_within(&y, 0.2, 0.0) && !x.allclose_within(&y, 0.1, 0.0));
    /// ```
    pub fn allclose_within(&self, other: &Tensor<T>, relative: f64, absolute: f64) -> bool {
        let close = |(x, y): (&T, &T)| {
            let (x, y) = (x.to_f64(), y.to_f64());
            x == y || (x - y).abs() <= absolute + relative * y.abs() && y.is_finite()
        };
        self.shape == other.shape && self.iter().zip(other).all(close)
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
}

/// The element at an index.
///
/// ```
/// use tape::Tensor;
/// let mut x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// x[[0, 1]] += 8.0;
/// assert_eq!(x[[0, 1]], 10.0);
/// ```
///
/// # Panics
/// If there is no such element.
impl<T: Element, const N: usize> Index<[usize; N]> for Tensor<T> {
    type Output = T;

    #[track_caller]
    fn index(&self, index: [usize; N]) -> &T {
        self.checked(&index);
        &self.data.slice()[self.position(&index)]
    }
}

/// An element, for writing. Copies the elements first if the buffer is shared or strided.
///
/// # Panics
/// If there is no such element.
impl<T: Element, const N: usize> IndexMut<[usize; N]> for Tensor<T> {
    #[track_caller]
    fn index_mut(&mut self, index: [usize; N]) -> &mut T {
        self.checked(&index);
        let at = index.iter().zip(self.shape.strides()).map(|(i, step)| i * step as usize).sum::<usize>();
        &mut self.as_mut_slice()[at]
    }
}

/// The element of a vector at a position: see [`row`](Tensor::row) for tensors with more axes.
///
/// # Panics
/// If the rank is not 1, or there is no such element.
impl<T: Element> Index<usize> for Tensor<T> {
    type Output = T;

    #[track_caller]
    fn index(&self, index: usize) -> &T {
        &self[[index]]
    }
}

/// An element of a vector, for writing.
///
/// # Panics
/// If the rank is not 1, or there is no such element.
impl<T: Element> IndexMut<usize> for Tensor<T> {
    #[track_caller]
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self[[index]]
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

impl<T: Element> Tensor<T> {
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
}
