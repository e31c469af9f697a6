//! Matrix product.

use crate::algebra::Element;
use crate::error::{self, Error};
use crate::op::{Array, Op, operands};
use crate::ops::Arrays;
use crate::ops::card::{Card, Cases};
use crate::shape::Shape;
use crate::tensor::{Tensor, matmul};

/// The matrix product over the last two axes; leading axes are batches and broadcast.
///
/// # Shapes
/// `[.., m, k] · [.., k, n] -> [.., m, n]`. A product over `k = 0` terms is 0.
///
/// # Math
/// `Y = A B`, `dY = dA B + A dB`; the cotangents are `Ȳ Bᵀ` and `Aᵀ Ȳ`, summed over broadcast batches.
/// Transposed operands are read in place, never copied.
///
/// # Panics
/// If the inner dimensions differ, an operand has rank below 2, or the batches do not broadcast.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0]]);
/// let b = tape.var([[3.0], [4.0]]);
/// let y = a.matmul(b);
/// assert_eq!(y.value(), Tensor::from([[11.0]]));
/// let grads = y.vjp([[1.0]]);
/// assert_eq!(grads.wrt(a), Tensor::from([[3.0, 4.0]]));
/// assert_eq!(grads.wrt(b), Tensor::from([[1.0], [2.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatMul;

impl<T: Element> Op<T> for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        operands("matmul", x, 2, "two operands")?;
        for x in x {
            if x.rank() < 2 {
                return Err(Error::Rank { op: "matmul", expected: "rank 2 or more", found: x.dims() });
            }
        }
        let (lhs, a) = x[0].split_at(x[0].rank() - 2);
        let (rhs, b) = x[1].split_at(x[1].rank() - 2);
        if a[1] != b[0] {
            return Err(Error::InnerDims { op: "matmul", lhs: x[0].dims(), rhs: x[1].dims() });
        }
        let batch = Shape::broadcast("matmul", lhs, rhs).map_err(|_| Error::Broadcast {
            op: "matmul",
            lhs: x[0].dims(),
            rhs: x[1].dims(),
        })?;
        Ok(batch.iter().copied().chain([a[0], b[1]]).collect())
    }

    fn eval(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        let shape = error::expect(Op::<T>::shape(self, &[x[0].shape(), x[1].shape()]));
        matmul::matmul(x[0], x[1], shape)
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        match k {
            0 => dx.matmul(x[1]),
            _ => x[0].matmul(dx),
        }
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let full = match k {
            0 => dy.matmul(&x[1].transpose()),
            _ => x[0].transpose().matmul(dy),
        };
        full.sum_to(x[k].shape())
    }
}

pub(crate) const CARD: Card = Card {
    formula: "A B",
    derivative: "dA B + A dB",
    domain: "all",
    convention: "",
    numpy: "matmul",
    torch: "matmul",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [(&[usize], &[usize]); 9] = [
        (&[2, 3], &[3, 4]),
        (&[1, 1], &[1, 1]),
        (&[5, 1], &[1, 5]),
        (&[2, 0], &[0, 3]),
        (&[0, 2], &[2, 3]),
        (&[4, 2, 3], &[4, 3, 2]),
        (&[4, 2, 3], &[3, 5]),
        (&[2, 3], &[4, 3, 2]),
        (&[3, 1, 2, 3], &[2, 3, 2]),
    ];
    for (a, b) in shapes {
        to.case(MatMul, &[a, b]);
    }
}
