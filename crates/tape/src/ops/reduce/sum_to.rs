//! The adjoint of broadcasting.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// Sums over the axes along which `shape` would be broadcast to the operand's shape.
///
/// # Shapes
/// `shape` must broadcast to that of the operand.
///
/// # Math
/// Linear; the cotangent is broadcast ([`BroadcastTo`](crate::ops::BroadcastTo)).
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let y = x.sum_to([1, 2]);
/// assert_eq!(y.value(), Tensor::from([[4.0, 6.0]]));
/// assert_eq!(y.vjp([[5.0, 7.0]]).wrt(x), Tensor::from([[5.0, 7.0], [5.0, 7.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SumTo {
    /// The shape of the result.
    pub shape: Shape,
}

impl<T: Element> Op<T> for SumTo {
    const NAME: &'static str = "sum_to";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if !self.shape.broadcasts_to(x[0]) {
            let (lhs, rhs) = (x[0].dims(), self.shape.dims());
            return Err(Error::broadcast(lhs, rhs));
        }
        Ok(self.shape.clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        reduce::sum_to(x[0], shape)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        dy.broadcast_to(x[0].shape())
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ x over stretched axes",
    derivative: "1",
    domain: "all",
    convention: "0 over no elements",
    numpy: "",
    torch: "sum_to_size",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (small, large) in crate::ops::arrange::broadcast_to::stretches() {
        to.case(SumTo { shape: small }, &[&large]);
    }
}
