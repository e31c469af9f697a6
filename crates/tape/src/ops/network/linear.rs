//! The affine map of a layer, fused: the matrix product starts from the bias.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Cotangents, Op};
use crate::shape::Shape;
use crate::tensor::matmul::{self, Matrix};
use crate::tensor::{Tensor, columns, reduce};
use smallvec::smallvec;

/// `x · Wᵀ + b`.
///
/// # Shapes
/// `x` `[.., in]`, `W` `[out, in]` (destination, source), `b` `[out]`; the result is `[.., out]`.
///
/// # Math
/// `Y = X Wᵀ + 1 bᵀ`, `dY = dX Wᵀ + X dWᵀ + 1 dbᵀ`; the cotangents are `Ȳ W`, `Ȳᵀ X` and the column sums of `Ȳ`.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0]]);
/// let w = tape.var([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]);
/// let b = tape.var([0.5, 0.25, 0.125]);
/// let y = x.linear(w, b);
/// assert_eq!(y.value(), Tensor::from([[11.5, 17.25, 23.125]]));
/// let grads = y.vjp([[1.0, 10.0, 100.0]]);
/// assert_eq!(grads.wrt(x), Tensor::from([[753.0, 864.0]]));
/// assert_eq!(grads.wrt(w), Tensor::from([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]));
/// assert_eq!(grads.wrt(b), Tensor::from([1.0, 10.0, 100.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear;

impl<T: Element> Op<T> for Linear {
    const NAME: &'static str = "linear";
    const ARITY: Arity = Arity::Exactly(3, "three operands: x, w, b");

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let (x, w, b) = (x[0], x[1], x[2]);
        if w.rank() != 2 {
            return Err(Error::rank("a matrix of weights", w.dims()));
        }
        if x.rank() == 0 {
            return Err(Error::rank("an input of rank 1 or more", x.dims()));
        }
        if x[x.rank() - 1] != w[1] {
            let mut expected = x.dims();
            expected[x.rank() - 1] = w[1];
            return Err(Error::shape(expected, x.dims()));
        }
        if **b != [w[0]] {
            return Err(Error::shape(vec![w[0]], b.dims()));
        }
        Ok(x.with_last(w[0]))
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        matmul::linear(x[0], x[1], x[2])
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        match k {
            0 => rows(dx).matmul(&x[1].transpose()).reshape(y.shape()),
            1 => rows(x[0]).matmul(&dx.transpose()).reshape(y.shape()),
            _ => dx.broadcast_to(y.shape()),
        }
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        match k {
            0 => rows(dy).matmul(x[1]).reshape(x[0].shape()),
            1 => rows(dy).transpose().matmul(&rows(x[0])),
            _ => rows(dy).sum_axes(0, false),
        }
    }

    /// The same three products and sums, without the shape rules of the operations with which they are
    /// written.
    fn vjp_all(&self, x: &[&Tensor<T>], _y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let (input, dy) = (matmul::rows(x[0]), matmul::rows(&dy));
        let (input, w, cts) = (Matrix::rows(&input), Matrix::rows(x[1]), Matrix::rows(&dy));
        let dx = || matmul::tensor(cts, w, x[0].shape());
        let dw = || matmul::tensor(cts.transposed(), input, x[1].shape());
        let db = || reduce::sum_to(&dy, x[2].shape());
        smallvec![want[0].then(dx), want[1].then(dw), want[2].then(db)]
    }

    fn eval_into(&self, x: &[&Tensor<T>], y: &mut Tensor<T>) -> Result<(), Error> {
        match columns::suit(x[0], x[2].size()) {
            true => {
                let factors = Matrix::rows(x[1]).transposed();
                columns::product_into(y, x[0], factors, Some(&x[2].elements()));
            }
            false => matmul::linear_into(y, x[0], x[1], x[2]),
        }
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
        if columns::suit(x[0], x[2].size()) {
            if want[0] {
                columns::product_into(&mut cts[0], dy, Matrix::rows(x[1]), None);
            }
            if want[1] {
                columns::products_of_columns_into(&mut cts[1], dy, x[0]);
            }
            if want[2] {
                columns::sums_of_columns_into(&mut cts[2], dy);
            }
            return Ok(());
        }
        let (input, dy) = (matmul::rows(x[0]), matmul::rows(dy));
        let matrix = Matrix::rows(&dy);
        if want[0] {
            matmul::tensor_into(&mut cts[0], matrix, Matrix::rows(x[1]), x[0].shape());
        }
        if want[1] {
            matmul::tensor_into(&mut cts[1], matrix.transposed(), Matrix::rows(&input), x[1].shape());
        }
        if want[2] {
            reduce::sum_rows_into(&mut cts[2], &dy, x[2].shape());
        }
        Ok(())
    }
}

/// Merges the leading axes.
fn rows<T: Element, A: Array<T>>(x: &A) -> A {
    let shape = x.shape();
    match shape.split_last() {
        Some((_, [_])) | None => x.clone(),
        Some((&last, leading)) => x.reshape([leading.iter().product(), last]),
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "X Wᵀ + b",
    derivative: "dX Wᵀ + X dWᵀ + db",
    domain: "all",
    convention: "",
    numpy: "x @ w.T + b",
    torch: "nn.functional.linear",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [[&[usize]; 3]; 6] = [
        [&[2, 3], &[4, 3], &[4]],
        [&[3], &[2, 3], &[2]],
        [&[2, 2, 3], &[5, 3], &[5]],
        [&[0, 3], &[2, 3], &[2]],
        [&[2, 0], &[3, 0], &[3]],
        [&[1, 1], &[1, 1], &[1]],
    ];
    for x in shapes {
        to.case(Linear, &x);
    }
}
