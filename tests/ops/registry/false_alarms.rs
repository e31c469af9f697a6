//! The gradient checker on right gradients: it must never disagree, and seldom be inconclusive.

use super::checker::check;
use super::fixtures::*;
use super::panel::{arguments, panel};
use super::tally::{Tally, soak};
use gradcheck::strategies::{Exactness, graphs};
use gradcheck::{Entries, GradCheck, SetupError};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tape::Tensor;

/// The number of parts.
const PARTS: usize = 20;

/// The number of checks of each kind in a part.
const GRAPHS: usize = 3000;
const OPERATIONS: usize = 1800;
const PANEL: usize = 210;

/// Checks random graphs, with a few entries of each leaf.
fn check_graphs(part: usize, tally: &mut Tally) {
    let config = Config { rng_seed: RngSeed::Fixed(0xfa15e + part as u64), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let end = tally.count() + GRAPHS;
    while tally.count() < end {
        let spec = graphs(Exactness::Smooth).new_tree(&mut runner).unwrap().current();
        let program = spec.resolve();
        match program.gradcheck().entries(Entries::PerTensor(2)).run() {
            Ok(report) => tally.add("graphs", &spec, &report),
            Err(SetupError::Empty { .. }) => {}
            Err(error) => panic!("{spec}\n{error}"),
        }
    }
}

/// Checks every registered operation at its own operands, moved at random by a part of their size.
fn check_operations(part: usize, tally: &mut Tally) {
    let subjects: Vec<Subject> = smooth().filter(|s| !s.fixed).collect();
    let end = tally.count() + OPERATIONS;
    // A part goes on where the one before ended.
    let moves = (0..).flat_map(|round| subjects.iter().map(move |subject| (round, subject)));
    for (round, Subject { name, op, x, .. }) in moves.skip(part * OPERATIONS) {
        if tally.count() >= end {
            return;
        }
        let mut random = Random::new(&format!("{name} {round}"));
        let x: Vec<Tensor> = x.iter().map(|x| x * &random.factors(x.shape())).collect();
        // There is nothing to check without elements, or if an operand has left the domain.
        let moved = Subject { name: name.clone(), op: op.clone(), x, fixed: false };
        if let Some(report) = check(&moved, 0.0, Entries::PerTensor(2)) {
            tally.add("operations", name, &report);
        }
    }
}

/// Checks the panel of functions.
fn check_panel(part: usize, tally: &mut Tally) {
    let rows = panel();
    let count = PANEL / rows.len();
    for (name, f, _, range) in rows {
        for x in arguments(range, PARTS * count).skip(part * count).take(count) {
            let report = GradCheck::loss(|v| f(v.scalar("x"))).input("x", x).run().unwrap();
            tally.add("panel", &format!("{name} at {x}"), &report);
        }
    }
}

#[test]
#[ignore = "100 000 checks: cargo test --release -p tests --test ops -- --ignored --nocapture no_false"]
fn no_false_disagreement_in_a_hundred_thousand_checks() {
    soak("differences", env!("CARGO_TARGET_TMPDIR"), PARTS, |part| {
        let mut tally = Tally::default();
        for check in [check_graphs, check_operations, check_panel] {
            check(part, &mut tally);
        }
        tally
    });
}
