//! Broken sweeps over scalars, computed here a second time.

use crate::tape::{Graph, Step};
use std::collections::HashMap;

/// A mistake in a reverse sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// `=` in place of `+=`.
    Assign,
    /// Recursion in place of topological order.
    Recursion,
    /// The leaves still hold the gradients of the sweep before.
    Stale,
}

impl Fault {
    pub const ALL: [Fault; 3] = [Fault::Assign, Fault::Recursion, Fault::Stale];

    pub fn name(self) -> &'static str {
        match self {
            Fault::Assign => "assign",
            Fault::Recursion => "recursion",
            Fault::Stale => "stale",
        }
    }
}

/// The number of nodes that the page visits at most.
const MOST_VISITS: usize = 2000;

/// The gradients that a broken sweep leaves, and whether it was stopped because it visits too many nodes.
pub fn break_sweep(graph: &Graph, fault: Fault) -> (HashMap<usize, f64>, bool) {
    let mut sums = HashMap::from([(graph.root, graph.seed[0])]);
    if fault == Fault::Recursion {
        let mut visits = 0;
        visit(graph, graph.root, &mut sums, &mut visits);
        return (sums, visits > MOST_VISITS);
    }
    if fault == Fault::Stale {
        for node in graph.nodes.iter().filter(|node| node.op == "leaf") {
            sums.extend(graph.gradient(node.index, usize::MAX).map(|gradient| (node.index, gradient[0])));
        }
    }
    for step in &graph.steps {
        let contribution = contribution(step, &sums);
        let sum = sums.entry(step.input).or_insert(0.0);
        *sum = if fault == Fault::Assign { contribution } else { *sum + contribution };
    }
    (sums, false)
}

fn contribution(step: &Step, sums: &HashMap<usize, f64>) -> f64 {
    sums[&step.node] * step.slope.unwrap_or_else(|| panic!("node {} is not a scalar", step.node))
}

fn visit(graph: &Graph, node: usize, sums: &mut HashMap<usize, f64>, visits: &mut usize) {
    *visits += 1;
    if *visits > MOST_VISITS {
        return;
    }
    let mut operands = Vec::new();
    for step in graph.steps.iter().filter(|step| step.node == node) {
        let contribution = contribution(step, sums);
        *sums.entry(step.input).or_insert(0.0) += contribution;
        if !operands.contains(&step.input) {
            operands.push(step.input);
        }
    }
    operands.into_iter().for_each(|operand| visit(graph, operand, sums, visits));
}
