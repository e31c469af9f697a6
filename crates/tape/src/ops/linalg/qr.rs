//! The QR factors of matrices with at least as many rows as columns: one operation, so that they are computed once.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{rows, sample, stacked, tall};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, orthogonal};

/// `A = Q R`, over the last two axes: `Q` with orthonormal columns, `R` upper triangular with a positive diagonal. The result
/// packs both, `Q` above `R`; the method `qr` takes it apart.
///
/// # Shapes
/// `[.., m, n] -> [.., m + n, n]` for `m ≥ n`; leading axes are batches. The method also takes a wide matrix: its first
/// `m` columns are factorised, and `R` has `Qᵀ` times the others beside its square part.
///
/// # Math
/// With `X = Qᵀ dA R⁻¹` and `P(X)` its upper triangle with the transposed strict lower one added: `dR = P(X) R`,
/// `dQ = dA R⁻¹ - Q P(X)`; the cotangent is `(Q̄ + Q C(R R̄ᵀ - Q̄ᵀ Q)) R⁻ᵀ`, where `C` copies the lower triangle into the upper one
/// (Walter & Lehmann 2010, Seeger et al. 2017). The positive diagonal makes the factors unique, and so smooth;
/// LAPACK, NumPy and PyTorch leave the signs open.
///
/// # Domain
/// Linearly independent columns; of a wide matrix, the first `m`. Otherwise there are factors, with a zero on the diagonal of
/// `R`, but no derivative.
///
/// # Errors
/// [`Error::Invalid`] from a sweep that needs the derivative where the diagonal of `R` has a 0.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[3.0, 1.0], [4.0, 2.0]]);
/// let (q, r) = a.qr();
/// assert!(q.value().allclose(&Tensor::from([[0.6, -0.8], [0.8, 0.6]])));
/// assert!(r.value().allclose(&Tensor::from([[5.0, 2.2], [0.0, 0.4]])));
/// // The first element of R is the length of the first column.
/// let length = r.at([0, 0]).backward().wrt(a);
/// assert!(length.allclose(&Tensor::from([[0.6, 0.0], [0.8, 0.0]])));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Qr;

/// `X R⁻¹`, or `X R⁻ᵀ`.
fn divided<T: Element, A: Array<T>>(x: &A, r: &A, transpose: bool) -> A {
    r.triangular_solve(&x.transpose(), false, !transpose, false).transpose()
}

impl Qr {
    fn factors<T: Element, A: Array<T>>(x: &A, y: &A) -> (A, A) {
        let shape = x.shape();
        let (m, n) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        (rows(y, 0..m), rows(y, m..m + n))
    }
}

impl<T: Element> Op<T> for Qr {
    const NAME: &'static str = "qr";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let (batch, m, n) = tall(x)?;
        Ok(batch.iter().copied().chain([m + n, n]).collect())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let [.., m, n] = x[0].shape()[..] else { return x[0].clone() };
        let a = x[0].elements();
        let mut y = Tensor::zeros(shape);
        let packed = y.as_mut_slice().chunks_exact_mut(((m + n) * n).max(1));
        for (a, y) in a.chunks_exact((m * n).max(1)).zip(packed) {
            let found = orthogonal::Qr::new(a, m, n);
            y[..m * n].copy_from_slice(&found.q);
            y[m * n..].copy_from_slice(&found.r);
        }
        y
    }

    fn check_derivative(&self, x: &[&Tensor<T>], y: &Tensor<T>) -> Result<(), Error> {
        let (_, r) = Qr::factors(x[0], y);
        let [.., n, _] = r.shape()[..] else { return Ok(()) };
        let r = r.to_vec();
        match r.chunks_exact((n * n).max(1)).find_map(|r| (0..n).find(|i| r[i * n + i] == T::ZERO)) {
            None => Ok(()),
            Some(column) => Err(Error::invalid(format!(
                "the derivative does not exist: column {column} depends linearly on those before it"
            ))),
        }
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let (q, r) = Qr::factors(x[0], y);
        let c = divided(dx, &r, false);
        let product = q.transpose().matmul(&c);
        let upper = product.triu(0) + product.tril(-1).transpose();
        stacked(&[&(c - q.matmul(&upper)), &upper.matmul(&r)])
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let ((q, r), (dq, dr)) = (Qr::factors(x[0], y), Qr::factors(x[0], dy));
        let product = r.matmul(&dr.transpose()) - dq.transpose().matmul(&q);
        let copied = product.tril(0) + product.tril(-1).transpose();
        divided(&(dq + q.matmul(&copied)), &r, true)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Q R = A, one above the other",
    derivative: "dA R⁻¹ - Q P(X), P(X) R; X = Qᵀ dA R⁻¹",
    domain: "independent columns",
    convention: "the diagonal of R is positive",
    numpy: "linalg.qr",
    torch: "linalg.qr",
};

pub(crate) fn cases(to: &mut impl Cases) {
    const SHAPES: [&[usize]; 9] =
        [&[1, 1], &[3, 1], &[2, 2], &[4, 4], &[5, 3], &[2, 4, 2], &[3, 0], &[0, 0], &[0, 3, 2]];
    for shape in SHAPES {
        to.values(Qr, &[sample(shape)]);
    }
}
