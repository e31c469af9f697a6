//! Transposed matrices.

use crate::algebra::Element;
use crate::error::Error;
use crate::op::{Array, Op, operands};
use crate::ops::Arrays;
use crate::ops::card::{Card, Cases};
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
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        operands("transpose", x, 1, "one operand")?;
        let rank = x[0].rank();
        if rank < 2 {
            return Err(Error::Rank { op: "transpose", expected: "rank 2 or more", found: x[0].dims() });
        }
        Ok(order(rank).into_iter().map(|axis| x[0][axis]).collect())
    }

    fn eval(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        x[0].permuted(&order(x[0].rank()))
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dx: &A) -> A {
        dx.transpose()
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        dy.transpose()
    }
}

fn order(rank: usize) -> smallvec::SmallVec<[usize; 4]> {
    let mut order: smallvec::SmallVec<[usize; 4]> = (0..rank).collect();
    order.swap(rank - 1, rank - 2);
    order
}

pub(crate) const CARD: Card = Card {
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
