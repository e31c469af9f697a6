//! Logarithm of a sum of exponentials: a primitive, because its composition overflows.

use super::sum::{finish, positions, restore};
use crate::algebra::Element;
use crate::error::Error;
use crate::op::{Array, Op};
use crate::ops::Arrays;
use crate::ops::card::{Card, Cases, reductions};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};

/// `ln Σ eˣ` over a set of axes, with the maximum taken out so that nothing overflows.
///
/// # Shapes
/// As [`Sum`](super::Sum). Over no elements, or over elements that are all -∞, it is -∞ (`ln 0`) with
/// derivative 0.
///
/// # Math
/// `y = m + ln Σ e^(x - m)` with `m = max x`; `dy = Σ e^(x - y) dx`.
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
    /// Do they stay, with extent 1?
    pub keepdim: bool,
}

/// The maximum, or 0 where that is infinite or absent.
pub(crate) fn shift<T: Element>(x: &[T]) -> T {
    let max = x.iter().fold(T::NEG_INFINITY, |max, &x| if x > max { x } else { max });
    if max.is_finite() { max } else { T::ZERO }
}

/// `m` and `Σ e^(x - m)`, with `m` the [`shift`].
pub(crate) fn scaled_sum<T: Element>(x: &[T]) -> (T, T) {
    let m = shift(x);
    (m, x.iter().fold(T::ZERO, |sum, &x| sum + (x - m).exp()))
}

/// The share of each element in its sum; 0 where the sum is empty (`y = -∞`).
///
/// `e^(x - y)` is that share up to the rounding of `y`, which a large maximum makes coarse; dividing by the sum
/// of these takes it out again.
fn weights<T: Element, A: Array<T>>(x: &A, y: &A, axes: &[usize]) -> A {
    let y = restore(y, &x.shape(), axes);
    let e = (x.clone() - y.clone()).map(super::Exp);
    let axes: smallvec::SmallVec<[isize; 4]> = axes.iter().map(|&axis| axis as isize).collect();
    let share = e.clone() / e.sum_axes(&axes[..], true);
    y.if_eq(x.lift(f64::NEG_INFINITY), x.lift(0.0), share)
}

impl<T: Element> Op<T> for LogSumExp {
    fn name(&self) -> &'static str {
        "logsumexp"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        super::sum::reduced("logsumexp", x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        let axes = positions("logsumexp", x[0].shape(), &self.axes);
        let y = reduce::fold(x[0], &axes, |x| {
            let (m, sum) = scaled_sum(x);
            m + sum.ln()
        });
        finish(y, x[0].shape(), &axes, self.keepdim)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let axes = positions("logsumexp", &x[0].shape(), &self.axes);
        dx.clone().pull(weights(x[0], y, &axes)).sum_axes(self.axes.clone(), self.keepdim)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let axes = positions("logsumexp", &x[0].shape(), &self.axes);
        restore(dy, &x[0].shape(), &axes).pull(weights(x[0], y, &axes))
    }
}

pub(crate) const CARD: Card = Card {
    formula: "ln Σ exp(x) over axes",
    derivative: "exp(x - y)",
    domain: "all",
    convention: "-inf with derivative 0 where every x is -inf",
    numpy: "scipy.special.logsumexp",
    torch: "logsumexp",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("logsumexp") {
        to.case(LogSumExp { axes, keepdim }, &[&shape]);
    }
}
