//! A training step allocates nothing after warm-up: buffers, nodes and gradients are reused.
//!
//! The only allocation allowed in a step is the workspace of the matrix products, which the `gemm` crate
//! allocates and frees within a call; it is counted in the hand-written step, which allocates nothing else.

use benches::counting::{Counting, allocations};
use benches::scalar::{Lanes, ScalarMlp};
use benches::training::{Modules, Products, Recorded, Replayed, ReplayedModules, Task, Trainer};
use nn::data::{Dataset, Loader};
use nn::optim::Sgd;
use nn::{Context, Module, Param, Parameters, loss};
use rand::{SeedableRng, rngs::StdRng};
use tape::{Tensor, Var};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of one call, after five calls to warm up.
fn count(mut run: impl FnMut()) -> f64 {
    (0..5).for_each(|_| run());
    let before = allocations();
    (0..10).for_each(|_| run());
    (allocations() - before) as f64 / 10.0
}

#[test]
fn a_training_step_allocates_only_the_workspace_of_its_products() {
    for task in Task::all(true) {
        let mut products = Products::new(&task);
        let allowed = count(|| products.run());
        let mut recorded = Recorded::new(&task);
        let mut modules = Modules::new(&task);
        let tape = count(|| recorded.step());
        assert!(tape <= allowed, "{}: {tape} allocations a step, {allowed} allowed", task.name);
        let nn = count(|| modules.step());
        assert!(nn <= allowed, "{} with nn: {nn} allocations a step, {allowed} allowed", task.name);
        let (mut replayed, mut modules) = (Replayed::new(&task), ReplayedModules::new(&task));
        let tape = count(|| replayed.step());
        assert!(tape <= allowed, "{}, replayed: {tape} allocations a step, {allowed} allowed", task.name);
        let nn = count(|| modules.step());
        assert!(nn <= allowed, "{} with nn, replayed: {nn} a step, {allowed} allowed", task.name);
    }
}

/// The results are two tensors, whose buffers are reused, and a list of the gradients.
#[test]
fn a_program_over_lanes_allocates_nothing() {
    for problem in [ScalarMlp::new(100), ScalarMlp::new(1000)] {
        let ((program, wrt), operands) = (problem.program(), problem.operands());
        let operands: Vec<&Tensor> = operands.iter().collect();
        assert_eq!(count(|| drop(program.map_lanes(&operands))), 0.0, "the values");
        assert_eq!(count(|| drop(program.sum_lanes(&operands))), 0.0, "their sum");
        let derivatives = program.wrt(wrt);
        assert_eq!(count(|| drop(derivatives.sum_lanes(&operands))), 1.0, "the list of the gradients");
    }
}

/// One gain for each column: a model without products, which have a workspace.
#[derive(Clone, Debug, Parameters)]
struct Gains(Param);

impl Module for Gains {
    fn forward<'t>(&self, x: Var<'t>, _cx: &mut Context) -> Var<'t> {
        x * self.0.on(x.tape())
    }
}

#[test]
fn batches_and_the_steps_of_fit_allocate_nothing() {
    let x = Tensor::from_fn([64, 5], |at| (at[0] * 5 + at[1]) as f64 / 320.0);
    let data = Dataset::new(x.clone(), &x * 3.0).expect("as many targets as inputs");
    let mut rng = StdRng::seed_from_u64(0);
    let mut loader = Loader::new(&data, 8).expect("batches of 8");
    assert_eq!(count(|| loader.epoch(&mut rng).for_each(drop)), 0.0);
    // The allocation count before each step.
    let mut counts = Vec::with_capacity(10 * loader.len());
    nn::train::Trainer::new(10)
        .before_step(|step, _| counts.push((step.epoch, allocations())))
        .run(
            &mut Gains(Param::new([1.0; 5])),
            &mut Sgd::new(0.1).momentum(0.9),
            &mut loader,
            &mut rng,
            |a, y| loss::squared_error(a, y).mean(),
        )
        .expect("the loss stays finite");
    let inside = counts.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[0].0 > 1);
    let steps: Vec<usize> = inside.map(|pair| pair[1].1 - pair[0].1).collect();
    assert_eq!(steps, [0; 63]);
}
