//! The numbers of a page as the tape wrote them.

use crate::Failure;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

pub struct Node {
    pub index: usize,
    pub op: String,
    pub scalar: bool,
    pub value: Vec<f64>,
}

pub struct Step {
    pub node: usize,
    pub input: usize,
    pub slope: Option<f64>,
    pub contribution: Vec<f64>,
    pub sum: Vec<f64>,
}

/// A recording with its reverse sweep.
pub struct Graph {
    pub root: usize,
    pub seed: Vec<f64>,
    pub nodes: Vec<Node>,
    pub steps: Vec<Step>,
}

/// A number, or a text for one that JSON does not have.
fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .or_else(|| value.as_str()?.parse().ok())
        .unwrap_or_else(|| panic!("{value} is not a number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("{value} is not a list")).iter().map(number).collect()
}

fn index(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("{value} is not an index")) as usize
}

/// Whether a text with four significant digits shows the number.
pub fn shows(text: &str, x: f64) -> bool {
    let shown = match text {
        "∞" => f64::INFINITY,
        "-∞" => f64::NEG_INFINITY,
        "NaN" => return x.is_nan(),
        text => text.parse().unwrap_or(f64::NAN),
    };
    // Half a unit of the fourth digit, which is at most this part of the number.
    shown == x || (shown - x).abs() <= 5.001e-4 * x.abs()
}

impl Graph {
    pub fn read(file: &Path) -> Result<Graph, Failure> {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let all: Value = serde_json::from_str(&text)?;
        assert_eq!(all["version"], 2);
        let node = |node: &Value| Node {
            index: index(&node["index"]),
            op: node["op"].as_str().unwrap_or_default().to_owned(),
            scalar: node["shape"].as_array().is_some_and(Vec::is_empty),
            value: numbers(&node["value"]),
        };
        let step = |step: &Value| Step {
            node: index(&step["node"]),
            input: index(&step["input"]),
            slope: (!step["slope"].is_null()).then(|| number(&step["slope"])),
            contribution: numbers(&step["contribution"]),
            sum: numbers(&step["sum"]),
        };
        Ok(Graph {
            root: index(&all["root"]),
            seed: numbers(&all["seed"]),
            nodes: all["nodes"].as_array().ok_or("no nodes")?.iter().map(node).collect(),
            steps: all["steps"].as_array().ok_or("no steps")?.iter().map(step).collect(),
        })
    }

    /// The last step of the page: values, the seed, contributions.
    pub fn total(&self) -> usize {
        self.nodes.len() + 1 + self.steps.len()
    }

    pub fn position(&self, node: usize) -> usize {
        self.nodes.iter().position(|other| other.index == node).unwrap_or_else(|| panic!("no node {node}"))
    }

    pub fn node(&self, node: usize) -> &Node {
        &self.nodes[self.position(node)]
    }

    /// The gradient of a node as far as it is known at a step of the page.
    pub fn gradient(&self, node: usize, at: usize) -> Option<&[f64]> {
        let arrived = at.checked_sub(self.nodes.len() + 1)?.min(self.steps.len());
        if node == self.root {
            return Some(&self.seed);
        }
        self.steps[..arrived].iter().rev().find(|step| step.input == node).map(|step| &step.sum[..])
    }

    /// The complete gradient of a node that contributes.
    pub fn finished(&self, node: usize) -> &[f64] {
        self.gradient(node, usize::MAX).unwrap_or_else(|| panic!("node {node} received nothing"))
    }

    /// The sum that step `k` adds to.
    pub fn before(&self, k: usize) -> Option<&[f64]> {
        self.steps[..k].iter().rev().find(|step| step.input == self.steps[k].input).map(|step| &step.sum[..])
    }

    pub fn contributions(&self, node: usize) -> Vec<&[f64]> {
        self.steps.iter().filter(|step| step.input == node).map(|step| &step.contribution[..]).collect()
    }

    /// The numbers that the text of a step may have, by their kind.
    pub fn text_at(&self, at: usize) -> HashMap<&'static str, &[f64]> {
        let n = self.nodes.len();
        if at == 0 {
            return HashMap::new();
        }
        if at <= n {
            return HashMap::from([("value", &self.nodes[at - 1].value[..])]);
        }
        if at == n + 1 {
            return HashMap::from([("seed", &self.seed[..])]);
        }
        let k = at - n - 2;
        let step = &self.steps[k];
        let mut found = HashMap::from([
            ("cotangent", self.finished(step.node)),
            ("contribution", &step.contribution[..]),
            ("sum", &step.sum[..]),
        ]);
        found.extend(step.slope.as_ref().map(|slope| ("slope", std::slice::from_ref(slope))));
        found.extend(self.before(k).map(|before| ("before", before)));
        found
    }

    /// The kinds of numbers that the text of a step must have.
    pub fn required_at(&self, at: usize) -> Vec<&'static str> {
        let n = self.nodes.len();
        match at {
            0 => Vec::new(),
            at if at <= n => {
                if self.nodes[at - 1].scalar {
                    vec!["value"]
                } else {
                    Vec::new()
                }
            }
            at if at == n + 1 => vec!["seed"],
            at => {
                let k = at - n - 2;
                let mut kinds = vec!["contribution"];
                kinds.extend(self.steps[k].slope.map(|_| "slope"));
                kinds.extend(self.steps[k].slope.map(|_| "cotangent"));
                kinds.extend(self.before(k).into_iter().flat_map(|_| ["before", "sum"]));
                kinds
            }
        }
    }
}
