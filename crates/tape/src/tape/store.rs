//! Where a reverse sweep leaves its gradients, in buffers that the next sweep uses again.
//!
//! The tape holds the store handed out last, so it stands here; what a user sees of it is
//! [`Gradients`](crate::Gradients).

use super::Index;
use super::rules::Word;
use crate::algebra::Element;
use crate::tensor::Tensor;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

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

/// Parameters by id, and the place of each in the table of tensors. Ids are counted up: they need no hashing.
pub(crate) type Parameters = HashMap<u64, u32, BuildHasherDefault<Word>>;

/// The gradients of one sweep, in buffers that the next one uses again.
#[derive(Clone, Debug)]
pub(crate) struct Store<T: Element> {
    pub(crate) epoch: u64,
    pub(crate) kept: Keep,
    /// By node: numbers, and tensors of rank 0.
    pub(crate) scalars: Vec<T>,
    /// By place in the table of tensors.
    pub(crate) arrays: Vec<Option<Tensor<T>>>,
    pub(crate) parameters: Arc<Parameters>,
}

impl<T: Element> Default for Store<T> {
    fn default() -> Store<T> {
        Store {
            epoch: 0,
            kept: Keep::Leaves,
            scalars: Vec::new(),
            arrays: Vec::new(),
            parameters: Arc::default(),
        }
    }
}
