//! Softmax along one axis: a primitive, because its composition overflows and makes three passes.

use crate::algebra::Element;
use crate::error::{self, Error};
use crate::op::{Array, Op, operands};
use crate::ops::Arrays;
use crate::ops::card::{Card, Cases, lanes};
use crate::shape::Shape;
use crate::simd::{self, Kernel};
use crate::tensor::{Tensor, reduce};

/// `eˣ / Σ eˣ` along one axis.
///
/// # Shapes
/// `x` of rank 1 or more; the result has its shape, and sums to 1 along `axis`.
///
/// # Math
/// `y = e^(x - m) / Σ e^(x - m)` with `m = max x`; `dy = y (dx - Σ y dx)`, and the cotangent of `x` is
/// `y (ȳ - Σ y ȳ)`.
///
/// # Domain
/// Every number, ±1000 included. -∞ marks an element that is left out; if all are left out the row is zero,
/// with derivative 0.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([0.0, 0.0, f64::NEG_INFINITY]);
/// let y = x.softmax(-1);
/// assert_eq!(y.value(), Tensor::from([0.5, 0.5, 0.0]));
/// assert_eq!(y.vjp([1.0, 0.0, 0.0]).wrt(x), Tensor::from([0.25, -0.25, 0.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// The axis that sums to 1.
    pub axis: isize,
}

/// `y = e^(x - m)`: each is computed once, and many side by side.
struct Exponentials<'a, T> {
    x: &'a [T],
    m: T,
    y: &'a mut [T],
}

impl<T: Element> Kernel for Exponentials<'_, T> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = (x - self.m).exp();
        }
    }
}

/// The shape rule of what works along one axis and keeps the shape.
pub(crate) fn along(op: &'static str, x: &[&Shape], axis: isize) -> Result<Shape, Error> {
    operands(op, x, 1, "one operand")?;
    x[0].axis(op, axis)?;
    Ok(x[0].clone())
}

impl<T: Element> Op<T> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        along("softmax", x, self.axis)
    }

    fn eval(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis("softmax", self.axis));
        reduce::lanes(x[0], axis, |x, y| {
            simd::run(x.len(), Exponentials { x, m: super::logsumexp::shift(x), y });
            let sum = reduce::sum_slice(y);
            if sum != T::ZERO {
                y.iter_mut().for_each(|y| *y /= sum);
            }
        })
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        self.center(y, dx)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dy: &A) -> A {
        self.center(y, dy)
    }
}

impl Softmax {
    /// `y (d - Σ y d)`: the Jacobian is symmetric, so forward and reverse agree.
    fn center<T: Element, A: Array<T>>(&self, y: &A, d: &A) -> A {
        let mean = (y.clone() * d.clone()).sum_axes(self.axis, true);
        y.clone() * (d.clone() - mean)
    }
}

pub(crate) const CARD: Card = Card {
    formula: "exp(x) / Σ exp(x) along an axis",
    derivative: "yᵢ (δᵢⱼ - yⱼ)",
    domain: "all",
    convention: "a row of -inf is a zero row",
    numpy: "scipy.special.softmax",
    torch: "softmax",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axis) in lanes("softmax") {
        to.case(Softmax { axis }, &[&shape]);
    }
}
