//! The edits that simplify a graph.

use super::functions::BinaryFn;
use super::spec::{GraphSpec, Instr, LeafSpec, Opcode};

/// Returns the complexity of an operation: 0 for none at all.
fn complexity(op: Opcode) -> usize {
    match op {
        Opcode::Identity => 0,
        Opcode::Binary(BinaryFn::Add) => 1,
        Opcode::Binary(BinaryFn::Mul) => 2,
        _ => 3,
    }
}

/// The values to try, the simplest first, in sixteenths.
const SIMPLE: [i8; 4] = [16, -16, 32, 8];

fn distance(k: i8) -> usize {
    SIMPLE.iter().position(|&simple| simple == k).unwrap_or(SIMPLE.len())
}

/// Returns the measures that decrease with every edit, in lexicographic order, so that no sequence of edits
/// is infinite.
fn measure(spec: &GraphSpec) -> [usize; 6] {
    let total = |numbers: &[i8]| numbers.iter().map(|&k| 1 + distance(k)).sum::<usize>();
    let parameters = |i: &Instr| {
        let operands: usize = i.operands.iter().map(|&k| usize::from(k)).sum();
        operands + usize::from(i.axis) + usize::from(i.c.unsigned_abs())
    };
    [
        spec.nodes.len() + spec.leaves.len(),
        spec.nodes.iter().map(|node| complexity(node.op)).sum(),
        spec.leaves.iter().map(|leaf| leaf.shape.len() + leaf.shape.iter().sum::<usize>()).sum(),
        total(&spec.cotangent),
        spec.leaves.iter().map(|leaf| total(&leaf.values)).sum(),
        spec.nodes.iter().map(parameters).sum(),
    ]
}

/// Returns every graph that is one edit simpler, the boldest edit last.
pub(super) fn simpler(spec: &GraphSpec) -> Vec<GraphSpec> {
    let own = measure(spec);
    let mut edits = Vec::new();
    other_roots(spec, &mut edits);
    fewer_nodes(spec, &mut edits);
    fewer_leaves(spec, &mut edits);
    simpler_operations(spec, &mut edits);
    smaller_leaves(spec, &mut edits);
    simpler_cotangents(spec, &mut edits);
    simpler_parameters(spec, &mut edits);
    edits.retain(|edit| measure(edit) < own);
    edits.reverse();
    edits
}

/// Returns the positions of an instruction's operands.
fn operands(spec: &GraphSpec, node: usize) -> [usize; 2] {
    spec.nodes[node].operands.map(|k| usize::from(k) % (spec.leaves.len() + node).max(1))
}

/// Returns the graph without the leaf or instruction at `removed`, whose uses become uses of `instead`, an earlier
/// position.
fn without(spec: &GraphSpec, removed: usize, instead: usize) -> GraphSpec {
    let mut out = spec.clone();
    let moved = |k: usize| match k {
        _ if k == removed => instead,
        _ if k > removed => k - 1,
        _ => k,
    };
    for node in 0..spec.nodes.len() {
        out.nodes[node].operands = operands(spec, node).map(|k| moved(k) as u8);
    }
    match removed.checked_sub(spec.leaves.len()) {
        Some(node) => drop(out.nodes.remove(node)),
        None => drop(out.leaves.remove(removed)),
    }
    out
}

/// Returns the graph without leaves and instructions that the result does not depend on.
fn alive(spec: &GraphSpec) -> GraphSpec {
    let leaves = spec.leaves.len();
    let mut used = vec![false; leaves + spec.nodes.len()];
    used.last_mut().into_iter().for_each(|last| *last = true);
    for node in (0..spec.nodes.len()).rev() {
        if used[leaves + node] {
            operands(spec, node).into_iter().for_each(|k| used[k] = true);
        }
    }
    let dead = (0..used.len()).rev().filter(|&at| !used[at]);
    dead.fold(spec.clone(), |out, at| without(&out, at, 0))
}

/// Adds the graphs with an earlier instruction as the result.
fn other_roots(spec: &GraphSpec, edits: &mut Vec<GraphSpec>) {
    for count in 1..=spec.nodes.len() {
        let mut root = spec.clone();
        root.nodes.truncate(count);
        edits.push(alive(&root));
    }
}

/// Adds the graphs with an operand instead of an instruction.
fn fewer_nodes(spec: &GraphSpec, edits: &mut Vec<GraphSpec>) {
    for node in (0..spec.nodes.len()).rev() {
        for operand in operands(spec, node) {
            edits.push(alive(&without(spec, spec.leaves.len() + node, operand)));
        }
    }
}

/// Adds the graphs with the first leaf instead of another.
fn fewer_leaves(spec: &GraphSpec, edits: &mut Vec<GraphSpec>) {
    for leaf in 1..spec.leaves.len() {
        edits.push(without(spec, leaf, 0));
    }
}

fn simpler_operations(spec: &GraphSpec, edits: &mut Vec<GraphSpec>) {
    for node in 0..spec.nodes.len() {
        for op in [Opcode::Identity, Opcode::Binary(BinaryFn::Add), Opcode::Binary(BinaryFn::Mul)] {
            let mut edit = spec.clone();
            edit.nodes[node].op = op;
            edits.push(edit);
        }
    }
}

/// Adds the graphs with fewer axes, smaller extents or simpler values.
fn smaller_leaves(spec: &GraphSpec, edits: &mut Vec<GraphSpec>) {
    for leaf in 0..spec.leaves.len() {
        let mut put = |shape: &[usize], values: &[i8]| {
            let count = shape.iter().product::<usize>().min(values.len());
            let mut edit = spec.clone();
            edit.leaves[leaf] = LeafSpec { shape: shape.to_vec(), values: values[..count].to_vec() };
            edits.push(edit);
        };
        let LeafSpec { shape, values } = &spec.leaves[leaf];
        put(&[], values);
        for axis in 0..shape.len() {
            let mut fewer = shape.clone();
            fewer.remove(axis);
            put(&fewer, values);
            for extent in [1, 2] {
                let mut smaller = shape.clone();
                smaller[axis] = extent;
                put(&smaller, values);
            }
        }
        simpler_numbers(values, |values| put(shape, values));
    }
}

/// Tries lists of one simple value, and lists with one value simpler.
fn simpler_numbers(values: &[i8], mut put: impl FnMut(&[i8])) {
    for simple in SIMPLE {
        put(&[simple]);
        put(&vec![simple; values.len()]);
    }
    for at in 0..values.len() {
        for simple in SIMPLE {
            let mut values = values.to_vec();
            values[at] = simple;
            put(&values);
        }
    }
}

/// Adds the graphs with one weight for all elements, with the weight of one element alone, or with simpler weights.
fn simpler_cotangents(spec: &GraphSpec, edits: &mut Vec<GraphSpec>) {
    let mut put = |values: &[i8]| edits.push(GraphSpec { cotangent: values.to_vec(), ..spec.clone() });
    simpler_numbers(&spec.cotangent, &mut put);
    for at in 0..spec.cotangent.len().min(8) {
        let mut values = vec![0; spec.cotangent.len()];
        values[at] = 16;
        put(&values);
    }
}

fn simpler_parameters(spec: &GraphSpec, edits: &mut Vec<GraphSpec>) {
    for node in 0..spec.nodes.len() {
        let mut put = |change: &dyn Fn(&mut Instr)| {
            let mut edit = spec.clone();
            change(&mut edit.nodes[node]);
            edits.push(edit);
        };
        put(&|node| node.c = 0);
        put(&|node| node.c = 1);
        put(&|node| node.axis = 0);
        put(&|node| node.axis = 1);
        let own = operands(spec, node);
        put(&|node| node.operands = own.map(|k| k as u8));
        put(&|node| node.operands = [own[0] as u8; 2]);
        put(&|node| node.operands = [0; 2]);
    }
}
