//! The buffers in which a reverse sweep leaves its gradients, reused by the next sweep.
//!
//! Defined here because the tape keeps the last one for reuse; users see it as
//! [`Gradients`](crate::Gradients).

use super::sums::{ScalarSums, Sparse};
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
    pub(crate) scalars: ScalarSums<T>,
    /// By slot in the table of tensors.
    pub(crate) tensors: Sparse<Tensor<T>>,
    pub(crate) parameters: Parameters,
}

impl<T: Element> Default for GradientBuffers<T> {
    fn default() -> GradientBuffers<T> {
        GradientBuffers {
            epoch: 0,
            retained: Retain::Leaves,
            scalars: ScalarSums::default(),
            tensors: Sparse::default(),
            parameters: Parameters::default(),
        }
    }
}

impl<T: Element> GradientBuffers<T> {
    /// Sets everything to zero but `root`, which gets `seed`, or 1. With `all` the sweep is to visit every node.
    pub(crate) fn begin(&mut self, graph: &TapeRef<T>, root: NodeId, seed: Option<Tensor<T>>, all: bool) {
        self.scalars.begin(root as usize + 1);
        if all {
            self.scalars.reach_all();
        }
        self.tensors.begin(graph.tensors.len());
        match seed {
            Some(seed) => self.add(graph.operand(root), seed),
            None => self.scalars.add(root, T::ONE),
        }
    }

    /// Makes room for the gradients with respect to these parameters, if there is none yet.
    pub(crate) fn for_parameters(&mut self, slots: usize, parameters: &Parameters) {
        if self.tensors.indices() != slots {
            self.tensors.begin(slots);
            self.parameters.clone_from(parameters);
        }
    }

    /// Adds a contribution to the cotangent of an operand.
    #[inline(always)]
    pub(crate) fn add(&mut self, input: Input, ct: Tensor<T>) {
        match input.slot() {
            Some(slot) if ct.rank() > 0 => match self.tensors.slot(slot) {
                Some(sum) => sum.add_in_place(&ct),
                none => {
                    *none = Some(ct);
                    self.scalars.reach(input.node);
                }
            },
            _ => self.scalars.add(input.node, ct.item()),
        }
    }

    /// The sum of what an operand has received.
    pub(crate) fn sum(&self, input: Input) -> Tensor<T> {
        let tensor = input.slot().and_then(|slot| self.tensors.get(slot)).cloned();
        tensor.unwrap_or_else(|| Tensor::scalar(self.scalars.get(input.node)))
    }

    /// Sets the cotangent of a tensor.
    #[cfg(feature = "faults")]
    pub(crate) fn set(&mut self, node: NodeId, slot: usize, ct: Tensor<T>) {
        self.scalars.reach(node);
        self.tensors.set(slot, ct);
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
            let ct = self.scalars.get(node);
            (ct != T::ZERO).then(|| Tensor::scalar(ct))
        } else if self.retained.retains(node) {
            self.tensors.get(slot).cloned()
        } else {
            self.tensors.take(slot)
        }
    }

    /// Gives every parameter a gradient, zero if nothing depends on it.
    pub(crate) fn complete(&mut self, graph: &TapeRef<T>) {
        for slot in graph.parameters.slots() {
            let tensor = &graph.tensors[slot];
            if tensor.value.rank() == 0 {
                self.tensors.set(slot, Tensor::scalar(self.scalars.get(tensor.node)));
            } else if self.tensors.get(slot).is_none() {
                self.tensors.set(slot, zeros(&tensor.value));
            }
        }
    }
}

/// Zeros of the shape of `like`, backed by one element in memory.
pub(crate) fn zeros<T: Element>(like: &Tensor<T>) -> Tensor<T> {
    Tensor::scalar(T::ZERO).stretched(like.shape())
}
