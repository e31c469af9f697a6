//! Which nodes a sweep has to visit.

use crate::error::Error;
use crate::rules::algebra::Element;
use crate::tape::{BLOCK, Handle, Handles, Node, NodeId, TENSOR, Tape, TapeRef};

/// The nodes of some handles, all of which must belong to `tape`.
pub(crate) fn indices<'t, T: Element>(
    op: &'static str,
    tape: &Tape<T>,
    handles: &impl Handle<'t, T>,
) -> Result<Vec<NodeId>, Error> {
    let mut list = Handles::new();
    handles.gather(&mut list);
    list.0.iter().map(|handle| tape.owns(op, handle.tape()).map(|()| handle.index())).collect()
}

/// The nodes between some results and some targets: those that a result depends on and that depend on a target. What was
/// recorded elsewhere costs a sweep nothing but one bit a node.
pub(super) struct Between {
    /// In recording order.
    pub(super) nodes: Vec<NodeId>,
    /// The first node of the block of the first target.
    first: NodeId,
    /// For each node from `first` on, one more than its position in `nodes`, or 0 if it is not one of them.
    places: Vec<u32>,
}

impl Between {
    pub(super) fn new<T: Element>(graph: &TapeRef<T>, targets: &[NodeId], results: &[NodeId]) -> Between {
        let mut targets: Vec<NodeId> = targets.iter().copied().filter(|&i| graph.tracked(i)).collect();
        targets.sort_unstable();
        let (lowest, last) = (targets.first(), results.iter().max());
        let Some((&lowest, &last)) = lowest.zip(last).filter(|(lowest, last)| last >= lowest) else {
            return Between { nodes: Vec::new(), first: 0, places: Vec::new() };
        };
        let first = lowest - lowest % BLOCK as NodeId;
        let places = vec![0; (last - first) as usize + 1];
        let mut between = Between { nodes: Vec::new(), first, places };
        let mut targets = targets.into_iter().peekable();
        for (block, mut bits) in (first..).step_by(BLOCK).zip(behind(graph, results, lowest, last)) {
            let nodes = graph.nodes.block(block as usize, last as usize + 1);
            while bits != 0 {
                let (at, node) = (bits.trailing_zeros(), block + bits.trailing_zeros());
                bits &= bits - 1;
                while targets.next_if(|&target| target < node).is_some() {}
                let mut depends = targets.peek() == Some(&node);
                each_operand(graph, node, nodes[at as usize].get(), |x| depends |= between.contains(x));
                if depends {
                    between.nodes.push(node);
                    between.places[(node - first) as usize] = between.nodes.len() as u32;
                }
            }
        }
        between
    }

    /// The position of a node in the list, if it is one of them.
    #[inline]
    pub(super) fn position(&self, node: NodeId) -> Option<usize> {
        let place = *self.places.get(node.wrapping_sub(self.first) as usize)? as usize;
        place.checked_sub(1)
    }

    #[inline]
    pub(super) fn contains(&self, node: NodeId) -> bool {
        self.position(node).is_some()
    }
}

/// The nodes from `lowest` to `last` that a result depends on: one bit each, beginning with the first of a block. Those below
/// in that block are not followed, for a sweep over few nodes would visit more of them than of its own.
fn behind<T: Element>(graph: &TapeRef<T>, results: &[NodeId], lowest: NodeId, last: NodeId) -> Vec<u64> {
    let first = lowest - lowest % BLOCK as NodeId;
    let mut behind = vec![0_u64; (last - first) as usize / BLOCK + 1];
    let mark = |behind: &mut [u64], node: NodeId| {
        if node >= lowest {
            let at = (node - first) as usize;
            behind[at / BLOCK] |= 1 << (at % BLOCK);
        }
    };
    results.iter().for_each(|&node| mark(&mut behind, node));
    for word in (0..behind.len()).rev() {
        if behind[word] == 0 {
            continue;
        }
        // Operands come before their result, so the bits that are added are lower ones.
        let mut below = u64::MAX;
        let block = first as usize + word * BLOCK;
        let nodes = graph.nodes.block(block, last as usize + 1);
        while let Some(bit) = (behind[word] & below).checked_ilog2() {
            below = (1 << bit) - 1;
            let node = nodes[bit as usize].get();
            each_operand(graph, block as NodeId + bit, node, |x| mark(&mut behind, x));
        }
    }
    behind
}

/// Every operand that the value of a node has a derivative with respect to.
#[inline(always)]
fn each_operand<T: Element>(graph: &TapeRef<T>, index: NodeId, node: Node<T>, mut visit: impl FnMut(NodeId)) {
    if node.rule != TENSOR {
        node.operands(index).for_each(visit);
        return;
    }
    let slot = node.parent[0] as usize;
    let Some(op) = graph.op(slot) else { return };
    for (k, x) in graph.inputs(slot).iter().enumerate() {
        if op.differentiable(k) {
            visit(x.node);
        }
    }
}
