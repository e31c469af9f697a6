//! The reverse sweep over handles: every step of the chain rule is itself recorded, so the results can be differentiated
//! again.

use super::handles::{Chosen, addend, operands, operation, slopes, variable, zero_gradient};
use super::reach::{dependent, indices};
use crate::error::Error;
use crate::rules::algebra::{Arithmetic, Element};
use crate::rules::op::{all_there, keeps_word};
use crate::shape::collect_small;
use crate::tape::{AnyHandle, CONSTANT, Handle, Handles, NodeId, Scalar, Tape, Var};
use smallvec::SmallVec;

/// The recordings of a reverse sweep from a scalar, for listings: each visited node with its cotangent and with the slopes
/// by which it passes that on to its operands.
pub(crate) type Visited<'t, T> = Vec<(NodeId, Scalar<'t, T>, SmallVec<[(NodeId, Scalar<'t, T>); 2]>)>;

/// Records the gradient of a function of scalars once more, and returns its parts.
#[track_caller]
pub(crate) fn visited<'t, T: Element>(
    y: Scalar<'t, T>,
    x: &Vec<Scalar<'t, T>>,
) -> Result<Visited<'t, T>, Error> {
    let mut sweep = RecordedSweep::new(y.tape, y.index, &indices("grad", y.tape, x)?);
    sweep.pull(AnyHandle::Scalar(y.number(T::ONE)))?;
    let cts = (0..).zip(&sweep.cts).filter_map(|(i, ct)| match ct {
        Some(AnyHandle::Scalar(ct)) => Some((i, *ct)),
        _ => None,
    });
    Ok(cts.map(|(i, ct)| (i, ct, slopes(y.tape, i, &sweep.active))).collect())
}

/// The gradients of a node with respect to `x`, as recorded handles; the cotangent of the node is `seed`.
#[track_caller]
pub(super) fn gradients<'t, T: Element, H: Handle<'t, T>>(
    tape: &'t Tape<T>,
    root: NodeId,
    x: &H,
    seed: AnyHandle<'t, T>,
) -> Result<H, Error> {
    tape.check_recorded("grad")?;
    let targets = indices("grad", tape, x)?;
    Ok(x.rebuild(&mut RecordedSweep::new(tape, root, &targets).run(seed, &targets)?))
}

/// The reverse sweep over handles.
struct RecordedSweep<'t, T: Element> {
    tape: &'t Tape<T>,
    root: NodeId,
    /// For each node, whether it depends on a target.
    active: Vec<bool>,
    /// Cotangents, by node.
    cts: Vec<Option<AnyHandle<'t, T>>>,
}

impl<'t, T: Element> RecordedSweep<'t, T> {
    #[inline(never)]
    fn new(tape: &'t Tape<T>, root: NodeId, targets: &[NodeId]) -> Self {
        let count = root as usize + 1;
        let active = dependent(&tape.graph(), targets, count);
        RecordedSweep { tape, root, active, cts: vec![None; count] }
    }

    #[track_caller]
    #[inline(never)]
    fn run(mut self, seed: AnyHandle<'t, T>, targets: &[NodeId]) -> Result<Handles<'t, T>, Error> {
        self.pull(seed)?;
        let mut results = Handles::new();
        for &target in targets {
            results.0.push(self.result(target));
        }
        Ok(results)
    }

    /// Every node that depends on a target passes its cotangent on.
    #[track_caller]
    fn pull(&mut self, seed: AnyHandle<'t, T>) -> Result<(), Error> {
        self.cts[self.root as usize] = Some(seed);
        for i in (1..=self.root).rev() {
            let Some(ct) = self.cts[i as usize] else { continue };
            if !self.active[i as usize] {
                continue;
            }
            let slot = self.tape.graph().slot(i);
            match slot {
                Some(slot) => self.pull_tensor(i, slot, ct)?,
                None => self.pull_scalar(i, ct),
            }
        }
        Ok(())
    }

    /// Applies the chain rule at a scalar.
    #[track_caller]
    fn pull_scalar(&mut self, i: NodeId, ct: AnyHandle<'t, T>) {
        let AnyHandle::Scalar(ct) = ct else { unreachable!("the cotangent of a scalar is a scalar") };
        if let Some(chosen) = Chosen::new(self.tape, i) {
            // The parent that was not chosen gets exactly nothing, whatever the cotangent.
            let (zero, parents) =
                (self.tape.scalar_constant(T::ZERO), self.tape.nodes.get(i as usize).parent);
            for (parent, ct) in parents.into_iter().zip([chosen.choose(ct, zero), chosen.choose(zero, ct)]) {
                if self.active[parent as usize] {
                    self.add(parent, AnyHandle::Scalar(ct));
                }
            }
            return;
        }
        if let Some(addend) = addend(self.tape, i, &self.active) {
            self.add(addend, AnyHandle::Scalar(ct));
        }
        for (parent, slope) in slopes(self.tape, i, &self.active) {
            self.add(parent, AnyHandle::Scalar(ct.chain_rule(slope)));
        }
    }

    /// Applies the chain rule at a tensor.
    #[track_caller]
    fn pull_tensor(&mut self, i: NodeId, slot: usize, ct: AnyHandle<'t, T>) -> Result<(), Error> {
        let Some((op, inputs)) = operation(self.tape, slot)? else { return Ok(()) };
        let x = operands(self.tape, &inputs);
        let x: SmallVec<[&Var<'t, T>; 4]> = x.iter().collect();
        let (y, dy) = (variable(self.tape, i), ct.to_var());
        let active = |k: usize| self.active[inputs[k].node as usize] && op.differentiable(k);
        let want = collect_small(inputs.len(), false, active);
        let cts = op.vjp_each(&x, &y, &dy, &want);
        all_there(op.name(), &want, &cts)?;
        for (k, (&input, ct)) in inputs.iter().zip(cts).enumerate().filter(|&(k, _)| want[k]) {
            let Some(ct) = ct else { continue };
            self.tape.owns(op.name(), ct.tape)?;
            keeps_word(op.name(), "vjp", Some(k), self.tape.graph().shape(input.slot()), &ct.shape())?;
            self.add(input.node, AnyHandle::new(ct));
        }
        Ok(())
    }

    /// Accumulates a cotangent.
    #[track_caller]
    fn add(&mut self, index: NodeId, ct: AnyHandle<'t, T>) {
        let sum = &mut self.cts[index as usize];
        *sum = Some(match *sum {
            Some(sum) => sum.plus(ct),
            None => ct,
        });
    }

    /// The gradient with respect to a target, zero if the root does not depend on it.
    fn result(&self, target: NodeId) -> AnyHandle<'t, T> {
        match self.cts.get(target as usize) {
            Some(Some(ct)) if target != CONSTANT => *ct,
            _ => zero_gradient(self.tape, target),
        }
    }
}
