//! Arithmetic mean over axes.

use super::sum::{finish, positions, reduced, restore};
use crate::element::Constant;
use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, kernel, reduce};

/// Mean over a set of axes.
///
/// # Shapes
/// As [`Sum`](crate::ops::Sum). The mean over no elements is NaN.
///
/// # Math
/// `y = Σ x / n`, `dy = Σ dx / n`, with `n` the number of elements in each sum.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 6.0]]);
/// let y = x.mean();
/// assert_eq!(y.value(), 3.0);
/// assert_eq!(y.backward().wrt(x), Tensor::full([2, 2], 0.25));
/// assert_eq!(x.mean_axes(0, true).value(), Tensor::from([[2.0, 4.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// The axes to reduce.
    pub axes: Axes,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

impl Mean {
    /// One over the number of elements in each mean.
    fn weight(&self, x: &Shape) -> Constant {
        let axes = positions(x, &self.axes);
        Constant::ratio(1.0, axes.iter().map(|&axis| x[axis]).product::<usize>() as f64)
    }
}

impl<T: Element> Op<T> for Mean {
    const NAME: &'static str = "mean";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        reduced(x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        let n = T::from_usize(axes.iter().map(|&axis| x[0].shape()[axis]).product());
        let mut mean = reduce::sum(x[0], &axes).map_elements(|sum| sum / n);
        if n > T::ZERO && !reduce::all_finite(&mean) {
            // Perhaps only the sum overflowed: the sum of the quotients does not.
            let shares = reduce::sum(&x[0].map_elements(|x| x / n), &axes);
            mean = kernel::zip(mean.shape(), &mean, &shares, |y, z| if y.is_finite() { y } else { z });
        }
        finish(mean, shape)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        let share = dy.clone() * dy.lift(self.weight(&shape));
        restore(&share, &shape, &positions(&shape, &self.axes))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ x / n over axes",
    derivative: "1 / n",
    domain: "all",
    convention: "NaN over no elements",
    numpy: "mean",
    torch: "mean",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("mean") {
        to.case(Mean { axes, keepdim }, &[&shape]);
    }
}
