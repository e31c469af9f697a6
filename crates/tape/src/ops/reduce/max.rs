//! Maximum over axes.

use super::sum::{finish, positions, reduced, restore};
use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op, hits};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};

/// Maximum over a set of axes.
///
/// # Shapes
/// As [`Sum`](crate::ops::Sum), but the reduced axes must hold at least one element.
///
/// # Math
/// `y = max x`; `dy = dx` at the maximum.
///
/// # Domain
/// All real numbers; NaN takes precedence. Where several elements share the maximum they share the derivative equally.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 5.0, 5.0]);
/// let y = x.max();
/// assert_eq!(y.value(), 5.0);
/// assert_eq!(y.backward().wrt(x), Tensor::from([0.0, 0.5, 0.5]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Max {
    /// The axes to reduce.
    pub axes: Axes,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

impl<T: Element> Op<T> for Max {
    const NAME: &'static str = "max";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        nonempty(x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        let larger = |max: T, &x: &T| if x > max || x.is_nan() { x } else { max };
        let y = reduce::fold(x[0], &axes, |x| x.iter().fold(T::NEG_INFINITY, larger));
        finish(y, shape)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let axes = positions(&x[0].shape(), &self.axes);
        dx.clone().chain_rule(shares(x[0], y, &axes)).sum_axes(self.axes.clone(), self.keepdim)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let axes = positions(&x[0].shape(), &self.axes);
        restore(dy, &x[0].shape(), &axes).chain_rule(shares(x[0], y, &axes))
    }

    fn branches(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        let axes = positions(x[0].shape(), &self.axes);
        hits(&shares(x[0], y, &axes), report);
    }
}

/// The shape rule of a reduction that is undefined over no elements.
pub(crate) fn nonempty(x: &[&Shape], axes: &Axes, keepdim: bool) -> Result<Shape, Error> {
    let shape = reduced(x, axes, keepdim)?;
    let empty = shape.size() > 0 && x[0].size() == 0;
    if empty { Err(Error::empty(x[0].dims())) } else { Ok(shape) }
}

/// 1 over the number of ties where `x` equals the extreme `y`, 0 elsewhere.
pub(crate) fn shares<T: Element, A: Array<T>>(x: &A, y: &A, axes: &[usize]) -> A {
    let shape = x.shape();
    let hit = x.clone().if_eq(restore(y, &shape, axes), x.lift(1.0), x.lift(0.0));
    let axes: smallvec::SmallVec<[isize; 4]> = axes.iter().map(|&axis| axis as isize).collect();
    let ties = hit.sum_axes(&axes[..], true);
    hit / ties
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "max x over axes",
    derivative: "1 at the maximum, else 0",
    domain: "at least one element",
    convention: "ties share equally",
    numpy: "max",
    torch: "amax",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("max").filter(|(shape, ..)| !shape.contains(&0)) {
        to.case(Max { axes, keepdim }, &[&shape]);
    }
}
