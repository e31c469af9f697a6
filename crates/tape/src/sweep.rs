//! The sweeps: the only place where gradients are accumulated.
//!
//! [`reverse`] runs over numbers and is what training uses. [`Recording`] runs over handles: every step of the
//! chain rule is itself recorded, so its results can be differentiated again.

use crate::algebra::{Algebra, Element};
use crate::error::{self, Error};
use crate::gradients::{Gradients, zeros};
use crate::op::{all_there, keeps_word};
use crate::shape::few;
use crate::tape::{
    ARRAY, AnyHandle, CHAIN, CONSTANT, ErasedOp, Graph, Handle, Handles, Index, Keep, NUMBER, Node, Operand,
    Scalar, Store, Tape, Var,
};
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

impl<'t, T: Element> Scalar<'t, T> {
    /// The gradients with respect to every leaf.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let (x, y) = (tape.scalar(2.0), tape.scalar(5.0));
    /// let grads = (x * x * y).backward();
    /// assert_eq!(grads.wrt([x, y]), [20.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// As [`try_backward`](Scalar::try_backward) refuses.
    #[track_caller]
    pub fn backward(self) -> Gradients<T> {
        error::expect(self.try_backward())
    }

    /// The gradients with respect to every leaf, or why there are none.
    ///
    /// # Errors
    /// If an operation has a value but no derivative at its operands, or is one of your own that returns something of
    /// another shape than it promised.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let a = tape.var([[1.0, 2.0], [2.0, 4.0]]);
    /// let (_, log) = a.slogdet();
    /// assert_eq!(log.value().item(), f64::NEG_INFINITY);
    /// let error = log.item().try_backward().unwrap_err();
    /// assert_eq!(error.to_string(), "slogdet: the derivative does not exist where the matrix is singular");
    /// ```
    pub fn try_backward(self) -> Result<Gradients<T>, Error> {
        sweep(self.tape, self.index, None, Keep::Leaves)
    }

    /// The gradients with respect to every leaf and every intermediate value.
    #[track_caller]
    pub fn backward_all(self) -> Gradients<T> {
        error::expect(sweep(self.tape, self.index, None, Keep::All))
    }

    /// The gradients with respect to every leaf and to the intermediate values `kept`.
    ///
    /// # Panics
    /// If a handle of `kept` belongs to another tape.
    #[track_caller]
    pub fn backward_keeping(self, kept: impl Handle<'t, T>) -> Gradients<T> {
        let kept = error::expect(indices("backward_keeping", self.tape, &kept));
        error::expect(sweep(self.tape, self.index, None, Keep::these(kept)))
    }

    /// The gradients with respect to every leaf, in the buffers of earlier ones.
    #[track_caller]
    pub fn backward_into(self, grads: &mut Gradients<T>) {
        *grads = Gradients(Arc::default());
        *grads = self.backward();
    }

    /// The gradients with respect to `x` as recorded handles, which can be differentiated again.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(2.0);
    /// let y = x.powi(4);
    /// let [dy] = y.grad([x]);
    /// let [ddy] = dy.grad([x]);
    /// let [dddy] = ddy.grad([x]);
    /// assert_eq!([dy.value(), ddy.value(), dddy.value()], [32.0, 48.0, 48.0]);
    /// ```
    ///
    /// # Panics
    /// If a handle of `x` belongs to another tape.
    #[track_caller]
    pub fn grad<H: Handle<'t, T>>(self, x: H) -> H {
        error::expect(self.try_grad(x))
    }

    /// As [`grad`](Scalar::grad), or why there is no gradient.
    ///
    /// # Errors
    /// As [`try_backward`](Scalar::try_backward), and if a handle of `x` belongs to another tape.
    #[track_caller]
    pub fn try_grad<H: Handle<'t, T>>(self, x: H) -> Result<H, Error> {
        let one = self.number(T::ONE);
        Recording::new(self.tape, self.index, &x)?.run(AnyHandle::Scalar(one))
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// The gradients of `Σ ct · self` with respect to every leaf: the vector-Jacobian product with `ct`.
    ///
    /// # Panics
    /// If `ct` does not have the shape of `self`.
    #[track_caller]
    pub fn vjp(self, ct: impl Into<Tensor<T>>) -> Gradients<T> {
        error::expect(self.try_vjp(ct))
    }

    /// As [`vjp`](Var::vjp), or why there are no gradients.
    ///
    /// # Errors
    /// As [`Scalar::try_backward`], and if `ct` does not have the shape of `self`.
    pub fn try_vjp(self, ct: impl Into<Tensor<T>>) -> Result<Gradients<T>, Error> {
        let ct = self.checked(ct.into())?;
        sweep(self.tape, self.index, Some(ct), Keep::Leaves)
    }

    /// As [`vjp`](Var::vjp), keeping every intermediate gradient too.
    #[track_caller]
    pub fn vjp_all(self, ct: impl Into<Tensor<T>>) -> Gradients<T> {
        let ct = error::expect(self.checked(ct.into()));
        error::expect(sweep(self.tape, self.index, Some(ct), Keep::All))
    }

    /// [`vjp`](Var::vjp) with every contribution multiplied by a factor: how a rounding here and there moves the result.
    pub(crate) fn disturbed_vjp(self, ct: Tensor<T>, factor: &mut impl FnMut() -> T) -> Gradients<T> {
        error::expect(observed(self.tape, self.index, Some(ct), Keep::Leaves, &mut Disturbed(factor)))
    }

    /// The vector-Jacobian product with respect to `x` as recorded handles.
    ///
    /// # Panics
    /// If `ct` does not have the shape of `self`, or a handle belongs to another tape.
    #[track_caller]
    pub fn grad<H: Handle<'t, T>>(self, ct: Var<'t, T>, x: H) -> H {
        error::expect(self.try_grad(ct, x))
    }

    /// As [`grad`](Var::grad), or why there is no gradient.
    ///
    /// # Errors
    /// As [`try_vjp`](Var::try_vjp), and if a handle belongs to another tape.
    #[track_caller]
    pub fn try_grad<H: Handle<'t, T>>(self, ct: Var<'t, T>, x: H) -> Result<H, Error> {
        self.tape.owns("grad", ct.tape)?;
        if ct.shape() != self.shape() {
            let (expected, found) = (self.shape().dims(), ct.shape().dims());
            return Err(Error::Shape { op: "grad", expected, found });
        }
        Recording::new(self.tape, self.index, &x)?.run(AnyHandle::new(ct))
    }

    fn checked(self, ct: Tensor<T>) -> Result<Tensor<T>, Error> {
        if *ct.shape() == self.shape() {
            return Ok(ct);
        }
        Err(Error::Shape { op: "vjp", expected: self.shape().dims(), found: ct.shape().dims() })
    }
}

/// The nodes behind some handles, all of which must belong to `tape`.
pub(crate) fn indices<'t, T: Element>(
    op: &'static str,
    tape: &Tape<T>,
    handles: &impl Handle<'t, T>,
) -> Result<Vec<Index>, Error> {
    let mut list = Handles::new();
    handles.gather(&mut list);
    list.0.iter().map(|handle| tape.owns(op, handle.tape()).map(|()| handle.index())).collect()
}

/// Which of the first `count` nodes depend on a target?
pub(crate) fn dependent<T: Element>(graph: &Graph<T>, targets: &[Index], count: usize) -> Vec<bool> {
    let mut active = vec![false; count];
    for &target in targets.iter().filter(|&&i| (i as usize) < count && graph.tracked(i)) {
        active[target as usize] = true;
    }
    for i in 1..count {
        active[i] |= match graph.slot(i as Index) {
            None => graph.nodes.get(i).operands(i as Index).any(|x| active[x as usize]),
            Some(slot) if !graph.arrays[slot].computed => false,
            Some(slot) => {
                let op = graph.op(slot);
                let depends = |(k, x): (usize, &Operand)| active[x.node as usize] && op.differentiable(k);
                graph.inputs(slot).iter().enumerate().any(depends)
            }
        };
    }
    active
}

/// Runs the reverse sweep from `root`, whose cotangent is `seed`, or 1.
fn sweep<T: Element>(
    tape: &Tape<T>,
    root: Index,
    seed: Option<Tensor<T>>,
    kept: Keep,
) -> Result<Gradients<T>, Error> {
    observed(tape, root, seed, kept, &mut ())
}

/// [`sweep`], with somebody who looks on.
fn observed<T: Element>(
    tape: &Tape<T>,
    root: Index,
    seed: Option<Tensor<T>>,
    kept: Keep,
    observer: &mut impl Observer<T>,
) -> Result<Gradients<T>, Error> {
    let mut store = tape.tables_mut().spare.take().unwrap_or_default();
    if Arc::get_mut(&mut store).is_none() {
        store = Arc::default();
    }
    if let Some(store) = Arc::get_mut(&mut store) {
        let graph = tape.graph();
        store.epoch = tape.epoch;
        store.kept = kept;
        store.parameters.clone_from(&graph.parameters);
        reverse(&graph, root, seed, store, observer)?;
    }
    tape.tables_mut().spare = Some(store.clone());
    Ok(Gradients(store))
}

/// Sees every contribution of a sweep before it is added, and may change it. `()` does neither and costs nothing. In a
/// forward sweep contributions go from operands to results, and are shown likewise.
pub(crate) trait Observer<T: Element> {
    /// Node `node`, a number with cotangent `ct`, contributes `ct · slope` to `parent`, its operand `k`. Gives the slope.
    #[inline(always)]
    fn number(&mut self, _node: Index, _k: usize, _parent: Index, _ct: T, slope: T) -> T {
        slope
    }
    /// Node `node`, a tensor with cotangent `dy`, is about to contribute.
    #[inline(always)]
    fn tensor(&mut self, _graph: &Graph<T>, _node: Index, _dy: &Tensor<T>) {}
    /// It contributes `ct` to `input`, its operand `k`. Gives the contribution.
    #[inline(always)]
    fn contribution(&mut self, _node: Index, _k: usize, _input: Index, ct: Tensor<T>) -> Tensor<T> {
        ct
    }
    /// In a forward sweep: the value of a node as its rules are told it.
    #[inline(always)]
    fn value<'a>(&mut self, y: &'a Tensor<T>) -> Cow<'a, Tensor<T>> {
        Cow::Borrowed(y)
    }
}

impl<T: Element> Observer<T> for () {}

/// Multiplies every contribution, and in a forward sweep every value that the rules are told.
pub(crate) struct Disturbed<F>(pub(crate) F);

impl<F> Disturbed<&mut F> {
    fn disturb<T: Element>(&mut self, mut x: Tensor<T>) -> Tensor<T>
    where
        F: FnMut() -> T,
    {
        x.as_mut_slice().iter_mut().for_each(|x| *x *= (self.0)());
        x
    }
}

impl<T: Element, F: FnMut() -> T> Observer<T> for Disturbed<&mut F> {
    fn number(&mut self, _node: Index, _k: usize, _parent: Index, _ct: T, slope: T) -> T {
        slope * (self.0)()
    }
    fn contribution(&mut self, _node: Index, _k: usize, _input: Index, ct: Tensor<T>) -> Tensor<T> {
        self.disturb(ct)
    }
    fn value<'a>(&mut self, y: &'a Tensor<T>) -> Cow<'a, Tensor<T>> {
        Cow::Owned(self.disturb(y.clone()))
    }
}

/// The reverse sweep over numbers and tensors.
pub(crate) fn reverse<T: Element>(
    graph: &Graph<T>,
    root: Index,
    seed: Option<Tensor<T>>,
    store: &mut Store<T>,
    observer: &mut impl Observer<T>,
) -> Result<(), Error> {
    store.scalars.clear();
    store.scalars.resize(root as usize + 1, T::ZERO);
    store.arrays.clear();
    store.arrays.resize_with(graph.arrays.len(), || None);
    match (seed, graph.slot(root)) {
        (Some(seed), Some(slot)) if seed.rank() > 0 => store.arrays[slot] = Some(seed),
        (seed, _) => store.scalars[root as usize] = seed.map_or(T::ONE, |seed| seed.item()),
    }
    for (first, run) in graph.nodes.runs_down(root as usize + 1) {
        let mut above = run;
        while let Some((at, slot)) = pull_numbers(first, above, &mut store.scalars, observer) {
            let array = &graph.arrays[slot];
            if array.tracked && array.computed {
                pull_array(graph, (first + at) as Index, slot, store, observer)?;
            }
            above = &run[..at];
        }
    }
    for slot in graph.parameters.slots() {
        let array = &graph.arrays[slot];
        let gradient = &mut store.arrays[slot];
        if array.value.rank() == 0 {
            let ct = store.scalars.get(array.node as usize).copied().unwrap_or(T::ZERO);
            *gradient = Some(Tensor::scalar(ct));
        } else if gradient.is_none() {
            *gradient = Some(zeros(&array.value));
        }
    }
    Ok(())
}

/// The reverse sweep over the numbers of a run whose first node is `first`, from its end down to a tensor: where that
/// stands in the run, and its place in the side table.
fn pull_numbers<T: Element>(
    first: usize,
    run: &[Cell<Node<T>>],
    cts: &mut [T],
    observer: &mut impl Observer<T>,
) -> Option<(usize, usize)> {
    for (at, node) in run.iter().enumerate().rev() {
        let (i, node) = (first + at, node.get());
        if node.rule >= ARRAY {
            match node.rule {
                ARRAY => return Some((at, node.parent[0] as usize)),
                _ => continue,
            }
        }
        // A test of its own: leaves go on above without the rest of the node being loaded.
        if node.rule == CHAIN {
            pull_addend(i, cts, observer);
        }
        let ct = cts[i];
        let [a, b] = node.parent;
        let slope_a = observer.number(i as Index, 0, a, ct, node.partial[0]);
        let slope_b = observer.number(i as Index, 1, b, ct, node.partial[1]);
        // Zero absorbs: an untaken branch contributes nothing, whatever its slope.
        if ct != T::ZERO {
            cts[a as usize] += ct * slope_a;
            // Most functions have one operand on the tape; skipping the other is cheaper than collecting it.
            if b != CONSTANT {
                cts[b as usize] += ct * slope_b;
            }
        }
    }
    None
}

/// The node of a chain gives its cotangent to the node before it. As where product and sum are two nodes, this comes
/// before the product gives to its factors: the same additions in the same order.
#[inline(always)]
fn pull_addend<T: Element>(i: usize, cts: &mut [T], observer: &mut impl Observer<T>) {
    let (ct, addend) = (cts[i], i - 1);
    let slope = observer.number(i as Index, 2, addend as Index, ct, T::ONE);
    if ct != T::ZERO {
        cts[addend] += ct * slope;
    }
}

/// One step of the reverse sweep at a tensor that an operation made.
#[inline(never)]
fn pull_array<T: Element>(
    graph: &Graph<T>,
    index: Index,
    slot: usize,
    store: &mut Store<T>,
    observer: &mut impl Observer<T>,
) -> Result<(), Error> {
    let y = &graph.arrays[slot].value;
    let dy = if y.rank() == 0 {
        match store.scalars[index as usize] {
            ct if ct == T::ZERO => return Ok(()),
            ct => Tensor::scalar(ct),
        }
    } else if store.kept.keeps(index) {
        match &store.arrays[slot] {
            Some(dy) => dy.clone(),
            None => return Ok(()),
        }
    } else {
        match store.arrays[slot].take() {
            Some(dy) => dy,
            None => return Ok(()),
        }
    };
    let inputs = graph.inputs(slot);
    let op = graph.op(slot);
    let x = graph.tensors(inputs);
    let want = few(inputs.len(), false, |k| graph.depends(inputs[k]) && op.differentiable(k));
    observer.tensor(graph, index, &dy);
    let mut cts = op.try_vjp_all(&x, y, dy, &want)?;
    all_there(op.name(), &want, &cts)?;
    for (k, (&input, ct)) in inputs.iter().zip(&mut cts).enumerate().filter(|&(k, _)| want[k]) {
        let Some(ct) = ct.take() else { continue };
        keeps_word(op.name(), "vjp", Some(k), graph.shape(input.slot()), ct.shape())?;
        let ct = observer.contribution(index, k, input.node, ct);
        match input.slot() {
            Some(slot) if ct.rank() > 0 => match &mut store.arrays[slot] {
                #[cfg(feature = "faults")]
                Some(sum) if crate::fault::overwrites(op.name(), k) => *sum = ct,
                Some(sum) => sum.add_assign(&ct),
                first => *first = Some(ct),
            },
            _ => store.scalars[input.node as usize] += ct.item(),
        }
    }
    Ok(())
}

/// The reverse sweep over handles.
struct Recording<'t, T: Element, H> {
    tape: &'t Tape<T>,
    root: Index,
    wrt: H,
    targets: Vec<Index>,
    /// Does a node depend on a target?
    active: Vec<bool>,
    /// Cotangents, by node.
    cts: Vec<Option<AnyHandle<'t, T>>>,
}

impl<'a, 't, T: Element, H: Handle<'t, T>> Recording<'t, T, &'a H> {
    fn new(tape: &'t Tape<T>, root: Index, wrt: &'a H) -> Result<Self, Error> {
        let targets = indices("grad", tape, wrt)?;
        let count = root as usize + 1;
        let active = dependent(&tape.graph(), &targets, count);
        Ok(Recording { tape, root, wrt, targets, active, cts: vec![None; count] })
    }

    #[track_caller]
    fn run(mut self, seed: AnyHandle<'t, T>) -> Result<H, Error> {
        self.cts[self.root as usize] = Some(seed);
        for i in (1..=self.root).rev() {
            let Some(ct) = self.cts[i as usize] else { continue };
            if !self.active[i as usize] {
                continue;
            }
            let slot = self.tape.graph().slot(i);
            match slot {
                Some(slot) => self.pull_array(i, slot, ct)?,
                None => self.pull_scalar(i, ct),
            }
        }
        let mut results = Handles::new();
        for &target in &self.targets {
            results.0.push(self.result(target));
        }
        Ok(self.wrt.rebuild(&mut results))
    }

    /// One step at a number.
    #[track_caller]
    fn pull_scalar(&mut self, i: Index, ct: AnyHandle<'t, T>) {
        let AnyHandle::Scalar(ct) = ct else { unreachable!("the cotangent of a number is a number") };
        if let Some(addend) = addend(self.tape, i, &self.active) {
            self.add(addend, AnyHandle::Scalar(ct));
        }
        for (parent, slope) in slopes(self.tape, i, &self.active) {
            self.add(parent, AnyHandle::Scalar(ct.pull(slope)));
        }
    }

    /// One step at a tensor.
    #[track_caller]
    fn pull_array(&mut self, i: Index, slot: usize, ct: AnyHandle<'t, T>) -> Result<(), Error> {
        let Some((op, inputs)) = operation(self.tape, slot)? else { return Ok(()) };
        let x = operands(self.tape, &inputs);
        let x: SmallVec<[&Var<'t, T>; 4]> = x.iter().collect();
        let (y, dy) = (variable(self.tape, i), ct.to_var());
        let active = |k: usize| self.active[inputs[k].node as usize] && op.differentiable(k);
        let want = few(inputs.len(), false, active);
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

    /// Accumulates.
    #[track_caller]
    fn add(&mut self, index: Index, ct: AnyHandle<'t, T>) {
        let sum = &mut self.cts[index as usize];
        *sum = Some(match *sum {
            Some(sum) => sum.plus(ct),
            None => ct,
        });
    }

    /// The gradient with respect to a target, zero if the root does not depend on it.
    fn result(&self, target: Index) -> AnyHandle<'t, T> {
        match self.cts.get(target as usize) {
            Some(Some(ct)) if target != CONSTANT => *ct,
            _ => nothing(self.tape, target),
        }
    }
}

/// Zero, of the shape of a node.
pub(crate) fn nothing<T: Element>(tape: &Tape<T>, index: Index) -> AnyHandle<'_, T> {
    let graph = tape.graph();
    let value = graph.slot(index).map(|slot| graph.arrays[slot].value.clone());
    drop(graph);
    match value {
        Some(value) if value.rank() > 0 => AnyHandle::Var(tape.constant(zeros(&value))),
        _ => AnyHandle::Scalar(tape.number(T::ZERO)),
    }
}

/// A recorded number by its node.
fn number<T: Element>(tape: &Tape<T>, index: Index) -> Scalar<'_, T> {
    tape.replay(index as usize + 1);
    let value = tape.graph().value(index);
    Scalar { tape, index, value }
}

/// The node to which a recorded number adds its function of the parents, if it depends on a target.
pub(crate) fn addend<T: Element>(tape: &Tape<T>, i: Index, active: &[bool]) -> Option<Index> {
    tape.nodes.get(i as usize).addend(i).filter(|&addend| active[addend as usize])
}

/// The parents of a recorded number that depend on a target, each with the recorded derivative.
#[track_caller]
pub(crate) fn slopes<'t, T: Element>(
    tape: &'t Tape<T>,
    i: Index,
    active: &[bool],
) -> SmallVec<[(Index, Scalar<'t, T>); 2]> {
    let node = tape.nodes.get(i as usize);
    let mut slopes = SmallVec::new();
    let Some(function) = node.function() else { return slopes };
    let rule = tape.graph().rules.get(function).clone();
    let [a, b] = [0, 1].map(|k| match node.parent[k] {
        CONSTANT => tape.number(node.partial[k]),
        parent => number(tape, parent),
    });
    for (k, &parent) in node.parent.iter().enumerate().take(rule.arity()) {
        if active[parent as usize] {
            slopes.push((parent, rule.slope(k, a, b, number(tape, i))));
        }
    }
    slopes
}

/// The operation and the operands of a recorded tensor.
type Operation<T> = (Arc<dyn ErasedOp<T>>, SmallVec<[Operand; 4]>);

/// The operation and the operands of a recorded tensor, unless it is a leaf or a constant.
///
/// # Errors
/// If the operation has no derivative at these operands.
pub(crate) fn operation<T: Element>(tape: &Tape<T>, slot: usize) -> Result<Option<Operation<T>>, Error> {
    let graph = tape.graph();
    if !graph.arrays[slot].computed {
        return Ok(None);
    }
    let (op, inputs) = (graph.op(slot), graph.inputs(slot));
    op.check_derivative(&graph.tensors(inputs), &graph.arrays[slot].value)?;
    Ok(Some((op.clone(), SmallVec::from_slice(inputs))))
}

/// A recorded tensor by its node.
pub(crate) fn variable<T: Element>(tape: &Tape<T>, index: Index) -> Var<'_, T> {
    let Operand { slot, .. } = tape.graph().operand(index);
    Var { tape, index, slot, literal: T::ZERO }
}

/// Operands as tensors. An operation that takes numbers does not read them in its rules.
pub(crate) fn operands<'t, T: Element>(tape: &'t Tape<T>, inputs: &[Operand]) -> SmallVec<[Var<'t, T>; 4]> {
    let tensor = |&Operand { node, slot }: &Operand| {
        let index = if slot == NUMBER { CONSTANT } else { node };
        Var { tape, index, slot, literal: T::ZERO }
    };
    inputs.iter().map(tensor).collect()
}
