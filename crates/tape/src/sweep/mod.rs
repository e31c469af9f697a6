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
mod methods;
pub(crate) mod observe;
mod pushforward;
mod reach;
pub(crate) mod recorded;

pub use forward::perturbed_jvp;
pub use methods::perturbed_vjp;

use crate::error::Error;
use crate::rules::algebra::Element;
use crate::rules::op::keeps_word;
use crate::shape::collect_small;
use crate::tape::{CONSTANT, GradientBuffers, MUL_ADD, Node, NodeId, Retain, TENSOR, Tape, TapeRef};
use crate::tensor::Tensor;
use gradients::Gradients;
use observe::Observer;
use std::cell::Cell;
use std::sync::Arc;

/// The reverse sweep: the cotangent of `root` is `seed`, or 1, and every node from there down passes its
/// cotangent on to its operands.
pub(crate) fn reverse<T: Element>(
    graph: &TapeRef<T>,
    root: NodeId,
    seed: Option<Tensor<T>>,
    buffers: &mut GradientBuffers<T>,
    observer: &mut impl Observer<T>,
) -> Result<(), Error> {
    buffers.begin(graph, root, seed);
    // The list of nodes is in chunks. Scalars run in a tight loop, which stops at each tensor.
    for (first, chunk) in graph.nodes.chunks_rev(root as usize + 1) {
        let mut rest = chunk;
        while let Some((at, slot)) = pull_scalars(first, rest, &mut buffers.scalars, observer) {
            pull_tensor(graph, (first + at) as NodeId, slot, buffers, observer)?;
            rest = &chunk[..at];
        }
    }
    buffers.complete(graph);
    Ok(())
}

/// The chain rule at scalars, `cts[operand] += ct · slope`, from the end of a chunk down to a tensor. Returns
/// the tensor's position in the chunk, whose first node is `first`, and its slot among the tensors.
fn pull_scalars<T: Element>(
    first: usize,
    chunk: &[Cell<Node<T>>],
    cts: &mut [T],
    observer: &mut impl Observer<T>,
) -> Option<(usize, usize)> {
    for (at, node) in chunk.iter().enumerate().rev() {
        let (i, node) = (first + at, node.get());
        if node.rule >= TENSOR {
            match node.rule {
                TENSOR => return Some((at, node.parent[0] as usize)),
                _ => continue,
            }
        }
        // A separate test: leaves are handled above without loading the rest of the node.
        if node.rule == MUL_ADD {
            pull_addend(i, cts, observer);
        }
        let ct = cts[i];
        let [a, b] = node.parent;
        let slope_a = observer.scalar(i as NodeId, 0, a, ct, node.partial[0]);
        let slope_b = observer.scalar(i as NodeId, 1, b, ct, node.partial[1]);
        // Zero absorbs: an untaken branch contributes nothing, whatever its slope.
        if ct != T::ZERO {
            cts[a as usize] += ct * slope_a;
            // Most functions have one operand on the tape; skipping the other is cheaper than collecting it.
            if b != CONSTANT {
                cts[b as usize] += ct * slope_b;
            }
        }
    }
    None
}

/// A sum fused with its product passes its cotangent to the preceding node. This comes before the product's
/// contributions to its factors, as when product and sum are two nodes: the same additions in the same order.
#[inline(always)]
fn pull_addend<T: Element>(i: usize, cts: &mut [T], observer: &mut impl Observer<T>) {
    let (ct, addend) = (cts[i], i - 1);
    let slope = observer.scalar(i as NodeId, 2, addend as NodeId, ct, T::ONE);
    if ct != T::ZERO {
        cts[addend] += ct * slope;
    }
}

/// The chain rule at a tensor: computes the cotangents of the operands by the operation's rule, and
/// accumulates each.
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
    op.pull(&x, y, dy, &want, &mut |k, ct| {
        keeps_word(op.name(), "vjp", Some(k), graph.shape(inputs[k].slot()), ct.shape())?;
        let ct = observer.contribution(node, k, inputs[k].node, ct);
        observer.accumulate(op.name(), k, buffers, inputs[k], ct);
        Ok(())
    })
}

/// Runs the reverse sweep from `root` in the buffers of earlier gradients, if they are no longer in use.
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
    let mut shared = tape.records_mut().recycled.take().unwrap_or_default();
    if Arc::get_mut(&mut shared).is_none() {
        shared = Arc::default();
    }
    if let Some(buffers) = Arc::get_mut(&mut shared) {
        let graph = tape.graph();
        buffers.epoch = tape.epoch;
        buffers.retained = retained;
        buffers.parameters.clone_from(&graph.parameters);
        reverse(&graph, root, seed, buffers, observer)?;
    }
    tape.records_mut().recycled = Some(shared.clone());
    Ok(Gradients(shared))
}
