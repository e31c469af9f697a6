//! A value without its derivative, as an operation: for recordings that are repeated, in which no value is a constant.

use crate::error::Error;
use crate::ops::TensorOps;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// `y = x`, through which no derivative flows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Detach;

impl<T: Element> Op<T> for Detach {
    const NAME: &'static str = "detach";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        x[0].clone()
    }

    fn differentiable(&self, _k: usize) -> bool {
        false
    }

    fn free(&self) -> bool {
        true
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        dy.lift(0.0).broadcast_to(dy.shape())
    }
}
