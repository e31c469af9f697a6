//! Transposed matrices.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The last two axes exchanged. Free: a view of the same buffer.
///
/// # Shapes
/// `[.., m, n] -> [.., n, m]`.
///
/// # Math
/// Linear; the cotangent is transposed.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0, 3.0]]);
/// let y = x.transpose();
/// assert_eq!(y.value(), Tensor::from([[1.0], [2.0], [3.0]]));
/// assert_eq!(y.vjp([[4.0], [5.0], [6.0]]).wrt(x), Tensor::from([[4.0, 5.0, 6.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transpose;

impl<T: Element> Op<T> for Transpose {
    const NAME: &'static str = "transpose";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if x[0].rank() < 2 {
            return Err(Error::rank("rank 2 or more", x[0].dims()));
        }
        Ok(x[0].transposed())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        x[0].transposed()
    }

    fn free(&self) -> bool {
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        dy.transpose()
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Xᵀ",
    derivative: "dXᵀ",
    domain: "rank 2 or more",
    convention: "",
    numpy: "matrix_transpose",
    torch: "mT",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [&[usize]; 4] = [&[2, 3], &[1, 4], &[2, 3, 4], &[0, 3]];
    for x in shapes {
        to.case(Transpose, &[x]);
    }
}
