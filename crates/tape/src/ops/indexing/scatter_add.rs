//! Elements added along an axis, each at its own index.

use super::gather::indices;
use crate::error::{self, Error};
use crate::index::Index;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::{Gather, Pad, PadMode, Slice};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op, positions_as_branches};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// The first operand, with the elements of the second added at the indexed positions along `axis`. A position
/// indexed several times gets the sum.
///
/// # Shapes
/// The index has as many axes as `x` and, except for `axis`, no larger extents. `src` has at least the
/// extents of the index; elements beyond them are unused and get the cotangent 0. The result has the shape of
/// `x`.
///
/// # Math
/// `yᵢ,ₖ += srcᵢⱼ` with `k = indexᵢⱼ`, for a matrix and axis 1. Linear; the cotangent of `x` is that of the
/// result, the cotangent of `src` is gathered from it ([`Gather`]).
///
/// # Panics
/// If the axis does not exist, an index is out of range, or the shapes do not match.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (x, src) = (tape.var([1.0, 2.0, 3.0]), tape.var([10.0, 20.0, 30.0]));
/// let y = x.scatter_add(src, 0, [0, 2, 2]);
/// assert_eq!(y.value(), Tensor::from([11.0, 2.0, 53.0]));
/// let grads = y.vjp([1.0, 10.0, 100.0]);
/// assert_eq!(grads.wrt(x), Tensor::from([1.0, 10.0, 100.0]));
/// assert_eq!(grads.wrt(src), Tensor::from([1.0, 100.0, 100.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterAdd {
    /// The axis, counted from the end if negative.
    pub axis: isize,
    /// Positions along the axis.
    pub index: Index,
}

/// The shape rule of both kinds of scattering.
pub(crate) fn scattered(axis: isize, index: &Index, x: &[&Shape]) -> Result<Shape, Error> {
    index.along(axis, x[0])?;
    let covers = x[1].rank() == x[0].rank() && x[1].iter().zip(index.shape().iter()).all(|(a, b)| a >= b);
    match covers {
        true => Ok(x[0].clone()),
        false => Err(Error::shape(index.shape().dims(), x[1].dims())),
    }
}

/// The corner of `src` covered by the index.
pub(crate) fn covered<T: Element, A: Array<T>>(src: &A, index: &Index) -> A {
    let corner = index.shape().iter().enumerate();
    corner.filter(|&(axis, &n)| src.shape()[axis] != n).fold(src.clone(), |src, (axis, &n)| {
        A::apply(Slice { axis: axis as isize, start: 0, stop: Some(n as isize), step: 1 }, &[&src])
    })
}

/// The adjoint of [`covered`]: zeros beyond the corner.
pub(crate) fn uncovered<T: Element, A: Array<T>>(d: A, src: &Shape) -> A {
    let found = d.shape();
    if found == *src {
        return d;
    }
    let widths = src.iter().zip(found.iter()).map(|(whole, corner)| (0, whole - corner)).collect();
    A::apply(Pad { widths, mode: PadMode::Constant(0.0) }, &[&d])
}

impl<T: Element> Op<T> for ScatterAdd {
    const NAME: &'static str = "scatter_add";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        scattered(self.axis, &self.index, x)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axis = error::expect(x[0].shape().axis(self.axis));
        let src = covered(x[1], &self.index);
        let src = &*src.elements();
        let mut out = x[0].clone();
        let positions = self.index.positions(axis, x[0].shape());
        reduce::add_rows(out.as_mut_slice(), src, 1, |i| positions[i]);
        out
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        match k {
            0 => dx.clone(),
            _ => A::apply(self.clone(), &[&dx.constant(Tensor::zeros(x[0].shape())), dx]),
        }
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        match k {
            0 => dy.clone(),
            _ => {
                let gathered = A::apply(Gather { axis: self.axis, index: self.index.clone() }, &[dy]);
                uncovered(gathered, &x[1].shape())
            }
        }
    }

    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        positions_as_branches(self.index.as_slice(), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x with srcᵢⱼ added at i, k = indexᵢⱼ, along an axis",
    derivative: "1; gathered",
    domain: "all",
    convention: "a position named twice gets the sum",
    numpy: "add.at",
    torch: "scatter_add",
};

/// Operands for both kinds of scattering: sources of the shape of the index, and larger ones.
pub(crate) fn scatterings() -> impl Iterator<Item = (Shape, isize, Index, Vec<usize>)> {
    indices().flat_map(|(x, axis, index)| {
        let exact = index.shape().dims();
        let larger = exact.iter().enumerate().map(|(axis, n)| n + (axis + 1) % 2).collect();
        [(x.clone(), axis, index.clone(), exact), (x, axis, index, larger)]
    })
}

pub(crate) fn cases(to: &mut impl Cases) {
    for (x, axis, index, src) in scatterings() {
        to.case(ScatterAdd { axis, index }, &[&x, &src]);
    }
}
