//! Padding.

use crate::error::Error;
use crate::index::{Index, advance};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::ops::{IndexAdd, IndexSelect, Slice};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Shape, extent};
use crate::tensor::Tensor;

/// The operand with elements added before and after it along each axis.
///
/// # Shapes
/// One pair `(before, after)` for each axis, whose extent grows by both.
///
/// # Math
/// For constants, `dy = dx` inside and 0 around; the cotangent is sliced. Mirrored, repeated and periodic elements
/// add their cotangents to those of the elements they copy.
///
/// # Panics
/// If the number of pairs is not the number of axes, or there are too few elements to mirror or repeat. Negative
/// widths are the business of [`pad_or_crop`](crate::Tensor::pad_or_crop).
///
/// # Examples
/// ```
/// use tape::{PadMode, Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 3.0]);
/// let y = x.pad([(1, 2)], PadMode::Constant(9.0));
/// assert_eq!(y.value(), Tensor::from([9.0, 1.0, 2.0, 3.0, 9.0, 9.0]));
/// assert_eq!(y.vjp(Tensor::arange(6)).wrt(x), Tensor::from([1.0, 2.0, 3.0]));
/// let y = x.pad([(1, 2)], PadMode::Reflect);
/// assert_eq!(y.value(), Tensor::from([2.0, 1.0, 2.0, 3.0, 2.0, 1.0]));
/// assert_eq!(y.vjp(Tensor::arange(6)).wrt(x), Tensor::from([6.0, 6.0, 3.0]));
/// let y = x.pad([(1, 2)], PadMode::Replicate);
/// assert_eq!(y.value(), Tensor::from([1.0, 1.0, 2.0, 3.0, 3.0, 3.0]));
/// assert_eq!(y.vjp(Tensor::arange(6)).wrt(x), Tensor::from([1.0, 2.0, 12.0]));
/// let y = x.pad([(1, 2)], PadMode::Circular);
/// assert_eq!(y.value(), Tensor::from([3.0, 1.0, 2.0, 3.0, 1.0, 2.0]));
/// assert_eq!(y.vjp(Tensor::arange(6)).wrt(x), Tensor::from([5.0, 7.0, 3.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Pad {
    /// The numbers of elements before and after, for each axis.
    pub widths: Vec<(usize, usize)>,
    /// The kind of padding.
    pub mode: PadMode,
}

/// The elements around the operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// A constant.
    Constant(f64),
    /// The operand mirrored at its first and last elements, which are not repeated.
    Reflect,
    /// The first and last elements, repeated.
    Replicate,
    /// The operand as one period of an endless sequence (`wrap` in NumPy); any number of periods.
    Circular,
}

impl Pad {
    /// The axes that grow, with the widths before and after.
    fn grown(&self) -> impl DoubleEndedIterator<Item = (usize, usize, usize)> {
        let all = self.widths.iter().enumerate();
        all.filter(|(_, width)| **width != (0, 0)).map(|(axis, &(before, after))| (axis, before, after))
    }

    /// The positions along an axis of extent `n` that are read, by every mode but the constant one.
    fn sources(&self, n: usize, before: usize, after: usize) -> Index {
        let last = n as isize - 1;
        let source = |i: isize| match self.mode {
            PadMode::Reflect if i < 0 => -i,
            PadMode::Reflect if i > last => 2 * last - i,
            PadMode::Circular => i.rem_euclid(last + 1),
            _ => i.clamp(0, last),
        };
        let places = -(before as isize)..(n + after) as isize;
        Index::from(places.map(|i| source(i) as usize).collect::<Vec<_>>())
    }

    /// The elements in the middle, surrounded by a constant.
    fn surrounded<T: Element>(&self, x: &Tensor<T>, value: T) -> Tensor<T> {
        let Some(last) = x.rank().checked_sub(1) else { return x.clone() };
        let shape: Shape =
            x.shape().iter().zip(&self.widths).map(|(n, (before, after))| n + before + after).collect();
        let (source, steps) = (x.elements(), shape.strides());
        let mut out = Tensor::full(shape, value);
        let places = out.as_mut_slice();
        let (run, mut at) = (x.shape()[last], vec![0; last]);
        for row in source.chunks_exact(run.max(1)) {
            let place =
                |axis: usize| (at.get(axis).unwrap_or(&0) + self.widths[axis].0) * steps[axis] as usize;
            let start: usize = (0..=last).map(place).sum();
            places[start..start + run].copy_from_slice(row);
            advance(&mut at, &x.shape()[..last]);
        }
        out
    }
}

impl<T: Element> Op<T> for Pad {
    const NAME: &'static str = "pad";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if self.widths.len() != x[0].rank() {
            return Err(Error::rank("two widths for each axis", x[0].dims()));
        }
        let mut shape = x[0].clone();
        for (axis, before, after) in self.grown() {
            let needed = match self.mode {
                PadMode::Constant(_) => 0,
                PadMode::Reflect => before.max(after).saturating_add(1),
                PadMode::Replicate | PadMode::Circular => 1,
            };
            if shape[axis] < needed {
                let found = shape[axis];
                let reason = format!("axis {axis} needs {needed} elements for that width, found {found}");
                return Err(Error::invalid(reason));
            }
            let (found, sum) = (shape[axis], before.checked_add(after));
            let sum = sum.and_then(|sum| sum.checked_add(found));
            let grown = extent(sum, || format!("{before} before {found} and {after} after them"))?;
            if !matches!(self.mode, PadMode::Constant(_)) {
                // The source of each element of the axis.
                Tensor::<f64>::fits("pad", &Shape::from([grown]))?;
            }
            shape.set(axis, grown);
        }
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        if let PadMode::Constant(value) = self.mode {
            return self.surrounded(x[0], T::from_f64(value));
        }
        self.grown().fold(x[0].clone(), |x, (axis, before, after)| {
            let index = self.sources(x.shape()[axis], before, after);
            Tensor::apply(IndexSelect { axis: axis as isize, index }, &[&x])
        })
    }

    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dx: &A) -> A {
        let mode = match self.mode {
            PadMode::Constant(_) => PadMode::Constant(0.0),
            mode => mode,
        };
        A::apply(Pad { widths: self.widths.clone(), mode }, &[dx])
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        self.grown().rev().fold(dy.clone(), |dy, (axis, before, after)| {
            let extent = shape[axis];
            if let PadMode::Constant(_) = self.mode {
                let inside = before as isize..(before + extent) as isize;
                return A::apply(Slice::new(axis as isize, inside, 1), &[&dy]);
            }
            let index = self.sources(extent, before, after);
            A::apply(IndexAdd { axis: axis as isize, index, extent }, &[&dy])
        })
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x with elements around it",
    derivative: "the inside, and what repeats it",
    domain: "all",
    convention: "",
    numpy: "pad",
    torch: "nn.functional.pad",
};

pub(crate) fn cases(to: &mut impl Cases) {
    type Widths = &'static [(usize, usize)];
    const PADS: [(&[usize], Widths); 8] = [
        (&[5], &[(2, 3)]),
        (&[3, 4], &[(1, 2), (3, 0)]),
        (&[2, 3, 4], &[(0, 1), (2, 1), (1, 3)]),
        (&[3], &[(0, 0)]),
        (&[1], &[(2, 1)]),
        (&[0, 2], &[(0, 0), (1, 1)]),
        (&[0, 2], &[(1, 0), (0, 1)]),
        (&[], &[]),
    ];
    let drawn = draws("pad").map(|mut draw| {
        let x = draw.shape(1, 3);
        let widths = x.iter().map(|_| (draw.between(0, 3), draw.between(0, 3))).collect();
        (x, widths)
    });
    let fixed = PADS.into_iter().map(|(x, widths)| (Shape::from(x), widths.to_vec()));
    for (x, widths) in fixed.chain(drawn) {
        for mode in [PadMode::Constant(-1.75), PadMode::Reflect, PadMode::Replicate, PadMode::Circular] {
            let pad = Pad { widths: widths.clone(), mode };
            if Op::<f64>::shape(&pad, &[&x]).is_ok() {
                to.case(pad, &[&x]);
            }
        }
    }
}
