//! Matrix product.

use crate::algebra::Element;
use crate::error::{self, Error};
use crate::op::{Array, Cotangents, Op, operands};
use crate::ops::Arrays;
use crate::ops::card::{Card, Cases};
use crate::shape::Shape;
use crate::tensor::{Tensor, matmul, reduce};
use smallvec::{SmallVec, smallvec};

/// The matrix product over the last two axes; leading axes are batches and broadcast.
///
/// # Shapes
/// `[.., m, k] · [.., k, n] -> [.., m, n]`; a vector is a row on the left and a column on the right, and the result
/// lacks its axis: `[k] · [k] -> []`. A product over `k = 0` terms is 0.
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
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        operands("matmul", x, 2, "two operands")?;
        let (a, b) = (promoted(x[0], 0)?, promoted(x[1], 1)?);
        let (leading, a) = a.split_at(a.rank() - 2);
        let (other, b) = b.split_at(b.rank() - 2);
        if a[1] != b[0] {
            return Err(Error::InnerDims { op: "matmul", lhs: x[0].dims(), rhs: x[1].dims() });
        }
        let batch = Shape::broadcast("matmul", leading, other).map_err(|_| Error::Broadcast {
            op: "matmul",
            lhs: x[0].dims(),
            rhs: x[1].dims(),
        })?;
        let rows = (x[0].rank() > 1).then_some(a[0]);
        let columns = (x[1].rank() > 1).then_some(b[1]);
        Ok(batch.iter().copied().chain(rows).chain(columns).collect())
    }

    fn eval(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        let shape = error::expect(Op::<T>::shape(self, &[x[0].shape(), x[1].shape()]));
        if x[0].rank() > 1 && x[1].rank() > 1 {
            return matmul::matmul(x[0], x[1], shape);
        }
        let full = product_shape(&shape, x[0].rank(), x[1].rank());
        matmul::matmul(&matrix(x[0], 0), &matrix(x[1], 1), full).reshaped(shape)
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        match k {
            0 => dx.matmul(x[1]),
            _ => x[0].matmul(dx),
        }
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

    /// The same two products, without the shape rules of the operations they are written with.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        if x[0].rank() < 2 || x[1].rank() < 2 {
            return want.iter().enumerate().map(|(k, &want)| want.then(|| self.vjp(k, x, y, &dy))).collect();
        }
        let product = |a: &Tensor<T>, b: &Tensor<T>, to: &Tensor<T>| {
            let [.., m, _] = a.shape()[..] else { unreachable!("a matrix") };
            let [.., n] = b.shape()[..] else { unreachable!("a matrix") };
            let batch = &dy.shape()[..dy.rank() - 2];
            let full = matmul::matmul(a, b, batch.iter().copied().chain([m, n]).collect());
            if full.shape() == to.shape() { full } else { reduce::sum_to(&full, to.shape()) }
        };
        smallvec![
            want[0].then(|| product(&dy, &transposed(x[1]), x[0])),
            want[1].then(|| product(&transposed(x[0]), &dy, x[1])),
        ]
    }
}

/// A vector as a row on the left (`k = 0`), as a column on the right.
fn promoted(x: &Shape, k: usize) -> Result<Shape, Error> {
    match (x.rank(), k) {
        (0, _) => Err(Error::Rank { op: "matmul", expected: "rank 1 or more", found: x.dims() }),
        (1, 0) => Ok([1, x[0]].into()),
        (1, _) => Ok([x[0], 1].into()),
        _ => Ok(x.clone()),
    }
}

/// An operand of rank 2 or more.
fn matrix<T: Element, A: Array<T>>(x: &A, k: usize) -> A {
    let shape = x.shape();
    if shape.rank() > 1 { x.clone() } else { x.reshape(error::expect(promoted(&shape, k))) }
}

/// The shape of a product before the axes that come from vectors are taken away.
fn product_shape(shape: &Shape, left: usize, right: usize) -> Shape {
    let (mut dims, vectors) = (shape.dims(), (left == 1, right == 1));
    if vectors.0 {
        dims.insert(dims.len() - usize::from(!vectors.1), 1);
    }
    if vectors.1 {
        dims.push(1);
    }
    dims.into()
}

fn transposed<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    let mut order: SmallVec<[usize; 4]> = (0..x.rank()).collect();
    order.swap(x.rank() - 1, x.rank() - 2);
    x.permuted(&order)
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
