//! The result of a reverse sweep.

use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::tape::{
    CONSTANT, GradientBuffers, Handle, LEAF, NodeId, ParamId, ReadGradients, Scalar, Tape, Var, zeros,
};
use crate::tensor::Tensor;
use std::sync::Arc;

/// The gradients of one scalar with respect to everything it depends on.
///
/// Owned, `Send`, and independent of the tape, which may be reset or dropped. A value that the scalar does
/// not depend on has gradient zero, of the right shape.
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
pub struct Gradients<T: Element = f64>(pub(crate) Arc<GradientBuffers<T>>);

impl<T: Element> Gradients<T> {
    /// The gradient with respect to a leaf, or to an intermediate value whose gradient was kept. A `Scalar`
    /// gives a number, a `Var` a tensor, several handles several.
    ///
    /// # Panics
    /// As [`try_wrt`](Gradients::try_wrt).
    #[inline]
    #[track_caller]
    pub fn wrt<'t, H: Handle<'t, T>>(&self, x: H) -> H::Value {
        error::expect(self.try_wrt(x))
    }

    /// The gradient with respect to a leaf, or to an intermediate value whose gradient was kept.
    ///
    /// # Errors
    /// If the handle belongs to another tape or was recorded after a reset, or is an intermediate value whose
    /// gradient was not kept.
    #[inline]
    pub fn try_wrt<'t, H: Handle<'t, T>>(&self, x: H) -> Result<H::Value, Error> {
        x.values(&mut &*self.0)
    }

    /// The gradient with respect to a parameter.
    ///
    /// # Panics
    /// If the parameter was not recorded on the tape.
    #[track_caller]
    pub fn of(&self, id: impl Into<ParamId>) -> Tensor<T> {
        error::expect(self.try_of(id))
    }

    /// The gradient with respect to a parameter.
    ///
    /// # Errors
    /// If the parameter was not recorded on the tape.
    pub fn try_of(&self, id: impl Into<ParamId>) -> Result<Tensor<T>, Error> {
        self.try_of_ref(id).cloned()
    }

    /// As [`try_of`](Gradients::try_of), borrowed.
    ///
    /// # Errors
    /// If the parameter was not recorded on the tape.
    #[inline]
    pub fn try_of_ref(&self, id: impl Into<ParamId>) -> Result<&Tensor<T>, Error> {
        let id = id.into().get();
        let slot = self.0.parameters.get(id).ok_or(Error::UnknownParameter { id })?;
        // There is none if it was recorded after the scalar that these gradients belong to.
        self.0.tensors.get(slot as usize).ok_or(Error::UnknownParameter { id })
    }
}

impl<'t, T: Element> ReadGradients<'t, T> for &GradientBuffers<T> {
    #[inline]
    fn number(&mut self, x: Scalar<'t, T>) -> Result<T, Error> {
        if x.index != CONSTANT {
            self.check(x.tape, x.index)?;
        }
        Ok(self.scalars.get(x.index))
    }

    fn tensor(&mut self, x: Var<'t, T>) -> Result<Tensor<T>, Error> {
        if x.index == CONSTANT {
            return Ok(Tensor::scalar(T::ZERO));
        }
        self.check(x.tape, x.index)?;
        let value = &x.tape.graph().tensors[x.slot as usize].value;
        Ok(match self.tensors.get(x.slot as usize) {
            _ if value.rank() == 0 => Tensor::scalar(self.scalars.get(x.index)),
            Some(gradient) => gradient.clone(),
            _ => zeros(value),
        })
    }
}

impl<T: Element> GradientBuffers<T> {
    /// Checks that the gradient of this node was kept.
    #[inline]
    fn check(&self, tape: &Tape<T>, index: NodeId) -> Result<(), Error> {
        if tape.epoch != self.epoch {
            return Err(Error::ForeignTape { op: "gradients", tapes: [self.epoch, tape.epoch] });
        }
        if tape.nodes.get(index as usize).rule == LEAF { Ok(()) } else { self.check_kept(tape, index) }
    }

    #[inline(never)]
    fn check_kept(&self, tape: &Tape<T>, index: NodeId) -> Result<(), Error> {
        let graph = tape.graph();
        let computed = graph.slot(index).is_none_or(|slot| graph.tensors[slot].computed);
        if computed && !self.retained.retains(index) {
            return Err(Error::NotKept { op: graph.name(index), node: index as usize });
        }
        Ok(())
    }
}
