//! Rows of a table by index, and the adjoint.

use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};
use std::sync::Arc;

/// Rows of a table by index.
///
/// # Shapes
/// The table is `[rows, width]`; the result is `[.., width]` with the shape of the indices in front.
///
/// # Math
/// Linear; the cotangents of a row used several times are added ([`EmbeddingAdjoint`]).
///
/// # Panics
/// If a row does not exist, or the number of indices does not fill their shape.
///
/// # Examples
/// ```
/// use tape::ops::Embedding;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let table = tape.var([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// let y = tape.apply(Embedding::new(&[2, 0, 2]), &[table]);
/// assert_eq!(y.value(), Tensor::from([[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]));
/// let grads = y.vjp([[1.0, 1.0], [10.0, 10.0], [100.0, 200.0]]);
/// assert_eq!(grads.wrt(table), Tensor::from([[10.0, 10.0], [0.0, 0.0], [101.0, 201.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// The rows, in row-major order.
    pub indices: Arc<[usize]>,
    /// The shape of the indices.
    pub shape: Shape,
}

impl Embedding {
    /// The rows of a list of indices.
    pub fn new(indices: &[usize]) -> Embedding {
        Embedding { indices: indices.into(), shape: Shape::from([indices.len()]) }
    }

    /// Checks that the indices are rows and fill their shape.
    fn check(&self, table: &Shape) -> Result<usize, Error> {
        let [rows, width] =
            table[..].try_into().map_err(|_| Error::rank("a table of rank 2", table.dims()))?;
        if self.shape.try_size() != Some(self.indices.len()) {
            return Err(Error::elements(self.shape.dims(), self.indices.len()));
        }
        match self.indices.iter().find(|&&index| index >= rows) {
            Some(&index) => Err(Error::index(index, 0, table)),
            None => Ok(width),
        }
    }

    fn result(&self, width: usize) -> Shape {
        self.shape.iter().copied().chain([width]).collect()
    }
}

impl<T: Element> Op<T> for Embedding {
    const NAME: &'static str = "embedding";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(self.result(self.check(x[0])?))
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let width = x[0].shape()[1];
        let table = &*x[0].elements();
        Tensor::build(shape.clone(), |out| {
            for (out, &row) in out.chunks_exact_mut(width.max(1)).zip(self.indices.iter()) {
                out.copy_from_slice(&table[row * width..(row + 1) * width]);
            }
        })
    }

    fn sources(&self, x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        self.indices.iter().for_each(|&row| run(row * x[1], x[1]));
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(EmbeddingAdjoint { taken: self.clone(), rows: x[0].shape()[0] }, &[dy])
    }
}

/// A table of zeros to which every row is added at its index: the adjoint of [`Embedding`].
///
/// # Shapes
/// The operand has the shape of the rows taken; the result is `[rows, width]`.
///
/// # Math
/// Linear; rows of the cotangent are taken.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingAdjoint {
    /// The destinations of the rows.
    pub taken: Embedding,
    /// The number of rows of the table.
    pub rows: usize,
}

impl<T: Element> Op<T> for EmbeddingAdjoint {
    const NAME: &'static str = "add_rows";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let Some((&width, leading)) = x[0].split_last() else {
            return Err(Error::rank("rank 1 or more", x[0].dims()));
        };
        let table = Shape::from([self.rows, width]);
        self.taken.check(&table)?;
        if *leading != *self.taken.shape {
            let expected = self.taken.result(width).dims();
            return Err(Error::shape(expected, x[0].dims()));
        }
        Ok(table)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let width = shape[1];
        let mut out = Tensor::zeros(shape);
        let indices = &self.taken.indices;
        reduce::add_rows(out.as_mut_slice(), &x[0].elements(), width, |i| indices[i]);
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(self.taken.clone(), &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "rows of a table",
    derivative: "1 in the row taken, else 0",
    domain: "all",
    convention: "",
    numpy: "x[i]",
    torch: "nn.functional.embedding",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let cases: [([usize; 2], &[usize], &[usize]); 5] = [
        ([4, 3], &[2, 0, 3, 0, 2], &[5]),
        ([3, 2], &[1, 1, 1, 2, 0, 2], &[2, 3]),
        ([2, 4], &[1], &[]),
        ([5, 1], &[], &[0]),
        ([3, 0], &[2, 0], &[2]),
    ];
    for (table, indices, shape) in cases {
        let taken = Embedding { indices: indices.into(), shape: shape.into() };
        let y = taken.result(table[1]);
        to.case(taken.clone(), &[&table]);
        to.case(EmbeddingAdjoint { taken, rows: table[0] }, &[&y]);
    }
}
