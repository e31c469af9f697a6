//! The reverse sweep over handles: every step of the chain rule is itself recorded, so the results can be differentiated
//! again.

use super::handles::{Chosen, RecordedOp, addend, operands, operation, slopes, variable, zero_gradient};
use super::pieces;
use super::reach::{Between, indices};
use crate::error::Error;
use crate::ops::IndexAdd;
use crate::rules::algebra::{Arithmetic, Element};
use crate::rules::op::{all_there, keeps_word};
use crate::shape::collect_small;
use crate::tape::{AnyHandle, Handle, Handles, NodeId, Scalar, Tape, Var};
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
    let cts = sweep.active.nodes.iter().zip(&sweep.cts).filter_map(|(&i, ct)| match ct {
        PartialSum::Whole(AnyHandle::Scalar(ct)) => Some((i, *ct)),
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

/// The cotangent of a node, as far as it is known.
enum PartialSum<'t, T: Element> {
    Zero,
    Whole(AnyHandle<'t, T>),
    /// Contributions in the order they came, some of which are the cotangents of pieces. They are summed when all are known, by
    /// one operation: to sum them one by one would take a tensor of the size of the whole for each.
    Parts(Vec<Contribution<'t, T>>),
}

/// A contribution to a cotangent.
#[derive(Clone, Copy)]
enum Contribution<'t, T: Element> {
    Whole(AnyHandle<'t, T>),
    /// The cotangent of a node that is a piece of the operand.
    Piece(NodeId, AnyHandle<'t, T>),
}

/// The reverse sweep over handles.
struct RecordedSweep<'t, T: Element> {
    tape: &'t Tape<T>,
    root: NodeId,
    /// The nodes to visit.
    active: Between,
    /// Their cotangents, in the same order.
    cts: Vec<PartialSum<'t, T>>,
}

impl<'t, T: Element> RecordedSweep<'t, T> {
    #[inline(never)]
    fn new(tape: &'t Tape<T>, root: NodeId, targets: &[NodeId]) -> Self {
        let active = Between::new(&tape.graph(), targets, &[root]);
        let cts = active.nodes.iter().map(|_| PartialSum::Zero).collect();
        RecordedSweep { tape, root, active, cts }
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
        self.add(self.root, Contribution::Whole(seed));
        for at in (0..self.cts.len()).rev() {
            let Some(ct) = self.complete(at)? else { continue };
            let i = self.active.nodes[at];
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
                self.add(parent, Contribution::Whole(AnyHandle::Scalar(ct)));
            }
            return;
        }
        if let Some(addend) = addend(self.tape, i, &self.active) {
            self.add(addend, Contribution::Whole(AnyHandle::Scalar(ct)));
        }
        for (parent, slope) in slopes(self.tape, i, &self.active) {
            self.add(parent, Contribution::Whole(AnyHandle::Scalar(ct.chain_rule(slope))));
        }
    }

    /// Applies the chain rule at a tensor.
    #[track_caller]
    fn pull_tensor(&mut self, i: NodeId, slot: usize, ct: AnyHandle<'t, T>) -> Result<(), Error> {
        let Some((op, inputs)) = operation(self.tape, slot)? else { return Ok(()) };
        if let [input] = inputs[..] {
            let graph = self.tape.graph();
            let (x, size) = (graph.shape(input.slot()), ct.shape().size());
            let piece = size < x.size() && pieces::runs(op.as_ref(), x, size, |_, _| {})?;
            drop(graph);
            if piece {
                self.add(input.node, Contribution::Piece(i, ct));
                return Ok(());
            }
        }
        self.pull_whole(i, (op, inputs), ct, |sweep, node, ct| sweep.add(node, Contribution::Whole(ct)))
    }

    /// The cotangents of the operands of a tensor by the rule of its operation, each passed to `add` with its node.
    #[track_caller]
    fn pull_whole(
        &mut self,
        i: NodeId,
        (op, inputs): RecordedOp<T>,
        ct: AnyHandle<'t, T>,
        mut add: impl FnMut(&mut Self, NodeId, AnyHandle<'t, T>),
    ) -> Result<(), Error> {
        let x = operands(self.tape, &inputs);
        let x: SmallVec<[&Var<'t, T>; 4]> = x.iter().collect();
        let (y, dy) = (variable(self.tape, i), ct.to_var());
        let active = |k: usize| self.active.contains(inputs[k].node) && op.differentiable(k);
        let want = collect_small(inputs.len(), false, active);
        let cts = op.vjp_each(&x, &y, &dy, &want);
        all_there(op.name(), &want, &cts)?;
        for (k, (&input, ct)) in inputs.iter().zip(cts).enumerate().filter(|&(k, _)| want[k]) {
            let Some(ct) = ct else { continue };
            self.tape.owns(op.name(), ct.tape)?;
            keeps_word(op.name(), "vjp", Some(k), self.tape.graph().shape(input.slot()), &ct.shape())?;
            add(self, input.node, AnyHandle::new(ct));
        }
        Ok(())
    }

    /// Accumulates a contribution to the cotangent of a node, if it depends on a target.
    #[track_caller]
    fn add(&mut self, node: NodeId, part: Contribution<'t, T>) {
        let Some(at) = self.active.position(node) else { return };
        let sum = &mut self.cts[at];
        match (&mut *sum, part) {
            (PartialSum::Parts(parts), part) => parts.push(part),
            (PartialSum::Whole(whole), Contribution::Whole(ct)) => *whole = whole.plus(ct),
            (PartialSum::Zero, Contribution::Whole(ct)) => *sum = PartialSum::Whole(ct),
            (PartialSum::Zero, piece) => *sum = PartialSum::Parts(vec![piece]),
            (PartialSum::Whole(whole), piece) => {
                *sum = PartialSum::Parts(vec![Contribution::Whole(*whole), piece]);
            }
        }
    }

    /// The complete cotangent of the node at a position.
    #[track_caller]
    fn complete(&mut self, at: usize) -> Result<Option<AnyHandle<'t, T>>, Error> {
        let parts = match &mut self.cts[at] {
            PartialSum::Zero => return Ok(None),
            PartialSum::Whole(ct) => return Ok(Some(*ct)),
            PartialSum::Parts(parts) => std::mem::take(parts),
        };
        let ct = match parts[..] {
            [Contribution::Piece(i, ct)] => {
                let mut whole = None;
                let slot = self.tape.graph().slot(i);
                if let Some(recorded) = slot.map_or(Ok(None), |slot| operation(self.tape, slot))? {
                    self.pull_whole(i, recorded, ct, |_, _, ct| whole = Some(ct))?;
                }
                whole
            }
            _ => Some(self.assembled(self.active.nodes[at], &parts)?),
        };
        self.cts[at] = ct.map_or(PartialSum::Zero, PartialSum::Whole);
        Ok(ct)
    }

    /// The sum of contributions to a node, each added where it belongs.
    #[track_caller]
    fn assembled(&self, node: NodeId, parts: &[Contribution<'t, T>]) -> Result<AnyHandle<'t, T>, Error> {
        let graph = self.tape.graph();
        let shape = graph.shape(graph.slot(node)).clone();
        drop(graph);
        let (mut positions, mut cts) = (Vec::new(), Vec::new());
        for part in parts {
            let ct = match *part {
                Contribution::Whole(ct) => {
                    positions.extend(0..shape.size());
                    ct
                }
                Contribution::Piece(i, ct) => {
                    let graph = self.tape.graph();
                    if let Some(op) = graph.slot(i).and_then(|slot| graph.op(slot)) {
                        pieces::runs(op.as_ref(), &shape, ct.shape().size(), |_, to| positions.extend(to))?;
                    }
                    ct
                }
            };
            cts.push(ct.to_var().reshape([ct.shape().size()]));
        }
        let add = IndexAdd { axis: 0, index: positions.into(), extent: shape.size() };
        Ok(AnyHandle::Var(self.tape.apply(add, &[self.tape.concat(&cts, 0)]).reshape(shape)))
    }

    /// The gradient with respect to a target, zero if the root does not depend on it.
    fn result(&self, target: NodeId) -> AnyHandle<'t, T> {
        match self.active.position(target).map(|at| &self.cts[at]) {
            Some(PartialSum::Whole(ct)) => *ct,
            _ => zero_gradient(self.tape, target),
        }
    }
}
