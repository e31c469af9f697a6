//! Reversal of axes.

use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::Tensor;

/// The elements in reverse order along a set of axes. Free: a view of the same buffer.
///
/// # Shapes
/// Any; the result has the same shape.
///
/// # Math
/// Linear and its own inverse; the cotangent is flipped.
///
/// # Panics
/// If an axis does not exist or appears more than once.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let y = x.flip(1);
/// assert_eq!(y.value(), Tensor::from([[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]));
/// let grads = y.vjp([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(grads.wrt(x), Tensor::from([[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    /// The axes to reverse.
    pub axes: Axes,
}

impl<T: Element> Op<T> for Flip {
    const NAME: &'static str = "flip";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        x[0].axes(&self.axes)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axes = error::expect(x[0].shape().axes(&self.axes));
        axes.iter().fold(x[0].clone(), |x, &axis| {
            let extent = x.shape()[axis];
            x.sliced(axis, extent.saturating_sub(1), extent, -1)
        })
    }

    fn free(&self) -> bool {
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(self.clone(), &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "axes read backwards",
    derivative: "read backwards again",
    domain: "all",
    convention: "",
    numpy: "flip",
    torch: "flip",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let flips: [(&[usize], Axes); 8] = [
        (&[4], 0.into()),
        (&[2, 3], (-1).into()),
        (&[2, 3], Axes::all()),
        (&[3, 2, 2], [0, 2].into()),
        (&[1, 3], 0.into()),
        (&[0, 2], [0, 1].into()),
        (&[2, 0], 0.into()),
        (&[], Axes::all()),
    ];
    let drawn = draws("flip").map(|mut draw| {
        let x = draw.shape(1, 4);
        let axes = draw.axes(&x);
        (x, axes)
    });
    for (x, axes) in flips.map(|(x, axes)| (Shape::from(x), axes)).into_iter().chain(drawn) {
        to.case(Flip { axes }, &[&x]);
    }
}
