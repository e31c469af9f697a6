//! Jacobians whose rows depend on few inputs: a reverse sweep for each row, over nothing but what the row depends on.

use crate::error::Error;
use crate::rules::algebra::{Binary, ChainRule, Element};
use crate::tape::{CONSTANT, NodeId, Scalar, TENSOR, Tape};

/// A sparse Jacobian in compressed sparse rows: the entries of row `i` are those from `starts[i]` to `starts[i + 1]`.
///
/// `V` is a `Vec` of numbers ([`transform::sparse_jacobian`](crate::transform::sparse_jacobian)) or a
/// [`Program`](crate::Program) with an output for each entry ([`Program::sparse_jacobian`](crate::Program::sparse_jacobian)).
#[derive(Clone, Debug, PartialEq)]
pub struct SparseJacobian<V> {
    /// Where each row begins, and the end of the last: one more than there are rows.
    pub starts: Vec<usize>,
    /// The column of each entry, ascending in a row.
    pub columns: Vec<usize>,
    /// The entries, row after row.
    pub values: V,
}

/// The Jacobian of scalars with respect to leaves that were recorded one after another.
///
/// # Errors
/// If a scalar depends on a tensor.
pub(crate) fn sparse_rows<T: Element>(
    tape: &Tape<T>,
    y: &[Scalar<'_, T>],
    x: &[Scalar<'_, T>],
) -> Result<SparseJacobian<Vec<T>>, Error> {
    y.iter().try_for_each(|y| tape.owns("sparse_jacobian", y.tape))?;
    tape.check_recorded("sparse_jacobian")?;
    let first = x.first().map_or(0, |x| x.index);
    let mut rows = SparseJacobian { starts: vec![0], columns: Vec::new(), values: Vec::new() };
    let mut cts = vec![T::ZERO; tape.nodes.len()];
    // The row that visited each node last, numbered from 1.
    let mut visited = vec![0_u32; cts.len()];
    let mut nodes: Vec<NodeId> = Vec::new();
    for (row, y) in (1..).zip(y) {
        nodes.clear();
        visit(y.index, row, &mut visited, &mut nodes);
        let mut next = 0;
        while let Some(&i) = nodes.get(next) {
            next += 1;
            let node = tape.nodes.get(i as usize);
            if node.rule == TENSOR {
                let reason = "expected a function of scalars, found one that computes with tensors";
                return Err(Error::Invalid { op: "sparse_jacobian", reason: reason.to_string() });
            }
            node.operands(i).for_each(|operand| visit(operand, row, &mut visited, &mut nodes));
        }
        // Operands come before their results.
        nodes.sort_unstable();
        nodes.iter().for_each(|&i| cts[i as usize] = T::ZERO);
        cts[y.index as usize] = T::ONE;
        for &i in nodes.iter().rev() {
            let (node, ct) = (tape.nodes.get(i as usize), cts[i as usize]);
            let mut add = |operand: NodeId, ct: T| {
                if operand != CONSTANT {
                    cts[operand as usize] += ct;
                }
            };
            // As in the sweep over all nodes: a sum fused with its product first.
            node.addend(i).into_iter().for_each(|addend| add(addend, ct));
            for (&operand, &slope) in node.parent.iter().zip(&node.partial) {
                add(operand, ChainRule.eval(ct, slope));
            }
        }
        let entries = nodes.iter().take_while(|&&i| ((i.wrapping_sub(first)) as usize) < x.len());
        for &i in entries {
            rows.columns.push((i - first) as usize);
            rows.values.push(cts[i as usize]);
        }
        rows.starts.push(rows.columns.len());
    }
    Ok(rows)
}

/// Adds a node to the list, once for each row.
fn visit(node: NodeId, row: u32, visited: &mut [u32], nodes: &mut Vec<NodeId>) {
    if node != CONSTANT && visited[node as usize] != row {
        visited[node as usize] = row;
        nodes.push(node);
    }
}
