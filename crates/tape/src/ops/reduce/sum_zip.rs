//! The sum of a function of pairs of elements: fused, because a loss needs none of its terms.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::{Hypot, LogAddExp};
use crate::rules::algebra::{Binary, Element};
use crate::rules::op::{Arity, Array, Cotangents, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, kernel};
use smallvec::smallvec;

/// `Σ f(a, b)` over all elements, in one pass: the value and derivatives of `a.zip(b, f).sum()`.
///
/// # Shapes
/// `a` and `b` have one shape; the result is `[]`.
///
/// # Math
/// `y = Σ f(a, b)`, `dy = Σ ∂f/∂a da + ∂f/∂b db`; the cotangents are `∂f/∂a` and `∂f/∂b` times that of `y`.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor, ops::{Hypot, SumZip}};
/// let tape = Tape::new();
/// let (a, b) = (tape.var([3.0, 5.0]), tape.constant([4.0, 12.0]));
/// let y = tape.apply(SumZip(Hypot), &[a, b]).item();
/// assert_eq!(y.value(), 18.0);
/// assert_eq!(y.backward().wrt(a), Tensor::from([3.0 / 5.0, 5.0 / 13.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SumZip<F>(
    /// The function.
    pub F,
);

impl<T: Element, F: Binary> Op<T> for SumZip<F> {
    const NAME: &'static str = "sum_zip";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if x[0] != x[1] {
            return Err(Error::shape(x[0].dims(), x[1].dims()));
        }
        Ok(Shape::default())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let f = self.0;
        kernel::zip_sum_to(shape, x[0], x[1], move |a, b| f.eval(a, b))
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        let y = x[0].clone().zip(x[1].clone(), self.0);
        dx.clone().chain_binary(self.0, k, x[0], x[1], &y).sum_axes(Axes::all(), false)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let y = x[0].clone().zip(x[1].clone(), self.0);
        dy.broadcast_to(x[0].shape()).chain_binary(self.0, k, x[0], x[1], &y)
    }

    /// The same, each in one pass.
    fn vjp_all(&self, x: &[&Tensor<T>], _y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let (f, d, shape) = (self.0, dy.item(), x[0].shape());
        let a = || kernel::zip(shape, x[0], x[1], move |a, b| d.chain_rule(f.slope_a(a, b, f.eval(a, b))));
        let b = || kernel::zip(shape, x[0], x[1], move |a, b| d.chain_rule(f.slope_b(a, b, f.eval(a, b))));
        smallvec![want[0].then(a), want[1].then(b)]
    }

    fn branches(&self, x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        let branches = x[0].to_vec().into_iter().zip(x[1].to_vec()).map(|(a, b)| self.0.branch(a, b));
        branches.enumerate().filter(|&(_, branch)| branch != 0).for_each(|(at, branch)| report(at, branch));
    }

    fn undefined(&self, x: &[&Tensor<T>], _y: &Tensor<T>) -> bool {
        x[0].to_vec().into_iter().zip(x[1].to_vec()).any(|(a, b)| self.0.undefined(a, b))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ f(a, b)",
    derivative: "∂f/∂a; ∂f/∂b",
    domain: "that of f",
    convention: "that of f; 0 over no elements",
    numpy: "sum(f(a, b))",
    torch: "",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [&[usize]; 6] = [&[5], &[2, 3], &[], &[0], &[1, 1], &[3, 0, 2]];
    for shape in shapes {
        to.case(SumZip(LogAddExp), &[shape, shape]);
        to.case(SumZip(Hypot), &[shape, shape]);
    }
}
