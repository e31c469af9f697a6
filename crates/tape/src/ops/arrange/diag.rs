//! Diagonals: extraction and construction.

use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The diagonal `offset` of a matrix, or of every matrix of a batch, as a vector; or a square matrix of zeros with a
/// vector as its diagonal.
///
/// Diagonal 0 is the main one, `offset > 0` is above it. Taking a diagonal is free: a view of the same
/// buffer.
///
/// # Shapes
/// `[.., m, n] -> [.., length]`, of matrices with a possibly empty diagonal; a vector of `n` elements gives a square matrix
/// of extent `n + |offset|`. For a batch of vectors see [`diag_embed`](crate::Tensor::diag_embed).
///
/// # Math
/// `yᵢ = xᵢ,ᵢ₊ₖ`, or `yᵢ,ᵢ₊ₖ = xᵢ`. Linear; each is the adjoint of the other ([`DiagAdjoint`] if the matrix
/// is not square).
///
/// # Panics
/// If the operand is a single element.
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

/// The length of a diagonal of the last two axes, and the position of its first element.
pub(crate) fn extent(shape: &Shape, offset: isize) -> (usize, [usize; 2]) {
    let start = [offset.min(0).unsigned_abs(), offset.max(0).unsigned_abs()];
    let matrix = &shape[shape.rank() - 2..];
    let [below, beside] = [0, 1].map(|axis| matrix[axis].saturating_sub(start[axis]));
    (below.min(beside), start)
}

/// The shape of the diagonals of the last two axes.
fn diagonals(shape: &Shape, offset: isize) -> Shape {
    let leading = &shape[..shape.rank() - 2];
    leading.iter().copied().chain([extent(shape, offset).0]).collect()
}

/// The row-major positions of the elements on the diagonals of the last two axes, matrix by matrix.
fn places(shape: &Shape, offset: isize) -> impl Iterator<Item = usize> {
    let (rows, columns) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
    let (length, [row, column]) = extent(shape, offset);
    // Without a diagonal there is nothing to walk over, however many matrices there are.
    let matrices = if length == 0 { 0 } else { shape[..shape.rank() - 2].iter().product() };
    (0..matrices)
        .flat_map(move |matrix| (0..length).map(move |i| (matrix * rows + row + i) * columns + column + i))
}

impl Diag {
    /// The square matrices with the vectors of a tensor of this shape as their diagonals.
    pub(crate) fn square(&self, x: &Shape) -> Result<DiagAdjoint, Error> {
        let length = x.extent(-1)?;
        let beside = self.offset.unsigned_abs();
        let found = || format!("{length} and {beside} beside the diagonal");
        let side = crate::shape::extent(length.checked_add(beside), found)?;
        let shape = x[..x.rank() - 1].iter().copied().chain([side, side]).collect();
        Ok(DiagAdjoint { offset: self.offset, shape })
    }
}

impl<T: Element> Op<T> for Diag {
    const NAME: &'static str = "diag";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        match x[0].rank() {
            0 => Err(Error::rank("a vector, a matrix or a batch of matrices", x[0].dims())),
            1 => Ok(self.square(x[0])?.shape),
            _ => Ok(diagonals(x[0], self.offset)),
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
        if x.rank() < 2 {
            return false;
        }
        places(x, self.offset).for_each(|at| run(at, 1));
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

/// Matrices of zeros with the operand on a diagonal: the adjoint of [`Diag`] of matrices.
///
/// # Shapes
/// `[.., length] -> [.., m, n]`: the operand has the length of the diagonal, the result has `shape`.
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
        if self.shape.rank() < 2 {
            return Err(Error::rank("rank 2 or more", self.shape.dims()));
        }
        let expected = diagonals(&self.shape, self.offset);
        match *x[0] == expected {
            true => Ok(self.shape.clone()),
            false => Err(Error::shape(expected.dims(), x[0].dims())),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let mut out = Tensor::zeros(shape);
        let elements = out.as_mut_slice();
        for (at, &x) in places(shape, self.offset).zip(&*x[0].elements()) {
            elements[at] = x;
        }
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(Diag { offset: self.offset }, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "xᵢ,ᵢ₊ₖ of the last two axes; of a vector, the matrix that has it there",
    derivative: "each is the other's",
    domain: "rank 1 or more",
    convention: "",
    numpy: "diag, diagonal",
    torch: "diag, diagonal",
};

pub(crate) fn cases(to: &mut impl Cases) {
    const SHAPES: [&[usize]; 13] = [
        &[3],
        &[1],
        &[0],
        &[3, 3],
        &[3, 4],
        &[4, 2],
        &[1, 1],
        &[0, 2],
        &[2, 0],
        &[2, 3, 3],
        &[2, 1, 3, 4],
        &[0, 2, 3],
        &[2, 0, 3],
    ];
    for x in SHAPES {
        for offset in [0, 2, -1, 9, -9] {
            to.case(Diag { offset }, &[x]);
            if x.len() > 1 {
                let shape = Shape::from(x);
                let taken = error::expect(Op::<f64>::shape(&Diag { offset }, &[&shape]));
                to.case(DiagAdjoint { offset, shape }, &[&taken]);
            }
        }
    }
}
