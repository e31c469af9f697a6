//! The likely cause of a wrong closed form.
//!
//! Every cause is tried: the mistake is made in the engine's own rules, and named if it reproduces the closed form. A sweep in
//! which one node contributes wrongly is cheap, and the values between that node and the loss are known.

use super::recording::Recording;
use std::fmt;
use tape::{GraphNode, Tensor};

/// The likely cause of a wrong gradient.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// It is the number of samples times too large: a mean was taken as a sum.
    MeanMissing {
        /// The number.
        n: usize,
    },
    /// It is the number of samples times too small: a sum was taken as a mean, or the mean was taken twice.
    MeanTwice {
        /// The number.
        n: usize,
    },
    /// `n - 1` where `n` belongs, or the other way round, as in a variance.
    Bessel {
        /// The number of samples.
        n: usize,
    },
    /// The opposite sign.
    Sign,
    /// A constant factor.
    Factor {
        /// The closed form divided by the adjoint.
        ratio: f64,
    },
    /// It is zero: nothing arrives.
    Zero,
    /// The transpose.
    Transposed,
    /// A square operand in place of its transpose.
    OperandTransposed {
        /// The operand.
        name: String,
    },
    /// The sum over an axis is missing.
    NotSummed {
        /// The axis.
        axis: usize,
        /// Its extent.
        n: usize,
    },
    /// A value that is used more than once received one contribution only: `=` in place of `+=`.
    Contribution {
        /// The value.
        at: String,
        /// The user of the value whose contribution is there.
        of: String,
    },
    /// One sample was counted in place of the sum over all.
    Sample {
        /// Its index.
        index: usize,
        /// The number of samples.
        n: usize,
    },
    /// The local derivative alone, without the gradient that arrives from above.
    UpstreamIgnored {
        /// The value whose gradient is ignored.
        at: String,
    },
    /// The derivative was computed from the input where its formula is in the output, or the other way round.
    Swapped {
        /// The operation.
        op: &'static str,
    },
    /// The derivative of another function.
    Slope {
        /// The function whose derivative was used.
        used: &'static str,
        /// The operation.
        op: &'static str,
    },
    /// A value after its update in place of the one of the forward pass.
    Updated {
        /// The value.
        name: String,
        /// The learning rate of the update.
        rate: f64,
    },
    /// Another value than the operation has used: often that of the next layer.
    OtherValue {
        /// The value that was used.
        used: String,
        /// The value of the operation.
        expected: String,
    },
    /// The gradient of another value was used: often that of the next layer.
    OtherGradient {
        /// The value whose gradient was used.
        used: String,
        /// The value whose gradient belongs there.
        expected: String,
    },
    /// Another shape, with no other explanation.
    Shape {
        /// The shape of the value.
        expected: Vec<usize>,
        /// The shape of the closed form.
        found: Vec<usize>,
    },
    /// None of these.
    Unknown {
        /// The least and the largest ratio of closed form and adjoint.
        ratios: (f64, f64),
    },
}

impl Cause {
    /// The name of the kind of cause, as in the JSON of a report.
    pub fn key(&self) -> &'static str {
        match self {
            Cause::MeanMissing { .. } => "mean missing",
            Cause::MeanTwice { .. } => "mean twice",
            Cause::Bessel { .. } => "N/(N-1)",
            Cause::Sign => "sign",
            Cause::Factor { .. } => "factor",
            Cause::Zero => "zero",
            Cause::Transposed | Cause::OperandTransposed { .. } => "transpose",
            Cause::NotSummed { .. } => "sum missing",
            Cause::Contribution { .. } => "+= missing",
            Cause::Sample { .. } => "one sample",
            Cause::UpstreamIgnored { .. } => "upstream ignored",
            Cause::Swapped { .. } => "input for output",
            Cause::Slope { .. } => "slope",
            Cause::Updated { .. } => "updated value",
            Cause::OtherValue { .. } => "other value",
            Cause::OtherGradient { .. } => "other gradient",
            Cause::Shape { .. } => "shape",
            Cause::Unknown { .. } => "unknown",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::MeanMissing { n } => {
                write!(f, "{n} times too large: the factor 1/{n} of the mean is missing")
            }
            Cause::MeanTwice { n } => {
                write!(f, "{n} times too small: the factor 1/{n} of the mean is there twice")
            }
            Cause::Bessel { n } => {
                write!(f, "off by the factor of {n} and {}: n - 1 in place of n, or the reverse", n - 1)
            }
            Cause::Sign => write!(f, "the sign is opposite"),
            Cause::Factor { ratio } if *ratio == 2.0 || *ratio == -2.0 => {
                write!(
                    f,
                    "{ratio} times the adjoint: a factor 2 too many, as from the derivative of a square"
                )
            }
            Cause::Factor { ratio } if *ratio == 0.5 || *ratio == -0.5 => {
                write!(
                    f,
                    "{ratio} times the adjoint: a factor 2 is missing, as from the derivative of a square"
                )
            }
            Cause::Factor { ratio } => write!(f, "{ratio:.6} times the adjoint"),
            Cause::Zero => write!(f, "it is zero: no gradient arrives"),
            Cause::Transposed => write!(f, "it is the transpose of the adjoint"),
            Cause::OperandTransposed { name } => {
                write!(
                    f,
                    "{name} is transposed where it should not be, or the reverse; it fits because it is square"
                )
            }
            Cause::NotSummed { axis, n } => {
                write!(
                    f,
                    "its sum over axis {axis} is the adjoint: a sum over {n} samples or columns is missing"
                )
            }
            Cause::Contribution { at, of } => write!(
                f,
                "{at} is used more than once, and this is the contribution of {of} alone: `=` in place of `+=`"
            ),
            Cause::Sample { index, n } => {
                write!(f, "it is the gradient of sample {index} of {n} alone: samples are not added up")
            }
            Cause::UpstreamIgnored { at } => {
                write!(f, "it is the local derivative alone: the gradient with respect to {at} is ignored")
            }
            Cause::Swapped { op } => {
                write!(
                    f,
                    "the derivative of {op} was computed from its input in place of its output, or the reverse"
                )
            }
            Cause::Slope { used, op } => {
                write!(f, "the derivative of {used} was used, but the operation is {op}")
            }
            Cause::Updated { name, rate } => write!(
                f,
                "{name} was read after its update (learning rate {rate:.3}), but the forward pass used it before"
            ),
            Cause::OtherValue { used, expected } => write!(f, "{used} was used in place of {expected}"),
            Cause::OtherGradient { used, expected } => {
                write!(f, "the gradient with respect to {used} was used in place of that to {expected}")
            }
            Cause::Shape { expected, found } => write!(f, "expected shape {expected:?}, found {found:?}"),
            Cause::Unknown { ratios: (least, most) } => {
                write!(f, "closed form / adjoint varies from {least:.4} to {most:.4}")
            }
        }
    }
}

/// Two tensors are the same if no entry differs by more than this, relative to the largest: far above rounding errors, which are
/// some 1e-13 here, and far below the effect of a mistake.
const SAME: f64 = 1e-9;

/// Nodes between a value and the loss in which a mistake is looked for.
const REACH: usize = 4;

fn largest(x: &Tensor) -> f64 {
    x.to_vec().iter().fold(0.0, |most, x| f64::max(most, x.abs()))
}

pub(super) fn same(x: &Tensor, y: &Tensor) -> bool {
    let scale = largest(x).max(largest(y));
    x.shape() == y.shape() && x.to_vec().iter().zip(y.to_vec()).all(|(x, y)| (x - y).abs() <= SAME * scale)
}

/// The factor between two tensors, if there is one.
fn factor(x: &Tensor, y: &Tensor) -> Option<f64> {
    let dot = |x: &Tensor, y: &Tensor| x.to_vec().iter().zip(y.to_vec()).map(|(x, y)| x * y).sum::<f64>();
    let square = dot(y, y);
    if x.shape() != y.shape() || square == 0.0 {
        return None;
    }
    let ratio = dot(x, y) / square;
    same(x, &(y * ratio)).then_some(ratio)
}

/// A sweep of the derivation: the closed form of the value at a node, and its adjoint.
pub(super) struct Suspect<'a, 't> {
    pub(super) recording: &'a Recording<'t, f64>,
    pub(super) node: &'a GraphNode<f64>,
    pub(super) hand: Tensor,
    pub(super) adjoint: Tensor,
}

impl Suspect<'_, '_> {
    /// The likely cause.
    pub(super) fn cause(&self) -> Cause {
        if let Some(cause) = self.of_shape() {
            return cause;
        }
        let known = self.of_factor();
        known
            .or_else(|| self.of_transpose())
            .or_else(|| self.of_sweep())
            .or_else(|| self.of_other_gradient())
            .or_else(|| factor(&self.hand, &self.adjoint).map(|ratio| Cause::Factor { ratio }))
            .unwrap_or_else(|| self.unknown())
    }

    fn unknown(&self) -> Cause {
        let pairs = self.hand.to_vec().into_iter().zip(self.adjoint.to_vec());
        let ratios = pairs.map(|(hand, adjoint)| hand / adjoint).filter(|ratio| !ratio.is_nan());
        Cause::Unknown {
            ratios: ratios
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, m), ratio| (l.min(ratio), m.max(ratio))),
        }
    }

    /// The causes of another shape.
    fn of_shape(&self) -> Option<Cause> {
        let (expected, found) = (self.adjoint.shape().dims(), self.hand.shape().dims());
        if expected == found {
            return None;
        }
        if self.hand.rank() == 2 && same(&self.hand.transpose(), &self.adjoint) {
            return Some(Cause::Transposed);
        }
        // The terms of a sum may cancel, so their size is that of the comparison.
        let allowed = SAME * largest(&self.hand);
        for (axis, &n) in found.iter().enumerate() {
            for keep in [false, true] {
                let sum = self.hand.sum_axes(axis as isize, keep);
                if sum.shape() == self.adjoint.shape() && largest(&(&sum - &self.adjoint)) <= allowed {
                    return Some(Cause::NotSummed { axis, n });
                }
            }
        }
        self.of_other_product().or(Some(Cause::Shape { expected, found }))
    }

    /// Extents of the axes of samples: the first ones of the values with two axes that are not leaves, without repetition.
    fn samples(&self) -> Vec<usize> {
        let batches =
            self.recording.view.nodes().iter().filter(|node| node.shape.rank() == 2 && node.op != "leaf");
        let mut counts: Vec<usize> = batches.map(|node| node.shape[0]).filter(|&n| n > 1).collect();
        // The batch is the first axis of most values.
        counts.sort_unstable();
        let mut distinct: Vec<(usize, usize)> = Vec::new();
        for n in counts {
            match distinct.last_mut() {
                Some((last, count)) if *last == n => *count += 1,
                _ => distinct.push((n, 1)),
            }
        }
        distinct.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        distinct.into_iter().map(|(n, _)| n).collect()
    }

    /// A constant factor that has a name.
    fn of_factor(&self) -> Option<Cause> {
        if largest(&self.hand) == 0.0 {
            return Some(Cause::Zero);
        }
        let ratio = factor(&self.hand, &self.adjoint)?;
        let is = |known: f64| (ratio - known).abs() <= SAME * known.abs();
        let samples = self.samples();
        // A mean over all elements, as in a squared error of several outputs.
        let elements = self
            .recording
            .view
            .nodes()
            .iter()
            .filter(|node| node.shape.rank() == 2)
            .map(|node| node.shape.size());
        if is(-1.0) {
            return Some(Cause::Sign);
        }
        for n in
            samples.iter().copied().take(1).chain([2]).chain(samples.iter().copied().skip(1)).chain(elements)
        {
            let count = n as f64;
            if n == 2 && samples.first() != Some(&2) {
                if let Some(&ratio) = [2.0, 0.5, -2.0, -0.5].iter().find(|known| is(**known)) {
                    return Some(Cause::Factor { ratio });
                }
                continue;
            }
            if is(count) {
                return Some(Cause::MeanMissing { n });
            }
            if is(1.0 / count) {
                return Some(Cause::MeanTwice { n });
            }
            if n > 2 && (is(count / (count - 1.0)) || is((count - 1.0) / count)) {
                return Some(Cause::Bessel { n });
            }
        }
        Some(Cause::Factor { ratio })
    }

    fn of_transpose(&self) -> Option<Cause> {
        let transposed = self.hand.rank() == 2 && same(&self.hand.transpose(), &self.adjoint);
        transposed.then_some(Cause::Transposed)
    }

    /// A mistake in one of the nodes next to the value.
    fn of_sweep(&self) -> Option<Cause> {
        let way: Vec<&GraphNode<f64>> = self.recording.way_down(self.node.index);
        // From the value upwards, without the value itself.
        let next: Vec<&GraphNode<f64>> = way.iter().rev().skip(1).take(REACH).copied().collect();
        let forks = way.iter().rev().take(REACH);
        forks.copied().find_map(|at| self.of_contributions(&way, at)).or_else(|| {
            let mut causes = next.iter();
            causes.find_map(|at| self.of_node(at))
        })
    }

    /// The closed form is the result of a sweep in which the node `at` reads other values or has another cotangent.
    fn is_with(
        &self,
        at: &GraphNode<f64>,
        cotangent: &dyn Fn(&Tensor) -> Tensor,
        read: &dyn Fn(usize) -> Option<Tensor>,
    ) -> bool {
        self.with(at, cotangent, read).is_some_and(|found| same(&found, &self.hand))
    }

    fn with(
        &self,
        at: &GraphNode<f64>,
        cotangent: &dyn Fn(&Tensor) -> Tensor,
        read: &dyn Fn(usize) -> Option<Tensor>,
    ) -> Option<Tensor> {
        let recorded = |_: usize| None;
        self.recording.sweep(self.node.index, &|node, dy, add| {
            if node.index == at.index {
                self.recording.contributions(node.index, &cotangent(dy), read, add)
            } else {
                self.recording.contributions(node.index, dy, &recorded, add)
            }
        })
    }

    /// The contribution of one user where there are several.
    fn of_contributions(&self, way: &[&GraphNode<f64>], at: &GraphNode<f64>) -> Option<Cause> {
        let users: Vec<&&GraphNode<f64>> = way
            .iter()
            .filter(|user| user.index != at.index && user.parents().any(|x| x == at.index))
            .collect();
        if users.len() < 2 {
            return None;
        }
        let alone = |kept: usize| {
            let recorded = |_: usize| None;
            self.recording.sweep(self.node.index, &|node, dy, add| {
                let mut only = |operand: usize, part: Tensor| {
                    if operand != at.index || node.index == kept {
                        add(operand, part);
                    }
                };
                self.recording.contributions(node.index, dy, &recorded, &mut only)
            })
        };
        let found =
            users.iter().find(|user| alone(user.index).is_some_and(|found| same(&found, &self.hand)))?;
        Some(Cause::Contribution { at: at.label(), of: described(found) })
    }

    /// A mistake in the rule of the node `at`.
    fn of_node(&self, at: &GraphNode<f64>) -> Option<Cause> {
        let view = &self.recording.view;
        let (unchanged, recorded) = (|dy: &Tensor| dy.clone(), |_: usize| None);
        let operands: Vec<&GraphNode<f64>> = at.parents().filter_map(|parent| view.node(parent)).collect();
        // The derivative of a function from the wrong side.
        if let [x] = operands[..]
            && x.shape == at.shape
        {
            let (input, output) = (x.value.clone(), at.value.clone());
            let swapped = |node: usize| match node {
                node if node == x.index => Some(output.clone()),
                node if node == at.index => Some(input.clone()),
                _ => None,
            };
            let from_input = |node: usize| (node == at.index).then(|| input.clone());
            if self.is_with(at, &unchanged, &swapped) || self.is_with(at, &unchanged, &from_input) {
                return Some(Cause::Swapped { op: at.op });
            }
            if let Some(cause) = self.of_slope(at, x) {
                return Some(cause);
            }
        }
        if self.is_with(at, &|dy| Tensor::ones(dy.shape()), &recorded) {
            return Some(Cause::UpstreamIgnored { at: at.label() });
        }
        let n = at.shape.first().copied().unwrap_or(0);
        if at.shape.rank() == 2 && n > 1 {
            for index in [n - 1, 0] {
                let only = |dy: &Tensor| {
                    Tensor::from_fn(
                        dy.shape(),
                        |i| if i[0] == index { dy.get(i).unwrap_or(0.0) } else { 0.0 },
                    )
                };
                if self.is_with(at, &only, &recorded) {
                    return Some(Cause::Sample { index, n });
                }
            }
        }
        for operand in operands {
            if let Some(cause) = self.of_operand(at, operand) {
                return Some(cause);
            }
        }
        None
    }

    /// The slope of another function at an elementwise operation.
    fn of_slope(&self, at: &GraphNode<f64>, x: &GraphNode<f64>) -> Option<Cause> {
        type Slope = fn(f64, f64) -> f64;
        let slopes: [(&'static str, Slope); 6] = [
            ("the identity", |_, _| 1.0),
            ("sigmoid", |_, y| y * (1.0 - y)),
            ("tanh", |_, y| 1.0 - y * y),
            ("relu", |x, _| if x > 0.0 { 1.0 } else { 0.0 }),
            ("exp", |_, y| y),
            ("square", |x, _| 2.0 * x),
        ];
        let recorded = |_: usize| None;
        slopes.into_iter().find_map(|(used, slope)| {
            // Of the same function: from the input where it is a formula in the output.
            let swapped = used == at.op;
            let slopes = Tensor::from_fn(at.shape.clone(), |i| {
                let [x, y] = [&x.value, &at.value].map(|value| value.get(i).unwrap_or(f64::NAN));
                if swapped { slope(y, x) } else { slope(x, y) }
            });
            let found = self.recording.sweep(self.node.index, &|node, dy, add| {
                if node.index == at.index {
                    add(x.index, dy * &slopes);
                    return Ok(());
                }
                self.recording.contributions(node.index, dy, &recorded, add)
            })?;
            let cause = if swapped { Cause::Swapped { op: at.op } } else { Cause::Slope { used, op: at.op } };
            same(&found, &self.hand).then_some(cause)
        })
    }

    /// Another value in place of an operand.
    fn of_operand(&self, at: &GraphNode<f64>, operand: &GraphNode<f64>) -> Option<Cause> {
        let view = &self.recording.view;
        let unchanged = |dy: &Tensor| dy.clone();
        let reading = |value: &Tensor| {
            let value = value.clone();
            self.with(at, &unchanged, &move |node| (node == operand.index).then(|| value.clone()))
        };
        if operand.shape.rank() == 2
            && operand.shape[0] == operand.shape[1]
            && reading(&operand.value.transpose()).is_some_and(|found| same(&found, &self.hand))
        {
            return Some(Cause::OperandTransposed { name: origin(view, operand) });
        }
        // The value itself, or the leaf of which it is the transpose.
        let source = |node: &GraphNode<f64>| match (node.op, node.parents().next()) {
            ("permute" | "transpose", Some(parent)) => view.node(parent).map(|leaf| (leaf.clone(), true)),
            _ => Some((node.clone(), false)),
        };
        if let Some((leaf, turned)) = source(operand)
            && let Some(gradient) = self.recording.adjoint(leaf.index).filter(|_| leaf.op == "leaf")
        {
            let gradient = if turned { gradient.transpose() } else { gradient.clone() };
            // The rule is linear in the operand, so an update changes the result in proportion to the rate.
            let change = &self.hand - &self.adjoint;
            let moved = reading(&(&operand.value + &gradient)).map(|moved| &moved - &self.adjoint);
            if let Some(ratio) = moved.and_then(|moved| factor(&change, &moved))
                && ratio < 0.0
            {
                return Some(Cause::Updated { name: leaf.label(), rate: -ratio });
            }
        }
        for other in view.nodes() {
            let alike = other.shape == operand.shape
                && other.index != operand.index
                && other.index != self.node.index;
            if alike && reading(&other.value).is_some_and(|found| same(&found, &self.hand)) {
                return Some(Cause::OtherValue {
                    used: origin(view, other),
                    expected: origin(view, operand),
                });
            }
        }
        None
    }

    /// Products of gradients and values, where a wrong layer gives another shape.
    fn of_other_product(&self) -> Option<Cause> {
        let view = &self.recording.view;
        let named: Vec<&GraphNode<f64>> =
            view.nodes().iter().filter(|node| node.name.is_some() && node.shape.rank() == 2).collect();
        let uses = |user: &&GraphNode<f64>| {
            // The weights of `x · Wᵀ` are used by way of their transpose.
            user.parents()
                .filter_map(|x| view.node(x))
                .any(|x| x.index == self.node.index || x.parents().eq([self.node.index]))
        };
        let user =
            self.recording.way_down(self.node.index).into_iter().rev().filter(|user| user.inputs.len() > 1);
        let user = user.into_iter().find(uses)?;
        let result =
            self.recording.way_down(user.index).into_iter().rev().find(|node| node.name.is_some())?;
        let expected = user.parents().filter_map(|x| view.node(x)).find(|x| {
            x.index != self.node.index && !x.parents().eq([self.node.index]) && x.shape.rank() == 2
        })?;
        for gradient in &named {
            let Some(d) = self.recording.adjoint(gradient.index) else { continue };
            for value in &named {
                if d.shape()[0] != value.shape[0] {
                    continue;
                }
                let product = d.transpose().matmul(&value.value);
                if same(&product, &self.hand) {
                    return Some(if value.index == expected.index {
                        Cause::OtherGradient { used: gradient.label(), expected: result.label() }
                    } else {
                        Cause::OtherValue { used: value.label(), expected: origin(view, expected) }
                    });
                }
            }
        }
        None
    }

    /// The gradient of another value.
    fn of_other_gradient(&self) -> Option<Cause> {
        let nodes = self.recording.view.nodes().iter();
        let others = nodes.filter(|node| node.index != self.node.index && node.name.is_some());
        for other in others {
            if self.recording.adjoint(other.index).is_some_and(|adjoint| same(adjoint, &self.hand)) {
                return Some(Cause::OtherGradient { used: other.label(), expected: self.node.label() });
            }
        }
        // The cotangent of a neighbour, one layer off.
        let way = self.recording.way_down(self.node.index);
        for at in way.iter().rev().skip(1).take(REACH) {
            for other in self.recording.view.nodes().iter().filter(|node| node.index != at.index) {
                let Some(other_adjoint) = self.recording.adjoint(other.index) else { continue };
                if other.shape == at.shape && self.is_with(at, &|_| other_adjoint.clone(), &|_| None) {
                    return Some(Cause::OtherGradient { used: other.label(), expected: at.label() });
                }
            }
        }
        None
    }
}

/// A node by its name, or by its operation.
fn described(node: &GraphNode<f64>) -> String {
    node.name.clone().unwrap_or_else(|| format!("`{}`", node.op))
}

/// A node by its name, or by that of the node it is the transpose of.
fn origin(view: &tape::GraphView<f64>, node: &GraphNode<f64>) -> String {
    match (&node.name, node.parents().next().and_then(|parent| view.node(parent))) {
        (None, Some(parent)) if matches!(node.op, "permute" | "transpose") => described(parent),
        _ => described(node),
    }
}
