//! The squared distance of two tensors: fused, because it is the loss of many small networks.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::{Arithmetic, Element};
use crate::rules::op::{Arity, Array, Cotangents, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, kernel, reduce};
use smallvec::smallvec;

/// `Σ (a - b)²` over all elements: the squared Euclidean distance.
///
/// # Shapes
/// `a` and `b` of one shape; the result is a scalar, of rank 0. The distance of empty tensors is 0.
///
/// # Math
/// `dy = Σ 2 (a - b) (da - db)`; the cotangents are `2 (a - b) ȳ` and its negative.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (a, b) = (tape.var([1.0, 5.0]), tape.var([2.0, 3.0]));
/// let y = a.squared_distance(b).item();
/// assert_eq!(y.value(), 5.0);
/// let grads = y.backward();
/// assert_eq!(grads.wrt(a), Tensor::from([-2.0, 4.0]));
/// assert_eq!(grads.wrt(b), Tensor::from([2.0, -4.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SquaredDistance;

/// The derivative with respect to operand `k`.
#[inline(always)]
fn slope<A: Arithmetic>(k: usize, [a, b]: [A; 2]) -> A {
    let d = if k == 0 { a - b } else { b - a };
    d.clone() + d
}

impl<T: Element> Op<T> for SquaredDistance {
    const NAME: &'static str = "squared_distance";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if x[0] != x[1] {
            return Err(Error::shape(x[0].dims(), x[1].dims()));
        }
        Ok(Shape::default())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let (a, b) = (&*x[0].elements(), &*x[1].elements());
        Tensor::scalar(reduce::sum_pairs(a, b, |a, b| (a - b) * (a - b)))
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        dx.clone().chain_rule(slope(k, [x[0].clone(), x[1].clone()])).sum_axes(Axes::all(), false)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        dy.clone().chain_rule(slope(k, [x[0].clone(), x[1].clone()]))
    }

    /// The same in one pass.
    fn vjp_all(&self, x: &[&Tensor<T>], _y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let dy = dy.item();
        let ct = |k| kernel::zip(x[0].shape(), x[0], x[1], move |a, b| dy.chain_rule(slope(k, [a, b])));
        smallvec![want[0].then(|| ct(0)), want[1].then(|| ct(1))]
    }

    fn eval_into(&self, x: &[&Tensor<T>], y: &mut Tensor<T>) -> Result<(), Error> {
        let (a, b) = (&*x[0].elements(), &*x[1].elements());
        let sum = reduce::sum_pairs(a, b, |a, b| (a - b) * (a - b));
        y.refill(&Shape::default(), |out| out[0] = sum);
        Ok(())
    }

    fn vjp_into(
        &self,
        x: &[&Tensor<T>],
        _y: &Tensor<T>,
        dy: &mut Tensor<T>,
        want: &[bool],
        cts: &mut [Tensor<T>],
    ) -> Result<(), Error> {
        let dy = dy.item();
        for (k, ct) in cts.iter_mut().enumerate().filter(|&(k, _)| want[k]) {
            kernel::zip_into(ct, x[0].shape(), x[0], x[1], move |a, b| dy.chain_rule(slope(k, [a, b])));
        }
        Ok(())
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ (a - b)²",
    derivative: "2 (a - b); 2 (b - a)",
    domain: "all",
    convention: "",
    numpy: "sum((a - b)**2)",
    torch: "nn.functional.mse_loss(reduction=\"sum\")",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [&[usize]; 6] = [&[5], &[2, 3], &[], &[0], &[1, 1], &[3, 0, 2]];
    for shape in shapes {
        to.case(SquaredDistance, &[shape, shape]);
    }
}
