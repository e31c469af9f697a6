//! The report of the comparisons of a check.

use super::GradCheck;
use super::entry::Entry;
use super::report::{Check, Outcome, Report, Summary};
use super::run::Run;
use super::self_test::SELF_TEST;
use super::setup::Input;
use super::single::SINGLE;
use super::verdict::{Reason, Verdict};

/// Builds the report.
pub(crate) fn report(check: &GradCheck<'_>, seed: u64, run: Run<'_, '_>) -> Report {
    // `true` if there is no gradient at all.
    let flat = run.scales.iter().all(|&scale| scale == 0.0);
    let (entries, checks, evaluations) = (run.entries, run.checks, run.problem.evaluations);
    let inputs: Vec<Summary> = check.inputs.iter().map(|input| summary(input, &entries)).collect();
    let verdict = match overall(&entries, &checks, &inputs, run.only.is_some(), flat) {
        Verdict::Agree if check.compared => compared(&checks),
        verdict => verdict,
    };
    Report { name: check.name.clone(), seed, evaluations, entries, checks, inputs, verdict }
}

fn summary(input: &Input, entries: &[Entry]) -> Summary {
    let own: Vec<&Entry> = entries.iter().filter(|e| e.input == input.name).collect();
    let mut counts = [0; 3];
    for entry in &own {
        counts[match entry.verdict {
            Verdict::Agree => 0,
            Verdict::Disagree => 1,
            Verdict::Inconclusive(_) => 2,
        }] += 1;
    }
    let shows = |e: &&&Entry| e.analytic != 0.0 || !e.numeric.contains(0.0);
    let worst =
        own.iter().filter(shows).max_by(|a, b| a.discrepancy_ratio().total_cmp(&b.discrepancy_ratio()));
    let mut mde: Vec<f64> = own.iter().map(|e| e.mde).filter(|mde| mde.is_finite()).collect();
    mde.sort_by(f64::total_cmp);
    Summary {
        input: input.name.clone(),
        shape: input.value.shape().dims(),
        constant: !input.tracked,
        zero: input.zero,
        counts,
        worst: worst.map(|e| (e.label(), e.discrepancy_ratio())),
        mde: (mde.get(mde.len() / 2).copied().unwrap_or(f64::NAN), mde.last().copied().unwrap_or(f64::NAN)),
    }
}

/// Returns the verdict of an agreement that requires the comparison in `f32`.
fn compared(checks: &[Check]) -> Verdict {
    let why = match checks.iter().find(|check| check.name == SINGLE).map(|check| &check.outcome) {
        Some(Outcome::Passed(_)) => return Verdict::Agree,
        Some(Outcome::Failed(_)) => return Verdict::Disagree,
        Some(Outcome::Skipped(why)) => why.clone(),
        None => "no method compares it".to_string(),
    };
    Verdict::Inconclusive(Reason::NotCompared { why })
}

/// Returns the overall verdict: any disagreement wins, then anything inconclusive; an agreement must have
/// shown something in every input.
fn overall(entries: &[Entry], checks: &[Check], inputs: &[Summary], part: bool, flat: bool) -> Verdict {
    let failed = |check: &Check| matches!(check.outcome, Outcome::Failed(_));
    let broken = checks.iter().any(|check| failed(check) && check.name != SELF_TEST);
    if broken || entries.iter().any(|e| e.verdict == Verdict::Disagree) {
        return Verdict::Disagree;
    }
    if let Some(open) = entries.iter().find(|e| matches!(e.verdict, Verdict::Inconclusive(_))) {
        return open.verdict.clone();
    }
    // Without entries, a passed test of a gradient that is not zero counts.
    let passed = |check: &Check| matches!(check.outcome, Outcome::Passed(_)) && check.name != SELF_TEST;
    let tested = !flat && checks.iter().any(passed);
    let agrees = |s: &Summary| {
        let seen = |e: &Entry| e.input == s.input && e.verdict == Verdict::Agree && e.analytic != 0.0;
        s.constant || s.shape.contains(&0) || (s.zero && s.counts[0] > 0) || entries.iter().any(seen)
    };
    let shown = if entries.is_empty() { tested } else { part || inputs.iter().all(agrees) };
    if checks.iter().any(failed) || !shown {
        return Verdict::Inconclusive(Reason::Vacuous);
    }
    Verdict::Agree
}
