//! The logarithm of a positive determinant.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{numbers, positive, square};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::factor::Lu;

/// `ln det A`, over the last two axes; a primitive, because the determinant itself easily overflows.
///
/// # Shapes
/// `[.., n, n] -> [..]`; leading axes are batches.
///
/// # Math
/// `dy = Σ A⁻ᵀ dA`; the cotangent is `ȳ A⁻ᵀ`.
///
/// # Domain
/// Positive determinants; for others, see [`slogdet`](crate::ops::LogAbsDet).
///
/// # Errors
/// [`Error::Invalid`] if the determinant is 0 or negative.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[2.0, 0.0], [1.0, 4.0]]);
/// let y = a.logdet();
/// assert!((y.value().item() - 8f64.ln()).abs() < 1e-15);
/// assert_eq!(y.vjp(1.0).wrt(a), Tensor::from([[0.5, -0.125], [0.0, 0.25]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogDet;

impl<T: Element> Op<T> for LogDet {
    const NAME: &'static str = "logdet";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(square(x)?.0.into())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Result<Tensor<T>, Error> {
        let sign = super::det::each(x[0], |a, n| Lu::partial(a, n).sign_and_log().0);
        match sign.to_vec().into_iter().find(|&sign| sign <= T::ZERO) {
            Some(sign) => {
                let reason = format!("expected a positive determinant, found one of sign {sign}");
                Err(Error::invalid(reason))
            }
            None => Ok(super::det::each(x[0], |a, n| Lu::partial(a, n).sign_and_log().1)),
        }
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        (x[0].inverse().transpose() * dx.clone()).sum_axes([-1, -2], false)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        numbers(dy) * x[0].inverse().transpose()
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "ln det A",
    derivative: "Σ A⁻ᵀ dA",
    domain: "det A > 0",
    convention: "",
    numpy: "linalg.slogdet",
    torch: "logdet",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for shape in [&[1, 1][..], &[2, 2], &[4, 4], &[2, 3, 3], &[0, 0], &[0, 2, 2]] {
        to.values(LogDet, &[positive(shape)]);
    }
}
