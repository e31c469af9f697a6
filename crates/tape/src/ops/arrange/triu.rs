//! The upper triangle of a matrix.

use super::tril::{cut, matrices, triangles};
use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The elements on and above diagonal `k` of the last two axes, zeros below it.
///
/// Diagonal 0 is the main one, `k > 0` is above it. See [`Tril`](crate::ops::Tril) for the other half.
///
/// # Shapes
/// Rank 2 or more; the result has the same shape.
///
/// # Math
/// `yᵢⱼ = xᵢⱼ` where `j - i ≥ k`, else 0. Linear; the cotangent is masked likewise. Masked elements are
/// exactly 0, even where they were infinite or NaN.
///
/// # Panics
/// If the operand has fewer than two axes.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let y = x.triu(1);
/// assert_eq!(y.value(), Tensor::from([[0.0, 2.0], [0.0, 0.0]]));
/// assert_eq!(y.vjp([[5.0, 6.0], [7.0, 8.0]]).wrt(x), Tensor::from([[0.0, 6.0], [0.0, 0.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Triu {
    /// The first diagonal kept.
    pub k: isize,
}

impl<T: Element> Op<T> for Triu {
    const NAME: &'static str = "triu";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        matrices(x)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        cut(x[0], |diagonal| diagonal >= self.k)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(*self, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "xᵢⱼ where j - i ≥ k, else 0",
    derivative: "1 where kept, else 0",
    domain: "rank 2 or more",
    convention: "",
    numpy: "triu",
    torch: "triu",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (x, k) in triangles() {
        to.case(Triu { k }, &[&x]);
    }
}
