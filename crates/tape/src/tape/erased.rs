//! An operation with its type erased, as a tape stores it.

use super::Var;
use crate::error::Error;
use crate::rules::algebra::Element;
use crate::rules::op::{Each, Op, hand_over};
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::any::Any;
use std::fmt::Debug;

/// [`Op`] with its generic rules instantiated twice: on tensors, which computes, and on handles, which records.
pub(crate) trait ErasedOp<T: Element>: Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn differentiable(&self, k: usize) -> bool;
    fn elementwise(&self) -> bool;
    fn sources(&self, x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool;
    fn branches(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64));
    fn undefined(&self, x: &[&Tensor<T>], y: &Tensor<T>) -> bool;
    /// Applies the reverse rule, and passes every wanted cotangent with the position of its operand to `add`. (A list of
    /// them would be copied on its way to the sweep.)
    fn pull(
        &self,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dy: Tensor<T>,
        want: &[bool],
        add: &mut dyn FnMut(usize, Tensor<T>) -> Result<(), Error>,
    ) -> Result<(), Error>;
    fn vjp_each<'t>(
        &self,
        x: &[&Var<'t, T>],
        y: &Var<'t, T>,
        dy: &Var<'t, T>,
        want: &[bool],
    ) -> Each<Var<'t, T>>;
    fn eval_into(&self, x: &[&Tensor<T>], y: &mut Tensor<T>) -> Result<(), Error>;
    fn vjp_into(
        &self,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dy: &mut Tensor<T>,
        want: &[bool],
        cts: &mut [Tensor<T>],
    ) -> Result<(), Error>;
    fn check_derivative(&self, x: &[&Tensor<T>], y: &Tensor<T>) -> Result<(), Error>;
    fn jvp_all_values(&self, x: &[&Tensor<T>], y: &Tensor<T>, dx: &[Option<&Tensor<T>>])
    -> Option<Tensor<T>>;
    fn jvp_all<'t>(
        &self,
        x: &[&Var<'t, T>],
        y: &Var<'t, T>,
        dx: &[Option<&Var<'t, T>>],
    ) -> Option<Var<'t, T>>;
    fn jvp_values(&self, k: usize, x: &[&Tensor<T>], y: &Tensor<T>, dx: &Tensor<T>) -> Tensor<T>;
    fn jvp<'t>(&self, k: usize, x: &[&Var<'t, T>], y: &Var<'t, T>, dx: &Var<'t, T>) -> Var<'t, T>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Element, O: Op<T>> ErasedOp<T> for O {
    fn name(&self) -> &'static str {
        Op::name(self)
    }
    fn differentiable(&self, k: usize) -> bool {
        Op::differentiable(self, k)
    }
    fn elementwise(&self) -> bool {
        Op::elementwise(self)
    }
    fn sources(&self, x: &Shape, run: &mut dyn FnMut(usize, usize)) -> bool {
        Op::sources(self, x, run)
    }
    fn branches(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        Op::branches(self, x, y, report);
    }
    fn undefined(&self, x: &[&Tensor<T>], y: &Tensor<T>) -> bool {
        Op::undefined(self, x, y)
    }
    fn pull(
        &self,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dy: Tensor<T>,
        want: &[bool],
        add: &mut dyn FnMut(usize, Tensor<T>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        hand_over(Op::name(self), &mut Op::try_vjp_all(self, x, y, dy, want), want, add)
    }
    #[track_caller]
    fn vjp_each<'t>(
        &self,
        x: &[&Var<'t, T>],
        y: &Var<'t, T>,
        dy: &Var<'t, T>,
        want: &[bool],
    ) -> Each<Var<'t, T>> {
        Op::vjp_each(self, x, y, dy, want)
    }
    fn eval_into(&self, x: &[&Tensor<T>], y: &mut Tensor<T>) -> Result<(), Error> {
        Op::eval_into(self, x, y).map_err(|error| error.named(Op::name(self)))
    }
    fn vjp_into(
        &self,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dy: &mut Tensor<T>,
        want: &[bool],
        cts: &mut [Tensor<T>],
    ) -> Result<(), Error> {
        Op::vjp_into(self, x, y, dy, want, cts).map_err(|error| error.named(Op::name(self)))
    }
    fn check_derivative(&self, x: &[&Tensor<T>], y: &Tensor<T>) -> Result<(), Error> {
        Op::check_derivative(self, x, y).map_err(|error| error.named(Op::name(self)))
    }
    fn jvp_all_values(
        &self,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dx: &[Option<&Tensor<T>>],
    ) -> Option<Tensor<T>> {
        Op::jvp_all(self, x, y, dx)
    }
    #[track_caller]
    fn jvp_all<'t>(
        &self,
        x: &[&Var<'t, T>],
        y: &Var<'t, T>,
        dx: &[Option<&Var<'t, T>>],
    ) -> Option<Var<'t, T>> {
        Op::jvp_all(self, x, y, dx)
    }
    fn jvp_values(&self, k: usize, x: &[&Tensor<T>], y: &Tensor<T>, dx: &Tensor<T>) -> Tensor<T> {
        Op::jvp(self, k, x, y, dx)
    }
    #[track_caller]
    fn jvp<'t>(&self, k: usize, x: &[&Var<'t, T>], y: &Var<'t, T>, dx: &Var<'t, T>) -> Var<'t, T> {
        Op::jvp(self, k, x, y, dx)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
