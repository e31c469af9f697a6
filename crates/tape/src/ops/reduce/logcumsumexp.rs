//! Running logarithm of a sum of exponentials: a primitive, because its composition overflows.

use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, lanes};
use crate::ops::network::softmax::along;
use crate::ops::{Exp, LinearScan, LogAddExp};
use crate::rules::algebra::{Binary, Element};
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// `ln Σ eˣ` of each element and all elements before it, along one axis.
///
/// # Shapes
/// `x` of rank 1 or more; the result has its shape.
///
/// # Math
/// `yᵢ = ln Σ e^(xⱼ)` over `j ≤ i`, or over `j ≥ i` if `reverse`, and `dyᵢ = Σ e^(xⱼ - yᵢ) dxⱼ`. Both sweeps are the recurrence
/// [`LinearScan`](crate::ops::LinearScan) with the factors `e^(yᵢ₋₁ - yᵢ)`, which are at most 1.
///
/// # Domain
/// All real numbers; -∞ with derivative 0 as long as every element is -∞.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1000.0, 1000.0]);
/// let y = x.logcumsumexp(0);
/// assert_eq!(y.value().to_vec(), [1000.0, 1000.0 + 2f64.ln()]);
/// assert!((y.vjp([1.0, 10.0]).wrt(x) - Tensor::from([6.0, 5.0])).norm(1.0) < 1e-9);
///
/// let none = f64::NEG_INFINITY;
/// let x = tape.var([none, none, 0.5, none]);
/// let y = x.logcumsumexp(0);
/// assert_eq!(y.value().to_vec(), [none, none, 0.5, 0.5]);
/// assert_eq!(y.vjp([1.0; 4]).wrt(x).to_vec(), [0.0, 0.0, 2.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogCumSumExp {
    /// The axis along which to sum.
    pub axis: isize,
    /// `true` to run from the end to the start.
    pub reverse: bool,
}

impl LogCumSumExp {
    fn scan(&self) -> LinearScan {
        LinearScan { axis: self.axis, reverse: self.reverse }
    }

    /// `e^(a - b)`, and 0 where `a` is -∞.
    fn ratio<T: Element, A: Array<T>>(a: &A, b: &A) -> A {
        let (zero, none) = (a.lift(0.0), a.lift(f64::NEG_INFINITY));
        a.clone().if_eq(none, zero, (a.clone() - b.clone()).map(Exp))
    }

    /// The share of each element in its sum.
    fn shares<T: Element, A: Array<T>>(x: &A, y: &A) -> A {
        LogCumSumExp::ratio(x, y)
    }

    /// How much of each sum is the one before it.
    fn decay<T: Element, A: Array<T>>(&self, y: &A) -> A {
        LogCumSumExp::ratio(&self.scan().before(y, f64::NEG_INFINITY), y)
    }
}

impl<T: Element> Op<T> for LogCumSumExp {
    const NAME: &'static str = "logcumsumexp";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        along(x, self.axis)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        reduce::lanes(x[0], axis, |x, y| {
            let mut sum = T::NEG_INFINITY;
            let advance = |(y, &x): (&mut T, &T)| {
                sum = LogAddExp.eval(sum, x);
                *y = sum;
            };
            let pairs = y.iter_mut().zip(x);
            if self.reverse { pairs.rev().for_each(advance) } else { pairs.for_each(advance) }
        })
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let own = dx.clone().chain_rule(LogCumSumExp::shares(x[0], y));
        A::apply(self.scan(), &[&self.decay(y), &own])
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let back = LinearScan { axis: self.axis, reverse: !self.reverse };
        let sums = A::apply(back, &[&back.before(&self.decay(y), 0.0), dy]);
        sums.chain_rule(LogCumSumExp::shares(x[0], y))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln Σ exp(xⱼ) over j ≤ i along an axis",
    derivative: "exp(xⱼ - yᵢ) for j ≤ i",
    domain: "all",
    convention: "-inf with derivative 0 as long as every x is -inf",
    numpy: "logaddexp.accumulate",
    torch: "logcumsumexp",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axis) in lanes("logcumsumexp") {
        for reverse in [false, true] {
            to.case(LogCumSumExp { axis, reverse }, &[&shape]);
        }
    }
}
