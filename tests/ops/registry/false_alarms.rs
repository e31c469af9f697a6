//! The gradient checker on right gradients: it must never disagree, and seldom be inconclusive.

use super::checker::check;
use super::fixtures::*;
use super::panel::{arguments, panel};
use gradcheck::strategies::{Exactness, graphs};
use gradcheck::{Entries, GradCheck, Report, SetupError, Verdict};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tape::Tensor;

/// The number of checks of each kind.
const CHECKS: [(&str, usize); 3] = [("graphs", 60_000), ("operations", 36_000), ("panel", 4_000)];

/// The largest share of checks that may be inconclusive.
const INCONCLUSIVE: f64 = 0.02;

/// The counts of the verdicts.
#[derive(Debug, Default)]
struct Tally {
    agree: usize,
    inconclusive: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, what: &dyn std::fmt::Display, report: &Report) {
        match report.verdict() {
            Verdict::Agree => self.agree += 1,
            Verdict::Inconclusive(_) => self.inconclusive += 1,
            Verdict::Disagree => self.wrong.push(format!("{what}\n{report}")),
        }
    }

    fn count(&self) -> usize {
        self.agree + self.inconclusive + self.wrong.len()
    }
}

/// Checks random graphs, with a few entries of each leaf.
fn check_graphs(count: usize) -> Tally {
    let config = Config { rng_seed: RngSeed::Fixed(0xfa15e), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let mut tally = Tally::default();
    while tally.count() < count {
        let spec = graphs(Exactness::Smooth).new_tree(&mut runner).unwrap().current();
        let program = spec.resolve();
        match program.gradcheck().entries(Entries::PerTensor(2)).run() {
            Ok(report) => tally.add(&spec, &report),
            Err(SetupError::Empty { .. }) => {}
            Err(error) => panic!("{spec}\n{error}"),
        }
    }
    tally
}

/// Checks every registered operation at its own operands, moved at random by a part of their size.
fn check_operations(count: usize) -> Tally {
    let mut tally = Tally::default();
    let subjects: Vec<Subject> = smooth().filter(|s| !s.fixed).collect();
    for round in 0.. {
        for Subject { name, op, x, .. } in &subjects {
            let mut random = Random::new(&format!("{name} {round}"));
            let x: Vec<Tensor> = x.iter().map(|x| x * &random.factors(x.shape())).collect();
            // There is nothing to check without elements, or if an operand has left the domain.
            let moved = Subject { name: name.clone(), op: op.clone(), x, fixed: false };
            if let Some(report) = check(&moved, 0.0, Entries::PerTensor(2)) {
                tally.add(name, &report);
            }
            if tally.count() >= count {
                return tally;
            }
        }
    }
    tally
}

/// Checks the panel of functions.
fn check_panel(count: usize) -> Tally {
    let mut tally = Tally::default();
    let rows = panel();
    for (name, f, _, range) in rows {
        for x in arguments(range, count.div_ceil(rows.len())) {
            let report = GradCheck::loss(|v| f(v.scalar("x"))).input("x", x).run().unwrap();
            tally.add(&format!("{name} at {x}"), &report);
        }
    }
    tally
}

#[test]
#[ignore = "100 000 checks: cargo test --release -p tests --test ops -- --ignored --nocapture no_false"]
fn no_false_disagreement_in_a_hundred_thousand_checks() {
    let checks: [fn(usize) -> Tally; 3] = [check_graphs, check_operations, check_panel];
    let mut all = Tally::default();
    for ((what, count), check) in CHECKS.into_iter().zip(checks) {
        let tally = check(count);
        println!(
            "{what}: {} checks, {} inconclusive, {} wrong",
            tally.count(),
            tally.inconclusive,
            tally.wrong.len()
        );
        all.agree += tally.agree;
        all.inconclusive += tally.inconclusive;
        all.wrong.extend(tally.wrong);
    }
    let share = all.inconclusive as f64 / all.count() as f64;
    println!("{} checks, {} wrong, {:.2} % inconclusive", all.count(), all.wrong.len(), 100.0 * share);
    assert!(all.wrong.is_empty(), "{}", all.wrong.join("\n"));
    assert!(all.count() >= 100_000 && share <= INCONCLUSIVE, "{} checks, {share}", all.count());
}
