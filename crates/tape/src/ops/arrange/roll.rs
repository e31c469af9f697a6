//! Cyclic shifts along an axis.

use crate::error::{self, Error};
use crate::ops::Concat;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, lanes};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The elements shifted along an axis; those shifted past the end reappear at the beginning.
///
/// # Shapes
/// Rank 1 or more; the result has the same shape.
///
/// # Math
/// `yᵢ = xᵢ₋ₛ`, with indices modulo the extent. Linear; the cotangent is rolled back.
///
/// # Panics
/// If the axis does not exist.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 3.0, 4.0]);
/// let y = x.roll(1, 0);
/// assert_eq!(y.value(), Tensor::from([4.0, 1.0, 2.0, 3.0]));
/// assert_eq!(y.vjp([1.0, 2.0, 3.0, 4.0]).wrt(x), Tensor::from([2.0, 3.0, 4.0, 1.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roll {
    /// The distance, backwards if negative.
    pub shift: isize,
    /// The axis, counted from the end if negative.
    pub axis: isize,
}

impl<T: Element> Op<T> for Roll {
    const NAME: &'static str = "roll";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        x[0].axis(self.axis)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let extent = x[0].shape()[axis];
        let shift = self.shift.rem_euclid(extent.max(1) as isize) as usize;
        let (over, rest) =
            (x[0].sliced(axis, extent - shift, shift, 1), x[0].sliced(axis, 0, extent - shift, 1));
        Concat { axis: self.axis }.eval(&[&over, &rest], shape)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let extent = x[0].shape()[axis].max(1) as isize;
        A::apply(Roll { shift: -(self.shift % extent), axis: self.axis }, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "xᵢ₋ₛ, around the axis",
    derivative: "rolled back",
    domain: "all",
    convention: "",
    numpy: "roll",
    torch: "roll",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (x, axis) in lanes("roll") {
        for shift in [0, 1, -2, 7] {
            to.case(Roll { shift, axis }, &[&x]);
        }
    }
}
