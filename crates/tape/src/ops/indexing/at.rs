//! One element.

use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op, positions_as_branches};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The element at `index`, as a scalar.
///
/// # Shapes
/// `index` has one entry for each axis; the result has rank 0.
///
/// # Math
/// Linear; the cotangent is placed among zeros ([`AtAdjoint`]).
///
/// # Panics
/// If the index is out of range.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let y = x.at([1, 0]);
/// assert_eq!(y.value(), 3.0);
/// assert_eq!(y.backward().wrt(x), Tensor::from([[0.0, 0.0], [1.0, 0.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct At {
    /// The position along each axis.
    pub index: Shape,
}

impl<T: Element> Op<T> for At {
    const NAME: &'static str = "at";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        check(x[0], &self.index)?;
        Ok(Shape::default())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        Tensor::scalar(x[0].get(&self.index[..]).unwrap_or(T::NAN))
    }

    fn free(&self) -> bool {
        true
    }

    fn sources(&self, x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        run(position(&self.index, x), 1);
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(AtAdjoint { index: self.index.clone(), shape: x[0].shape() }, &[dy])
    }

    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        positions_as_branches(&self.index, report);
    }
}

/// The position of an element in row-major order.
fn position(index: &Shape, shape: &Shape) -> usize {
    index.iter().zip(shape.iter()).fold(0, |at, (&i, &n)| at * n + i)
}

fn check(shape: &Shape, index: &Shape) -> Result<(), Error> {
    if index.rank() != shape.rank() {
        return Err(Error::rank("one index for each axis", shape.dims()));
    }
    match (0..shape.rank()).find(|&axis| index[axis] >= shape[axis]) {
        Some(axis) => Err(Error::index(index[axis], axis, shape)),
        None => Ok(()),
    }
}

/// Zeros of a shape, with a scalar at one index: the adjoint of [`At`].
#[derive(Clone, Debug, PartialEq)]
pub struct AtAdjoint {
    /// The index of the scalar.
    pub index: Shape,
    /// The shape of the result.
    pub shape: Shape,
}

impl<T: Element> Op<T> for AtAdjoint {
    const NAME: &'static str = "place_at";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        self.shape.elements::<T>()?;
        check(&self.shape, &self.index)?;
        if x[0].rank() != 0 {
            return Err(Error::shape(vec![], x[0].dims()));
        }
        Ok(self.shape.clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let mut out = Tensor::zeros(shape);
        out.as_mut_slice()[position(&self.index, shape)] = x[0].item();
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(At { index: self.index.clone() }, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x[i, j, ..]",
    derivative: "1 at the index, else 0",
    domain: "all",
    convention: "",
    numpy: "x[i, j]",
    torch: "x[i, j]",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let picks: [(&[usize], &[usize]); 4] =
        [(&[3], &[2]), (&[2, 3], &[1, 0]), (&[1, 1, 2], &[0, 0, 1]), (&[], &[])];
    for (x, index) in picks {
        let (index, shape) = (Shape::from(index), Shape::from(x));
        to.case(At { index: index.clone() }, &[x]);
        to.case(AtAdjoint { index, shape }, &[&[]]);
    }
}
