//! Elements along an axis, each with its own index.

use crate::error::{self, Error};
use crate::index::Index;
use crate::ops::ScatterAdd;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op, positions_as_branches};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// At every position of the index, the element of the operand with the indexed position along `axis` and the
/// same positions along the other axes.
///
/// # Shapes
/// The index has as many axes as `x` and, except for `axis`, no larger extents; the result has its shape.
///
/// # Math
/// `yᵢⱼ = xᵢ,ₖ` with `k = indexᵢⱼ`, for a matrix and axis 1. Linear; the cotangents are added at the sources
/// of the elements ([`ScatterAdd`]).
///
/// # Panics
/// If the axis does not exist, an index is out of range, or the shapes do not match.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let y = x.gather(1, [[2, 2], [0, 1]]);
/// assert_eq!(y.value(), Tensor::from([[3.0, 3.0], [4.0, 5.0]]));
/// let grads = y.vjp([[1.0, 10.0], [100.0, 1000.0]]);
/// assert_eq!(grads.wrt(x), Tensor::from([[0.0, 0.0, 11.0], [100.0, 1000.0, 0.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Gather {
    /// The axis, counted from the end if negative.
    pub axis: isize,
    /// Positions along the axis.
    pub index: Index,
}

impl<T: Element> Op<T> for Gather {
    const NAME: &'static str = "gather";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        self.index.along(self.axis, x[0])?;
        Ok(self.index.shape().clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let source = &*x[0].elements();
        Tensor::build(shape.clone(), |out| {
            for (out, at) in out.iter_mut().zip(self.index.positions(axis, x[0].shape())) {
                *out = source[at];
            }
        })
    }

    fn sources(&self, x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        let axis = error::expect(x.axis(self.axis));
        self.index.positions(axis, x).into_iter().for_each(|i| run(i, 1));
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let zeros = dy.constant(Tensor::zeros(x[0].shape()));
        A::apply(ScatterAdd { axis: self.axis, index: self.index.clone() }, &[&zeros, dy])
    }

    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        positions_as_branches(self.index.as_slice(), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "xᵢ,ₖ with k = indexᵢⱼ, along an axis",
    derivative: "added where each came from",
    domain: "all",
    convention: "",
    numpy: "take_along_axis",
    torch: "gather",
};

/// Shapes, an axis, and an index along it: repeated, permuted, longer and shorter than the axis, short along
/// the other axes, of extent 0 and 1.
pub(crate) fn indices() -> impl Iterator<Item = (Shape, isize, Index)> {
    const CASES: [(&[usize], isize, &[usize]); 10] = [
        (&[4], 0, &[6]),
        (&[5], 0, &[3]),
        (&[3, 4], 1, &[3, 5]),
        (&[3, 4], 0, &[2, 4]),
        (&[3, 4], -1, &[2, 2]),
        (&[2, 3, 2], 1, &[2, 5, 2]),
        (&[4, 1, 3], 0, &[2, 1, 2]),
        (&[1], 0, &[2]),
        (&[2, 3], 0, &[0, 3]),
        (&[0, 3], 1, &[0, 2]),
    ];
    let drawn = draws("gather").map(|mut draw| {
        let x = draw.shape(1, 3);
        let axis = draw.axis(&x);
        let at = error::expect(x.axis(axis));
        let mut shape: Shape = x.iter().map(|&extent| draw.between(1, extent)).collect();
        shape.set(at, draw.between(1, 7));
        let numbers = draw.positions(x[at], shape.size());
        let index = error::expect(Index::new(shape, numbers));
        (x, axis, index)
    });
    let fixed = CASES.into_iter().map(|(x, axis, shape)| {
        let extent = x[error::expect(Shape::from(x).axis(axis))];
        let numbers: Vec<usize> = (0..shape.iter().product()).map(|i| (i * i + i / 2 + 1) % extent).collect();
        (Shape::from(x), axis, error::expect(Index::new(shape, numbers)))
    });
    fixed.chain(drawn)
}

pub(crate) fn cases(to: &mut impl Cases) {
    for (x, axis, index) in indices() {
        to.case(Gather { axis, index }, &[&x]);
    }
}
