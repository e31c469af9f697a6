//! Tests of the code shared by all optimizers.

use super::schedule::{Constant, PiecewiseConstant, Schedule};
use super::{
    AdaDelta, AdaGrad, Adam, AdamW, Adamax, Asgd, GradientAccumulator, Lion, NAdam, Optimizer, RAdam,
    RmsProp, Rprop, Sgd, gradient_norm,
};
use crate::Param;
use crate::Parameters;
use tape::{Element, Gradients, Tape, Tensor};

/// One of each, with every kind of state.
fn all<T: Element>() -> Vec<(&'static str, Box<dyn Optimizer<T>>)> {
    vec![
        ("sgd", Box::new(Sgd::new(0.1).momentum(0.9).dampening(0.2).weight_decay(0.01))),
        ("adagrad", Box::new(AdaGrad::new(0.1).initial(0.5).rate_decay(0.1))),
        ("adadelta", Box::new(AdaDelta::new(1.0))),
        ("rmsprop", Box::new(RmsProp::new(0.01).centered().momentum(0.5))),
        ("adam", Box::new(Adam::new(0.01).amsgrad().clip_norm(0.1))),
        ("adamw", Box::new(AdamW::new(0.01).clip_value(0.1))),
        ("nadam", Box::new(NAdam::new(0.01).decoupled().weight_decay(0.1))),
        ("lion", Box::new(Lion::new(0.01).group(|name| name == "0", |group| group.lr_scale(0.5)))),
        ("radam", Box::new(RAdam::new(0.01).betas(0.9, 0.8).decoupled().weight_decay(0.1))),
        ("adamax", Box::new(Adamax::new(0.01).clip_norm(0.1))),
        ("rprop", Box::new(Rprop::new(0.01).etas(0.4, 1.3))),
        ("asgd", Box::new(Asgd::new(0.01).decay(0.1).average_from(3))),
    ]
}

fn model<T: Element>() -> Vec<Param<T>> {
    let tensor = |x: &[f64]| Tensor::from(x).cast::<T>();
    vec![Param::new(tensor(&[1.0, -2.0, 0.5])), Param::new(tensor(&[3.0]))]
}

/// Gradients of `Σ w⁴ / 4 + Σ w`, under which no weight comes to rest.
fn gradients<T: Element>(model: &[Param<T>]) -> Gradients<T> {
    let tape = Tape::of();
    let term = |w: &Param<T>| {
        let w = w.on(&tape);
        (w * w * w * w * T::from_f64(0.25) + w).sum()
    };
    model.iter().map(term).reduce(|a, b| a + b).expect("there are parameters").backward()
}

fn values<T: Element>(model: &[Param<T>]) -> Vec<u64> {
    model.iter().flat_map(|w| w.value().to_vec()).map(T::to_bits64).collect()
}

/// Five steps and, after saving and restoring, five more are ten steps.
fn resumes_exactly<T: Element>() {
    for ((name, mut optimizer), (_, mut resumed)) in all::<T>().into_iter().zip(all::<T>()) {
        let mut straight = model::<T>();
        let run = |optimizer: &mut Box<dyn Optimizer<T>>, model: &mut Vec<Param<T>>| {
            for _ in 0..5 {
                let grads = gradients(model);
                optimizer.step(model, &grads);
            }
        };
        run(&mut optimizer, &mut straight);
        let mut copy = straight.clone();
        resumed.set_learning_rate(99.0);
        assert_eq!(resumed.restore(&copy, optimizer.save(&straight)), Ok(()), "{name}");
        assert_eq!(resumed.learning_rate(), optimizer.learning_rate(), "{name}");
        run(&mut optimizer, &mut straight);
        run(&mut resumed, &mut copy);
        assert_eq!(values(&copy), values(&straight), "{name}");
    }
}

#[test]
fn a_resumed_run_takes_the_same_steps() {
    resumes_exactly::<f64>();
    resumes_exactly::<f32>();
}

#[test]
fn a_step_writes_in_place() {
    for (name, mut optimizer) in all::<f64>() {
        let mut model = model();
        let place = |model: &[Param]| model[0].value().as_slice().map(<[f64]>::as_ptr);
        let (before, grads) = (place(&model), gradients(&model));
        optimizer.step(&mut model, &grads);
        assert_eq!(place(&model), before, "{name}");
    }
}

#[test]
fn state_of_another_model_is_refused_and_nothing_changes() {
    let mut small = vec![Param::new([1.0])];
    let mut large = model();
    let (mut optimizer, mut other) = (Adam::new(0.1), Adam::new(0.2));
    let grads = gradients(&large);
    optimizer.step(&mut large, &grads);
    let saved = optimizer.save(&large);
    let error = other.restore(&small, saved.clone()).unwrap_err().to_string();
    assert_eq!(error, "unexpected numbers: 1.steps, 1.product");
    let mut lacking = saved.clone();
    lacking.tensors.remove(0);
    assert_eq!(other.restore(&large, lacking).unwrap_err().to_string(), "missing tensors: 0.mean");
    let error = Adam::<f64>::new(0.1).amsgrad().restore(&large, saved).unwrap_err().to_string();
    assert_eq!(error, "missing tensors: 0.largest_square_mean, 1.largest_square_mean");
    assert_eq!(other.learning_rate(), 0.2);
    let grads = gradients(&small);
    other.step(&mut small, &grads);
    assert!((small[0].value().item() - 0.8).abs() < 1e-8);
}

#[test]
fn the_first_group_that_selects_a_parameter_counts() {
    let mut model = vec![Param::new([1.0]), Param::new([1.0]), Param::new([1.0])];
    let mut optimizer = Sgd::new(0.1)
        .momentum(0.5)
        .group(|name| name == "0", |group| group.lr_scale(2.0))
        .group(|name| name < "2", |group| group.momentum(0.0).weight_decay(1.0));
    for _ in 0..2 {
        let grads = {
            let tape = Tape::new();
            model.iter().map(|w| w.on(&tape).sum()).reduce(|a, b| a + b).expect("three").backward()
        };
        optimizer.step(&mut model, &grads);
    }
    // Momentum at twice the rate; decay, which makes the gradients 2 and 1.8; momentum.
    let expected = [0.5, 0.8 - 0.1 * 1.8, 0.75];
    for (w, expected) in model.iter().zip(expected) {
        assert!((w.value().item() - expected).abs() < 1e-15, "{} for {expected}", w.value().item());
    }
}

#[test]
fn a_parameter_keeps_its_own_count_of_steps() {
    let mut model: Vec<Param> = vec![Param::new([1.0]), Param::new([1.0])];
    let mut optimizer = Adam::new(0.1);
    for _ in 0..3 {
        let grads = gradients(&model[..1]);
        optimizer.step(&mut model, &grads);
    }
    assert_eq!(model[1].value().item(), 1.0);
    let grads = gradients(&model);
    optimizer.step(&mut model, &grads);
    let saved = optimizer.save(&model);
    assert_eq!((saved.number("0.steps"), saved.number("1.steps")), (Some(4.0), Some(1.0)));
    // The first step of Adam has the length of the learning rate.
    assert!((model[1].value().item() - 0.9).abs() < 1e-8);
}

#[test]
fn clipping_by_norm_keeps_the_direction_and_by_value_does_not() {
    let clipped = |mut optimizer: Sgd| {
        let mut model = vec![Param::new([3.0, 0.0]), Param::new([-4.0])];
        let tape = Tape::new();
        let grads = (model[0].on(&tape).square().sum() + model[1].on(&tape).square().sum()).backward();
        drop(tape);
        let norm = gradient_norm(&model, &grads);
        optimizer.step(&mut model, &grads);
        let steps: Vec<f64> = model.iter().flat_map(|w| w.value().to_vec()).collect();
        (norm, [3.0 - steps[0], -steps[1], -4.0 - steps[2]])
    };
    assert_eq!(clipped(Sgd::new(1.0)), (10.0, [6.0, 0.0, -8.0]));
    assert_eq!(clipped(Sgd::new(1.0).clip_norm(10.0)).1, [6.0, 0.0, -8.0]);
    let (_, [a, b, c]) = clipped(Sgd::new(1.0).clip_norm(5.0));
    assert!((a - 3.0).abs() < 1e-15 && b == 0.0 && (c + 4.0).abs() < 1e-15);
    assert_eq!(clipped(Sgd::new(1.0).clip_value(7.0)).1, [6.0, 0.0, -7.0]);
    assert_eq!(clipped(Sgd::new(1.0).clip_value(5.0)).1, [5.0, 0.0, -5.0]);
}

#[test]
fn accumulated_gradients_of_frozen_parameters_are_not_there() {
    let mut model = model::<f64>();
    let grads = gradients(&model);
    model[0].freeze();
    let mut sum = GradientAccumulator::new();
    sum.add(&model, &grads, 2.0);
    sum.add(&model, &grads, 1.0);
    let before = model[0].value().clone();
    Sgd::new(0.1).step(&mut model, &sum);
    assert_eq!(model[0].value(), &before);
    assert!((model[1].value().item() - (3.0 - 0.1 * 3.0 * 28.0)).abs() < 1e-14);
    assert_eq!(model.count(), 1);
}

#[test]
fn schedules_compose() {
    let listed = PiecewiseConstant { base: 1.0, changes: vec![(5, 0.1), (3, 0.5)] };
    let warm = listed.warm_up(1);
    assert_eq!([0, 1, 3, 4, 6].map(|k| warm.at(k)), [0.5, 1.0, 1.0, 0.5, 0.1]);
    let own = |k: u64| 1.0 / (k + 1) as f64;
    assert_eq!([own.at(3), Constant(0.3).at(7)], [0.25, 0.3]);
}

/// 0 / 0: with an ordinary gradient the result is written; with one that is not, nothing is. Both are errors.
#[test]
fn a_division_by_zero_shows_in_the_weight() {
    let step = |gradient: f64| {
        let mut w = [Param::<f64>::new([1.0, 2.0])];
        let tape = Tape::of();
        let loss = (w[0].on(&tape) * tape.constant([0.0, gradient])).sum();
        let refused = AdaGrad::new(0.1).eps(0.0).try_step(&mut w, &loss.backward()).is_err();
        assert!(refused, "{gradient}");
        w[0].value().to_vec()
    };
    let written = step(1.0);
    assert!(written[0].is_nan() && (written[1] - 1.9).abs() < 1e-12, "{written:?}");
    assert_eq!(step(1e300), [1.0, 2.0]);
}
