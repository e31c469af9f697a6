//! Minimum over axes.

use super::max::{nonempty, shares};
use super::sum::{finish, positions, restore};
use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op, hits};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};

/// Minimum over a set of axes.
///
/// # Shapes
/// As [`Sum`](crate::ops::Sum), but the reduced axes must hold at least one element.
///
/// # Math
/// `y = min x`; `dy = dx` at the minimum.
///
/// # Domain
/// All real numbers; NaN takes precedence. Where several elements share the minimum they share the derivative equally.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 5.0, 1.0]);
/// let y = x.min();
/// assert_eq!(y.value(), 1.0);
/// assert_eq!(y.backward().wrt(x), Tensor::from([0.5, 0.0, 0.5]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Min {
    /// The axes to reduce.
    pub axes: Axes,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

impl<T: Element> Op<T> for Min {
    const NAME: &'static str = "min";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        nonempty(x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        let smaller = |min: T, &x: &T| if x < min || x.is_nan() { x } else { min };
        let y = reduce::fold(x[0], &axes, |x| x.iter().fold(T::INFINITY, smaller));
        finish(y, shape)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let axes = positions(&x[0].shape(), &self.axes);
        dx.clone().chain_rule(shares(x[0], y, &axes)).sum_axes(self.axes.clone(), self.keepdim)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let axes = positions(&x[0].shape(), &self.axes);
        restore(dy, &x[0].shape(), &axes).chain_rule(shares(x[0], y, &axes))
    }

    fn branches(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        let axes = positions(x[0].shape(), &self.axes);
        hits(&shares(x[0], y, &axes), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "min x over axes",
    derivative: "1 at the minimum, else 0",
    domain: "at least one element",
    convention: "ties share equally",
    numpy: "min",
    torch: "amin",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("min").filter(|(shape, ..)| !shape.contains(&0)) {
        to.case(Min { axes, keepdim }, &[&shape]);
    }
}
