//! The nodes of a tape: a list that grows without moving.
//!
//! Recording a scalar takes a few nanoseconds, so the list has no lock: it consists of cells, in chunks each
//! twice as long as the one before it. A node is never moved or dropped before the tape is reset, and there
//! is never a reference into the list while it grows. (`docs/decisions/0006-node-list.md` has the
//! measurements.)

use crate::error::Error;
use crate::ops::Mul;
use crate::rules::algebra::{Binary, Element};
use std::cell::{Cell, OnceCell, RefCell};
use std::panic::Location;

/// Index of a node on its tape. Node 0 represents "a constant": it is never a result.
pub(crate) type NodeId = u32;

/// The operand that is not on the tape.
pub(crate) const CONSTANT: NodeId = 0;

/// The node is a leaf; its value is in `partial[0]`.
pub(crate) const LEAF: u32 = u32::MAX;

/// The node is a tensor; `parent[0]` is its slot in the side table.
pub(crate) const TENSOR: u32 = u32::MAX - 1;

/// The node is the product of its parents, added to the node before it: a term of a chain `z + w x`.
pub(crate) const MUL_ADD: u32 = u32::MAX - 2;

/// The node is one of its parents, chosen by a comparison that `Records::choices` keeps. Only recorded for programs: other
/// recordings take the branch that the values decide.
pub(crate) const CHOICE: u32 = u32::MAX - 3;

/// A recorded scalar: 32 bytes in `f64`.
///
/// The value is not kept: the reverse sweep needs partial derivatives only, and other uses (higher orders,
/// views) recompute all values once. A constant operand has index 0, and its value is stored in place of its
/// partial derivative, which is never needed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<T> {
    pub(crate) partial: [T; 2],
    pub(crate) parent: [NodeId; 2],
    /// The function of the parents: an index into [`ScalarFns`](super::ScalarFns), or `LEAF`, `TENSOR`, `MUL_ADD` or
    /// `CHOICE`.
    pub(crate) rule: u32,
}

impl<T: Element> Node<T> {
    pub(crate) fn leaf(value: T) -> Node<T> {
        Node { partial: [value, T::ZERO], parent: [CONSTANT; 2], rule: LEAF }
    }

    pub(crate) fn tensor(slot: u32) -> Node<T> {
        Node { partial: [T::ZERO; 2], parent: [slot, 0], rule: TENSOR }
    }

    /// The index in [`ScalarFns`](super::ScalarFns) of the function of the parents; leaves, tensors and choices have
    /// none.
    pub(crate) fn function(&self) -> Option<u32> {
        match self.rule {
            LEAF | TENSOR | CHOICE => None,
            MUL_ADD => Mul::BUILTIN_INDEX,
            rule => Some(rule),
        }
    }

    /// The scalar to which the function of the parents is added, if this is node `index`.
    pub(crate) fn addend(&self, index: NodeId) -> Option<NodeId> {
        (self.rule == MUL_ADD).then(|| index - 1)
    }

    /// Everything that node `index`, a scalar, was computed from; a constant is `CONSTANT`.
    pub(crate) fn operands(&self, index: NodeId) -> impl Iterator<Item = NodeId> {
        self.parent.into_iter().chain(self.addend(index))
    }
}

/// The slot of a node that is not a tensor.
pub(crate) const NOT_A_TENSOR: u32 = u32::MAX;

/// An operand of a tensor operation: its node, and if it is a tensor its slot in the side table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input {
    pub(crate) node: NodeId,
    pub(crate) slot: u32,
}

impl Input {
    pub(crate) fn scalar(node: NodeId) -> Input {
        Input { node, slot: NOT_A_TENSOR }
    }

    /// The slot in the side table, if this is a tensor.
    #[inline]
    pub(crate) fn slot(self) -> Option<usize> {
        (self.slot != NOT_A_TENSOR).then_some(self.slot as usize)
    }
}

/// Nodes in the first chunk, as a power of two.
const FIRST: u32 = 6;

/// Nodes in a block, the unit in which sweeps skip nodes: as many as in the first chunk, so that chunks consist of blocks.
pub(crate) const BLOCK: usize = 1 << FIRST;

/// Chunk `k` has `2ᵏ` nodes, beginning with index `2ᵏ - 2^FIRST`; there are none below `FIRST`.
const CHUNKS: usize = u32::BITS as usize;

/// The largest number of nodes.
const LIMIT: usize = u32::MAX as usize - ((1 << FIRST) - 1);

/// The length of a chunk, and the index of its first node.
#[inline(always)]
fn extent(chunk: usize) -> (usize, usize) {
    (1 << chunk, (1 << chunk) - (1 << FIRST))
}

/// The chunk of a node, and its position there.
#[inline(always)]
fn locate(index: u32) -> (usize, usize) {
    let shifted = u64::from(index) + (1 << FIRST);
    let chunk = shifted.ilog2();
    (chunk as usize, (shifted ^ (1 << chunk)) as usize)
}

/// The source locations where nodes were created.
struct Sites {
    of_nodes: RefCell<Vec<&'static Location<'static>>>,
    /// The location of every node that is created now: see [`Nodes::located`].
    all: Cell<Option<&'static Location<'static>>>,
}

/// Contiguous nodes, each of which can be set while others are read.
type Chunk<T> = Box<[Cell<Node<T>>]>;

/// Nodes in the order they were recorded.
pub(crate) struct Nodes<T> {
    chunks: [OnceCell<Chunk<T>>; CHUNKS],
    len: Cell<u32>,
    /// Only on a tape with locations.
    sites: Option<Sites>,
}

impl<T: Element> Nodes<T> {
    /// A list with node 0 and no other.
    #[track_caller]
    pub(crate) fn new() -> Nodes<T> {
        let nodes = Nodes { chunks: [const { OnceCell::new() }; CHUNKS], len: Cell::new(0), sites: None };
        nodes.push(Node::leaf(T::ZERO));
        nodes
    }

    /// Remembers from now on where nodes are created.
    #[track_caller]
    pub(crate) fn trace(&mut self) {
        let of_nodes = RefCell::new(vec![Location::caller(); self.len()]);
        self.sites = Some(Sites { of_nodes, all: Cell::new(None) });
    }

    /// Runs `f`, in which every node that is created gets this location. The outermost call counts.
    pub(crate) fn located<V>(&self, site: &'static Location<'static>, f: impl FnOnce() -> V) -> V {
        let Some(all) = self.sites.as_ref().map(|sites| &sites.all).filter(|all| all.get().is_none()) else {
            return f();
        };
        /// Ends it, also when `f` panics.
        struct End<'s>(&'s Cell<Option<&'static Location<'static>>>);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.set(None);
            }
        }
        all.set(Some(site));
        let _end = End(all);
        f()
    }

    /// The location that every node gets which is created now: see [`located`](Nodes::located).
    pub(crate) fn outer_site(&self) -> Option<&'static Location<'static>> {
        self.sites.as_ref()?.all.get()
    }

    /// The number of nodes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len.get() as usize
    }

    /// Adds a node.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn push(&self, node: Node<T>) -> NodeId {
        let index = self.len.get();
        let (chunk, at) = locate(index);
        let nodes = match self.chunks.get(chunk).and_then(OnceCell::get) {
            Some(nodes) => nodes,
            None => self.grow(chunk),
        };
        nodes[at].set(node);
        self.len.set(index + 1);
        if self.sites.is_some() {
            self.note(Location::caller());
        }
        index
    }

    /// Remembers where the last node was created.
    #[cold]
    #[inline(never)]
    fn note(&self, site: &'static Location<'static>) {
        if let Some(sites) = &self.sites {
            sites.of_nodes.borrow_mut().push(sites.all.get().unwrap_or(site));
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn grow(&self, chunk: usize) -> &[Cell<Node<T>>] {
        if chunk == CHUNKS {
            Error::Capacity { limit: LIMIT }.panic();
        }
        let (length, _) = extent(chunk);
        self.chunks[chunk].get_or_init(|| vec![Cell::new(Node::leaf(T::ZERO)); length].into())
    }

    /// A node.
    ///
    /// # Panics
    /// If no node has that index.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Node<T> {
        debug_assert!(index < self.len());
        let (chunk, at) = locate(index as u32);
        self.chunks[chunk].get().map(|nodes| nodes[at].get()).expect("a node that was recorded")
    }

    /// The nodes of the block that begins with node `first`, up to node `end`.
    #[inline]
    pub(crate) fn block(&self, first: usize, end: usize) -> &[Cell<Node<T>>] {
        let (chunk, at) = locate(first as u32);
        let nodes = self.chunks[chunk].get().map_or(&[][..], |nodes| &nodes[at..]);
        &nodes[..BLOCK.min(end - first)]
    }

    /// The nodes of the chunk that holds node `end - 1`, up to that node, and the index of the first of them.
    #[inline]
    pub(crate) fn chunk(&self, end: usize) -> (usize, &[Cell<Node<T>>]) {
        let (chunk, at) = locate((end - 1) as u32);
        (end - 1 - at, self.chunks[chunk].get().map_or(&[], |nodes| &nodes[..at + 1]))
    }

    /// Forgets all nodes but node 0 and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.len.set(1);
        if let Some(sites) = &mut self.sites {
            sites.of_nodes.get_mut().truncate(1);
        }
    }

    /// The bytes of the recorded nodes and their source locations.
    pub(crate) fn bytes(&self) -> usize {
        let site = self.sites.as_ref().map_or(0, |_| size_of::<&Location<'_>>());
        (self.len() - 1) * (size_of::<Node<T>>() + site)
    }

    /// Where a node was created, on a tape with locations.
    pub(crate) fn site(&self, index: NodeId) -> Option<&'static Location<'static>> {
        self.sites.as_ref()?.of_nodes.borrow().get(index as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_one_position() {
        let mut next = 0;
        for chunk in FIRST as usize..CHUNKS {
            let (length, first) = extent(chunk);
            assert_eq!(first, next);
            assert_eq!(locate(first as u32), (chunk, 0));
            assert_eq!(locate((first + length - 1) as u32), (chunk, length - 1));
            next = first + length;
        }
        assert_eq!((next, locate(LIMIT as u32)), (LIMIT, (CHUNKS, 0)));
    }

    #[test]
    fn nodes_never_move() {
        let mut nodes = Nodes::<f64>::new();
        for round in 0..2 {
            for i in 1..1000 {
                assert_eq!(nodes.push(Node::leaf(f64::from(i + round))), i as NodeId);
            }
            for i in 1..1000 {
                assert_eq!(nodes.get(i).partial[0], (i as f64) + f64::from(round), "node {i}");
            }
            for end in [1, 64, 65, 700, 1000] {
                for first in (0..end).step_by(BLOCK) {
                    let block = nodes.block(first, end);
                    assert_eq!(block.len(), BLOCK.min(end - first));
                    for (i, node) in (first..).zip(block).skip(usize::from(first == 0)) {
                        assert_eq!(node.get().partial[0], (i as f64) + f64::from(round), "node {i}");
                    }
                }
            }
            nodes.clear();
            assert_eq!(nodes.len(), 1);
        }
    }

    /// As many nodes as indices: the next one is refused, and a list that is cleared goes on.
    #[test]
    fn indices_run_out_with_an_error() {
        let mut nodes = Nodes::<f64>::new();
        nodes.len.set(LIMIT as u32);
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| nodes.push(Node::leaf(1.0))));
        let payload = refused.expect_err("there is no index for one more");
        let text = payload.downcast_ref::<String>().expect("a text");
        assert_eq!(*text, Error::Capacity { limit: LIMIT }.to_string());
        assert!(text.contains("4294967232"), "{text}");
        assert_eq!(nodes.len(), LIMIT, "nothing was added");
        nodes.clear();
        assert_eq!(nodes.push(Node::leaf(2.0)), 1);
        assert_eq!(nodes.get(1).partial[0], 2.0);
    }
}
