//! Sum over axes.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Cotangents, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};
use smallvec::{SmallVec, smallvec};

/// Sum over a set of axes.
///
/// # Shapes
/// `x` of any shape; the reduced axes disappear, or are kept with extent 1 if `keepdim`. The sum over an axis
/// of extent 0 is 0.
///
/// # Math
/// `y = Σ x`, `dy = Σ dx`, and the cotangent of `x` is that of `y`, repeated along the reduced axes.
/// Additions are made pairwise, in an order that depends on the shape alone.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let rows = x.sum_axes(1, false);
/// assert_eq!(rows.value(), Tensor::from([3.0, 7.0]));
/// let grads = rows.vjp([1.0, 10.0]);
/// assert_eq!(grads.wrt(x), Tensor::from([[1.0, 1.0], [10.0, 10.0]]));
/// assert_eq!(x.sum().value(), 10.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    /// The axes to reduce.
    pub axes: Axes,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

impl<T: Element> Op<T> for Sum {
    const NAME: &'static str = "sum";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        reduced(x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        finish(reduce::sum(x[0], &axes), shape)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        restore(dy, &x[0].shape(), &positions(&x[0].shape(), &self.axes))
    }

    /// The same as two views.
    fn vjp_all(&self, x: &[&Tensor<T>], _y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let shape = x[0].shape();
        let dx = || match dy.rank() {
            0 => dy.stretched(shape),
            _ => dy.reshaped(shape.reduced(&positions(shape, &self.axes), true)).stretched(shape),
        };
        smallvec![want[0].then(dx)]
    }
}

/// The shape rule of every reduction.
pub(crate) fn reduced(x: &[&Shape], axes: &Axes, keepdim: bool) -> Result<Shape, Error> {
    Ok(x[0].reduced(&x[0].axes(axes)?, keepdim))
}

/// The reduced axes, once the shape rule has accepted them.
pub(crate) fn positions(shape: &Shape, axes: &Axes) -> SmallVec<[usize; 4]> {
    error::expect(shape.axes(axes))
}

/// Restores the reduced axes with extent 1, if the result of shape `shape` has them.
pub(crate) fn finish<T: Element>(y: Tensor<T>, shape: &Shape) -> Tensor<T> {
    if y.shape() == shape { y } else { y.reshaped(shape.clone()) }
}

/// Repeats a result reduced over `axes` to the shape `x`: the adjoint of a sum.
pub(crate) fn restore<T: Element, A: Array<T>>(y: &A, x: &Shape, axes: &[usize]) -> A {
    y.reshape(x.reduced(axes, true)).broadcast_to(x.clone())
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ x over axes",
    derivative: "1",
    domain: "all",
    convention: "0 over no elements",
    numpy: "sum",
    torch: "sum",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("sum") {
        to.case(Sum { axes, keepdim }, &[&shape]);
    }
}
