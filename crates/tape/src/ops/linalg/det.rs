//! The determinant and the cofactors.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{numbers, sample, square};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::factor::Lu;

/// The determinant of the last two axes.
///
/// # Shapes
/// `[.., n, n] -> [..]`; leading axes are batches. The determinant of an empty matrix is 1.
///
/// # Math
/// `y = det A`, `dy = Σ C dA` with the matrix of cofactors `C` ([`Cofactors`]); the cotangent is `ȳ C`.
///
/// # Domain
/// All matrices. The gradient is correct at singular ones too, where `det A · A⁻ᵀ` is undefined.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0], [2.0, 4.0]]);
/// let y = a.det();
/// assert_eq!(y.value(), Tensor::scalar(0.0));
/// assert_eq!(y.vjp(1.0).wrt(a), Tensor::from([[4.0, -2.0], [-2.0, 1.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Det;

impl<T: Element> Op<T> for Det {
    const NAME: &'static str = "det";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(square(x)?.0.into())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        each(x[0], |a, n| Lu::partial(a, n).det())
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        (A::apply(Cofactors, x) * dx.clone()).sum_axes([-1, -2], false)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        numbers(dy) * A::apply(Cofactors, x)
    }
}

/// One scalar for each square matrix.
pub(crate) fn each<T: Element>(x: &Tensor<T>, f: impl Fn(&[T], usize) -> T) -> Tensor<T> {
    let (batch, n) = error::expect(square(&[x.shape()]));
    let data = &*x.elements();
    Tensor::build(batch.into(), |out| {
        for (i, out) in out.iter_mut().enumerate() {
            *out = f(&data[i * n * n..(i + 1) * n * n], n);
        }
    })
}

/// The signed determinants of a matrix without one row and one column: the derivative of [`Det`].
///
/// # Shapes
/// `[.., n, n] -> [.., n, n]`.
///
/// # Math
/// From `P A Q = L D V` with complete pivoting, as `Pᵀ L⁻ᵀ cof(D) V⁻ᵀ Qᵀ` up to the sign of the permutations,
/// without division by the pivots that a singular matrix lacks. The derivatives are those of the minors, so
/// they exist everywhere; a derivative of order two or more computes `n²` minors and is meant for small
/// matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cofactors;

impl<T: Element> Op<T> for Cofactors {
    const NAME: &'static str = "cofactors";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        square(x)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let (_, n) = error::expect(square(&[x[0].shape()]));
        let a = x[0].elements();
        let mut y = Tensor::zeros(shape);
        for (a, y) in a.chunks_exact((n * n).max(1)).zip(y.as_mut_slice().chunks_exact_mut((n * n).max(1))) {
            Lu::complete(a, n).cofactors(y);
        }
        y
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        let slopes = A::apply(Cofactors, &[&A::apply(Minors, x)]);
        signed(&(slopes * A::apply(Minors, &[dx])).sum_axes([-1, -2], false))
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let slopes = A::apply(Cofactors, &[&A::apply(Minors, x)]);
        A::apply(MinorsAdjoint, &[&(numbers(&signed(dy)) * slopes)])
    }
}

/// `(-1)^(i + j)` times every element.
fn signed<T: Element, A: Array<T>>(x: &A) -> A {
    let shape = x.shape();
    let n = shape[shape.rank() - 1];
    let sign = |at: &[usize]| if (at[0] + at[1]).is_multiple_of(2) { T::ONE } else { -T::ONE };
    x.clone() * x.constant(Tensor::from_fn([n, n], sign))
}

/// For every element of a matrix, the matrix without its row and column.
///
/// # Shapes
/// `[.., n, n] -> [.., n, n, n - 1, n - 1]`.
///
/// # Math
/// Linear; the cotangents of all minors are added at their sources ([`MinorsAdjoint`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minors;

impl<T: Element> Op<T> for Minors {
    const NAME: &'static str = "minors";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let (_, n) = square(x)?;
        let less = n.saturating_sub(1);
        Ok(x[0].iter().copied().chain([less, less]).collect())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let (_, n) = error::expect(square(&[x[0].shape()]));
        let data = &*x[0].elements();
        Tensor::build(shape.clone(), |out| {
            for (from, to) in places(n, data.len()).zip(out) {
                *to = data[from];
            }
        })
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(MinorsAdjoint, &[dy])
    }
}

/// For every element of all minors, in order, its position in matrices with `size` elements together.
fn places(n: usize, size: usize) -> impl Iterator<Item = usize> {
    let without = move |skip: usize| (0..n).filter(move |&i| i != skip);
    let minor = move |row: usize, column: usize| {
        without(row).flat_map(move |i| without(column).map(move |j| i * n + j))
    };
    let matrices = (0..size).step_by((n * n).max(1));
    matrices.flat_map(move |start| {
        let elements = (0..n).flat_map(move |row| (0..n).flat_map(move |column| minor(row, column)));
        elements.map(move |place| start + place)
    })
}

/// The sum of all minors, each at its source: the adjoint of [`Minors`].
///
/// # Shapes
/// `[.., n, n, n - 1, n - 1] -> [.., n, n]`.
///
/// # Math
/// Linear; the minors of the cotangent are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MinorsAdjoint;

impl<T: Element> Op<T> for MinorsAdjoint {
    const NAME: &'static str = "place_minors";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        match x[0][..] {
            [.., m, n, p, q] if m == n && p == q && p == n.saturating_sub(1) => {
                Ok(x[0][..x[0].rank() - 2].into())
            }
            _ => Err(Error::rank("all minors", x[0].dims())),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let mut out = Tensor::zeros(shape.clone());
        let (n, size) = (out.shape()[out.rank() - 1], out.size());
        let sums = out.as_mut_slice();
        for (to, &from) in places(n, size).zip(&*x[0].elements()) {
            sums[to] += from;
        }
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(Minors, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "det A",
    derivative: "Σ C dA, C the cofactors",
    domain: "all",
    convention: "",
    numpy: "linalg.det",
    torch: "linalg.det",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for shape in [&[1, 1][..], &[2, 2], &[3, 3], &[4, 4], &[2, 3, 3], &[0, 0], &[2, 0, 0], &[0, 2, 2]] {
        to.case(Det, &[shape]);
        to.case(Cofactors, &[shape]);
        to.case(Minors, &[shape]);
    }
    to.case(MinorsAdjoint, &[&[3, 3, 2, 2]]);
    to.case(MinorsAdjoint, &[&[2, 1, 1, 0, 0]]);
    let singular = [
        sample(&[3, 1]).matmul(&sample(&[1, 3])),
        sample(&[4, 3]).matmul(&sample(&[3, 4])),
        Tensor::zeros([3, 3]),
    ];
    for a in singular {
        to.values(Det, std::slice::from_ref(&a));
        to.values(Cofactors, &[a]);
    }
}
