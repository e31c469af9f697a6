//! One node at a time, and the cotangents of all: for reports that tell where digits are lost.

use super::observe::Observer;
use super::reverse;
use crate::error;
use crate::rules::algebra::{Binary, ChainRule, Element};
use crate::tape::{CONSTANT, GradientBuffers, NodeId, Tape, TapeRef, Var};
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

/// The cotangent of every node that `y` was computed from, by its index, for the cotangent `ct` of `y`.
pub fn cotangents<T: Element>(y: Var<'_, T>, ct: Tensor<T>) -> Vec<Option<Tensor<T>>> {
    y.tape.replay(y.tape.nodes.len());
    let graph = y.tape.graph();
    let mut kept = Kept(vec![None; graph.nodes.len()]);
    error::expect(reverse(&graph, y.index, Some(ct), true, &mut GradientBuffers::default(), &mut kept));
    kept.0
}

struct Kept<T: Element>(Vec<Option<Tensor<T>>>);

impl<T: Element> Observer<T> for Kept<T> {
    fn adds_pieces(&self, _op: &'static str) -> bool {
        false
    }

    fn scalar(&mut self, node: NodeId, _k: usize, _parent: NodeId, ct: T, slope: T) -> T {
        self.0[node as usize] = Some(Tensor::scalar(ct));
        slope
    }

    fn tensor(&mut self, _graph: &TapeRef<T>, node: NodeId, dy: &Tensor<T>) {
        self.0[node as usize] = Some(dy.clone());
    }
}
