//! The recorded graph as data, and its pictures.
//!
//! [`Tape::view`] copies the recording into a list that outlives the tape: for looking at a small program,
//! for drawing it ([`GraphView::to_svg`], [`GraphView::to_dot`]) and for other programs
//! ([`GraphView::to_json`]). [`Scalar::view`] adds the steps of the reverse sweep, which [`GraphView::explain`] prints and
//! [`GraphView::html`] shows one by one. Nothing is changed here.

mod explain;
mod html;
mod json;
mod layout;
mod memory;
mod svg;
mod text;
mod words;

pub use memory::Memory;
pub use svg::{NodeStyle, StyleLegend};

use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::sweep::steps::{Sweep, SweepStep};
use crate::tape::{CONSTANT, NodeId, Scalar, Tape, TapeRef, Var};
use crate::tensor::Tensor;
use std::panic::Location;

/// An operand of a recorded operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GraphInput {
    /// A recorded node, by its index.
    Node(usize),
    /// A constant of rank 0, which takes no node on the tape.
    Number(f64),
}

/// One recorded node.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNode<T: Element = f64> {
    /// Its index on the tape: nodes are numbered from 1 in recording order.
    pub index: usize,
    /// The operation: `leaf` is a value to differentiate with respect to, `constant` is not differentiated.
    pub op: &'static str,
    /// The operands. A constant of rank 0 in a tensor operation is a parameter of the operation and is not
    /// listed here.
    pub inputs: Vec<GraphInput>,
    /// The extents of the axes; empty for a scalar.
    pub shape: Shape,
    /// The value.
    pub value: Tensor<T>,
    /// Whether it depends on a leaf, so that gradients flow through it.
    pub tracked: bool,
    /// The name it was given with [`Var::named`] or [`Scalar::named`].
    pub name: Option<String>,
    /// Where it was created, on a tape with locations.
    pub site: Option<&'static Location<'static>>,
}

impl<T: Element> GraphNode<T> {
    /// The indices of the nodes it was computed from.
    pub fn parents(&self) -> impl Iterator<Item = usize> + '_ {
        self.inputs.iter().filter_map(|input| match input {
            GraphInput::Node(index) => Some(*index),
            GraphInput::Number(_) => None,
        })
    }

    /// The name, or the index if there is none.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("#{}", self.index))
    }
}

/// A recording as data, node by node in recording order.
///
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(3.0).named("x");
/// let y = (2.0 * x).sin().named("y");
/// let view = tape.view();
/// let ops: Vec<&str> = view.nodes().iter().map(|node| node.op).collect();
/// assert_eq!(ops, ["leaf", "mul", "sin"]);
/// assert_eq!(view.named("y").unwrap().value.item(), y.value());
/// assert!(view.to_dot().starts_with("digraph"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GraphView<T: Element = f64> {
    nodes: Vec<GraphNode<T>>,
    sweep: Option<Reverse<T>>,
}

/// A reverse sweep over a recording.
#[derive(Clone, Debug, PartialEq)]
struct Reverse<T: Element> {
    root: usize,
    seed: Tensor<T>,
    steps: Vec<SweepStep<T>>,
}

impl<T: Element> GraphView<T> {
    /// The nodes in recording order.
    pub fn nodes(&self) -> &[GraphNode<T>] {
        &self.nodes
    }

    /// The steps of the reverse sweep, for a view of one result ([`Scalar::view`]); there are none in a view of a whole tape.
    pub fn steps(&self) -> &[SweepStep<T>] {
        self.sweep.as_ref().map_or(&[], |sweep| &sweep.steps)
    }

    /// The gradient of the result with respect to the node `index`, in a view of one result: zeros if it received
    /// nothing. `None` for a node that is not in the view, is not differentiated, or if there is no sweep.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(3.0).named("x");
    /// let view = (x * x).view();
    /// assert_eq!(view.gradient(view.named("x").unwrap().index).unwrap().item(), 6.0);
    /// ```
    pub fn gradient(&self, index: usize) -> Option<Tensor<T>> {
        let (sweep, node) = (self.sweep.as_ref()?, self.node(index).filter(|node| node.tracked)?);
        if index == sweep.root {
            return Some(sweep.seed.clone());
        }
        let last = sweep.steps.iter().rev().find(|step| step.input == index);
        Some(last.map_or_else(|| Tensor::zeros(node.shape.clone()), |step| step.sum.clone()))
    }

    /// The node with this index.
    pub fn node(&self, index: usize) -> Option<&GraphNode<T>> {
        let position = self.nodes.binary_search_by_key(&index, |node| node.index).ok()?;
        self.nodes.get(position)
    }

    /// The first node with this name.
    pub fn named(&self, name: &str) -> Option<&GraphNode<T>> {
        self.nodes.iter().find(|node| node.name.as_deref() == Some(name))
    }

    /// The subgraph that the node `index` was computed from, including the node; nodes keep their indices. Without the steps of
    /// a sweep.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(3.0).named("x");
    /// let _aside = x.exp();
    /// let _y = x.sin().named("y");
    /// let view = tape.view();
    /// let part = view.ancestors(view.named("y").unwrap().index);
    /// assert_eq!(part.nodes().iter().map(|node| node.op).collect::<Vec<_>>(), ["leaf", "sin"]);
    /// ```
    pub fn ancestors(&self, index: usize) -> GraphView<T> {
        let Some(end) = self.nodes.iter().position(|node| node.index == index) else {
            return GraphView { nodes: Vec::new(), sweep: None };
        };
        // Parents come before their children, so one pass backwards reaches everything.
        let mut wanted = std::collections::HashSet::from([index]);
        let mut nodes: Vec<GraphNode<T>> = Vec::new();
        for node in self.nodes[..=end].iter().rev() {
            if wanted.contains(&node.index) {
                wanted.extend(node.parents());
                nodes.push(node.clone());
            }
        }
        nodes.reverse();
        GraphView { nodes, sweep: None }
    }

    /// For each node the positions of its parents in [`nodes`](GraphView::nodes).
    fn parents(&self) -> Vec<Vec<usize>> {
        let position = |index: usize| self.nodes.binary_search_by_key(&index, |node| node.index).ok();
        self.nodes.iter().map(|node| node.parents().filter_map(position).collect()).collect()
    }
}

impl<T: Element> Tape<T> {
    /// The recorded graph as data; see [`GraphView`].
    pub fn view(&self) -> GraphView<T> {
        let count = self.nodes.len();
        self.replay(count);
        let graph = self.graph();
        GraphView { nodes: (1..count).map(|i| node(&graph, i as NodeId)).collect(), sweep: None }
    }

    /// The part of the recording behind a sweep, with its steps.
    fn view_of(&self, sweep: Sweep<T>) -> GraphView<T> {
        let mut view = self.view().ancestors(sweep.root());
        let (root, seed) = (sweep.root(), sweep.seed().clone());
        view.sweep = Some(Reverse { root, seed, steps: sweep.into_iter().collect() });
        view
    }

    fn name_node(&self, index: NodeId, name: String) {
        // A constant of rank 0 is not a node, so there is nothing to name.
        if index != CONSTANT {
            self.records_mut().names.insert(index, name);
        }
    }
}

impl<'t, T: Element> Scalar<'t, T> {
    /// The same scalar, with a name in views of the graph. A constant has no node and remains unnamed.
    pub fn named(self, name: impl Into<String>) -> Scalar<'t, T> {
        self.tape.name_node(self.index, name.into());
        self
    }

    /// The recording behind this scalar, with the steps of its reverse sweep: see [`GraphView::html`] and
    /// [`GraphView::explain`].
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let (x, _aside) = (tape.scalar(3.0).named("x"), tape.scalar(1.0));
    /// let view = (x * x).view();
    /// assert_eq!((view.nodes().len(), view.steps().len()), (2, 2));
    /// ```
    ///
    /// # Panics
    /// As [`try_view`](Scalar::try_view).
    #[track_caller]
    pub fn view(self) -> GraphView<T> {
        error::expect(self.try_view())
    }

    /// As [`view`](Scalar::view), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`try_backward`](Scalar::try_backward).
    #[track_caller]
    pub fn try_view(self) -> Result<GraphView<T>, Error> {
        Ok(self.tape.view_of(self.try_sweep()?))
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// The recording behind this tensor, with the steps of the reverse sweep of `Σ ct · self`: see [`Scalar::view`].
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0]).named("x");
    /// let view = x.square().view([1.0, 1.0]);
    /// assert_eq!(view.gradient(view.named("x").unwrap().index), Some(Tensor::from([2.0, 4.0])));
    /// ```
    ///
    /// # Panics
    /// As [`try_view`](Var::try_view).
    #[track_caller]
    pub fn view(self, ct: impl Into<Tensor<T>>) -> GraphView<T> {
        error::expect(self.try_view(ct))
    }

    /// As [`view`](Var::view), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`try_vjp`](Var::try_vjp).
    #[track_caller]
    pub fn try_view(self, ct: impl Into<Tensor<T>>) -> Result<GraphView<T>, Error> {
        Ok(self.tape.view_of(self.try_sweep(ct)?))
    }

    /// The same tensor, with a name in views of the graph.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let w = tape.var([[1.0, 2.0]]).named("W");
    /// let _t = w.transpose().named("T");
    /// let view = tape.view();
    /// assert_eq!(view.named("T").unwrap().shape, [2, 1]);
    /// assert_eq!(view.named("W").unwrap().op, "leaf");
    /// ```
    pub fn named(self, name: impl Into<String>) -> Var<'t, T> {
        self.tape.name_node(self.index, name.into());
        self
    }
}

/// The node `index`, whose value has been computed.
fn node<T: Element>(graph: &TapeRef<T>, index: NodeId) -> GraphNode<T> {
    let (inputs, value) = match graph.slot(index) {
        Some(slot) => {
            let inputs = graph.inputs(slot).iter().filter(|x| x.node != CONSTANT);
            (inputs.map(|x| GraphInput::Node(x.node as usize)).collect(), graph.tensors[slot].value.clone())
        }
        None => (scalar_operands(graph, index), Tensor::scalar(graph.value(index))),
    };
    GraphNode {
        index: index as usize,
        op: graph.name(index),
        inputs,
        shape: value.shape().clone(),
        value,
        tracked: graph.tracked(index),
        name: graph.names.get(&index).cloned(),
        site: graph.site(index),
    }
}

/// The operands of a recorded scalar.
fn scalar_operands<T: Element>(graph: &TapeRef<T>, index: NodeId) -> Vec<GraphInput> {
    let node = graph.nodes.get(index as usize);
    let Some(function) = node.function() else { return Vec::new() };
    let arity = graph.functions.get(function).arity();
    let input = |k: usize| match node.parent[k] {
        // A constant operand's value is stored in position of its partial derivative.
        CONSTANT => GraphInput::Number(node.partial[k].to_f64()),
        parent => GraphInput::Node(parent as usize),
    };
    let addend = node.addend(index).map(|addend| GraphInput::Node(addend as usize));
    (0..arity).map(input).chain(addend).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_keep_their_constants_and_values() {
        let tape = Tape::new();
        let x = tape.scalar(3.0).named("x");
        let _ = (2.0 - x) * x;
        let view = tape.view();
        let [_, difference, product] = view.nodes() else { panic!("three nodes") };
        assert_eq!(difference.inputs, [GraphInput::Number(2.0), GraphInput::Node(1)]);
        assert_eq!(product.inputs, [GraphInput::Node(2), GraphInput::Node(1)]);
        assert_eq!((difference.value.item(), product.value.item()), (-1.0, -3.0));
        assert_eq!(product.parents().collect::<Vec<_>>(), [2, 1]);
        assert_eq!((product.label(), view.nodes()[0].label()), ("#3".to_owned(), "x".to_owned()));
        assert!(view.nodes().iter().all(|node| node.tracked && node.shape.rank() == 0));
    }

    #[test]
    fn tensors_constants_and_untracked_results_are_distinguished() {
        let tape = Tape::new();
        let w = tape.var([[1.0, 2.0]]).named("W");
        let x = tape.constant([[3.0], [4.0]]).named("x");
        let _ = x.transpose();
        let _ = w.matmul(x).sum();
        let view = tape.view();
        let ops: Vec<(&str, bool)> = view.nodes().iter().map(|node| (node.op, node.tracked)).collect();
        let expected =
            [("leaf", true), ("constant", false), ("constant", false), ("matmul", true), ("sum", true)];
        assert_eq!(ops, expected);
        assert_eq!(view.node(4).unwrap().inputs, [GraphInput::Node(1), GraphInput::Node(2)]);
        assert_eq!(view.node(5).unwrap().value.item(), 11.0);
        assert_eq!((view.node(0), view.node(6)), (None, None));
        assert_eq!(view.ancestors(5).nodes().len(), 4);
        assert!(view.ancestors(9).nodes().is_empty());
    }

    #[test]
    fn a_reset_forgets_names() {
        let mut tape = Tape::new();
        let _ = tape.scalar(1.0).named("x");
        tape.reset();
        let _ = tape.scalar(2.0);
        assert_eq!(tape.view().named("x"), None);
        let _ = tape.scalar_constant(2.0).named("nothing to name");
        assert_eq!(tape.view().nodes().len(), 1);
    }
}
