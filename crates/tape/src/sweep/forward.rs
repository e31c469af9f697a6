//! The forward sweep over scalars and tensors: tangents in recording order.
//!
//! The tangent of a node is the sum of the contributions of its operands' tangents. [`Tape::pushforward`] is
//! the same over handles.

use super::observe::{Observer, Ordinary, Perturbed};
use super::reach::indices;
use crate::error::{self, Error};
use crate::rules::algebra::{Binary, ChainRule, Element};
use crate::rules::op::keeps_word;
use crate::tape::{CONSTANT, Handle, NodeId, ReadGradients, Scalar, Tape, TapeRef, Var, zeros};
use crate::tensor::Tensor;
use smallvec::SmallVec;

/// The tangents of one forward sweep.
struct Tangents<T: Element> {
    /// By node: scalars, and tensors of rank 0.
    scalars: Vec<T>,
    /// By slot in the table of tensors.
    tensors: Vec<Option<Tensor<T>>>,
}

impl<T: Element> Tape<T> {
    /// The tangent of `y` when `x` moves by `dx`: the Jacobian-vector product, by one forward sweep over the
    /// recording. `x` may be leaves or intermediate values; the tangent given for an intermediate value is
    /// added to the one it gets from the others, so that the result is always `Σ ∂y/∂x dx` with the
    /// derivatives that [`grad`](Scalar::grad) gives. Constants do not move.
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

    /// As [`jvp`](Tape::jvp), but returns errors instead of panicking.
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
        self.observed_jvp(y, x, dx, &mut Ordinary::default())
    }

    /// [`try_jvp`](Tape::try_jvp), with an observer.
    fn observed_jvp<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(
        &'t self,
        y: Y,
        x: X,
        dx: X::Value,
        observer: &mut impl Observer<T>,
    ) -> Result<Y::Value, Error> {
        self.check_values("jvp")?;
        self.check_recorded("jvp")?;
        let mut seeds = Vec::new();
        X::scatter(&dx, &mut seeds);
        let (from, to) = (indices("jvp", self, &x)?, indices("jvp", self, &y)?);
        let count = to.iter().copied().max().unwrap_or(CONSTANT) as usize + 1;
        let graph = self.graph();
        let mut tangents =
            Tangents { scalars: vec![T::ZERO; count], tensors: vec![None; graph.tensors.len()] };
        if seeds.len() != from.len() {
            let expected = "one tangent for each handle";
            return Err(Error::Operands { op: "jvp", expected, found: seeds.len() });
        }
        for (&index, seed) in from.iter().zip(seeds) {
            tangents.seed(&graph, index, seed)?;
        }
        for i in 1..count {
            tangents.push(&graph, i as NodeId, observer)?;
        }
        y.values(&mut (&tangents, &graph))
    }
}

impl<T: Element> Tangents<T> {
    /// Seeds a tangent. The tangents of a handle that appears twice add up, just as `grad` returns its
    /// gradient twice.
    fn seed(&mut self, graph: &TapeRef<T>, index: NodeId, dx: Tensor<T>) -> Result<(), Error> {
        let slot = graph.slot(index);
        let shape = graph.shape(slot);
        if dx.shape() != shape {
            return Err(Error::Shape { op: "jvp", expected: shape.dims(), found: dx.shape().dims() });
        }
        if !graph.tracked(index) {
            return Ok(());
        }
        match slot {
            Some(slot) if dx.rank() > 0 => match &mut self.tensors[slot] {
                Some(sum) => sum.add_in_place(&dx),
                none => *none = Some(dx),
            },
            _ if index as usize >= self.scalars.len() => {}
            _ => self.scalars[index as usize] += dx.item(),
        }
        Ok(())
    }

    /// The tangent of one node from those of its operands.
    fn push(&mut self, graph: &TapeRef<T>, i: NodeId, observer: &mut impl Observer<T>) -> Result<(), Error> {
        let Some(slot) = graph.slot(i) else {
            let node = graph.nodes.get(i as usize);
            let mut part = |k: usize| match node.parent[k] {
                CONSTANT => T::ZERO,
                parent => {
                    let dx = self.scalars[parent as usize];
                    ChainRule.eval(dx, observer.scalar(i, k, parent, dx, node.partial[k]))
                }
            };
            let moved = part(0) + part(1);
            let moved = node.addend(i).map_or(moved, |addend| moved + self.scalars[addend as usize]);
            self.move_scalar(i, moved);
            return Ok(());
        };
        let Some(op) = graph.op(slot) else { return Ok(()) };
        let (inputs, value) = (graph.inputs(slot), &graph.tensors[slot].value);
        let (x, y) = (graph.values(inputs), observer.value(value));
        let moved = |k: usize| self.nonzero(graph, inputs[k].node).filter(|_| op.differentiable(k));
        let dx: SmallVec<[Option<Tensor<T>>; 4]> = (0..inputs.len()).map(moved).collect();
        if dx.iter().all(Option::is_none) {
            return Ok(());
        }
        op.check_derivative(&x, value)?;
        let mut sum: Option<Tensor<T>> = None;
        let mut add = |k: usize, part: Tensor<T>| {
            keeps_word(op.name(), "jvp", None, value.shape(), part.shape())?;
            let part = observer.contribution(i, k, inputs[k].node, part);
            match &mut sum {
                Some(sum) => sum.add_in_place(&part),
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
            Some(sum) if sum.rank() == 0 => self.move_scalar(i, sum.item()),
            sum => {
                // A seed of the node itself may already be here.
                let seed = self.tensors[slot].take();
                self.tensors[slot] = seed.into_iter().chain(sum).reduce(|mut seed, sum| {
                    seed.add_in_place(&sum);
                    seed
                });
            }
        }
        Ok(())
    }

    /// Adds to the tangent of a scalar, which is zero unless the scalar itself was seeded.
    fn move_scalar(&mut self, i: NodeId, moved: T) {
        let tangent = &mut self.scalars[i as usize];
        *tangent = if *tangent == T::ZERO { moved } else { *tangent + moved };
    }

    /// The tangent of a node, if it is not zero.
    fn nonzero(&self, graph: &TapeRef<T>, index: NodeId) -> Option<Tensor<T>> {
        match graph.slot(index) {
            Some(slot) if graph.tensors[slot].value.rank() > 0 => self.tensors[slot].clone(),
            _ => {
                let dx = self.scalars[index as usize];
                (dx != T::ZERO).then(|| Tensor::scalar(dx))
            }
        }
    }

    fn get(&self, graph: &TapeRef<T>, index: NodeId) -> Tensor<T> {
        self.nonzero(graph, index).unwrap_or_else(|| match graph.slot(index) {
            Some(slot) => zeros(&graph.tensors[slot].value),
            None => Tensor::scalar(T::ZERO),
        })
    }
}

impl<'t, T: Element> ReadGradients<'t, T> for (&Tangents<T>, &TapeRef<'_, T>) {
    fn number(&mut self, y: Scalar<'t, T>) -> Result<T, Error> {
        Ok(self.0.get(self.1, y.index).item())
    }

    fn tensor(&mut self, y: Var<'t, T>) -> Result<Tensor<T>, Error> {
        Ok(self.0.get(self.1, y.index))
    }
}

impl<'t, T: Element> Scalar<'t, T> {
    /// The tangent of this scalar when `x` moves by `dx`. See [`Tape::jvp`].
    #[track_caller]
    pub fn jvp<X: Handle<'t, T>>(self, x: X, dx: X::Value) -> T {
        self.tape.jvp(self, x, dx)
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// The tangent of this tensor when `x` moves by `dx`. See [`Tape::jvp`].
    #[track_caller]
    pub fn jvp<X: Handle<'t, T>>(self, x: X, dx: X::Value) -> Tensor<T> {
        self.tape.jvp(self, x, dx)
    }
}

/// [`Var::jvp`] with every contribution, and every value it is computed from, multiplied by a factor: shows
/// how scattered roundings move the result.
pub fn perturbed_jvp<'t, T: Element, X: Handle<'t, T>>(
    y: Var<'t, T>,
    x: X,
    dx: X::Value,
    factor: &mut impl FnMut() -> T,
) -> Tensor<T> {
    error::expect(y.tape.observed_jvp(y, x, dx, &mut Perturbed::by(factor)))
}
