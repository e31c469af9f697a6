//! The memory that a recording holds.

use crate::rules::algebra::Element;
use crate::tape::Tape;
use crate::tensor::Tensor;
use std::collections::HashSet;
use std::fmt;

/// The memory of a tape, in bytes: see [`Tape::memory`].
///
/// # Examples
/// ```
/// use tape::Tape;
/// let mut tape = Tape::new();
/// let x = tape.var(vec![1.0; 1000]);
/// let y = x.reshape([10, 100]).exp();
/// let memory = tape.memory();
/// assert_eq!((memory.nodes, memory.tensors), (3, 3));
/// // The reshaped tensor shares the buffer of `x`; buffers are up to a quarter longer than requested.
/// assert!((2 * 8000..=2 * 10_000).contains(&memory.value_bytes));
/// assert_eq!(memory.gradient_bytes, 0);
/// y.sum().backward();
/// assert!((8000..=12_000).contains(&tape.memory().gradient_bytes));
/// tape.reset();
/// assert_eq!((tape.memory().nodes, tape.memory().value_bytes), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Recorded nodes, scalars and tensors, as [`Tape::len`] counts them.
    pub nodes: usize,
    /// The number of tensors among them.
    pub tensors: usize,
    /// The bytes of the nodes: operations, operands and source locations, but not the values of tensors.
    pub node_bytes: usize,
    /// The bytes of the buffers of the recorded tensors. A buffer that several of them share counts once, as
    /// a whole.
    pub value_bytes: usize,
    /// The bytes of the gradients of the last sweep, which the next one may overwrite.
    pub gradient_bytes: usize,
}

impl Memory {
    /// The total.
    pub fn bytes(&self) -> usize {
        self.node_bytes + self.value_bytes + self.gradient_bytes
    }
}

impl fmt::Display for Memory {
    /// One line, as `3 nodes, 3 tensors: 528 bytes of nodes, 16384 of values, 0 of gradients`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} nodes, {} tensors: {} bytes of nodes, {} of values, {} of gradients",
            self.nodes, self.tensors, self.node_bytes, self.value_bytes, self.gradient_bytes
        )
    }
}

/// Counts the bytes of buffers, each once.
#[derive(Default)]
struct Buffers<T>(HashSet<*const T>);

impl<T: Element> Buffers<T> {
    /// The bytes of the buffer of `x`, or 0 if it has already been counted.
    fn bytes(&mut self, x: &Tensor<T>) -> usize {
        let buffer = x.buffer();
        if self.0.insert(buffer.as_ptr()) { size_of_val(buffer) } else { 0 }
    }
}

impl<T: Element> Tape<T> {
    /// The memory of the recording and of the gradients that the last reverse sweep left.
    ///
    /// Memory that is kept for later and holds nothing now is not counted: the capacity that outlives a
    /// [`reset`](Tape::reset), and the buffers which dropped tensors have returned to their thread. Neither
    /// is the memory that a sweep needs while it runs: the cotangents in progress, and a
    /// [`checkpoint`](Tape::checkpoint) recorded again.
    pub fn memory(&self) -> Memory {
        let graph = self.graph();
        let mut buffers = Buffers::default();
        let value_bytes = graph.tensors.iter().map(|array| buffers.bytes(&array.value)).sum();
        let gradient_bytes = graph.recycled.iter().map(|store| {
            store.scalars.bytes() + store.tensors.values().map(|x| buffers.bytes(x)).sum::<usize>()
        });
        Memory {
            nodes: self.len(),
            tensors: graph.tensors.len(),
            node_bytes: graph.nodes.bytes() + graph.bytes(),
            value_bytes,
            gradient_bytes: gradient_bytes.sum(),
        }
    }
}
