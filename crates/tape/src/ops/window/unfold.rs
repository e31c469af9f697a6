//! Windows along an axis, and the adjoint.

use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, draws};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// All windows of `size` elements along an axis, `step` apart. Free: a view of the same buffer.
///
/// # Shapes
/// Axis `axis` of extent `n` gets one entry for each window, `⌊(n - size) / step⌋ + 1` in all; a new last
/// axis of extent `size` runs inside the windows.
///
/// # Math
/// `yᵢⱼ = xₖ` with `k = i · step + j`. Linear; the cotangents add up where windows overlap ([`Fold`]).
///
/// # Panics
/// If the axis does not exist or is shorter than a window, or the step is 0.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 3.0, 4.0]);
/// let y = x.unfold(0, 2, 1);
/// assert_eq!(y.value(), Tensor::from([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]));
/// assert_eq!(y.vjp(Tensor::ones([3, 2])).wrt(x), Tensor::from([1.0, 2.0, 2.0, 1.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unfold {
    /// The axis, counted from the end if negative.
    pub axis: isize,
    /// The number of elements in a window.
    pub size: usize,
    /// The distance between the windows, at least 1.
    pub step: usize,
}

impl Unfold {
    /// The axis and the number of windows.
    fn windows(&self, x: &Shape) -> Result<(usize, usize), Error> {
        let axis = x.axis(self.axis)?;
        if self.step == 0 {
            return Err(Error::invalid("expected a step of 1 or more, found 0"));
        }
        match x[axis].checked_sub(self.size) {
            Some(rest) => Ok((axis, rest / self.step + 1)),
            None => {
                let reason = format!("a window of {} does not fit axis {axis} of shape {x:?}", self.size);
                Err(Error::invalid(reason))
            }
        }
    }
}

impl<T: Element> Op<T> for Unfold {
    const NAME: &'static str = "unfold";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let (axis, count) = self.windows(x[0])?;
        let mut shape: Shape = x[0].iter().copied().chain([self.size]).collect();
        shape.set(axis, count);
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let (axis, count) = error::expect(self.windows(x[0].shape()));
        x[0].windows(axis, count, self.size, self.step)
    }

    fn free(&self) -> bool {
        true
    }

    fn sources(&self, x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        let (axis, count) = error::expect(self.windows(x));
        let (extent, inner) = (x[axis], x[axis + 1..].iter().product::<usize>());
        for i in 0..x[..axis].iter().product::<usize>() * count * inner {
            let (outer, i, lane) = (i / inner / count, i / inner % count, i % inner);
            let first = (outer * extent + i * self.step) * inner + lane;
            (0..self.size).for_each(|k| run(first + k * inner, 1));
        }
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(Fold { unfold: *self, shape: x[0].shape() }, &[dy])
    }
}

/// Windows overlaid and added: the adjoint of [`Unfold`].
///
/// # Shapes
/// The operand has the shape of the windows; the result has `shape`.
///
/// # Math
/// Linear; the windows of the cotangent are taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// The axis, size and step of the windows.
    pub unfold: Unfold,
    /// The shape of the result.
    pub shape: Shape,
}

impl<T: Element> Op<T> for Fold {
    const NAME: &'static str = "fold";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        self.shape.elements::<T>()?;
        let expected = Op::<T>::shape(&self.unfold, &[&self.shape])?;
        if expected != *x[0] {
            return Err(Error::shape(expected.dims(), x[0].dims()));
        }
        Ok(self.shape.clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let (axis, count) = error::expect(self.unfold.windows(shape));
        let (extent, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        let source = x[0].elements();
        let mut out = Tensor::zeros(shape);
        let places = out.as_mut_slice();
        for (i, window) in source.chunks_exact(self.unfold.size.max(1)).enumerate() {
            let (outer, i, lane) = (i / inner / count, i / inner % count, i % inner);
            let start = (outer * extent + i * self.unfold.step) * inner + lane;
            for (place, &x) in places[start..].iter_mut().step_by(inner).zip(window) {
                *place += x;
            }
        }
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(self.unfold, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "windows along an axis",
    derivative: "the sum where windows overlap",
    domain: "an axis that holds a window",
    convention: "",
    numpy: "lib.stride_tricks.sliding_window_view",
    torch: "unfold",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let windows: [(&[usize], isize, usize, usize); 9] = [
        (&[7], 0, 3, 2),
        (&[2, 6], 1, 4, 1),
        (&[5, 2, 3], 0, 2, 1),
        (&[2, 5, 2], -2, 2, 3),
        (&[4], 0, 1, 1),
        (&[4], 0, 4, 1),
        (&[3], 0, 0, 2),
        (&[1, 1], 0, 1, 5),
        (&[0, 3], 1, 2, 1),
    ];
    let drawn = draws("unfold").map(|mut draw| {
        let x = draw.shape(1, 3);
        let axis = draw.axis(&x);
        let size = draw.between(0, x[error::expect(x.axis(axis))]);
        (x, axis, size, draw.between(1, 3))
    });
    let fixed = windows.into_iter().map(|(x, axis, size, step)| (Shape::from(x), axis, size, step));
    for (shape, axis, size, step) in fixed.chain(drawn) {
        let unfold = Unfold { axis, size, step };
        let taken = error::expect(Op::<f64>::shape(&unfold, &[&shape]));
        to.case(unfold, &[&shape]);
        to.case(Fold { unfold, shape }, &[&taken]);
    }
}
