//! The part of a tape that recordings for a replay need: see [`Replay`](crate::Replay).

use super::nodes::{CONSTANT, MUL_ADD, Node, NodeId};
use super::{ParamId, Purpose, Records, ScalarFns, Tape, Var};
use crate::error::Error;
use crate::rules::algebra::Element;
use crate::tensor::Tensor;
use std::panic::Location;

impl<T: Element> Tape<T> {
    /// A tape whose operations are repeated on other values of the same shapes. It records all that depends on its leaves,
    /// differentiable or not, and notes what a repetition would get wrong.
    pub(crate) fn for_replay() -> Tape<T> {
        Tape { purpose: Purpose::Replay, ..Tape::of() }.with_locations()
    }

    /// Returns `true` if what is recorded will be repeated by a [`Replay`](crate::Replay).
    #[inline]
    pub fn is_replayed(&self) -> bool {
        self.purpose == Purpose::Replay
    }

    /// Returns `true` if leaves are differentiated.
    #[inline]
    pub(super) fn differentiates(&self) -> bool {
        matches!(self.purpose, Purpose::Derivatives | Purpose::Replay)
    }

    /// Checks that values are known and may be used, before `op` uses them: those of a program are not known, and those of a
    /// replay will be others.
    #[track_caller]
    #[inline]
    pub(crate) fn check_values(&self, op: &'static str) -> Result<(), Error> {
        match self.purpose {
            Purpose::Program => Err(super::without_values(op)),
            Purpose::Replay => {
                self.refuse_replay(op, "the use of a value, which will be another one");
                Ok(())
            }
            Purpose::Derivatives | Purpose::Values => Ok(()),
        }
    }

    /// The tables beside its nodes.
    pub(crate) fn into_records(self) -> Records<T> {
        self.records.into_inner()
    }

    /// Refuses a replay of this recording: `op` does something that a repetition of recorded operations would not do, such as
    /// drawing random numbers. For layers that keep a state; the first refusal counts. Without effect on other tapes.
    ///
    /// ```
    /// use tape::{Replay, Tensor};
    /// let x = Tensor::from([1.0, 2.0]);
    /// let noisy = Replay::new([&x], |tape, [x]| {
    ///     tape.refuse_replay("noise", "random numbers, which would be the same in every replay");
    ///     x.sum()
    /// });
    /// assert!(noisy.unwrap_err().to_string().starts_with("noise: expected a step that can be replayed, found random"));
    /// ```
    #[track_caller]
    pub fn refuse_replay(&self, op: &'static str, reason: &'static str) {
        if self.is_replayed() {
            let site = self.nodes.outer_site().unwrap_or(Location::caller());
            self.records_mut().refused.get_or_insert(Error::NotReplayable { op, reason, site });
        }
    }

    /// The first refusal.
    pub(crate) fn take_refusal(&self) -> Option<Error> {
        self.records_mut().refused.take()
    }

    /// A parameter that is not differentiated: a constant, but in a [`Replay`](crate::Replay), which takes its value anew in
    /// every run, as those of other parameters.
    ///
    /// ```
    /// use tape::{ParamId, Tape, Tensor};
    /// let (id, mean) = (ParamId::new(), Tensor::from([1.0, 2.0]));
    /// let tape = Tape::new();
    /// let y = (tape.constant_parameter(id, &mean) * tape.var([3.0, 4.0])).sum();
    /// assert!(y.backward().try_of(id).is_err());
    /// ```
    ///
    /// # Panics
    /// In a replay, as [`parameter`](Tape::parameter).
    #[track_caller]
    pub fn constant_parameter(&self, id: ParamId, value: &Tensor<T>) -> Var<'_, T> {
        if !self.is_replayed() {
            return self.constant(value.clone());
        }
        let leaf = self.parameter(id, value);
        let constants = &mut self.records_mut().constant_parameters;
        if !constants.contains(&leaf.slot) {
            constants.push(leaf.slot);
        }
        leaf
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// The value, which operation `op` decides on or takes apart.
    #[track_caller]
    pub(crate) fn read(self, op: &'static str) -> Tensor<T> {
        if self.tape.is_replayed() && self.is_tracked() {
            self.tape.refuse_replay(op, "the use of a value, which will be another one");
        }
        self.example_value()
    }
}

/// A recorded scalar that is computed again: the function of two operands, each the value of a node or a constant, and perhaps
/// a sum with the preceding node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScalarStep<T> {
    pub(crate) node: NodeId,
    pub(crate) parent: [NodeId; 2],
    constant: [T; 2],
    rule: u32,
    pub(crate) adds: bool,
}

impl<T: Element> ScalarStep<T> {
    /// The step of a node, unless it is a leaf or a tensor.
    pub(crate) fn new(index: NodeId, node: &Node<T>) -> Option<ScalarStep<T>> {
        let rule = node.function()?;
        let adds = node.rule == MUL_ADD;
        Some(ScalarStep { node: index, parent: node.parent, constant: node.partial, rule, adds })
    }

    /// Computes the value of the node, from those of earlier ones, and its partial derivatives.
    #[inline]
    pub(crate) fn run(&self, functions: &ScalarFns<T>, values: &mut [T]) -> [T; 2] {
        let [a, b] = [0, 1].map(|k| match self.parent[k] {
            CONSTANT => self.constant[k],
            parent => values[parent as usize],
        });
        let function = functions.get(self.rule);
        let y = function.eval(a, b);
        let node = self.node as usize;
        values[node] = if self.adds { y + values[node - 1] } else { y };
        function.partials(a, b, y)
    }
}
