//! A training step allocates nothing once it is warm: buffers, nodes and gradients are used again.
//!
//! What a step may ask for is the workspace of the matrix products, which the `gemm` crate allocates and frees
//! within a call; it is counted in the hand-written step, which allocates nothing else.

use benches::counting::{Counting, allocations};
use benches::training::{Modules, Products, Recorded, Task, Trainer};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of one call after five to warm up.
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
    }
}
