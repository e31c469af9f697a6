//! Variance over axes: a primitive, because `mean(x²) - mean(x)²` cancels.

use super::center::deviations;
use super::norm::euclidean;
use super::sum::{finish, positions, reduced, restore};
use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::ops::{Center, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, kernel, reduce};

/// Variance over a set of axes.
///
/// # Shapes
/// As [`Sum`](crate::ops::Sum). Over `ddof` elements or fewer it divides by 0: infinite or NaN, and so is its
/// derivative.
///
/// # Math
/// `y = Σ (x - m)² / (n - ddof)` with the mean `m` of `n` elements, in two passes; `dy = Σ 2 (x - m) dx / (n - ddof)`.
/// `ddof = 0` is the variance of the given values, `ddof = 1` the unbiased estimate of that of their
/// distribution.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 6.0]);
/// let y = x.variance(1);
/// assert_eq!(y.value(), 7.0);
/// assert_eq!(y.backward().wrt(x), Tensor::from([-2.0, -1.0, 3.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Variance {
    /// The axes to reduce.
    pub axes: Axes,
    /// The number subtracted from the number of elements.
    pub ddof: usize,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

/// The number of degrees of freedom of each row, at least 0.
pub(crate) fn freedom(shape: &Shape, axes: &[usize], ddof: usize) -> f64 {
    axes.iter().map(|&axis| shape[axis]).product::<usize>().saturating_sub(ddof) as f64
}

impl Variance {
    /// The derivative of the variance: `2 (x - m) / (n - ddof)`.
    fn slope<T: Element, A: Array<T>>(&self, x: &A) -> A {
        let axes = positions(&x.shape(), &self.axes);
        let n = freedom(&x.shape(), &axes, self.ddof);
        let center = A::apply(Center { axes: self.axes.clone() }, &[x]);
        x.lift(2.0) * center / x.lift(n)
    }
}

impl<T: Element> Op<T> for Variance {
    const NAME: &'static str = "var";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        reduced(x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        let n = T::from_f64(freedom(x[0].shape(), &axes, self.ddof));
        let deviations = deviations(x[0], &axes);
        let squares = deviations.map_elements(|d| d * d);
        let mut y = reduce::sum(&squares, &axes).map_elements(|sum| sum / n);
        if !reduce::all_finite(&y) {
            // Perhaps only the sum overflowed.
            let root = n.sqrt();
            let scaled = reduce::fold(&deviations, &axes, |d| euclidean(d) / root);
            y = kernel::zip(y.shape(), &y, &scaled, |y, root| if y.is_finite() { y } else { root * root });
        }
        finish(y, shape)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        dx.clone().chain_rule(self.slope(x[0])).sum_axes(self.axes.clone(), self.keepdim)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let axes = positions(&x[0].shape(), &self.axes);
        restore(dy, &x[0].shape(), &axes).chain_rule(self.slope(x[0]))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ (x - mean x)² / (n - ddof) over axes",
    derivative: "2 (x - mean x) / (n - ddof)",
    domain: "more than ddof elements",
    convention: "a division by 0 over ddof elements or fewer",
    numpy: "var",
    torch: "var",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("variance") {
        for ddof in [0, 1] {
            if row_length(&shape, &axes) > ddof {
                to.case(Variance { axes: axes.clone(), ddof, keepdim }, &[&shape]);
            }
        }
    }
}

/// The number of elements in each row.
pub(crate) fn row_length(shape: &[usize], axes: &Axes) -> usize {
    let axes = positions(&Shape::from(shape), axes);
    axes.iter().map(|&axis| shape[axis]).product()
}
