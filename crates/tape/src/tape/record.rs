//! Recording: turns an operation into a node.

use super::nodes::{CHOICE, CONSTANT, Input, MUL_ADD, Node, NodeId};
use super::records::Choice;
use super::{Scalar, Tape, Var};
use crate::error::{self, Error};
use crate::ops::{Add, FromScalars, Mul};
use crate::rules::algebra::{Binary, Element, Test, Unary};
use crate::rules::op::{Op, compute};
use crate::shape::{Shape, collect_small};
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::panic::Location;

impl<T: Element> Tape<T> {
    /// Records scalars as one tensor.
    #[track_caller]
    #[inline(never)]
    pub(crate) fn record_scalars(&self, x: &[Scalar<'_, T>], shape: Shape) -> Var<'_, T> {
        for x in x {
            error::expect(self.owns("vector", x.tape));
        }
        let value = Tensor::build(shape.clone(), |out| {
            out.iter_mut().zip(x).for_each(|(out, x)| *out = x.value);
        });
        let graph = self.graph();
        let inputs: SmallVec<[Input; 8]> = x.iter().map(|x| graph.operand(x.index)).collect();
        let tracked = inputs.iter().any(|&x| graph.depends(x));
        drop(graph);
        self.store(FromScalars { shape }, &inputs, value, tracked)
    }

    /// Records a function of one scalar.
    #[track_caller]
    #[inline(always)]
    pub(super) fn record_unary<F: Unary>(&self, f: F, x: NodeId, value: T) -> Scalar<'_, T> {
        let y = f.eval(value);
        let partial = [f.slope(value, y), T::ZERO];
        let rule = F::BUILTIN_INDEX.unwrap_or_else(|| self.records.borrow_mut().functions.unary(f));
        let index = self.nodes.push(Node { partial, parent: [x, CONSTANT], rule });
        Scalar { tape: self, index, value: y }
    }

    /// Records a function of two scalars, at least one of which is on the tape.
    #[track_caller]
    #[inline(always)]
    pub(super) fn record_binary<F: Binary>(
        &self,
        f: F,
        parent: [NodeId; 2],
        [a, b]: [T; 2],
    ) -> Scalar<'_, T> {
        let y = f.eval(a, b);
        // For a constant operand, its value is stored in place of its partial derivative.
        let da = if parent[0] == CONSTANT { a } else { f.slope_a(a, b, y) };
        let db = if parent[1] == CONSTANT { b } else { f.slope_b(a, b, y) };
        let rule = F::BUILTIN_INDEX.unwrap_or_else(|| self.records.borrow_mut().functions.binary(f));
        let index = self.nodes.push(Node { partial: [da, db], parent, rule });
        Scalar { tape: self, index, value: y }
    }

    /// Records `w x + z`: as one node if `z` is the node recorded last, otherwise as a product and a sum.
    #[track_caller]
    #[inline(always)]
    pub(super) fn record_mul_add<'t>(
        &'t self,
        w: Scalar<'t, T>,
        x: Scalar<'t, T>,
        z: Scalar<'t, T>,
    ) -> Scalar<'t, T> {
        w.beside("mul_add", [x, z]);
        let last = z.index as usize + 1 == self.nodes.len();
        let index = if !last || z.is_constant() {
            product_and_sum(w, x, z)
        } else {
            // As in `record_binary`: the slope of one factor is the other, and a constant stores its value.
            let dw = if w.is_constant() { w.value } else { x.value };
            let dx = if x.is_constant() { x.value } else { w.value };
            self.nodes.push(Node { partial: [dw, dx], parent: [w.index, x.index], rule: MUL_ADD })
        };
        Scalar { tape: self, index, value: w.value * x.value + z.value }
    }

    /// Records that a scalar is one of two, chosen by a comparison.
    #[track_caller]
    pub(super) fn record_choice<'t>(
        &'t self,
        test: Test,
        compared: [Scalar<'t, T>; 2],
        between: [Scalar<'t, T>; 2],
    ) -> Scalar<'t, T> {
        // Of a constant the value is stored in place of the partial derivative, as in `record_binary`.
        let partial = between.map(|x| if x.is_constant() { x.value } else { T::ZERO });
        let index = self.nodes.push(Node { partial, parent: between.map(|x| x.index), rule: CHOICE });
        let choice = Choice { test, compared: compared.map(|x| (x.index, x.value)) };
        self.records.borrow_mut().choices.push((index, choice));
        Scalar { tape: self, index, value: T::NAN }
    }

    /// Records a tensor operation, or only its value if no operand is differentiated. Not inlined, so that programs
    /// use the copies in this crate: see `instances`.
    #[track_caller]
    #[inline(never)]
    pub(crate) fn record<'t, O: Op<T>>(&'t self, op: O, x: &[&Var<'t, T>]) -> Result<Var<'t, T>, Error> {
        let inputs = self.operands(op.name(), x)?;
        let graph = self.graph();
        let value = compute(&op, &graph.values(&inputs));
        // A replay computes again all that depends on its leaves, differentiable or not.
        let replayed = self.is_replayed();
        let tracked =
            (0..inputs.len()).any(|k| graph.depends(inputs[k]) && (replayed || op.differentiable(k)));
        let value = match value {
            Ok(value) => value,
            Err(error) => return Err(graph.located(error, &inputs)),
        };
        drop(graph);
        Ok(self.store(op, &inputs, value, tracked))
    }

    /// The operands of the operation `op`, all of which must be on this tape. What does not depend on the operation is not
    /// inlined: it would be compiled again for each of them.
    #[track_caller]
    #[inline(never)]
    fn operands(&self, op: &'static str, x: &[&Var<'_, T>]) -> Result<SmallVec<[Input; 4]>, Error> {
        for x in x {
            self.owns(op, x.tape)?;
        }
        let site = Location::caller();
        Ok(collect_small(x.len(), Input::scalar(CONSTANT), |k| x[k].operand(site)))
    }

    /// Records an operation whose value is already known.
    #[track_caller]
    pub(crate) fn record_value<'t, O: Op<T>>(
        &'t self,
        op: O,
        x: &[Var<'t, T>],
        value: Tensor<T>,
    ) -> Var<'t, T> {
        let site = Location::caller();
        let inputs = collect_small(x.len(), Input::scalar(CONSTANT), |k| x[k].operand(site));
        let tracked = inputs.iter().any(|&x| self.graph().depends(x));
        self.store(op, &inputs, value, tracked)
    }

    #[track_caller]
    pub(super) fn store<O: Op<T>>(
        &self,
        op: O,
        inputs: &[Input],
        value: Tensor<T>,
        tracked: bool,
    ) -> Var<'_, T> {
        let y = self.push_tensor(value, if tracked { inputs } else { &[] }, tracked, tracked);
        if tracked {
            self.records.borrow_mut().store_op(op);
        }
        y
    }

    /// Records a tensor.
    #[track_caller]
    #[inline(never)]
    pub(super) fn push_tensor(
        &self,
        value: Tensor<T>,
        inputs: &[Input],
        tracked: bool,
        computed: bool,
    ) -> Var<'_, T> {
        if self.is_program() {
            let reason = "expected scalars only in a program, found a tensor; apply the program to tensors with `map_lanes`";
            Error::Invalid { op: "program", reason: reason.to_string() }.panic();
        }
        let mut records = self.records.borrow_mut();
        let slot = records.tensors.len() as u32;
        let node = self.nodes.push(Node::tensor(slot));
        records.push(value, node, inputs, tracked, computed);
        Var { tape: self, index: node, slot, literal: T::ZERO }
    }
}

/// The node of `w x + z`, recorded as a product and a sum; not inlined, so that the single-node path stays
/// short.
#[inline(never)]
#[track_caller]
fn product_and_sum<T: Element>(w: Scalar<'_, T>, x: Scalar<'_, T>, z: Scalar<'_, T>) -> NodeId {
    w.zip(x, Mul).zip(z, Add).index
}
