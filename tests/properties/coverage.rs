//! Counts of the generated graphs: a property of graphs that were never drawn proves nothing.

use gradcheck::strategies::{Action, Exactness, Opcode, Program};
use std::collections::BTreeMap;

/// The counts over all graphs of a test.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    graphs: usize,
    /// Graphs with a result that depends on a leaf, element by element.
    nonempty: usize,
    /// Graphs with a value that two steps or more use.
    fan_out: usize,
    /// The count of each operation.
    operations: BTreeMap<String, usize>,
    /// The count of each pair of an operation and one that uses its result.
    pairs: BTreeMap<(String, String), usize>,
    /// The count of each way in which the operands of a binary function broadcast.
    broadcasts: BTreeMap<&'static str, usize>,
}

/// Returns the name of an operation without its parameters.
fn name(action: &Action) -> String {
    match action {
        Action::Reduce { kind, .. } => format!("{kind:?}"),
        Action::Unary(f) => format!("{f:?}"),
        Action::Binary(f) => format!("{f:?}"),
        Action::Scan(kind, _) => format!("{kind:?}"),
        _ => format!("{action:?}").split(['(', ' ']).next().unwrap_or_default().to_owned(),
    }
}

/// Returns the way in which two operands broadcast.
fn kind(a: &[usize], b: &[usize]) -> &'static str {
    match (a, b) {
        ([], []) => "two scalars",
        ([], _) | (_, []) => "a scalar and a tensor",
        _ if a == b => "equal shapes",
        _ if a.len() != b.len() => "fewer axes",
        _ if a.iter().zip(b).any(|(a, b)| a > b) && a.iter().zip(b).any(|(a, b)| a < b) => "both stretched",
        _ => "one stretched",
    }
}

impl Coverage {
    pub(crate) fn add(&mut self, program: &Program) {
        self.graphs += 1;
        let mut uses = vec![0; program.steps.len()];
        for step in &program.steps {
            *self.operations.entry(name(&step.action)).or_default() += 1;
            let shapes: Vec<&[usize]> = step.operands.iter().map(|&k| &program.steps[k].shape[..]).collect();
            if let (Action::Binary(_), [a, b]) = (&step.action, &shapes[..]) {
                *self.broadcasts.entry(kind(a, b)).or_default() += 1;
            }
            for &k in &step.operands {
                uses[k] += 1;
                let pair = (name(&program.steps[k].action), name(&step.action));
                *self.pairs.entry(pair).or_default() += 1;
            }
        }
        self.fan_out += usize::from(uses.iter().any(|&uses| uses >= 2));
        self.nonempty += usize::from(program.steps[program.output].shape.size() > 0);
    }

    /// Asserts that at least this part of the graphs has the property.
    fn share(&self, what: &str, count: usize, part: f64) {
        let share = count as f64 / self.graphs as f64;
        println!("{what}: {count} of {}", self.graphs);
        assert!(share >= part, "{what}: {count} of {} graphs, expected {part} of them", self.graphs);
    }

    /// Asserts that every operation of the track and every kind of broadcasting occurs at least once in `rarest` graphs.
    fn common(&self, track: Exactness, rarest: usize) {
        self.share("a value used twice", self.fan_out, 0.8);
        self.share("a result with elements", self.nonempty, 0.8);
        let least = self.graphs / rarest;
        for action in every(track) {
            let count = self.operations.get(&action).copied().unwrap_or(0);
            assert!(count >= least, "{action}: {count} times in {} graphs", self.graphs);
        }
        for kind in [
            "two scalars",
            "a scalar and a tensor",
            "equal shapes",
            "fewer axes",
            "both stretched",
            "one stretched",
        ] {
            let count = self.broadcasts.get(kind).copied().unwrap_or(0);
            assert!(count >= least, "{kind}: {count} times in {} graphs", self.graphs);
        }
        println!("{} operations, {} pairs", self.operations.len(), self.pairs.len());
        println!("{:?}", self.operations);
        println!("{:?}", self.broadcasts);
    }

    pub(crate) fn of_exact_graphs(self) {
        self.common(Exactness::Exact, 100);
        assert!(self.pairs.len() >= 300, "{} pairs of operations", self.pairs.len());
    }

    pub(crate) fn of_smooth_graphs(self) {
        self.common(Exactness::Smooth, 100);
        assert!(self.pairs.len() >= 800, "{} pairs of operations", self.pairs.len());
    }
}

/// Returns the names of the operations of graphs of a track.
fn every(track: Exactness) -> Vec<String> {
    let opcodes = Opcode::all(track).into_iter().map(|op| format!("{op:?}"));
    let bare = |name: String| match name.split_once('(') {
        Some((_, inner)) => inner.trim_end_matches(')').to_owned(),
        None => name,
    };
    opcodes.map(bare).map(|name| if name == "Broadcast" { "BroadcastTo".into() } else { name }).collect()
}
