//! Entries of an axis by index, and the adjoint.

use crate::error::{self, Error};
use crate::index::Index;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op, positions_as_branches};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// The entries of an axis given by a list of indices, in its order, with repetitions.
///
/// # Shapes
/// Axis `axis` gets one entry per index; the others are unchanged.
///
/// # Math
/// Linear; the cotangents are added at the sources of the entries ([`IndexAdd`]).
///
/// # Panics
/// If the axis does not exist, an index is out of range, or the indices are not a plain list.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// let y = x.index_select(0, [2, 0, 2]);
/// assert_eq!(y.value(), Tensor::from([[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]));
/// let grads = y.vjp([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// assert_eq!(grads.wrt(x), Tensor::from([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IndexSelect {
    /// The axis, counted from the end if negative.
    pub axis: isize,
    /// The entries to take: a list.
    pub index: Index,
}

/// The axis, if `index` is a list of positions along it.
pub(crate) fn check(axis: isize, index: &Index, x: &Shape) -> Result<usize, Error> {
    let axis = x.axis(axis)?;
    if index.shape().rank() != 1 {
        return Err(Error::rank("a list of indices", index.shape().dims()));
    }
    index.check(axis, x)?;
    Ok(axis)
}

impl<T: Element> Op<T> for IndexSelect {
    const NAME: &'static str = "index_select";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let axis = check(self.axis, &self.index, x[0])?;
        let mut shape = x[0].clone();
        shape.set(axis, self.index.as_slice().len());
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axis = error::expect(shape.axis(self.axis));
        let (extent, inner) = (x[0].shape()[axis], shape[axis + 1..].iter().product::<usize>());
        let source = &*x[0].elements();
        let list = self.index.as_slice();
        Tensor::build(shape.clone(), |out| {
            for (row, out) in out.chunks_exact_mut(inner.max(1)).enumerate() {
                let (outer, i) = (row / list.len(), row % list.len());
                out.copy_from_slice(&source[(outer * extent + list[i]) * inner..][..inner]);
            }
        })
    }

    fn sources(&self, x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        let axis = error::expect(x.axis(self.axis));
        let inner = x[axis + 1..].iter().product::<usize>();
        for outer in 0..x[..axis].iter().product() {
            self.index.as_slice().iter().for_each(|&i| run((outer * x[axis] + i) * inner, inner));
        }
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let extent = x[0].shape()[axis];
        A::apply(IndexAdd { axis: self.axis, index: self.index.clone(), extent }, &[dy])
    }

    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        positions_as_branches(self.index.as_slice(), report);
    }
}

/// Zeros, with entry `i` of the operand added to entry `indexᵢ` of an axis: the adjoint of [`IndexSelect`].
///
/// # Shapes
/// The operand has one entry for each index; the result has `extent` of them.
///
/// # Math
/// Linear; the entries of the cotangent are selected.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexAdd {
    /// The axis, counted from the end if negative.
    pub axis: isize,
    /// The destinations of the entries: a list.
    pub index: Index,
    /// The extent of the axis in the result.
    pub extent: usize,
}

impl<T: Element> Op<T> for IndexAdd {
    const NAME: &'static str = "index_add";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let mut shape = x[0].clone();
        shape.set(x[0].axis(self.axis)?, self.extent);
        let axis = check(self.axis, &self.index, &shape)?;
        let mut expected = x[0].dims();
        expected[axis] = self.index.as_slice().len();
        if expected[..] != x[0][..] {
            return Err(Error::shape(expected, x[0].dims()));
        }
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axis = error::expect(shape.axis(self.axis));
        let inner: usize = shape[axis + 1..].iter().product();
        let list = self.index.as_slice();
        let mut out = Tensor::zeros(shape);
        let place = |row: usize| row / list.len() * self.extent + list[row % list.len()];
        reduce::add_rows(out.as_mut_slice(), &x[0].elements(), inner, place);
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(IndexSelect { axis: self.axis, index: self.index.clone() }, &[dy])
    }

    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        positions_as_branches(self.index.as_slice(), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "entries of an axis by a list of indices",
    derivative: "added where each came from",
    domain: "all",
    convention: "",
    numpy: "take(axis=)",
    torch: "index_select",
};

/// Shapes, an axis, and a list of positions along it: with repetitions, longer and shorter than the axis, empty.
pub(crate) fn selections(op: &str) -> impl Iterator<Item = (Shape, isize, Vec<usize>)> {
    const CASES: [(&[usize], isize, &[usize]); 8] = [
        (&[4], 0, &[0, 1, 3, 0, 2, 0]),
        (&[3, 4], 1, &[2, 0, 1, 3, 2]),
        (&[3, 2, 2], 0, &[0, 0, 1]),
        (&[2, 5], -1, &[3, 3]),
        (&[2, 3], 0, &[]),
        (&[1, 3], 0, &[0, 0]),
        (&[0, 3], 1, &[2, 2]),
        (&[0, 3], 0, &[]),
    ];
    let drawn = draws(op).map(|mut draw| {
        let x = draw.shape(1, 3);
        let axis = draw.axis(&x);
        let count = draw.between(1, 7);
        let index = draw.positions(x[error::expect(x.axis(axis))], count);
        (x, axis, index)
    });
    CASES.into_iter().map(|(x, axis, index)| (Shape::from(x), axis, index.to_vec())).chain(drawn)
}

pub(crate) fn cases(to: &mut impl Cases) {
    for (x, axis, index) in selections("index_select") {
        let select = IndexSelect { axis, index: index.clone().into() };
        let taken = error::expect(Op::<f64>::shape(&select, &[&x]));
        let position = error::expect(taken.axis(axis));
        to.case(IndexAdd { axis, index: index.into(), extent: x[position] }, &[&taken]);
        to.case(select, &[&x]);
    }
}
