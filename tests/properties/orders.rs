//! Derivatives up to order 3 in every order of modes: reverse and forward, recorded and plain, with respect to tensors and
//! scalars.

use gradcheck::strategies::{Exactness, Program, graphs};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::cell::Cell;
use tape::{Scalar, Tape, Tensor, Var};
use tests::naive::{Decisions, Dual, interpret, leaves};
use tests::properties::check;

/// A direction for each order of derivative: one tensor for each leaf.
type Directions = [Vec<Tensor>; 3];

/// A graph whose leaves are tensors, or scalars where their rank is 0.
struct Recording<'t> {
    tape: &'t Tape,
    /// The leaves, with tensors and scalars apart.
    leaves: (Vec<Var<'t>>, Vec<Scalar<'t>>),
    loss: Scalar<'t>,
}

/// Returns a direction of values that cost few bits, different for every order.
fn directions(program: &Program) -> Directions {
    [0, 1, 2].map(|order| {
        let mut steps = [1.0, -1.0, 2.0, 0.5, -2.0].into_iter().cycle().skip(2 * order);
        let towards = |x: &Tensor| Tensor::from_fn(x.shape(), |_| steps.next().unwrap_or(1.0));
        program.leaves.iter().map(towards).collect()
    })
}

impl<'t> Recording<'t> {
    fn new(tape: &'t Tape, program: &Program, numbers: bool) -> Recording<'t> {
        let recorded = program.record(tape);
        let is_number = |leaf: &Var<'t>| numbers && leaf.shape().rank() == 0;
        let (scalars, tensors): (Vec<_>, Vec<_>) = recorded.leaves.into_iter().partition(is_number);
        let leaves = (tensors, scalars.into_iter().map(Var::item).collect());
        Recording { tape, leaves, loss: recorded.loss }
    }

    /// Returns a direction in the form of the leaves.
    fn split(&self, direction: &[Tensor]) -> (Vec<Tensor>, Vec<f64>) {
        let is_number = |x: &&Tensor| !self.leaves.1.is_empty() && x.rank() == 0;
        let (numbers, tensors): (Vec<&Tensor>, Vec<&Tensor>) = direction.iter().partition(is_number);
        (tensors.into_iter().cloned().collect(), numbers.into_iter().map(Tensor::item).collect())
    }

    /// Returns the derivative of `y` along a direction, recorded: by a tangent or by a gradient.
    fn recorded(&self, y: Scalar<'t>, direction: &[Tensor], forward: bool) -> Scalar<'t> {
        let (tensors, numbers) = self.split(direction);
        if forward {
            let tensors = tensors.into_iter().map(|x| self.tape.constant(x)).collect();
            let numbers = numbers.into_iter().map(|x| self.tape.scalar_constant(x)).collect();
            return self.tape.pushforward(y, self.leaves.clone(), (tensors, numbers));
        }
        let (of_tensors, of_numbers) = y.grad(self.leaves.clone());
        let terms = of_tensors.iter().zip(&tensors).map(|(g, x)| (*g * x).sum());
        let terms = terms.chain(of_numbers.iter().zip(&numbers).map(|(g, x)| *g * *x));
        terms.fold(self.tape.scalar_constant(0.0), |sum, term| sum + term)
    }

    /// Returns the derivative of `y` along a direction, by a plain sweep.
    fn plain(&self, y: Scalar<'t>, direction: &[Tensor], forward: bool) -> f64 {
        let (tensors, numbers) = self.split(direction);
        if forward {
            return y.jvp(self.leaves.clone(), (tensors, numbers));
        }
        let (of_tensors, of_numbers) = y.backward().wrt(self.leaves.clone());
        let terms = of_tensors.iter().zip(&tensors).map(|(g, x)| (g * x).sum());
        terms.chain(of_numbers.iter().zip(&numbers).map(|(g, x)| g * x)).sum()
    }

    /// Computes the derivative of `y` along the remaining directions, in every order of modes, and passes each to `see`
    /// with the order and the modes (`true` for forward).
    fn derive(
        &self,
        y: Scalar<'t>,
        directions: &[Vec<Tensor>],
        modes: &mut Vec<bool>,
        see: &mut impl FnMut(f64, &[bool]) -> TestCaseResult,
    ) -> TestCaseResult {
        let Some((direction, rest)) = directions.split_first() else { return Ok(()) };
        for forward in [false, true] {
            modes.push(forward);
            see(self.plain(y, direction, forward), modes)?;
            let derivative = self.recorded(y, direction, forward);
            see(derivative.value(), modes)?;
            self.derive(derivative, rest, modes, see)?;
            modes.pop();
        }
        Ok(())
    }
}

/// Returns the derivatives of order 1, 2 and 3 along the directions, from a naive interpreter of dual numbers.
fn naive(program: &Program, directions: &Directions) -> [f64; 3] {
    type Third = Dual<Dual<Dual<f64>>>;
    let constant = |c: f64| -> Third {
        let first = |value| Dual { value, tangent: 0.0 };
        let second = |value| Dual { value: first(value), tangent: first(0.0) };
        Dual { value: second(c), tangent: second(0.0) }
    };
    let [u, v, w] = directions.each_ref().map(|list| list.iter().map(Tensor::to_vec).collect::<Vec<_>>());
    let mut x: Vec<Vec<Third>> = Vec::new();
    for (k, leaf) in leaves(program).into_iter().enumerate() {
        let dual = |(i, c)| {
            let mut x = constant(c);
            x.value.value.tangent = u[k][i];
            x.value.tangent.value = v[k][i];
            x.tangent.value.value = w[k][i];
            x
        };
        x.push(leaf.into_iter().enumerate().map(dual).collect());
    }
    let loss = interpret(program, &x, constant, &mut Decisions::default()).loss;
    [loss.value.value.tangent, loss.value.tangent.tangent, loss.tangent.tangent.tangent]
}

#[test]
fn of_exact_graphs_equal_those_of_a_naive_interpreter() {
    let curved = Cell::new([0_usize; 3]);
    check(400, graphs(Exactness::Exact).nodes(1..=8), |spec| {
        let program = spec.resolve();
        let directions = directions(&program);
        let expected = naive(&program, &directions);
        curved.set([0, 1, 2].map(|k| curved.get()[k] + usize::from(expected[k] != 0.0)));
        for numbers in [false, true] {
            let tape = Tape::new();
            let recording = Recording::new(&tape, &program, numbers);
            recording.derive(recording.loss, &directions, &mut Vec::new(), &mut |found, modes| {
                let expected = expected[modes.len() - 1];
                prop_assert!(found == expected, "forward {modes:?}: {found}, expected {expected}");
                Ok(())
            })?;
        }
        Ok(())
    });
    println!("graphs with a derivative of order 1, 2, 3: {:?}", curved.get());
    assert!(
        curved.get().iter().zip([200, 80, 16]).all(|(&count, least)| count >= least),
        "{:?}",
        curved.get()
    );
}

/// The tolerance for two orders of the same derivatives, relative to the largest.
const ROUNDING: f64 = 1e-8;

#[test]
fn of_smooth_graphs_do_not_depend_on_the_order_of_modes() {
    let worst = Cell::new(0.0_f64);
    check(128, graphs(Exactness::Smooth).nodes(1..=5), |spec| {
        let program = spec.resolve();
        let directions = directions(&program);
        let mut found: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
        for numbers in [false, true] {
            let tape = Tape::new();
            let recording = Recording::new(&tape, &program, numbers);
            recording.derive(recording.loss, &directions[..2], &mut Vec::new(), &mut |value, modes| {
                found[modes.len() - 1].push(value);
                Ok(())
            })?;
        }
        for (order, values) in found.iter().enumerate() {
            let scale = values.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
            for &value in values {
                let error = (value - values[0]).abs() / scale;
                worst.set(worst.get().max(error));
                prop_assert!(error <= ROUNDING, "order {}: {values:?}", order + 1);
            }
        }
        Ok(())
    });
    println!("largest distance {:.1e}", worst.get());
}
