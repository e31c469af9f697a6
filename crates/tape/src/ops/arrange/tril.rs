//! The lower triangle of a matrix.

use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The elements on and below diagonal `k` of the last two axes, zeros above it.
///
/// Diagonal 0 is the main one, `k > 0` is above it. See [`Triu`](crate::ops::Triu) for the other half.
///
/// # Shapes
/// Rank 2 or more; the result has the same shape.
///
/// # Math
/// `yᵢⱼ = xᵢⱼ` where `j - i ≤ k`, else 0. Linear; the cotangent is masked likewise. Masked elements are
/// exactly 0, even where they were infinite or NaN.
///
/// # Panics
/// If the operand has fewer than two axes.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let y = x.tril(0);
/// assert_eq!(y.value(), Tensor::from([[1.0, 0.0], [3.0, 4.0]]));
/// assert_eq!(y.vjp([[5.0, 6.0], [7.0, 8.0]]).wrt(x), Tensor::from([[5.0, 0.0], [7.0, 8.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tril {
    /// The last diagonal kept.
    pub k: isize,
}

/// The shape rule of both triangles.
pub(crate) fn matrices(x: &[&Shape]) -> Result<Shape, Error> {
    match x[0].rank() {
        0 | 1 => Err(Error::rank("a matrix or a stack of them", x[0].dims())),
        _ => Ok(x[0].clone()),
    }
}

/// Keeps the elements on the diagonals `j - i` that satisfy a condition, zeros elsewhere.
pub(crate) fn cut<T: Element>(x: &Tensor<T>, keep: impl Fn(isize) -> bool) -> Tensor<T> {
    let [.., rows, columns] = x.shape()[..] else { return x.clone() };
    let source = &*x.elements();
    Tensor::build(x.shape().clone(), |out| {
        for (at, (y, &x)) in out.iter_mut().zip(source).enumerate() {
            let (i, j) = (at / columns % rows, at % columns);
            *y = if keep(j as isize - i as isize) { x } else { T::ZERO };
        }
    })
}

impl<T: Element> Op<T> for Tril {
    const NAME: &'static str = "tril";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        matrices(x)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        cut(x[0], |diagonal| diagonal <= self.k)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(*self, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "xᵢⱼ where j - i ≤ k, else 0",
    derivative: "1 where kept, else 0",
    domain: "rank 2 or more",
    convention: "",
    numpy: "tril",
    torch: "tril",
};

/// Matrices, and diagonals at which to mask them.
pub(crate) fn triangles() -> impl Iterator<Item = (Shape, isize)> {
    const SHAPES: [&[usize]; 6] = [&[3, 3], &[3, 4], &[4, 2], &[2, 3, 3], &[1, 1], &[0, 2]];
    let drawn = draws("tril").map(|mut draw| (draw.shape(2, 4), draw.offset(-4, 4)));
    SHAPES.into_iter().flat_map(|shape| [0, 1, -1, 5, -5].map(|k| (shape.into(), k))).chain(drawn)
}

pub(crate) fn cases(to: &mut impl Cases) {
    for (x, k) in triangles() {
        to.case(Tril { k }, &[&x]);
    }
}
