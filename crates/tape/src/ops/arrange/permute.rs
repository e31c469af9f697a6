//! Permutation of the axes.

use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::Tensor;
use smallvec::SmallVec;

/// Axis `i` of the result is axis `order[i]` of the operand. Free: a view of the same buffer.
///
/// # Shapes
/// `order` contains every axis of `x` once, counting from the end if negative.
///
/// # Math
/// Linear; the cotangent is permuted by the inverse.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// let y = x.permute([1, 0]);
/// assert_eq!(y.value(), Tensor::from([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]));
/// let grads = y.vjp([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// assert_eq!(grads.wrt(x), Tensor::from([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Permute {
    /// For each axis of the result, the axis of the operand it comes from.
    pub order: Axes,
}

impl Permute {
    fn positions(&self, x: &Shape) -> Result<SmallVec<[usize; 4]>, Error> {
        let order = x.order(&self.order)?;
        let all = order.len() == x.rank();
        let wrong = Error::rank("every axis named once", x.dims());
        if all { Ok(order) } else { Err(wrong) }
    }

    fn inverse(&self, x: &Shape) -> Permute {
        let order = error::expect(self.positions(x));
        let mut inverse = vec![0isize; order.len()];
        for (i, &axis) in order.iter().enumerate() {
            inverse[axis] = i as isize;
        }
        Permute { order: Axes::from(&inverse[..]) }
    }
}

impl<T: Element> Op<T> for Permute {
    const NAME: &'static str = "permute";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(self.positions(x[0])?.into_iter().map(|axis| x[0][axis]).collect())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        x[0].permuted(&error::expect(self.positions(x[0].shape())))
    }

    fn free(&self) -> bool {
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(self.inverse(&x[0].shape()), &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "axes in another order",
    derivative: "the inverse order",
    domain: "all",
    convention: "",
    numpy: "transpose",
    torch: "permute",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let orders: [(&[usize], &[isize]); 5] = [
        (&[2, 3], &[1, 0]),
        (&[2, 3, 4], &[2, 0, 1]),
        (&[2, 3, 4], &[-1, 0, 1]),
        (&[2, 0, 3], &[1, 2, 0]),
        (&[], &[]),
    ];
    let drawn = draws("permute").map(|mut draw| {
        let x = draw.shape(1, 4);
        let mut order: Vec<isize> = (0..x.rank() as isize).collect();
        for i in (1..x.rank()).rev() {
            order.swap(i, draw.between(0, i));
        }
        (x, Axes::from(&order[..]))
    });
    for (x, order) in orders.map(|(x, order)| (Shape::from(x), Axes::from(order))).into_iter().chain(drawn) {
        to.case(Permute { order }, &[&x]);
    }
}
