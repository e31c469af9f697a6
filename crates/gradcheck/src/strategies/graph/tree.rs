//! The strategy that draws graphs, and shrinks them by edits that can be undone.

use super::simpler::simpler;
use super::spec::{Exactness, GraphSpec, Instr, LeafSpec, Opcode};
use crate::strategies::shapes::MAX_SIZE;
use crate::strategies::values::{NUMERATOR, numerators};
use proptest::collection;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::strategy::{NewTree, ValueTree};
use proptest::test_runner::TestRunner;
use std::ops::RangeInclusive;

/// A strategy for random computation graphs: see [`graphs`].
#[derive(Clone, Debug)]
pub struct Graphs {
    track: Exactness,
    leaves: RangeInclusive<usize>,
    nodes: RangeInclusive<usize>,
}

/// Draws random computation graphs of tensors and scalars: 1 to 3 leaves, 1 to 16 instructions, with results
/// used several times or not at all. A failing graph shrinks to a smaller one: another root, fewer
/// instructions, simpler operations, smaller shapes, simpler values.
///
/// ```
/// use proptest::prelude::*;
/// use tape::Tape;
/// use gradcheck::strategies::{Exactness, graphs};
/// proptest!(|(spec in graphs(Exactness::Exact))| {
///     let program = spec.resolve();
///     let tape = Tape::new();
///     let recorded = program.record(&tape);
///     // An exact gradient is exactly linear in the cotangent.
///     let (once, twice) = (recorded.loss.backward(), (recorded.loss * 2.0).backward());
///     for leaf in recorded.leaves {
///         prop_assert_eq!(once.wrt(leaf) * 2.0, twice.wrt(leaf));
///     }
/// });
/// ```
pub fn graphs(track: Exactness) -> Graphs {
    Graphs { track, leaves: 1..=3, nodes: 1..=16 }
}

impl Graphs {
    /// Sets the range of the number of instructions.
    pub fn nodes(mut self, count: RangeInclusive<usize>) -> Graphs {
        self.nodes = count;
        self
    }

    /// Sets the range of the number of leaves.
    pub fn leaves(mut self, count: RangeInclusive<usize>) -> Graphs {
        self.leaves = count;
        self
    }
}

/// The class of an operation, as a table of 17 equally likely draws.
const CLASSES: [usize; 17] = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 3, 4, 5, 5, 6];

/// Draws extents of leaves. Empty ones are rare: they make the whole graph empty.
fn extents() -> impl Strategy<Value = usize> {
    prop_oneof![8 => Just(1_usize), 8 => Just(2), 6 => Just(3), 3 => Just(5), 1 => Just(0)]
}

/// Builds a leaf with at most [`MAX_SIZE`] elements: extents that do not fit become 1.
fn leaf((dims, values): (Vec<usize>, Vec<i8>)) -> LeafSpec {
    let mut size = 1;
    let extent = |extent: usize| {
        let fits = size * extent <= MAX_SIZE;
        size *= if fits { extent } else { 1 };
        if fits { extent } else { 1 }
    };
    let shape: Vec<usize> = dims.into_iter().map(extent).collect();
    let values = values.into_iter().take(shape.iter().product()).collect();
    LeafSpec { shape, values }
}

impl Strategy for Graphs {
    type Tree = GraphTree;
    type Value = GraphSpec;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Graphs> {
        let leaves = (collection::vec(extents(), 0..=3), numerators(MAX_SIZE)).prop_map(leaf);
        let leaves = collection::vec(leaves, self.leaves.clone()).new_tree(runner)?.current();
        let instr = (0..CLASSES.len(), any::<(u8, [u8; 2], bool, u8, i8)>());
        let drawn = collection::vec(instr, self.nodes.clone()).new_tree(runner)?.current();
        let cotangent = collection::vec(1..=NUMERATOR, 1..=MAX_SIZE).new_tree(runner)?.current();
        let signs = collection::vec(any::<bool>(), cotangent.len()).new_tree(runner)?.current();
        let classes = Opcode::classes(self.track);
        let nodes = drawn.into_iter().enumerate().map(|(k, (class, (op, operands, last, axis, c)))| {
            let class = &classes[CLASSES[class]];
            let available = leaves.len() + k;
            let at = |operand: u8| usize::from(operand) % available;
            // Half of the first operands are the previous result, which produces chains.
            let first = if last { available - 1 } else { at(operands[0]) };
            let operands = [first, at(operands[1])].map(|at| at as u8);
            Instr { op: class[usize::from(op) % class.len()], operands, axis, c }
        });
        let nodes = nodes.collect();
        let cotangent = cotangent.iter().zip(signs).map(|(&k, minus)| if minus { -k } else { k }).collect();
        Ok(GraphTree::new(GraphSpec { track: self.track, leaves, nodes, cotangent }))
    }
}

/// A graph with the edits that would simplify it. An edit after which the test passes is undone.
#[derive(Clone, Debug)]
pub struct GraphTree {
    /// The simplest graph that is known to fail.
    failing: GraphSpec,
    /// The edits left to try on it, the last one first; `None` until needed.
    edits: Option<Vec<GraphSpec>>,
    /// The edit being tried.
    current: GraphSpec,
}

impl GraphTree {
    fn new(spec: GraphSpec) -> GraphTree {
        GraphTree { failing: spec.clone(), edits: None, current: spec }
    }
}

impl ValueTree for GraphTree {
    type Value = GraphSpec;

    fn current(&self) -> GraphSpec {
        self.current.clone()
    }

    /// The current graph fails: keeps the edit, and tries the next one on it.
    fn simplify(&mut self) -> bool {
        if self.current != self.failing || self.edits.is_none() {
            self.failing = self.current.clone();
            self.edits = Some(simpler(&self.failing));
        }
        self.next()
    }

    /// The current graph does not fail: undoes the edit, and tries another. After the last one, returns to the failing
    /// graph.
    fn complicate(&mut self) -> bool {
        self.next() || std::mem::replace(&mut self.current, self.failing.clone()) != self.failing
    }
}

impl GraphTree {
    fn next(&mut self) -> bool {
        let next = self.edits.as_mut().and_then(Vec::pop);
        let found = next.is_some();
        self.current = next.unwrap_or_else(|| self.current.clone());
        found
    }
}
