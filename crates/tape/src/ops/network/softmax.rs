//! Softmax along one axis: a primitive, because its composition overflows and makes three passes.

use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::probabilities::{Absorb, Deviation, shares};
use crate::ops::common::samples::{Cases, lanes};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};

/// `eˣ / Σ eˣ` along one axis.
///
/// # Shapes
/// `x` of rank 1 or more; the result has its shape, and sums to 1 along `axis`.
///
/// # Math
/// `y = e^(x - m) / Σ e^(x - m)` with `m = max x`; `dy = y (dx - Σ y dx)`, and the cotangent of `x` is `y (ȳ - Σ y ȳ)`,
/// computed with the differences to `ȳ` at the largest `y`: where one probability is almost 1, the others
/// decide.
///
/// # Domain
/// All real numbers, ±1000 included. -∞ marks a masked element, whatever its cotangent; if all are masked,
/// the row is zero, with derivative 0. An element at +∞ takes all; several share it equally.
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

/// The shape rule of operations along one axis that keep the shape.
pub(crate) fn along(x: &[&Shape], axis: isize) -> Result<Shape, Error> {
    x[0].axis(axis)?;
    Ok(x[0].clone())
}

impl<T: Element> Op<T> for Softmax {
    const NAME: &'static str = "softmax";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        along(x, self.axis)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        reduce::row_blocks([x[0]], &[axis], |[x], length, y| shares(x, length, y, |_| T::ONE))
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        center(y, dx, Axes::from(self.axis))
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dy: &A) -> A {
        center(y, dy, Axes::from(self.axis))
    }
}

/// `y (d - Σ y d)`: the Jacobian is symmetric, so forward and reverse agree.
fn center<T: Element, A: Array<T>>(y: &A, d: &A, axes: Axes) -> A {
    y.clone().zip(A::apply(Deviation { axes }, &[y, d]), Absorb)
}

/// [`Softmax`] over several axes together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shares {
    pub(crate) axes: Axes,
}

impl<T: Element> Op<T> for Shares {
    const NAME: &'static str = "shares";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        x[0].axes(&self.axes)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axes = error::expect(x[0].shape().axes(&self.axes));
        reduce::row_blocks([x[0]], &axes, |[x], length, y| shares(x, length, y, |_| T::ONE))
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        center(y, dx, self.axes.clone())
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, dy: &A) -> A {
        center(y, dy, self.axes.clone())
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "exp(x) / Σ exp(x) along an axis",
    derivative: "yᵢ (δᵢⱼ - yⱼ)",
    domain: "all",
    convention: "a row of -inf is a zero row; +inf takes all",
    numpy: "scipy.special.softmax",
    torch: "softmax",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axis) in lanes("softmax") {
        to.case(Softmax { axis }, &[&shape]);
    }
}
