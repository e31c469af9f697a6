//! Differences from the mean divided by their magnitude: a primitive, because its composition makes nine
//! passes and stores seven intermediate tensors.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::ops::reduce::sum::{finish, positions, reduced, restore};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Cotangents, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};
use smallvec::smallvec;

/// `d / √(mean d² + eps)` over a set of axes, with `d = x - mean x`, or `d = x` without centering.
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
/// All, with `eps > 0`; with `eps = 0` a row of zeros gives NaN. Squares that overflow or underflow do no
/// harm.
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
    /// The term added under the root.
    pub eps: f64,
    /// Whether the mean is subtracted first.
    pub center: bool,
}

impl Standardize {
    /// `x`, centered if requested.
    fn centered<T: Element, A: Array<T>>(&self, x: &A) -> A {
        if self.center { x.center(self.axes.clone()) } else { x.clone() }
    }

    /// `(c(d) - y mean(y d)) / s`: the common form of both linear rules.
    fn project<T: Element, A: Array<T>>(&self, x: &A, y: &A, d: &A) -> A {
        let mean = (y.clone() * d.clone()).mean_axes(self.axes.clone(), true);
        let one_over_s = A::apply(OneOverDeviation(self.clone()), &[x]);
        (self.centered(d) - y.clone() * mean) * one_over_s
    }

    /// `d` of one row, of `x` divided by `scale`.
    fn deviations<T: Element>(&self, x: &[T], d: &mut [T], scale: T) {
        let n = T::from_usize(x.len());
        d.copy_from_slice(x);
        if scale != T::ONE {
            d.iter_mut().for_each(|d| *d /= scale);
        }
        if self.center {
            let first = d[0];
            d.iter_mut().for_each(|d| *d -= first);
            let mean = reduce::sum_slice(d) / n;
            d.iter_mut().for_each(|d| *d -= mean);
        }
    }

    /// The `d` of one row, with its scale.
    fn row<T: Element>(&self, x: &[T], d: &mut [T]) -> Row<T> {
        let n = T::from_usize(x.len());
        let eps = T::from_f64(self.eps);
        self.deviations(x, d, T::ONE);
        let square = reduce::sum_products(d, d) / n + eps;
        let plain = Row { one_over_s: T::ONE / square.sqrt(), scale: [T::ONE; 2] };
        // Squares below this have lost digits.
        let small = T::MIN_POSITIVE / T::EPSILON;
        if square.is_finite() && square > small {
            return plain;
        }
        let largest = |x: &[T]| x.iter().fold(T::ZERO, |max, x| max.maximum(x.abs()));
        let mut first = T::ONE;
        if !largest(d).is_finite() && largest(x).is_finite() {
            // The differences or their sum overflowed. Those of sufficiently scaled-down numbers do not.
            first = T::from_f64(4.0) * n;
            self.deviations(x, d, first);
        }
        let root = eps.sqrt() / first;
        let second = largest(d).maximum(root);
        if second == T::ZERO || !second.is_finite() {
            return plain;
        }
        d.iter_mut().for_each(|d| *d /= second);
        let square = reduce::sum_products(d, d) / n + (root / second) * (root / second);
        Row { one_over_s: T::ONE / square.sqrt(), scale: [first, second] }
    }
}

/// The deviations of a row are `d` times both scales, and `1 / s` is `one_over_s` divided by them: 1 unless
/// squares would overflow or underflow.
struct Row<T> {
    one_over_s: T,
    scale: [T; 2],
}

impl<T: Element> Row<T> {
    /// The divisor that remains when `one_over_s` is a factor.
    fn unscale(&self, x: &mut [T]) {
        if self.scale != [T::ONE; 2] {
            x.iter_mut().for_each(|x| *x = *x / self.scale[0] / self.scale[1]);
        }
    }
}

/// The `1 / s` of [`Standardize`], with extent 1 along its axes. With `y` the standardized `x`: `dr = -r² mean(y dx)`.
#[derive(Clone, Debug, PartialEq)]
struct OneOverDeviation(Standardize);

impl<T: Element> Op<T> for OneOverDeviation {
    const NAME: &'static str = "one_over_deviation";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        reduced(x, &self.0.axes, true)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.0.axes);
        let y = reduce::fold(x[0], &axes, |x| {
            let mut d = x.to_vec();
            if d.is_empty() {
                return T::NAN;
            }
            let row = self.0.row(x, &mut d);
            let mut y = [row.one_over_s];
            row.unscale(&mut y);
            y[0]
        });
        finish(y, shape)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let moved = A::apply(self.0.clone(), &[x[0]]) * dx.clone();
        -(moved.mean_axes(self.0.axes.clone(), true) * y.clone() * y.clone())
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        let axes = positions(&shape, &self.0.axes);
        let n: usize = axes.iter().map(|&axis| shape[axis]).product();
        let ct = dy.clone() * y.clone() * y.clone() / y.lift(n as f64);
        -(restore(&ct, &shape, &axes) * A::apply(self.0.clone(), &[x[0]]))
    }
}

impl<T: Element> Op<T> for Standardize {
    const NAME: &'static str = "standardize";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        x[0].axes(&self.axes)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        reduce::rows([x[0]], &axes, |[x], y| {
            let row = self.row(x, y);
            y.iter_mut().for_each(|y| *y *= row.one_over_s);
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
        let axes = positions(x[0].shape(), &self.axes);
        let project = |[x, y, dy]: [&[T]; 3], dx: &mut [T]| {
            let (row, n) = (self.row(x, dx), T::from_usize(x.len()));
            let mean = if self.center { reduce::sum_slice(dy) / n } else { T::ZERO };
            let along = reduce::sum_products(y, dy) / n;
            for ((dx, &dy), &y) in dx.iter_mut().zip(dy).zip(y) {
                *dx = (dy - mean - y * along) * row.one_over_s;
            }
            row.unscale(dx);
        };
        smallvec![want[0].then(|| reduce::rows([x[0], y, &dy], &axes, project))]
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
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
