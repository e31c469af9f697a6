//! Proof that the check could have failed.
//!
//! The comparator must reject sabotaged copies of the gradient. This needs no evaluation.

use super::entry::Entry;
use super::report::{Check, Outcome};
use super::verdict::{Evidence, Verdict};

/// The name of the check in reports.
pub(crate) const SELF_TEST: &str = "self-test";

/// Returns `true` if an entry with this derivative would be rejected.
fn rejected(entry: &Entry, analytic: f64) -> bool {
    (analytic - entry.numeric.mid).abs() > entry.numeric.radius + entry.rounding_bound
}

/// Returns the sabotages of one input's entries, all of which agree, that are not rejected: the sign, zero,
/// the scale, and a shift by one.
fn survivors(entries: &[&Entry]) -> Vec<&'static str> {
    let any = |sabotage: &dyn Fn(usize) -> f64| {
        entries.iter().enumerate().any(|(i, entry)| rejected(entry, sabotage(i)))
    };
    let scaled = |i: usize| {
        let entry = entries[i];
        entry.analytic * (1.0 + 10.0 * (entry.numeric.radius + entry.rounding_bound) / entry.analytic.abs())
    };
    let shift = |i: usize| entries[(i + 1) % entries.len()].analytic;
    let shows = entries.windows(2).any(|pair| {
        let room =
            pair[0].numeric.radius + pair[0].rounding_bound + pair[1].numeric.radius + pair[1].rounding_bound;
        (pair[0].analytic - pair[1].analytic).abs() > 2.0 * room
    });
    let mut survivors = Vec::new();
    let mut test = |name, dead: bool| {
        if !dead {
            survivors.push(name);
        }
    };
    test("sign", any(&|i| -entries[i].analytic));
    test("zero", any(&|_| 0.0));
    test("scale", any(&scaled));
    // A shift does not change entries that are all equal.
    test("shift", !shows || any(&shift));
    survivors
}

/// Tests the comparator on every input with entries that agree, except where zero is declared.
pub(crate) fn self_test(entries: &[Entry], zero: impl Fn(&str) -> bool) -> Check {
    let mut failed = Vec::new();
    let mut names: Vec<&str> = entries.iter().map(|e| e.input.as_str()).collect();
    names.dedup();
    for name in names.into_iter().filter(|name| !zero(name)) {
        let agreeing: Vec<&Entry> =
            entries.iter().filter(|e| e.input == name && e.verdict == Verdict::Agree).collect();
        if !agreeing.is_empty() {
            failed.extend(survivors(&agreeing).into_iter().map(|what| format!("{name}: {what}")));
        }
    }
    let outcome = if failed.is_empty() { Outcome::Passed(0.0) } else { Outcome::Failed(failed.join(", ")) };
    Check { name: SELF_TEST, outcome, evidence: Evidence::Exact }
}
