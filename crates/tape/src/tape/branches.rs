//! The discrete decisions of a recording: the branch that each function's operands lie on.
//!
//! Two evaluations with the same decisions lie on one smooth branch of the recorded function, as far as its
//! operations report. Constants take part where they hold a mask, because a comparison leaves no other trace.

use super::{CONSTANT, NodeId, TENSOR, Tape, TapeRef};
use crate::rules::algebra::Element;
use crate::tensor::Tensor;

/// The element index that represents a whole mask. A constant may be a mask by accident: only two masks can
/// differ.
pub const MASK: usize = usize::MAX - 1;

/// The element index that represents a node's operation.
const OPERATION: usize = usize::MAX;

impl<T: Element> Tape<T> {
    /// Reports `(node, element, branch)` for every decision that is not branch 0, and every node's rule, so
    /// that recordings of different operations differ too.
    pub(crate) fn branches(&self, report: &mut dyn FnMut(NodeId, usize, i64)) {
        self.replay(self.nodes.len());
        let graph = self.graph();
        for i in 1..self.nodes.len() {
            let (index, node) = (i as NodeId, self.nodes.get(i));
            match node.function() {
                Some(function) => {
                    let [a, b] = graph.parents(&node);
                    match graph.functions.get(function).branch(a, b) {
                        0 => {}
                        branch => report(index, 0, branch),
                    }
                    report(index, OPERATION, i64::from(node.rule));
                }
                None if node.rule == TENSOR => graph.branches_of_tensor(index, report),
                None => {}
            }
        }
    }
}

impl<T: Element> TapeRef<'_, T> {
    fn branches_of_tensor(&self, index: NodeId, report: &mut dyn FnMut(NodeId, usize, i64)) {
        let Some(slot) = self.slot(index).filter(|_| index != CONSTANT) else { return };
        let tensor = &self.tensors[slot];
        if let Some(op) = self.op(slot) {
            let x = self.values(self.inputs(slot));
            op.branches(&x, &tensor.value, &mut |at, branch| report(index, at, branch));
            let name = op.name().bytes();
            report(
                index,
                usize::MAX,
                name.fold(0, |hash: i64, byte| hash.wrapping_mul(31) + i64::from(byte)),
            );
        } else if let Some(mask) = (!tensor.tracked).then(|| mask(&tensor.value)).flatten() {
            report(index, MASK, mask);
        }
    }
}

/// A hash of a constant that holds nothing but 0, ±1 and ±∞.
fn mask<T: Element>(x: &Tensor<T>) -> Option<i64> {
    x.elements().iter().try_fold(17i64, |hash, x| {
        let x = x.to_f64();
        let branch = match x {
            0.0 | 1.0 | -1.0 => x as i64,
            _ if x.is_infinite() => 2 * x.signum() as i64,
            _ => return None,
        };
        Some(hash.wrapping_mul(31).wrapping_add(branch))
    })
}

/// The name of the operation that produced a node.
pub fn op_name<T: Element>(tape: &Tape<T>, node: u32) -> &'static str {
    tape.graph().name(node)
}

/// Every discrete decision of a recording, as `(node, element, branch)`.
pub fn branches<T: Element>(tape: &Tape<T>, report: &mut dyn FnMut(u32, usize, i64)) {
    tape.branches(report);
}
