//! Graphs of functions with derivatives of all orders: gradients lie in the intervals of the checker, and numbers give
//! what tensors give.

use crate::coverage::Coverage;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use tape::gradcheck::{Entries, Entry, SetupError, Verdict};
use tape::strategies::{Track, graphs};
use tape::{Scalar, Tape, Tensor};
use tests::naive::{Decisions, interpret, leaves, numbers};
use tests::properties::check;

/// Two orders of the same sums, and two libraries of functions, a few dozen roundings in a row, relative to the largest
/// element. In a hundred thousand graphs they were 1e-12 apart at most; a wrong slope is much further off.
const ROUNDING: f64 = 1e-10;

/// So many of each leaf are compared.
const ENTRIES: Entries = Entries::PerTensor(8);

/// At most this part of the checks may find that it cannot tell.
const INCONCLUSIVE: f64 = 0.02;

/// At least this part of the graphs must have a gradient that is not zero, and agrees.
const TELLING: f64 = 0.8;

#[test]
fn gradients_lie_in_the_intervals_of_differences() {
    let coverage = RefCell::new(Coverage::default());
    let telling_graphs = Cell::new(0_usize);
    let (checked, reasons) = (Cell::new(0_usize), RefCell::new(BTreeMap::<String, usize>::new()));
    check(256, graphs(Track::Smooth), |spec| {
        let program = spec.resolve();
        coverage.borrow_mut().add(&program);
        let report = match program.gradcheck().entries(ENTRIES).run() {
            Ok(report) => report,
            Err(SetupError::Empty { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let telling = |entry: &Entry| entry.analytic != 0.0 && entry.verdict == Verdict::Agree;
        telling_graphs.set(telling_graphs.get() + usize::from(report.entries().iter().any(telling)));
        checked.set(checked.get() + 1);
        match report.verdict() {
            Verdict::Agree => {}
            Verdict::Disagree => prop_assert!(false, "{report}"),
            Verdict::Inconclusive(why) => {
                println!("{spec}\n{report}");
                let reason = format!("{why:?}").split([' ', '{']).next().unwrap_or_default().to_owned();
                *reasons.borrow_mut().entry(reason).or_default() += 1;
            }
        }
        Ok(())
    });
    let (checked, reasons) = (checked.get(), reasons.into_inner());
    let share = reasons.values().sum::<usize>() as f64 / checked as f64;
    let telling_graphs = telling_graphs.get();
    assert!(
        telling_graphs as f64 >= TELLING * checked as f64,
        "{telling_graphs} of {checked} have a gradient"
    );
    println!(
        "{checked} checks, {telling_graphs} with a gradient, inconclusive {:.1} %: {reasons:?}",
        100.0 * share
    );
    assert!(share <= INCONCLUSIVE, "{share} of the checks are inconclusive: {reasons:?}");
    coverage.into_inner().of_smooth_graphs();
}

#[test]
fn graphs_of_numbers_equal_graphs_of_tensors() {
    let [worst, worst_value] = [const { Cell::new(0.0_f64) }; 2];
    check(512, graphs(Track::Smooth), |spec| {
        let program = spec.resolve();
        let naive = numbers(&program, &leaves(&program), &mut Decisions::default());
        let tape = Tape::new();
        let recorded = program.record(&tape);
        for (node, (step, expected)) in recorded.nodes.iter().zip(program.steps.iter().zip(&naive.steps)) {
            let value = node.value();
            prop_assert_eq!(value.shape(), &step.shape);
            let scale = expected.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
            for (found, expected) in value.to_vec().into_iter().zip(expected) {
                let error = (found - expected).abs() / scale;
                worst_value.set(worst_value.get().max(error));
                prop_assert!(error <= ROUNDING, "{:?}: {found}, expected {expected}", step.action);
            }
        }
        let numbers = Tape::new();
        let place =
            |x: &Tensor| x.to_vec().into_iter().map(|x| numbers.scalar(x)).collect::<Vec<Scalar<'_>>>();
        let leaves: Vec<Vec<Scalar<'_>>> = program.leaves.iter().map(place).collect();
        let scalars = interpret(&program, &leaves, |c| numbers.number(c), &mut Decisions::default());
        let found: Vec<f64> = scalars.loss.backward().wrt(leaves).concat();
        let expected = recorded.loss.backward().wrt(recorded.leaves);
        let expected: Vec<f64> = expected.iter().flat_map(Tensor::to_vec).collect();
        let scale = expected.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
        for (found, expected) in found.into_iter().zip(expected) {
            let error = (found - expected).abs() / scale;
            worst.set(worst.get().max(error));
            prop_assert!(error <= ROUNDING, "gradient {found} with numbers, {expected} with tensors");
        }
        Ok(())
    });
    println!("largest distance of values {:.1e}, of gradients {:.1e}", worst_value.get(), worst.get());
}

/// Graphs that failed once, as they were printed.
mod pasted {
    use super::*;
    use tape::strategies::{GraphSpec, Opcode::*, Scan};

    #[test]
    fn rounding_left_where_a_derivative_is_zero_is_no_error() {
        let spec = GraphSpec::new(Track::Smooth)
            .leaf([], [16])
            .node(MatMul, [0, 0], 0, -83)
            .node(Scan(Scan::Softmax), [1, 0], 1, 0)
            .cotangent([16, 16, -16]);
        let report = spec.resolve().gradcheck().run().unwrap();
        assert!(matches!(report.verdict(), Verdict::Agree | Verdict::Inconclusive(_)), "{report}");
    }
}
