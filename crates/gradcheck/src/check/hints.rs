//! The usual cause of the ratio of two derivatives.

use super::entry::Entry;
use super::report::Summary;
use super::verdict::Verdict;

/// Ratios of the derivative to the difference that have a usual cause.
const CAUSES: [(f64, &str); 6] = [
    (0.0, "the gradient is lost: a detached value, or a missing contribution"),
    (-1.0, "the sign is wrong"),
    (2.0, "a factor 2: a contribution counted twice"),
    (0.5, "a factor 1/2: a contribution lost where a value is used twice, or the derivative of a square"),
    (f64::INFINITY, "the derivative should be zero"),
    (f64::NEG_INFINITY, "the derivative should be zero"),
];

/// Axes longer than this are not considered.
const LONGEST: usize = 4096;

/// Returns the usual cause of a disagreement. It is claimed for the entries of which it is true, and these are counted;
/// `inputs` are all inputs, constants too.
pub(crate) fn hint(entries: &[Entry], inputs: &[Summary], worst: &Entry) -> Option<String> {
    let same: Vec<&Entry> = entries.iter().filter(|e| e.group() == worst.group()).collect();
    let wrong: Vec<&Entry> = same.iter().copied().filter(|e| e.verdict == Verdict::Disagree).collect();
    let on = |claimed: usize| {
        let others = match wrong.len() - claimed {
            0 => String::new(),
            others => format!(" ({others} more differ otherwise)"),
        };
        let kind = if worst.direction { "directions" } else { "entries" };
        format!("on {claimed} of {} {kind} of `{}`{others}", same.len(), worst.input)
    };
    let count = |claim: &dyn Fn(&Entry) -> bool| on(wrong.iter().filter(|e| claim(e)).count());
    if !worst.analytic.is_finite() {
        let count = count(&|e| !e.analytic.is_finite());
        return Some(format!("the gradient is not finite, the differences are, {count}"));
    }
    let ratio = worst.ratio();
    if let Some((known, cause)) = CAUSES.iter().find(|(known, _)| near(ratio, *known)) {
        let count = count(&|e| near(e.ratio(), *known));
        return Some(format!("analytic = {known} x numeric {count}: {cause}"));
    }
    if let Some(other) = elsewhere(&same, worst) {
        let count = count(&|e| elsewhere(&same, e).is_some());
        return Some(format!(
            "analytic is the numeric value of another entry (here of {}) {count}: an index is shifted or transposed",
            other.label()
        ));
    }
    if wrong.iter().any(|e| !near(e.ratio(), ratio)) {
        let ratios = wrong.iter().map(|e| e.ratio());
        let (least, most) = (ratios.clone().fold(ratio, f64::min), ratios.fold(ratio, f64::max));
        let count = on(wrong.len());
        return Some(format!("analytic / numeric varies from {least:.7} to {most:.7} {count}"));
    }
    let axes = inputs.iter().flat_map(|input| input.shape.iter().copied());
    let axis = axes.filter(|n| (3..=LONGEST).contains(n)).find(|&n| {
        let n = n as f64;
        near(ratio, n) || near(ratio, 1.0 / n)
    });
    let count = on(wrong.len());
    Some(match axis {
        Some(n) => format!("a factor {n} {count}: an axis of that length may be summed or averaged wrongly"),
        None => format!("analytic / numeric = {ratio:.7} {count}"),
    })
}

/// Returns another entry whose numeric value is the analytic value of this one.
fn elsewhere<'e>(entries: &[&'e Entry], wrong: &Entry) -> Option<&'e Entry> {
    entries.iter().copied().find(|e| e.index != wrong.index && e.numeric.contains(wrong.analytic))
}

fn near(ratio: f64, known: f64) -> bool {
    ratio == known || known.is_finite() && (ratio - known).abs() <= 1e-6 * known.abs().max(1e-3)
}
