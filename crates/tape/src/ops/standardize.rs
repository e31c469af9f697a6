//! Differences from the mean divided by their size: a primitive, because its composition makes nine passes and stores
//! seven intermediate tensors.

use super::sum::positions;
use crate::algebra::Element;
use crate::error::Error;
use crate::op::{Array, Cotangents, Op, operands};
use crate::ops::card::{Card, Cases, reductions};
use crate::ops::{Arrays, Rsqrt};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};
use smallvec::smallvec;

/// `d / √(mean d² + eps)` over a set of axes, with `d = x - mean x`, or `d = x` if it is not to be centered.
///
/// # Shapes
/// `x` of any shape; the result has its shape.
///
/// # Math
/// With `s = √(mean d² + eps)` and `c` for centering: `dy = (c(dx) - y mean(y dx)) / s`. The Jacobian is symmetric, so
/// the cotangent of `x` is the same function of `ȳ`. The mean is taken of the differences to the first element, so a
/// constant row gives exact zeros and a large mean costs no digits.
///
/// # Domain
/// All, with `eps > 0`; with `eps = 0` a row of zero size gives NaN.
///
/// # Examples
/// ```
/// use tape::ops::Standardize;
/// use tape::{Axes, Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[1.0, 3.0], [5.0, 5.0]]);
/// let y = tape.apply(Standardize { axes: Axes::from(-1), eps: 3.0, center: true }, &[x]);
/// assert_eq!(y.value(), Tensor::from([[-0.5, 0.5], [0.0, 0.0]]));
/// let slope = y.vjp([[0.0, 1.0], [0.0, 0.0]]).wrt(x);
/// assert_eq!(slope, Tensor::from([[-0.1875, 0.1875], [0.0, 0.0]]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Standardize {
    /// The axes over which means are taken.
    pub axes: Axes,
    /// What is added under the root.
    pub eps: f64,
    /// Is the mean subtracted first?
    pub center: bool,
}

impl Standardize {
    /// `x`, centered if it is to be.
    fn centered<T: Element, A: Array<T>>(&self, x: &A) -> A {
        if self.center { x.center(self.axes.clone()) } else { x.clone() }
    }

    /// `(c(d) - y mean(y d)) / s`: what both linear rules do.
    fn project<T: Element, A: Array<T>>(&self, x: &A, y: &A, d: &A) -> A {
        let mean = |a: A, b: A| (a * b).mean_axes(self.axes.clone(), true);
        let deviation = self.centered(x);
        let one_over_s = (mean(deviation.clone(), deviation) + x.lift(self.eps)).map(Rsqrt);
        (self.centered(d) - y.clone() * mean(y.clone(), d.clone())) * one_over_s
    }

    /// `d` of one row, and `1 / s`.
    fn row<T: Element>(&self, x: &[T], d: &mut [T]) -> T {
        let n = T::from_usize(x.len());
        d.copy_from_slice(x);
        if self.center {
            let first = x[0];
            d.iter_mut().for_each(|d| *d -= first);
            let mean = reduce::sum_slice(d) / n;
            d.iter_mut().for_each(|d| *d -= mean);
        }
        T::ONE / (reduce::sum_products(d, d) / n + T::from_f64(self.eps)).sqrt()
    }
}

impl<T: Element> Op<T> for Standardize {
    fn name(&self) -> &'static str {
        "standardize"
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        operands("standardize", x, 1, "one operand")?;
        x[0].axes("standardize", &self.axes)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        let axes = positions("standardize", x[0].shape(), &self.axes);
        reduce::rows([x[0]], &axes, |[x], y| {
            let one_over_s = self.row(x, y);
            y.iter_mut().for_each(|y| *y *= one_over_s);
        })
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        self.project(x[0], y, dx)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        self.project(x[0], y, dy)
    }

    /// Row by row, without the intermediate tensors.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let axes = positions("standardize", x[0].shape(), &self.axes);
        let project = |[x, y, dy]: [&[T]; 3], dx: &mut [T]| {
            let (one_over_s, n) = (self.row(x, dx), T::from_usize(x.len()));
            let mean = if self.center { reduce::sum_slice(dy) / n } else { T::ZERO };
            let along = reduce::sum_products(y, dy) / n;
            for ((dx, &dy), &y) in dx.iter_mut().zip(dy).zip(y) {
                *dx = (dy - mean - y * along) * one_over_s;
            }
        };
        smallvec![want[0].then(|| reduce::rows([x[0], y, &dy], &axes, project))]
    }
}

pub(crate) const CARD: Card = Card {
    formula: "d / √(mean d² + eps) over axes, d = x - mean x or x",
    derivative: "(δᵢⱼ - [1 / n] - yᵢ yⱼ / n) / s",
    domain: "all",
    convention: "",
    numpy: "",
    torch: "nn.functional.layer_norm",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, center) in reductions("standardize") {
        to.case(Standardize { axes, eps: 0.5, center }, &[&shape]);
    }
}
