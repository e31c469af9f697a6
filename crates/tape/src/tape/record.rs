//! Recording: where an operation becomes a node.

use super::nodes::{CHAIN, CONSTANT, Index, Node, Operand};
use super::{Scalar, Tape, Var};
use crate::algebra::{Binary, Element, Unary};
use crate::error::{self, Error};
use crate::op::{Op, compute};
use crate::ops::{Add, FromScalars, Mul};
use crate::shape::{Shape, few};
use crate::tensor::Tensor;
use smallvec::SmallVec;

impl<T: Element> Tape<T> {
    /// Records numbers side by side as a tensor.
    #[track_caller]
    pub(crate) fn record_numbers(&self, x: &[Scalar<'_, T>], shape: Shape) -> Var<'_, T> {
        for x in x {
            error::expect(self.owns("vector", x.tape));
        }
        let value = Tensor::build(shape.clone(), |out| {
            out.iter_mut().zip(x).for_each(|(out, x)| *out = x.value);
        });
        let graph = self.graph();
        let inputs: SmallVec<[Operand; 8]> = x.iter().map(|x| graph.operand(x.index)).collect();
        let tracked = inputs.iter().any(|&x| graph.depends(x));
        drop(graph);
        self.store(FromScalars { shape }, &inputs, value, tracked)
    }

    /// Records a function of one number.
    #[track_caller]
    #[inline(always)]
    pub(super) fn record_unary<F: Unary>(&self, f: F, x: Index, value: T) -> Scalar<'_, T> {
        let y = f.eval(value);
        let partial = [f.slope(value, y), T::ZERO];
        let rule = F::PLACE.unwrap_or_else(|| self.tables.borrow_mut().rules.unary(f));
        let index = self.nodes.push(Node { partial, parent: [x, CONSTANT], rule });
        Scalar { tape: self, index, value: y }
    }

    /// Records a function of two numbers, at least one of which is on the tape.
    #[track_caller]
    #[inline(always)]
    pub(super) fn record_binary<F: Binary>(&self, f: F, parent: [Index; 2], [a, b]: [T; 2]) -> Scalar<'_, T> {
        let y = f.eval(a, b);
        // A constant operand leaves its value where its partial derivative would stand.
        let da = if parent[0] == CONSTANT { a } else { f.slope_a(a, b, y) };
        let db = if parent[1] == CONSTANT { b } else { f.slope_b(a, b, y) };
        let rule = F::PLACE.unwrap_or_else(|| self.tables.borrow_mut().rules.binary(f));
        let index = self.nodes.push(Node { partial: [da, db], parent, rule });
        Scalar { tape: self, index, value: y }
    }

    /// Records `w x + z`: as one node where `z` is the node recorded last, otherwise as a product and a sum.
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
            // As in `record_binary`: the slope of one factor is the other, and a constant leaves its value.
            let dw = if w.is_constant() { w.value } else { x.value };
            let dx = if x.is_constant() { x.value } else { w.value };
            self.nodes.push(Node { partial: [dw, dx], parent: [w.index, x.index], rule: CHAIN })
        };
        Scalar { tape: self, index, value: w.value * x.value + z.value }
    }

    /// Records a tensor operation; only its value if no operand is differentiated.
    #[track_caller]
    pub(crate) fn record<'t, O: Op<T>>(&'t self, op: O, x: &[&Var<'t, T>]) -> Result<Var<'t, T>, Error> {
        for x in x {
            self.owns(op.name(), x.tape)?;
        }
        let inputs = few(x.len(), Operand::number(CONSTANT), |k| x[k].operand());
        let graph = self.graph();
        let operands = graph.tensors(&inputs);
        let value = compute(&op, &operands);
        let tracked = |(k, &x): (usize, &Operand)| graph.depends(x) && op.differentiable(k);
        let tracked = inputs.iter().enumerate().any(tracked);
        let value = value.map_err(|error| match inputs.iter().map(|x| graph.site(x.node)).collect() {
            Some(operands) => Error::At { error: Box::new(error), operands },
            None => error,
        })?;
        drop(operands);
        drop(graph);
        Ok(self.store(op, &inputs, value, tracked))
    }

    /// Records an operation whose value is known already.
    #[track_caller]
    pub(crate) fn record_value<'t, O: Op<T>>(
        &'t self,
        op: O,
        x: &[Var<'t, T>],
        value: Tensor<T>,
    ) -> Var<'t, T> {
        let inputs = few(x.len(), Operand::number(CONSTANT), |k| x[k].operand());
        let tracked = inputs.iter().any(|&x| self.graph().depends(x));
        self.store(op, &inputs, value, tracked)
    }

    #[track_caller]
    pub(super) fn store<O: Op<T>>(
        &self,
        op: O,
        inputs: &[Operand],
        value: Tensor<T>,
        tracked: bool,
    ) -> Var<'_, T> {
        let y = self.push_array(value, if tracked { inputs } else { &[] }, tracked, tracked);
        if tracked {
            self.tables.borrow_mut().store_op(op);
        }
        y
    }

    /// Records a tensor.
    #[track_caller]
    pub(super) fn push_array(
        &self,
        value: Tensor<T>,
        inputs: &[Operand],
        tracked: bool,
        computed: bool,
    ) -> Var<'_, T> {
        let mut tables = self.tables.borrow_mut();
        let slot = tables.arrays.len() as u32;
        let node = self.nodes.push(Node::array(slot));
        tables.push(value, node, inputs, tracked, computed);
        Var { tape: self, index: node, slot, literal: T::ZERO }
    }
}

/// The node of `w x + z`, recorded as a product and a sum; not inlined, so that the way of one node stays short.
#[inline(never)]
#[track_caller]
fn product_and_sum<T: Element>(w: Scalar<'_, T>, x: Scalar<'_, T>, z: Scalar<'_, T>) -> Index {
    w.zip(x, Mul).zip(z, Add).index
}
