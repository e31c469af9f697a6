//! Broadcasting to a larger shape.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Repeats the operand along new axes and axes of extent 1. Free: a view of the same buffer.
///
/// # Shapes
/// NumPy's rule: axes are aligned at the last, and each extent equals the new one or is 1.
///
/// # Math
/// Linear; the cotangent is summed over the broadcast axes ([`SumTo`](crate::ops::SumTo)).
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0]);
/// let y = x.broadcast_to([3, 2]);
/// assert_eq!(y.value(), Tensor::from([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]));
/// assert_eq!(y.vjp([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).wrt(x), Tensor::from([9.0, 12.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BroadcastTo {
    /// The new shape.
    pub shape: Shape,
}

impl<T: Element> Op<T> for BroadcastTo {
    const NAME: &'static str = "broadcast_to";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if !x[0].broadcasts_to(&self.shape) {
            let (lhs, rhs) = (x[0].dims(), self.shape.dims());
            return Err(Error::broadcast(lhs, rhs));
        }
        Ok(self.shape.clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        x[0].stretched(shape)
    }

    fn free(&self) -> bool {
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        dy.sum_to(x[0].shape())
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x repeated to a shape",
    derivative: "the sum over what was repeated",
    domain: "all",
    convention: "",
    numpy: "broadcast_to",
    torch: "broadcast_to",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (small, large) in stretches() {
        to.case(BroadcastTo { shape: large }, &[&small]);
    }
}

/// Pairs of shapes of which the first broadcasts to the second.
pub(crate) fn stretches() -> impl Iterator<Item = (Shape, Shape)> {
    const PAIRS: [(&[usize], &[usize]); 8] = [
        (&[3], &[2, 3]),
        (&[], &[2, 2]),
        (&[2, 1], &[2, 4]),
        (&[1, 3, 1], &[2, 3, 2]),
        (&[2, 3], &[2, 3]),
        (&[1], &[0]),
        (&[2, 1], &[2, 0]),
        (&[1, 1], &[1, 1]),
    ];
    let drawn = draws("broadcast_to").map(|mut draw| {
        let large = draw.shape(1, 4);
        let missing = draw.between(0, large.rank());
        let small = large[missing..].iter().map(|&extent| if draw.coin() { 1 } else { extent }).collect();
        (small, large)
    });
    PAIRS.into_iter().map(|(small, large)| (small.into(), large.into())).chain(drawn)
}
