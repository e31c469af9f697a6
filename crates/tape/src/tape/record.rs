//! Recording: where an operation becomes a node.

use super::nodes::{CONSTANT, Index, Node};
use super::{Scalar, Tape, Var};
use crate::algebra::{Binary, Element, Unary};
use crate::error::{self, Error};
use crate::op::{Op, compute};
use crate::ops::FromScalars;
use crate::shape::Shape;
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
        let inputs: SmallVec<[Index; 8]> = x.iter().map(|x| x.index).collect();
        let tracked = inputs.iter().any(|&i| self.graph().tracked(i));
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

    /// Records a tensor operation; only its value if no operand is differentiated.
    #[track_caller]
    pub(crate) fn record<'t, O: Op<T>>(&'t self, op: O, x: &[&Var<'t, T>]) -> Result<Var<'t, T>, Error> {
        let mut inputs: SmallVec<[Index; 4]> = SmallVec::new();
        for x in x {
            self.owns(op.name(), x.tape)?;
            inputs.push(x.node());
        }
        let graph = self.graph();
        let operands = graph.tensors(&inputs);
        let value = compute(&op, &operands);
        let tracked = |(k, &i): (usize, &Index)| graph.tracked(i) && op.differentiable(k);
        let tracked = inputs.iter().enumerate().any(tracked);
        let value = value.map_err(|error| match inputs.iter().map(|&i| graph.site(i)).collect() {
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
        let inputs: SmallVec<[Index; 4]> = x.iter().map(|x| x.node()).collect();
        let tracked = inputs.iter().any(|&i| self.graph().tracked(i));
        self.store(op, &inputs, value, tracked)
    }

    #[track_caller]
    pub(super) fn store<O: Op<T>>(
        &self,
        op: O,
        inputs: &[Index],
        value: Tensor<T>,
        tracked: bool,
    ) -> Var<'_, T> {
        let index = self.push_array(value, if tracked { inputs } else { &[] }, tracked, tracked);
        if tracked {
            self.tables.borrow_mut().store_op(op);
        }
        Var { tape: self, index, literal: T::ZERO }
    }

    /// Records a tensor.
    #[track_caller]
    pub(super) fn push_array(
        &self,
        value: Tensor<T>,
        inputs: &[Index],
        tracked: bool,
        computed: bool,
    ) -> Index {
        let mut tables = self.tables.borrow_mut();
        let node = self.nodes.push(Node::array(tables.arrays.len() as u32));
        tables.push(value, node, inputs, tracked, computed);
        node
    }
}
