//! Cross-entropy of logits: a primitive, because the composition keeps the logarithms of all probabilities.

use super::log_softmax::{log_of_sum, log_share};
use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::probabilities::{Remainder, exponentials, remain, shares, some_rows};
use crate::ops::common::samples::{Cases, lanes};
use crate::ops::reduce::sum::restore;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Cotangents, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};
use smallvec::smallvec;

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
        reduce::fold_blocks([x[0], x[1]], &[axis], |[x, q], length, out| {
            if length == 0 {
                return out.fill(T::ZERO);
            }
            let block = some_rows(length);
            let mut scratch = Tensor::scratch(block.min(x.len()));
            let scratch = scratch.as_mut_slice();
            let blocks = x.chunks(block).zip(q.chunks(block)).zip(out.chunks_mut(block / length));
            for ((x, q), out) in blocks {
                exponentials(x, length, &mut scratch[..x.len()], |x, _, m, sums| {
                    let rows = x.chunks_exact(length).zip(q.chunks_exact(length));
                    for (((x, q), out), (&m, &sum)) in rows.zip(&mut *out).zip(m.iter().zip(&*sums)) {
                        *out = cross_entropy(x, q, m, log_of_sum(sum));
                    }
                });
            }
        })
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        dx.clone().chain_rule(self.slope(k, x)).sum_axes(self.axis, false)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        let axis = error::expect(shape.axis(self.axis));
        restore(dy, &shape, &[axis]).chain_rule(self.slope(k, x))
    }

    /// The cotangent of the logits row by row, without the intermediate tensors.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let dq = want[1].then(|| self.vjp(1, x, y, &dy));
        let dy = &*dy.elements();
        let logits = || {
            reduce::row_blocks_from([x[0], x[1]], &[axis], |[x, q], first, length, dx| {
                let block = some_rows(length);
                let blocks = x.chunks(block).zip(q.chunks(block)).zip(dx.chunks_mut(block));
                for (i, ((x, q), dx)) in blocks.enumerate() {
                    shares(x, length, dx, |_| T::ONE);
                    let rows = dx.chunks_exact_mut(length).zip(q.chunks_exact(length));
                    for ((dx, q), &dy) in rows.zip(&dy[first + i * (block / length)..]) {
                        pull(dx, q, dy);
                    }
                }
            })
        };
        smallvec![want[0].then(logits), dq]
    }
}

/// `-Σ q ln p` of a row of logits with the largest element `m` and the logarithm `ln` of the sum of exponentials.
fn cross_entropy<T: Element>(x: &[T], q: &[T], m: T, ln: T) -> T {
    reduce::sum_pairs(x, q, |x, q| if q == T::ZERO { T::ZERO } else { -(q * log_share(x, m, ln)) })
}

/// Replaces the probabilities of a row by the cotangents of its logits.
fn pull<T: Element>(p: &mut [T], q: &[T], dy: T) {
    if dy == T::ZERO || p.iter().all(|&p| p == T::ZERO) {
        return p.fill(T::ZERO);
    }
    remain(p, q);
    p.iter_mut().for_each(|p| *p = dy * -*p);
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
