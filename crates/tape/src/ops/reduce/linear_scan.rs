//! Linear recurrence along one axis: a primitive, because a chain of elements would record one node each.

use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, lanes};
use crate::ops::{Concat, Slice};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// `yᵢ = aᵢ yᵢ₋₁ + bᵢ` along one axis, from `y₋₁ = 0`: running means, filters, linear state spaces.
///
/// # Shapes
/// `a` and `b` of equal shape and rank 1 or more; the result has their shape.
///
/// # Math
/// `dyᵢ = aᵢ dyᵢ₋₁ + daᵢ yᵢ₋₁ + dbᵢ`, again a recurrence. The cotangent `λ` of `b` is the recurrence `λᵢ = ȳᵢ + aᵢ₊₁ λᵢ₊₁`
/// from the other end, and that of `aᵢ` is `λᵢ yᵢ₋₁`. If `reverse`, the recurrence runs from the end of the
/// axis. The first `a` has no effect.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (a, b) = (tape.var([0.5, 0.5, 0.5]), tape.var([8.0, 0.0, 1.0]));
/// let y = a.linear_scan(b, 0, false);
/// assert_eq!(y.value(), Tensor::from([8.0, 4.0, 3.0]));
/// let grads = y.vjp([0.0, 0.0, 1.0]);
/// assert_eq!(grads.wrt(b), Tensor::from([0.25, 0.5, 1.0]));
/// assert_eq!(grads.wrt(a), Tensor::from([0.0, 4.0, 4.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearScan {
    /// The axis along which it runs.
    pub axis: isize,
    /// `true` to run from the end to the start.
    pub reverse: bool,
}

impl<T: Element> Op<T> for LinearScan {
    const NAME: &'static str = "recurrence";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if x[0] != x[1] {
            return Err(Error::shape(x[0].dims(), x[1].dims()));
        }
        x[0].axis(self.axis)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let mut order: Vec<usize> = (0..x[0].rank()).collect();
        order.swap(axis, x[0].rank() - 1);
        let (a, b) = (x[0].permuted(&order), x[1].permuted(&order));
        let lanes = x[0].shape()[axis].max(1);
        let out = Tensor::build(a.shape().clone(), |y| {
            let (a, b) = (a.elements(), b.elements());
            for ((y, a), b) in y.chunks_mut(lanes).zip(a.chunks(lanes)).zip(b.chunks(lanes)) {
                lane(y, a, b, self.reverse);
            }
        });
        out.permuted(&order)
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        match k {
            0 => A::apply(*self, &[x[0], &dx.clone().chain_rule(self.before(y, 0.0))]),
            _ => A::apply(*self, &[x[0], dx]),
        }
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let back = LinearScan { axis: self.axis, reverse: !self.reverse };
        let adjoint = A::apply(back, &[&back.before(x[0], 0.0), dy]);
        match k {
            0 => adjoint.chain_rule(self.before(y, 0.0)),
            _ => adjoint,
        }
    }
}

/// The state is a number of the wide format, so that in single precision its rounding does not accumulate along the lane.
fn lane<T: Element>(y: &mut [T], a: &[T], b: &[T], reverse: bool) {
    // The first coefficient multiplies nothing, even if it is infinite.
    let mut last = None;
    let advance = |((y, a), b): ((&mut T, &T), &T)| {
        let (a, b) = (a.widen(), b.widen());
        let state = last.map_or(b, |last| a * last + b);
        *y = T::narrow(state);
        last = Some(state);
    };
    let steps = y.iter_mut().zip(a).zip(b);
    if reverse { steps.rev().for_each(advance) } else { steps.for_each(advance) }
}

impl LinearScan {
    /// `xᵢ₋₁` at `i` in the direction of this recurrence, and `first` where it begins.
    pub(crate) fn before<T: Element, A: Array<T>>(&self, x: &A, first: f64) -> A {
        let mut shape = x.shape();
        let axis = error::expect(shape.axis(self.axis));
        if shape[axis] == 0 {
            return x.clone();
        }
        let last = shape[axis] as isize - 1;
        shape.set(axis, 1);
        let first = x.constant(Tensor::full(shape, T::from_f64(first)));
        let axis = axis as isize;
        let range = if self.reverse { Slice::new(axis, 1.., 1) } else { Slice::new(axis, ..last, 1) };
        let rest = A::apply(range, &[x]);
        let parts = if self.reverse { [&rest, &first] } else { [&first, &rest] };
        A::apply(Concat { axis }, &parts)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "yᵢ = aᵢ yᵢ₋₁ + bᵢ along an axis",
    derivative: "by the same recurrence, and backwards",
    domain: "all",
    convention: "",
    numpy: "",
    torch: "",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axis) in lanes("recurrence") {
        for reverse in [false, true] {
            to.case(LinearScan { axis, reverse }, &[&shape, &shape]);
        }
    }
}
