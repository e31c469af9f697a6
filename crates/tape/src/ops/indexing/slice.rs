//! A range of one axis, and its adjoint.

use crate::error::{self, Error};
use crate::index::Positions;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::ops::Bound;

/// Elements `start`, `start + step`, ... below `stop` of one axis. Free: a view of the same buffer.
///
/// # Shapes
/// Axis `axis` gets the number of elements taken, possibly 0; the others are unchanged.
///
/// # Math
/// Linear; the cotangent is surrounded by zeros ([`SliceAdjoint`]).
///
/// # Panics
/// If the axis does not exist, a bound is out of range, or the step is 0.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 3.0, 4.0, 5.0]);
/// assert_eq!(x.slice(0, 1..3).value(), Tensor::from([2.0, 3.0]));
/// let y = x.slice_step(0, .., 2);
/// assert_eq!(y.value(), Tensor::from([1.0, 3.0, 5.0]));
/// assert_eq!(y.vjp([6.0, 7.0, 8.0]).wrt(x), Tensor::from([6.0, 0.0, 7.0, 0.0, 8.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// The axis, counted from the end if negative.
    pub axis: isize,
    /// The first element, counted from the end if negative.
    pub start: isize,
    /// One past the last, counted from the end if negative; `None` for the end.
    pub stop: Option<isize>,
    /// The distance between the elements taken, at least 1.
    pub step: usize,
}

/// A slice of a known shape.
struct Taken {
    axis: usize,
    start: usize,
    count: usize,
}

impl Slice {
    /// The elements in `range`, `step` apart.
    pub fn new(axis: isize, range: impl Positions, step: usize) -> Slice {
        let (start, stop) = range.bounds();
        let start = match start {
            Bound::Included(start) => start,
            // Nothing comes after the last element.
            Bound::Excluded(-1) => return Slice { axis, start: 0, stop: Some(0), step },
            Bound::Excluded(start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let stop = match stop {
            Bound::Included(-1) | Bound::Unbounded => None,
            Bound::Included(stop) => Some(stop.saturating_add(1)),
            Bound::Excluded(stop) => Some(stop),
        };
        Slice { axis, start, stop, step }
    }

    fn taken(&self, x: &Shape) -> Result<Taken, Error> {
        let axis = x.axis(self.axis)?;
        let extent = x[axis] as isize;
        let bound = |index: isize| {
            let position = if index < 0 { index + extent } else { index };
            let outside = Error::Index { op: error::UNNAMED, index, axis, shape: x.dims() };
            if (0..=extent).contains(&position) { Ok(position as usize) } else { Err(outside) }
        };
        if self.step == 0 {
            return Err(Error::invalid("expected a step of 1 or more, found 0"));
        }
        let (start, stop) = (bound(self.start)?, self.stop.map_or(Ok(x[axis]), bound)?);
        Ok(Taken { axis, start, count: stop.saturating_sub(start).div_ceil(self.step) })
    }
}

impl<T: Element> Op<T> for Slice {
    const NAME: &'static str = "slice";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let taken = self.taken(x[0])?;
        let mut shape = x[0].clone();
        shape.set(taken.axis, taken.count);
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let Taken { axis, start, count } = error::expect(self.taken(x[0].shape()));
        x[0].sliced(axis, start, count, self.step as isize)
    }

    fn free(&self) -> bool {
        true
    }

    fn sources(&self, x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        let Taken { axis, start, count } = error::expect(self.taken(x));
        let (extent, inner) = (x[axis], x[axis + 1..].iter().product::<usize>());
        for outer in 0..x[..axis].iter().product() {
            let first = outer * extent + start;
            match self.step {
                1 => run(first * inner, count * inner),
                step => (0..count).for_each(|i| run((first + i * step) * inner, inner)),
            }
        }
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(SliceAdjoint { slice: *self, shape: x[0].shape() }, &[dy])
    }
}

/// Zeros of a shape, with the operand at the positions of a slice: the adjoint of [`Slice`].
///
/// # Shapes
/// The operand has the shape of the slice; the result has `shape`.
///
/// # Math
/// Linear; the cotangent is sliced.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceAdjoint {
    /// The positions of the elements.
    pub slice: Slice,
    /// The shape of the result.
    pub shape: Shape,
}

impl<T: Element> Op<T> for SliceAdjoint {
    const NAME: &'static str = "place";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        self.shape.elements::<T>()?;
        let expected = Op::<T>::shape(&self.slice, &[&self.shape])?;
        if expected != *x[0] {
            return Err(Error::shape(expected.dims(), x[0].dims()));
        }
        Ok(self.shape.clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let Taken { axis, start, count } = error::expect(self.slice.taken(shape));
        let mut out = Tensor::zeros(shape);
        let inner: usize = shape[axis + 1..].iter().product();
        let extent = shape[axis];
        let out_rows = out.as_mut_slice();
        for (i, row) in x[0].elements().chunks_exact(inner.max(1)).enumerate() {
            let at = (i / count * extent + start + i % count * self.slice.step) * inner;
            out_rows[at..at + inner].copy_from_slice(row);
        }
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(self.slice, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "a range of one axis",
    derivative: "zeros around it",
    domain: "all",
    convention: "",
    numpy: "x[a:b:s]",
    torch: "x[a:b:s]",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let slices: [(&[usize], Slice); 6] = [
        (&[5], Slice::new(0, 1..4, 1)),
        (&[3, 5], Slice::new(1, .., 2)),
        (&[3, 5], Slice::new(-2, -2.., 1)),
        (&[2, 7, 2], Slice::new(1, 1..6, 3)),
        (&[4, 2], Slice::new(0, 2..2, 1)),
        (&[0, 2], Slice::new(1, ..1, 1)),
    ];
    let drawn = draws("slice").map(|mut draw| {
        let x = draw.shape(1, 3);
        let axis = draw.axis(&x);
        let extent = x[error::expect(x.axis(axis))];
        let start = draw.between(0, extent);
        let stop = draw.between(start, extent);
        (x, Slice::new(axis, start as isize..stop as isize, draw.between(1, 3)))
    });
    for (shape, slice) in slices.map(|(x, slice)| (Shape::from(x), slice)).into_iter().chain(drawn) {
        let taken = error::expect(Op::<f64>::shape(&slice, &[&shape]));
        to.case(slice, &[&shape]);
        to.case(SliceAdjoint { slice, shape }, &[&taken]);
    }
}
