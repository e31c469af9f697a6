//! Right gradients, compared with those of 32 digits: none is called wrong, and few are left open.

use crate::draws::{operands, weights};
use crate::tally::{Tally, soak};
use gradcheck::registry::{Apply, Twins, twins};
use gradcheck::strategies::{Exactness, graphs};
use gradcheck::{GradCheck, Inputs, Method, SetupError};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tape::internal::SplitMix64;
use tape::{Element, Tensor, Var};

/// The number of parts.
const PARTS: usize = 20;

/// The number of checks of each kind in a part.
const GRAPHS: usize = 2000;
const OPERATIONS: usize = 1500;
const PAIRS: usize = 1500;

/// The number of points at which a function of numbers is checked at once.
const POINTS: usize = 4;

/// Operands of a registered operation: inside the intervals of a function, as the case says for an operation on tensors.
pub(crate) fn drawn(twins: &Twins, rng: &mut SplitMix64) -> Vec<Tensor> {
    if twins.arguments.is_empty() {
        return operands(twins, rng);
    }
    let number = |rng: &mut SplitMix64, intervals: &[(f64, f64)]| {
        let (low, high) = intervals[rng.below(intervals.len())];
        low + (high - low) * rng.uniform()
    };
    // The second operand is as long as the first, or a number.
    let mut count = POINTS;
    let mut operand = |intervals: &[(f64, f64)]| {
        let x = Tensor::from_fn([count], |_| number(rng, intervals));
        count = if rng.uniform() < 0.5 { POINTS } else { 1 };
        x
    };
    twins.arguments.iter().map(|a| operand(a.interior)).collect()
}

/// Adds a check of inputs whose gradient may be zero. There is nothing to check without elements, or where the value is not
/// finite.
fn add(tally: &mut Tally, kind: &str, what: &str, check: GradCheck<'_>, x: &[Tensor]) {
    let check = x.iter().enumerate().fold(check, |check, (k, x)| {
        let name = format!("x{k}");
        check.input(&name, x.clone()).expect_zero(&name)
    });
    match check.method(Method::Precision).run() {
        Ok(report) => tally.add(kind, &what, &report),
        Err(SetupError::Empty { .. } | SetupError::NonFinite { .. }) => {}
        Err(error) => panic!("{what}: {error}"),
    }
}

fn check_graphs(seed: u64, tally: &mut Tally) {
    let config = Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let end = tally.count() + GRAPHS;
    while tally.count() < end {
        let spec = graphs(Exactness::Smooth).new_tree(&mut runner).unwrap().current();
        let program = spec.resolve();
        match program.gradcheck().method(Method::Precision).run() {
            Ok(report) => tally.add("graphs", &spec, &report),
            Err(SetupError::Empty { .. }) => {}
            Err(error) => panic!("{spec}\n{error}"),
        }
    }
}

/// All inputs of a check, in order.
fn all<'t, T: Element>(v: &Inputs<'t, T>, count: usize) -> Vec<Var<'t, T>> {
    (0..count).map(|k| v.at(k)).collect()
}

/// Checks every registered operation by itself.
fn check_operations(rng: &mut SplitMix64, tally: &mut Tally) {
    let subjects = twins();
    let end = tally.count() + OPERATIONS;
    for twins in subjects.iter().cycle() {
        if tally.count() >= end {
            return;
        }
        let x = drawn(twins, rng);
        let n = x.len();
        let check = GradCheck::new(|v| twins.double.record(&all(v, n))).seed(rng.word());
        let check = check.exact(|v| twins.exact.record(&all(v, n)));
        add(tally, "operations", &format!("{twins:?} at {x:?}"), check, &x);
    }
}

/// Two operations in a graph: the result of the first moves all operands of the second by up to a tenth of their size, and both
/// meet in a product.
fn pair<'t, T: Element>(
    v: &Inputs<'t, T>,
    [first, second]: [&dyn Apply<T>; 2],
    weights: [&Tensor; 2],
    split: usize,
    count: usize,
) -> Var<'t, T> {
    let x = all(v, count);
    let (a, b) = x.split_at(split);
    let sized = |y: Var<'t, T>, w: &Tensor| (y * &w.cast::<T>()).sum().atan();
    let u = sized(first.record(a), weights[0]);
    let factor = u * T::from_f64(1.0 / 16.0) + T::ONE;
    let moved: Vec<Var<'t, T>> = b.iter().map(|&x| x * factor).collect();
    ((u + T::from_f64(2.0)) * sized(second.record(&moved), weights[1])).to_var()
}

/// Checks random pairs of registered operations.
fn check_pairs(rng: &mut SplitMix64, tally: &mut Tally) {
    let subjects = twins();
    let end = tally.count() + PAIRS;
    while tally.count() < end {
        let [a, b] = [0, 1].map(|_| &subjects[rng.below(subjects.len())]);
        let operands = [drawn(a, rng), drawn(b, rng)];
        let value = |twins: &Twins, x: &[Tensor]| twins.double.compute(&x.iter().collect::<Vec<_>>());
        let values = [value(a, &operands[0]), value(b, &operands[1])];
        // The second operation may refuse what the first makes of an infinite value.
        if !values.iter().all(|y| y.to_vec().iter().all(|y| y.is_finite())) {
            continue;
        }
        let w = values.each_ref().map(|y| weights(y, rng));
        let split = operands[0].len();
        let x = operands.concat();
        let (n, w) = (x.len(), [&w[0], &w[1]]);
        let check = GradCheck::new(|v| pair(v, [&*a.double, &*b.double], w, split, n));
        let check = check.exact(|v| pair(v, [&*a.exact, &*b.exact], w, split, n));
        add(tally, "pairs", &format!("{a:?}, then {b:?} at {x:?}"), check, &x);
    }
}

#[test]
#[ignore = "100 000 checks: cargo test --release -p gradcheck --test double_double -- --ignored --nocapture no_false"]
fn no_false_disagreement_in_a_hundred_thousand_checks() {
    soak("precision", env!("CARGO_TARGET_TMPDIR"), PARTS, |part| {
        let (mut tally, rng) = (Tally::default(), &mut SplitMix64(0xd161 + part as u64));
        check_graphs(rng.word(), &mut tally);
        check_operations(rng, &mut tally);
        check_pairs(rng, &mut tally);
        tally
    });
}
