//! Standard deviation over axes: a primitive, because the root of the variance has no derivative at 0.

use super::center::deviations;
use super::norm::euclidean;
use super::sum::{finish, positions, reduced, restore};
use super::variance::{freedom, row_length};
use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::ops::{Center, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, kernel, reduce};

/// Standard deviation over a set of axes.
///
/// # Shapes
/// As [`Sum`](crate::ops::Sum). Over `ddof` elements or fewer it divides by 0: infinite or NaN, and so is its
/// derivative.
///
/// # Math
/// `y = √(Σ (x - m)² / (n - ddof))` with the mean `m` of `n` elements; `dy = Σ (x - m) dx / (y (n - ddof))`.
///
/// # Domain
/// All real numbers. A constant row has standard deviation exactly 0, with derivative 0.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 1.0, 4.0]);
/// let y = x.std(0);
/// assert!((y.value() - 2f64.sqrt()).abs() < 1e-12);
/// assert!((y.backward().wrt(x).get([2]).unwrap() - 2f64.sqrt() / 3.0).abs() < 1e-12);
/// let constant = tape.var([0.1, 0.1, 0.1]).std(1);
/// assert_eq!(constant.value(), 0.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StdDev {
    /// The axes to reduce.
    pub axes: Axes,
    /// The number subtracted from the number of elements.
    pub ddof: usize,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

impl StdDev {
    /// The derivative of the deviation: `(x - m) / y / (n - ddof)`, and 0 where `y` is 0.
    fn slope<T: Element, A: Array<T>>(&self, x: &A, y: &A) -> A {
        let shape = x.shape();
        let axes = positions(&shape, &self.axes);
        let n = freedom(&shape, &axes, self.ddof);
        let center = A::apply(Center { axes: self.axes.clone() }, &[x]);
        let y = restore(y, &shape, &axes);
        y.clone().if_eq(x.lift(0.0), x.lift(0.0), center / y / x.lift(n))
    }
}

impl<T: Element> Op<T> for StdDev {
    const NAME: &'static str = "std";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        reduced(x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        let n = T::from_f64(freedom(x[0].shape(), &axes, self.ddof)).sqrt();
        let of = |x: &Tensor<T>| reduce::fold(&deviations(x, &axes), &axes, |d| euclidean(d) / n);
        let mut y = of(x[0]);
        if !reduce::all_finite(&y) {
            // Perhaps a difference overflowed: those of a quarter of the values do not.
            let four = T::from_f64(4.0);
            let quarter = of(&x[0].map_elements(|x| x / four));
            y = kernel::zip(
                y.shape(),
                &y,
                &quarter,
                |y, quarter| if y.is_finite() { y } else { quarter * four },
            );
        }
        finish(y, shape)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        dx.clone().chain_rule(self.slope(x[0], y)).sum_axes(self.axes.clone(), self.keepdim)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let axes = positions(&x[0].shape(), &self.axes);
        restore(dy, &x[0].shape(), &axes).chain_rule(self.slope(x[0], y))
    }

    /// Where the result is 0.
    fn undefined(&self, _x: &[&Tensor<T>], y: &Tensor<T>) -> bool {
        y.to_vec().contains(&T::ZERO)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "√(Σ (x - mean x)² / (n - ddof)) over axes",
    derivative: "(x - mean x) / (y (n - ddof))",
    domain: "more than ddof elements",
    convention: "0 for constant rows; a division by 0 over ddof elements or fewer",
    numpy: "std",
    torch: "std",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("std_dev") {
        // The deviation of one element is 0 for every element: nothing to differentiate.
        if row_length(&shape, &axes) > 1 {
            to.case(StdDev { axes: axes.clone(), ddof: 0, keepdim }, &[&shape]);
            to.case(StdDev { axes, ddof: 1, keepdim }, &[&shape]);
        }
    }
}
