//! Helpers for the operations on square matrices: shape rules, batches, triangles.

use crate::error::Error;
use crate::ops::{Abs, Concat, Slice, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::Array;
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::ops::Range;

/// Leading axes and order of one operand of square matrices.
pub(crate) fn square<'a>(x: &[&'a Shape]) -> Result<(&'a [usize], usize), Error> {
    match x[0][..] {
        [.., m, n] if m == n => Ok((&x[0][..x[0].rank() - 2], n)),
        _ => Err(Error::rank("square matrices", x[0].dims())),
    }
}

/// Leading axes, rows and columns of one operand of matrices with at least as many rows as columns.
pub(crate) fn tall<'a>(x: &[&'a Shape]) -> Result<(&'a [usize], usize, usize), Error> {
    match x[0][..] {
        [.., m, n] if m >= n => Ok((&x[0][..x[0].rank() - 2], m, n)),
        _ => Err(Error::rank("matrices with at least as many rows as columns", x[0].dims())),
    }
}

/// Some rows of each matrix: a part of a result that packs several.
pub(crate) fn rows<T: Element, A: Array<T>>(x: &A, range: Range<usize>) -> A {
    A::apply(Slice::new(-2, range.start as isize..range.end as isize, 1), &[x])
}

/// Matrices with the same columns one below the other.
pub(crate) fn stacked<T: Element, A: Array<T>>(parts: &[&A]) -> A {
    A::apply(Concat { axis: -2 }, parts)
}

/// The spectrum whose smallest differences are rounding errors of the factorisation: `8 ε` times the norm of the row.
fn rounding<T: Element, A: Array<T>>(spectrum: &A) -> A {
    spectrum.norm_axes(2.0, [-1], true) * spectrum.lift(8.0 * T::EPSILON.to_f64())
}

/// `1 / x`, and 0 where `|x|` is at most `least`.
fn safe_reciprocal<T: Element, A: Array<T>>(x: A, least: &A) -> A {
    let (zero, one) = (x.lift(0.0), x.lift(1.0));
    let size = x.clone().map(Abs);
    let divisor = size.clone().if_gt(least.clone(), x, one.clone());
    size.if_gt(least.clone(), one / divisor, zero)
}

/// `1 / (sⱼ - sᵢ)` for a spectrum as a row `[.., 1, n]`, and 0 where the two are equal up to rounding.
pub(crate) fn reciprocal_gaps<T: Element, A: Array<T>>(spectrum: &A) -> A {
    safe_reciprocal(spectrum.clone() - spectrum.transpose(), &rounding(spectrum))
}

/// `1 / (sᵢ + sⱼ)` for a spectrum as a row `[.., 1, n]` without negative numbers, and 0 where both are 0 up to rounding.
pub(crate) fn reciprocal_sums<T: Element, A: Array<T>>(spectrum: &A) -> A {
    safe_reciprocal(spectrum.clone() + spectrum.transpose(), &rounding(spectrum))
}

/// `1 / sⱼ` for a spectrum as a row `[.., 1, n]`, and 0 where it is 0 up to rounding.
pub(crate) fn reciprocals<T: Element, A: Array<T>>(spectrum: &A) -> A {
    safe_reciprocal(spectrum.clone(), &rounding(spectrum))
}

/// The error of a factorisation by rotations, which end for every finite matrix.
pub(crate) fn not_finite() -> Error {
    Error::invalid("expected finite elements, found one that is infinite or NaN")
}

pub(crate) fn singular(pivot: usize) -> Error {
    Error::invalid(format!("the matrix is singular: pivot {pivot} is 0"))
}

/// A system `A X = B`; the right-hand side may be a single vector `b`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct System {
    pub(crate) batch: Shape,
    pub(crate) n: usize,
    pub(crate) columns: usize,
    pub(crate) shape: Shape,
}

impl System {
    pub(crate) fn new(x: &[&Shape]) -> Result<System, Error> {
        let (leading, n) = square(&x[..1])?;
        let wrong = || Error::inner_dims(x[0].dims(), x[1].dims());
        let (other, rows, columns) = match x[1][..] {
            [] => return Err(Error::rank("a right-hand side of rank 1 or more", vec![])),
            [rows] => (&[][..], rows, 1),
            [.., rows, columns] => (&x[1][..x[1].rank() - 2], rows, columns),
        };
        if rows != n {
            return Err(wrong());
        }
        let refused = |_| Error::broadcast(x[0].dims(), x[1].dims());
        let batch = Shape::broadcast(leading, other).map_err(refused)?;
        let matrix: &[usize] = if x[1].rank() == 1 { &[n] } else { &[n, columns] };
        let shape = batch.iter().chain(matrix).copied().collect();
        Ok(System { batch, n, columns, shape })
    }
}

/// A right-hand side or a solution as matrices, a vector as one column; `vector` is `true` if the right-hand
/// side is one.
pub(crate) fn columns<T: Element, A: Array<T>>(x: &A, vector: bool) -> A {
    if !vector {
        return x.clone();
    }
    let shape = x.shape();
    x.reshape(shape.iter().copied().chain([1]).collect::<Shape>())
}

/// The cotangent of a right-hand side from that of its columns: summed over the batches that it lacks.
pub(crate) fn right_side<T: Element, A: Array<T>>(db: &A, shape: Shape) -> A {
    match shape[..] {
        [n] => db.sum_to([n, 1]).reshape(shape),
        _ => db.sum_to(shape),
    }
}

/// `-X̄ Yᵀ` summed over the batches that `shape` lacks.
pub(crate) fn minus_outer<T: Element, A: Array<T>>(x: &A, y: &A, shape: Shape) -> A {
    -x.matmul(&y.transpose()).sum_to(shape)
}

/// The lower triangle with `diagonal` on the diagonal, or the upper one if `lower` is false.
pub(crate) fn triangle<T: Element, A: Array<T>>(x: &A, lower: bool, diagonal: f64) -> A {
    let shape = x.shape();
    let n = shape[shape.rank() - 1];
    let mask = Tensor::from_fn([n, n], |at| match (at[0], at[1]) {
        (i, j) if i == j => T::from_f64(diagonal),
        (i, j) if (i > j) == lower => T::ONE,
        _ => T::ZERO,
    });
    x.clone() * x.constant(mask)
}

/// `(X + Xᵀ) / 2`.
pub(crate) fn symmetric<T: Element, A: Array<T>>(x: &A) -> A {
    (x.clone() + x.transpose()) * x.lift(0.5)
}

/// The scalars of a batch as `[.., 1, 1]`, to broadcast with matrices.
pub(crate) fn numbers<T: Element, A: Array<T>>(x: &A) -> A {
    let shape = x.shape();
    x.reshape(shape.iter().copied().chain([1, 1]).collect::<Shape>())
}

/// Matrices for the tests: well-conditioned, of either sign, and the same every time.
pub(crate) fn sample(shape: &[usize]) -> Tensor<f64> {
    let mut k = 0usize;
    Tensor::from_fn(shape, |at| {
        k += 1;
        let spread = (k * 37 % 23) as f64 / 23.0 - 0.5;
        match at {
            [.., i, j] if i == j => 2.0 + spread - 3.5 * (i % 2) as f64,
            _ => spread,
        }
    })
}

/// Positive definite matrices for the tests, not exactly symmetric.
pub(crate) fn positive(shape: &[usize]) -> Tensor<f64> {
    let x = sample(shape);
    x.matmul(&x.transpose()) + x * 0.0625
}
