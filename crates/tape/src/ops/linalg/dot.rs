//! The inner product of vectors.

use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// `Σ a b` of two vectors; the method returns a scalar.
///
/// # Shapes
/// `[n]`, `[n] -> []`. The product of empty vectors is 0.
///
/// # Math
/// `dy = da · b + a · db`; the cotangents are `ȳ b` and `ȳ a`.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (a, b) = (tape.var([1.0, 2.0]), tape.var([3.0, 4.0]));
/// let y = a.dot(b);
/// assert_eq!(y.value(), 11.0);
/// assert_eq!(y.backward().wrt(a), Tensor::from([3.0, 4.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot;

impl<T: Element> Op<T> for Dot {
    const NAME: &'static str = "dot";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        for x in x {
            if x.rank() != 1 {
                return Err(Error::rank("a vector", x.dims()));
            }
        }
        if x[0] != x[1] {
            return Err(Error::inner_dims(x[0].dims(), x[1].dims()));
        }
        Ok(Shape::default())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let (a, b) = (&*x[0].elements(), &*x[1].elements());
        Tensor::scalar(reduce::sum_products(a, b))
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        dy.clone() * x[1 - k].clone()
    }
}

pub(crate) const DOC: OpDoc =
    OpDoc {
        formula: "Σ a b", derivative: "b; a", domain: "all", convention: "", numpy: "dot", torch: "dot"
    };

pub(crate) fn cases(to: &mut impl Cases) {
    for n in [1, 2, 5, 0] {
        to.case(Dot, &[&[n], &[n]]);
    }
}
