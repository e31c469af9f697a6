//! Graphs that are computed without rounding: values and derivatives equal those of a naive interpreter, and
//! differences, to the bit.

use crate::coverage::Coverage;
use gradcheck::strategies::{Exactness, Layout, Program, graphs};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use tape::{Scalar, Tape, Tensor, Var};
use tests::naive::{Decisions, interpret, leaves, numbers};
use tests::properties::check;
use tests::steps::{bits, checked_sums};

/// Returns the derivative of the loss in one element of a leaf by central differences of step 1, exact for the degree of the
/// graph. The decisions are those of the graph as it is drawn.
fn difference(program: &Program, decisions: &Decisions, leaf: usize, element: usize) -> f64 {
    let at = |step: f64| {
        let mut x = leaves(program);
        x[leaf][element] += step;
        numbers(program, &x, &mut decisions.kept()).loss
    };
    let near = at(1.0) - at(-1.0);
    if program.degrees[leaf] <= 2 { near / 2.0 } else { (8.0 * near - (at(2.0) - at(-2.0))) / 12.0 }
}

fn differences(program: &Program, decisions: &Decisions) -> Vec<Tensor> {
    let of_leaf = |(leaf, x): (usize, &Tensor)| {
        let slopes = (0..x.size()).map(|element| difference(program, decisions, leaf, element)).collect();
        Tensor::from_vec(x.shape(), slopes).expect("as many differences as elements")
    };
    program.leaves.iter().enumerate().map(of_leaf).collect()
}

/// Returns a direction for forward mode, of values that cost no more bits.
fn tangents(program: &Program) -> Vec<Tensor> {
    let steps = [1.0, -1.0, 2.0, 0.5, -2.0];
    let tangent = |x: &Tensor| {
        let mut steps = steps.into_iter().cycle();
        Tensor::from_fn(x.shape(), |_| steps.next().unwrap_or(1.0))
    };
    program.leaves.iter().map(tangent).collect()
}

fn inner(a: &[Tensor], b: &[Tensor]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a * b).sum()).sum()
}

#[test]
fn values_and_gradients_equal_a_naive_interpreter_and_differences() {
    let coverage = RefCell::new(Coverage::default());
    check(1024, graphs(Exactness::Exact), |spec| {
        let program = spec.resolve();
        coverage.borrow_mut().add(&program);
        let mut decisions = Decisions::default();
        let naive = numbers(&program, &leaves(&program), &mut decisions);
        let tape = Tape::new();
        let recorded = program.record(&tape);
        for (node, (step, expected)) in recorded.nodes.iter().zip(program.steps.iter().zip(&naive.steps)) {
            let value = node.value();
            prop_assert_eq!(value.shape(), &step.shape);
            prop_assert_eq!(&value.to_vec(), expected, "{:?}", &step.action);
        }
        prop_assert_eq!(recorded.loss.value(), naive.loss);

        let expected = differences(&program, &decisions);
        let found = recorded.loss.backward().wrt(recorded.leaves.clone());
        prop_assert_eq!(&found, &expected, "reverse mode and differences");
        let again = recorded.loss.grad(recorded.leaves.clone());
        let again: Vec<Tensor> = again.iter().map(|g| g.value()).collect();
        prop_assert_eq!(&again, &expected, "the recorded gradient and differences");
        let dx = tangents(&program);
        let tangent = recorded.loss.jvp(recorded.leaves.clone(), dx.clone());
        prop_assert_eq!(tangent, inner(&expected, &dx), "forward mode and differences");
        Ok(())
    });
    coverage.into_inner().of_exact_graphs();
}

#[test]
fn graphs_of_scalars_equal_graphs_of_tensors() {
    check(512, graphs(Exactness::Exact), |spec| {
        let program = spec.resolve();
        let tape = Tape::new();
        let recorded = program.record(&tape);
        let numbers = Tape::new();
        let record =
            |x: &Tensor| x.to_vec().into_iter().map(|x| numbers.scalar(x)).collect::<Vec<Scalar<'_>>>();
        let leaves: Vec<Vec<Scalar<'_>>> = program.leaves.iter().map(record).collect();
        let scalars = interpret(&program, &leaves, |c| numbers.scalar_constant(c), &mut Decisions::default());
        prop_assert_eq!(scalars.loss.value(), recorded.loss.value());
        let (of_numbers, of_tensors) = (scalars.loss.backward(), recorded.loss.backward());
        for (leaf, numbers) in recorded.leaves.iter().zip(leaves) {
            prop_assert_eq!(of_numbers.wrt(numbers), of_tensors.wrt(*leaf).to_vec());
        }
        Ok(())
    });
}

/// Neither how a leaf lies in memory nor which leaves are differentiated changes a bit.
#[test]
fn layouts_and_constants_change_nothing() {
    check(256, graphs(Exactness::Exact), |spec| {
        let program = spec.resolve();
        let tape = Tape::new();
        let recorded = program.record(&tape);
        let expected = recorded.loss.backward().wrt(recorded.leaves.clone());
        for layout in [Layout::Transposed, Layout::Sliced] {
            let strided: Vec<Var<'_>> = program.leaves.iter().map(|x| tape.var(layout.of(x))).collect();
            let again = program.record_with(&strided, |_, _| None);
            prop_assert_eq!(again.loss.value(), recorded.loss.value(), "{:?}", layout);
            prop_assert_eq!(&again.loss.backward().wrt(strided), &expected, "{:?}", layout);
        }
        for (k, expected) in expected.iter().enumerate() {
            let record = |(i, x): (usize, &Tensor)| {
                if i == k { tape.var(x.clone()) } else { tape.constant(x.clone()) }
            };
            let alone: Vec<Var<'_>> = program.leaves.iter().enumerate().map(record).collect();
            let grads = program.record_with(&alone, |_, _| None).loss.backward();
            prop_assert_eq!(&grads.wrt(alone[k]), expected, "leaf {} alone", k);
        }
        Ok(())
    });
}

/// Observing a sweep changes no bit, on scalars and on tensors, and every step follows from those before it.
#[test]
fn the_steps_of_a_sweep_add_up_to_its_gradients() {
    let steps = Cell::new(0_usize);
    check(512, graphs(Exactness::Exact), |spec| {
        let program = spec.resolve();
        let tape = Tape::new();
        let recorded = program.record(&tape);
        let numbers = Tape::new();
        let record =
            |x: &Tensor| x.to_vec().into_iter().map(|x| numbers.scalar(x)).collect::<Vec<Scalar<'_>>>();
        let leaves: Vec<Vec<Scalar<'_>>> = program.leaves.iter().map(record).collect();
        let scalars = interpret(&program, &leaves, |c| numbers.scalar_constant(c), &mut Decisions::default());

        let sweep = recorded.loss.sweep();
        let (observed, plain) = (sweep.gradients().clone(), recorded.loss.backward());
        for (&leaf, found) in recorded.leaves.iter().zip(observed.wrt(recorded.leaves.clone())) {
            prop_assert_eq!(bits(&found), bits(&plain.wrt(leaf)));
        }
        let of_tensors = checked_sums(&sweep, true);
        let view = tape.view();
        let leaf_nodes = view.nodes().iter().filter(|node| node.op == "leaf");
        for (node, gradient) in leaf_nodes.zip(plain.wrt(recorded.leaves.clone())) {
            match of_tensors.get(&node.index) {
                Some(sum) => prop_assert_eq!(sum, &gradient),
                None => prop_assert!(gradient.iter().all(|&x| x == 0.0), "{}", node.label()),
            }
        }

        let sweep = scalars.loss.sweep();
        let of_scalars = checked_sums(&sweep, true);
        let (observed, plain) = (sweep.gradients().clone(), scalars.loss.backward());
        for (k, leaf) in leaves.into_iter().flatten().enumerate() {
            let gradient = plain.wrt(leaf);
            prop_assert_eq!(observed.wrt(leaf).to_bits(), gradient.to_bits());
            // The leaves are recorded first, so their indices count from 1.
            let sum = of_scalars.get(&(k + 1)).map_or(0.0, Tensor::item);
            prop_assert_eq!(sum, gradient);
        }
        steps.set(steps.get() + recorded.loss.sweep().steps().len() + sweep.steps().len());
        Ok(())
    });
    assert!(steps.get() > 10_000, "only {} steps were seen", steps.get());
}
