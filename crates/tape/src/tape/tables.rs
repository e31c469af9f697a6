//! What a tape keeps beside its nodes, and both together as the sweeps read them.

use super::nodes::{ARRAY, CHAIN, CONSTANT, Index, LEAF, NUMBER, Node, Nodes, Operand};
use super::store::{Parameters, Store};
use super::{ErasedOp, Rules};
use crate::algebra::Element;
use crate::error::Error;
use crate::op::Op;
use crate::ops::FromScalars;
use crate::shape::{Shape, few};
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::cell::Ref;
use std::collections::HashMap;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

/// A place in a list whose places are counted with 32 bits: below the numbers that stand for none. (The tensors need no
/// check of their own: there are fewer than nodes.)
#[track_caller]
#[inline]
pub(super) fn counted(what: &str, place: usize) -> u32 {
    if place < CHAIN as usize {
        return place as u32;
    }
    Error::Invalid { op: "tape", reason: format!("expected at most {CHAIN} {what}, found more") }.panic()
}

/// One recorded tensor.
pub(crate) struct ArrayNode<T: Element> {
    pub(crate) value: Tensor<T>,
    pub(crate) node: Index,
    /// Range of `Tables::inputs`.
    first_input: u32,
    inputs: u32,
    /// Does it depend on a leaf that is differentiated?
    pub(crate) tracked: bool,
    /// Is it the result of an operation? Leaves and constants are not.
    pub(crate) computed: bool,
}

/// What a tape has recorded beside its nodes.
pub(crate) struct Tables<T: Element> {
    pub(crate) arrays: Vec<ArrayNode<T>>,
    /// Operations of `arrays`. They outlive a reset, so that the next step finds a place for its own.
    ops: Vec<Arc<dyn ErasedOp<T>>>,
    inputs: Vec<Operand>,
    pub(crate) rules: Rules<T>,
    /// Values of the first nodes, computed when somebody asked.
    values: Vec<T>,
    pub(crate) parameters: Parameters,
    /// Names that nodes were given, for views.
    pub(crate) names: HashMap<Index, String>,
    /// The gradients handed out last; used again once their owner has dropped them.
    pub(crate) spare: Option<Arc<Store<T>>>,
    /// What stands for a tensor where there is none.
    nothing: Tensor<T>,
    /// The shape of a number.
    rank0: Shape,
}

impl<T: Element> Tables<T> {
    pub(crate) fn new() -> Tables<T> {
        Tables {
            arrays: Vec::new(),
            ops: Vec::new(),
            inputs: Vec::new(),
            rules: Rules::default(),
            values: Vec::new(),
            parameters: Parameters::default(),
            names: HashMap::new(),
            spare: None,
            nothing: Tensor::default(),
            rank0: Shape::default(),
        }
    }

    /// Forgets what was recorded and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.arrays.clear();
        self.inputs.clear();
        self.values.clear();
        self.names.clear();
        self.parameters.clear();
    }

    /// Operands of the tensor at `slot`.
    #[inline]
    pub(crate) fn inputs(&self, slot: usize) -> &[Operand] {
        let array = &self.arrays[slot];
        &self.inputs[array.first_input as usize..][..array.inputs as usize]
    }

    /// The operation of the tensor at `slot`, which is not a leaf.
    pub(crate) fn op(&self, slot: usize) -> &Arc<dyn ErasedOp<T>> {
        &self.ops[slot]
    }

    /// The tensors that operands are; for a number, which no kernel asks for, one without elements.
    #[inline]
    pub(crate) fn tensors(&self, operands: &[Operand]) -> SmallVec<[&Tensor<T>; 4]> {
        few(operands.len(), &self.nothing, |k| {
            operands[k].slot().map_or(&self.nothing, |slot| &self.arrays[slot].value)
        })
    }

    /// The shape of a tensor by its place, or of a number.
    #[inline]
    pub(crate) fn shape(&self, slot: Option<usize>) -> &Shape {
        slot.map_or(&self.rank0, |slot| self.arrays[slot].value.shape())
    }

    /// Does an operand depend on a leaf that is differentiated?
    #[inline]
    pub(crate) fn depends(&self, operand: Operand) -> bool {
        match operand.slot() {
            Some(slot) => self.arrays[slot].tracked,
            None => operand.node != CONSTANT,
        }
    }

    /// The value of a recorded number, once replayed.
    pub(crate) fn value(&self, index: Index) -> T {
        self.values[index as usize]
    }

    /// Values of the parents of a recorded number; those before it must have been computed.
    pub(crate) fn parents(&self, node: &Node<T>) -> [T; 2] {
        [0, 1].map(|k| match node.parent[k] {
            CONSTANT => node.partial[k],
            parent => self.values[parent as usize],
        })
    }

    /// Computes the values of the first `count` nodes that are not there yet.
    pub(crate) fn replay(&mut self, nodes: &Nodes<T>, count: usize) {
        for i in self.values.len()..count {
            let node = nodes.get(i);
            let value = match node.function() {
                Some(function) => {
                    let [a, b] = self.parents(&node);
                    let value = self.rules.get(function).eval(a, b);
                    node.addend(i as Index).map_or(value, |addend| value + self.values[addend as usize])
                }
                None if node.rule == LEAF => node.partial[0],
                None => {
                    let value = &self.arrays[node.parent[0] as usize].value;
                    if value.rank() == 0 { value.item() } else { T::NAN }
                }
            };
            self.values.push(value);
        }
    }

    /// The bytes of what was recorded, but not of the values of tensors.
    pub(crate) fn bytes(&self) -> usize {
        let ops = &self.ops[..self.arrays.len()];
        size_of_val(&self.arrays[..])
            + size_of_val(&self.inputs[..])
            + size_of_val(&self.values[..])
            + ops.iter().map(|op| size_of_val(&**op)).sum::<usize>()
    }

    /// Adds a tensor, whose node is `node`.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn push(
        &mut self,
        value: Tensor<T>,
        node: Index,
        inputs: &[Operand],
        tracked: bool,
        computed: bool,
    ) {
        let first_input = counted("operands", self.inputs.len());
        self.inputs.extend_from_slice(inputs);
        let inputs = counted("operands", self.inputs.len()) - first_input;
        if self.ops.len() == self.arrays.len() {
            self.ops.push(Arc::new(FromScalars { shape: Shape::default() }));
        }
        self.arrays.push(ArrayNode { value, node, first_input, inputs, tracked, computed });
    }

    /// Stores the operation of the tensor recorded last, in the place of an earlier one of its type if it can.
    pub(crate) fn store_op<O: Op<T>>(&mut self, op: O) {
        let place = &mut self.ops[self.arrays.len() - 1];
        // Most operations are a type and nothing else: the one that is there is as good.
        if size_of::<O>() == 0 && place.as_any().is::<O>() {
            return;
        }
        match Arc::get_mut(place).and_then(|old| old.as_any_mut().downcast_mut::<O>()) {
            Some(old) => *old = op,
            None => *place = Arc::new(op),
        }
    }
}

/// Everything a tape has recorded, for reading.
pub(crate) struct Graph<'g, T: Element> {
    pub(crate) nodes: &'g Nodes<T>,
    pub(crate) tables: Ref<'g, Tables<T>>,
}

impl<T: Element> Deref for Graph<'_, T> {
    type Target = Tables<T>;
    #[inline]
    fn deref(&self) -> &Tables<T> {
        &self.tables
    }
}

impl<T: Element> Graph<'_, T> {
    /// The place of a node in `arrays`, if it is a tensor.
    #[inline]
    pub(crate) fn slot(&self, index: Index) -> Option<usize> {
        let node = self.nodes.get(index as usize);
        (node.rule == ARRAY).then_some(node.parent[0] as usize)
    }

    /// Does the node depend on a leaf that is differentiated?
    pub(crate) fn tracked(&self, index: Index) -> bool {
        self.depends(self.operand(index))
    }

    /// A node as an operand.
    pub(crate) fn operand(&self, index: Index) -> Operand {
        Operand { node: index, slot: self.slot(index).map_or(NUMBER, |slot| slot as u32) }
    }

    /// The name of the operation that made a node.
    pub(crate) fn name(&self, index: Index) -> &'static str {
        let node = self.nodes.get(index as usize);
        match self.slot(index) {
            Some(slot) if self.arrays[slot].computed => self.ops[slot].name(),
            Some(slot) if !self.arrays[slot].tracked => "constant",
            Some(_) => "leaf",
            None if node.rule == LEAF => "leaf",
            None if node.rule == CHAIN => "mul_add",
            None => self.rules.get(node.rule).name(),
        }
    }

    /// Where a node was created, on a traced tape.
    pub(crate) fn site(&self, index: Index) -> Option<&'static Location<'static>> {
        self.nodes.site(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_up_to_the_numbers_that_stand_for_none() {
        assert_eq!(counted("operands", CHAIN as usize - 1), CHAIN - 1);
        for place in [CHAIN as usize, ARRAY as usize, LEAF as usize, usize::MAX] {
            let panic = std::panic::catch_unwind(|| counted("operands", place)).unwrap_err();
            let text = panic.downcast_ref::<String>().map(String::as_str);
            assert_eq!(text, Some("tape: expected at most 4294967293 operands, found more"));
        }
    }
}
