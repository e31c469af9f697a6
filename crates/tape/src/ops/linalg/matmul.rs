//! Matrix product.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Cotangents, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::matmul::{self, Matrix};
use smallvec::smallvec;

/// The matrix product over the last two axes; leading axes are batches and broadcast.
///
/// # Shapes
/// `[.., m, k] · [.., k, n] -> [.., m, n]`; a vector is a row on the left and a column on the right, and its
/// axis is dropped from the result: `[k] · [k] -> []`. A product over `k = 0` terms is 0.
///
/// # Math
/// `Y = A B`, `dY = dA B + A dB`; the cotangents are `Ȳ Bᵀ` and `Aᵀ Ȳ`, summed over broadcast batches.
/// Transposed operands are read in place, never copied.
///
/// # Panics
/// If the inner dimensions differ, an operand has rank 0, or the batches do not broadcast.
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
    const NAME: &'static str = "matmul";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let (lhs, rhs) = (|| x[0].dims(), || x[1].dims());
        let no_axis = |found| Error::rank("rank 1 or more", found);
        let (leading, rows, left) = match &x[0][..] {
            [] => return Err(no_axis(lhs())),
            [k] => (&[][..], None, k),
            [leading @ .., m, k] => (leading, Some(m), k),
        };
        let (other, right, columns) = match &x[1][..] {
            [] => return Err(no_axis(rhs())),
            [k] => (&[][..], k, None),
            [leading @ .., k, n] => (leading, k, Some(n)),
        };
        if left != right {
            return Err(Error::inner_dims(lhs(), rhs()));
        }
        let batch = Shape::broadcast(leading, other).map_err(|_| Error::broadcast(lhs(), rhs()))?;
        Ok(batch.iter().chain(rows).chain(columns).copied().collect())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        if x[0].rank() > 1 && x[1].rank() > 1 {
            return matmul::matmul(x[0], x[1], shape.clone());
        }
        let full = product_shape(shape, x[0].rank(), x[1].rank());
        matmul::matmul(&matrix(x[0], 0), &matrix(x[1], 1), full).reshaped(shape.clone())
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let (a, b) = (matrix(x[0], 0), matrix(x[1], 1));
        let shape = product_shape(&dy.shape(), x[0].shape().rank(), x[1].shape().rank());
        let dy = if dy.shape() == shape { dy.clone() } else { dy.reshape(shape) };
        let (full, own) = match k {
            0 => (dy.matmul(&b.transpose()), a.shape()),
            _ => (a.transpose().matmul(&dy), b.shape()),
        };
        let summed = full.sum_to(&own);
        if own == x[k].shape() { summed } else { summed.reshape(x[k].shape()) }
    }

    /// For two matrices the same two products, without the shape rules of the operations with which they are
    /// written.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        if x.iter().any(|x| x.rank() != 2) {
            return self.vjp_each(x, y, &dy, want);
        }
        let [a, b, cts] = [x[0], x[1], &dy].map(Matrix::rows);
        let da = || matmul::tensor(cts, b.transposed(), x[0].shape());
        let db = || matmul::tensor(a.transposed(), cts, x[1].shape());
        smallvec![want[0].then(da), want[1].then(db)]
    }
}

/// An operand of rank 2 or more: a vector as a row on the left (`k = 0`), as a column on the right.
fn matrix<T: Element, A: Array<T>>(x: &A, k: usize) -> A {
    match (&x.shape()[..], k) {
        (&[n], 0) => x.reshape([1, n]),
        (&[n], _) => x.reshape([n, 1]),
        _ => x.clone(),
    }
}

/// The shape of a product before the axes of vectors are dropped.
fn product_shape(shape: &Shape, left: usize, right: usize) -> Shape {
    let (before, columns) = shape.split_at(shape.rank() - usize::from(right > 1));
    let (row, column) = ((left == 1).then_some(&1), (right == 1).then_some(&1));
    before.iter().chain(row).chain(columns).chain(column).copied().collect()
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "A B",
    derivative: "dA B + A dB",
    domain: "all",
    convention: "",
    numpy: "matmul",
    torch: "matmul",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [(&[usize], &[usize]); 15] = [
        (&[2, 3], &[3, 4]),
        (&[1, 1], &[1, 1]),
        (&[5, 1], &[1, 5]),
        (&[2, 0], &[0, 3]),
        (&[0, 2], &[2, 3]),
        (&[4, 2, 3], &[4, 3, 2]),
        (&[4, 2, 3], &[3, 5]),
        (&[2, 3], &[4, 3, 2]),
        (&[3, 1, 2, 3], &[2, 3, 2]),
        (&[3], &[3]),
        (&[3], &[3, 2]),
        (&[2, 3], &[3]),
        (&[2, 2, 3], &[3]),
        (&[3], &[2, 3, 2]),
        (&[0], &[0, 2]),
    ];
    for (a, b) in shapes {
        to.case(MatMul, &[a, b]);
    }
}
