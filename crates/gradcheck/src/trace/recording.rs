//! A recorded model with the adjoint of every node, and what else can be computed from it.

use crate::check::Inputs;
use std::sync::Arc;
use tape::internal::{contributions_of_node, cotangents, tangent_of_node, value_when};
use tape::{Element, Error, GraphNode, GraphView, Scalar, Tape, Tensor, Var};

/// The contributions of a node with a cotangent: calls the function with an operand and a contribution to it.
pub(super) type Rule<'a, T> =
    dyn Fn(&GraphNode<T>, &Tensor<T>, &mut dyn FnMut(usize, Tensor<T>)) -> Result<(), Error> + 'a;

/// A model on a tape.
pub(super) struct Recording<'t, T: Element> {
    pub(super) view: GraphView<T>,
    tape: &'t Tape<T>,
    loss: Var<'t, T>,
    adjoints: Vec<Option<Tensor<T>>>,
}

impl<'t, T: Element> Recording<'t, T> {
    /// Records a model with inputs of these names.
    pub(super) fn new(
        tape: &'t Tape<T>,
        names: &Arc<[String]>,
        values: &[Tensor<T>],
        tracked: &[bool],
        record: impl FnOnce(&Inputs<'t, T>) -> Scalar<'t, T>,
    ) -> Recording<'t, T> {
        let inputs = Inputs::record(tape, names, values, tracked);
        for (i, name) in names.iter().enumerate() {
            let _ = inputs.at(i).named(name);
        }
        let loss = record(&inputs).to_var();
        let adjoints = cotangents(loss, Tensor::scalar(T::ONE));
        Recording { view: tape.view(), tape, loss, adjoints }
    }

    /// The value of the loss.
    pub(super) fn loss(&self) -> f64 {
        self.loss.value().item().to_f64()
    }

    /// The nodes behind the loss, with the steps of its sweep.
    pub(super) fn steps(&self) -> GraphView<T> {
        self.loss.try_view(Tensor::scalar(T::ONE)).unwrap_or_else(|_| self.view.clone())
    }

    /// The adjoint of a node; none where the loss does not depend on it.
    pub(super) fn adjoint(&self, node: usize) -> Option<&Tensor<T>> {
        self.adjoints.get(node)?.as_ref()
    }

    /// The node of the loss.
    fn root(&self) -> usize {
        self.adjoints.iter().rposition(Option::is_some).unwrap_or(0)
    }

    /// The nodes on the way from `node` to the loss, both included, from the loss down.
    pub(super) fn way_down(&self, node: usize) -> Vec<&GraphNode<T>> {
        let root = self.root();
        let mut above = vec![false; root + 1];
        let mut way = Vec::new();
        for next in self.view.nodes().iter().take_while(|next| next.index <= root) {
            if next.index == node || next.parents().any(|parent| above[parent]) {
                above[next.index] = true;
                way.push(next);
            }
        }
        way.retain(|next| self.adjoint(next.index).is_some());
        way.reverse();
        way
    }

    /// The derivative of the loss by one entry of a node, in forward mode.
    pub(super) fn forward(&self, node: usize, entry: usize) -> f64 {
        let Some(start) = self.view.node(node) else { return f64::NAN };
        let mut unit = Tensor::zeros(&start.shape);
        if let Some(one) = unit.as_mut_slice().get_mut(entry) {
            *one = T::ONE;
        }
        let mut tangents: Vec<Option<Tensor<T>>> = vec![None; self.root() + 1];
        tangents[node] = Some(unit);
        for next in self.way_down(node).into_iter().rev().skip(1) {
            let tangent = tangent_of_node(self.tape, next.index, &|operand| tangents[operand].clone());
            tangents[next.index] = tangent;
        }
        tangents[self.root()].as_ref().map_or(0.0, |tangent| tangent.item().to_f64())
    }

    /// The central difference quotient of the loss in one entry of a node, and a bound of its rounding error.
    pub(super) fn quotient(&self, node: usize, entry: usize) -> Result<(f64, f64), Error> {
        let Some(start) = self.view.node(node) else { return Ok((f64::NAN, f64::INFINITY)) };
        let x = start.value.to_vec().get(entry).copied().unwrap_or(T::ZERO).to_f64();
        // The cube root of ε balances rounding and curvature.
        let h = T::EPSILON.to_f64().cbrt() * x.abs().max(1.0);
        let at = |x: f64| -> Result<f64, Error> {
            let mut moved = start.value.clone();
            if let Some(element) = moved.as_mut_slice().get_mut(entry) {
                *element = T::from_f64(x);
            }
            Ok(value_when(self.loss, node, moved)?.item().to_f64())
        };
        let (above, below) = (at(x + h)?, at(x - h)?);
        Ok(((above - below) / (2.0 * h), T::EPSILON.to_f64() * above.abs().max(below.abs()) / h))
    }

    /// The adjoint of `node` by a reverse sweep in which each node contributes by `rule`: it gets the node, its cotangent and a
    /// function that adds a contribution to an operand.
    pub(super) fn sweep(&self, node: usize, rule: &Rule<'_, T>) -> Option<Tensor<T>> {
        let way = self.way_down(node);
        let mut sums: Vec<Option<Tensor<T>>> = vec![None; self.root() + 1];
        sums[self.root()] = Some(Tensor::scalar(T::ONE));
        for next in way.iter().filter(|next| next.index != node) {
            let Some(cotangent) = sums[next.index].take() else { continue };
            let mut add = |operand: usize, part: Tensor<T>| match &mut sums[operand] {
                Some(sum) => *sum = &*sum + &part,
                none => *none = Some(part),
            };
            rule(next, &cotangent, &mut add).ok()?;
        }
        sums[node].take()
    }

    /// The contributions of a node by the rule of its operation.
    pub(super) fn contributions(
        &self,
        node: usize,
        cotangent: &Tensor<T>,
        read: &dyn Fn(usize) -> Option<Tensor<T>>,
        add: &mut dyn FnMut(usize, Tensor<T>),
    ) -> Result<(), Error> {
        contributions_of_node(self.tape, node, cotangent, read, add)
    }
}
