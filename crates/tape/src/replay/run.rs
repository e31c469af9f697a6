//! A run of a replay: the recorded operations forward, then their rules in reverse.

use super::Replay;
use super::plan::{Forward, Plan, Reverse};
use crate::error::Error;
use crate::rules::algebra::Element;
use crate::rules::op::keeps_word;
use crate::shape::Shape;
use crate::sweep::pieces;
use crate::tape::{CONSTANT, Input, NodeId, Records, zeros};
use crate::tensor::Tensor;
use std::sync::Arc;

/// No cotangent has been added to a tensor.
const NONE: u32 = u32::MAX;

/// The cotangents of a reverse run.
pub(super) struct Cotangents<T: Element> {
    /// Those of scalars and tensors of rank 0, by node.
    scalars: Vec<T>,
    /// Those of operands: each operation of the reverse run writes its own.
    operands: Vec<Tensor<T>>,
    /// Which of `operands` the sum of a tensor is in, by slot.
    sums: Vec<u32>,
    /// The partial derivatives of functions of scalars.
    partials: Vec<[T; 2]>,
    /// The cotangent of a tensor of rank 0.
    scalar: Tensor<T>,
}

impl<T: Element> Cotangents<T> {
    pub(super) fn new(plan: &Plan<T>, nodes: usize, slots: usize) -> Cotangents<T> {
        Cotangents {
            scalars: vec![T::ZERO; nodes],
            operands: vec![Tensor::default(); plan.cotangents],
            sums: vec![NONE; slots],
            partials: vec![[T::ZERO; 2]; plan.partials],
            scalar: Tensor::scalar(T::ZERO),
        }
    }

    /// Adds the cotangent of an operand, which is in `operands[at]`, to what the operand has received.
    #[inline]
    fn add(&mut self, at: usize, input: Input) {
        let ct = &self.operands[at];
        match input.slot() {
            Some(slot) if ct.rank() > 0 => match self.sums[slot] {
                NONE => self.sums[slot] = at as u32,
                sum => {
                    let (before, ct) = self.operands.split_at_mut(at);
                    before[sum as usize].add_in_place(&ct[0]);
                }
            },
            _ => self.scalars[input.node as usize] += ct.item(),
        }
    }
}

impl<T: Element> Replay<T> {
    /// Computes the value of every recorded operation that an output needs.
    pub(super) fn forward(&mut self) -> Result<(), Error> {
        let Replay { records, plan, scalars, work, .. } = self;
        for step in &plan.forward {
            let (node, slot) = match step {
                Forward::Scalar(step, at) => {
                    work.partials[*at] = step.run(&records.functions, scalars);
                    continue;
                }
                Forward::Tensor { node, slot, scalar } => {
                    records.recompute(*slot)?;
                    if !scalar {
                        continue;
                    }
                    (*node, *slot)
                }
                Forward::Vector { node, slot, from, scalar } => {
                    let elements = records.tensors[*slot].value.as_mut_slice();
                    for (element, &from) in
                        elements.iter_mut().zip(from).filter(|(_, from)| **from != CONSTANT)
                    {
                        *element = scalars[from as usize];
                    }
                    if !scalar {
                        continue;
                    }
                    (*node, *slot)
                }
            };
            scalars[node as usize] = records.tensors[slot].value.item();
        }
        Ok(())
    }

    /// The chain rule, from `root` to the parameters: the sweep of the tape, along the plan.
    pub(super) fn backward(&mut self, root: NodeId) -> Result<(), Error> {
        let Replay { records, plan, work, parameters, differentiated, gradients, .. } = self;
        // The gradients of the run before share the buffers that this one writes.
        if Arc::get_mut(gradients).is_none() {
            *gradients = Arc::default();
        }
        let Some(buffers) = Arc::get_mut(gradients) else { return Ok(()) };
        buffers.for_parameters(records.tensors.len(), differentiated);
        work.scalars.fill(T::ZERO);
        work.sums.fill(NONE);
        work.scalars[root as usize] = T::ONE;
        for step in &plan.reverse {
            match step {
                &Reverse::Scalar { node, parent: [a, b], partials, adds } => {
                    let ct = work.scalars[node as usize];
                    // Zero absorbs, as in the sweep of the tape.
                    if ct != T::ZERO {
                        let [slope_a, slope_b] = work.partials[partials];
                        if adds {
                            work.scalars[node as usize - 1] += ct;
                        }
                        work.scalars[a as usize] += ct * slope_a;
                        work.scalars[b as usize] += ct * slope_b;
                    }
                }
                Reverse::Tensor { .. } => pull(step, records, work)?,
            }
        }
        for parameter in parameters.iter().filter(|parameter| parameter.differentiated) {
            let leaf = &parameter.leaf;
            let gradient = buffers.tensors.slot(leaf.slot).get_or_insert_default();
            match work.sums[leaf.slot] {
                _ if leaf.shape.rank() == 0 => {
                    gradient.refill(&leaf.shape, |out| out[0] = work.scalars[leaf.node as usize]);
                }
                NONE => *gradient = zeros(&records.tensors[leaf.slot].value),
                // The next run writes into the buffer of these gradients.
                sum => std::mem::swap(gradient, &mut work.operands[sum as usize]),
            }
        }
        Ok(())
    }
}

/// The chain rule at a tensor.
#[inline]
fn pull<T: Element>(step: &Reverse, records: &Records<T>, work: &mut Cotangents<T>) -> Result<(), Error> {
    let Reverse::Tensor { node, slot, first, inputs, want, piece } = step else { return Ok(()) };
    let Some(op) = records.op(*slot) else { return Ok(()) };
    let y = &records.tensors[*slot].value;
    let x = records.values(inputs);
    let (before, cts) = work.operands.split_at_mut(*first);
    let at = work.sums[*slot];
    let dy = if y.rank() == 0 {
        let ct = work.scalars[*node as usize];
        if ct == T::ZERO {
            return Ok(());
        }
        work.scalar.refill(&Shape::default(), |out| out[0] = ct);
        &mut work.scalar
    } else if at == NONE {
        return Ok(());
    } else {
        &mut before[at as usize]
    };
    if *piece && let Some(sum) = inputs[0].slot().map(|slot| work.sums[slot]).filter(|&sum| sum != NONE) {
        // Taken out for the time being: the sum is in the same list.
        let taken = std::mem::take(dy);
        let added = pieces::add(op.as_ref(), &x, y, &taken, before.get_mut(sum as usize))?;
        *(if y.rank() == 0 { &mut work.scalar } else { &mut before[at as usize] }) = taken;
        if added {
            return Ok(());
        }
    }
    let dy = if y.rank() == 0 { &mut work.scalar } else { &mut before[at as usize] };
    op.vjp_into(&x, y, dy, want, &mut cts[..inputs.len()])?;
    for (k, &input) in inputs.iter().enumerate().filter(|&(k, _)| want[k]) {
        keeps_word(op.name(), "vjp", Some(k), records.shape(input.slot()), work.operands[first + k].shape())?;
        work.add(first + k, input);
    }
    Ok(())
}
