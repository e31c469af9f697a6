//! Product over axes: a primitive, because through logarithms or quotients zeros would be lost.

use super::sum::{finish, positions, reduced, restore};
use crate::element::Real;
use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{Cases, reductions};
use crate::ops::{CumProd, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Axes, Shape};
use crate::tensor::{Tensor, reduce};

/// Product over a set of axes.
///
/// # Shapes
/// As [`Sum`](crate::ops::Sum). The product over no elements is 1.
///
/// # Math
/// `y = Π x`, `dy = Σᵢ (Πⱼ xⱼ, j ≠ i) dxᵢ`. The product of the others is that of the elements before times
/// that of the elements after ([`CumProd`](crate::ops::CumProd) in both directions); there is no division.
///
/// # Domain
/// All real numbers. With one zero, only the zero has a derivative; with two or more, none has. Second
/// derivatives are correct there too.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([0.0, 2.0, 3.0]);
/// let y = x.prod();
/// assert_eq!(y.value(), 0.0);
/// assert_eq!(y.backward().wrt(x), Tensor::from([6.0, 0.0, 0.0]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Prod {
    /// The axes to reduce.
    pub axes: Axes,
    /// Whether the reduced axes are kept, with extent 1.
    pub keepdim: bool,
}

impl Prod {
    /// The product of the other elements, for each element.
    fn others<T: Element, A: Array<T>>(&self, x: &A) -> A {
        let shape = x.shape();
        let axes = positions(&shape, &self.axes);
        if shape.size() == 0 {
            return x.clone();
        }
        // The reduced axes become one, the last.
        let kept = (0..shape.rank()).filter(|axis| !axes.contains(axis));
        let order: Vec<usize> = kept.chain(axes.iter().copied()).collect();
        let moved: Shape = order.iter().map(|&axis| shape[axis]).collect();
        let length: usize = axes.iter().map(|&axis| shape[axis]).product();
        let forth = Axes::from(&order.iter().map(|&axis| axis as isize).collect::<Vec<_>>()[..]);
        let rows = x.permute(forth).reshape([shape.size() / length, length]);
        let [before, after] = [false, true].map(|reverse| {
            let scan = CumProd { axis: 1, reverse };
            scan.before(&A::apply(scan, &[&rows]))
        });
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(i, &axis)| back[axis] = i as isize);
        (before * after).reshape(moved).permute(Axes::from(&back[..]))
    }
}

impl<T: Element> Op<T> for Prod {
    const NAME: &'static str = "prod";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        reduced(x, &self.axes, self.keepdim)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let axes = positions(x[0].shape(), &self.axes);
        let y = reduce::fold(x[0], &axes, |x| {
            T::narrow(x.iter().fold(<T::Wide>::ONE, |product, x| product * x.widen()))
        });
        finish(y, shape)
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        dx.clone().chain_rule(self.others(x[0])).sum_axes(self.axes.clone(), self.keepdim)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let axes = positions(&x[0].shape(), &self.axes);
        restore(dy, &x[0].shape(), &axes).chain_rule(self.others(x[0]))
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Π x over axes",
    derivative: "the product of the others",
    domain: "all",
    convention: "1 over no elements",
    numpy: "prod",
    torch: "prod",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for (shape, axes, keepdim) in reductions("prod") {
        to.case(Prod { axes, keepdim }, &[&shape]);
    }
    // With one zero in a row, with two, and with none.
    let rows = Prod { axes: Axes::from(1), keepdim: false };
    to.values(rows, &[Tensor::from([[0.0, 2.0, 3.0], [0.0, -1.5, 0.0], [2.0, 0.5, -1.0]])]);
}
