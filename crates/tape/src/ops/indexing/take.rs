//! Elements by their row-major position.

use crate::error::Error;
use crate::index::Index;
use crate::ops::IndexAdd;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op, positions_as_branches};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The elements at row-major positions of the whole tensor, with repetitions.
///
/// # Shapes
/// Any operand; the result has the shape of the index.
///
/// # Math
/// Linear; the cotangents are added at the sources of the elements.
///
/// # Panics
/// If a position is out of range.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let y = x.take([3, 1, 3]);
/// assert_eq!(y.value(), Tensor::from([4.0, 2.0, 4.0]));
/// assert_eq!(y.vjp([1.0, 10.0, 100.0]).wrt(x), Tensor::from([[0.0, 10.0], [0.0, 101.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Take {
    /// Row-major positions.
    pub index: Index,
}

impl<T: Element> Op<T> for Take {
    const NAME: &'static str = "take";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        self.index.check(0, &Shape::from([x[0].size()]))?;
        Ok(self.index.shape().clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let source = &*x[0].elements();
        Tensor::build(shape.clone(), |out| {
            for (out, &i) in out.iter_mut().zip(self.index.as_slice()) {
                *out = source[i];
            }
        })
    }

    fn sources(&self, _x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        self.index.as_slice().iter().for_each(|&i| run(i, 1));
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let (list, shape) = (self.index.as_slice(), x[0].shape());
        let add = IndexAdd { axis: 0, index: list.into(), extent: shape.size() };
        A::apply(add, &[&dy.reshape([list.len()])]).reshape(shape)
    }

    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        positions_as_branches(self.index.as_slice(), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "elements by row-major position",
    derivative: "added where each came from",
    domain: "all",
    convention: "",
    numpy: "take",
    torch: "take",
};

pub(crate) fn cases(to: &mut impl Cases) {
    to.case(Take { index: [2, 3, 3, 2].into() }, &[&[5]]);
    to.case(Take { index: [[5, 1, 3], [3, 0, 5]].into() }, &[&[2, 3]]);
    to.case(Take { index: [6].into() }, &[&[2, 2, 3]]);
    to.case(Take { index: [0, 0].into() }, &[&[]]);
    to.case(Take { index: Vec::new().into() }, &[&[2]]);
    to.case(Take { index: Vec::new().into() }, &[&[0, 2]]);
    for mut draw in draws("take") {
        let x = draw.shape(1, 3);
        let count = draw.between(1, 7);
        to.case(Take { index: draw.positions(x.size(), count).into() }, &[&x]);
    }
}
