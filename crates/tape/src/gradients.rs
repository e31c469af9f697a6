//! What a reverse sweep returns.

use crate::algebra::Element;
use crate::error::{self, Error};
use crate::tape::{CONSTANT, Handle, HandleRef, LEAF, Number, ParamId, Store};
use crate::tensor::Tensor;
use std::sync::Arc;

/// The gradients of one number with respect to everything it depends on.
///
/// Owned, `Send`, and independent of the tape: it may be reset or dropped. What the number does not depend on
/// has gradient zero, of the right shape.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let (x, unused) = (tape.var([1.0, 2.0]), tape.var([3.0]));
/// let y = x * x;
/// let grads = y.sum().backward();
/// assert_eq!(grads.wrt(x), Tensor::from([2.0, 4.0]));
/// assert_eq!(grads.wrt(unused), Tensor::from([0.0]));
/// let error = grads.try_wrt(y).unwrap_err();
/// assert!(error.to_string().contains("not kept"));
/// ```
#[derive(Clone, Debug)]
pub struct Gradients<T: Element = f64>(pub(crate) Arc<Store<T>>);

impl<T: Element> Gradients<T> {
    /// The gradient with respect to a leaf, or to an intermediate value that was kept. A `Scalar` gives a
    /// number, a `Var` a tensor, several handles several.
    ///
    /// # Panics
    /// As [`try_wrt`](Gradients::try_wrt) refuses.
    #[track_caller]
    pub fn wrt<'t, H: Handle<'t, T>>(&self, x: H) -> H::Value {
        error::expect(self.try_wrt(x))
    }

    /// The gradient with respect to a leaf, or to an intermediate value that was kept.
    ///
    /// # Errors
    /// If the handle belongs to another tape or was recorded after a reset, or is an intermediate value whose
    /// gradient was not kept.
    pub fn try_wrt<'t, H: Handle<'t, T>>(&self, x: H) -> Result<H::Value, Error> {
        x.values(&mut |x| self.gradient(x))
    }

    fn gradient(&self, x: HandleRef<'_, '_, T>) -> Result<Number<T>, Error> {
        let (tape, index) = match x {
            HandleRef::Scalar(x) => (x.tape, x.index),
            HandleRef::Var(x) => (x.tape, x.index),
        };
        if index == CONSTANT {
            return Ok(Number::One(T::ZERO));
        }
        let graph = tape.graph();
        if graph.epoch != self.0.epoch {
            return Err(Error::ForeignTape { op: "gradients", tapes: [self.0.epoch, graph.epoch] });
        }
        let number = || Number::One(self.0.scalars.get(index as usize).copied().unwrap_or(T::ZERO));
        let node = &graph.nodes[index as usize];
        if node.rule == LEAF {
            return Ok(number());
        }
        let slot = graph.slot(index);
        let computed = slot.is_none_or(|slot| graph.arrays[slot].computed);
        if computed && !self.0.kept.keeps(index) {
            return Err(Error::NotKept { op: graph.name(index), node: index as usize });
        }
        let Some(slot) = slot else { return Ok(number()) };
        let value = &graph.arrays[slot].value;
        Ok(match self.0.arrays.get(slot) {
            _ if value.rank() == 0 => number(),
            Some(Some(gradient)) => Number::Many(gradient.clone()),
            _ => Number::Many(zeros(value)),
        })
    }

    /// The gradient with respect to a parameter.
    ///
    /// # Panics
    /// If the parameter was not recorded on the tape.
    #[track_caller]
    pub fn of(&self, id: impl Into<ParamId>) -> Tensor<T> {
        error::expect(self.get(id))
    }

    /// The gradient with respect to a parameter.
    ///
    /// # Errors
    /// If the parameter was not recorded on the tape.
    pub fn get(&self, id: impl Into<ParamId>) -> Result<Tensor<T>, Error> {
        let id = id.into().get();
        let slot = self.0.parameters.get(&id).ok_or(Error::UnknownParameter { id })?;
        match self.0.arrays.get(*slot as usize) {
            Some(Some(gradient)) => Ok(gradient.clone()),
            // Recorded after the number whose gradients these are.
            _ => Err(Error::UnknownParameter { id }),
        }
    }
}

/// Zeros of a shape, one number in memory.
pub(crate) fn zeros<T: Element>(like: &Tensor<T>) -> Tensor<T> {
    Tensor::scalar(T::ZERO).stretched(like.shape())
}
