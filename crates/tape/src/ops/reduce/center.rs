//! Differences from the mean: a primitive, because with a rounded mean a constant row would not give zeros.

use super::sum::positions;
use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, kernel, reduce};

/// `x` minus its mean over a set of axes.
///
/// # Shapes
/// `x` of any shape; the result has its shape.
///
/// # Math
/// `y = x - mean x`. A linear projection that is its own adjoint: tangents and cotangents are centered too. It is
/// computed from the differences to the first element, so a constant row gives exact zeros.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 6.0]);
/// let y = x.center(0);
/// assert_eq!(y.value(), Tensor::from([-2.0, -1.0, 3.0]));
/// assert_eq!(y.vjp([0.0, 0.0, 3.0]).wrt(x), Tensor::from([-1.0, -1.0, 2.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Center {
    /// The axes over which the mean is taken.
    pub axes: Axes,
}

impl<T: Element> Op<T> for Center {
    const NAME: &'static str = "center";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        x[0].axes(&self.axes)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        deviations(x[0], &positions(x[0].shape(), &self.axes))
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(self.clone(), &[dy])
    }
}

/// The differences from the mean over `axes`.
pub(crate) fn deviations<T: Element>(x: &Tensor<T>, axes: &[usize]) -> Tensor<T> {
    let count: usize = axes.iter().map(|&axis| x.shape()[axis]).product();
    if x.size() == 0 {
        return x.clone();
    }
    let plain = plain_deviations(x, axes, count);
    if reduce::all_finite(&plain) {
        return plain;
    }
    // The differences or their sum overflowed. Those of sufficiently scaled-down numbers do not.
    let scale = T::from_usize(4 * count);
    let scaled = plain_deviations(&x.map_elements(|x| x / scale), axes, count);
    kernel::zip(
        x.shape(),
        &plain,
        &scaled,
        |plain, scaled| if plain.is_finite() { plain } else { scaled * scale },
    )
}

fn plain_deviations<T: Element>(x: &Tensor<T>, axes: &[usize], count: usize) -> Tensor<T> {
    let first = axes.iter().fold(x.clone(), |x, &axis| x.sliced(axis, 0, 1, 1));
    let from_first = kernel::zip(x.shape(), x, &first, |x, first| x - first);
    let n = T::from_usize(count);
    let mean =
        reduce::sum(&from_first, axes).map_elements(|sum| sum / n).reshaped(x.shape().reduced(axes, true));
    kernel::zip(x.shape(), &from_first, &mean, |d, mean| d - mean)
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "x - Σ x / n over axes",
    derivative: "δᵢⱼ - 1 / n",
    domain: "all",
    convention: "",
    numpy: "x - mean(x)",
    torch: "x - x.mean()",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, _) in reductions("center").filter(|(.., keepdim)| *keepdim) {
        to.case(Center { axes }, &[&shape]);
    }
}
