//! An operation without its type, as a tape keeps it.

use super::Var;
use crate::algebra::Element;
use crate::op::{Cotangents, Op};
use crate::tensor::Tensor;
use std::any::Any;
use std::fmt::Debug;

/// [`Op`] with its generic rules instantiated twice: on tensors, which computes, and on handles, which records.
pub(crate) trait ErasedOp<T: Element>: Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn differentiable(&self, k: usize) -> bool;
    fn elementwise(&self) -> bool;
    fn pieces(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64));
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T>;
    fn vjp<'t>(&self, k: usize, x: &[&Var<'t, T>], y: &Var<'t, T>, dy: &Var<'t, T>) -> Var<'t, T>;
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
    fn pieces(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        Op::pieces(self, x, y, report);
    }
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        #[cfg(feature = "faults")]
        return crate::fault::spoiled(Op::name(self), x, y, dy, |x, y, dy| Op::vjp_all(self, x, y, dy, want));
        #[cfg(not(feature = "faults"))]
        Op::vjp_all(self, x, y, dy, want)
    }
    #[track_caller]
    fn vjp<'t>(&self, k: usize, x: &[&Var<'t, T>], y: &Var<'t, T>, dy: &Var<'t, T>) -> Var<'t, T> {
        Op::vjp(self, k, x, y, dy)
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
