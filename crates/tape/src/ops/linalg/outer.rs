//! The outer product of vectors.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// `a bᵀ` of two vectors: every product of an element of `a` with one of `b`.
///
/// # Shapes
/// `[m]`, `[n] -> [m, n]`.
///
/// # Math
/// `dY = da bᵀ + a dbᵀ`; the cotangents are `Ȳ b` and `Ȳᵀ a`.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (a, b) = (tape.var([1.0, 2.0]), tape.var([3.0, 4.0]));
/// let y = a.outer(b);
/// assert_eq!(y.value(), Tensor::from([[3.0, 4.0], [6.0, 8.0]]));
/// assert_eq!(y.vjp([[1.0, 0.0], [0.0, 1.0]]).wrt(a), Tensor::from([3.0, 4.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outer;

impl<T: Element> Op<T> for Outer {
    const NAME: &'static str = "outer";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        for x in x {
            if x.rank() != 1 {
                return Err(Error::rank("a vector", x.dims()));
            }
        }
        Ok([x[0][0], x[1][0]].into())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        x[0].reshaped([x[0].size(), 1].into()) * x[1].clone()
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        match k {
            0 => dy.matmul(x[1]),
            _ => x[0].matmul(dy),
        }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "a bᵀ",
    derivative: "da bᵀ + a dbᵀ",
    domain: "all",
    convention: "",
    numpy: "outer",
    torch: "outer",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (m, n) in [(1, 1), (2, 3), (4, 1), (0, 2), (3, 0)] {
        to.case(Outer, &[&[m], &[n]]);
    }
}
