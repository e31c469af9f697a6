//! Stacking along a new axis.

use crate::error::{self, Error};
use crate::ops::Slice;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The operands stacked along a new axis.
///
/// # Shapes
/// One operand or more, all of one shape; the result has a new axis `axis` with an entry for each operand.
///
/// # Math
/// Linear; each operand's cotangent is its entry of the result's cotangent.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (a, b) = (tape.var([1.0, 2.0]), tape.var([3.0, 4.0]));
/// let y = tape.stack(&[a, b], 1);
/// assert_eq!(y.value(), Tensor::from([[1.0, 3.0], [2.0, 4.0]]));
/// assert_eq!(y.vjp([[1.0, 2.0], [3.0, 4.0]]).wrt(b), Tensor::from([2.0, 4.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stack {
    /// The position of the new axis, counted from the end of the result if negative.
    pub axis: isize,
}

impl Stack {
    /// The new axis in the result, for operands of shape `x`.
    fn position(&self, x: &Shape) -> Result<usize, Error> {
        let grown: Shape = x.iter().copied().chain([1]).collect();
        grown.axis(self.axis)
    }

    fn entry(&self, k: usize, x: &Shape) -> (Slice, Shape) {
        let axis = error::expect(self.position(x));
        let mut shape: Vec<usize> = x.dims();
        shape.insert(axis, 1);
        (Slice::new(axis as isize, k as isize..k as isize + 1, 1), shape.into())
    }
}

impl<T: Element> Op<T> for Stack {
    const NAME: &'static str = "stack";
    const ARITY: Arity = Arity::AtLeastOne;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let Some((first, rest)) = x.split_first() else {
            return Err(Error::Operands { op: "stack", expected: "one operand or more", found: 0 });
        };
        if let Some(other) = rest.iter().find(|other| *other != first) {
            return Err(Error::shape(first.dims(), other.dims()));
        }
        let mut shape = first.dims();
        shape.insert(self.position(first)?, x.len());
        Ok(shape.into())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axis = error::expect(self.position(x[0].shape()));
        let (_, part) = self.entry(0, x[0].shape());
        let parts: Vec<Tensor<T>> = x.iter().map(|x| x.reshaped(part.clone())).collect();
        let parts: Vec<&Tensor<T>> = parts.iter().collect();
        crate::ops::Concat { axis: axis as isize }.eval(&parts, shape)
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let (slice, shape) = self.entry(k, &x[k].shape());
        A::apply(crate::ops::SliceAdjoint { slice, shape: y.shape() }, &[&dx.reshape(shape)])
    }

    /// As for [`Concat`](crate::ops::Concat).
    fn jvp_all<A: Array<T>>(&self, x: &[&A], _y: &A, dx: &[Option<&A>]) -> Option<A> {
        Some(super::concat::concatenated(*self, x, dx))
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let (slice, _) = self.entry(k, &x[k].shape());
        A::apply(slice, &[dy]).reshape(x[k].shape())
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "operands side by side",
    derivative: "each operand's entry",
    domain: "all",
    convention: "",
    numpy: "stack",
    torch: "stack",
};

pub(crate) fn cases(to: &mut impl Cases) {
    to.case(Stack { axis: 0 }, &[&[2], &[2], &[2]]);
    to.case(Stack { axis: 1 }, &[&[2, 3], &[2, 3]]);
    to.case(Stack { axis: -1 }, &[&[2, 3], &[2, 3]]);
    to.case(Stack { axis: 0 }, &[&[], &[]]);
    to.case(Stack { axis: 0 }, &[&[0], &[0]]);
}
