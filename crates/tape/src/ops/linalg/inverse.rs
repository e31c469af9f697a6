//! The inverse of square matrices.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{sample, singular, square};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::factor::Lu;

/// `A⁻¹`, over the last two axes. Compute a product `A⁻¹ B` by [`Solve`](crate::ops::Solve) instead.
///
/// # Shapes
/// `[.., n, n] -> [.., n, n]`; leading axes are batches.
///
/// # Math
/// `Y = A⁻¹`, `dY = -Y dA Y`; the cotangent is `-Yᵀ Ȳ Yᵀ`.
///
/// # Domain
/// Invertible matrices.
///
/// # Errors
/// [`Error::Invalid`] if a pivot is exactly 0: the matrix is singular.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[2.0, 0.0], [1.0, 4.0]]);
/// let y = a.inverse();
/// assert_eq!(y.value(), Tensor::from([[0.5, 0.0], [-0.125, 0.25]]));
/// let grads = y.vjp([[1.0, 0.0], [0.0, 0.0]]);
/// assert_eq!(grads.wrt(a), Tensor::from([[-0.25, 0.0625], [0.0, 0.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inverse;

impl<T: Element> Op<T> for Inverse {
    const NAME: &'static str = "inverse";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        square(x)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Result<Tensor<T>, Error> {
        let (_, n) = square(&[x[0].shape()])?;
        let (a, unit) = (x[0].elements(), Tensor::<T>::eye(n).to_vec());
        let mut y = Tensor::zeros(shape);
        for (a, y) in a.chunks_exact((n * n).max(1)).zip(y.as_mut_slice().chunks_exact_mut((n * n).max(1))) {
            Lu::partial(a, n).solve(&unit, n, y).map_err(|pivot| singular(pivot.at))?;
        }
        Ok(y)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        -y.matmul(dx).matmul(y)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dy: &A) -> A {
        let y = y.transpose();
        -y.matmul(dy).matmul(&y)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "A⁻¹",
    derivative: "-Y dA Y",
    domain: "invertible",
    convention: "",
    numpy: "linalg.inv",
    torch: "linalg.inv",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for shape in [&[1, 1][..], &[2, 2], &[4, 4], &[2, 3, 3], &[0, 0], &[0, 2, 2]] {
        to.values(Inverse, &[sample(shape)]);
    }
}
