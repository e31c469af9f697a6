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
use crate::tensor::{Tensor, kernel, reduce};
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

    /// The mean of a row, as a difference from its first element, and `1 / s`, computed without scaling; `None` if squares
    /// overflow or have lost digits.
    fn plain<T: Element>(&self, x: &[T]) -> Option<Plain<T>> {
        let n = T::from_usize(x.len());
        let (mut first, mut mean) = (T::ZERO, T::ZERO);
        if self.center {
            first = x[0];
            mean = reduce::sum_pairs(x, x, move |x, _| x - first) / n;
        }
        let square = reduce::sum_pairs(x, x, move |x, _| {
            let d = (x - first) - mean;
            d * d
        });
        let square = square / n + T::from_f64(self.eps);
        is_ordinary(square).then(|| Plain { first, mean, one_over_s: T::ONE / square.sqrt() })
    }

    /// The `d` of one row where [`plain`](Standardize::plain) fails, with its scale.
    #[cold]
    #[inline(never)]
    fn scaled<T: Element>(&self, x: &[T], d: &mut [T]) -> Row<T> {
        let n = T::from_usize(x.len());
        let eps = T::from_f64(self.eps);
        self.deviations(x, d, T::ONE);
        let square = reduce::sum_products(d, d) / n + eps;
        let plain = Row { one_over_s: T::ONE / square.sqrt(), scale: [T::ONE; 2] };
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

/// Elements that are standardized together but are not a row in memory: first elements, means of the differences from them
/// and `1 / s`, all with extent 1 along the axes. So every pass runs over the tensor in its own order.
struct Columns<T: Element> {
    first: Tensor<T>,
    mean: Tensor<T>,
    one_over_s: Tensor<T>,
    n: T,
}

impl Standardize {
    /// The statistics of `x` if its last axis is not among `axes`, and nowhere do squares overflow or have lost digits.
    fn columns<T: Element>(&self, x: &Tensor<T>, axes: &[usize]) -> Option<Columns<T>> {
        if axes.is_empty() || axes.contains(&(x.rank() - 1)) || x.size() == 0 {
            return None;
        }
        let shape = x.shape().reduced(axes, true);
        let n = T::from_usize(x.size() / shape.size());
        let (mut first, mut mean) = (Tensor::zeros(shape.clone()), Tensor::zeros(shape.clone()));
        if self.center {
            first = axes.iter().fold(x.clone(), |x, &axis| x.sliced(axis, 0, 1, 1));
            let sum = kernel::chain1_sum_to(&shape, x, [&first, &mean], |x, first, _| x - first);
            mean = sum.map_elements(|sum| sum / n);
        }
        let square = kernel::chain1_sum_to(&shape, x, [&first, &mean], |x, first, mean| {
            let d = (x - first) - mean;
            d * d
        });
        let eps = T::from_f64(self.eps);
        let square = square.map_elements(|square| square / n + eps);
        let ordinary = square.iter().all(|&square| is_ordinary(square));
        ordinary.then(|| Columns { first, mean, one_over_s: square.map_elements(|x| T::ONE / x.sqrt()), n })
    }
}

impl<T: Element> Columns<T> {
    /// The standardized `x`.
    fn apply(&self, x: &Tensor<T>) -> Tensor<T> {
        kernel::chain2(x.clone(), &self.first, &self.mean, &self.one_over_s, |x, first, mean, one_over_s| {
            ((x - first) - mean) * one_over_s
        })
    }

    /// The cotangent of `x`.
    fn pull(&self, y: &Tensor<T>, dy: Tensor<T>, center: bool) -> Tensor<T> {
        let (n, shape) = (self.n, self.mean.shape());
        let share = |sum: Tensor<T>| sum.map_elements(|sum| sum / n);
        let mean = if center { share(reduce::sum_to(&dy, shape)) } else { Tensor::zeros(shape.clone()) };
        let along = share(kernel::zip_sum_to(shape, y, &dy, |y, dy| y * dy));
        let across = kernel::chain2(dy, &mean, y, &along, |dy, mean, y, along| dy - mean - y * along);
        kernel::chain1(across, &self.one_over_s, &self.one_over_s, |d, one_over_s, _| d * one_over_s)
    }
}

/// Returns `true` if a mean of squares did not overflow and has lost no digits.
fn is_ordinary<T: Element>(square: T) -> bool {
    square.is_finite() && square > T::MIN_POSITIVE / T::EPSILON
}

/// The `1 / s` of a row whose deviations are `(x - first) - mean`.
#[derive(Clone, Copy)]
struct Plain<T> {
    first: T,
    mean: T,
    one_over_s: T,
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
            if x.is_empty() {
                return T::NAN;
            }
            if let Some(row) = self.0.plain(x) {
                return row.one_over_s;
            }
            let row = self.0.scaled(x, &mut x.to_vec());
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
        if let Some(columns) = self.columns(x[0], &axes) {
            return columns.apply(x[0]);
        }
        reduce::rows([x[0]], &axes, |[x], y| {
            if let Some(row) = self.plain(x) {
                return kernel::map_slice(y, x, move |x| ((x - row.first) - row.mean) * row.one_over_s);
            }
            let row = self.scaled(x, y);
            y.iter_mut().for_each(|y| *y *= row.one_over_s);
        })
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        self.project(x[0], y, dx)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        self.project(x[0], y, dy)
    }

    /// Without the intermediate tensors.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let axes = positions(x[0].shape(), &self.axes);
        if want[0]
            && let Some(columns) = self.columns(x[0], &axes)
        {
            return smallvec![Some(columns.pull(y, dy, self.center))];
        }
        let project = |[x, y, dy]: [&[T]; 3], dx: &mut [T]| {
            let n = T::from_usize(x.len());
            let row = match self.plain(x) {
                Some(row) => Row { one_over_s: row.one_over_s, scale: [T::ONE; 2] },
                None => self.scaled(x, dx),
            };
            let mean = if self.center { reduce::sum_slice(dy) / n } else { T::ZERO };
            let along = reduce::sum_products(y, dy) / n;
            let one_over_s = row.one_over_s;
            kernel::zip_slices(dx, y, dy, move |y, dy| (dy - mean - y * along) * one_over_s);
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
