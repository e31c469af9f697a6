//! One comparison of a derivative with differences.

use super::setup::Method;
use super::verdict::{Evidence, Verdict};
use crate::numdiff::Interval;

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The name of the input.
    pub input: String,
    /// The index in the input; for a direction through the whole input, the index of the direction.
    pub index: Vec<usize>,
    /// `true` for a direction through the whole input.
    pub direction: bool,
    /// 1 for the gradient, 2 for the gradient of `Σ u · gradient` with random weights `u`.
    pub order: u8,
    /// The derivative by the tape.
    pub analytic: f64,
    /// The derivative by differences.
    pub numeric: Interval,
    /// The rounding error allowed to the tape: 16 roundings, and twice the change of its gradient when the inputs move
    /// by an ulp or the contributions of the sweep are off by one.
    pub rounding_bound: f64,
    /// The smallest step.
    pub h: f64,
    /// The part of the interval due to rounding noise.
    pub noise: f64,
    /// The minimum detectable error: a larger one, relative to the gradient of this input, would have been seen.
    pub mde: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// The kind of evidence for the verdict.
    pub evidence: Evidence,
    /// The method used in the end.
    pub method: Method,
}

impl Entry {
    /// The distance of the two derivatives, divided by what rounding and differences explain. Above 1 is an error.
    pub fn discrepancy_ratio(&self) -> f64 {
        match (self.analytic - self.numeric.mid).abs() / (self.numeric.radius + self.rounding_bound) {
            discrepancy_ratio if discrepancy_ratio.is_nan() && self.analytic.is_finite() => 0.0,
            discrepancy_ratio if discrepancy_ratio.is_nan() => f64::INFINITY,
            discrepancy_ratio => discrepancy_ratio,
        }
    }

    /// The input, the order, and whether this is a direction: entries that can be compared with each other.
    pub(crate) fn group(&self) -> (&str, u8, bool) {
        (&self.input, self.order, self.direction)
    }

    /// The derivative by the tape, divided by that by differences.
    pub(crate) fn ratio(&self) -> f64 {
        self.analytic / self.numeric.mid
    }

    /// Returns the name of the entry: `w1[2,3]`, `b` for a scalar, `w1~0` for a direction, `H:w1[2,3]` of second order.
    pub fn label(&self) -> String {
        label(self.order, &self.input, &self.index, self.direction)
    }
}

/// Returns the name of an entry or direction of an input.
pub(crate) fn label(order: u8, input: &str, index: &[usize], direction: bool) -> String {
    let input = if order == 2 { format!("H:{input}") } else { input.to_string() };
    let index: Vec<String> = index.iter().map(usize::to_string).collect();
    match (index.is_empty(), direction) {
        (true, _) => input,
        (false, true) => format!("{input}~{}", index.join(",")),
        (false, false) => format!("{input}[{}]", index.join(",")),
    }
}
