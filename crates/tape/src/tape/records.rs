//! The tables that a tape keeps beside its nodes, and both together as the sweeps read them.

use super::buffers::GradientBuffers;
use super::nodes::{CHOICE, CONSTANT, Input, LEAF, MUL_ADD, NOT_A_TENSOR, Node, NodeId, Nodes, TENSOR};
use super::sums::SweepWidth;
use super::{ErasedOp, Parameters, ScalarFns};
use crate::error::Error;
use crate::ops::FromScalars;
use crate::pool;
use crate::rules::algebra::{Element, Test};
use crate::rules::op::Op;
use crate::shape::{Shape, collect_small};
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::cell::Ref;
use std::collections::HashMap;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

/// A list position as a 32-bit index: below the values reserved for "no index". (The tensors need no separate
/// check: there are fewer of them than nodes.)
#[track_caller]
#[inline]
pub(super) fn counted(what: &str, position: usize) -> u32 {
    if position < CHOICE as usize {
        return position as u32;
    }
    Error::Invalid { op: "tape", reason: format!("expected at most {CHOICE} {what}, found more") }.panic()
}

/// A recorded tensor.
pub(crate) struct TensorNode<T: Element> {
    pub(crate) value: Tensor<T>,
    pub(crate) node: NodeId,
    /// Range of `Records::inputs`.
    first_input: u32,
    inputs: u32,
    /// Whether it depends on a leaf that is differentiated.
    pub(crate) tracked: bool,
    /// Whether it is the result of an operation. Leaves and constants are not.
    pub(crate) computed: bool,
}

/// The comparison behind a node that is one of its parents: the first if `test` holds for these two scalars, else the
/// second. A scalar is its node and, for a constant, its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<T> {
    pub(crate) test: Test,
    pub(crate) compared: [(NodeId, T); 2],
}

/// Everything a tape has recorded beside its nodes.
pub(crate) struct Records<T: Element> {
    pub(crate) tensors: Vec<TensorNode<T>>,
    /// Operations of `tensors`. They outlive a reset, so that the next step can reuse their allocations.
    ops: Vec<Arc<dyn ErasedOp<T>>>,
    inputs: Vec<Input>,
    pub(crate) functions: ScalarFns<T>,
    /// The comparisons of the nodes with the rule `CHOICE`, in recording order.
    pub(crate) choices: Vec<(NodeId, Choice<T>)>,
    /// Values of the first nodes, computed on demand.
    scalars: Vec<T>,
    pub(crate) parameters: Parameters,
    /// Names given to nodes, for views.
    pub(crate) names: HashMap<NodeId, String>,
    /// The gradients handed out last; reused once their owner has dropped them.
    pub(crate) recycled: Option<Arc<GradientBuffers<T>>>,
    /// How the next reverse sweep goes.
    pub(crate) width: SweepWidth,
    /// On a tape for a replay: the slots of parameters that are not differentiated, and why there can be no replay.
    pub(crate) constant_parameters: Vec<u32>,
    pub(crate) refused: Option<Error>,
    /// Placeholder for operands that are not tensors.
    placeholder: Tensor<T>,
    /// The shape of a scalar.
    rank0: Shape,
}

impl<T: Element> Records<T> {
    pub(crate) fn new() -> Records<T> {
        Records {
            tensors: Vec::new(),
            ops: Vec::new(),
            inputs: Vec::new(),
            functions: ScalarFns::default(),
            choices: Vec::new(),
            scalars: Vec::new(),
            parameters: Parameters::default(),
            names: HashMap::new(),
            recycled: None,
            width: SweepWidth::new(),
            constant_parameters: Vec::new(),
            refused: None,
            placeholder: Tensor::default(),
            rank0: Shape::default(),
        }
    }

    /// Forgets what was recorded and keeps the memory.
    pub(crate) fn clear(&mut self) {
        let count = self.tensors.len();
        self.tensors.clear();
        pool::sort_released::<T>(count);
        self.inputs.clear();
        self.choices.clear();
        self.scalars.clear();
        self.names.clear();
        self.parameters.clear();
        self.width = SweepWidth::new();
    }

    /// Operands of the tensor at `slot`.
    #[inline]
    pub(crate) fn inputs(&self, slot: usize) -> &[Input] {
        let tensor = &self.tensors[slot];
        &self.inputs[tensor.first_input as usize..][..tensor.inputs as usize]
    }

    /// The operation of the tensor at `slot`, unless it is a leaf or a constant.
    #[inline]
    pub(crate) fn op(&self, slot: usize) -> Option<&Arc<dyn ErasedOp<T>>> {
        self.tensors[slot].computed.then(|| &self.ops[slot])
    }

    /// The tensors among the operands; a scalar, which no kernel reads, is a tensor without elements.
    #[inline(never)]
    pub(crate) fn values(&self, operands: &[Input]) -> SmallVec<[&Tensor<T>; 4]> {
        collect_small(operands.len(), &self.placeholder, |k| {
            operands[k].slot().map_or(&self.placeholder, |slot| &self.tensors[slot].value)
        })
    }

    /// The shape of a tensor by its slot, or of a scalar.
    #[inline]
    pub(crate) fn shape(&self, slot: Option<usize>) -> &Shape {
        slot.map_or(&self.rank0, |slot| self.tensors[slot].value.shape())
    }

    /// Computes the value of the tensor at `slot` again, from those of its operands, in place.
    #[inline]
    pub(crate) fn recompute(&mut self, slot: usize) -> Result<(), Error> {
        let (before, rest) = self.tensors.split_at_mut(slot);
        let TensorNode { value, first_input, inputs, .. } = &mut rest[0];
        let inputs = &self.inputs[*first_input as usize..][..*inputs as usize];
        let x = collect_small(inputs.len(), &self.placeholder, |k| {
            inputs[k].slot().map_or(&self.placeholder, |slot| &before[slot].value)
        });
        self.ops[slot].eval_into(&x, value)
    }

    /// Returns `true` if an operand depends on a leaf that is differentiated.
    #[inline]
    pub(crate) fn depends(&self, operand: Input) -> bool {
        match operand.slot() {
            Some(slot) => self.tensors[slot].tracked,
            None => operand.node != CONSTANT,
        }
    }

    /// The values of all scalars, once replayed.
    pub(crate) fn take_scalars(&mut self) -> Vec<T> {
        std::mem::take(&mut self.scalars)
    }

    /// The value of a recorded scalar, once replayed.
    pub(crate) fn value(&self, index: NodeId) -> T {
        self.scalars[index as usize]
    }

    /// The values of the parents of a recorded scalar; those before it must have been computed.
    pub(crate) fn parents(&self, node: &Node<T>) -> [T; 2] {
        [0, 1].map(|k| match node.parent[k] {
            CONSTANT => node.partial[k],
            parent => self.scalars[parent as usize],
        })
    }

    /// The comparison of a node with the rule `CHOICE`.
    pub(crate) fn choice(&self, index: NodeId) -> Option<&Choice<T>> {
        let at = self.choices.binary_search_by_key(&index, |&(node, _)| node).ok()?;
        Some(&self.choices[at].1)
    }

    /// Computes the values of the first `count` nodes that are not computed yet.
    pub(crate) fn replay(&mut self, nodes: &Nodes<T>, count: usize) {
        for i in self.scalars.len()..count {
            let node = nodes.get(i);
            let value = match node.function() {
                Some(function) => {
                    let [a, b] = self.parents(&node);
                    let value = self.functions.get(function).eval(a, b);
                    node.addend(i as NodeId).map_or(value, |addend| value + self.scalars[addend as usize])
                }
                None if node.rule == LEAF => node.partial[0],
                // Inputs of a program have no values, so neither has what is chosen by them.
                None if node.rule == CHOICE => T::NAN,
                None => {
                    let value = &self.tensors[node.parent[0] as usize].value;
                    if value.rank() == 0 { value.item() } else { T::NAN }
                }
            };
            self.scalars.push(value);
        }
    }

    /// The bytes of the recording, without the values of tensors.
    pub(crate) fn bytes(&self) -> usize {
        let ops = &self.ops[..self.tensors.len()];
        size_of_val(&self.tensors[..])
            + size_of_val(&self.inputs[..])
            + size_of_val(&self.scalars[..])
            + ops.iter().map(|op| size_of_val(&**op)).sum::<usize>()
    }

    /// Adds a tensor, whose node is `node`.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn push(
        &mut self,
        value: Tensor<T>,
        node: NodeId,
        inputs: &[Input],
        tracked: bool,
        computed: bool,
    ) {
        let first_input = counted("operands", self.inputs.len());
        self.inputs.extend_from_slice(inputs);
        let inputs = counted("operands", self.inputs.len()) - first_input;
        if self.ops.len() == self.tensors.len() {
            self.ops.push(Arc::new(FromScalars { shape: Shape::default() }));
        }
        self.tensors.push(TensorNode { value, node, first_input, inputs, tracked, computed });
    }

    /// Stores the operation of the tensor recorded last, reusing the allocation of an earlier one of its type
    /// if possible.
    pub(crate) fn store_op<O: Op<T>>(&mut self, op: O) {
        let slot = &mut self.ops[self.tensors.len() - 1];
        // Most operations are zero-sized: an existing value of the type is equivalent.
        if size_of::<O>() == 0 && slot.as_any().is::<O>() {
            return;
        }
        match Arc::get_mut(slot).and_then(|old| old.as_any_mut().downcast_mut::<O>()) {
            Some(old) => *old = op,
            None => *slot = Arc::new(op),
        }
    }
}

/// Everything a tape has recorded, for reading.
pub(crate) struct TapeRef<'g, T: Element> {
    pub(crate) nodes: &'g Nodes<T>,
    pub(crate) records: Ref<'g, Records<T>>,
}

impl<T: Element> Deref for TapeRef<'_, T> {
    type Target = Records<T>;
    #[inline]
    fn deref(&self) -> &Records<T> {
        &self.records
    }
}

impl<T: Element> TapeRef<'_, T> {
    /// The slot of a node in `tensors`, if it is a tensor.
    #[inline]
    pub(crate) fn slot(&self, index: NodeId) -> Option<usize> {
        let node = self.nodes.get(index as usize);
        (node.rule == TENSOR).then_some(node.parent[0] as usize)
    }

    /// Returns `true` if the node depends on a leaf that is differentiated.
    pub(crate) fn tracked(&self, index: NodeId) -> bool {
        self.depends(self.operand(index))
    }

    /// A node as an operand.
    pub(crate) fn operand(&self, index: NodeId) -> Input {
        Input { node: index, slot: self.slot(index).map_or(NOT_A_TENSOR, |slot| slot as u32) }
    }

    /// The name of the operation that produced a node.
    pub(crate) fn name(&self, index: NodeId) -> &'static str {
        let node = self.nodes.get(index as usize);
        match self.slot(index) {
            Some(slot) if self.tensors[slot].computed => self.ops[slot].name(),
            Some(slot) if !self.tensors[slot].tracked => "constant",
            Some(_) => "leaf",
            None if node.rule == LEAF => "leaf",
            None if node.rule == MUL_ADD => "mul_add",
            None if node.rule == CHOICE => self.choice(index).map_or("choice", |choice| choice.test.name()),
            None => self.functions.get(node.rule).name(),
        }
    }

    /// The error of an operation, with the places of its operands on a tape with locations.
    #[cold]
    #[inline(never)]
    pub(super) fn located(&self, error: Error, inputs: &[Input]) -> Error {
        match inputs.iter().map(|x| self.site(x.node)).collect() {
            Some(operands) => Error::At { error: Box::new(error), operands },
            None => error,
        }
    }

    /// Where a node was created, on a tape with locations.
    pub(crate) fn site(&self, index: NodeId) -> Option<&'static Location<'static>> {
        self.nodes.site(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_refused_from_the_reserved_values_on() {
        assert_eq!(counted("operands", CHOICE as usize - 1), CHOICE - 1);
        for position in [CHOICE as usize, MUL_ADD as usize, TENSOR as usize, LEAF as usize, usize::MAX] {
            let panic = std::panic::catch_unwind(|| counted("operands", position)).unwrap_err();
            let text = panic.downcast_ref::<String>().map(String::as_str);
            assert_eq!(text, Some("tape: expected at most 4294967292 operands, found more"));
        }
    }
}
