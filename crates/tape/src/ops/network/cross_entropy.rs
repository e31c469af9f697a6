//! Cross-entropy of logits: a primitive, because the composition keeps the logarithms of all probabilities.

use super::log_softmax::LogSoftmax;
use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::probabilities::Remainder;
use crate::ops::common::samples::{Cases, lanes};
use crate::ops::reduce::sum::restore;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, kernel, reduce};

/// `-Σ q ln softmax(x)` along one axis: the cross-entropy of the class weights `q` and the logits `x`.
///
/// The rest of a loss (class labels, class weights, smoothing, the mean) is in
/// `nn::functional::cross_entropy`.
///
/// # Shapes
/// `x` and `q` of one shape; the result has it without the axis.
///
/// # Math
/// With `p = softmax(x)`: `dy = Σ (p Σ q - q) dx - Σ ln p dq`. Where a probability is above 1/2, its slope is
/// minus the sum of the others: that of an almost certain class keeps its digits.
///
/// # Domain
/// All real numbers, ±1000 included. A class of weight 0 contributes nothing, even if its probability is 0,
/// and neither does a row of such classes, whatever its logits.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[0.0, 0.0], [1000.0, -1000.0]]);
/// let q = tape.constant([[1.0, 0.0], [0.0, 1.0]]);
/// let y = x.cross_entropy(q, -1);
/// assert_eq!(y.value(), Tensor::from([2f64.ln(), 2000.0]));
/// assert_eq!(y.sum().backward().wrt(x), Tensor::from([[-0.5, 0.5], [1.0, -1.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropy {
    /// The axis of the classes.
    pub axis: isize,
}

impl CrossEntropy {
    /// The derivative with respect to operand `k`, before the sum over the classes.
    fn slope<T: Element, A: Array<T>>(&self, k: usize, x: &[&A]) -> A {
        match k {
            0 => -A::apply(Remainder { axes: Axes::from(self.axis) }, &[&x[0].softmax(self.axis), x[1]]),
            _ => -x[0].log_softmax(self.axis),
        }
    }
}

impl<T: Element> Op<T> for CrossEntropy {
    const NAME: &'static str = "cross_entropy";
    const ARITY: Arity = Arity::Exactly(2, "two operands: x, q");

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let axis = x[0].axis(self.axis)?;
        if x[0] != x[1] {
            return Err(Error::shape(x[0].dims(), x[1].dims()));
        }
        Ok(x[0].reduced(&[axis], false))
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let logs = Tensor::apply(LogSoftmax { axis: self.axis }, &[x[0]]);
        let term = |log: T, q: T| if q == T::ZERO { T::ZERO } else { -(q * log) };
        reduce::sum(&kernel::zip(x[0].shape(), &logs, x[1], term), &[axis])
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        dx.clone().chain_rule(self.slope(k, x)).sum_axes(self.axis, false)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        let axis = error::expect(shape.axis(self.axis));
        restore(dy, &shape, &[axis]).chain_rule(self.slope(k, x))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "-Σ q ln softmax(x) along an axis",
    derivative: "softmax(x) Σ q - q; -ln softmax(x)",
    domain: "all",
    convention: "",
    numpy: "",
    torch: "nn.functional.cross_entropy",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axis) in lanes("cross_entropy") {
        to.case(CrossEntropy { axis }, &[&shape, &shape]);
    }
}
