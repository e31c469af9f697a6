//! Choice between two tensors by a mask.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op, hits};
use crate::shape::Shape;
use crate::tensor::{Tensor, kernel};

/// The first operand where the mask is not 0, the second where it is.
///
/// The mask is a plain tensor and is not differentiated; comparisons return one
/// ([`Tensor::gt`](crate::Tensor::gt) and its relatives).
///
/// # Shapes
/// Mask and operands broadcast.
///
/// # Math
/// `y = a` where the mask is not 0, else `b`; `dy` likewise from `da` and `db`.
///
/// # Domain
/// All real numbers. The operand that is not taken gets a cotangent of exactly 0, which stays 0 whatever
/// slope it meets further back: a branch that is infinite or NaN where it is not taken does not spoil the
/// gradient.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor, Var};
/// let tape = Tape::new();
/// let x = tape.var([16.0, 0.0]);
/// let y = Var::select(&x.gt(0.0), x.sqrt(), x * 0.5);
/// assert_eq!(y.value(), Tensor::from([4.0, 0.0]));
/// assert_eq!(y.sum().backward().wrt(x), Tensor::from([0.125, 0.5]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Select<M: Element = f64> {
    /// Not 0 to take the first operand; 0 for the second.
    pub mask: Tensor<M>,
}

impl<T: Element, M: Element> Op<T> for Select<M> {
    const NAME: &'static str = "select";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Shape::broadcast(self.mask.shape(), &Shape::broadcast(x[0], x[1])?)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let mask = Tensor::build(self.mask.shape().clone(), |out| {
            for (out, &m) in out.iter_mut().zip(&*self.mask.elements()) {
                *out = if m == M::ZERO { T::ZERO } else { T::ONE };
            }
        });
        // Masks and their derivatives have a scalar on one side; these loops are the fast ones.
        match (x[0].size(), x[1].size()) {
            (_, 1) => {
                let otherwise = x[1].to_vec()[0];
                kernel::zip(shape, &mask, x[0], move |m, x| if m > T::ZERO { x } else { otherwise })
            }
            (1, _) => {
                let then = x[0].to_vec()[0];
                kernel::zip(shape, &mask, x[1], move |m, x| if m > T::ZERO { then } else { x })
            }
            _ => {
                kernel::select(shape, [&mask, &Tensor::scalar(T::ZERO), x[0], x[1]], |mask, zero| mask > zero)
            }
        }
    }

    fn jvp<A: Array<T>>(&self, k: usize, _x: &[&A], y: &A, dx: &A) -> A {
        self.keep(k, &dx.broadcast_to(y.shape()))
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        self.keep(k, dy).sum_to(x[k].shape())
    }

    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        hits(&self.mask, report);
    }
}

impl<M: Element> Select<M> {
    /// `d` where operand `k` was taken, 0 elsewhere.
    fn keep<T: Element, A: Array<T>>(&self, k: usize, d: &A) -> A {
        let zero = d.lift(0.0);
        let branches = if k == 0 { [d, &zero] } else { [&zero, d] };
        A::apply(self.clone(), &branches)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "a where mask else b",
    derivative: "1 where taken, else 0",
    domain: "all",
    convention: "",
    numpy: "where",
    torch: "where",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [[&[usize]; 3]; 5] = [
        [&[4], &[4], &[4]],
        [&[2, 1], &[3], &[2, 3]],
        [&[3], &[2, 3], &[]],
        [&[], &[2], &[2]],
        [&[0, 2], &[2], &[0, 2]],
    ];
    for [mask, a, b] in shapes {
        let mask = Tensor::from_fn(mask, |i| if i.iter().sum::<usize>() % 2 == 0 { 1.0 } else { 0.0 });
        to.case(Select::<f64> { mask }, &[a, b]);
    }
}
