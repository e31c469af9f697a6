//! Running product along one axis: a primitive, because through logarithms or quotients zeros would be lost.

use super::cumsum::running;
use crate::element::Real;
use crate::error::{self, Error};
use crate::ops::LinearScan;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, lanes};
use crate::ops::network::softmax::along;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// The product of each element and all elements before it, along one axis.
///
/// # Shapes
/// `x` of rank 1 or more; the result has its shape.
///
/// # Math
/// `yᵢ = Π xⱼ` over `j ≤ i`, or over `j ≥ i` if `reverse`. `dyᵢ = xᵢ dyᵢ₋₁ + yᵢ₋₁ dxᵢ`, a
/// [`LinearScan`](crate::ops::LinearScan); the cotangent of `xᵢ` is `λᵢ yᵢ₋₁` with the recurrence `λᵢ = ȳᵢ + xᵢ₊₁ λᵢ₊₁`.
/// There is no division.
///
/// # Domain
/// All real numbers, with any number of zeros.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([2.0, 0.0, 3.0, 4.0]);
/// let y = x.cumprod(0);
/// assert_eq!(y.value(), Tensor::from([2.0, 0.0, 0.0, 0.0]));
/// assert_eq!(y.sum().backward().wrt(x), Tensor::from([1.0, 32.0, 0.0, 0.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CumProd {
    /// The axis along which to multiply.
    pub axis: isize,
    /// `true` to run from the end to the start.
    pub reverse: bool,
}

impl CumProd {
    fn recurrence(&self) -> LinearScan {
        LinearScan { axis: self.axis, reverse: self.reverse }
    }

    /// The product of the elements before each, 1 at the first.
    pub(crate) fn before<T: Element, A: Array<T>>(&self, y: &A) -> A {
        self.recurrence().before(y, 1.0)
    }
}

impl<T: Element> Op<T> for CumProd {
    const NAME: &'static str = "cumprod";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        along(x, self.axis)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        reduce::lanes(x[0], axis, |x, y| {
            running(x, y, self.reverse, <T::Wide>::ONE, |product, x| product * x)
        })
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        A::apply(self.recurrence(), &[x[0], &dx.clone().chain_rule(self.before(y))])
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let back = LinearScan { axis: self.axis, reverse: !self.reverse };
        A::apply(back, &[&back.before(x[0], 0.0), dy]).chain_rule(self.before(y))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Π xⱼ over j ≤ i along an axis",
    derivative: "the product of the others, j ≤ i",
    domain: "all",
    convention: "",
    numpy: "cumprod",
    torch: "cumprod",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axis) in lanes("cumprod") {
        for reverse in [false, true] {
            to.case(CumProd { axis, reverse }, &[&shape]);
        }
    }
    for reverse in [false, true] {
        to.values(CumProd { axis: 0, reverse }, &[Tensor::from([2.0, 0.0, 3.0, 4.0])]);
        to.values(CumProd { axis: 1, reverse }, &[Tensor::from([[0.0, 2.0, 0.0], [1.5, -2.0, 0.0]])]);
    }
}
