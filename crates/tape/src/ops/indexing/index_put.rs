//! Entries of an axis written, or added, by index.

use super::index_select::{check, selections};
use crate::error::{self, Error};
use crate::index::Index;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::{IndexSelect, Select};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op, positions_as_branches};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// The first operand, with the entries of the second written over entries of an axis, or added to them. An entry that is
/// indexed several times keeps the last write, or gets the sum.
///
/// For positions along several axes see [`index_put`](crate::Tensor::index_put).
///
/// # Shapes
/// The second operand has one entry for each index along `axis`, and the other extents of the first.
///
/// # Math
/// `yₖ = srcⱼ` with `k = indexⱼ`, elsewhere `y = x`; or `yₖ = xₖ + Σ srcⱼ`. Linear; the cotangent of `src` is selected from that of
/// the result, overwritten entries of `x` or `src` get the cotangent 0.
///
/// # Panics
/// If the axis does not exist, an index is out of range or the indices are not a plain list, or the shapes do not
/// match.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// let src = tape.var([[10.0, 20.0], [30.0, 40.0]]);
/// let y = x.index_copy(src, 0, [2, 0]);
/// assert_eq!(y.value(), Tensor::from([[30.0, 40.0], [3.0, 4.0], [10.0, 20.0]]));
/// let grads = y.vjp([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// assert_eq!(grads.wrt(x), Tensor::from([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]));
/// assert_eq!(grads.wrt(src), Tensor::from([[5.0, 6.0], [1.0, 2.0]]));
/// let y = x.index_add(src, 0, [1, 1]);
/// assert_eq!(y.value(), Tensor::from([[1.0, 2.0], [43.0, 64.0], [5.0, 6.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IndexPut {
    /// The axis, counted from the end if negative.
    pub axis: isize,
    /// The destinations of the entries: a list.
    pub index: Index,
    /// Adds the entries instead of writing them.
    pub accumulate: bool,
}

impl IndexPut {
    /// 1 for each write that remains, 0 for those overwritten by a later one, along `axis`; `None` if all remain.
    fn last<T: Element>(&self, x: &Shape) -> Option<Tensor<T>> {
        let axis = error::expect(x.axis(self.axis));
        let list = self.index.as_slice();
        let mut writer = vec![None; x[axis]];
        list.iter().enumerate().for_each(|(i, &at)| writer[at] = Some(i));
        let stays = |i: usize| writer[list[i]] == Some(i);
        if (0..list.len()).all(stays) {
            return None;
        }
        let shape = [list.len()].into_iter().chain(x[axis + 1..].iter().map(|_| 1)).collect();
        Some(Tensor::build(shape, |out| {
            for (i, out) in out.iter_mut().enumerate() {
                *out = if stays(i) { T::ONE } else { T::ZERO };
            }
        }))
    }
}

impl<T: Element> Op<T> for IndexPut {
    const NAME: &'static str = "index_put";
    const ARITY: Arity = Arity::TWO;

    fn name(&self) -> &'static str {
        if self.accumulate { "index_add" } else { "index_copy" }
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let axis = check(self.axis, &self.index, x[0])?;
        let mut expected = x[0].clone();
        expected.set(axis, self.index.as_slice().len());
        match *x[1] == expected {
            true => Ok(x[0].clone()),
            false => Err(Error::shape(expected.dims(), x[1].dims())),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axis = error::expect(shape.axis(self.axis));
        let (extent, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        let (list, src) = (self.index.as_slice(), x[1].elements());
        let mut out = x[0].clone();
        let place = |row: usize| row / list.len() * extent + list[row % list.len()];
        let entries = out.as_mut_slice();
        if self.accumulate {
            reduce::add_rows(entries, &src, inner, place);
        } else {
            for (row, src) in src.chunks_exact(inner.max(1)).enumerate() {
                entries[place(row) * inner..][..inner].copy_from_slice(src);
            }
        }
        out
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        let zeros = || dx.constant(Tensor::zeros(x[1 - k].shape()));
        match (k, self.accumulate) {
            (0, true) => dx.clone(),
            (0, false) => A::apply(self.clone(), &[dx, &zeros()]),
            _ => A::apply(self.clone(), &[&zeros(), dx]),
        }
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        if k == 0 {
            return match self.accumulate {
                true => dy.clone(),
                false => A::apply(self.clone(), &[dy, &dy.constant(Tensor::zeros(x[1].shape()))]),
            };
        }
        let selected = A::apply(IndexSelect { axis: self.axis, index: self.index.clone() }, &[dy]);
        let last = if self.accumulate { None } else { self.last::<T>(&x[0].shape()) };
        match last {
            Some(mask) => A::apply(Select { mask }, &[&selected, &selected.lift(0.0)]),
            None => selected,
        }
    }

    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        positions_as_branches(self.index.as_slice(), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x with entries of an axis written or added by a list of indices",
    derivative: "0 where overwritten, else 1; selected",
    domain: "all",
    convention: "of several writes the last stays and gets the derivative; several additions add up",
    numpy: "x[i] = src, add.at",
    torch: "index_copy, index_add",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (x, axis, index) in selections("index_put") {
        let mut src = x.clone();
        src.set(error::expect(x.axis(axis)), index.len());
        for accumulate in [false, true] {
            to.case(IndexPut { axis, index: index.clone().into(), accumulate }, &[&x, &src]);
        }
    }
}
