//! Hooks to inspect and change a sweep: for reports of non-finite values, for estimates of rounding errors,
//! and for faults that tests plant.

use crate::rules::algebra::Element;
use crate::tape::{GradientBuffers, Input, NodeId, TapeRef};
use crate::tensor::Tensor;
use std::borrow::Cow;

/// The observer of an ordinary sweep.
#[cfg(not(feature = "faults"))]
pub(crate) type Ordinary = ();
#[cfg(feature = "faults")]
pub(crate) type Ordinary = super::faults::Planted;

/// Sees every contribution of a sweep before it is added, and may change it. `()` does neither and costs
/// nothing. In a forward sweep contributions go from operands to results, and are reported in the same way.
pub(crate) trait Observer<T: Element> {
    /// Node `node`, a scalar with cotangent `ct`, contributes `ct · slope` to `parent`, its operand `k`. Returns the slope.
    #[inline(always)]
    fn scalar(&mut self, _node: NodeId, _k: usize, _parent: NodeId, _ct: T, slope: T) -> T {
        slope
    }
    /// Node `node`, a tensor with cotangent `dy`, is about to contribute.
    #[inline(always)]
    fn tensor(&mut self, _graph: &TapeRef<T>, _node: NodeId, _dy: &Tensor<T>) {}
    /// Node `node`, a tensor, contributes `ct` to `input`, its operand `k`. Returns the contribution.
    #[inline(always)]
    fn contribution(&mut self, _node: NodeId, _k: usize, _input: NodeId, ct: Tensor<T>) -> Tensor<T> {
        ct
    }
    /// Adds a contribution, of operation `op` for its operand `k`, to what `input` has received.
    #[inline(always)]
    fn accumulate(
        &mut self,
        _op: &'static str,
        _k: usize,
        buffers: &mut GradientBuffers<T>,
        input: Input,
        ct: Tensor<T>,
    ) {
        buffers.add(input, ct);
    }
    /// Forward sweep only: the node's value as passed to its rules.
    #[inline(always)]
    fn value<'a>(&mut self, y: &'a Tensor<T>) -> Cow<'a, Tensor<T>> {
        Cow::Borrowed(y)
    }
}

impl<T: Element> Observer<T> for () {}

/// Multiplies every contribution by a factor, and in a forward sweep every value that is passed to a rule.
pub(crate) struct Perturbed<F>(pub(crate) F);

impl<F> Perturbed<&mut F> {
    fn perturb<T: Element>(&mut self, mut x: Tensor<T>) -> Tensor<T>
    where
        F: FnMut() -> T,
    {
        x.as_mut_slice().iter_mut().for_each(|x| *x *= (self.0)());
        x
    }
}

impl<T: Element, F: FnMut() -> T> Observer<T> for Perturbed<&mut F> {
    fn scalar(&mut self, _node: NodeId, _k: usize, _parent: NodeId, _ct: T, slope: T) -> T {
        slope * (self.0)()
    }
    fn contribution(&mut self, _node: NodeId, _k: usize, _input: NodeId, ct: Tensor<T>) -> Tensor<T> {
        self.perturb(ct)
    }
    fn value<'a>(&mut self, y: &'a Tensor<T>) -> Cow<'a, Tensor<T>> {
        Cow::Owned(self.perturb(y.clone()))
    }
}
