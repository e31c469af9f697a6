//! Another shape for the same elements.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The same elements, in row-major order, in another shape. Free if the operand is contiguous.
///
/// # Shapes
/// Any shape with the same number of elements. One extent may be [`INFER`](crate::INFER), which is then found from them.
///
/// # Math
/// Linear; the cotangent is reshaped back.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let y = x.reshape([4]);
/// assert_eq!(y.value(), Tensor::from([1.0, 2.0, 3.0, 4.0]));
/// assert_eq!(y.vjp([5.0, 6.0, 7.0, 8.0]).wrt(x), Tensor::from([[5.0, 6.0], [7.0, 8.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Reshape {
    /// The new shape, in which one extent may be [`INFER`](crate::INFER).
    pub shape: Shape,
}

impl<T: Element> Op<T> for Reshape {
    const NAME: &'static str = "reshape";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        self.shape.inferred(x[0].size())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        x[0].reshaped(shape.clone())
    }

    fn try_eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Result<Tensor<T>, Error> {
        x[0].fits_copied("reshape")?;
        Ok(self.eval(x, shape))
    }

    fn free(&self) -> bool {
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        dy.reshape(x[0].shape())
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "the same elements in another shape",
    derivative: "the old shape",
    domain: "all",
    convention: "",
    numpy: "reshape",
    torch: "reshape",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [(&[usize], &[usize]); 5] =
        [(&[2, 3], &[6]), (&[2, 3], &[3, 2]), (&[4], &[2, 1, 2]), (&[1, 1], &[]), (&[0, 3], &[2, 0])];
    for (x, shape) in shapes {
        to.case(Reshape { shape: shape.into() }, &[x]);
    }
}
