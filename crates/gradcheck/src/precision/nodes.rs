//! Node by node: the error, the part of it that was made there, and the condition.

use crate::DoubleDouble;
use tape::internal::{SplitMix64, cotangents, tangent_of_node};
use tape::{Element, GraphView, Tape, Tensor, Var};

/// A function and its gradient on a tape.
pub(crate) struct Recording<'t, T: Element> {
    pub(crate) tape: &'t Tape<T>,
    /// The number of nodes of the function; those of its derivative follow.
    pub(crate) function: usize,
    /// The gradient of each input.
    pub(crate) gradients: Vec<Var<'t, T>>,
}

/// A node of both recordings.
pub(crate) struct Node {
    pub(crate) index: usize,
    /// The share of the error of the entry: the rounding of this node times its cotangent.
    pub(crate) share: f64,
    /// The error of the entry that passes through this node: its error times its cotangent.
    pub(crate) passed: f64,
    /// The rounding in units in the last place of the largest entry.
    pub(crate) units: f64,
    /// The condition.
    pub(crate) condition: f64,
}

/// An operation that rounds by more units is badly written: those of this library are off by at most 4.
const BADLY: f64 = 64.0;

impl Node {
    /// Returns `true` if the rounding is more than some units times the condition. The result changes by as much when the operands are
    /// rounded: the cofactors next to a matrix of rank 1 are differences of equal products, and no formula has their digits.
    pub(crate) fn rounds_badly(&self) -> bool {
        self.units > BADLY * self.condition.max(1.0)
    }
}

/// Sums of the products of the entries.
fn dot(x: &Tensor<DoubleDouble>, y: &Tensor<DoubleDouble>) -> DoubleDouble {
    x.to_vec().into_iter().zip(y.to_vec()).map(|(x, y)| x * y).sum()
}

/// The largest size of an entry.
pub(super) fn largest(x: &Tensor<DoubleDouble>) -> f64 {
    x.to_vec().iter().fold(0.0, |most, x| f64::max(most, x.hi().abs()))
}

/// The number of random changes of which the condition is the largest effect.
const DRAWS: usize = 4;

/// Every node that the entry `at` of a gradient depends on.
pub(crate) fn nodes<T: Element>(
    exact: &Recording<'_, DoubleDouble>,
    views: (&GraphView<T>, &GraphView<DoubleDouble>),
    gradient: usize,
    at: usize,
) -> Vec<Node> {
    let y = exact.gradients[gradient];
    let mut one = Tensor::zeros(y.shape());
    one.as_mut_slice()[at] = DoubleDouble::ONE;
    let cotangents = cotangents(y, one);
    let value = |index: usize| views.1.node(index).map(|node| &node.value);
    let error = |index: usize| {
        let found: Tensor<DoubleDouble> = views.0.node(index)?.value.cast();
        Some(&found - value(index)?)
    };
    let mut rng = SplitMix64(11);
    let mut all = Vec::new();
    for node in views.1.nodes().iter().filter(|node| !node.inputs.is_empty()) {
        let Some(ct) = cotangents.get(node.index).and_then(Option::as_ref) else { continue };
        let Some(error_here) = error(node.index) else { continue };
        let brought = tangent_of_node(exact.tape, node.index, &error);
        let rounding = brought.map_or(error_here.clone(), |brought| &error_here - &brought);
        let size = largest(&node.value);
        let mut changed = || {
            let seed = rng.word();
            let change = |index: usize| {
                // Signs that depend on the operand alone, so that one used twice changes once.
                let mut signs = SplitMix64(seed ^ index as u64);
                let x = value(index)?;
                Some(Tensor::from_fn(x.shape().clone(), |i| {
                    let x = x.get(i).unwrap_or_default();
                    if signs.uniform() < 0.5 { -x } else { x }
                }))
            };
            tangent_of_node(exact.tape, node.index, &change).map_or(0.0, |change| largest(&change))
        };
        let change = (0..DRAWS).fold(0.0, |most, _| f64::max(most, changed()));
        all.push(Node {
            index: node.index,
            share: dot(ct, &rounding).hi(),
            passed: dot(ct, &error_here).hi(),
            units: if size == 0.0 { 0.0 } else { largest(&rounding) / (size * T::EPSILON.to_f64()) },
            condition: if size == 0.0 { f64::INFINITY } else { change / size },
        });
    }
    all
}
