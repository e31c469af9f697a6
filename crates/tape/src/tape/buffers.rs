//! Where a reverse sweep leaves its gradients, in buffers that the next sweep uses again.
//!
//! The tape holds the store handed out last, so it stands here; what a user sees of it is
//! [`Gradients`](crate::Gradients).

use super::{Input, NodeId, TapeRef};
use crate::rules::algebra::Element;
use crate::tensor::Tensor;
use std::collections::HashMap;

/// Which gradients stay when a sweep is done.
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

/// The place in the table of tensors of each parameter. Ids are counted up and a model asks for its parameters in the
/// order they were made, so that nearly every one is larger than those before it and goes to the end of a sorted list;
/// the others, in whatever order they come, go to a map.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    ascending: Vec<(u64, u32)>,
    others: HashMap<u64, u32>,
}

impl Clone for Parameters {
    fn clone(&self) -> Parameters {
        Parameters { ascending: self.ascending.clone(), others: self.others.clone() }
    }

    /// In the memory that is there.
    fn clone_from(&mut self, other: &Parameters) {
        self.ascending.clone_from(&other.ascending);
        self.others.clone_from(&other.others);
    }
}

impl Parameters {
    /// Where a parameter stands in the sorted list, if it is larger than its last or stands there.
    #[inline]
    fn find(&self, id: u64) -> Option<Result<usize, usize>> {
        match self.ascending.last() {
            Some(&(last, _)) if last >= id => {
                self.ascending.binary_search_by_key(&id, |&(id, _)| id).ok().map(Ok)
            }
            _ => Some(Err(self.ascending.len())),
        }
    }

    /// The place of a parameter, if there is one of this id.
    #[inline]
    pub(crate) fn get(&self, id: u64) -> Option<u32> {
        match self.find(id) {
            Some(Ok(at)) => Some(self.ascending[at].1),
            Some(Err(_)) => None,
            None => self.others.get(&id).copied(),
        }
    }

    /// Notes the place of a parameter.
    pub(crate) fn set(&mut self, id: u64, slot: u32) {
        match self.find(id) {
            Some(Ok(at)) => self.ascending[at].1 = slot,
            Some(Err(_)) => self.ascending.push((id, slot)),
            None => drop(self.others.insert(id, slot)),
        }
    }

    /// The places of all parameters.
    pub(crate) fn slots(&self) -> impl Iterator<Item = usize> {
        self.ascending.iter().map(|(_, slot)| slot).chain(self.others.values()).map(|&slot| slot as usize)
    }

    pub(crate) fn clear(&mut self) {
        self.ascending.clear();
        self.others.clear();
    }
}

/// The gradients of one sweep, in buffers that the next one uses again.
#[derive(Clone, Debug)]
pub(crate) struct GradientBuffers<T: Element> {
    pub(crate) epoch: u64,
    pub(crate) retained: Retain,
    /// By node: numbers, and tensors of rank 0.
    pub(crate) scalars: Vec<T>,
    /// By place in the table of tensors.
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
    /// Zero everywhere but at `root`, which gets `seed`, or 1.
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
                Some(sum) => sum.add_assign(&ct),
                none => *none = Some(ct),
            },
            _ => self.scalars[input.node as usize] += ct.item(),
        }
    }

    /// The complete cotangent of a tensor, unless it is zero. It is moved out, except if it is to be retained.
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
                *gradient = Some(Tensor::scalar(T::ZERO).stretched(tensor.value.shape()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_in_whatever_order_they_came() {
        let mut parameters = Parameters::default();
        for (slot, id) in [7, 9, 3, 8, 1, 20, 9].into_iter().enumerate() {
            parameters.set(id, slot as u32);
            assert_eq!(parameters.get(id), Some(slot as u32));
        }
        let found: Vec<_> = [1, 3, 7, 8, 9, 20].map(|id| parameters.get(id)).into();
        assert_eq!(found, [4, 2, 0, 3, 6, 5].map(Some));
        assert_eq!([0, 2, 10, 21].map(|id| parameters.get(id)), [None; 4]);
        let mut slots: Vec<_> = parameters.slots().collect();
        slots.sort_unstable();
        assert_eq!(slots, [0, 2, 3, 4, 5, 6]);
        let mut copy = Parameters::default();
        copy.set(30, 0);
        copy.clone_from(&parameters);
        assert_eq!((copy.get(30), copy.get(20)), (None, Some(5)));
        parameters.clear();
        assert_eq!(parameters.get(7), None);
    }
}
