//! The pseudo-inverse: a primitive, because its derivative through singular vectors breaks down where two singular values
//! are equal, and its own does not.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::not_finite;
use crate::ops::common::samples::Cases;
use crate::ops::linalg::svd::spread;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::orthogonal::{Svd, transposed};

/// The pseudo-inverse of Moore and Penrose, over the last two axes, from the singular values: those up to
/// `max(m, n) ε` times the largest count as 0.
///
/// # Shapes
/// `[.., m, n] -> [.., n, m]`; leading axes are batches.
///
/// # Math
/// `Y = V S⁺ Uᵀ`, `dY = -Y dA Y + Y Yᵀ dAᵀ (I - A Y) + (I - Y A) dAᵀ Yᵀ Y`; the cotangent is
/// `-Yᵀ Ȳ Yᵀ + (I - A Y) Ȳᵀ Y Yᵀ + Yᵀ Y Ȳᵀ (I - Y A)` (Golub & Pereyra 1973).
///
/// # Domain
/// All matrices. Where the rank changes, the function jumps; the derivative is that of a move which keeps the rank.
///
/// # Errors
/// [`Error::Invalid`] if an element is infinite or NaN.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[2.0], [0.0]]);
/// let y = a.pinv();
/// assert_eq!(y.value(), Tensor::from([[0.5, 0.0]]));
/// let grads = y.vjp([[4.0, 8.0]]);
/// assert_eq!(grads.wrt(a), Tensor::from([[-1.0], [2.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pinv;

/// `Σ v uᵀ / s` over the singular values that count.
fn inverse<T: Element>(a: &[T], m: usize, n: usize, y: &mut [T]) -> Result<(), Error> {
    if m < n {
        let mut other = vec![T::ZERO; m * n];
        inverse(&transposed(a, n), n, m, &mut other)?;
        y.copy_from_slice(&transposed(&other, n));
        return Ok(());
    }
    let found = Svd::new(a, m, n).ok_or_else(not_finite)?;
    let least = T::from_usize(m) * T::EPSILON * found.values.first().copied().unwrap_or(T::ZERO);
    for (k, &value) in found.values.iter().enumerate().filter(|&(_, &value)| value > least) {
        let (u, v) = (&found.left[k * m..(k + 1) * m], &found.right[k * n..(k + 1) * n]);
        for (row, &v) in y.chunks_exact_mut(m).zip(v) {
            row.iter_mut().zip(u).for_each(|(y, &u)| *y += v * u / value);
        }
    }
    Ok(())
}

impl<T: Element> Op<T> for Pinv {
    const NAME: &'static str = "pinv";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        match x[0].rank() {
            0 | 1 => Err(Error::rank("a matrix or a stack of them", x[0].dims())),
            _ => Ok(x[0].transposed()),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Result<Tensor<T>, Error> {
        let mut y = Tensor::zeros(shape);
        let [.., m, n] = x[0].shape()[..] else { return Ok(y) };
        let a = x[0].elements();
        let size = (m * n).max(1);
        for (a, y) in a.chunks_exact(size).zip(y.as_mut_slice().chunks_exact_mut(size)) {
            inverse(a, m, n, y)?;
        }
        Ok(y)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let (a, yt, dxt) = (x[0], y.transpose(), dx.transpose());
        let across = y.matmul(&yt).matmul(&dxt);
        let along = dxt.matmul(&yt.matmul(y));
        across.clone() - across.matmul(a).matmul(y) + along.clone()
            - y.matmul(&a.matmul(&along))
            - y.matmul(dx).matmul(y)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let (a, yt, dyt) = (x[0], y.transpose(), dy.transpose());
        let across = dyt.matmul(&y.matmul(&yt));
        let along = yt.matmul(y).matmul(&dyt);
        across.clone() - a.matmul(&y.matmul(&across)) + along.clone()
            - along.matmul(y).matmul(a)
            - yt.matmul(dy).matmul(&yt)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "V S⁺ Uᵀ",
    derivative: "-Y dA Y + Y Yᵀ dAᵀ (I - A Y) + (I - Y A) dAᵀ Yᵀ Y",
    domain: "constant rank",
    convention: "the derivative of a move that keeps the rank",
    numpy: "linalg.pinv",
    torch: "linalg.pinv",
};

pub(crate) fn cases(to: &mut impl Cases) {
    const SHAPES: [&[usize]; 10] =
        [&[1, 1], &[3, 1], &[1, 2], &[3, 3], &[4, 2], &[2, 3], &[2, 2, 3], &[3, 0], &[0, 0], &[0, 3, 2]];
    for shape in SHAPES {
        to.values(Pinv, &[spread(shape)]);
    }
}
