//! The sums of a reverse sweep, in memory of which only the part that it reaches is touched.

use super::NodeId;
use super::nodes::{BLOCK, CONSTANT};
use crate::rules::algebra::Element;

/// The cotangents of scalars, by node.
///
/// A sweep from one of many results reaches few of the nodes before it. So a block of nodes is set to zero when the first
/// contribution to one of them arrives, and the sweep visits no block that none has reached.
#[derive(Clone, Debug)]
pub(crate) struct ScalarSums<T> {
    /// Of no meaning in blocks that have not been reached. As long as for the largest sweep so far: to grow takes time.
    values: Vec<T>,
    /// One bit a block.
    reached: Vec<u64>,
    /// The number of nodes.
    count: usize,
}

impl<T> Default for ScalarSums<T> {
    fn default() -> ScalarSums<T> {
        ScalarSums { values: Vec::new(), reached: Vec::new(), count: 0 }
    }
}

impl<T: Element> ScalarSums<T> {
    /// Forgets everything, and makes room for `count` nodes.
    pub(crate) fn begin(&mut self, count: usize) {
        self.count = count;
        self.reached.clear();
        self.reached.resize(count.div_ceil(BLOCK).div_ceil(64), 0);
        if self.values.is_empty() {
            // The system's own zeros: its pages cost nothing until they are written.
            self.values = vec![T::ZERO; count];
        } else if self.values.len() < count {
            self.values.resize(count, T::ZERO);
        }
    }

    /// Reaches every block with zeros, for sweeps that are to visit all nodes.
    pub(crate) fn reach_all(&mut self) {
        self.values[..self.count].fill(T::ZERO);
        self.reached.fill(u64::MAX);
    }

    /// The first node of the last block before node `end` that has been reached; `end` begins a block or follows the last node.
    #[inline]
    pub(crate) fn last_block(&self, end: usize) -> Option<usize> {
        let blocks = end.div_ceil(BLOCK);
        let (mut word, rest) = (blocks / 64, blocks % 64);
        let mut bits = if rest == 0 { 0 } else { self.reached[word] & ((1 << rest) - 1) };
        while bits == 0 {
            word = word.checked_sub(1)?;
            bits = self.reached[word];
        }
        Some((word * 64 + bits.ilog2() as usize) * BLOCK)
    }

    /// Makes the sweep visit the block of a node, with zeros if nothing has reached it before.
    #[inline]
    pub(crate) fn reach(&mut self, node: NodeId) {
        self.running::<true>().reach(node as usize);
    }

    #[inline]
    pub(crate) fn running<const SPARSE: bool>(&mut self) -> RunningSums<'_, T, SPARSE> {
        RunningSums { first: 0, values: &mut self.values, reached: &mut self.reached }
    }

    /// Adds a contribution to a node. Constants have no cotangent.
    #[inline]
    pub(crate) fn add(&mut self, node: NodeId, ct: T) {
        if node != CONSTANT {
            self.reach(node);
            self.values[node as usize] += ct;
        }
    }

    /// The cotangent of a node, 0 if nothing has reached it.
    #[inline]
    pub(crate) fn get(&self, node: NodeId) -> T {
        let node = node as usize;
        if node < self.count && is_reached(&self.reached, node) { self.values[node] } else { T::ZERO }
    }

    /// The number of blocks that have been reached, and that of all.
    pub(crate) fn reached_blocks(&self) -> (usize, usize) {
        let reached = self.reached.iter().map(|bits| bits.count_ones() as usize).sum();
        (reached, self.count.div_ceil(BLOCK))
    }

    /// The bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.values[..self.count])
    }
}

/// [`ScalarSums`] in a sweep's inner loop: as slices, which stay in registers. If not `SPARSE`, every block has been reached.
pub(crate) struct RunningSums<'s, T, const SPARSE: bool> {
    /// The first node of the block in which the sweep is: that has been reached, and the nodes after it no longer matter.
    first: usize,
    values: &'s mut [T],
    reached: &'s mut [u64],
}

impl<T: Element, const SPARSE: bool> RunningSums<'_, T, SPARSE> {
    /// Goes to the block that begins with node `first`. Returns `false` if it has not been reached.
    #[inline(always)]
    pub(crate) fn enter(&mut self, first: usize) -> bool {
        self.first = first;
        !SPARSE || is_reached(self.reached, first)
    }

    #[inline(always)]
    pub(crate) fn here(&self, node: usize) -> T {
        self.values[node]
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, node: NodeId, ct: T) {
        let node = node as usize;
        if SPARSE && node < self.first {
            self.reach(node);
        }
        self.values[node] += ct;
    }

    /// Sets the block of a node to zero, if this is the first contribution to one of its nodes. What a constant gets is
    /// never read.
    #[inline(always)]
    fn reach(&mut self, node: usize) {
        if !is_reached(self.reached, node) && node != CONSTANT as usize {
            clear(self.values, self.reached, node / BLOCK);
        }
    }
}

/// Returns `true` if a contribution has reached the block of a node.
#[inline(always)]
fn is_reached(reached: &[u64], node: usize) -> bool {
    let block = node / BLOCK;
    reached[block / 64] & (1 << (block % 64)) != 0
}

/// A function of slices: with a reference to [`RunningSums`] it would keep that out of registers.
#[cold]
#[inline(never)]
fn clear<T: Element>(values: &mut [T], reached: &mut [u64], block: usize) {
    reached[block / 64] |= 1 << (block % 64);
    let end = values.len().min((block + 1) * BLOCK);
    values[block * BLOCK..end].fill(T::ZERO);
}

/// Whether the next sweep visits all nodes or looks for those that it reaches.
///
/// To look costs up to a third of the time of a sweep that reaches everything, as most do; not to look costs a sweep that
/// reaches little the time for everything. So the first sweep after a reset visits all. The second one looks, and each after
/// it, but for the next few after one that reached more than half: they cost a constant multiple of that one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SweepWidth {
    /// The number of sweeps to come that visit all nodes.
    all: u8,
}

impl SweepWidth {
    /// Before the first sweep.
    pub(crate) fn new() -> SweepWidth {
        SweepWidth { all: 1 }
    }

    /// Returns `true` if the sweep that begins is to visit all nodes.
    pub(crate) fn sweeps_all(&mut self) -> bool {
        let all = self.all > 0;
        self.all = self.all.saturating_sub(1);
        all
    }

    /// Notes the blocks that a sweep which looked has reached, and their number in all.
    pub(crate) fn reached(&mut self, (reached, blocks): (usize, usize)) {
        self.all = if 2 * reached > blocks { 15 } else { 0 };
    }
}

/// Values by index, of which few are set: to set one and to forget all takes time for those that are set only.
#[derive(Clone, Debug)]
pub(crate) struct Sparse<V> {
    /// For each index a position in `entries`, if that entry is of this index.
    places: Vec<u32>,
    entries: Vec<(u32, Option<V>)>,
}

impl<V> Default for Sparse<V> {
    fn default() -> Sparse<V> {
        Sparse { places: Vec::new(), entries: Vec::new() }
    }
}

/// The value that was set last is dropped first: a sweep sets them in the reverse order of recording, so the buffers of tensors
/// return to the pool in the order in which the next recording takes them.
impl<V> Drop for Sparse<V> {
    fn drop(&mut self) {
        while self.entries.pop().is_some() {}
    }
}

impl<V> Sparse<V> {
    /// Forgets everything, and makes room for indices below `count`.
    pub(crate) fn begin(&mut self, count: usize) {
        while self.entries.pop().is_some() {}
        if self.places.is_empty() {
            self.places = vec![0; count];
        } else {
            self.places.resize(count, 0);
        }
    }

    /// The number of indices.
    pub(crate) fn indices(&self) -> usize {
        self.places.len()
    }

    #[inline]
    fn place(&self, index: usize) -> Option<usize> {
        let place = *self.places.get(index)? as usize;
        self.entries.get(place).is_some_and(|entry| entry.0 as usize == index).then_some(place)
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&V> {
        self.entries[self.place(index)?].1.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut V> {
        let place = self.place(index)?;
        self.entries[place].1.as_mut()
    }

    /// Moves a value out. The entries that are then empty at the end are given up, so the list is about as long as values are set
    /// at a time.
    #[inline]
    pub(crate) fn take(&mut self, index: usize) -> Option<V> {
        let place = self.place(index)?;
        let value = self.entries[place].1.take();
        while self.entries.pop_if(|entry| entry.1.is_none()).is_some() {}
        value
    }

    /// The value at an index, to be set.
    #[inline(always)]
    pub(crate) fn slot(&mut self, index: usize) -> &mut Option<V> {
        let place = self.place(index).unwrap_or_else(|| {
            self.places[index] = self.entries.len() as u32;
            self.entries.push((index as u32, None));
            self.entries.len() - 1
        });
        &mut self.entries[place].1
    }

    /// Sets the value at an index.
    pub(crate) fn set(&mut self, index: usize, value: V) {
        *self.slot(index) = Some(value);
    }

    /// Every value that is set.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().filter_map(|entry| entry.1.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_visited_once_from_the_last_to_the_first() {
        let mut sums = ScalarSums::<f64>::default();
        for round in 1..4 {
            sums.begin(64 * 64 * 2 + 70);
            let nodes = [1_u32, 63, 64, 4095, 4096, 64 * 64 * 2 + 69];
            for &node in &nodes {
                sums.add(node, f64::from(round));
            }
            sums.add(CONSTANT, 1.0);
            let (mut end, mut blocks) = (64 * 64 * 2 + 70, Vec::new());
            while let Some(first) = sums.last_block(end) {
                blocks.push(first);
                end = first;
            }
            assert_eq!(blocks, [64 * 64 * 2 + 64, 4096, 4032, 64, 0]);
            assert!(nodes.iter().all(|&node| sums.get(node) == f64::from(round)));
            assert_eq!([0, 2, 65, 4097, 5000].map(|node| sums.get(node)), [0.0; 5], "round {round}");
        }
        sums.begin(70);
        sums.add(3, 5.0);
        assert_eq!((sums.get(3), sums.get(69), sums.bytes()), (5.0, 0.0, 70 * 8));
        sums.begin(70);
        assert_eq!((sums.get(1), sums.get(100), sums.last_block(70)), (0.0, 0.0, None));
        sums.reach_all();
        assert_eq!((sums.last_block(70), sums.last_block(64), sums.last_block(0)), (Some(64), Some(0), None));
    }

    #[test]
    fn sparse_values_are_forgotten_at_once() {
        let mut sparse = Sparse::default();
        sparse.begin(10);
        sparse.set(3, 'a');
        sparse.set(7, 'b');
        sparse.set(3, 'c');
        assert_eq!((sparse.take(7), sparse.get(7)), (Some('b'), None));
        assert_eq!((sparse.get(3), sparse.get(0)), (Some(&'c'), None));
        sparse.begin(12);
        assert_eq!((sparse.get(3), sparse.get(11), sparse.get(12)), (None, None, None));
        sparse.set(11, 'd');
        if let Some(value) = sparse.get_mut(11) {
            *value = 'e';
        }
        assert_eq!(sparse.values().collect::<Vec<_>>(), [&'e']);
    }
}
