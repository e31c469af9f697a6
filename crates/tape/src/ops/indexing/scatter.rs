//! Elements written along an axis, each at its own index.

use super::scatter_add::{covered, scattered, scatterings, uncovered};
use crate::error::{self, Error};
use crate::index::Index;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::{Gather, Select};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op, positions_as_branches};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The first operand, with the elements of the second written at the indexed positions along `axis`. A
/// position indexed several times keeps the last write, in row-major order of the index.
///
/// # Shapes
/// As [`ScatterAdd`](crate::ops::ScatterAdd).
///
/// # Math
/// `yᵢ,ₖ = srcᵢⱼ` with `k = indexᵢⱼ`, for a matrix and axis 1; elsewhere `y = x`. Linear; overwritten
/// elements of `x` or `src` get the cotangent 0.
///
/// # Panics
/// If the axis does not exist, an index is out of range, or the shapes do not match.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (x, src) = (tape.var([1.0, 2.0, 3.0]), tape.var([10.0, 20.0, 30.0]));
/// let y = x.scatter(src, 0, [0, 2, 2]);
/// assert_eq!(y.value(), Tensor::from([10.0, 2.0, 30.0]));
/// let grads = y.vjp([1.0, 10.0, 100.0]);
/// assert_eq!(grads.wrt(x), Tensor::from([0.0, 10.0, 0.0]));
/// assert_eq!(grads.wrt(src), Tensor::from([1.0, 0.0, 100.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// The axis, counted from the end if negative.
    pub axis: isize,
    /// Positions along the axis.
    pub index: Index,
}

impl Scatter {
    /// 1 for each write that remains, 0 for those overwritten by a later one; `None` if all remain.
    fn last<T: Element>(&self, x: &Shape) -> Option<Tensor<T>> {
        let axis = error::expect(x.axis(self.axis));
        let positions = self.index.positions(axis, x);
        let mut writer = vec![None; x.size()];
        for (i, &at) in positions.iter().enumerate() {
            writer[at] = Some(i);
        }
        let stays = |i: usize| writer[positions[i]] == Some(i);
        if (0..positions.len()).all(stays) {
            return None;
        }
        Some(Tensor::build(self.index.shape().clone(), |out| {
            for (i, out) in out.iter_mut().enumerate() {
                *out = if stays(i) { T::ONE } else { T::ZERO };
            }
        }))
    }
}

impl<T: Element> Op<T> for Scatter {
    const NAME: &'static str = "scatter";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        scattered(self.axis, &self.index, x)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let src = covered(x[1], &self.index);
        let src = &*src.elements();
        let mut out = x[0].clone();
        let places = out.as_mut_slice();
        for (at, &src) in self.index.positions(axis, x[0].shape()).into_iter().zip(src) {
            places[at] = src;
        }
        out
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        let zeros = dx.constant(Tensor::zeros(x[1 - k].shape()));
        A::apply(self.clone(), &if k == 0 { [dx, &zeros] } else { [&zeros, dx] })
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        if k == 0 {
            let zeros = dy.constant(Tensor::zeros(x[1].shape()));
            return A::apply(self.clone(), &[dy, &zeros]);
        }
        let gathered = A::apply(Gather { axis: self.axis, index: self.index.clone() }, &[dy]);
        let kept = match self.last::<T>(&x[0].shape()) {
            Some(mask) => A::apply(Select { mask }, &[&gathered, &gathered.lift(0.0)]),
            None => gathered,
        };
        uncovered(kept, &x[1].shape())
    }

    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        positions_as_branches(self.index.as_slice(), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x with srcᵢⱼ written at i, k = indexᵢⱼ, along an axis",
    derivative: "0 where overwritten; gathered",
    domain: "all",
    convention: "of several writes the last stays and gets the derivative",
    numpy: "put_along_axis",
    torch: "scatter",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (x, axis, index, src) in scatterings() {
        to.case(Scatter { axis, index }, &[&x, &src]);
    }
}
