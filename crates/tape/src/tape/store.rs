//! Where a reverse sweep leaves its gradients, in buffers that the next sweep uses again.
//!
//! The tape holds the store handed out last, so it stands here; what a user sees of it is
//! [`Gradients`](crate::Gradients).

use super::Index;
use crate::algebra::Element;
use crate::tensor::Tensor;
use std::collections::HashMap;

/// Which gradients stay when a sweep is done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Keep {
    Leaves,
    /// In ascending order.
    These(Vec<Index>),
    All,
}

impl Keep {
    pub(crate) fn these(mut list: Vec<Index>) -> Keep {
        list.sort_unstable();
        Keep::These(list)
    }

    pub(crate) fn keeps(&self, index: Index) -> bool {
        match self {
            Keep::Leaves => false,
            Keep::These(list) => list.binary_search(&index).is_ok(),
            Keep::All => true,
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
pub(crate) struct Store<T: Element> {
    pub(crate) epoch: u64,
    pub(crate) kept: Keep,
    /// By node: numbers, and tensors of rank 0.
    pub(crate) scalars: Vec<T>,
    /// By place in the table of tensors.
    pub(crate) arrays: Vec<Option<Tensor<T>>>,
    pub(crate) parameters: Parameters,
}

impl<T: Element> Default for Store<T> {
    fn default() -> Store<T> {
        Store {
            epoch: 0,
            kept: Keep::Leaves,
            scalars: Vec::new(),
            arrays: Vec::new(),
            parameters: Parameters::default(),
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
