//! One node at a time, and the cotangents of all: for reports that tell where digits are lost, or where a derivation by hand
//! departs from the rules.

use super::observe::{Observer, Ordinary};
use super::reverse;
use crate::error::{self, Error};
use crate::ops::FromScalars;
use crate::rules::algebra::{Binary, ChainRule, Element};
use crate::tape::{CONSTANT, GradientBuffers, Input, NodeId, Tape, TapeRef, Var};
use crate::tensor::Tensor;

/// The change of a node, to first order, when its operands change: `change` of each by its index. `None` if none does.
pub fn tangent_of_node<T: Element>(
    tape: &Tape<T>,
    node: usize,
    change: &dyn Fn(usize) -> Option<Tensor<T>>,
) -> Option<Tensor<T>> {
    tape.replay(tape.nodes.len());
    let graph = tape.graph();
    let of = |input: NodeId| if input == CONSTANT { None } else { change(input as usize) };
    let Some(slot) = graph.slot(node as NodeId) else {
        let recorded = graph.nodes.get(node);
        let part = |k: usize| Some(ChainRule.eval(of(recorded.parent[k])?.item(), recorded.partial[k]));
        let addend = recorded.addend(node as NodeId).and_then(of).map(|dx| dx.item());
        return [part(0), part(1), addend].into_iter().flatten().reduce(|a, b| a + b).map(Tensor::scalar);
    };
    let op = graph.op(slot)?;
    let (inputs, y) = (graph.inputs(slot), &graph.tensors[slot].value);
    let x = graph.values(inputs);
    let moved = |k: usize| of(inputs[k].node).filter(|_| op.differentiable(k));
    let dx: Vec<Option<Tensor<T>>> = (0..inputs.len()).map(moved).collect();
    if dx.iter().all(Option::is_none) {
        return None;
    }
    let all: Vec<Option<&Tensor<T>>> = dx.iter().map(Option::as_ref).collect();
    op.jvp_all_values(&x, y, &all).or_else(|| {
        let parts = all.iter().enumerate().filter_map(|(k, dx)| Some(op.jvp_values(k, &x, y, (*dx)?)));
        parts.reduce(|a, b| a + b)
    })
}

/// The cotangent of every node that `y` was computed from, leaves included, by its index, for the cotangent `ct` of `y`.
pub fn cotangents<T: Element>(y: Var<'_, T>, ct: Tensor<T>) -> Vec<Option<Tensor<T>>> {
    y.tape.replay(y.tape.nodes.len());
    let graph = y.tape.graph();
    let mut kept = Kept { cotangents: vec![None; graph.nodes.len()], ordinary: Ordinary::default() };
    let mut buffers = GradientBuffers::default();
    error::expect(reverse(&graph, y.index, Some(ct), true, &mut buffers, &mut kept));
    for node in (1..=y.index).filter(|&node| graph.name(node) == "leaf") {
        kept.cotangents[node as usize] = match graph.slot(node) {
            Some(slot) if graph.tensors[slot].value.rank() > 0 => buffers.tensors.get(slot).cloned(),
            _ => Some(buffers.scalars.get(node)).filter(|&ct| ct != T::ZERO).map(Tensor::scalar),
        };
    }
    kept.cotangents
}

/// The contributions of a node with cotangent `dy` to its operands: calls `add` with the index of each and the contribution. The
/// rule reads `read(i)` as the value of node `i` where there is one; rules of scalars read nothing.
pub fn contributions_of_node<T: Element>(
    tape: &Tape<T>,
    node: usize,
    dy: &Tensor<T>,
    read: &dyn Fn(usize) -> Option<Tensor<T>>,
    add: &mut dyn FnMut(usize, Tensor<T>),
) -> Result<(), Error> {
    tape.replay(tape.nodes.len());
    let graph = tape.graph();
    let Some(slot) = graph.slot(node as NodeId) else {
        let recorded = graph.nodes.get(node);
        let operands = [(recorded.parent[0], recorded.partial[0]), (recorded.parent[1], recorded.partial[1])];
        let addend = recorded.addend(node as NodeId).map(|addend| (addend, T::ONE));
        for (parent, slope) in operands.into_iter().chain(addend).filter(|(parent, _)| *parent != CONSTANT) {
            add(parent as usize, Tensor::scalar(ChainRule.eval(dy.item(), slope)));
        }
        return Ok(());
    };
    let Some(op) = graph.op(slot) else { return Ok(()) };
    let inputs = graph.inputs(slot);
    let replaced: Vec<Option<Tensor<T>>> = inputs.iter().map(|input| read(input.node as usize)).collect();
    let recorded = graph.values(inputs);
    let x: Vec<&Tensor<T>> =
        replaced.iter().zip(&recorded).map(|(new, old)| new.as_ref().unwrap_or(old)).collect();
    let y = read(node).unwrap_or_else(|| graph.tensors[slot].value.clone());
    let want: Vec<bool> =
        (0..inputs.len()).map(|k| graph.depends(inputs[k]) && op.differentiable(k)).collect();
    op.pull(&x, &y, dy.clone(), &want, &mut |k, ct| {
        add(inputs[k].node as usize, ct);
        Ok(())
    })
}

/// The value that `y` would have if node `node` had the value `value`.
pub fn value_when<T: Element>(y: Var<'_, T>, node: usize, value: Tensor<T>) -> Result<Tensor<T>, Error> {
    y.tape.replay(y.tape.nodes.len());
    let graph = y.tape.graph();
    let mut changed: Vec<Option<Tensor<T>>> = vec![None; y.index as usize + 1];
    changed[node] = Some(value);
    for i in node + 1..changed.len() {
        let Some(slot) = graph.slot(i as NodeId) else {
            let recorded = graph.nodes.get(i);
            let Some(function) = recorded.function() else { continue };
            let addend = recorded.addend(i as NodeId);
            let moved = |parent: NodeId| changed[parent as usize].as_ref().map(Tensor::item);
            let mut operands = recorded.parent.iter().copied().chain(addend);
            if !operands.any(|parent| moved(parent).is_some()) {
                continue;
            }
            let before = graph.parents(&recorded);
            let [a, b] = [0, 1].map(|k| moved(recorded.parent[k]).unwrap_or(before[k]));
            let value = graph.functions.get(function).eval(a, b);
            let sum = addend.map_or(value, |addend| value + moved(addend).unwrap_or(graph.value(addend)));
            changed[i] = Some(Tensor::scalar(sum));
            continue;
        };
        let inputs = graph.inputs(slot);
        let (Some(op), true) = (graph.op(slot), inputs.iter().any(|x| changed[x.node as usize].is_some()))
        else {
            continue;
        };
        let mut value = graph.tensors[slot].value.clone();
        if op.as_any().is::<FromScalars>() {
            for (element, input) in value.as_mut_slice().iter_mut().zip(inputs) {
                if let Some(new) = &changed[input.node as usize] {
                    *element = new.item();
                }
            }
        } else {
            let recorded = graph.values(inputs);
            let x: Vec<&Tensor<T>> = inputs
                .iter()
                .zip(&recorded)
                .map(|(input, old)| changed[input.node as usize].as_ref().unwrap_or(old))
                .collect();
            op.eval_into(&x, &mut value)?;
        }
        changed[i] = Some(value);
    }
    Ok(changed.pop().flatten().unwrap_or_else(|| y.value()))
}

/// An ordinary sweep that keeps the cotangents.
struct Kept<T: Element> {
    cotangents: Vec<Option<Tensor<T>>>,
    ordinary: Ordinary,
}

impl<T: Element> Observer<T> for Kept<T> {
    fn adds_pieces(&self, _op: &'static str) -> bool {
        false
    }

    fn scalar(&mut self, node: NodeId, k: usize, parent: NodeId, ct: T, slope: T) -> T {
        self.cotangents[node as usize] = Some(Tensor::scalar(ct));
        self.ordinary.scalar(node, k, parent, ct, slope)
    }

    fn tensor(&mut self, graph: &TapeRef<T>, node: NodeId, dy: &Tensor<T>) {
        self.cotangents[node as usize] = Some(dy.clone());
        self.ordinary.tensor(graph, node, dy);
    }

    fn contribution(&mut self, node: NodeId, k: usize, input: NodeId, ct: Tensor<T>) -> Tensor<T> {
        self.ordinary.contribution(node, k, input, ct)
    }

    fn accumulate(
        &mut self,
        op: &'static str,
        k: usize,
        buffers: &mut GradientBuffers<T>,
        input: Input,
        ct: Tensor<T>,
    ) {
        self.ordinary.accumulate(op, k, buffers, input, ct);
    }
}
