//! A process that trains for long does not grow.

use nn::optim::{Optimizer, Sgd};
use nn::{Context, Linear, Module, Sequential, Tanh, loss};
use rand::{SeedableRng, rngs::StdRng};
use tape::{Tape, Tensor};

/// Pages of this process that are in memory, where the system tells.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse().ok()
}

/// The allowed growth of the process, in pages of 4 KiB: the allocator's own bookkeeping.
const SLACK: usize = 32;

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn the_process_is_as_large_after_100000_steps_as_after_10000() {
    let mut rng = StdRng::seed_from_u64(0);
    let mut model =
        Sequential::new().push(Linear::new(2, 3, &mut rng)).push(Tanh).push(Linear::new(3, 1, &mut rng));
    let (x, y) = (Tensor::from([[0.1, 0.9], [0.8, -0.3]]), Tensor::from([[0.5], [-0.5]]));
    let (mut tape, mut context, mut optimizer) = (Tape::new(), Context::eval(), Sgd::new(1e-5).momentum(0.5));
    let mut train = |steps: usize| {
        let mut value = f64::NAN;
        for _ in 0..steps {
            let loss = loss::squared_error(model.forward(tape.constant(x.clone()), &mut context), &y).mean();
            value = loss.value();
            let grads = loss.backward();
            tape.reset();
            optimizer.step(&mut model, &grads);
        }
        value
    };
    let early = train(10_000);
    let Some(before) = resident() else {
        println!("SKIPPED: /proc/self/statm does not tell how large this process is");
        return;
    };
    let late = train(90_000);
    let after = resident().expect("told a moment ago");
    assert!(late < early, "the loss goes on falling: {early} to {late}");
    assert!(after <= before + SLACK, "{before} pages after 10000 steps, {after} after 100000");
}
