//! Graphs on a tape: values of rank 0 as scalars, others as tensors.

use super::functions::BinaryFn;
use super::program::{Action, Program, Step};
use tape::{Element, Scalar, Tape, Tensor, Var};

/// A value of a recorded graph: a scalar if its rank is 0.
#[derive(Clone, Copy, Debug)]
pub enum Node<'t, T: Element = f64> {
    /// A scalar.
    Scalar(Scalar<'t, T>),
    /// A tensor of rank 1 or more.
    Tensor(Var<'t, T>),
}

impl<'t, T: Element> From<Var<'t, T>> for Node<'t, T> {
    #[track_caller]
    fn from(x: Var<'t, T>) -> Node<'t, T> {
        if x.shape().rank() == 0 { Node::Scalar(x.item()) } else { Node::Tensor(x) }
    }
}

impl<'t, T: Element> Node<'t, T> {
    /// Returns the value as a tensor.
    pub fn value(self) -> Tensor<T> {
        match self {
            Node::Scalar(x) => Tensor::scalar(x.value()),
            Node::Tensor(x) => x.value(),
        }
    }

    /// Returns the value as a variable.
    #[track_caller]
    pub fn var(self) -> Var<'t, T> {
        match self {
            Node::Scalar(x) => x.to_var(),
            Node::Tensor(x) => x,
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
    /// Records the graph on a tape, at the values it was drawn with.
    pub fn record<'t, T: Element>(&self, tape: &'t Tape<T>) -> Recorded<'t, T> {
        let leaves: Vec<Var<'t, T>> = self.leaves.iter().map(|x| tape.var(x.cast::<T>())).collect();
        self.record_with(&leaves, |_, _| None)
    }

    /// Records the graph on the given leaves. `substitute` may replace any step: by an operation under test,
    /// or by a deliberately wrong derivative.
    ///
    /// # Panics
    /// If the shapes of the leaves are not those of the graph.
    #[track_caller]
    pub fn record_with<'t, T: Element>(
        &self,
        leaves: &[Var<'t, T>],
        substitute: impl Fn(&Step, &[Node<'t, T>]) -> Option<Node<'t, T>>,
    ) -> Recorded<'t, T> {
        let mut nodes: Vec<Node<'t, T>> = Vec::with_capacity(self.steps.len());
        for (at, step) in self.steps.iter().enumerate() {
            if step.action == Action::Leaf {
                nodes.push(leaves[at].into());
                continue;
            }
            let x: Vec<Node<'t, T>> = step.operands.iter().map(|&k| nodes[k]).collect();
            nodes.push(substitute(step, &x).unwrap_or_else(|| step.record(&x)));
        }
        let output = nodes[self.output];
        let loss = match output {
            Node::Scalar(y) => y * self.cotangent.cast::<T>().item(),
            Node::Tensor(y) => (y * &self.cotangent.cast::<T>()).sum(),
        };
        Recorded { leaves: leaves.to_vec(), nodes, output, loss }
    }
}

impl Step {
    /// Records the step: as a function of scalars if all operands are scalars.
    #[track_caller]
    pub fn record<'t, T: Element>(&self, x: &[Node<'t, T>]) -> Node<'t, T> {
        match (&self.action, x) {
            (Action::Unary(f), [Node::Scalar(x)]) => Node::Scalar(f.of(*x)),
            (Action::Binary(f), [Node::Scalar(a), Node::Scalar(b)]) => Node::Scalar(f.of(*a, *b)),
            (Action::Binary(f), [Node::Scalar(a), Node::Tensor(b)]) => Node::Tensor(scalar_first(*f, *a, *b)),
            (Action::Binary(f), [Node::Tensor(a), Node::Scalar(b)]) => {
                Node::Tensor(scalar_second(*f, *a, *b))
            }
            (Action::Times(c), [Node::Scalar(x)]) => Node::Scalar(*x * T::from_f64(*c)),
            (Action::Times(c), [Node::Tensor(x)]) => Node::Tensor(*x * T::from_f64(*c)),
            (Action::Scale(k), [Node::Scalar(x)]) => Node::Scalar(*x * T::from_f64(2_f64.powi(*k))),
            (Action::FanOut(uses), [Node::Scalar(x)]) => Node::Scalar((1..*uses).fold(*x, |sum, _| sum + *x)),
            (Action::Elements, [Node::Scalar(x)]) => Node::Scalar(x.to_var().item()),
            (Action::Elements, [Node::Tensor(x)]) => Node::Tensor(elements(*x)),
            (Action::Plus(c), [Node::Scalar(x)]) => Node::Scalar(*x + T::from_f64(*c)),
            (Action::Plus(c), [Node::Tensor(x)]) => Node::Tensor(*x + T::from_f64(*c)),
            _ => {
                let vars: Vec<Var<'t, T>> = x.iter().map(|x| x.var()).collect();
                let vars: Vec<&Var<'t, T>> = vars.iter().collect();
                self.action.apply(&vars, &self.shape).into()
            }
        }
    }
}

/// Splits a tensor into scalars and puts it together again.
#[track_caller]
fn elements<T: Element>(x: Var<'_, T>) -> Var<'_, T> {
    let (shape, mut numbers) = (x.shape(), Vec::new());
    let _ = Tensor::<f64>::from_fn(&shape, |at| {
        numbers.push(x.at(at));
        0.0
    });
    x.tape().vector(&numbers).reshape(&shape)
}

/// Applies the operator between a scalar and a tensor, if there is one.
#[track_caller]
fn scalar_first<'t, T: Element>(f: BinaryFn, a: Scalar<'t, T>, b: Var<'t, T>) -> Var<'t, T> {
    match f {
        BinaryFn::Add => a + b,
        BinaryFn::Sub => a - b,
        BinaryFn::Mul => a * b,
        BinaryFn::Div => a / b,
        _ => f.of(a.to_var(), b),
    }
}

#[track_caller]
fn scalar_second<'t, T: Element>(f: BinaryFn, a: Var<'t, T>, b: Scalar<'t, T>) -> Var<'t, T> {
    match f {
        BinaryFn::Add => a + b,
        BinaryFn::Sub => a - b,
        BinaryFn::Mul => a * b,
        BinaryFn::Div => a / b,
        _ => f.of(a, b.to_var()),
    }
}
