//! Sign and logarithm of the determinant.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{numbers, sample, square};
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::factor::Lu;

/// `ln |det A|`, over the last two axes; together with [`DetSign`] the method `slogdet`.
///
/// # Shapes
/// `[.., n, n] -> [..]`; leading axes are batches.
///
/// # Math
/// `dy = Σ A⁻ᵀ dA`; the cotangent is `ȳ A⁻ᵀ`.
///
/// # Domain
/// The value is -inf for a singular matrix. The derivative does not exist there: a sweep that reaches it is
/// an error ([`Scalar::try_backward`](crate::Scalar::try_backward) returns it).
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[-2.0, 0.0], [1.0, 4.0]]);
/// let (sign, log) = a.slogdet();
/// assert_eq!(sign.value(), Tensor::scalar(-1.0));
/// assert!((log.value().item() - 8f64.ln()).abs() < 1e-15);
/// assert_eq!(log.vjp(1.0).wrt(a), Tensor::from([[-0.5, 0.125], [0.0, 0.25]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogAbsDet;

impl<T: Element> Op<T> for LogAbsDet {
    const NAME: &'static str = "log_abs_det";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(square(x).map_err(|error| error.named("slogdet"))?.0.into())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        super::det::each(x[0], |a, n| Lu::partial(a, n).sign_and_log().1)
    }

    fn check_derivative(&self, _x: &[&Tensor<T>], y: &Tensor<T>) -> Result<(), Error> {
        match y.to_vec().contains(&(-T::INFINITY)) {
            false => Ok(()),
            true => {
                let reason = "the derivative does not exist where the matrix is singular".to_string();
                Err(Error::invalid(reason).named("slogdet"))
            }
        }
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        (x[0].inverse().transpose() * dx.clone()).sum_axes([-1, -2], false)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        numbers(dy) * x[0].inverse().transpose()
    }
}

/// The sign of the determinant: 1, -1, or 0 where the matrix is singular.
///
/// # Shapes
/// `[.., n, n] -> [..]`.
///
/// # Math
/// Its derivative is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetSign;

impl<T: Element> Op<T> for DetSign {
    const NAME: &'static str = "det_sign";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(square(x).map_err(|error| error.named("slogdet"))?.0.into())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        super::det::each(x[0], |a, n| Lu::partial(a, n).sign_and_log().0)
    }

    fn differentiable(&self, _k: usize) -> bool {
        false
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], y: &A, _dx: &A) -> A {
        y.lift(0.0).broadcast_to(y.shape())
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, _dy: &A) -> A {
        x[0].lift(0.0).broadcast_to(x[0].shape())
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "sign(det A), ln |det A|",
    derivative: "0, Σ A⁻ᵀ dA",
    domain: "det A ≠ 0",
    convention: "",
    numpy: "linalg.slogdet",
    torch: "linalg.slogdet",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for shape in [&[1, 1][..], &[2, 2], &[4, 4], &[2, 3, 3], &[0, 0], &[0, 2, 2]] {
        to.values(LogAbsDet, &[sample(shape)]);
        to.values(DetSign, &[sample(shape)]);
    }
}
