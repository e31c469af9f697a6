//! The buffers in which a reverse sweep leaves its gradients, reused by the next sweep.
//!
//! Defined here because the tape keeps the last one for reuse; users see it as
//! [`Gradients`](crate::Gradients).

use super::{Input, NodeId, Parameters, TapeRef};
use crate::rules::algebra::Element;
use crate::tensor::Tensor;

/// The gradients that are kept when a sweep is done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Retain {
    Leaves,
    /// In ascending order.
    These(Vec<NodeId>),
    All,
}

impl Retain {
    pub(crate) fn these(mut list: Vec<NodeId>) -> Retain {
        list.sort_unstable();
        Retain::These(list)
    }

    pub(crate) fn retains(&self, index: NodeId) -> bool {
        match self {
            Retain::Leaves => false,
            Retain::These(list) => list.binary_search(&index).is_ok(),
            Retain::All => true,
        }
    }
}

/// The gradients of one sweep, in buffers that the next one reuses.
#[derive(Clone, Debug)]
pub(crate) struct GradientBuffers<T: Element> {
    pub(crate) epoch: u64,
    pub(crate) retained: Retain,
    /// By node: scalars, and tensors of rank 0.
    pub(crate) scalars: Vec<T>,
    /// By slot in the table of tensors.
    pub(crate) tensors: Vec<Option<Tensor<T>>>,
    pub(crate) parameters: Parameters,
}

impl<T: Element> Default for GradientBuffers<T> {
    fn default() -> GradientBuffers<T> {
        GradientBuffers {
            epoch: 0,
            retained: Retain::Leaves,
            scalars: Vec::new(),
            tensors: Vec::new(),
            parameters: Parameters::default(),
        }
    }
}

impl<T: Element> GradientBuffers<T> {
    /// Sets everything to zero but `root`, which gets `seed`, or 1.
    pub(crate) fn begin(&mut self, graph: &TapeRef<T>, root: NodeId, seed: Option<Tensor<T>>) {
        self.scalars.clear();
        self.scalars.resize(root as usize + 1, T::ZERO);
        self.tensors.clear();
        self.tensors.resize_with(graph.tensors.len(), || None);
        match (seed, graph.slot(root)) {
            (Some(seed), Some(slot)) if seed.rank() > 0 => self.tensors[slot] = Some(seed),
            (seed, _) => self.scalars[root as usize] = seed.map_or(T::ONE, |seed| seed.item()),
        }
    }

    /// Adds a contribution to the cotangent of an operand.
    #[inline(always)]
    pub(crate) fn add(&mut self, input: Input, ct: Tensor<T>) {
        match input.slot() {
            Some(slot) if ct.rank() > 0 => match &mut self.tensors[slot] {
                Some(sum) => sum.add_in_place(&ct),
                none => *none = Some(ct),
            },
            _ => self.scalars[input.node as usize] += ct.item(),
        }
    }

    /// The complete cotangent of a tensor, unless it is zero. It is moved out unless it is to be retained.
    #[inline(always)]
    pub(crate) fn take_cotangent(
        &mut self,
        node: NodeId,
        slot: usize,
        value: &Tensor<T>,
    ) -> Option<Tensor<T>> {
        if value.rank() == 0 {
            let ct = self.scalars[node as usize];
            (ct != T::ZERO).then(|| Tensor::scalar(ct))
        } else if self.retained.retains(node) {
            self.tensors[slot].clone()
        } else {
            self.tensors[slot].take()
        }
    }

    /// Gives every parameter a gradient, zero if nothing depends on it.
    pub(crate) fn complete(&mut self, graph: &TapeRef<T>) {
        for slot in graph.parameters.slots() {
            let tensor = &graph.tensors[slot];
            let gradient = &mut self.tensors[slot];
            if tensor.value.rank() == 0 {
                let ct = self.scalars.get(tensor.node as usize).copied().unwrap_or(T::ZERO);
                *gradient = Some(Tensor::scalar(ct));
            } else if gradient.is_none() {
                *gradient = Some(zeros(&tensor.value));
            }
        }
    }
}

/// Zeros of the shape of `like`, backed by one element in memory.
pub(crate) fn zeros<T: Element>(like: &Tensor<T>) -> Tensor<T> {
    Tensor::scalar(T::ZERO).stretched(like.shape())
}
