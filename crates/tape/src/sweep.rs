//! The sweeps: the only place where gradients are accumulated.
//!
//! [`reverse`] runs over numbers and is what training uses. [`Recording`] runs over handles: every step of the
//! chain rule is itself recorded, so its results can be differentiated again.

use crate::algebra::{Algebra, Element};
use crate::error::{self, Error};
use crate::gradients::{Gradients, Keep, Store, zeros};
use crate::tape::{ARRAY, AnyHandle, CONSTANT, Graph, Handle, Handles, Index, Scalar, Tape, Var};
use crate::tensor::Tensor;
use smallvec::SmallVec;
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
    pub fn backward(self) -> Gradients<T> {
        sweep(self.tape, self.index, None, Keep::Leaves)
    }

    /// The gradients with respect to every leaf and every intermediate value.
    pub fn backward_all(self) -> Gradients<T> {
        sweep(self.tape, self.index, None, Keep::All)
    }

    /// The gradients with respect to every leaf and to the intermediate values `kept`.
    pub fn backward_keeping(self, kept: impl Handle<'t, T>) -> Gradients<T> {
        sweep(self.tape, self.index, None, Keep::These(indices(&kept)))
    }

    /// The gradients with respect to every leaf, in the buffers of earlier ones.
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
        let one = self.number(T::ONE);
        Recording::new(self.tape, self.index, &x).run(AnyHandle::Scalar(one))
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// The gradients of `Σ ct · self` with respect to every leaf: the vector-Jacobian product with `ct`.
    ///
    /// # Panics
    /// If `ct` does not have the shape of `self`.
    #[track_caller]
    pub fn vjp(self, ct: impl Into<Tensor<T>>) -> Gradients<T> {
        let ct = self.checked(ct.into());
        sweep(self.tape, self.index, Some(ct), Keep::Leaves)
    }

    /// As [`vjp`](Var::vjp), keeping every intermediate gradient too.
    #[track_caller]
    pub fn vjp_all(self, ct: impl Into<Tensor<T>>) -> Gradients<T> {
        let ct = self.checked(ct.into());
        sweep(self.tape, self.index, Some(ct), Keep::All)
    }

    /// The vector-Jacobian product with respect to `x` as recorded handles.
    ///
    /// # Panics
    /// If `ct` does not have the shape of `self`, or a handle belongs to another tape.
    #[track_caller]
    pub fn grad<H: Handle<'t, T>>(self, ct: Var<'t, T>, x: H) -> H {
        if ct.shape() != self.shape() {
            Error::Shape { op: "grad", expected: self.shape().dims(), found: ct.shape().dims() }.panic();
        }
        let seed = if self.shape().rank() == 0 { AnyHandle::Scalar(ct.item()) } else { AnyHandle::Var(ct) };
        Recording::new(self.tape, self.index, &x).run(seed)
    }

    #[track_caller]
    fn checked(self, ct: Tensor<T>) -> Tensor<T> {
        if *ct.shape() != self.shape() {
            Error::Shape { op: "vjp", expected: self.shape().dims(), found: ct.shape().dims() }.panic();
        }
        ct
    }
}

fn indices<'t, T: Element>(handles: &impl Handle<'t, T>) -> Vec<Index> {
    let mut list = Handles::new();
    handles.gather(&mut list);
    list.0.iter().map(index).collect()
}

fn index<T: Element>(handle: &AnyHandle<'_, T>) -> Index {
    match handle {
        AnyHandle::Scalar(x) => x.index,
        AnyHandle::Var(x) => x.index,
    }
}

/// Runs the reverse sweep from `root`, whose cotangent is `seed`, or 1.
fn sweep<T: Element>(tape: &Tape<T>, root: Index, seed: Option<Tensor<T>>, kept: Keep) -> Gradients<T> {
    let mut store = tape.graph_mut().spare.take().unwrap_or_default();
    if Arc::get_mut(&mut store).is_none() {
        store = Arc::default();
    }
    if let Some(store) = Arc::get_mut(&mut store) {
        let graph = tape.graph();
        store.epoch = graph.epoch;
        store.kept = kept;
        store.parameters = graph.parameters.clone();
        reverse(&graph, root, seed, store);
    }
    tape.graph_mut().spare = Some(store.clone());
    Gradients(store)
}

/// The reverse sweep over numbers.
fn reverse<T: Element>(graph: &Graph<T>, root: Index, seed: Option<Tensor<T>>, store: &mut Store<T>) {
    store.scalars.clear();
    store.scalars.resize(root as usize + 1, T::ZERO);
    store.arrays.clear();
    store.arrays.resize_with(graph.arrays.len(), || None);
    match (seed, graph.slot(root)) {
        (Some(seed), Some(slot)) if seed.rank() > 0 => store.arrays[slot] = Some(seed),
        (seed, _) => store.scalars[root as usize] = seed.map_or(T::ONE, |seed| seed.item()),
    }
    let nodes = &graph.nodes[..root as usize + 1];
    for (i, node) in nodes.iter().enumerate().rev() {
        if node.rule == ARRAY {
            pull_array(graph, i as Index, node.parent[0] as usize, store);
            continue;
        }
        let ct = store.scalars[i];
        // Zero absorbs: an untaken branch contributes nothing, whatever its slope. Constants and leaves have
        // parent 0, which collects what nobody asks for.
        if ct != T::ZERO {
            let [a, b] = node.parent;
            store.scalars[a as usize] += ct * node.partial[0];
            store.scalars[b as usize] += ct * node.partial[1];
        }
    }
    for &slot in graph.parameters.values() {
        let array = &graph.arrays[slot as usize];
        let gradient = &mut store.arrays[slot as usize];
        if array.value.rank() == 0 {
            let ct = store.scalars.get(array.node as usize).copied().unwrap_or(T::ZERO);
            *gradient = Some(Tensor::scalar(ct));
        } else if gradient.is_none() {
            *gradient = Some(zeros(&array.value));
        }
    }
}

/// One step of the reverse sweep at a tensor.
#[inline(never)]
fn pull_array<T: Element>(graph: &Graph<T>, index: Index, slot: usize, store: &mut Store<T>) {
    let array = &graph.arrays[slot];
    if !array.tracked || !array.computed {
        return;
    }
    let y = &array.value;
    let dy = if y.rank() == 0 {
        match store.scalars[index as usize] {
            ct if ct == T::ZERO => return,
            ct => Tensor::scalar(ct),
        }
    } else if store.kept.keeps(index) {
        match &store.arrays[slot] {
            Some(dy) => dy.clone(),
            None => return,
        }
    } else {
        match store.arrays[slot].take() {
            Some(dy) => dy,
            None => return,
        }
    };
    let inputs = graph.inputs(slot);
    let op = graph.op(slot);
    let number = Tensor::default();
    let x: SmallVec<[&Tensor<T>; 4]> = inputs.iter().map(|&i| graph.tensor(i, &number)).collect();
    let wanted = |(k, &i): (usize, &Index)| graph.tracked(i) && op.differentiable(k);
    let want: SmallVec<[bool; 4]> = inputs.iter().enumerate().map(wanted).collect();
    for (&input, ct) in inputs.iter().zip(op.vjp_all(&x, y, dy, &want)) {
        let Some(ct) = ct else { continue };
        match graph.slot(input) {
            Some(slot) if graph.arrays[slot].value.rank() > 0 => {
                debug_assert_eq!(
                    ct.shape(),
                    graph.arrays[slot].value.shape(),
                    "{}: a cotangent has the shape of its input",
                    op.name()
                );
                match &mut store.arrays[slot] {
                    Some(sum) => sum.add_assign(&ct),
                    first => *first = Some(ct),
                }
            }
            _ => store.scalars[input as usize] += ct.item(),
        }
    }
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
    #[track_caller]
    fn new(tape: &'t Tape<T>, root: Index, wrt: &'a H) -> Self {
        let mut handles = Handles::new();
        wrt.gather(&mut handles);
        for handle in &handles.0 {
            let (AnyHandle::Scalar(Scalar { tape: other, .. }) | AnyHandle::Var(Var { tape: other, .. })) =
                handle;
            error::expect(tape.owns("grad", other));
        }
        let targets: Vec<Index> = handles.0.iter().map(index).collect();
        let count = root as usize + 1;
        let graph = tape.graph();
        let mut active = vec![false; count];
        for &target in targets.iter().filter(|&&i| i != CONSTANT && i <= root) {
            active[target as usize] = true;
        }
        for i in 1..count {
            active[i] |= match graph.slot(i as Index) {
                None => graph.nodes[i].parent.iter().any(|&p| active[p as usize]),
                Some(slot) if !graph.arrays[slot].computed => false,
                Some(slot) => {
                    let op = graph.op(slot);
                    let depends = |(k, &p): (usize, &Index)| active[p as usize] && op.differentiable(k);
                    graph.inputs(slot).iter().enumerate().any(depends)
                }
            };
        }
        drop(graph);
        Recording { tape, root, wrt, targets, active, cts: vec![None; count] }
    }

    #[track_caller]
    fn run(mut self, seed: AnyHandle<'t, T>) -> H {
        tape_values(self.tape, self.root);
        self.cts[self.root as usize] = Some(seed);
        for i in (1..=self.root).rev() {
            let Some(ct) = self.cts[i as usize] else { continue };
            if !self.active[i as usize] {
                continue;
            }
            let slot = self.tape.graph().slot(i);
            match slot {
                Some(slot) => self.pull_array(i, slot, ct),
                None => self.pull_scalar(i, ct),
            }
        }
        let mut results = Handles::new();
        for &target in &self.targets {
            results.0.push(self.result(target));
        }
        self.wrt.rebuild(&mut results)
    }

    /// One step at a number.
    #[track_caller]
    fn pull_scalar(&mut self, i: Index, ct: AnyHandle<'t, T>) {
        let AnyHandle::Scalar(ct) = ct else { unreachable!("the cotangent of a number is a number") };
        let node = self.tape.graph().nodes[i as usize];
        if node.rule == crate::tape::LEAF {
            return;
        }
        let rule = self.tape.graph().rules.get(node.rule).clone();
        let operands = [0, 1].map(|k| match node.parent[k] {
            CONSTANT => self.tape.number(node.partial[k]),
            parent => self.scalar(parent),
        });
        for k in 0..rule.arity() {
            let parent = node.parent[k];
            if self.active[parent as usize] {
                let slope = rule.slope(k, operands[0], operands[1], self.scalar(i));
                self.add(parent, AnyHandle::Scalar(ct.pull(slope)));
            }
        }
    }

    /// One step at a tensor.
    #[track_caller]
    fn pull_array(&mut self, i: Index, slot: usize, ct: AnyHandle<'t, T>) {
        let graph = self.tape.graph();
        if !graph.arrays[slot].computed {
            return;
        }
        let inputs: SmallVec<[Index; 4]> = SmallVec::from_slice(graph.inputs(slot));
        let op = graph.op(slot).clone();
        drop(graph);
        let var = |index: Index| Var { tape: self.tape, index, literal: T::ZERO };
        let dy = match ct {
            AnyHandle::Scalar(ct) => ct.to_var(),
            AnyHandle::Var(ct) => ct,
        };
        let operand = |&i: &Index| match self.tape.graph().slot(i) {
            Some(_) => var(i),
            // An operation that takes numbers does not read them in its rules.
            None => var(CONSTANT),
        };
        let x: SmallVec<[Var<'t, T>; 4]> = inputs.iter().map(operand).collect();
        let x: SmallVec<[&Var<'t, T>; 4]> = x.iter().collect();
        for (k, &input) in inputs.iter().enumerate() {
            if self.active[input as usize] && op.differentiable(k) {
                let ct = op.vjp(k, &x, &var(i), &dy);
                let ct =
                    if ct.shape().rank() == 0 { AnyHandle::Scalar(ct.item()) } else { AnyHandle::Var(ct) };
                self.add(input, ct);
            }
        }
    }

    /// Accumulates.
    #[track_caller]
    fn add(&mut self, index: Index, ct: AnyHandle<'t, T>) {
        let sum = &mut self.cts[index as usize];
        *sum = Some(match (*sum, ct) {
            (None, ct) => ct,
            (Some(AnyHandle::Scalar(a)), AnyHandle::Scalar(b)) => AnyHandle::Scalar(a + b),
            (Some(AnyHandle::Var(a)), AnyHandle::Var(b)) => AnyHandle::Var(a + b),
            _ => unreachable!("cotangents of one node are all numbers or all tensors"),
        });
    }

    fn scalar(&self, index: Index) -> Scalar<'t, T> {
        let value = tape_values(self.tape, index);
        Scalar { tape: self.tape, index, value }
    }

    /// The gradient with respect to a target, zero if the root does not depend on it.
    fn result(&self, target: Index) -> AnyHandle<'t, T> {
        let zero = || {
            let graph = self.tape.graph();
            let value = graph.slot(target).map(|slot| graph.arrays[slot].value.clone());
            drop(graph);
            match value {
                Some(value) if value.rank() > 0 => AnyHandle::Var(self.tape.constant(zeros(&value))),
                _ => AnyHandle::Scalar(self.tape.number(T::ZERO)),
            }
        };
        match self.cts.get(target as usize) {
            Some(Some(ct)) if target != CONSTANT => *ct,
            _ => zero(),
        }
    }
}

/// The value of a recorded number.
fn tape_values<T: Element>(tape: &Tape<T>, index: Index) -> T {
    tape.graph_mut().replay(index as usize + 1)[index as usize]
}
