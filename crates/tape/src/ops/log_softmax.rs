//! Logarithm of the softmax: a primitive, because the logarithm of a tiny probability loses its digits.

use super::softmax::along;
use crate::algebra::Element;
use crate::error::{self, Error};
use crate::op::{Array, Op};
use crate::ops::Arrays;
use crate::ops::card::{Card, Cases, lanes};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// `x - ln Σ eˣ` along one axis.
///
/// # Shapes
/// `x` of rank 1 or more; the result has its shape.
///
/// # Math
/// `y = x - m - ln Σ e^(x - m)` with `m = max x`; `dy = dx - Σ eʸ dx`, and the cotangent of `x` is `ȳ - eʸ Σ ȳ`.
///
/// # Domain
/// Every number, ±1000 included.
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
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        along("log_softmax", x, self.axis)
    }

    fn eval(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis("log_softmax", self.axis));
        reduce::lanes(x[0], axis, |x, y| {
            let (m, sum) = super::logsumexp::scaled_sum(x);
            let ln = sum.ln();
            for (y, &x) in y.iter_mut().zip(x) {
                *y = (x - m) - ln;
            }
        })
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        let weighted = y.clone().map(super::Exp) * dx.clone();
        dx.clone() - weighted.sum_axes(self.axis, true)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dy: &A) -> A {
        dy.clone() - y.clone().map(super::Exp) * dy.sum_axes(self.axis, true)
    }
}

pub(crate) const CARD: Card = Card {
    formula: "x - ln Σ exp(x) along an axis",
    derivative: "δᵢⱼ - exp(yⱼ)",
    domain: "all",
    convention: "",
    numpy: "scipy.special.log_softmax",
    torch: "log_softmax",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axis) in lanes("log_softmax") {
        to.case(LogSoftmax { axis }, &[&shape]);
    }
}
