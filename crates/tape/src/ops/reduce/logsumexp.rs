//! Logarithm of a sum of exponentials: a primitive, because its composition overflows.

use super::sum::{finish, positions, restore};
use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::probabilities::{exponentials, shares, some_rows};
use crate::ops::common::samples::{Cases, reductions};
use crate::ops::network::softmax::Shares;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Cotangents, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};
use smallvec::smallvec;

/// `ln Σ eˣ` over a set of axes, with the maximum subtracted first so that nothing overflows.
///
/// # Shapes
/// As [`Sum`](crate::ops::Sum). Over no elements, or over elements that are all -∞, it is -∞ (`ln 0`) with
/// derivative 0. If one is +∞, it is +∞, with the whole derivative at that element; several share it equally.
///
/// # Math
/// `y = m + ln Σ e^(x - m)` with `m = max x`; `dy = Σ e^(x - y) dx`, where the weights are the softmax of
/// `x`.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1000.0, 1000.0]);
/// let y = x.logsumexp();
/// assert!((y.value() - (1000.0 + 2f64.ln())).abs() < 1e-12);
/// assert_eq!(y.backward().wrt(x), Tensor::from([0.5, 0.5]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogSumExp {
    /// The axes to reduce.
    pub axes: Axes,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

impl LogSumExp {
    /// The share of each element in its sum; 0 where the sum is empty.
    fn weights<T: Element, A: Array<T>>(&self, x: &A) -> A {
        A::apply(Shares { axes: self.axes.clone() }, &[x])
    }
}

impl<T: Element> Op<T> for LogSumExp {
    const NAME: &'static str = "logsumexp";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        super::sum::reduced(x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        let y = reduce::fold_blocks([x[0]], &axes, |[x], length, out| match length {
            0 => out.fill(T::NEG_INFINITY),
            _ => {
                let block = some_rows(length);
                let mut scratch = Tensor::scratch(block.min(x.len()));
                let scratch = scratch.as_mut_slice();
                let blocks = x.chunks(block).zip(out.chunks_mut(block / length));
                for (x, out) in blocks {
                    exponentials(x, length, &mut scratch[..x.len()], |_, _, m, sums| {
                        out.iter_mut().zip(&*m).zip(&*sums).for_each(|((out, &m), &sum)| *out = m + sum.ln());
                    });
                }
            }
        });
        finish(y, shape)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        dx.clone().chain_rule(self.weights(x[0])).sum_axes(self.axes.clone(), self.keepdim)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let axes = positions(&x[0].shape(), &self.axes);
        restore(dy, &x[0].shape(), &axes).chain_rule(self.weights(x[0]))
    }

    /// The shares times the cotangents of their rows, in one pass.
    fn vjp_all(&self, x: &[&Tensor<T>], _y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let axes = positions(x[0].shape(), &self.axes);
        let dy = &*dy.elements();
        let dx = || {
            reduce::row_blocks_from([x[0]], &axes, |[x], first, length, dx| {
                shares(x, length, dx, |row| dy[first + row])
            })
        };
        smallvec![want[0].then(dx)]
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln Σ exp(x) over axes",
    derivative: "exp(x - y)",
    domain: "all",
    convention: "-inf with derivative 0 where every x is -inf; +inf takes all",
    numpy: "scipy.special.logsumexp",
    torch: "logsumexp",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("logsumexp") {
        to.case(LogSumExp { axes, keepdim }, &[&shape]);
    }
}
