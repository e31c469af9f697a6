//! The forward sweeps: tangents in recording order.
//!
//! Each node's tangent is the sum over its operands of what their tangents move it by. [`Tape::jvp`] computes
//! them as numbers, [`Tape::pushforward`] records them, so that they can be differentiated again.

use crate::algebra::{Algebra, Binary, Element, Pull};
use crate::error::{self, Error};
use crate::gradients::zeros;
use crate::shape::Shape;
use crate::sweep::{
    Disturbed, Observer, addend, dependent, indices, nothing, operands, operation, slopes, variable,
};
use crate::tape::{AnyHandle, CONSTANT, Graph, Handle, Handles, Index, Lookup, Scalar, Tape, Var};
use crate::tensor::Tensor;
use smallvec::SmallVec;

/// The tangents of one forward sweep.
struct Tangents<T: Element> {
    /// By node: numbers, and tensors of rank 0.
    scalars: Vec<T>,
    /// By place in the table of tensors.
    arrays: Vec<Option<Tensor<T>>>,
}

impl<T: Element> Tape<T> {
    /// The tangent of `y` when `x` moves by `dx`: the Jacobian-vector product, by one forward sweep over what
    /// is recorded. `x` may be leaves or intermediate values.
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let (x, a) = (tape.var([1.0, 2.0]), tape.scalar(3.0));
    /// let y = x * x * a;
    /// let dy = tape.jvp(y, (x, a), (Tensor::from([1.0, 0.0]), 10.0));
    /// assert_eq!(dy, Tensor::from([6.0 + 10.0, 40.0]));
    /// ```
    ///
    /// # Panics
    /// If a handle belongs to another tape, or a tangent does not have the shape of its value.
    #[track_caller]
    pub fn jvp<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(&'t self, y: Y, x: X, dx: X::Value) -> Y::Value {
        self.observed_jvp(y, x, dx, &mut ())
    }

    /// [`jvp`](Tape::jvp), with somebody who looks on.
    #[track_caller]
    fn observed_jvp<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(
        &'t self,
        y: Y,
        x: X,
        dx: X::Value,
        observer: &mut impl Observer<T>,
    ) -> Y::Value {
        let mut seeds = Vec::new();
        X::scatter(&dx, &mut seeds);
        let (from, to) = (indices("jvp", self, &x), indices("jvp", self, &y));
        let count = to.iter().copied().max().unwrap_or(CONSTANT) as usize + 1;
        let graph = self.graph();
        let mut tangents = Tangents { scalars: vec![T::ZERO; count], arrays: vec![None; graph.arrays.len()] };
        for (&index, seed) in from.iter().zip(seeds) {
            tangents.seed(&graph, index, seed);
        }
        let seeded = seeded(&from, count);
        for i in (1..count).filter(|&i| !seeded[i]) {
            tangents.push(&graph, i as Index, observer);
        }
        error::expect(y.values(&mut (&tangents, &graph)))
    }

    /// As [`jvp`](Tape::jvp), recorded: the tangent is a handle that can be differentiated again.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(2.0);
    /// let y = x.powi(3);
    /// let dy = tape.pushforward(y, x, tape.number(1.0));
    /// assert_eq!((dy.value(), dy.backward().wrt(x)), (12.0, 12.0));
    /// ```
    #[track_caller]
    pub fn pushforward<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(&'t self, y: Y, x: X, dx: X) -> Y {
        let mut seeds = Handles::new();
        dx.gather(&mut seeds);
        let (from, to) = (indices("pushforward", self, &x), indices("pushforward", self, &y));
        let count = to.iter().copied().max().unwrap_or(CONSTANT) as usize + 1;
        let active = dependent(&self.graph(), &from, count);
        let mut tangents: Vec<Option<AnyHandle<'t, T>>> = vec![None; count];
        for (&index, &seed) in from.iter().zip(&seeds.0) {
            if index != CONSTANT && (index as usize) < count {
                let (expected, found) = (variable_shape(self, index), seed.to_var().shape());
                if *expected != *found {
                    let (expected, found) = (expected.dims(), found.dims());
                    Error::Shape { op: "pushforward", expected, found }.panic();
                }
                let sum = &mut tangents[index as usize];
                *sum = Some(sum.map_or(seed, |sum| sum.plus(seed)));
            }
        }
        let seeded = seeded(&from, count);
        for i in (1..count).filter(|&i| active[i] && !seeded[i]) {
            tangents[i] = self.push_recorded(i as Index, &active, &tangents);
        }
        let mut results = Handles::new();
        for &i in &to {
            let tangent = tangents.get(i as usize).copied().flatten();
            results.0.push(tangent.unwrap_or_else(|| nothing(self, i)));
        }
        y.rebuild(&mut results)
    }

    /// The recorded tangent of one node.
    #[track_caller]
    fn push_recorded<'t>(
        &'t self,
        i: Index,
        active: &[bool],
        tangents: &[Option<AnyHandle<'t, T>>],
    ) -> Option<AnyHandle<'t, T>> {
        let mut parts: SmallVec<[AnyHandle<'t, T>; 4]> = SmallVec::new();
        let slot = self.graph().slot(i);
        match slot {
            None => {
                for (parent, slope) in slopes(self, i, active) {
                    if let Some(AnyHandle::Scalar(dx)) = tangents[parent as usize] {
                        parts.push(AnyHandle::Scalar(dx.pull(slope)));
                    }
                }
                // After the product, so that the sums are those of two nodes.
                parts.extend(addend(self, i, active).and_then(|addend| tangents[addend as usize]));
            }
            Some(slot) => {
                let (op, inputs) = operation(self, slot)?;
                let x = operands(self, &inputs);
                let x: SmallVec<[&Var<'t, T>; 4]> = x.iter().collect();
                for (k, &input) in inputs.iter().enumerate().filter(|(k, _)| op.differentiable(*k)) {
                    if let Some(dx) = tangents[input.node as usize] {
                        parts.push(AnyHandle::new(op.jvp(k, &x, &variable(self, i), &dx.to_var())));
                    }
                }
            }
        }
        parts.into_iter().reduce(AnyHandle::plus)
    }
}

/// Which of the first `count` nodes are given a tangent?
fn seeded(from: &[Index], count: usize) -> Vec<bool> {
    let mut seeded = vec![false; count];
    from.iter().filter(|&&i| (i as usize) < count).for_each(|&i| seeded[i as usize] = true);
    seeded
}

fn variable_shape<T: Element>(tape: &Tape<T>, index: Index) -> Shape {
    let graph = tape.graph();
    graph.slot(index).map(|slot| graph.arrays[slot].value.shape().clone()).unwrap_or_default()
}

impl<T: Element> Tangents<T> {
    /// A handle named twice moves by the sum, as `grad` answers it twice.
    #[track_caller]
    fn seed(&mut self, graph: &Graph<T>, index: Index, dx: Tensor<T>) {
        let slot = graph.slot(index);
        let rank0 = Shape::default();
        let shape = slot.map_or(&rank0, |slot| graph.arrays[slot].value.shape());
        if dx.shape() != shape {
            Error::Shape { op: "jvp", expected: shape.dims(), found: dx.shape().dims() }.panic();
        }
        match slot {
            Some(slot) if dx.rank() > 0 => match &mut self.arrays[slot] {
                Some(sum) => sum.add_assign(&dx),
                none => *none = Some(dx),
            },
            _ if index == CONSTANT || index as usize >= self.scalars.len() => {}
            _ => self.scalars[index as usize] += dx.item(),
        }
    }

    /// The tangent of one node from those of its operands.
    fn push(&mut self, graph: &Graph<T>, i: Index, observer: &mut impl Observer<T>) {
        let Some(slot) = graph.slot(i) else {
            let node = graph.nodes.get(i as usize);
            let mut part = |k: usize| match node.parent[k] {
                CONSTANT => T::ZERO,
                parent => {
                    let dx = self.scalars[parent as usize];
                    Pull.eval(dx, observer.number(i, k, parent, dx, node.partial[k]))
                }
            };
            let moved = part(0) + part(1);
            self.scalars[i as usize] =
                node.addend(i).map_or(moved, |addend| moved + self.scalars[addend as usize]);
            return;
        };
        let array = &graph.arrays[slot];
        if !array.computed {
            return;
        }
        let (op, inputs) = (graph.op(slot), graph.inputs(slot));
        let (x, y) = (graph.tensors(inputs), observer.value(&array.value));
        let mut sum: Option<Tensor<T>> = None;
        for (k, &input) in inputs.iter().enumerate().filter(|(k, _)| op.differentiable(*k)) {
            let Some(dx) = self.of(graph, input.node) else { continue };
            let part = op.jvp_values(k, &x, &y, &dx);
            let part = observer.contribution(i, k, input.node, part);
            match &mut sum {
                Some(sum) => sum.add_assign(&part),
                none => *none = Some(part),
            }
        }
        match sum {
            Some(sum) if sum.rank() == 0 => self.scalars[i as usize] = sum.item(),
            sum => self.arrays[slot] = sum,
        }
    }

    /// The tangent of a node, if it is not zero.
    fn of(&self, graph: &Graph<T>, index: Index) -> Option<Tensor<T>> {
        match graph.slot(index) {
            Some(slot) if graph.arrays[slot].value.rank() > 0 => self.arrays[slot].clone(),
            _ => {
                let dx = self.scalars[index as usize];
                (dx != T::ZERO).then(|| Tensor::scalar(dx))
            }
        }
    }

    fn get(&self, graph: &Graph<T>, index: Index) -> Tensor<T> {
        self.of(graph, index).unwrap_or_else(|| match graph.slot(index) {
            Some(slot) => zeros(&graph.arrays[slot].value),
            None => Tensor::scalar(T::ZERO),
        })
    }
}

impl<'t, T: Element> Lookup<'t, T> for (&Tangents<T>, &Graph<'_, T>) {
    fn number(&mut self, y: Scalar<'t, T>) -> Result<T, Error> {
        Ok(self.0.get(self.1, y.index).item())
    }

    fn tensor(&mut self, y: Var<'t, T>) -> Result<Tensor<T>, Error> {
        Ok(self.0.get(self.1, y.index))
    }
}

impl<'t, T: Element> Scalar<'t, T> {
    /// The tangent of this number when `x` moves by `dx`. See [`Tape::jvp`].
    #[track_caller]
    pub fn jvp<X: Handle<'t, T>>(self, x: X, dx: X::Value) -> T {
        self.tape.jvp(self, x, dx)
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// [`jvp`](Var::jvp) with every contribution, and every value it is computed from, multiplied by a factor: how a
    /// rounding here and there moves the result.
    pub(crate) fn disturbed_jvp<X: Handle<'t, T>>(
        self,
        x: X,
        dx: X::Value,
        factor: &mut impl FnMut() -> T,
    ) -> Tensor<T> {
        self.tape.observed_jvp(self, x, dx, &mut Disturbed(factor))
    }

    /// The tangent of this tensor when `x` moves by `dx`. See [`Tape::jvp`].
    #[track_caller]
    pub fn jvp<X: Handle<'t, T>>(self, x: X, dx: X::Value) -> Tensor<T> {
        self.tape.jvp(self, x, dx)
    }
}
