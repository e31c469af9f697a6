//! The reverse sweep step by step: every contribution, in the order in which it is added.

use super::gradients::Gradients;
use super::observe::{Observer, Ordinary};
use super::{pieces, sweep};
use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::tape::{CONSTANT, GradientBuffers, Input, NodeId, Retain, Scalar, TapeRef, Var};
use crate::tensor::Tensor;

/// One step of a reverse sweep: a node passes its cotangent on to one of its operands.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepStep<T: Element = f64> {
    /// The node that passes its cotangent on, by its index on the tape.
    pub node: usize,
    /// The operation of that node.
    pub op: &'static str,
    /// The position of the operand in the operation. The third operand of a `mul_add` is what the product is added to.
    pub operand: usize,
    /// The node that receives the contribution.
    pub input: usize,
    /// The derivative of the node with respect to this operand, if the node is a scalar: the contribution is the cotangent of
    /// the node times this slope. The derivative of a tensor is a linear map, which its rule applies without storing it.
    pub slope: Option<T>,
    /// The cotangent of the node, complete: every contribution to it has been added in earlier steps.
    pub cotangent: Tensor<T>,
    /// The contribution, of the shape of the operand.
    pub contribution: Tensor<T>,
    /// The sum of the contributions that the operand has received, this one included. After the last of them it is the gradient.
    pub sum: Tensor<T>,
}

/// A reverse sweep as the list of its steps: see [`Scalar::sweep`].
///
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (x, y) = (tape.scalar(3.0), tape.scalar(4.0));
/// let sweep = (x * y + x).sweep();
/// let sums: Vec<(&str, f64, f64)> =
///     sweep.steps().iter().map(|step| (step.op, step.contribution.item(), step.sum.item())).collect();
/// assert_eq!(sums, [("add", 1.0, 1.0), ("add", 1.0, 1.0), ("mul", 4.0, 5.0), ("mul", 3.0, 3.0)]);
/// assert_eq!(sweep.gradients().wrt([x, y]), [5.0, 3.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Sweep<T: Element = f64> {
    root: usize,
    seed: Tensor<T>,
    steps: Vec<SweepStep<T>>,
    gradients: Gradients<T>,
}

impl<T: Element> Sweep<T> {
    /// The node from which the sweep starts.
    pub fn root(&self) -> usize {
        self.root
    }

    /// The cotangent with which it starts: 1 for a scalar.
    pub fn seed(&self) -> &Tensor<T> {
        &self.seed
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[SweepStep<T>] {
        &self.steps
    }

    /// The gradients with respect to every leaf and every intermediate value, the same bits as those of
    /// [`backward_all`](Scalar::backward_all).
    pub fn gradients(&self) -> &Gradients<T> {
        &self.gradients
    }
}

impl<T: Element> IntoIterator for Sweep<T> {
    type Item = SweepStep<T>;
    type IntoIter = std::vec::IntoIter<SweepStep<T>>;
    fn into_iter(self) -> Self::IntoIter {
        self.steps.into_iter()
    }
}

impl<'s, T: Element> IntoIterator for &'s Sweep<T> {
    type Item = &'s SweepStep<T>;
    type IntoIter = std::slice::Iter<'s, SweepStep<T>>;
    fn into_iter(self) -> Self::IntoIter {
        self.steps.iter()
    }
}

impl<T: Element> Scalar<'_, T> {
    /// The reverse sweep from this scalar, step by step: the sweep of [`backward`](Scalar::backward) itself, observed, so every
    /// number has its bits.
    ///
    /// A node without a step received nothing, or its cotangent is exactly zero. For tensors the list takes the memory of all
    /// contributions and of all partial sums: it is for looking at small recordings, not for training.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let a = tape.scalar(0.5);
    /// let b = a.tanh();
    /// for step in &(b * b).sweep() {
    ///     let slope = step.slope.unwrap();
    ///     assert_eq!(step.contribution.item(), step.cotangent.item() * slope);
    ///     println!("#{} += {} · {} = {}", step.input, step.cotangent, slope, step.contribution);
    /// }
    /// ```
    ///
    /// # Panics
    /// As [`try_sweep`](Scalar::try_sweep).
    #[track_caller]
    pub fn sweep(self) -> Sweep<T> {
        error::expect(self.try_sweep())
    }

    /// As [`sweep`](Scalar::sweep), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`try_backward`](Scalar::try_backward).
    #[track_caller]
    pub fn try_sweep(self) -> Result<Sweep<T>, Error> {
        let mut observer = Steps::default();
        let gradients = sweep(self.tape, self.index, None, Retain::All, &mut observer)?;
        let (root, seed) = (self.index as usize, Tensor::scalar(T::ONE));
        Ok(Sweep { root, seed, steps: observer.finished(self.tape.graph()), gradients })
    }
}

impl<T: Element> Var<'_, T> {
    /// The reverse sweep of [`vjp`](Var::vjp), step by step: see [`Scalar::sweep`].
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0]);
    /// let sweep = (x * x).sweep([1.0, 10.0]);
    /// let [first, second] = sweep.steps() else { panic!("one step for each factor") };
    /// assert_eq!(first.contribution, Tensor::from([1.0, 20.0]));
    /// assert_eq!((&second.contribution, &second.sum), (&first.contribution, &Tensor::from([2.0, 40.0])));
    /// ```
    ///
    /// # Panics
    /// As [`try_sweep`](Var::try_sweep).
    #[track_caller]
    pub fn sweep(self, ct: impl Into<Tensor<T>>) -> Sweep<T> {
        error::expect(self.try_sweep(ct))
    }

    /// As [`sweep`](Var::sweep), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`try_vjp`](Var::try_vjp).
    #[track_caller]
    pub fn try_sweep(self, ct: impl Into<Tensor<T>>) -> Result<Sweep<T>, Error> {
        let seed = self.checked(ct.into())?;
        let mut observer = Steps::default();
        let gradients = sweep(self.tape, self.index, Some(seed.clone()), Retain::All, &mut observer)?;
        Ok(Sweep { root: self.index as usize, seed, steps: observer.finished(self.tape.graph()), gradients })
    }
}

/// Collects the steps of an ordinary sweep.
struct Steps<T: Element> {
    ordinary: Ordinary,
    steps: Vec<SweepStep<T>>,
    /// The tensor that contributes now, and its cotangent.
    here: (NodeId, Tensor<T>),
}

impl<T: Element> Default for Steps<T> {
    fn default() -> Steps<T> {
        Steps { ordinary: Ordinary::default(), steps: Vec::new(), here: (CONSTANT, Tensor::default()) }
    }
}

impl<T: Element> Steps<T> {
    /// The steps with the names of their operations.
    fn finished(mut self, graph: TapeRef<T>) -> Vec<SweepStep<T>> {
        self.steps.iter_mut().for_each(|step| step.op = graph.name(step.node as NodeId));
        self.steps
    }

    fn push(&mut self, k: usize, input: NodeId, contribution: Tensor<T>, sum: Tensor<T>) {
        let (node, cotangent) = (self.here.0 as usize, self.here.1.clone());
        let (operand, input) = (k, input as usize);
        self.steps.push(SweepStep {
            node,
            op: "",
            operand,
            input,
            slope: None,
            cotangent,
            contribution,
            sum,
        });
    }
}

impl<T: Element> Observer<T> for Steps<T> {
    fn adds_pieces(&self, op: &'static str) -> bool {
        Observer::<T>::adds_pieces(&self.ordinary, op)
    }

    fn scalar(&mut self, node: NodeId, k: usize, parent: NodeId, ct: T, slope: T) -> T {
        self.ordinary.scalar(node, k, parent, ct, slope)
    }

    fn scalar_added(&mut self, node: NodeId, k: usize, parent: NodeId, [ct, slope, sum]: [T; 3]) {
        if parent != CONSTANT {
            self.here = (node, Tensor::scalar(ct));
            self.push(k, parent, Tensor::scalar(ct * slope), Tensor::scalar(sum));
            self.steps.last_mut().into_iter().for_each(|step| step.slope = Some(slope));
        }
    }

    fn tensor(&mut self, graph: &TapeRef<T>, node: NodeId, dy: &Tensor<T>) {
        self.ordinary.tensor(graph, node, dy);
        self.here = (node, dy.clone());
    }

    fn contribution(&mut self, node: NodeId, k: usize, input: NodeId, ct: Tensor<T>) -> Tensor<T> {
        self.ordinary.contribution(node, k, input, ct)
    }

    fn accumulate(
        &mut self,
        op: &'static str,
        k: usize,
        buffers: &mut GradientBuffers<T>,
        input: Input,
        ct: Tensor<T>,
    ) {
        let contribution = ct.clone();
        self.ordinary.accumulate(op, k, buffers, input, ct);
        if input.node != CONSTANT {
            self.push(k, input.node, contribution, buffers.sum(input));
        }
    }

    fn piece_added(&mut self, graph: &TapeRef<T>, slot: usize, dy: &Tensor<T>, sum: &Tensor<T>) {
        let Some(op) = graph.op(slot) else { return };
        let (x, y) = (graph.values(graph.inputs(slot)), &graph.tensors[slot].value);
        let mut contribution = Tensor::zeros(sum.shape().clone());
        // The sweep has added the piece to the sum already; it would have reported an error.
        let _added = pieces::add(op.as_ref(), &x, y, dy, Some(&mut contribution));
        self.push(0, graph.inputs(slot)[0].node, contribution, sum.clone());
    }
}
