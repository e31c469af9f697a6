//! Eigenvalues and vectors of symmetric matrices: one operation, so that they are computed once.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{not_finite, reciprocal_gaps, rows, sample, square, stacked, symmetric};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op, positions_as_branches};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::orthogonal::{Eigen, largest_component, transposed};

/// `A = V Λ Vᵀ`, over the last two axes: eigenvalues from the smallest to the largest, and orthonormal vectors as columns.
/// The result packs both, the row of values above `V`; the methods `eigh` and `eigvalsh` take it apart.
///
/// # Shapes
/// `[.., n, n] -> [.., n + 1, n]`; leading axes are batches.
///
/// # Math
/// With `S = Vᵀ dA V` and `Fᵢⱼ = 1 / (λⱼ - λᵢ)` off the diagonal: `dλᵢ = Sᵢᵢ`, `dV = V (F ∘ S)`; the cotangent is the
/// symmetric part of `V (diag(λ̄) + F ∘ Vᵀ V̄) Vᵀ` (Giles 2008), so a step along it keeps `A` symmetric.
///
/// # Domain
/// Symmetric matrices; for an operand that is not, the factors are those of `(A + Aᵀ) / 2`. In every vector the component of
/// largest magnitude is positive, the first of several.
///
/// The vectors of equal eigenvalues are not determined, and `F` is infinite there. It is 0 by convention where two
/// eigenvalues differ by at most `8 ε ‖λ‖`, their rounding errors. Then the gradient is right for functions that treat the
/// equal ones alike: of the values (`Σ f(λ)`), and of the plane of their vectors (`W Wᵀ` with those columns `W` of `V`).
/// It is not for `V f(Λ) Vᵀ`, whose slope between equal eigenvalues, `f'(λ)`, neither values nor vectors know: that part
/// is left out. Such functions have operations of their own ([`MatrixExp`](crate::ops::MatrixExp), `matrix_power`,
/// [`Inverse`](crate::ops::Inverse)). Near such a matrix the gradient through `V` loses digits as the gap closes, and at
/// it second derivatives lack the terms of the equal pair.
///
/// # Errors
/// [`Error::Invalid`] if an element is infinite or NaN.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[2.0, 1.0], [1.0, 2.0]]);
/// let (values, vectors) = a.eigh();
/// assert!(values.value().allclose(&Tensor::from([1.0, 3.0])));
/// let h = 0.5f64.sqrt();
/// assert!(vectors.value().allclose(&Tensor::from([[h, h], [-h, h]])));
/// let largest = values.at([1]).backward().wrt(a);
/// assert!(largest.allclose(&Tensor::from([[0.5, 0.5], [0.5, 0.5]])));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eigh;

impl Eigh {
    /// The row of values and the columns of vectors.
    pub(crate) fn parts<T: Element, A: Array<T>>(y: &A) -> (A, A) {
        let shape = y.shape();
        (rows(y, 0..1), rows(y, 1..shape[shape.rank() - 2]))
    }
}

impl<T: Element> Op<T> for Eigh {
    const NAME: &'static str = "eigh";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let (batch, n) = square(x)?;
        Ok(batch.iter().copied().chain([n + 1, n]).collect())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Result<Tensor<T>, Error> {
        let (_, n) = square(&[x[0].shape()])?;
        let a = symmetric(x[0]);
        let a = a.elements();
        let mut y = Tensor::zeros(shape);
        let packed = y.as_mut_slice().chunks_exact_mut(((n + 1) * n).max(1));
        for (a, y) in a.chunks_exact((n * n).max(1)).zip(packed) {
            let found = Eigen::new(a, n).ok_or_else(not_finite)?;
            y[..n].copy_from_slice(&found.values);
            y[n..].copy_from_slice(&transposed(&found.vectors, n));
        }
        Ok(y)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        let (values, v) = Eigh::parts(y);
        let moved = symmetric(dx).matmul(&v);
        let dvalues = (v.clone() * moved.clone()).sum_axes([-2], true);
        let turn = reciprocal_gaps(&values) * v.transpose().matmul(&moved);
        stacked(&[&dvalues, &v.matmul(&turn)])
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dy: &A) -> A {
        let ((values, v), (dvalues, dv)) = (Eigh::parts(y), Eigh::parts(dy));
        let turn = reciprocal_gaps(&values) * v.transpose().matmul(&dv);
        symmetric(&(v.clone() * dvalues + v.matmul(&turn)).matmul(&v.transpose()))
    }

    fn branches(&self, _x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        let (_, v) = Eigh::parts(y);
        let [.., n, _] = v.shape()[..] else { return };
        let vectors = v.transpose().to_vec();
        let sides = vectors.chunks_exact(n.max(1)).map(|v| largest_component(v.iter().copied()));
        positions_as_branches(&sides.collect::<Vec<_>>(), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "V Λ Vᵀ = A, λ above V",
    derivative: "diag(S), V (F ∘ S); S = Vᵀ dA V, Fᵢⱼ = 1 / (λⱼ - λᵢ)",
    domain: "symmetric",
    convention: "symmetric gradient; F is 0 for equal eigenvalues; the largest component of a vector is positive",
    numpy: "linalg.eigh",
    torch: "linalg.eigh",
};

/// Matrices whose eigenvalues are far apart, not exactly symmetric.
fn spread(shape: &[usize]) -> Tensor<f64> {
    let diagonal = Tensor::from_fn(shape, |at| match at {
        [.., i, j] if i == j => 2.5 * *i as f64 - 3.0,
        _ => 0.0,
    });
    sample(shape) * 0.5 + diagonal
}

pub(crate) fn cases(to: &mut impl Cases) {
    for shape in [&[1, 1][..], &[2, 2], &[3, 3], &[4, 4], &[2, 3, 3], &[0, 0], &[2, 0, 0], &[0, 2, 2]] {
        to.values(Eigh, &[spread(shape)]);
    }
}
