//! Graphs on a tape: numbers as numbers, tensors as tensors.

use super::functions::BinaryFn;
use super::program::{Action, Program, Step};
use tape::Element;
use tape::Tensor;
use tape::{Scalar, Tape, Var};

/// A value of a recorded graph: rank 0 is a number.
#[derive(Clone, Copy, Debug)]
pub enum Node<'t, T: Element = f64> {
    /// A number.
    Number(Scalar<'t, T>),
    /// A tensor of rank 1 or more.
    Array(Var<'t, T>),
}

impl<'t, T: Element> From<Var<'t, T>> for Node<'t, T> {
    #[track_caller]
    fn from(x: Var<'t, T>) -> Node<'t, T> {
        if x.shape().rank() == 0 { Node::Number(x.item()) } else { Node::Array(x) }
    }
}

impl<'t, T: Element> Node<'t, T> {
    /// The value as a tensor.
    pub fn value(self) -> Tensor<T> {
        match self {
            Node::Number(x) => Tensor::scalar(x.value()),
            Node::Array(x) => x.value(),
        }
    }

    /// The value as a variable.
    #[track_caller]
    pub fn var(self) -> Var<'t, T> {
        match self {
            Node::Number(x) => x.to_var(),
            Node::Array(x) => x,
        }
    }
}

/// A graph on a tape.
#[derive(Clone, Debug)]
pub struct Recorded<'t, T: Element = f64> {
    /// The leaves, as variables.
    pub leaves: Vec<Var<'t, T>>,
    /// The value of every step.
    pub nodes: Vec<Node<'t, T>>,
    /// The result.
    pub output: Node<'t, T>,
    /// The elements of the result summed with the weights of the graph.
    pub loss: Scalar<'t, T>,
}

impl Program {
    /// The graph on a tape, at the values it was drawn with.
    pub fn record<'t, T: Element>(&self, tape: &'t Tape<T>) -> Recorded<'t, T> {
        let leaves: Vec<Var<'t, T>> = self.leaves.iter().map(|x| tape.var(x.cast::<T>())).collect();
        self.record_with(&leaves, |_, _| None)
    }

    /// The graph on leaves of the caller, who may put something else in the place of any step: an operation under
    /// test, a derivative that is wrong on purpose.
    ///
    /// # Panics
    /// If the leaves do not have the shapes of the graph's.
    #[track_caller]
    pub fn record_with<'t, T: Element>(
        &self,
        leaves: &[Var<'t, T>],
        substitute: impl Fn(&Step, &[Node<'t, T>]) -> Option<Node<'t, T>>,
    ) -> Recorded<'t, T> {
        let mut nodes: Vec<Node<'t, T>> = Vec::with_capacity(self.steps.len());
        for (place, step) in self.steps.iter().enumerate() {
            if step.action == Action::Leaf {
                nodes.push(leaves[place].into());
                continue;
            }
            let x: Vec<Node<'t, T>> = step.operands.iter().map(|&k| nodes[k]).collect();
            nodes.push(substitute(step, &x).unwrap_or_else(|| step.record(&x)));
        }
        let output = nodes[self.output];
        let loss = match output {
            Node::Number(y) => y * self.cotangent.cast::<T>().item(),
            Node::Array(y) => (y * &self.cotangent.cast::<T>()).sum(),
        };
        Recorded { leaves: leaves.to_vec(), nodes, output, loss }
    }
}

impl Step {
    /// The step on a tape: functions of numbers as such, where all operands are.
    #[track_caller]
    pub fn record<'t, T: Element>(&self, x: &[Node<'t, T>]) -> Node<'t, T> {
        match (&self.action, x) {
            (Action::Unary(f), [Node::Number(x)]) => Node::Number(f.of(*x)),
            (Action::Binary(f), [Node::Number(a), Node::Number(b)]) => Node::Number(f.of(*a, *b)),
            (Action::Binary(f), [Node::Number(a), Node::Array(b)]) => Node::Array(number_first(*f, *a, *b)),
            (Action::Binary(f), [Node::Array(a), Node::Number(b)]) => Node::Array(number_second(*f, *a, *b)),
            (Action::Times(c), [Node::Number(x)]) => Node::Number(*x * T::from_f64(*c)),
            (Action::Times(c), [Node::Array(x)]) => Node::Array(*x * T::from_f64(*c)),
            (Action::Scale(k), [Node::Number(x)]) => Node::Number(*x * T::from_f64(2_f64.powi(*k))),
            (Action::FanOut(uses), [Node::Number(x)]) => Node::Number((1..*uses).fold(*x, |sum, _| sum + *x)),
            (Action::Elements, [Node::Number(x)]) => Node::Number(x.to_var().item()),
            (Action::Elements, [Node::Array(x)]) => Node::Array(elements(*x)),
            (Action::Plus(c), [Node::Number(x)]) => Node::Number(*x + T::from_f64(*c)),
            (Action::Plus(c), [Node::Array(x)]) => Node::Array(*x + T::from_f64(*c)),
            _ => {
                let vars: Vec<Var<'t, T>> = x.iter().map(|x| x.var()).collect();
                let vars: Vec<&Var<'t, T>> = vars.iter().collect();
                self.action.apply(&vars, &self.shape).into()
            }
        }
    }
}

/// Taken apart into numbers and put together again.
#[track_caller]
fn elements<T: Element>(x: Var<'_, T>) -> Var<'_, T> {
    let (shape, mut numbers) = (x.shape(), Vec::new());
    let _ = Tensor::<f64>::from_fn(&shape, |at| {
        numbers.push(x.at(at));
        0.0
    });
    x.tape().vector(&numbers).reshape(&shape)
}

/// By the operators between a number and a tensor, where there are such.
#[track_caller]
fn number_first<'t, T: Element>(f: BinaryFn, a: Scalar<'t, T>, b: Var<'t, T>) -> Var<'t, T> {
    match f {
        BinaryFn::Add => a + b,
        BinaryFn::Sub => a - b,
        BinaryFn::Mul => a * b,
        BinaryFn::Div => a / b,
        _ => f.of(a.to_var(), b),
    }
}

#[track_caller]
fn number_second<'t, T: Element>(f: BinaryFn, a: Var<'t, T>, b: Scalar<'t, T>) -> Var<'t, T> {
    match f {
        BinaryFn::Add => a + b,
        BinaryFn::Sub => a - b,
        BinaryFn::Mul => a * b,
        BinaryFn::Div => a / b,
        _ => f.of(a, b.to_var()),
    }
}
