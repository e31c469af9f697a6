//! The evaluations of a check that are remembered: ladders of steps meet, and so do the lines of several runs.

use super::problem::{Direction, Sample};
use std::collections::HashMap;

/// Samples by line and position.
#[derive(Default)]
pub(crate) struct Samples {
    lines: Vec<(Direction, HashMap<u64, Sample>)>,
    /// Whether those of earlier lines are kept when another line begins.
    every_line: bool,
}

impl Samples {
    /// Remembers every line: for several runs of one check.
    #[cfg(feature = "faults")]
    pub(crate) fn of_every_line() -> Samples {
        Samples { every_line: true, ..Samples::default() }
    }

    /// The sample at `t` along a line, if there is one.
    pub(crate) fn get(&self, line: &Direction, t: f64) -> Option<Sample> {
        let (_, known) = self.lines.iter().rev().find(|(known, _)| known == line)?;
        known.get(&t.to_bits()).copied()
    }

    /// Remembers the sample at `t` along a line.
    pub(crate) fn insert(&mut self, line: &Direction, t: f64, sample: Sample) {
        let at = self.lines.iter().rposition(|(known, _)| known == line).unwrap_or_else(|| {
            if !self.every_line {
                self.lines.clear();
            }
            self.lines.push((line.clone(), HashMap::new()));
            self.lines.len() - 1
        });
        self.lines[at].1.insert(t.to_bits(), sample);
    }
}
