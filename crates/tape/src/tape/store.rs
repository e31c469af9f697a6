//! Where a reverse sweep leaves its gradients, in buffers that the next sweep uses again.
//!
//! The tape holds the store handed out last, so it stands here; what a user sees of it is
//! [`Gradients`](crate::Gradients).

use super::Index;
use crate::algebra::Element;
use crate::tensor::Tensor;

/// Which gradients stay when a sweep is done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Keep {
    Leaves,
    These(Vec<Index>),
    All,
}

impl Keep {
    pub(crate) fn keeps(&self, index: Index) -> bool {
        match self {
            Keep::Leaves => false,
            Keep::These(list) => list.contains(&index),
            Keep::All => true,
        }
    }
}

/// The place in the table of tensors of each parameter, by ascending id. Ids are counted up and a model asks for its
/// parameters in the order they were made, so that a new one nearly always goes to the end.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(u64, u32)>);

impl Clone for Parameters {
    fn clone(&self) -> Parameters {
        Parameters(self.0.clone())
    }

    /// In the memory that is there.
    fn clone_from(&mut self, other: &Parameters) {
        self.0.clone_from(&other.0);
    }
}

impl Parameters {
    #[inline]
    fn find(&self, id: u64) -> Result<usize, usize> {
        match self.0.last() {
            Some(&(last, _)) if last < id => Err(self.0.len()),
            _ => self.0.binary_search_by_key(&id, |&(id, _)| id),
        }
    }

    /// The place of a parameter, if there is one of this id.
    #[inline]
    pub(crate) fn get(&self, id: u64) -> Option<u32> {
        self.find(id).ok().map(|at| self.0[at].1)
    }

    /// Notes the place of a parameter.
    pub(crate) fn set(&mut self, id: u64, slot: u32) {
        match self.find(id) {
            Ok(at) => self.0[at].1 = slot,
            Err(at) => self.0.insert(at, (id, slot)),
        }
    }

    /// The places of all parameters.
    pub(crate) fn slots(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|&(_, slot)| slot as usize)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
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
        assert_eq!(parameters.slots().collect::<Vec<_>>(), [4, 2, 0, 3, 6, 5]);
        let mut copy = Parameters::default();
        copy.set(30, 0);
        copy.clone_from(&parameters);
        assert_eq!((copy.get(30), copy.get(20)), (None, Some(5)));
        parameters.clear();
        assert_eq!(parameters.get(7), None);
    }
}
