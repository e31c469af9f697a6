//! The plan of a replay: which recorded operations run, forward and in reverse.

use super::ScalarStep;
use crate::rules::algebra::Element;
use crate::tape::{CONSTANT, Input, NodeId, TapeRef};
use smallvec::SmallVec;
use std::collections::HashSet;

/// An operation that runs in forward direction.
pub(super) enum Forward<T> {
    /// A function of scalars; the position of its partial derivatives.
    Scalar(ScalarStep<T>, usize),
    /// An operation on tensors.
    Tensor { node: NodeId, slot: usize, scalar: bool },
    /// Scalars as a tensor: the node of each, or `CONSTANT`.
    Vector { node: NodeId, slot: usize, from: Vec<NodeId>, scalar: bool },
}

/// An operation that passes on its cotangent.
pub(super) enum Reverse {
    /// A function of scalars: its node, its parents, the position of its partial derivatives, and whether it is a sum with the
    /// preceding node.
    Scalar { node: NodeId, parent: [NodeId; 2], partials: usize, adds: bool },
    /// An operation on tensors. The cotangents of its operands are those from `first` on.
    Tensor {
        node: NodeId,
        slot: usize,
        first: usize,
        inputs: SmallVec<[Input; 4]>,
        want: SmallVec<[bool; 4]>,
        piece: bool,
    },
}

pub(super) struct Plan<T: Element> {
    pub(super) forward: Vec<Forward<T>>,
    pub(super) reverse: Vec<Reverse>,
    /// The slot of each output, unless it is a scalar.
    pub(super) outputs: Vec<Option<usize>>,
    /// Slots of results that share the buffer of an earlier tensor.
    pub(super) views: Vec<usize>,
    /// Slots of tensors of rank 0.
    scalars: Vec<bool>,
    /// The number of partial derivatives, and of cotangents of operands.
    pub(super) partials: usize,
    pub(super) cotangents: usize,
}

impl<T: Element> Plan<T> {
    pub(super) fn new(graph: &TapeRef<T>, outputs: &[NodeId]) -> Plan<T> {
        let (needed, active) = (needed(graph, outputs), active(graph));
        let mut plan = Plan {
            forward: Vec::new(),
            reverse: Vec::new(),
            outputs: outputs.iter().map(|&node| graph.slot(node)).collect(),
            views: views(graph),
            scalars: graph.tensors.iter().map(|tensor| tensor.value.rank() == 0).collect(),
            partials: 0,
            cotangents: 0,
        };
        for node in (0..graph.nodes.len()).filter(|&node| needed[node]) {
            plan.add(graph, node as NodeId, &active);
        }
        plan.reverse.reverse();
        // In the order of the reverse sweep, so that an operation's cotangent is before those of its operands.
        for step in &mut plan.reverse {
            if let Reverse::Tensor { first, inputs, .. } = step {
                *first = plan.cotangents;
                plan.cotangents += inputs.len();
            }
        }
        plan
    }

    /// Returns `true` if the tensor at this slot has rank 0.
    pub(super) fn is_scalar(&self, slot: usize) -> bool {
        self.scalars[slot]
    }

    fn add(&mut self, graph: &TapeRef<T>, node: NodeId, active: &[bool]) {
        let Some(slot) = graph.slot(node) else {
            let Some(step) = ScalarStep::new(node, &graph.nodes.get(node as usize)) else { return };
            let (parent, adds) = (step.parent, step.adds);
            self.forward.push(Forward::Scalar(step, self.partials));
            if active[node as usize] {
                self.reverse.push(Reverse::Scalar { node, parent, partials: self.partials, adds });
            }
            self.partials += 1;
            return;
        };
        let Some(op) = graph.op(slot) else { return };
        let (inputs, scalar) = (graph.inputs(slot), self.scalars[slot]);
        self.forward.push(match inputs.iter().all(|input| input.slot().is_some()) {
            true => Forward::Tensor { node, slot, scalar },
            false => {
                Forward::Vector { node, slot, from: inputs.iter().map(|input| input.node).collect(), scalar }
            }
        });
        let wanted = |(k, input): (usize, &Input)| active[input.node as usize] && op.differentiable(k);
        let want: SmallVec<[bool; 4]> = inputs.iter().enumerate().map(wanted).collect();
        if active[node as usize] && want.contains(&true) {
            let piece = inputs.len() == 1 && op.sources(graph.shape(inputs[0].slot()), &mut |_, _| ());
            self.reverse.push(Reverse::Tensor { node, slot, first: 0, inputs: inputs.into(), want, piece });
        }
    }
}

/// The nodes that a node was computed from.
fn operands<T: Element>(graph: &TapeRef<T>, node: NodeId) -> SmallVec<[NodeId; 4]> {
    match graph.slot(node) {
        Some(slot) => graph.inputs(slot).iter().map(|input| input.node).collect(),
        None => graph.nodes.get(node as usize).operands(node).collect(),
    }
}

/// The nodes that the outputs are computed from, by node.
fn needed<T: Element>(graph: &TapeRef<T>, outputs: &[NodeId]) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    outputs.iter().for_each(|&node| needed[node as usize] = true);
    for node in (1..graph.nodes.len()).rev() {
        if needed[node] {
            operands(graph, node as NodeId).iter().for_each(|&operand| needed[operand as usize] = true);
        }
    }
    needed[CONSTANT as usize] = false;
    needed
}

/// The nodes that depend on a parameter and are differentiated, by node.
fn active<T: Element>(graph: &TapeRef<T>) -> Vec<bool> {
    let mut active = vec![false; graph.nodes.len()];
    for (_, slot) in graph.parameters.iter() {
        active[graph.tensors[slot].node as usize] |= !graph.constant_parameters.contains(&(slot as u32));
    }
    for node in 1..active.len() as NodeId {
        let operands = operands(graph, node);
        let op = graph.slot(node).and_then(|slot| graph.op(slot));
        let moves = |(k, &operand): (usize, &NodeId)| {
            operand < node && active[operand as usize] && op.is_none_or(|op| op.differentiable(k))
        };
        active[node as usize] |= operands.iter().enumerate().any(moves);
    }
    active
}

/// The slots of results that share the buffer of an earlier tensor.
fn views<T: Element>(graph: &TapeRef<T>) -> Vec<usize> {
    let mut known = HashSet::new();
    let shared = graph.tensors.iter().map(|tensor| {
        let new = tensor.value.buffer_address().is_none_or(|address| known.insert(address));
        !new && tensor.computed
    });
    shared.enumerate().filter(|&(_, shared)| shared).map(|(slot, _)| slot).collect()
}
