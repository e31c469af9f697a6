//! Logarithm of the softmax: a primitive, because the logarithm of a tiny probability loses its digits.

use super::softmax::along;
use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::probabilities::{Deviation, Remainder, exponentials};
use crate::ops::common::samples::{Cases, lanes};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};

/// `x - ln Σ eˣ` along one axis.
///
/// # Shapes
/// `x` of rank 1 or more; the result has its shape.
///
/// # Math
/// `y = x - m - ln Σ e^(x - m)` with `m = max x`; `dy = dx - Σ eʸ dx`, and the cotangent of `x` is `ȳ - eʸ Σ ȳ`.
/// Where one probability `eʸ` is above 1/2, its cotangent is computed as minus the sum of the others, which
/// keeps its digits.
///
/// # Domain
/// All real numbers, ±1000 included. -∞ marks a masked element, as in [`Softmax`](crate::ops::Softmax); if
/// all are masked, the row is -∞ with derivative 0. An element at +∞ takes all; several share it equally.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1000.0, 1000.0]);
/// let y = x.log_softmax(0);
/// assert!((y.value().get([0]).unwrap() + 2f64.ln()).abs() < 1e-12);
/// assert_eq!(y.vjp([1.0, 0.0]).wrt(x), Tensor::from([0.5, -0.5]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogSoftmax {
    /// The axis along which the exponentials sum to 1.
    pub axis: isize,
}

impl<T: Element> Op<T> for LogSoftmax {
    const NAME: &'static str = "log_softmax";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        along(x, self.axis)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        reduce::row_blocks([x[0]], &[axis], |[x], length, y| {
            exponentials(x, length, y, |x, y, m, sums| {
                sums.iter_mut().for_each(|sum| *sum = log_of_sum(*sum));
                let rows = x.chunks_exact(length).zip(y.chunks_exact_mut(length));
                for (((x, y), &m), &ln) in rows.zip(&*m).zip(&*sums) {
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = log_share(x, m, ln));
                }
            });
        })
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        A::apply(Deviation { axes: Axes::from(self.axis) }, &[&y.clone().map(crate::ops::Exp), dx])
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dy: &A) -> A {
        A::apply(Remainder { axes: Axes::from(self.axis) }, &[&y.clone().map(crate::ops::Exp), dy])
    }
}

/// The logarithm of the sum of a row's exponentials; 0 where there are none.
pub(super) fn log_of_sum<T: Element>(sum: T) -> T {
    if sum == T::ZERO { T::ZERO } else { sum.ln() }
}

/// The logarithm of the share of `x` in a row with the largest element `m`.
#[inline(always)]
pub(super) fn log_share<T: Element>(x: T, m: T, ln: T) -> T {
    // The difference of equal infinities is undefined.
    (if x == m { T::ZERO } else { x - m }) - ln
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x - ln Σ exp(x) along an axis",
    derivative: "δᵢⱼ - exp(yⱼ)",
    domain: "all",
    convention: "a row of -inf has derivative 0; +inf takes all",
    numpy: "scipy.special.log_softmax",
    torch: "log_softmax",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axis) in lanes("log_softmax") {
        to.case(LogSoftmax { axis }, &[&shape]);
    }
}
