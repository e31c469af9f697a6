//! Hooks to inspect and change a sweep: for reports of non-finite values, for estimates of rounding errors,
//! and for faults that tests plant.

use crate::rules::algebra::Element;
use crate::tape::{GradientBuffers, Input, NodeId, TapeRef};
use crate::tensor::Tensor;
use std::borrow::Cow;

/// The observer of an ordinary sweep.
#[cfg(not(feature = "faults"))]
#[derive(Debug, Default)]
pub(crate) struct Ordinary {}
#[cfg(feature = "faults")]
pub(crate) type Ordinary = super::faults::Planted;

/// Sees every contribution of a sweep before it is added, and may change it. [`Ordinary`] does neither and
/// costs nothing. In a forward sweep contributions go from operands to results, and are reported in the same way.
pub(crate) trait Observer<T: Element> {
    /// Whether the cotangents of pieces that operation `op` has taken may be added in place, unseen.
    #[inline(always)]
    fn adds_pieces(&self, _op: &'static str) -> bool {
        true
    }
    /// Node `node`, a scalar with cotangent `ct`, contributes `ct · slope` to `parent`, its operand `k`. Returns the slope.
    #[inline(always)]
    fn scalar(&mut self, _node: NodeId, _k: usize, _parent: NodeId, _ct: T, slope: T) -> T {
        slope
    }
    /// Node `node` has contributed `ct · slope` to `parent`, its operand `k`, whose contributions now have this sum. Not called where
    /// `ct` is zero.
    #[inline(always)]
    fn scalar_added(&mut self, _node: NodeId, _k: usize, _parent: NodeId, _ct_slope_sum: [T; 3]) {}
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
    /// The tensor at `slot`, a piece of its operand, has added its cotangent `dy` to that operand's `sum` in place.
    #[inline(always)]
    fn piece_added(&mut self, _graph: &TapeRef<T>, _slot: usize, _dy: &Tensor<T>, _sum: &Tensor<T>) {}
    /// Forward sweep only: the node's value as passed to its rules.
    #[inline(always)]
    fn value<'a>(&mut self, y: &'a Tensor<T>) -> Cow<'a, Tensor<T>> {
        Cow::Borrowed(y)
    }
}

#[cfg(not(feature = "faults"))]
impl<T: Element> Observer<T> for Ordinary {}

/// Multiplies every contribution by a factor, and in a forward sweep every value that is passed to a rule. Otherwise the
/// sweep is an ordinary one.
pub(crate) struct Perturbed<F> {
    factor: F,
    ordinary: Ordinary,
}

impl<F> Perturbed<F> {
    pub(crate) fn by(factor: F) -> Perturbed<F> {
        Perturbed { factor, ordinary: Ordinary::default() }
    }

    fn perturb<T: Element>(&mut self, mut x: Tensor<T>) -> Tensor<T>
    where
        F: FnMut() -> T,
    {
        x.as_mut_slice().iter_mut().for_each(|x| *x *= (self.factor)());
        x
    }
}

impl<T: Element, F: FnMut() -> T> Observer<T> for Perturbed<F> {
    fn adds_pieces(&self, _op: &'static str) -> bool {
        false
    }
    fn scalar(&mut self, _node: NodeId, _k: usize, _parent: NodeId, _ct: T, slope: T) -> T {
        slope * (self.factor)()
    }
    fn tensor(&mut self, graph: &TapeRef<T>, node: NodeId, dy: &Tensor<T>) {
        self.ordinary.tensor(graph, node, dy);
    }
    fn contribution(&mut self, node: NodeId, k: usize, input: NodeId, ct: Tensor<T>) -> Tensor<T> {
        let ct = self.ordinary.contribution(node, k, input, ct);
        self.perturb(ct)
    }
    fn accumulate(
        &mut self,
        op: &'static str,
        k: usize,
        buffers: &mut GradientBuffers<T>,
        input: Input,
        ct: Tensor<T>,
    ) {
        self.ordinary.accumulate(op, k, buffers, input, ct);
    }
    fn value<'a>(&mut self, y: &'a Tensor<T>) -> Cow<'a, Tensor<T>> {
        Cow::Owned(self.perturb(y.clone()))
    }
}

/// Adds up `|cotangent · value|` over the results of operations: to first order, how far the root may be off, in units of a
/// rounding of every value.
pub(crate) struct Roundings<'g, T: Element> {
    graph: &'g TapeRef<'g, T>,
    pub(crate) sum: T,
}

impl<'g, T: Element> Roundings<'g, T> {
    pub(crate) fn of(graph: &'g TapeRef<'g, T>) -> Roundings<'g, T> {
        Roundings { graph, sum: T::ZERO }
    }
}

impl<T: Element> Observer<T> for Roundings<'_, T> {
    fn adds_pieces(&self, _op: &'static str) -> bool {
        false
    }
    fn scalar(&mut self, node: NodeId, k: usize, _parent: NodeId, ct: T, slope: T) -> T {
        if k == 0 && ct != T::ZERO {
            self.sum += (ct * self.graph.value(node)).abs();
        }
        slope
    }
    fn tensor(&mut self, graph: &TapeRef<T>, node: NodeId, dy: &Tensor<T>) {
        let Some(slot) = graph.slot(node) else { return };
        for (dy, y) in dy.to_vec().into_iter().zip(graph.tensors[slot].value.to_vec()) {
            if dy != T::ZERO {
                self.sum += (dy * y).abs();
            }
        }
    }
}
