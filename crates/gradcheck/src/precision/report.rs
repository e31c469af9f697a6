//! The result of a comparison.

use super::hints::{all, digits, hint, rounds_badly};
use super::nodes::{Node, Recording, largest, nodes};
use crate::DoubleDouble;
use std::fmt;
use tape::{Element, GraphNode, GraphView, Shape, Tensor};

/// The digits of the gradient of one input.
#[derive(Clone, Debug, PartialEq)]
pub struct Digits {
    /// The input.
    pub input: String,
    /// Its shape.
    pub shape: Shape,
    /// The number of correct decimal digits of each entry, in row-major order; at most 15.7, those of `f64`, or 6.9 in
    /// `f32`.
    pub entries: Vec<f64>,
    /// The fewest.
    pub least: f64,
    /// The median.
    pub median: f64,
    /// The position of the entry with the fewest.
    pub worst: usize,
}

/// A node and its part in the error of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeError {
    /// Its index on the tape.
    pub index: usize,
    /// Its operation.
    pub op: &'static str,
    /// Its name, or its index as `#3`.
    pub label: String,
    /// `true` if it is a node of the derivative, not of the function.
    pub derivative: bool,
    /// The rounding made here, in units in the last place of the largest entry.
    pub units: f64,
    /// By how much it magnifies relative errors of its operands, estimated with random signs.
    pub condition: f64,
    /// The part of the error of the entry that its rounding is to blame for: 1 is the whole error.
    pub share: f64,
}

/// Where the digits of an entry are lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The input and the position of the entry.
    pub entry: (String, usize),
    /// The value in the number type of the comparison, and the exact one.
    pub values: (f64, DoubleDouble),
    /// The node whose rounding costs most.
    pub rounded_by: NodeError,
    /// The node that magnifies it most, if the condition of one is large: of the function, or if the error passes none there, of
    /// its derivative.
    pub magnified_by: Option<NodeError>,
    /// The usual way to keep the digits, if there is one.
    pub hint: Option<String>,
}

/// A node that the entry with the fewest digits depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeDigits {
    /// Its index on the tape.
    pub index: usize,
    /// The number of correct decimal digits of its value, relative to the largest entry.
    pub digits: f64,
    /// `true` if it is a node of the derivative, not of the function.
    pub derivative: bool,
    /// Its part in the error of the entry; known if that [has lost digits](PrecisionReport::loss).
    pub error: Option<NodeError>,
}

/// The digits of a gradient, and where they are lost.
#[derive(Clone, Debug)]
pub struct PrecisionReport {
    digits: Vec<Digits>,
    loss: Option<Loss>,
    nodes: Vec<NodeDigits>,
    graph: GraphView<DoubleDouble>,
    /// The digits of the number type.
    pub(super) all: f64,
}

/// A gradient that has lost fewer digits has lost none to speak of: of the 15.65 of `f64` it keeps 12, of the 6.92 of `f32` 3.3.
const LOST: f64 = 3.65;

/// A condition that costs two digits.
const LARGE: f64 = 100.0;

impl PrecisionReport {
    /// The digits of the gradient of each input.
    pub fn digits(&self) -> &[Digits] {
        &self.digits
    }

    /// Where digits are lost, in the entry with the fewest; `None` if all entries have at least 12 (in `f32`, 3.3).
    pub fn loss(&self) -> Option<&Loss> {
        self.loss.as_ref()
    }

    /// The nodes of the function and its derivative that the entry with the fewest digits depends on, in recording order.
    pub fn nodes(&self) -> &[NodeDigits] {
        &self.nodes
    }

    /// The recording of these nodes with exact values.
    pub fn graph(&self) -> &GraphView<DoubleDouble> {
        &self.graph
    }
}

/// The name of the node that is the gradient of an input.
pub(super) fn gradient_name(input: &str) -> String {
    format!("d/d{input}")
}

#[track_caller]
pub(super) fn compare<T: Element>(
    found: &Recording<'_, T>,
    exact: &Recording<'_, DoubleDouble>,
    names: &[&str],
) -> PrecisionReport {
    let views = (found.tape.view(), exact.tape.view());
    let ops = |(a, b): (&GraphView<T>, &GraphView<DoubleDouble>)| {
        let same = a.nodes().iter().zip(b.nodes()).all(|(a, b)| a.op == b.op && a.shape == b.shape);
        same && a.nodes().len() == b.nodes().len()
    };
    assert!(ops((&views.0, &views.1)), "precision: expected one recording in both number types, found two");
    let pairs = found.gradients.iter().zip(&exact.gradients).zip(names);
    let digits: Vec<Digits> = pairs
        .map(|((found, exact), name)| counted::<T>(name, &found.value(), &exact.value().to_vec()))
        .collect();
    let fewest = |a: &usize, b: &usize| digits[*a].least.total_cmp(&digits[*b].least);
    let worst = (0..digits.len()).min_by(fewest);
    // Two inputs may have one node as their gradient, which has one name.
    let end = worst.and_then(|k| views.1.named(&gradient_name(names[k])));
    let graph = end.map_or_else(|| views.1.clone(), |node| views.1.ancestors(node.index));
    let kept =
        |node: &GraphNode<DoubleDouble>| Some(digits_of(views.0.node(node.index)?, node, exact.function));
    let mut kept: Vec<NodeDigits> = graph.nodes().iter().filter_map(kept).collect();
    let loss = worst.filter(|&k| digits[k].least < all::<T>() - LOST).and_then(|k| {
        let at = digits[k].worst;
        let values =
            (found.gradients[k].value().to_vec()[at].to_f64(), exact.gradients[k].value().to_vec()[at]);
        let all = nodes(exact, (&views.0, &views.1), k, at);
        let named = |node: &Node| named(node, &views.1, exact.function, error(values));
        for node in &mut kept {
            node.error = all.iter().find(|other| other.index == node.index).and_then(named);
        }
        lost(&all, &views.1, exact.function, (names[k].to_string(), at), values)
    });
    PrecisionReport { digits, loss, nodes: kept, graph, all: all::<T>() }
}

/// The digits of the value of a node.
fn digits_of<T: Element>(
    found: &GraphNode<T>,
    exact: &GraphNode<DoubleDouble>,
    function: usize,
) -> NodeDigits {
    let error = largest(&(&found.value.cast() - &exact.value));
    NodeDigits {
        index: exact.index,
        digits: digits::<T>(error, largest(&exact.value)),
        derivative: exact.index > function,
        error: None,
    }
}

/// The digits of each entry. An exact zero has those of its neighbours: its error is relative to the largest entry.
fn counted<T: Element>(name: &str, found: &Tensor<T>, exact: &[DoubleDouble]) -> Digits {
    let largest = exact.iter().fold(0.0, |most, x| f64::max(most, x.hi().abs()));
    let zero = largest * f64::EPSILON * f64::EPSILON;
    let entries: Vec<f64> = found
        .to_vec()
        .into_iter()
        .zip(exact)
        .map(|(found, &exact)| {
            let (error, size) = ((DoubleDouble::from(found.to_f64()) - exact).hi().abs(), exact.hi().abs());
            digits::<T>(error, if size > zero { size } else { largest })
        })
        .collect();
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|&a, &b| entries[a].total_cmp(&entries[b]));
    let at = |place: usize| order.get(place).map_or(0.0, |&at| entries[at]);
    let (least, median) =
        if entries.is_empty() { (f64::INFINITY, f64::INFINITY) } else { (at(0), at(order.len() / 2)) };
    let worst = order.first().copied().unwrap_or(0);
    Digits { input: name.to_string(), shape: found.shape().clone(), entries, least, median, worst }
}

/// The error of an entry.
fn error(values: (f64, DoubleDouble)) -> f64 {
    (DoubleDouble::from(values.0) - values.1).hi().abs()
}

/// A node with its operation and its label.
fn named(node: &Node, view: &GraphView<DoubleDouble>, function: usize, error: f64) -> Option<NodeError> {
    let recorded = view.node(node.index)?;
    Some(NodeError {
        index: node.index,
        op: recorded.op,
        label: recorded.label(),
        derivative: node.index > function,
        units: node.units,
        condition: node.condition,
        share: node.share.abs() / error,
    })
}

/// The loss of an entry from what is known of the nodes.
fn lost(
    all: &[Node],
    view: &GraphView<DoubleDouble>,
    function: usize,
    entry: (String, usize),
    values: (f64, DoubleDouble),
) -> Option<Loss> {
    let error = error(values);
    let named = |node: &Node| named(node, view, function, error);
    let rounded = all.iter().max_by(|a, b| a.share.abs().total_cmp(&b.share.abs()))?;
    let ill = |node: &&Node| node.condition.is_finite() && node.condition >= LARGE;
    let steepest = |derivative: bool, passed: f64| {
        let part =
            all.iter().filter(|node| (node.index > function) == derivative && node.passed.abs() >= passed);
        part.filter(ill).max_by(|a, b| a.condition.total_cmp(&b.condition))
    };
    let magnified = steepest(false, 0.1 * error).or_else(|| steepest(true, 0.1 * error));
    // Where contributions to the gradient cancel, the function is a difference of close numbers: the hint is about that.
    let cause = steepest(false, 0.0).or(magnified);
    let rounded_by = named(rounded)?;
    let magnified_by = magnified.and_then(named);
    let hint = match &magnified_by {
        _ if rounded.rounds_badly() => Some(rounds_badly(rounded_by.op, rounded.units)),
        Some(_) => cause.and_then(|node| hint(view, node.index)).map(str::to_string),
        None => None,
    };
    Some(Loss { entry, values, rounded_by, magnified_by, hint })
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = if self.derivative { " of the derivative" } else { "" };
        write!(f, "`{}` {}{part}", self.op, self.label)
    }
}

impl fmt::Display for PrecisionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "correct digits of the gradient (least, median):")?;
        for digits in &self.digits {
            writeln!(f, "  {} {}: {:.1}, {:.1}", digits.input, digits.shape, digits.least, digits.median)?;
        }
        let Some(loss) = &self.loss else { return writeln!(f, "no entry has lost digits") };
        let (name, at) = &loss.entry;
        writeln!(f, "fewest at {name}, entry {at}: {:e}, exactly {}", loss.values.0, loss.values.1)?;
        let node = &loss.rounded_by;
        writeln!(
            f,
            "  rounded by {node}: {:.1} units, {:.0} % of the error",
            node.units,
            100.0 * node.share
        )?;
        if let Some(node) = &loss.magnified_by {
            writeln!(f, "  magnified by {node}: condition {:.1e}", node.condition)?;
        }
        match &loss.hint {
            Some(hint) => writeln!(f, "  hint: {hint}"),
            None => Ok(()),
        }
    }
}
