//! The Cholesky factor of positive definite matrices.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{positive, square, symmetric, triangle};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, factor};

/// The lower triangular `L` with positive diagonal and `L Lᵀ = A`, over the last two axes.
///
/// # Shapes
/// `[.., n, n] -> [.., n, n]`; leading axes are batches.
///
/// # Math
/// With `Φ` the lower triangle with halved diagonal: `dL = L Φ(L⁻¹ dA L⁻ᵀ)`; the cotangent is the symmetric part of
/// `L⁻ᵀ Φ(Lᵀ L̄) L⁻¹` (Murray 2016), so a step along it keeps `A` symmetric.
///
/// # Domain
/// Positive definite. For an operand that is not symmetric, the factor is that of `(A + Aᵀ) / 2`.
///
/// # Errors
/// [`Error::Invalid`] naming the first pivot that is not positive.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[4.0, 2.0], [2.0, 5.0]]);
/// let l = a.cholesky();
/// assert_eq!(l.value(), Tensor::from([[2.0, 0.0], [1.0, 2.0]]));
/// let grads = l.vjp([[0.0, 0.0], [0.0, 1.0]]);
/// assert_eq!(grads.wrt(a), Tensor::from([[0.0625, -0.125], [-0.125, 0.25]]));
/// let error = tape.try_apply(tape::ops::Cholesky, &[-a]).unwrap_err();
/// assert_eq!(error.to_string(), "cholesky: the matrix is not positive definite: pivot 0 is -4");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cholesky;

impl<T: Element> Op<T> for Cholesky {
    const NAME: &'static str = "cholesky";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        square(x)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Result<Tensor<T>, Error> {
        let (_, n) = square(&[x[0].shape()])?;
        let mut l = symmetric(x[0]).contiguous();
        for matrix in l.as_mut_slice().chunks_exact_mut((n * n).max(1)) {
            factor::cholesky(matrix, n).map_err(|pivot| {
                Error::invalid(format!(
                    "the matrix is not positive definite: pivot {} is {}",
                    pivot.at, pivot.value
                ))
            })?;
        }
        Ok(l)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        let right = solved(y, &symmetric(dx), false).transpose();
        y.matmul(&half(&solved(y, &right, false)))
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dy: &A) -> A {
        let right = solved(y, &half(&y.transpose().matmul(dy)), true).transpose();
        symmetric(&solved(y, &right, true))
    }
}

/// `Φ`: the lower triangle with halved diagonal.
fn half<T: Element, A: Array<T>>(x: &A) -> A {
    triangle(x, true, 0.5)
}

/// `L⁻¹ X`, or `L⁻ᵀ X`.
fn solved<T: Element, A: Array<T>>(l: &A, x: &A, transpose: bool) -> A {
    l.triangular_solve(x, true, transpose, false)
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "L Lᵀ = A",
    derivative: "L Φ(L⁻¹ dA L⁻ᵀ)",
    domain: "positive definite",
    convention: "symmetric gradient",
    numpy: "linalg.cholesky",
    torch: "linalg.cholesky",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for shape in [&[1, 1][..], &[2, 2], &[4, 4], &[2, 3, 3], &[0, 0], &[2, 0, 0], &[0, 2, 2]] {
        to.values(Cholesky, &[positive(shape)]);
    }
}
