//! Tensors one after another along an axis.

use super::Slice;
use crate::algebra::Element;
use crate::error::{self, Error};
use crate::op::{Array, Op};
use crate::ops::card::{Card, Cases, draws};
use crate::shape::{Shape, extent};
use crate::tensor::Tensor;

/// The operands one after another along an existing axis.
///
/// # Shapes
/// One operand or more, equal in every axis but `axis`, whose extents add up.
///
/// # Math
/// Linear; each operand's cotangent is its slice of the result's.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[1.0], [2.0]]);
/// let b = tape.var([[3.0, 4.0], [5.0, 6.0]]);
/// let y = tape.concat(&[a, b], 1);
/// assert_eq!(y.value(), Tensor::from([[1.0, 3.0, 4.0], [2.0, 5.0, 6.0]]));
/// let grads = y.vjp([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!(grads.wrt(a), Tensor::from([[1.0], [4.0]]));
/// assert_eq!(grads.wrt(b), Tensor::from([[2.0, 3.0], [5.0, 6.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concat {
    /// The axis along which the operands follow each other.
    pub axis: isize,
}

impl Concat {
    /// Where operand `k` begins.
    fn offset<T: Element, A: Array<T>>(&self, k: usize, x: &[&A]) -> (usize, usize) {
        let axis = error::expect(x[0].shape().axis("concat", self.axis));
        (axis, x[..k].iter().map(|x| x.shape()[axis]).sum())
    }
}

impl<T: Element> Op<T> for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let Some((first, rest)) = x.split_first() else {
            return Err(Error::Operands { op: "concat", expected: "one operand or more", found: 0 });
        };
        let axis = first.axis("concat", self.axis)?;
        let mut shape = (*first).clone();
        for other in rest {
            let mut expected = (*first).clone();
            if other.rank() == first.rank() {
                expected.set(axis, other[axis]);
            }
            if expected != **other {
                return Err(Error::Shape { op: "concat", expected: first.dims(), found: other.dims() });
            }
            let (n, more) = (shape[axis], other[axis]);
            shape.set(axis, extent("concat", n.checked_add(more), || format!("{n} and {more} more"))?);
        }
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        let shapes: Vec<&Shape> = x.iter().map(|x| x.shape()).collect();
        let shape = error::expect(Op::<T>::shape(self, &shapes));
        let axis = error::expect(shape.axis("concat", self.axis));
        let inner: usize = shape[axis + 1..].iter().product();
        let parts: Vec<Tensor<T>> = x.iter().map(|x| x.contiguous()).collect();
        let outer: usize = shape[..axis].iter().product();
        Tensor::build(shape, |mut out| {
            for row in 0..outer {
                for part in &parts {
                    let length = part.shape()[axis] * inner;
                    let (head, tail) = out.split_at_mut(length);
                    head.copy_from_slice(&part.as_slice().unwrap_or_default()[row * length..][..length]);
                    out = tail;
                }
            }
        })
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let (axis, start) = self.offset(k, x);
        let stop = start + x[k].shape()[axis];
        let slice = Slice::new(axis as isize, start as isize..stop as isize, 1);
        A::apply(super::Place { slice, shape: y.shape() }, &[dx])
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let (axis, start) = self.offset(k, x);
        let stop = start + x[k].shape()[axis];
        A::apply(Slice::new(axis as isize, start as isize..stop as isize, 1), &[dy])
    }
}

pub(crate) const CARD: Card = Card {
    formula: "operands one after another",
    derivative: "each operand's slice",
    domain: "all",
    convention: "",
    numpy: "concatenate",
    torch: "cat",
};

pub(crate) fn cases(to: &mut impl Cases) {
    to.case(Concat { axis: 0 }, &[&[2], &[3]]);
    to.case(Concat { axis: 1 }, &[&[2, 1], &[2, 3], &[2, 2]]);
    to.case(Concat { axis: -2 }, &[&[2, 2, 3], &[2, 1, 3]]);
    to.case(Concat { axis: 0 }, &[&[0, 2], &[3, 2]]);
    to.case(Concat { axis: 0 }, &[&[4]]);
    for mut draw in draws("concat") {
        let x = draw.shape(1, 4);
        let axis = draw.axis(&x);
        let mut other = x.clone();
        other.set(error::expect(x.axis("concat", axis)), draw.between(0, 4));
        to.case(Concat { axis }, &[&x, &other, &x]);
    }
}
