//! A layer: an affine map and an activation, fused; the input of the activation is not kept.

use super::linear::Linear;
use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::{Relu, Sigmoid, Tanh};
use crate::rules::algebra::{Algebra, Binary, ChainRule, Element, SlopeFromOutput, Unary};
use crate::rules::op::{Arity, Array, Cotangents, Op, decided};
use crate::shape::Shape;
use crate::tensor::{Tensor, kernel};

/// `f(x · Wᵀ + b)`, one node instead of the two of [`Linear`] and an activation.
///
/// # Shapes
/// `x` `[.., in]`, `W` `[out, in]` (destination, source), `b` `[out]`; the result is `[.., out]`.
///
/// # Math
/// With `Z = X Wᵀ + 1 bᵀ` and `Y = f(Z)`: `dY = f'(Z) dZ`, where the slope of the activation is a function of
/// its value ([`SlopeFromOutput`]), so that `Z` need not be kept. The cotangents are those of [`Linear`] for
/// `Z̄ = f'(Z) Ȳ`: this is one layer of backpropagation.
///
/// # Precision
/// The slope is that of the rounded `Y`: off by up to ε for [`Sigmoid`] and 2 ε for [`Tanh`] (ε = 2⁻²³ or
/// 2⁻⁵²), and so 0 where `Y` was rounded to ±1. That is far below the rounding of a sum over samples of which
/// one is not saturated. If the slopes of saturated units themselves matter, write `x.linear(w, b).sigmoid()`,
/// whose slope keeps all its digits.
///
/// # Examples
/// ```
/// use tape::ops::Tanh;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.constant([[1.0, 2.0]]);
/// let (w, b) = (tape.var([[0.5, -0.25]]), tape.var([0.75]));
/// let y = x.dense(w, b, Tanh);
/// assert_eq!(y.value(), Tensor::from([[0.75f64.tanh()]]));
/// let delta = 1.0 - 0.75f64.tanh().powi(2);
/// let grads = y.sum().backward();
/// assert_eq!(grads.wrt(w), Tensor::from([[delta, 2.0 * delta]]));
/// assert_eq!(grads.wrt(b), Tensor::from([delta]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense<F>(
    /// The activation.
    pub F,
);

impl<T: Element, F: SlopeFromOutput> Op<T> for Dense<F> {
    const NAME: &'static str = "dense";
    const ARITY: Arity = Arity::Exactly(3, "three operands: x, w, b");

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Op::<T>::shape(&Linear, x).map_err(|error| error.named("linear"))
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let f = self.0;
        let mut y = Linear.eval(x, shape);
        kernel::change(&mut y, move |z| f.eval(z));
        y
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        Linear.jvp(k, x, y, dx).chain_unary(FromOutput(self.0), y, y)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let dz = dy.clone().chain_unary(FromOutput(self.0), y, y);
        Linear.vjp(k, x, y, &dz)
    }

    /// The same, `Z̄` computed once.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        Linear.vjp_all(x, y, dy.chain_unary(FromOutput(self.0), y, y), want)
    }

    fn eval_into(&self, x: &[&Tensor<T>], y: &mut Tensor<T>) -> Result<(), Error> {
        let f = self.0;
        Linear.eval_into(x, y)?;
        kernel::change(y, move |z| f.eval(z));
        Ok(())
    }

    fn vjp_into(
        &self,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dy: &mut Tensor<T>,
        want: &[bool],
        cts: &mut [Tensor<T>],
    ) -> Result<(), Error> {
        let f = FromOutput(self.0);
        kernel::chain1_in_place(dy, y, y, move |d, _, y| ChainRule.eval(d, f.slope(y, y)));
        Linear.vjp_into(x, y, dy, want, cts)
    }

    fn branches(&self, _x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        decided(y, |y| self.0.branch(y), report);
    }
}

/// `F` with the slope computed from its output.
#[derive(Clone, Copy, Debug, PartialEq)]
struct FromOutput<F>(F);

impl<F: SlopeFromOutput> Unary for FromOutput<F> {
    const NAME: &'static str = F::NAME;

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        self.0.eval(x)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, _x: A, y: A) -> A {
        self.0.slope_from_output(y)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "f(X Wᵀ + b)",
    derivative: "f'(Z) (dX Wᵀ + X dWᵀ + db)",
    domain: "all",
    convention: "that of f",
    numpy: "f(x @ w.T + b)",
    torch: "",
};

pub(crate) fn cases(to: &mut impl Cases) {
    to.case(Dense(Sigmoid), &[&[2, 3], &[4, 3], &[4]]);
    to.case(Dense(Tanh), &[&[2, 2, 3], &[5, 3], &[5]]);
    to.case(Dense(Relu), &[&[3], &[2, 3], &[2]]);
    to.case(Dense(Sigmoid), &[&[0, 3], &[2, 3], &[2]]);
    to.case(Dense(Tanh), &[&[2, 0], &[3, 0], &[3]]);
    to.case(Dense(Relu), &[&[1, 1], &[1, 1], &[1]]);
}
