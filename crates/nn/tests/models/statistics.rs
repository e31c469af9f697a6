//! The statistics that layers collect reach the model, whatever the training loop is.

use nn::optim::{Adam, Optimizer};
use nn::train::Shards;
use nn::{BatchNorm1d, Context, Linear, Module, Parameters, Path, Sequential, Tanh, loss, state_dict};
use rand::{SeedableRng, rngs::StdRng};
use tape::{Tape, Tensor};

const STEPS: usize = 300;

fn data() -> (Tensor, Tensor) {
    let x = Tensor::from_fn([16, 1], |i| 50.0 + 20.0 * (i[0] as f64 * 0.9).sin());
    let y = x.map_elements(|x| (x - 50.0) / 20.0);
    (x, y)
}

fn model() -> Sequential {
    let rng = &mut StdRng::seed_from_u64(3);
    Sequential::new()
        .push(BatchNorm1d::new(1))
        .push(Linear::new(1, 8, rng))
        .push(Tanh)
        .push(Linear::new(8, 1, rng))
}

fn evaluate(model: &Sequential) -> f64 {
    let (x, y) = data();
    let tape = Tape::new();
    loss::squared_error(model.forward(tape.constant(x), &mut Context::eval()), &y).mean().value()
}

/// The number of batches that a file of the model would state.
fn batches(model: &Sequential) -> f64 {
    let state = state_dict(model).into_iter();
    state.filter(|(name, _)| name == "0.num_batches_tracked").map(|(_, value)| value.item()).sum()
}

#[test]
fn a_step_applies_them() {
    let (x, y) = data();
    let (mut model, mut optimizer) = (model(), Adam::new(0.02));
    let (mut tape, mut cx, mut last) = (Tape::new(), Context::train(StdRng::seed_from_u64(0)), 0.0);
    for step in 1..=STEPS {
        let loss = loss::squared_error(model.forward(tape.constant(x.clone()), &mut cx), &y).mean();
        last = loss.value();
        let grads = loss.backward();
        tape.reset();
        optimizer.step(&mut model, &grads);
        assert_eq!(model.named_parameters()[4].1.value().item(), step as f64);
    }
    assert!(last < 1e-2, "training {last}");
    assert!(evaluate(&model) < 2e-2, "training {last}, evaluation {}", evaluate(&model));
}

#[test]
fn a_context_that_ends_before_the_step_loses_nothing() {
    let (x, y) = data();
    let (mut model, mut optimizer) = (model(), Adam::new(0.02));
    for step in 1..=STEPS {
        let grads = {
            let (tape, mut cx) = (Tape::new(), Context::train(StdRng::seed_from_u64(0)));
            loss::squared_error(model.forward(tape.constant(x.clone()), &mut cx), &y).mean().backward()
        };
        optimizer.step(&mut model, &grads);
        assert_eq!(batches(&model), step as f64);
    }
    assert!(evaluate(&model) < 2e-2, "evaluation {}", evaluate(&model));
}

#[test]
fn without_an_optimizer_evaluation_files_and_clones_see_them() {
    let (x, y) = data();
    let (mut model, mut cx) = (model(), Context::train(StdRng::seed_from_u64(0)));
    for _ in 0..STEPS {
        let tape = Tape::new();
        let output = model.forward(tape.constant(x.clone()), &mut cx);
        let grads = loss::squared_error(output, &y).mean().backward();
        model.visit_mut(&Path::root(), &mut |_, param| {
            if param.is_trainable() {
                let gradient = grads.of(&*param);
                let weights = param.value_mut().as_mut_slice().iter_mut();
                weights.zip(gradient.to_vec()).for_each(|(w, g)| *w -= 0.1 * g);
            }
        });
    }
    assert!(evaluate(&model) < 2e-2, "evaluation {}", evaluate(&model));
    assert_eq!((batches(&model), batches(&model.clone())), (STEPS as f64, STEPS as f64));
    cx.discard();
    assert_eq!(batches(&model), 0.0, "no step has written them to the model");
}

#[test]
fn a_loaded_value_replaces_a_requested_one() {
    let ((x, _), mut model) = (data(), model());
    let before = state_dict(&model);
    model.forward(Tape::new().constant(x), &mut Context::train(StdRng::seed_from_u64(0)));
    assert_eq!(batches(&model), 1.0);
    nn::load_state_dict(&mut model, before.clone()).unwrap();
    assert_eq!(state_dict(&model), before);
}

#[test]
fn those_of_shards_are_applied_by_a_step_too() {
    let (x, y) = data();
    let (mut model, mut optimizer) = (model(), Adam::new(0.02));
    let mut shards = Shards::train(2, &mut StdRng::seed_from_u64(0)).unwrap();
    for step in 1..=STEPS {
        shards.backward(&model, &x, &y, |a, y| loss::squared_error(a, y).mean()).unwrap();
        optimizer.step(&mut model, shards.gradients());
        assert_eq!(batches(&model), step as f64);
    }
    assert!(evaluate(&model) < 5e-2, "evaluation {}", evaluate(&model));
}
