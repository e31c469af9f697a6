//! Diagonals: extraction and construction.

use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The diagonal `offset` of a matrix as a vector, or a square matrix of zeros with a vector as its diagonal.
///
/// Diagonal 0 is the main one, `offset > 0` is above it. Taking a diagonal is free: a view of the same
/// buffer.
///
/// # Shapes
/// A matrix gives a vector, possibly empty; a vector of `n` elements gives a square matrix of extent `n + |offset|`.
///
/// # Math
/// `yᵢ = xᵢ,ᵢ₊ₖ`, or `yᵢ,ᵢ₊ₖ = xᵢ`. Linear; each is the adjoint of the other ([`DiagAdjoint`] if the matrix
/// is not square).
///
/// # Panics
/// If the operand is neither a vector nor a matrix.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let y = x.diag(1);
/// assert_eq!(y.value(), Tensor::from([2.0, 6.0]));
/// assert_eq!(y.vjp([7.0, 8.0]).wrt(x), Tensor::from([[0.0, 7.0, 0.0], [0.0, 0.0, 8.0]]));
/// let y = tape.var([1.0, 2.0]).diag(0);
/// assert_eq!(y.value(), Tensor::from([[1.0, 0.0], [0.0, 2.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diag {
    /// The diagonal.
    pub offset: isize,
}

/// The length of a diagonal, and the position of its first element.
pub(crate) fn extent(shape: &Shape, offset: isize) -> (usize, [usize; 2]) {
    let start = [offset.min(0).unsigned_abs(), offset.max(0).unsigned_abs()];
    let [below, beside] = [0, 1].map(|axis| shape[axis].saturating_sub(start[axis]));
    (below.min(beside), start)
}

impl Diag {
    /// The square matrix with a vector of this shape as its diagonal.
    fn square(&self, x: &Shape) -> Result<DiagAdjoint, Error> {
        let (length, beside) = (x[0], self.offset.unsigned_abs());
        let found = || format!("{length} and {beside} beside the diagonal");
        let side = crate::shape::extent(length.checked_add(beside), found)?;
        Ok(DiagAdjoint { offset: self.offset, shape: Shape::from([side, side]) })
    }
}

impl<T: Element> Op<T> for Diag {
    const NAME: &'static str = "diag";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        match x[0].rank() {
            1 => Ok(self.square(x[0])?.shape),
            2 => Ok(Shape::from([extent(x[0], self.offset).0])),
            _ => Err(Error::rank("a vector or a matrix", x[0].dims())),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        match x[0].rank() {
            1 => error::expect(self.square(x[0].shape())).eval(x, shape),
            _ => {
                let (length, start) = extent(x[0].shape(), self.offset);
                x[0].diagonal_view(start, length)
            }
        }
    }

    fn sources(&self, x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        if x.rank() != 2 {
            return false;
        }
        let (length, [row, column]) = extent(x, self.offset);
        (0..length).for_each(|i| run((row + i) * x[1] + column + i, 1));
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        match shape.rank() {
            1 => A::apply(*self, &[dy]),
            _ => A::apply(DiagAdjoint { offset: self.offset, shape }, &[dy]),
        }
    }
}

/// A matrix of zeros with the operand on a diagonal: the adjoint of [`Diag`] of a matrix.
///
/// # Shapes
/// The operand has the length of the diagonal; the result has `shape`.
///
/// # Math
/// Linear; the diagonal of the cotangent is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct DiagAdjoint {
    /// The diagonal.
    pub offset: isize,
    /// The shape of the result.
    pub shape: Shape,
}

impl<T: Element> Op<T> for DiagAdjoint {
    const NAME: &'static str = "place_diag";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        self.shape.elements::<T>()?;
        if self.shape.rank() != 2 {
            return Err(Error::rank("a matrix", self.shape.dims()));
        }
        let (length, _) = extent(&self.shape, self.offset);
        match *x[0] == [length] {
            true => Ok(self.shape.clone()),
            false => Err(Error::shape(vec![length], x[0].dims())),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let (length, [row, column]) = extent(shape, self.offset);
        let width = shape[1];
        let mut out = Tensor::zeros(shape);
        if length == 0 {
            return out;
        }
        let places = out.as_mut_slice().iter_mut().skip(row * width + column).step_by(width + 1);
        for (out, x) in places.zip(x[0].to_vec()) {
            *out = x;
        }
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(Diag { offset: self.offset }, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "xᵢ,ᵢ₊ₖ; of a vector, the matrix that has it there",
    derivative: "each is the other's",
    domain: "rank 1 or 2",
    convention: "",
    numpy: "diag",
    torch: "diag",
};

pub(crate) fn cases(to: &mut impl Cases) {
    const SHAPES: [&[usize]; 9] = [&[3], &[1], &[0], &[3, 3], &[3, 4], &[4, 2], &[1, 1], &[0, 2], &[2, 0]];
    for x in SHAPES {
        for offset in [0, 2, -1, 9, -9] {
            to.case(Diag { offset }, &[x]);
            if let [_, _] = x {
                let shape = Shape::from(x);
                let taken = error::expect(Op::<f64>::shape(&Diag { offset }, &[&shape]));
                to.case(DiagAdjoint { offset, shape }, &[&taken]);
            }
        }
    }
}
