//! The cross product of vectors in three dimensions.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// `a × b` of vectors with three coordinates along one axis.
///
/// # Shapes
/// Both operands and the result have the same shape, with 3 elements along `axis`.
///
/// # Math
/// `d(a × b) = da × b + a × db`; the cotangents are `b × ȳ` and `ȳ × a`.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (a, b) = (tape.var([1.0, 2.0, 3.0]), tape.var([4.0, 5.0, 6.0]));
/// let y = a.cross(b, 0);
/// assert_eq!(y.value(), Tensor::from([-3.0, 6.0, -3.0]));
/// assert_eq!(y.vjp([1.0, 0.0, 0.0]).wrt(a), Tensor::from([0.0, 6.0, -5.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cross {
    /// The axis of the coordinates, counted from the end if negative.
    pub axis: isize,
}

impl<T: Element> Op<T> for Cross {
    const NAME: &'static str = "cross";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if x[0] != x[1] {
            return Err(Error::shape(x[0].dims(), x[1].dims()));
        }
        if x[0][x[0].axis(self.axis)?] != 3 {
            return Err(Error::rank("three coordinates", x[0].dims()));
        }
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let (a, b) = (&*x[0].elements(), &*x[1].elements());
        let inner: usize = x[0].shape()[axis + 1..].iter().product();
        Tensor::build(shape.clone(), |out| {
            for (i, out) in out.iter_mut().enumerate() {
                let (coordinate, first) = (i / inner % 3, i / (3 * inner) * 3 * inner + i % inner);
                let [p, q] = [1, 2].map(|step| first + (coordinate + step) % 3 * inner);
                *out = a[p] * b[q] - a[q] * b[p];
            }
        })
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        match k {
            0 => x[1].cross(dy, self.axis),
            _ => dy.cross(x[0], self.axis),
        }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "a × b",
    derivative: "da × b + a × db",
    domain: "all",
    convention: "",
    numpy: "cross",
    torch: "linalg.cross",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [(&[usize], isize); 5] =
        [(&[3], 0), (&[2, 3], -1), (&[3, 4], 0), (&[2, 3, 2], 1), (&[0, 3], 1)];
    for (shape, axis) in shapes {
        to.case(Cross { axis }, &[shape, shape]);
    }
}
