//! The sweeps: the chain rule along a recording.
//!
//! [`reverse`] is the reverse sweep over scalars and tensors, which training uses. `recorded` is the same
//! over handles, so that gradients can be differentiated again; `forward` and `pushforward` carry tangents
//! the other way.

#[cfg(feature = "faults")]
pub(crate) mod faults;
mod forward;
pub(crate) mod gradients;
mod handles;
mod local;
mod methods;
pub(crate) mod observe;
pub(crate) mod pieces;
mod pushforward;
mod reach;
pub(crate) mod recorded;
pub(crate) mod steps;

pub use forward::perturbed_jvp;
pub use local::{contributions_of_node, cotangents, tangent_of_node, value_when};
pub use methods::{perturbed_vjp, roundings};

use crate::error::Error;
use crate::rules::algebra::Element;
use crate::rules::op::keeps_word;
use crate::shape::collect_small;
use crate::tape::{
    BLOCK, CONSTANT, GradientBuffers, MUL_ADD, Node, NodeId, Retain, RunningSums, TENSOR, Tape, TapeRef,
};
use crate::tensor::Tensor;
use gradients::Gradients;
use observe::Observer;
use std::cell::Cell;
use std::sync::Arc;

/// The reverse sweep: the cotangent of `root` is `seed`, or 1, and every node from there down passes its
/// cotangent on to its operands. With `all` it visits every node before the root, else the blocks of nodes that it reaches:
/// the results are the same.
pub(crate) fn reverse<T: Element>(
    graph: &TapeRef<T>,
    root: NodeId,
    seed: Option<Tensor<T>>,
    all: bool,
    buffers: &mut GradientBuffers<T>,
    observer: &mut impl Observer<T>,
) -> Result<(), Error> {
    buffers.begin(graph, root, seed, all);
    let mut end = root as usize + 1;
    while let Some(block) = buffers.scalars.last_block(end) {
        let (first, mut nodes) = graph.nodes.chunk(end.min(block + BLOCK));
        // Scalars run in a tight loop, which stops at each tensor.
        loop {
            let (at, slot) = match all {
                true => pull_scalars::<T, false>(first, nodes, buffers.scalars.running(), observer),
                false => pull_scalars::<T, true>(first, nodes, buffers.scalars.running(), observer),
            };
            nodes = &nodes[..at];
            let Some(slot) = slot else { break };
            pull_tensor(graph, (first + at) as NodeId, slot, buffers, observer)?;
        }
        end = first + nodes.len();
    }
    buffers.complete(graph);
    Ok(())
}

/// The chain rule at scalars, `cts[operand] += ct · slope`, from the end of a list whose first node is `first` down to a tensor
/// or to a block that has not been reached. Returns the position in the list where it stopped, and the slot if it is a tensor.
/// `SPARSE` says that there may be blocks that have not been reached.
#[inline(never)]
fn pull_scalars<T: Element, const SPARSE: bool>(
    first: usize,
    nodes: &[Cell<Node<T>>],
    mut cts: RunningSums<'_, T, SPARSE>,
    observer: &mut impl Observer<T>,
) -> (usize, Option<usize>) {
    let mut end = nodes.len();
    while end > 0 {
        let start = (end - 1) / BLOCK * BLOCK;
        if !cts.enter(first + start) {
            return (end, None);
        }
        for (at, node) in nodes[start..end].iter().enumerate().rev() {
            let (i, node) = (first + start + at, node.get());
            if node.rule >= TENSOR {
                match node.rule {
                    TENSOR => return (start + at, Some(node.parent[0] as usize)),
                    _ => continue,
                }
            }
            // A separate test: leaves are handled above without loading the rest of the node.
            if node.rule == MUL_ADD {
                pull_addend(i, &mut cts, observer);
            }
            let ct = cts.here(i);
            let [a, b] = node.parent;
            let slope_a = observer.scalar(i as NodeId, 0, a, ct, node.partial[0]);
            let slope_b = observer.scalar(i as NodeId, 1, b, ct, node.partial[1]);
            // Zero absorbs: an untaken branch contributes nothing, whatever its slope.
            if ct != T::ZERO {
                cts.add(a, ct * slope_a);
                observer.scalar_added(i as NodeId, 0, a, [ct, slope_a, cts.here(a as usize)]);
                // Most functions have one operand on the tape; skipping the other is cheaper than collecting it.
                if b != CONSTANT {
                    cts.add(b, ct * slope_b);
                    observer.scalar_added(i as NodeId, 1, b, [ct, slope_b, cts.here(b as usize)]);
                }
            }
        }
        end = start;
    }
    (0, None)
}

/// A sum fused with its product passes its cotangent to the preceding node. This comes before the product's
/// contributions to its factors, as when product and sum are two nodes: the same additions in the same order.
#[inline(always)]
fn pull_addend<T: Element, const SPARSE: bool>(
    i: usize,
    cts: &mut RunningSums<'_, T, SPARSE>,
    observer: &mut impl Observer<T>,
) {
    let (ct, addend) = (cts.here(i), (i - 1) as NodeId);
    let slope = observer.scalar(i as NodeId, 2, addend, ct, T::ONE);
    if ct != T::ZERO {
        cts.add(addend, ct * slope);
        observer.scalar_added(i as NodeId, 2, addend, [ct, slope, cts.here(addend as usize)]);
    }
}

/// The chain rule at a tensor: computes the cotangents of the operands by the operation's rule, and
/// accumulates each. The cotangent of a piece is added to the sum of the operand in place.
#[inline(never)]
fn pull_tensor<T: Element>(
    graph: &TapeRef<T>,
    node: NodeId,
    slot: usize,
    buffers: &mut GradientBuffers<T>,
    observer: &mut impl Observer<T>,
) -> Result<(), Error> {
    let Some(op) = graph.op(slot) else { return Ok(()) };
    let y = &graph.tensors[slot].value;
    let Some(dy) = buffers.take_cotangent(node, slot, y) else { return Ok(()) };
    let inputs = graph.inputs(slot);
    let x = graph.values(inputs);
    let want = collect_small(inputs.len(), false, |k| graph.depends(inputs[k]) && op.differentiable(k));
    observer.tensor(graph, node, &dy);
    if let (&[input], &[true]) = (inputs, &want[..])
        && observer.adds_pieces(op.name())
        && let Some(sum) = input.slot().and_then(|slot| buffers.tensors.get_mut(slot))
        && pieces::add(op.as_ref(), &x, y, &dy, Some(&mut *sum))?
    {
        observer.piece_added(graph, slot, &dy, sum);
        return Ok(());
    }
    op.pull(&x, y, dy, &want, &mut |k, ct| {
        keeps_word(op.name(), "vjp", Some(k), graph.shape(inputs[k].slot()), ct.shape())?;
        let ct = observer.contribution(node, k, inputs[k].node, ct);
        observer.accumulate(op.name(), k, buffers, inputs[k], ct);
        Ok(())
    })
}

/// Runs the reverse sweep from `root` in the buffers of earlier gradients, if they are no longer in use.
#[track_caller]
#[inline(never)]
fn sweep<T: Element>(
    tape: &Tape<T>,
    root: NodeId,
    seed: Option<Tensor<T>>,
    retained: Retain,
    observer: &mut impl Observer<T>,
) -> Result<Gradients<T>, Error> {
    tape.check_values("backward")?;
    tape.check_recorded("backward")?;
    let all = tape.records_mut().width.sweeps_all();
    let mut shared = tape.records_mut().recycled.take().unwrap_or_default();
    if Arc::get_mut(&mut shared).is_none() {
        shared = Arc::default();
    }
    if let Some(buffers) = Arc::get_mut(&mut shared) {
        let graph = tape.graph();
        buffers.epoch = tape.epoch;
        buffers.retained = retained;
        buffers.parameters.clone_from(&graph.parameters);
        reverse(&graph, root, seed, all, buffers, observer)?;
        drop(graph);
        if !all {
            tape.records_mut().width.reached(buffers.scalars.reached_blocks());
        }
    }
    tape.records_mut().recycled = Some(shared.clone());
    Ok(Gradients(shared))
}
