//! Recorded nodes as handles, for the two sweeps that record.

use super::reach::Between;
use crate::error::Error;
use crate::rules::algebra::{Element, Test};
use crate::tape::{AnyHandle, CONSTANT, ErasedOp, Input, NOT_A_TENSOR, NodeId, Scalar, Tape, Var, zeros};
use smallvec::SmallVec;
use std::sync::Arc;

/// A zero of the shape of a node.
pub(crate) fn zero_gradient<T: Element>(tape: &Tape<T>, index: NodeId) -> AnyHandle<'_, T> {
    let graph = tape.graph();
    let value = graph.slot(index).map(|slot| graph.tensors[slot].value.clone());
    drop(graph);
    match value {
        Some(value) if value.rank() > 0 => AnyHandle::Var(tape.constant(zeros(&value))),
        _ => AnyHandle::Scalar(tape.scalar_constant(T::ZERO)),
    }
}

/// The handle of a recorded scalar.
fn scalar<T: Element>(tape: &Tape<T>, index: NodeId) -> Scalar<'_, T> {
    tape.replay(index as usize + 1);
    let value = tape.graph().value(index);
    Scalar { tape, index, value }
}

/// The node to which a recorded scalar adds its function of the parents, if it depends on a target.
pub(super) fn addend<T: Element>(tape: &Tape<T>, i: NodeId, active: &Between) -> Option<NodeId> {
    tape.nodes.get(i as usize).addend(i).filter(|&addend| active.contains(addend))
}

/// The comparison that chose between the parents of a recorded scalar.
pub(crate) struct Chosen<'t, T: Element> {
    test: Test,
    compared: [Scalar<'t, T>; 2],
}

impl<'t, T: Element> Chosen<'t, T> {
    /// The comparison of node `i`, if it was chosen when a program was recorded.
    pub(crate) fn new(tape: &'t Tape<T>, i: NodeId) -> Option<Chosen<'t, T>> {
        let choice = *tape.graph().choice(i)?;
        let compared = choice.compared.map(|(node, value)| match node {
            CONSTANT => tape.scalar_constant(value),
            node => scalar(tape, node),
        });
        Some(Chosen { test: choice.test, compared })
    }

    /// `then` where the comparison holds, else `otherwise`: recorded.
    #[track_caller]
    pub(crate) fn choose(&self, then: Scalar<'t, T>, otherwise: Scalar<'t, T>) -> Scalar<'t, T> {
        let [a, b] = self.compared;
        a.choose(self.test, b, then, otherwise)
    }
}

/// The parents of a recorded scalar that depend on a target, each with the recorded derivative.
#[track_caller]
pub(super) fn slopes<'t, T: Element>(
    tape: &'t Tape<T>,
    i: NodeId,
    active: &Between,
) -> SmallVec<[(NodeId, Scalar<'t, T>); 2]> {
    let node = tape.nodes.get(i as usize);
    let mut slopes = SmallVec::new();
    let Some(function) = node.function() else { return slopes };
    let rule = tape.graph().functions.get(function).clone();
    let [a, b] = [0, 1].map(|k| match node.parent[k] {
        CONSTANT => tape.scalar_constant(node.partial[k]),
        parent => scalar(tape, parent),
    });
    for (k, &parent) in node.parent.iter().enumerate().take(rule.arity()) {
        if active.contains(parent) {
            slopes.push((parent, rule.slope(k, a, b, scalar(tape, i))));
        }
    }
    slopes
}

/// The operation and the operands of a recorded tensor.
pub(super) type RecordedOp<T> = (Arc<dyn ErasedOp<T>>, SmallVec<[Input; 4]>);

/// The operation and the operands of a recorded tensor, unless it is a leaf or a constant.
///
/// # Errors
/// If the operation has no derivative at these operands.
pub(crate) fn operation<T: Element>(tape: &Tape<T>, slot: usize) -> Result<Option<RecordedOp<T>>, Error> {
    let graph = tape.graph();
    let Some(op) = graph.op(slot) else { return Ok(None) };
    let inputs = graph.inputs(slot);
    op.check_derivative(&graph.values(inputs), &graph.tensors[slot].value)?;
    Ok(Some((op.clone(), SmallVec::from_slice(inputs))))
}

/// The handle of a recorded tensor.
pub(crate) fn variable<T: Element>(tape: &Tape<T>, index: NodeId) -> Var<'_, T> {
    let Input { slot, .. } = tape.graph().operand(index);
    Var { tape, index, slot, literal: T::ZERO }
}

/// Operands as tensors. An operation on scalars does not read them in its rules.
pub(crate) fn operands<'t, T: Element>(tape: &'t Tape<T>, inputs: &[Input]) -> SmallVec<[Var<'t, T>; 4]> {
    let tensor = |&Input { node, slot }: &Input| {
        let index = if slot == NOT_A_TENSOR { CONSTANT } else { node };
        Var { tape, index, slot, literal: T::ZERO }
    };
    inputs.iter().map(tensor).collect()
}
