//! The sum of a diagonal.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::arrange::diag::{DiagAdjoint, extent};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// The sum of the main diagonal of a matrix, square or not.
///
/// # Shapes
/// A matrix gives a scalar.
///
/// # Math
/// `y = Σ xᵢᵢ`; the cotangent is on the diagonal.
///
/// # Panics
/// If the operand is not a matrix.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let y = x.trace();
/// assert_eq!(y.value(), 5.0);
/// assert_eq!(y.backward().wrt(x), Tensor::eye(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trace;

impl<T: Element> Op<T> for Trace {
    const NAME: &'static str = "trace";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        match x[0].rank() {
            2 => Ok(Shape::default()),
            _ => Err(Error::rank("a matrix", x[0].dims())),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let (length, start) = extent(x[0].shape(), 0);
        reduce::sum(&x[0].diagonal_view(start, length), &[0]).reshaped(Shape::default())
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        let (length, _) = extent(&shape, 0);
        A::apply(DiagAdjoint { offset: 0, shape }, &[&dy.broadcast_to([length])])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ xᵢᵢ",
    derivative: "1 on the diagonal, else 0",
    domain: "rank 2",
    convention: "",
    numpy: "trace",
    torch: "trace",
};

pub(crate) fn cases(to: &mut impl Cases) {
    const SHAPES: [&[usize]; 5] = [&[3, 3], &[2, 4], &[5, 3], &[1, 1], &[0, 2]];
    for x in SHAPES {
        to.case(Trace, &[x]);
    }
}
