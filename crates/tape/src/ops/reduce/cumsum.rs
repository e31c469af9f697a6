//! Running sum along one axis.

use crate::element::Real;
use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, lanes};
use crate::ops::network::softmax::along;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// The sum of each element and all elements before it, along one axis.
///
/// # Shapes
/// `x` of rank 1 or more; the result has its shape.
///
/// # Math
/// `yᵢ = Σ xⱼ` over `j ≤ i`, or over `j ≥ i` if `reverse`. Linear; the cotangent of `x` is that of `y`,
/// summed in the opposite direction.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 3.0]);
/// let y = x.cumsum(0);
/// assert_eq!(y.value(), Tensor::from([1.0, 3.0, 6.0]));
/// assert_eq!(y.vjp([1.0, 10.0, 100.0]).wrt(x), Tensor::from([111.0, 110.0, 100.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CumSum {
    /// The axis along which to sum.
    pub axis: isize,
    /// `true` to run from the end to the start.
    pub reverse: bool,
}

impl<T: Element> Op<T> for CumSum {
    const NAME: &'static str = "cumsum";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        along(x, self.axis)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        reduce::lanes(x[0], axis, |x, y| running(x, y, self.reverse, <T::Wide>::ZERO, |sum, x| sum + x))
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(CumSum { axis: self.axis, reverse: !self.reverse }, &[dy])
    }
}

/// `y[i] = step(y[i - 1], x[i])` from `start`, or from the other end.
///
/// The state is a number of the wide format, so that in single precision each element is rounded once, instead of once more with
/// each step.
pub(crate) fn running<T: Element>(
    x: &[T],
    y: &mut [T],
    reverse: bool,
    start: T::Wide,
    step: impl Fn(T::Wide, T::Wide) -> T::Wide,
) {
    let mut state = start;
    let advance = |(y, &x): (&mut T, &T)| {
        state = step(state, x.widen());
        *y = T::narrow(state);
    };
    let pairs = y.iter_mut().zip(x);
    if reverse { pairs.rev().for_each(advance) } else { pairs.for_each(advance) }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ xⱼ over j ≤ i along an axis",
    derivative: "1 for j ≤ i",
    domain: "all",
    convention: "",
    numpy: "cumsum",
    torch: "cumsum",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axis) in lanes("cumsum") {
        for reverse in [false, true] {
            to.case(CumSum { axis, reverse }, &[&shape]);
        }
    }
}
