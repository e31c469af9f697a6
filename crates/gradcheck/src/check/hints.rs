//! The usual cause of the ratio of two derivatives.

use super::entry::Entry;
use super::verdict::Verdict;

/// Ratios of the derivative to the difference that have a usual cause.
const CAUSES: [(f64, &str); 5] = [
    (0.0, "the gradient is lost: a detached value, or a missing contribution"),
    (-1.0, "the sign is wrong"),
    (2.0, "a factor 2: a contribution counted twice"),
    (0.5, "a factor 1/2: a contribution lost where a value is used twice, or the derivative of a square"),
    (f64::INFINITY, "the derivative should be zero"),
];

/// Returns the usual cause of a disagreement.
pub(crate) fn hint(entries: &[Entry], worst: &Entry) -> Option<String> {
    let same: Vec<&Entry> =
        entries.iter().filter(|e| e.input == worst.input && e.direction == worst.direction).collect();
    let wrong = same.iter().filter(|e| e.verdict == Verdict::Disagree).count();
    let count = format!("on {wrong} of {} entries of `{}`", same.len(), worst.input);
    if !worst.analytic.is_finite() {
        return Some(format!("the gradient is {}, the function is smooth, {count}", worst.analytic));
    }
    let ratio = worst.analytic / worst.numeric.mid;
    if let Some((ratio, cause)) = CAUSES.iter().find(|(known, _)| near(ratio, *known)) {
        return Some(format!("analytic = {ratio} x numeric {count}: {cause}"));
    }
    if let Some(other) = same.iter().find(|e| e.index != worst.index && e.numeric.contains(worst.analytic)) {
        return Some(format!(
            "analytic is the numeric value of {} {count}: an index is shifted or transposed",
            other.label()
        ));
    }
    if let Some(n) = (2..=4096).find(|&n| near(ratio, f64::from(n)) || near(ratio, 1.0 / f64::from(n))) {
        return Some(format!("a factor {n} {count}: an axis of that length is summed or averaged wrongly"));
    }
    Some(format!("analytic / numeric = {ratio:.7} {count}"))
}

fn near(ratio: f64, known: f64) -> bool {
    ratio == known || known.is_finite() && (ratio - known).abs() <= 1e-6 * known.abs().max(1e-3)
}
