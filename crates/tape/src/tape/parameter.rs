//! Parameters: leaves that keep their identity from one recording to the next.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The identity of a parameter across tapes: unique in the process.
///
/// ```
/// use tape::{ParamId, Tape, Tensor};
/// let (id, value) = (ParamId::new(), Tensor::from([2.0, 3.0]));
/// let tape = Tape::new();
/// let (first, second) = (tape.parameter(id, &value), tape.parameter(id, &value));
/// let grads = (first * second).sum().backward();
/// assert_eq!(grads.of(id), Tensor::from([4.0, 6.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(pub(crate) u64);

impl ParamId {
    /// Returns an id that no other parameter has.
    #[allow(clippy::new_without_default, reason = "every id is a new one")]
    pub fn new() -> ParamId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        ParamId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The id as a number.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// The slot in the table of tensors of each parameter. Ids count up, and a model requests its parameters in
/// the order of their creation, so nearly every id is larger than those before it and is appended to a sorted
/// list; the others go to a map.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    ascending: Vec<(u64, u32)>,
    others: HashMap<u64, u32>,
}

impl Clone for Parameters {
    fn clone(&self) -> Parameters {
        Parameters { ascending: self.ascending.clone(), others: self.others.clone() }
    }

    /// Reuses the allocated memory.
    fn clone_from(&mut self, other: &Parameters) {
        self.ascending.clone_from(&other.ascending);
        self.others.clone_from(&other.others);
    }
}

impl Parameters {
    /// The position of a parameter in the sorted list: `Ok` if it is there, `Err` if it belongs after the
    /// last one, `None` otherwise.
    #[inline]
    fn find(&self, id: u64) -> Option<Result<usize, usize>> {
        match self.ascending.last() {
            Some(&(last, _)) if last >= id => {
                self.ascending.binary_search_by_key(&id, |&(id, _)| id).ok().map(Ok)
            }
            _ => Some(Err(self.ascending.len())),
        }
    }

    /// The slot of a parameter, if there is one with this id.
    #[inline]
    pub(crate) fn get(&self, id: u64) -> Option<u32> {
        match self.find(id) {
            Some(Ok(at)) => Some(self.ascending[at].1),
            Some(Err(_)) => None,
            None => self.others.get(&id).copied(),
        }
    }

    /// Sets the slot of a parameter.
    pub(crate) fn set(&mut self, id: u64, slot: u32) {
        match self.find(id) {
            Some(Ok(at)) => self.ascending[at].1 = slot,
            Some(Err(_)) => self.ascending.push((id, slot)),
            None => drop(self.others.insert(id, slot)),
        }
    }

    /// The slots of all parameters.
    pub(crate) fn slots(&self) -> impl Iterator<Item = usize> {
        self.ascending.iter().map(|(_, slot)| slot).chain(self.others.values()).map(|&slot| slot as usize)
    }

    /// Every parameter with its slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ParamId, usize)> {
        let ascending = self.ascending.iter().map(|&(id, slot)| (ParamId(id), slot as usize));
        ascending.chain(self.others.iter().map(|(&id, &slot)| (ParamId(id), slot as usize)))
    }

    pub(crate) fn clear(&mut self) {
        self.ascending.clear();
        self.others.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_in_any_order_of_insertion() {
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
