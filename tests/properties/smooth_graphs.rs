//! Graphs of functions with derivatives of all orders: gradients lie in the intervals of the checker, and graphs of
//! scalars equal graphs of tensors.

use crate::coverage::Coverage;
use gradcheck::strategies::{Exactness, graphs};
use gradcheck::{Entries, Entry, SetupError, Verdict};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use tape::{Scalar, Tape, Tensor};
use tests::naive::{Decisions, interpret, leaves, numbers};
use tests::properties::check;

/// The tolerance for two orders of the same sums and two libraries of functions, a few dozen roundings in a row, relative
/// to the largest element. In a hundred thousand graphs the largest difference was 1e-12; a wrong slope is far larger.
const ROUNDING: f64 = 1e-10;

/// The entries of each leaf that are compared.
const ENTRIES: Entries = Entries::PerTensor(8);

/// The largest share of checks that may be inconclusive.
const INCONCLUSIVE: f64 = 0.02;

/// The smallest share of graphs with a gradient that is not zero and agrees.
const TELLING: f64 = 0.8;

#[test]
fn gradients_lie_in_the_intervals_of_differences() {
    let coverage = RefCell::new(Coverage::default());
    let telling_graphs = Cell::new(0_usize);
    let (checked, reasons) = (Cell::new(0_usize), RefCell::new(BTreeMap::<String, usize>::new()));
    check(256, graphs(Exactness::Smooth), |spec| {
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
fn graphs_of_scalars_equal_graphs_of_tensors() {
    let [worst, worst_value] = [const { Cell::new(0.0_f64) }; 2];
    check(512, graphs(Exactness::Smooth), |spec| {
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
        let record =
            |x: &Tensor| x.to_vec().into_iter().map(|x| numbers.scalar(x)).collect::<Vec<Scalar<'_>>>();
        let leaves: Vec<Vec<Scalar<'_>>> = program.leaves.iter().map(record).collect();
        let scalars = interpret(&program, &leaves, |c| numbers.scalar_constant(c), &mut Decisions::default());
        let found: Vec<f64> = scalars.loss.backward().wrt(leaves).concat();
        let expected = recorded.loss.backward().wrt(recorded.leaves);
        let expected: Vec<f64> = expected.iter().flat_map(Tensor::to_vec).collect();
        let scale = expected.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
        for (found, expected) in found.into_iter().zip(expected) {
            let error = (found - expected).abs() / scale;
            worst.set(worst.get().max(error));
            prop_assert!(error <= ROUNDING, "gradient {found} with scalars, {expected} with tensors");
        }
        Ok(())
    });
    println!("largest distance of values {:.1e}, of gradients {:.1e}", worst_value.get(), worst.get());
}

/// Graphs whose right gradients were once called wrong, as they were printed.
mod pasted {
    use super::*;
    use gradcheck::Entries;
    use gradcheck::strategies::{BinaryFn, GraphSpec, Movement, Opcode::*, Reduction, Scan, UnaryFn};

    fn is_not_wrong(spec: GraphSpec) {
        let report = spec.resolve().gradcheck().run().unwrap();
        assert!(matches!(report.verdict(), Verdict::Agree | Verdict::Inconclusive(_)), "{report}");
    }

    #[test]
    fn rounding_left_where_a_derivative_is_zero() {
        is_not_wrong(
            GraphSpec::new(Exactness::Smooth)
                .leaf([], [16])
                .node(MatMul, [0, 0], 0, -83)
                .node(Scan(Scan::Softmax), [1, 0], 1, 0)
                .cotangent([16, 16, -16]),
        );
    }

    #[test]
    fn contributions_that_cancel_inside_the_sweep() {
        is_not_wrong(
            GraphSpec::new(Exactness::Smooth)
                .leaf([], [16])
                .node(Unary(UnaryFn::Atanh), [0, 0], 0, 0)
                .node(Unary(UnaryFn::Tan), [0, 0], 0, 0)
                .node(Binary(BinaryFn::Sub), [1, 2], 0, 0)
                .cotangent([16]),
        );
    }

    #[test]
    fn a_step_between_the_nodes_of_a_quadrature() {
        let first = [
            -40, -46, -22, 35, -22, 40, 28, 15, -29, 6, -24, -40, -21, -30, -16, -33, 7, -17, -39, -39, 21,
            0, 39, -41, -42, -9, -19, -33, -41, -36,
        ];
        let last = [-31, -33, -45, -6, 3, 33, -41, -31, -36, 21, 44, 42, -36, -13, -14, 40, 25, -37, -4, 0];
        is_not_wrong(
            GraphSpec::new(Exactness::Smooth)
                .leaf([2, 3, 5], first)
                .leaf([1, 1], [9])
                .leaf([2, 2, 5], last)
                .node(Unary(UnaryFn::Softplus), [0, 0], 243, -123)
                .node(MatMul, [3, 2], 129, -5)
                .node(Unary(UnaryFn::Sin), [4, 1], 0, 127)
                .node(Binary(BinaryFn::Div), [5, 0], 230, 69)
                .node(Reduce(Reduction::Mean), [6, 5], 205, 115)
                .node(Reduce(Reduction::Prod), [7, 4], 112, 14)
                .node(Reduce(Reduction::Prod), [0, 5], 67, 49)
                .node(Unary(UnaryFn::Sigmoid), [9, 7], 101, -109)
                .cotangent([-26, 26, 27, 43, 25, 4, 35, -42, -27, -32, -14, 30, -29, 33, 13, -11]),
        );
    }

    #[test]
    fn a_difference_that_absorbs_the_argument_of_one_term() {
        let leaf = [
            -16, 16, 16, 16, -16, 16, -16, -16, -16, -16, 16, -16, -16, -16, -16, 16, -16, -16, -16, -40,
            -37, -16, -27, 16, -27,
        ];
        let spec = GraphSpec::new(Exactness::Smooth)
            .leaf([5, 5, 1], leaf)
            .node(Binary(BinaryFn::Add), [0, 0], 0, 0)
            .node(MatMul, [0, 0], 0, 1)
            .node(Binary(BinaryFn::LogAddExp), [2, 1], 0, 0)
            .node(Binary(BinaryFn::Sub), [3, 2], 0, 0)
            .cotangent([16]);
        for entries in [Entries::All, Entries::PerTensor(8)] {
            let report = spec.resolve().gradcheck().entries(entries).run().unwrap();
            assert!(matches!(report.verdict(), Verdict::Agree | Verdict::Inconclusive(_)), "{report}");
        }
    }

    #[test]
    fn tangents_that_cancel_inside_the_forward_sweep() {
        let cotangent = [
            -36, 48, 25, -29, -1, -18, -47, -28, 28, 6, 37, -9, 30, 46, 11, 16, 38, 1, -43, -22, 11, -4, -25,
            7, 10, -18, 13, -25, -17, 1, -17, -14, -13, -31, 15, -1, -43, -48, 9, 44, -21, -5, 22, 3, 10,
            -45, -2, -24, 34, 11,
        ];
        let spec = GraphSpec::new(Exactness::Smooth)
            .leaf([], [39])
            .leaf([2], [-37, 48])
            .leaf([1, 1], [-32])
            .node(Binary(BinaryFn::LogAddExp), [1, 1], 151, -48)
            .node(Binary(BinaryFn::Div), [3, 3], 227, -77)
            .node(Movement(Movement::Flip), [4, 1], 80, -59)
            .node(Binary(BinaryFn::Mul), [5, 0], 78, 121)
            .node(Reduce(Reduction::Mean), [6, 6], 154, -120)
            .node(Reduce(Reduction::LogSumExp), [7, 2], 220, 103)
            .node(Unary(UnaryFn::Square), [8, 6], 7, 10)
            .node(Movement(Movement::Broadcast), [3, 8], 74, -53)
            .node(Scan(Scan::Softmax), [10, 3], 122, -83)
            .node(Reduce(Reduction::Mean), [11, 1], 195, -19)
            .cotangent(cotangent);
        for entries in [Entries::All, Entries::PerTensor(2)] {
            let report = spec.resolve().gradcheck().entries(entries).run().unwrap();
            assert!(matches!(report.verdict(), Verdict::Agree | Verdict::Inconclusive(_)), "{report}");
        }
    }
}
