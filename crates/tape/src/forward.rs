//! The forward sweeps: tangents in recording order.
//!
//! Each node's tangent is the sum over its operands of what their tangents move it by. [`Tape::jvp`] computes
//! them as numbers, [`Tape::pushforward`] records them, so that they can be differentiated again.

use crate::algebra::{Algebra, Binary, Element, Pull};
use crate::error::{self, Error};
use crate::gradients::zeros;
use crate::op::keeps_word;
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
    /// is recorded. `x` may be leaves or intermediate values; what an intermediate value is given is added to how it
    /// moves with the others, so that the tangent is always `Σ ∂y/∂x dx` with the derivatives that
    /// [`grad`](Scalar::grad) gives. Constants do not move.
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
        error::expect(self.try_jvp(y, x, dx))
    }

    /// As [`jvp`](Tape::jvp), or why there is no tangent.
    ///
    /// # Errors
    /// As [`Scalar::try_backward`]; if a handle belongs to another tape, or a tangent does not have the shape of its
    /// value.
    pub fn try_jvp<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(
        &'t self,
        y: Y,
        x: X,
        dx: X::Value,
    ) -> Result<Y::Value, Error> {
        self.observed_jvp(y, x, dx, &mut ())
    }

    /// [`try_jvp`](Tape::try_jvp), with an observer.
    fn observed_jvp<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(
        &'t self,
        y: Y,
        x: X,
        dx: X::Value,
        observer: &mut impl Observer<T>,
    ) -> Result<Y::Value, Error> {
        let mut seeds = Vec::new();
        X::scatter(&dx, &mut seeds);
        let (from, to) = (indices("jvp", self, &x)?, indices("jvp", self, &y)?);
        let count = to.iter().copied().max().unwrap_or(CONSTANT) as usize + 1;
        let graph = self.graph();
        let mut tangents = Tangents { scalars: vec![T::ZERO; count], arrays: vec![None; graph.arrays.len()] };
        if seeds.len() != from.len() {
            let expected = "one tangent for each handle";
            return Err(Error::Operands { op: "jvp", expected, found: seeds.len() });
        }
        for (&index, seed) in from.iter().zip(seeds) {
            tangents.seed(&graph, index, seed)?;
        }
        for i in 1..count {
            tangents.push(&graph, i as Index, observer)?;
        }
        y.values(&mut (&tangents, &graph))
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
    ///
    /// # Panics
    /// As [`try_pushforward`](Tape::try_pushforward) refuses.
    #[track_caller]
    pub fn pushforward<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(&'t self, y: Y, x: X, dx: X) -> Y {
        error::expect(self.try_pushforward(y, x, dx))
    }

    /// As [`pushforward`](Tape::pushforward), or why there is no tangent.
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
        let count = to.iter().copied().max().unwrap_or(CONSTANT) as usize + 1;
        let active = dependent(&self.graph(), &from, count);
        let mut tangents: Vec<Option<AnyHandle<'t, T>>> = vec![None; count];
        for (&index, &seed) in from.iter().zip(&seeds.0) {
            if index != CONSTANT && (index as usize) < count && self.graph().tracked(index) {
                let (expected, found) = (variable_shape(self, index), seed.shape());
                if expected != found {
                    return Err(Error::Shape { op, expected: expected.dims(), found: found.dims() });
                }
                let (seed, sum) = (seed.carried(), &mut tangents[index as usize]);
                *sum = Some(sum.map_or(seed, |sum| sum.plus(seed)));
            }
        }
        for i in (1..count).filter(|&i| active[i]) {
            let pushed = self.push_recorded(i as Index, &active, &tangents)?;
            tangents[i] = tangents[i].into_iter().chain(pushed).reduce(AnyHandle::plus);
        }
        let mut results = Handles::new();
        for &i in &to {
            let tangent = tangents.get(i as usize).copied().flatten();
            results.0.push(tangent.unwrap_or_else(|| nothing(self, i)));
        }
        Ok(y.rebuild(&mut results))
    }

    /// The recorded tangent of one node.
    #[track_caller]
    fn push_recorded<'t>(
        &'t self,
        i: Index,
        active: &[bool],
        tangents: &[Option<AnyHandle<'t, T>>],
    ) -> Result<Option<AnyHandle<'t, T>>, Error> {
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
                let Some((op, inputs)) = operation(self, slot)? else { return Ok(None) };
                let x = operands(self, &inputs);
                let x: SmallVec<[&Var<'t, T>; 4]> = x.iter().collect();
                let (y, moves) = (variable(self, i), |k: usize| tangents[inputs[k].node as usize]);
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

fn variable_shape<T: Element>(tape: &Tape<T>, index: Index) -> Shape {
    let graph = tape.graph();
    graph.slot(index).map(|slot| graph.arrays[slot].value.shape().clone()).unwrap_or_default()
}

impl<T: Element> Tangents<T> {
    /// A handle named twice moves by the sum, as `grad` answers it twice.
    fn seed(&mut self, graph: &Graph<T>, index: Index, dx: Tensor<T>) -> Result<(), Error> {
        let slot = graph.slot(index);
        let shape = graph.shape(slot);
        if dx.shape() != shape {
            return Err(Error::Shape { op: "jvp", expected: shape.dims(), found: dx.shape().dims() });
        }
        if !graph.tracked(index) {
            return Ok(());
        }
        match slot {
            Some(slot) if dx.rank() > 0 => match &mut self.arrays[slot] {
                Some(sum) => sum.add_assign(&dx),
                none => *none = Some(dx),
            },
            _ if index as usize >= self.scalars.len() => {}
            _ => self.scalars[index as usize] += dx.item(),
        }
        Ok(())
    }

    /// The tangent of one node from those of its operands.
    fn push(&mut self, graph: &Graph<T>, i: Index, observer: &mut impl Observer<T>) -> Result<(), Error> {
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
            let moved = node.addend(i).map_or(moved, |addend| moved + self.scalars[addend as usize]);
            self.move_number(i, moved);
            return Ok(());
        };
        let array = &graph.arrays[slot];
        if !array.computed {
            return Ok(());
        }
        let (op, inputs) = (graph.op(slot), graph.inputs(slot));
        let (x, y) = (graph.tensors(inputs), observer.value(&array.value));
        let moved = |k: usize| self.of(graph, inputs[k].node).filter(|_| op.differentiable(k));
        let dx: SmallVec<[Option<Tensor<T>>; 4]> = (0..inputs.len()).map(moved).collect();
        if dx.iter().all(Option::is_none) {
            return Ok(());
        }
        op.check_derivative(&x, &array.value)?;
        let mut sum: Option<Tensor<T>> = None;
        let mut add = |k: usize, part: Tensor<T>| {
            keeps_word(op.name(), "jvp", None, array.value.shape(), part.shape())?;
            let part = observer.contribution(i, k, inputs[k].node, part);
            match &mut sum {
                Some(sum) => sum.add_assign(&part),
                none => *none = Some(part),
            }
            Ok(())
        };
        let moved: SmallVec<[Option<&Tensor<T>>; 4]> = dx.iter().map(Option::as_ref).collect();
        match op.jvp_all_values(&x, &y, &moved) {
            Some(whole) => add(0, whole)?,
            None => {
                for (k, dx) in moved.iter().enumerate() {
                    dx.map_or(Ok(()), |dx| add(k, op.jvp_values(k, &x, &y, dx)))?;
                }
            }
        }
        match sum {
            Some(sum) if sum.rank() == 0 => self.move_number(i, sum.item()),
            sum => {
                // A seed of the node itself stands there already.
                let seed = self.arrays[slot].take();
                self.arrays[slot] = seed.into_iter().chain(sum).reduce(|mut seed, sum| {
                    seed.add_assign(&sum);
                    seed
                });
            }
        }
        Ok(())
    }

    /// Adds to the tangent of a number, which is zero but for a seed of the number itself.
    fn move_number(&mut self, i: Index, moved: T) {
        let tangent = &mut self.scalars[i as usize];
        *tangent = if *tangent == T::ZERO { moved } else { *tangent + moved };
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
        error::expect(self.tape.observed_jvp(self, x, dx, &mut Disturbed(factor)))
    }

    /// The tangent of this tensor when `x` moves by `dx`. See [`Tape::jvp`].
    #[track_caller]
    pub fn jvp<X: Handle<'t, T>>(self, x: X, dx: X::Value) -> Tensor<T> {
        self.tape.jvp(self, x, dx)
    }
}
