//! The elements of a tensor one by one: iterators, `x[[i, j]]`, comparison.

use super::Tensor;
use crate::error::Error;
use crate::index::advance;
use crate::rules::algebra::Element;
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
