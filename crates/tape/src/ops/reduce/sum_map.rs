//! The sum of a function of the elements: fused, because the values of the function are not needed.

use super::sum::{finish, positions, reduced, restore};
use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::ops::{Exp, Square, TensorOps};
use crate::rules::algebra::{Element, Unary};
use crate::rules::op::{Array, Cotangents, Op, decided};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, kernel};
use smallvec::smallvec;

/// `Σ f(x)` over a set of axes, in one pass: the value and derivatives of `x.map(f).sum_axes(axes, keepdim)`.
///
/// # Shapes
/// As [`Sum`](crate::ops::Sum).
///
/// # Math
/// `y = Σ f(x)`, `dy = Σ f'(x) dx`; the cotangent of `x` is `f'(x)` times that of `y`, repeated along the reduced axes.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor, ops::Square};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let squares = x.sum_map(Square, -1, false);
/// assert_eq!(squares.value(), Tensor::from([5.0, 25.0]));
/// assert_eq!(squares.vjp([1.0, 10.0]).wrt(x), Tensor::from([[2.0, 4.0], [60.0, 80.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SumMap<F> {
    /// The function.
    pub f: F,
    /// The axes to reduce.
    pub axes: Axes,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

impl<T: Element, F: Unary> Op<T> for SumMap<F> {
    const NAME: &'static str = "sum_map";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        reduced(x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let (f, axes) = (self.f, positions(x[0].shape(), &self.axes));
        finish(kernel::map_sum_to(&x[0].shape().reduced(&axes, true), x[0], move |x| f.eval(x)), shape)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        let moved = dx.clone().chain_unary(self.f, x[0], &x[0].clone().map(self.f));
        moved.sum_axes(self.axes.clone(), self.keepdim)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        let dy = restore(dy, &shape, &positions(&shape, &self.axes));
        dy.chain_unary(self.f, x[0], &x[0].clone().map(self.f))
    }

    /// The same in one pass.
    fn vjp_all(&self, x: &[&Tensor<T>], _y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let (f, shape) = (self.f, x[0].shape());
        let dy = dy.reshape(shape.reduced(&positions(shape, &self.axes), true));
        let dx = || kernel::zip(shape, &dy, x[0], move |d, x| d.chain_rule(f.slope(x, f.eval(x))));
        smallvec![want[0].then(dx)]
    }

    fn branches(&self, x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        decided(x[0], |x| self.f.branch(x), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ f(x) over axes",
    derivative: "f'(x)",
    domain: "that of f",
    convention: "that of f; 0 over no elements",
    numpy: "sum(f(x))",
    torch: "",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (i, (shape, axes, keepdim)) in reductions("sum_map").enumerate() {
        if i % 2 == 0 {
            to.case(SumMap { f: Square, axes, keepdim }, &[&shape]);
        } else {
            to.case(SumMap { f: Exp, axes, keepdim }, &[&shape]);
        }
    }
}
