//! Repetition of every element next to itself.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, lanes};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Shape, extent};
use crate::tensor::Tensor;

/// Every entry of an axis `n` times in a row.
///
/// To repeat the axis as a whole see [`Repeat`](crate::ops::Repeat).
///
/// # Shapes
/// Rank 1 or more; the extent of the axis is multiplied by `n`.
///
/// # Math
/// `yᵢ = xₖ`, `k = ⌊i / n⌋`. Linear; the cotangents of the repetitions add up.
///
/// # Panics
/// If the axis does not exist.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0]);
/// let y = x.repeat_interleave(2, 0);
/// assert_eq!(y.value(), Tensor::from([1.0, 1.0, 2.0, 2.0]));
/// assert_eq!(y.vjp([1.0, 10.0, 100.0, 1000.0]).wrt(x), Tensor::from([11.0, 1100.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RepeatInterleave {
    /// The number of times that each entry appears in the result.
    pub n: usize,
    /// The axis, counted from the end if negative.
    pub axis: isize,
}

impl RepeatInterleave {
    /// The operand's shape with an axis of extent `n` after the axis, and the index of the new axis.
    fn unfolded(&self, x: &Shape, n: usize) -> (Shape, usize) {
        let axis = error::expect(x.axis(self.axis)) + 1;
        (x[..axis].iter().copied().chain([n]).chain(x[axis..].iter().copied()).collect(), axis)
    }
}

impl<T: Element> Op<T> for RepeatInterleave {
    const NAME: &'static str = "repeat_interleave";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let axis = x[0].axis(self.axis)?;
        let mut shape = x[0].clone();
        let (n, times) = (shape[axis], self.n);
        let repeated = extent(n.checked_mul(times), || format!("{n} elements {times} times"))?;
        self.unfolded(x[0], times).0.elements::<T>()?;
        shape.set(axis, repeated);
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let (once, _) = self.unfolded(x[0].shape(), 1);
        let (unfolded, _) = self.unfolded(x[0].shape(), self.n);
        x[0].reshaped(once).stretched(&unfolded).reshaped(shape.clone())
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let (unfolded, axis) = self.unfolded(&x[0].shape(), self.n);
        dy.reshape(unfolded).sum_axes(axis as isize, false)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "every entry n times in a row",
    derivative: "the sum over the repetitions",
    domain: "all",
    convention: "",
    numpy: "repeat",
    torch: "repeat_interleave",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (x, axis) in lanes("repeat_interleave") {
        for n in [0, 1, 3] {
            to.case(RepeatInterleave { n, axis }, &[&x]);
        }
    }
}
