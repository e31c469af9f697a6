//! Finds where a computation became infinite or NaN.

use crate::rules::algebra::Element;
use crate::sweep::observe::Observer;
use crate::sweep::reverse;
use crate::tape::{CONSTANT, GradientBuffers, NodeId, Scalar, Tape, TapeRef};
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::fmt;
use std::panic::Location;

/// A node whose value or derivative is NaN or infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// The index of the node on its tape.
    pub node: usize,
    /// The operation that produced it.
    pub op: &'static str,
    /// Its [name](crate::Var::named), if it has one.
    pub name: Option<String>,
    /// The indices of its operands.
    pub inputs: Vec<usize>,
    /// The operands: by name, or as `#3`.
    pub labels: Vec<String>,
    /// The operand that the derivative belongs to, if this is a derivative.
    pub operand: Option<usize>,
    /// The value, cotangent or slope that is not finite.
    pub value: f64,
    /// Where the node was created, on a tape with locations.
    pub site: Option<&'static Location<'static>>,
}

/// The result of [`Tape::find_nonfinite`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NonFinite {
    /// The first node, in recording order, whose value is not finite.
    pub forward: Option<Anomaly>,
    /// The first step of the reverse sweep that contributes something not finite.
    pub backward: Option<Anomaly>,
    /// Every non-finite slope that an exactly zero cotangent absorbed, and every slope 0 / 0 that is [0 by
    /// convention](crate::Op::undefined), as that of the norm of zeros (as NaN). Harmless in a branch that was not taken; a
    /// surprise in a product like `sqrt(x)²` at 0, whose derivative 1 is lost.
    pub absorbed: Vec<Anomaly>,
}

impl NonFinite {
    /// Returns `true` if everything is finite and nothing was absorbed.
    pub fn is_clean(&self) -> bool {
        *self == NonFinite::default()
    }
}

impl<T: Element> Tape<T> {
    /// Finds the first value that is not finite, and the first non-finite derivative in a reverse sweep from
    /// the scalar recorded last.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new().with_locations();
    /// let x = tape.scalar(0.0);
    /// let y = x.sqrt() * 3.0;
    /// let report = tape.find_nonfinite();
    /// assert_eq!(report.forward, None);
    /// let found = report.backward.unwrap();
    /// assert_eq!((found.op, found.value), ("sqrt", f64::INFINITY));
    /// assert!(found.site.unwrap().file().ends_with(".rs"));
    /// # let _ = y;
    /// ```
    pub fn find_nonfinite(&self) -> NonFinite {
        let graph = self.graph();
        let number = |&i: &usize| match graph.slot(i as NodeId) {
            Some(slot) => graph.tensors[slot].tracked && graph.tensors[slot].value.rank() == 0,
            None => true,
        };
        let root = (1..graph.nodes.len()).rev().find(number).unwrap_or(0);
        drop(graph);
        find(self, root as NodeId)
    }
}

impl<T: Element> Scalar<'_, T> {
    /// As [`Tape::find_nonfinite`], for a reverse sweep from this scalar.
    pub fn find_nonfinite(self) -> NonFinite {
        find(self.tape, self.index)
    }
}

fn find<T: Element>(tape: &Tape<T>, root: NodeId) -> NonFinite {
    tape.replay(tape.nodes.len());
    let graph = tape.graph();
    let found = NonFinite { forward: forward(&graph), ..NonFinite::default() };
    let mut watch = Watch { found, graph: &graph, behind: behind(&graph, root) };
    if root != CONSTANT {
        // Of every node: a slope that is not finite is listed even if a cotangent of zero hides it. A sweep that stops early has
        // still reported what it visited.
        let _stopped = reverse(&graph, root, None, true, &mut GradientBuffers::default(), &mut watch);
    }
    watch.found
}

/// The first node whose value is not finite.
fn forward<T: Element>(graph: &TapeRef<T>) -> Option<Anomaly> {
    (1..graph.nodes.len() as NodeId).find_map(|i| {
        let value = match graph.slot(i) {
            Some(slot) => nonfinite(&graph.tensors[slot].value),
            None => Some(graph.value(i)).filter(|value| !value.is_finite()),
        };
        value.map(|value| anomaly(graph, i, None, value))
    })
}

/// The operands of a node, without constants of rank 0.
fn operands<T: Element>(graph: &TapeRef<T>, node: NodeId) -> SmallVec<[NodeId; 4]> {
    let operands: SmallVec<[NodeId; 4]> = match graph.slot(node) {
        Some(slot) => graph.inputs(slot).iter().map(|x| x.node).collect(),
        None => graph.nodes.get(node as usize).operands(node).collect(),
    };
    operands.into_iter().filter(|&i| i != CONSTANT).collect()
}

/// The nodes that `root` depends on, marked: a sweep also visits scalars that it does not, with cotangent 0.
fn behind<T: Element>(graph: &TapeRef<T>, root: NodeId) -> Vec<bool> {
    let mut behind = vec![false; root as usize + 1];
    behind[root as usize] = true;
    for node in (1..=root).rev().filter(|_| root != CONSTANT) {
        if behind[node as usize] {
            operands(graph, node).into_iter().for_each(|i| behind[i as usize] = true);
        }
    }
    behind
}

/// The first element that is not finite.
fn nonfinite<T: Element>(x: &Tensor<T>) -> Option<T> {
    x.to_vec().into_iter().find(|value| !value.is_finite())
}

fn anomaly<T: Element>(graph: &TapeRef<T>, node: NodeId, operand: Option<usize>, value: T) -> Anomaly {
    let inputs = operands(graph, node);
    let label = |i: NodeId| graph.names.get(&i).cloned().unwrap_or_else(|| format!("#{i}"));
    Anomaly {
        node: node as usize,
        op: graph.name(node),
        name: graph.names.get(&node).cloned(),
        labels: inputs.iter().map(|&i| label(i)).collect(),
        inputs: inputs.iter().map(|&i| i as usize).collect(),
        operand,
        value: value.to_f64(),
        site: graph.site(node),
    }
}

/// Inspects every contribution of a sweep.
struct Watch<'g, T: Element> {
    found: NonFinite,
    graph: &'g TapeRef<'g, T>,
    /// Which nodes the root of the sweep depends on.
    behind: Vec<bool>,
}

impl<T: Element> Watch<'_, T> {
    fn first(&mut self, node: NodeId, k: usize, value: T) {
        if self.found.backward.is_none() {
            self.found.backward = Some(anomaly(self.graph, node, Some(k), value));
        }
    }
}

impl<T: Element> Observer<T> for Watch<'_, T> {
    fn adds_pieces(&self, _op: &'static str) -> bool {
        false
    }

    fn scalar(&mut self, node: NodeId, k: usize, parent: NodeId, ct: T, slope: T) -> T {
        if parent == CONSTANT || !self.behind[node as usize] {
            return slope;
        }
        let recorded = self.graph.nodes.get(node as usize);
        let undefined = recorded.function().is_some_and(|function| {
            let [a, b] = self.graph.parents(&recorded);
            self.graph.functions.get(function).undefined(a, b)
        });
        if undefined {
            self.found.absorbed.push(anomaly(self.graph, node, Some(k), T::NAN));
        }
        if ct == T::ZERO {
            if !slope.is_finite() {
                self.found.absorbed.push(anomaly(self.graph, node, Some(k), slope));
            }
        } else if !(ct * slope).is_finite() {
            self.first(node, k, ct * slope);
        }
        slope
    }

    /// A cotangent of 1 in place of 0 reveals the slopes that were absorbed.
    fn tensor(&mut self, graph: &TapeRef<T>, node: NodeId, dy: &Tensor<T>) {
        let Some(slot) = graph.slot(node) else { return };
        let Some(op) = graph.op(slot) else { return };
        let inputs = graph.inputs(slot);
        let x = graph.values(inputs);
        let want: SmallVec<[bool; 4]> = inputs.iter().map(|&x| graph.depends(x)).collect();
        if op.undefined(&x, &graph.tensors[slot].value) {
            let wanted = (0..want.len()).filter(|&k| want[k]);
            self.found.absorbed.extend(wanted.map(|k| anomaly(graph, node, Some(k), T::NAN)));
        }
        if !op.elementwise() {
            return;
        }
        let silent = dy.map_elements(|ct| if ct == T::ZERO { T::ONE } else { T::ZERO });
        let mut absorbed = |k: usize, slope: Tensor<T>| {
            let found = nonfinite(&slope).map(|value| anomaly(graph, node, Some(k), value));
            self.found.absorbed.extend(found);
            Ok(())
        };
        // Where there is no derivative, the sweep itself reports the error.
        let _missing = op.pull(&x, &graph.tensors[slot].value, silent, &want, &mut absorbed);
    }

    fn contribution(&mut self, node: NodeId, k: usize, _input: NodeId, ct: Tensor<T>) -> Tensor<T> {
        if let Some(value) = nonfinite(&ct) {
            self.first(node, k, value);
        }
        ct
    }
}

/// One line, as in an error message.
impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.op)?;
        match &self.name {
            Some(name) => write!(f, " `{name}`")?,
            None => write!(f, " #{}", self.node)?,
        }
        if !self.labels.is_empty() {
            write!(f, " of {}", self.labels.join(", "))?;
        }
        match self.operand {
            Some(k) => write!(f, ": derivative with respect to operand {k} is {}", self.value)?,
            None => write!(f, ": value is {}", self.value)?,
        }
        match self.site {
            Some(site) => write!(f, ", created at {site}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return write!(f, "everything is finite");
        }
        let parts = self.forward.iter().map(|a| ("forward", a));
        let parts = parts.chain(self.backward.iter().map(|a| ("backward", a)));
        for (i, (what, anomaly)) in parts.chain(self.absorbed.iter().map(|a| ("absorbed", a))).enumerate() {
            write!(f, "{}{what}: {anomaly}", if i > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}
