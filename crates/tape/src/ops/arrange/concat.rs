//! Concatenation along an axis.

use crate::error::{self, Error};
use crate::ops::Slice;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Each, Op};
use crate::shape::{Shape, extent};
use crate::tensor::Tensor;

/// The concatenation of the operands along an existing axis.
///
/// # Shapes
/// One operand or more, equal in every axis but `axis`, whose extents add up.
///
/// # Math
/// Linear; each operand's cotangent is its slice of the result's cotangent.
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
    /// The axis of concatenation.
    pub axis: isize,
}

impl Concat {
    /// The slice of the result that belongs to each operand.
    fn parts<T: Element, A: Array<T>>(&self, x: &[&A]) -> impl Iterator<Item = Slice> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let mut stop = 0;
        x.iter().map(move |x| {
            let start = stop;
            stop += x.shape()[axis] as isize;
            Slice::new(axis as isize, start..stop, 1)
        })
    }

    fn part<T: Element, A: Array<T>>(&self, k: usize, x: &[&A]) -> Slice {
        match self.parts(x).nth(k) {
            Some(part) => part,
            None => unreachable!("a part for each operand"),
        }
    }
}

impl<T: Element> Op<T> for Concat {
    const NAME: &'static str = "concat";
    const ARITY: Arity = Arity::AtLeastOne;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let Some((first, rest)) = x.split_first() else {
            return Err(Error::Operands { op: "concat", expected: "one operand or more", found: 0 });
        };
        let axis = first.axis(self.axis)?;
        let mut shape = (*first).clone();
        for other in rest {
            let mut expected = (*first).clone();
            if other.rank() == first.rank() {
                expected.set(axis, other[axis]);
            }
            if expected != **other {
                return Err(Error::shape(first.dims(), other.dims()));
            }
            let (n, more) = (shape[axis], other[axis]);
            shape.set(axis, extent(n.checked_add(more), || format!("{n} and {more} more"))?);
        }
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axis = error::expect(shape.axis(self.axis));
        let inner: usize = shape[axis + 1..].iter().product();
        let parts: Vec<_> = x.iter().map(|x| (x.shape()[axis] * inner, x.elements())).collect();
        let outer: usize = shape[..axis].iter().product();
        Tensor::build(shape.clone(), |mut out| {
            for row in 0..outer {
                for (length, part) in &parts {
                    let (head, tail) = out.split_at_mut(*length);
                    head.copy_from_slice(&part[row * length..][..*length]);
                    out = tail;
                }
            }
        })
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        A::apply(crate::ops::SliceAdjoint { slice: self.part(k, x), shape: y.shape() }, &[dx])
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(self.part(k, x), &[dy])
    }

    /// One concatenation: a sum over the operands would be one of as many tensors of the full size.
    fn jvp_all<A: Array<T>>(&self, x: &[&A], _y: &A, dx: &[Option<&A>]) -> Option<A> {
        Some(concatenated(*self, x, dx))
    }

    /// In one pass over the operands.
    fn vjp_each<A: Array<T>>(&self, x: &[&A], _y: &A, dy: &A, want: &[bool]) -> Each<A> {
        self.parts(x).zip(want).map(|(part, &wanted)| wanted.then(|| A::apply(part, &[dy]))).collect()
    }
}

/// A linear operation on the tangents of all its operands, zero for operands that do not move.
pub(super) fn concatenated<T: Element, A: Array<T>, O: Op<T>>(op: O, x: &[&A], dx: &[Option<&A>]) -> A {
    let moved = |(x, dx): (&&A, &Option<&A>)| match dx {
        Some(dx) => (*dx).clone(),
        None => x.constant(Tensor::zeros(x.shape())),
    };
    let dx: Vec<A> = x.iter().zip(dx).map(moved).collect();
    A::apply(op, &dx.iter().collect::<Vec<_>>())
}

pub(crate) const DOC: OpDoc = OpDoc {
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
        other.set(error::expect(x.axis(axis)), draw.between(0, 4));
        to.case(Concat { axis }, &[&x, &other, &x]);
    }
}
