//! The forward sweep over handles: the tangents are recorded, so they can be differentiated again.

use super::handles::{Chosen, addend, operands, operation, slopes, variable, zero_gradient};
use super::reach::{Between, indices};
use crate::error::{self, Error};
use crate::rules::algebra::{Arithmetic, Element};
use crate::rules::op::keeps_word;
use crate::tape::{AnyHandle, CONSTANT, Handle, Handles, NodeId, Tape, Var};
use smallvec::SmallVec;
use std::panic::Location;

impl<T: Element> Tape<T> {
    /// As [`jvp`](Tape::jvp), recorded: the tangent is a handle that can be differentiated again.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(2.0);
    /// let y = x.powi(3);
    /// let dy = tape.pushforward(y, x, tape.scalar_constant(1.0));
    /// assert_eq!((dy.value(), dy.backward().wrt(x)), (12.0, 12.0));
    /// ```
    ///
    /// # Panics
    /// As [`try_pushforward`](Tape::try_pushforward).
    #[track_caller]
    pub fn pushforward<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(&'t self, y: Y, x: X, dx: X) -> Y {
        error::expect(self.try_pushforward(y, x, dx))
    }

    /// As [`pushforward`](Tape::pushforward), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`try_jvp`](Tape::try_jvp).
    #[track_caller]
    pub fn try_pushforward<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(
        &'t self,
        y: Y,
        x: X,
        dx: X,
    ) -> Result<Y, Error> {
        let op = "pushforward";
        self.check_recorded(op)?;
        let (from, to) = (indices(op, self, &x)?, indices(op, self, &y)?);
        indices(op, self, &dx)?;
        let mut seeds = Handles::new();
        dx.gather(&mut seeds);
        if seeds.0.len() != from.len() {
            return Err(Error::Operands {
                op,
                expected: "one tangent for each handle",
                found: seeds.0.len(),
            });
        }
        let active = Between::new(&self.graph(), &from, &to);
        let mut tangents: Vec<Option<AnyHandle<'t, T>>> = vec![None; active.nodes.len()];
        for (&index, &seed) in from.iter().zip(&seeds.0) {
            if index == CONSTANT || !self.graph().tracked(index) {
                continue;
            }
            let graph = self.graph();
            let (expected, found) = (graph.shape(graph.slot(index)).clone(), seed.shape());
            drop(graph);
            if expected != found {
                return Err(Error::Shape { op, expected: expected.dims(), found: found.dims() });
            }
            if let Some(at) = active.position(index) {
                let (seed, sum) = (seed.carried(), &mut tangents[at]);
                *sum = Some(sum.map_or(seed, |sum| sum.plus(seed)));
            }
        }
        self.at_location(Location::caller(), || {
            (0..).zip(&active.nodes).try_for_each(|(at, &i)| {
                let pushed = self.push_recorded(i, &active, &tangents)?;
                tangents[at] = tangents[at].into_iter().chain(pushed).reduce(AnyHandle::plus);
                Ok(())
            })
        })?;
        let mut results = Handles::new();
        for &i in &to {
            let tangent = active.position(i).and_then(|at| tangents[at]);
            results.0.push(tangent.unwrap_or_else(|| zero_gradient(self, i)));
        }
        Ok(y.rebuild(&mut results))
    }

    /// The recorded tangent of one node.
    #[track_caller]
    fn push_recorded<'t>(
        &'t self,
        i: NodeId,
        active: &Between,
        tangents: &[Option<AnyHandle<'t, T>>],
    ) -> Result<Option<AnyHandle<'t, T>>, Error> {
        let tangent = |node: NodeId| active.position(node).and_then(|at| tangents[at]);
        let mut parts: SmallVec<[AnyHandle<'t, T>; 4]> = SmallVec::new();
        let slot = self.graph().slot(i);
        match slot {
            None if let Some(chosen) = Chosen::new(self, i) => {
                let [then, otherwise] =
                    self.nodes.get(i as usize).parent.map(|parent| match tangent(parent) {
                        Some(AnyHandle::Scalar(dx)) => dx,
                        _ => self.scalar_constant(T::ZERO),
                    });
                parts.push(AnyHandle::Scalar(chosen.choose(then, otherwise)));
            }
            None => {
                for (parent, slope) in slopes(self, i, active) {
                    if let Some(AnyHandle::Scalar(dx)) = tangent(parent) {
                        parts.push(AnyHandle::Scalar(dx.chain_rule(slope)));
                    }
                }
                // After the product, so that the order of additions is that of two nodes.
                parts.extend(addend(self, i, active).and_then(tangent));
            }
            Some(slot) => {
                let Some((op, inputs)) = operation(self, slot)? else { return Ok(None) };
                let x = operands(self, &inputs);
                let x: SmallVec<[&Var<'t, T>; 4]> = x.iter().collect();
                let (y, moves) = (variable(self, i), |k: usize| tangent(inputs[k].node));
                let moved = |k| moves(k).filter(|_| op.differentiable(k)).map(AnyHandle::to_var);
                let dx: SmallVec<[Option<Var<'t, T>>; 4]> = (0..inputs.len()).map(moved).collect();
                if dx.iter().all(Option::is_none) {
                    return Ok(None);
                }
                let dx: SmallVec<[Option<&Var<'t, T>>; 4]> = dx.iter().map(Option::as_ref).collect();
                let mut part = |dy: Var<'t, T>| {
                    self.owns(op.name(), dy.tape)?;
                    keeps_word(op.name(), "jvp", None, &y.shape(), &dy.shape())?;
                    parts.push(AnyHandle::new(dy));
                    Ok(())
                };
                match op.jvp_all(&x, &y, &dx) {
                    Some(dy) => part(dy)?,
                    None => {
                        for (k, dx) in dx.iter().enumerate() {
                            dx.map_or(Ok(()), |dx| part(op.jvp(k, &x, &y, dx)))?;
                        }
                    }
                }
            }
        }
        Ok(parts.into_iter().reduce(AnyHandle::plus))
    }
}
