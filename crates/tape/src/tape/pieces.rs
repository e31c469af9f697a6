//! The discrete decisions of a recording: which piece of each function its numbers lie on.
//!
//! Two evaluations with the same decisions lie on one smooth piece of the recorded function, as far as its operations
//! say. Constants take part where they hold a mask, for a comparison leaves no other trace.

use super::{ARRAY, CONSTANT, Graph, Index, Tape};
use crate::algebra::Element;
use crate::tensor::Tensor;

/// The element that stands for all of a mask. A constant may be a mask by accident: only two masks can differ.
pub(crate) const MASK: usize = usize::MAX - 1;

/// The element that stands for a node's operation.
const OPERATION: usize = usize::MAX;

impl<T: Element> Tape<T> {
    /// Reports `(node, element, piece)` for every decision that is not piece 0, and every node's rule, so that
    /// recordings of different operations differ too.
    pub(crate) fn pieces(&self, report: &mut dyn FnMut(Index, usize, i64)) {
        self.replay(self.nodes.len());
        let graph = self.graph();
        for i in 1..self.nodes.len() {
            let (index, node) = (i as Index, self.nodes.get(i));
            match node.function() {
                Some(function) => {
                    let [a, b] = graph.parents(&node);
                    match graph.rules.get(function).piece(a, b) {
                        0 => {}
                        piece => report(index, 0, piece),
                    }
                    report(index, OPERATION, i64::from(node.rule));
                }
                None if node.rule == ARRAY => graph.pieces_of_tensor(index, report),
                None => {}
            }
        }
    }
}

impl<T: Element> Graph<'_, T> {
    fn pieces_of_tensor(&self, index: Index, report: &mut dyn FnMut(Index, usize, i64)) {
        let Some(slot) = self.slot(index).filter(|_| index != CONSTANT) else { return };
        let array = &self.arrays[slot];
        if array.computed {
            let x = self.tensors(self.inputs(slot));
            self.op(slot).pieces(&x, &array.value, &mut |at, piece| report(index, at, piece));
            let name = self.op(slot).name().bytes();
            report(
                index,
                usize::MAX,
                name.fold(0, |hash: i64, byte| hash.wrapping_mul(31) + i64::from(byte)),
            );
        } else if let Some(mask) = (!array.tracked).then(|| mask(&array.value)).flatten() {
            report(index, MASK, mask);
        }
    }
}

/// A hash of a constant that holds nothing but 0, ±1 and ±∞.
fn mask<T: Element>(x: &Tensor<T>) -> Option<i64> {
    let x = x.contiguous();
    x.as_slice().unwrap_or_default().iter().try_fold(17i64, |hash, x| {
        let x = x.to_f64();
        let piece = match x {
            0.0 | 1.0 | -1.0 => x as i64,
            _ if x.is_infinite() => 2 * x.signum() as i64,
            _ => return None,
        };
        Some(hash.wrapping_mul(31).wrapping_add(piece))
    })
}
