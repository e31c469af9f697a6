//! Singular values and vectors: one operation, so that they are computed once.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{
    not_finite, reciprocal_gaps, reciprocal_sums, reciprocals, rows, sample, stacked, tall,
};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op, positions_as_branches};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::orthogonal::{self, largest_component, transposed};

/// `A = U S Vᵀ`, over the last two axes: orthonormal columns of `U` and rows of `Vᵀ`, singular values from the largest to the
/// smallest. The result packs `U`, the row of values and `Vᵀ`, one above the other; the methods `svd` and `svdvals` take
/// it apart.
///
/// # Shapes
/// `[.., m, n] -> [.., m + 1 + n, n]` for `m ≥ n`; leading axes are batches. The methods also take a wide matrix, by way
/// of its transpose, and return the reduced factors `[.., m, k]`, `[.., k]`, `[.., k, n]` with `k = min(m, n)`.
///
/// # Math
/// With `P = Uᵀ dA V`, `Dᵢⱼ = 1 / (sⱼ - sᵢ)` and `Eᵢⱼ = 1 / (sᵢ + sⱼ)` off the diagonal: `dsᵢ = Pᵢᵢ`;
/// the turns of `U` and `V` within their planes are `½ (P + Pᵀ) ∘ D ± ½ (P - Pᵀ) ∘ E`, and `dU` also has
/// `(I - U Uᵀ) dA V S⁻¹`. The cotangent is the adjoint (Townsend 2016). Written with `D` and `E` apart, only `D` is infinite
/// where two singular values are equal.
///
/// # Domain
/// All matrices. In each row of `Vᵀ` (of a wide matrix: in each column of `U`) the component of largest magnitude is positive,
/// the first of several.
///
/// The vectors of equal singular values are determined up to a common turn, and `D` is infinite there. It is 0 by convention
/// where two of them differ by at most `8 ε ‖s‖`, their rounding errors. Then the gradient is right for functions that treat
/// the equal ones alike: of the values (`Σ f(s)`), and of their planes (`U Vᵀ`, or `W Wᵀ` with those columns `W` of `U`).
/// It is not for `U f(S) Vᵀ`, of whose slope between equal singular values the part `f'(s)` is left out.
/// `S⁻¹` is 0 likewise where a singular value is 0: there the derivative of the value is one-sided, and that of its
/// vectors is left out.
///
/// # Errors
/// [`Error::Invalid`] if an element is infinite or NaN.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[0.0, 2.0], [3.0, 0.0]]);
/// let (u, s, vt) = a.svd();
/// assert_eq!(s.value(), Tensor::from([3.0, 2.0]));
/// assert_eq!(u.value(), Tensor::from([[0.0, 1.0], [1.0, 0.0]]));
/// assert_eq!(vt.value(), Tensor::eye(2));
/// assert_eq!(s.at([0]).backward().wrt(a), Tensor::from([[0.0, 0.0], [1.0, 0.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Svd;

impl Svd {
    /// `U`, the row of singular values, and `Vᵀ`.
    pub(crate) fn parts<T: Element, A: Array<T>>(y: &A) -> [A; 3] {
        let shape = y.shape();
        let (all, n) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        let m = all - 1 - n;
        [rows(y, 0..m), rows(y, m..m + 1), rows(y, m + 1..all)]
    }
}

/// `½ (X + Xᵀ)` and `½ (X - Xᵀ)`.
fn halves<T: Element, A: Array<T>>(x: &A) -> (A, A) {
    let (half, transposed) = (x.lift(0.5), x.transpose());
    ((x.clone() + transposed.clone()) * half.clone(), (x.clone() - transposed) * half)
}

/// Returns `true` if `U` is square, so that no direction is left outside its columns.
fn complete<T: Element, A: Array<T>>(u: &A) -> bool {
    let shape = u.shape();
    shape[shape.rank() - 2] == shape[shape.rank() - 1]
}

impl<T: Element> Op<T> for Svd {
    const NAME: &'static str = "svd";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let (batch, m, n) = tall(x)?;
        Ok(batch.iter().copied().chain([m + 1 + n, n]).collect())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Result<Tensor<T>, Error> {
        let (_, m, n) = tall(&[x[0].shape()])?;
        let a = x[0].elements();
        let mut y = Tensor::zeros(shape);
        let packed = y.as_mut_slice().chunks_exact_mut(((m + 1 + n) * n).max(1));
        for (a, y) in a.chunks_exact((m * n).max(1)).zip(packed) {
            let found = orthogonal::Svd::new(a, m, n).ok_or_else(not_finite)?;
            y[..m * n].copy_from_slice(&transposed(&found.left, m));
            y[m * n..(m + 1) * n].copy_from_slice(&found.values);
            y[(m + 1) * n..].copy_from_slice(&found.right);
        }
        Ok(y)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        let [u, s, vt] = Svd::parts(y);
        let moved = dx.matmul(&vt.transpose());
        let product = u.transpose().matmul(&moved);
        let ds = (u.clone() * moved.clone()).sum_axes([-2], true);
        let (even, odd) = halves(&product);
        let (even, odd) = (even * reciprocal_gaps(&s), odd * reciprocal_sums(&s));
        let mut du = u.matmul(&(even.clone() + odd.clone()));
        if !complete(&u) {
            du = du + (moved - u.matmul(&product)) * reciprocals(&s);
        }
        // The turn of V is antisymmetric: its transpose is its negative.
        stacked(&[&du, &ds, &(odd - even).matmul(&vt)])
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dy: &A) -> A {
        let ([u, s, vt], [du, ds, dvt]) = (Svd::parts(y), Svd::parts(dy));
        let (turn_u, turn_v) = (u.transpose().matmul(&du), vt.matmul(&dvt.transpose()));
        let (even, _) = halves(&((turn_u.clone() + turn_v.clone()) * reciprocal_gaps(&s)));
        let (_, odd) = halves(&((turn_u.clone() - turn_v) * reciprocal_sums(&s)));
        let mut left = u.matmul(&(even + odd)) + u.clone() * ds;
        if !complete(&u) {
            left = left + (du - u.matmul(&turn_u)) * reciprocals(&s);
        }
        left.matmul(&vt)
    }

    fn branches(&self, _x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        let [_, _, vt] = Svd::parts(y);
        let [.., n, _] = vt.shape()[..] else { return };
        let vectors = vt.to_vec();
        let sides = vectors.chunks_exact(n.max(1)).map(|v| largest_component(v.iter().copied()));
        positions_as_branches(&sides.collect::<Vec<_>>(), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "U S Vᵀ = A, one above the other",
    derivative: "ds = diag(P), dU, dV from P = Uᵀ dA V and 1 / (sⱼ ∓ sᵢ)",
    domain: "all",
    convention: "1 / 0 is 0 for equal singular values and for those that are 0; the largest component of a row of Vᵀ is positive",
    numpy: "linalg.svd",
    torch: "linalg.svd",
};

/// Matrices whose singular values are far apart from each other and from 0.
pub(crate) fn spread(shape: &[usize]) -> Tensor<f64> {
    let diagonal = Tensor::from_fn(shape, |at| match at {
        [.., i, j] if i == j => 1.5 + 2.5 * *i as f64,
        _ => 0.0,
    });
    sample(shape) * 0.5 + diagonal
}

pub(crate) fn cases(to: &mut impl Cases) {
    const SHAPES: [&[usize]; 9] =
        [&[1, 1], &[3, 1], &[2, 2], &[3, 3], &[4, 3], &[2, 3, 2], &[3, 0], &[0, 0], &[0, 3, 2]];
    for shape in SHAPES {
        to.values(Svd, &[spread(shape)]);
    }
}
