//! The forward sweep over scalars and tensors: tangents in recording order.
//!
//! The tangent of a node is the sum of the contributions of its operands' tangents. [`Tape::pushforward`] is
//! the same over handles.

use super::observe::{Observer, Ordinary, Perturbed};
use super::reach::indices;
use crate::error::{self, Error};
use crate::rules::algebra::{Binary, ChainRule, Element};
use crate::rules::op::keeps_word;
use crate::tape::{ErasedOp, Handle, Input, NodeId, ReadGradients, Scalar, Tape, TapeRef, Var, zeros};
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::ops::Range;

/// The tangents of one forward sweep, in one or several directions.
struct Tangents<T: Element> {
    /// The first node that moves.
    first: NodeId,
    /// The number of directions.
    directions: usize,
    /// For each node from `first` on, one tangent for each direction: scalars, and tensors of rank 0.
    scalars: Vec<T>,
    /// The slot of the first tensor from node `first` on.
    first_slot: usize,
    /// For each tensor from there on, the same: tensors of higher rank.
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
    #[track_caller]
    pub fn try_jvp<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(
        &'t self,
        y: Y,
        x: X,
        dx: X::Value,
    ) -> Result<Y::Value, Error> {
        let mut tangents = self.observed_jvp(y, x, &[dx], &mut Ordinary::default())?;
        Ok(tangents.swap_remove(0))
    }

    /// [`jvp`](Tape::jvp) in several directions, in one sweep: the tangents of `y` for each of `dx`, with the same bits. What
    /// the sweep reads of the recording it reads once for all of them.
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0]);
    /// let columns = tape.jvp_each(x * x, x, &[Tensor::from([1.0, 0.0]), Tensor::from([0.0, 1.0])]);
    /// assert_eq!(columns, [Tensor::from([2.0, 0.0]), Tensor::from([0.0, 4.0])]);
    /// ```
    ///
    /// # Panics
    /// As [`jvp`](Tape::jvp).
    #[track_caller]
    pub fn jvp_each<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(
        &'t self,
        y: Y,
        x: X,
        dx: &[X::Value],
    ) -> Vec<Y::Value> {
        error::expect(self.try_jvp_each(y, x, dx))
    }

    /// As [`jvp_each`](Tape::jvp_each), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`try_jvp`](Tape::try_jvp).
    #[track_caller]
    pub fn try_jvp_each<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(
        &'t self,
        y: Y,
        x: X,
        dx: &[X::Value],
    ) -> Result<Vec<Y::Value>, Error> {
        self.observed_jvp(y, x, dx, &mut Ordinary::default())
    }

    /// [`try_jvp_each`](Tape::try_jvp_each), with an observer.
    #[track_caller]
    fn observed_jvp<'t, Y: Handle<'t, T>, X: Handle<'t, T>>(
        &'t self,
        y: Y,
        x: X,
        dx: &[X::Value],
        observer: &mut impl Observer<T>,
    ) -> Result<Vec<Y::Value>, Error> {
        self.check_values("jvp")?;
        self.check_recorded("jvp")?;
        let (from, to) = (indices("jvp", self, &x)?, indices("jvp", self, &y)?);
        let graph = self.graph();
        let mut tangents = Tangents::new(&graph, &from, &to, dx.len());
        for (direction, dx) in dx.iter().enumerate() {
            let mut seeds = Vec::new();
            X::scatter(dx, &mut seeds);
            if seeds.len() != from.len() {
                let expected = "one tangent for each handle";
                return Err(Error::Operands { op: "jvp", expected, found: seeds.len() });
            }
            for (&index, seed) in from.iter().zip(seeds) {
                tangents.seed(&graph, index, direction, seed)?;
            }
        }
        for i in tangents.nodes() {
            tangents.push(&graph, i, observer)?;
        }
        (0..dx.len()).map(|direction| y.values(&mut (&tangents, &graph, direction))).collect()
    }
}

impl<T: Element> Tangents<T> {
    /// Zeros for the nodes from the first of `from` that moves to the last of `to`.
    fn new(graph: &TapeRef<T>, from: &[NodeId], to: &[NodeId], directions: usize) -> Tangents<T> {
        let end = to.iter().max().map_or(0, |last| last + 1);
        let first =
            from.iter().copied().filter(|&i| graph.tracked(i)).min().map_or(end, |first| first.min(end));
        let slot = |node: NodeId| graph.tensors.partition_point(|tensor| tensor.node < node);
        let [scalars, tensors] =
            [(end - first) as usize, slot(end) - slot(first)].map(|count| count * directions);
        Tangents {
            first,
            directions,
            scalars: vec![T::ZERO; scalars],
            first_slot: slot(first),
            tensors: vec![None; tensors],
        }
    }

    /// The nodes to visit.
    fn nodes(&self) -> Range<NodeId> {
        let count = self.scalars.len().checked_div(self.directions).unwrap_or(0);
        self.first..self.first + count as NodeId
    }

    /// Where the tangents of a node begin, in the order of directions; none before the first node.
    #[inline]
    fn at(&self, node: NodeId) -> Option<usize> {
        let at = (node as usize).checked_sub(self.first as usize)? * self.directions;
        (at < self.scalars.len()).then_some(at)
    }

    /// The same for a tensor of rank 1 or more.
    #[inline]
    fn at_slot(&self, slot: usize) -> Option<usize> {
        let at = slot.checked_sub(self.first_slot)? * self.directions;
        (at < self.tensors.len()).then_some(at)
    }

    /// Seeds a tangent. The tangents of a handle that appears twice add up, just as `grad` returns its
    /// gradient twice.
    fn seed(
        &mut self,
        graph: &TapeRef<T>,
        index: NodeId,
        direction: usize,
        dx: Tensor<T>,
    ) -> Result<(), Error> {
        let slot = graph.slot(index);
        let shape = graph.shape(slot);
        if dx.shape() != shape {
            return Err(Error::Shape { op: "jvp", expected: shape.dims(), found: dx.shape().dims() });
        }
        match slot {
            _ if !graph.tracked(index) => {}
            Some(slot) if dx.rank() > 0 => {
                if let Some(at) = self.at_slot(slot) {
                    self.add_tensor(at + direction, dx);
                }
            }
            _ => {
                if let Some(at) = self.at(index) {
                    self.scalars[at + direction] += dx.item();
                }
            }
        }
        Ok(())
    }

    fn add_tensor(&mut self, at: usize, dx: Tensor<T>) {
        match &mut self.tensors[at] {
            Some(sum) => sum.add_in_place(&dx),
            none => *none = Some(dx),
        }
    }

    /// The tangents of one node from those of its operands.
    fn push(&mut self, graph: &TapeRef<T>, i: NodeId, observer: &mut impl Observer<T>) -> Result<(), Error> {
        match graph.slot(i) {
            None => self.push_scalar(graph, i, observer),
            Some(slot) => {
                let Some(op) = graph.op(slot) else { return Ok(()) };
                for direction in 0..self.directions {
                    self.push_tensor(graph, op.as_ref(), slot, direction, observer)?;
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn push_scalar(&mut self, graph: &TapeRef<T>, i: NodeId, observer: &mut impl Observer<T>) {
        let node = graph.nodes.get(i as usize);
        // Constants are node 0, which is before every node that moves.
        let [a, b] = node.parent.map(|parent| self.at(parent));
        let addend = node.addend(i).and_then(|addend| self.at(addend));
        let at = (i - self.first) as usize * self.directions;
        for direction in 0..self.directions {
            let tangent = |at: Option<usize>| at.map_or(T::ZERO, |at| self.scalars[at + direction]);
            let mut part = |k: usize, dx: T| {
                ChainRule.eval(dx, observer.scalar(i, k, node.parent[k], dx, node.partial[k]))
            };
            let moved = part(0, tangent(a)) + part(1, tangent(b));
            let moved = if addend.is_some() { moved + tangent(addend) } else { moved };
            self.move_scalar(at + direction, moved);
        }
    }

    fn push_tensor(
        &mut self,
        graph: &TapeRef<T>,
        op: &dyn ErasedOp<T>,
        slot: usize,
        direction: usize,
        observer: &mut impl Observer<T>,
    ) -> Result<(), Error> {
        let (inputs, i, value) = (graph.inputs(slot), graph.tensors[slot].node, &graph.tensors[slot].value);
        let (x, y) = (graph.values(inputs), observer.value(value));
        let moved = |k: usize| self.nonzero(graph, inputs[k], direction).filter(|_| op.differentiable(k));
        let dx: SmallVec<[Option<Tensor<T>>; 4]> = (0..inputs.len()).map(moved).collect();
        if dx.iter().all(Option::is_none) {
            return Ok(());
        }
        op.check_derivative(&x, value)?;
        let mut sum = None::<Tensor<T>>;
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
        let Some(sum) = sum else { return Ok(()) };
        if sum.rank() == 0 {
            self.move_scalar((i - self.first) as usize * self.directions + direction, sum.item());
        } else {
            // A seed of the node itself may already be here.
            self.add_tensor((slot - self.first_slot) * self.directions + direction, sum);
        }
        Ok(())
    }

    /// Adds to the tangent of a scalar, which is zero unless the scalar itself was seeded.
    fn move_scalar(&mut self, at: usize, moved: T) {
        let tangent = &mut self.scalars[at];
        *tangent = if *tangent == T::ZERO { moved } else { *tangent + moved };
    }

    /// The tangent of an operand in one direction, if it is not zero.
    fn nonzero(&self, graph: &TapeRef<T>, x: Input, direction: usize) -> Option<Tensor<T>> {
        match x.slot() {
            Some(slot) if graph.tensors[slot].value.rank() > 0 => {
                self.tensors[self.at_slot(slot)? + direction].clone()
            }
            _ => {
                let dx = self.scalars[self.at(x.node)? + direction];
                (dx != T::ZERO).then(|| Tensor::scalar(dx))
            }
        }
    }

    fn get(&self, graph: &TapeRef<T>, node: NodeId, direction: usize) -> Tensor<T> {
        let x = graph.operand(node);
        self.nonzero(graph, x, direction).unwrap_or_else(|| match x.slot() {
            Some(slot) => zeros(&graph.tensors[slot].value),
            None => Tensor::scalar(T::ZERO),
        })
    }
}

impl<'t, T: Element> ReadGradients<'t, T> for (&Tangents<T>, &TapeRef<'_, T>, usize) {
    fn number(&mut self, y: Scalar<'t, T>) -> Result<T, Error> {
        Ok(self.0.get(self.1, y.index, self.2).item())
    }

    fn tensor(&mut self, y: Var<'t, T>) -> Result<Tensor<T>, Error> {
        Ok(self.0.get(self.1, y.index, self.2))
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
    error::expect(y.tape.observed_jvp(y, x, &[dx], &mut Perturbed::by(factor))).swap_remove(0)
}
