//! Training: `Trainer` against the plain loop, and each of its settings.

use nn::checkpoint::Checkpoint;
use nn::data::{Dataset, Loader};
use nn::functional::CrossEntropyOptions;
use nn::loss::cross_entropy_with_logits_and_options;
use nn::optim::schedule::{Goal, Plateau};
use nn::optim::{Adam, Optimizer, Sgd};
use nn::train::{EarlyStopping, History, Keep, OnNonFinite, StopReason, TrainError, Trainer};
use nn::{Context, Linear, Module, Param, Parameters, Sequential, Tanh, loss, mlp, state_dict};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::cell::RefCell;
use std::ops::ControlFlow;
use tape::{Tape, Tensor, Var};

fn parabola() -> Dataset {
    let x = Tensor::linspace(-1.0, 1.0, 12).reshape([12, 1]);
    Dataset::new(x.clone(), x.square()).unwrap()
}

fn network() -> Sequential {
    mlp(&[1, 4, 1], Tanh, nn::Identity, &mut StdRng::seed_from_u64(3))
}

fn mse<'t>(a: Var<'t>, y: &Tensor) -> tape::Scalar<'t> {
    loss::squared_error(a, y).mean()
}

/// The values of all parameters.
fn values(model: &impl Parameters) -> Vec<Vec<f64>> {
    state_dict(model).into_iter().map(|(_, value)| value.to_vec()).collect()
}

#[test]
fn fit_is_the_plain_loop() {
    let data = parabola();
    let noise = |x: &mut Tensor, rng: &mut dyn rand::Rng| {
        x.as_mut_slice().iter_mut().for_each(|x| *x += rng.random_range(-0.01..0.01));
    };
    let mut by_hand = network();
    let mut rng = StdRng::seed_from_u64(8);
    let mut cx = Context::train(StdRng::from_rng(&mut rng));
    let (mut tape, mut optimizer) = (Tape::new(), Sgd::new(0.1).momentum(0.5));
    let mut loader = Loader::new(&data, 5).unwrap().transform(noise);
    let mut losses = Vec::new();
    for _ in 0..4 {
        let mut sum = 0.0;
        for (x, y) in loader.epoch(&mut rng) {
            let x_rows = x.shape()[0];
            let loss = loss::squared_error(by_hand.forward(tape.constant(x), &mut cx), y).mean();
            sum += loss.value() * x_rows as f64;
            let grads = loss.backward();
            tape.reset();
            optimizer.step(&mut by_hand, &grads);
        }
        losses.push(sum / 12.0);
    }
    let mut model = network();
    let mut loader = Loader::new(&data, 5).unwrap().transform(noise);
    let (mut optimizer, mut rng) = (Sgd::new(0.1).momentum(0.5), StdRng::seed_from_u64(8));
    let report = Trainer::new(4).run(&mut model, &mut optimizer, &mut loader, &mut rng, mse).unwrap();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!((report.ended, report.skipped), (StopReason::Done, 0));
    let found = report.history.get("loss").unwrap();
    assert_eq!(found.len(), losses.len());
    for (found, expected) in found.iter().zip(&losses) {
        assert!((found - expected).abs() <= 1e-15, "{found} != {expected}");
    }
    assert!(report.best.is_some_and(|best| (best.1 - least).abs() <= 1e-15));
    assert_eq!(values(&model), values(&by_hand));
}

#[test]
fn validation_and_metrics_are_those_of_the_model_after_the_epoch() {
    let data = parabola();
    let held_out = data.take(&[1, 4]).unwrap();
    let mut model = network();
    let seen = RefCell::new(Vec::new());
    let report = Trainer::new(3)
        .validation(&held_out)
        .metric("first weight", |model| model.named_parameters()[0].1.value().to_vec()[0])
        .after_epoch(|epoch, _| {
            let error = nn::metrics::rmse(&epoch.model.predict(held_out.x()), held_out.y()).unwrap();
            seen.borrow_mut().push((epoch.number, error * error, epoch.value("first weight")));
            assert_eq!((epoch.epochs, epoch.history.len()), (3, epoch.number));
            assert!(epoch.value("no such column").is_nan());
            ControlFlow::Continue(())
        })
        .run(
            &mut model,
            &mut Sgd::new(0.1),
            &mut Loader::new(&data, 4).unwrap(),
            &mut StdRng::seed_from_u64(0),
            mse,
        )
        .unwrap();
    assert_eq!(report.history.names(), ["loss", "validation", "first weight"]);
    let validation = report.history.get("validation").unwrap();
    let weights = report.history.get("first weight").unwrap();
    for (i, &(epoch, error, weight)) in seen.borrow().iter().enumerate() {
        assert_eq!((epoch, weight), (i + 1, weights[i]));
        assert!((error - validation[i]).abs() < 1e-15);
    }
    assert_eq!(weights[2], values(&model)[0][0]);
    let least = validation.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(report.best.map(|best| best.1), Some(least));
}

#[test]
fn single_precision_trains_too() {
    let x = Tensor::<f32>::linspace(-1.0, 1.0, 12).reshape([12, 1]);
    let data = Dataset::new(x.clone(), &x * 2.0).unwrap();
    let mut model = Linear::<f32>::new(1, 1, &mut StdRng::seed_from_u64(0));
    let mut loader = Loader::new(&data, 4).unwrap();
    let report = Trainer::new(50)
        .keep(Keep::Best)
        .run(&mut model, &mut Sgd::new(0.3), &mut loader, &mut StdRng::seed_from_u64(0), |a, y| {
            loss::squared_error(a, y).mean()
        })
        .unwrap();
    assert!(report.best.is_some_and(|(_, loss)| loss < 1e-6));
    assert!((model.weight.value().item() - 2.0).abs() < 1e-3);
}

/// Trains with a metric that follows a script; the weights after each epoch, and the report.
fn scripted(
    fit: Trainer<'_>,
    script: &[f64],
    model: &mut Sequential,
) -> (Vec<Vec<Vec<f64>>>, nn::train::Report) {
    let weights = RefCell::new(Vec::new());
    let mut script = script.iter().copied();
    let report = fit
        .metric("script", |_| script.next().unwrap_or(f64::NAN))
        .after_epoch(|epoch, _| {
            let named = epoch.model.named_parameters();
            weights.borrow_mut().push(named.iter().map(|(_, param)| param.value().to_vec()).collect());
            ControlFlow::Continue(())
        })
        .run(
            model,
            &mut Sgd::new(0.1),
            &mut Loader::new(&parabola(), 4).unwrap(),
            &mut StdRng::seed_from_u64(0),
            mse,
        )
        .unwrap();
    (weights.into_inner(), report)
}

#[test]
fn training_ends_when_patience_does_and_keeps_the_best() {
    let script = [0.1, 0.5, 0.4, f64::NAN, 0.5, 0.9];
    let mut model = network();
    let fit = Trainer::new(6).watch("script", Goal::Maximize).patience(3).keep(Keep::Best);
    let (weights, report) = scripted(fit, &script, &mut model);
    assert_eq!((report.ended, weights.len(), report.history.len()), (StopReason::NoImprovement, 5, 5));
    assert_eq!(report.best, Some((2, 0.5)));
    assert_eq!(values(&model), weights[1]);
    assert_ne!(weights[1], weights[4]);
    let mut model = network();
    let (weights, report) =
        scripted(Trainer::new(6).watch("script", Goal::Minimize).patience(7), &script, &mut model);
    assert_eq!((report.ended, report.best), (StopReason::Done, Some((1, 0.1))));
    assert_eq!(values(&model), weights[5]);
    // No number at all is the best of nothing.
    let mut model = network();
    let fit = Trainer::new(2).watch("script", Goal::Minimize).keep(Keep::Best);
    let (weights, report) = scripted(fit, &[], &mut model);
    assert_eq!((report.best, values(&model)), (None, weights[1].clone()));
}

#[test]
fn the_average_is_that_of_the_epochs_asked_for() {
    let mut model = network();
    let (weights, _) = scripted(Trainer::new(4).keep(Keep::AverageFrom(2)), &[], &mut model);
    for (p, values) in values(&model).iter().enumerate() {
        for (i, value) in values.iter().enumerate() {
            let mean = (weights[1][p][i] + weights[2][p][i] + weights[3][p][i]) / 3.0;
            assert!((value - mean).abs() < 1e-15);
        }
    }
    let mut model = network();
    let (weights, _) = scripted(Trainer::new(2).keep(Keep::AverageFrom(3)), &[], &mut model);
    assert_eq!(values(&model), weights[1]);
}

/// Counts its forward passes in a buffer.
#[derive(Clone, Debug, Parameters)]
struct Counting {
    linear: Linear,
    passes: Param,
}

impl Module for Counting {
    fn forward<'t>(&self, x: Var<'t>, cx: &mut Context) -> Var<'t> {
        if cx.is_train() {
            let passes = &cx.get(&self.passes) + 1.0;
            cx.set(&self.passes, passes);
        }
        self.linear.forward(x, cx)
    }
}

fn counting() -> Counting {
    Counting { linear: Linear::from_values([[0.5]], [0.25]), passes: Param::buffer(0.0) }
}

/// Six batches of two, of which the third cannot be used.
fn poisoned() -> Dataset {
    let data = parabola();
    let mut x = data.x().clone();
    x.as_mut_slice()[5] = f64::INFINITY;
    Dataset::new(x, data.y().clone()).unwrap()
}

fn run(fit: Trainer<'_>, model: &mut Counting, data: &Dataset) -> Result<nn::train::Report, TrainError> {
    let mut loader = Loader::new(data, 2).unwrap().without_shuffle();
    fit.run(model, &mut Sgd::new(0.1).momentum(0.9), &mut loader, &mut StdRng::seed_from_u64(0), mse)
}

#[test]
fn a_loss_that_is_no_number_ends_training_before_the_step() {
    let (mut model, mut expected) = (counting(), counting());
    let error = run(Trainer::new(3), &mut model, &poisoned()).unwrap_err();
    assert_eq!(error.to_string(), "epoch 1, step 3: loss inf, expected a finite loss and gradient");
    run(Trainer::new(1), &mut expected, &parabola().take(&[0, 1, 2, 3]).unwrap()).unwrap();
    assert_eq!(values(&model), values(&expected));
    assert_eq!(model.passes.value().item(), 2.0);
}

#[test]
fn a_skipped_batch_leaves_no_trace() {
    let (mut model, mut expected) = (counting(), counting());
    let report = run(Trainer::new(3).on_non_finite(OnNonFinite::Skip), &mut model, &poisoned()).unwrap();
    let without: Vec<usize> = (0..12).filter(|i| !(4..6).contains(i)).collect();
    let clean = run(Trainer::new(3), &mut expected, &parabola().take(&without).unwrap()).unwrap();
    assert_eq!(values(&model), values(&expected));
    assert_eq!((report.skipped, report.history), (3, clean.history));
    let only = poisoned().take(&[4, 5]).unwrap();
    let error = run(Trainer::new(3).on_non_finite(OnNonFinite::Skip), &mut model, &only).unwrap_err();
    assert_eq!(error.to_string(), "epoch 1: no batch has a finite loss and gradient");
}

#[test]
fn the_best_weights_come_back_when_a_loss_is_no_number() {
    let breaking = |at: usize| {
        let mut calls = 0;
        move |x: &mut Tensor, _: &mut dyn rand::Rng| {
            calls += 1;
            if calls > at {
                x.as_mut_slice()[0] = f64::NAN;
            }
        }
    };
    let data = parabola();
    for (broken, (epoch, step), good) in [(20, (4, 3), 3), (7, (2, 2), 1), (0, (1, 1), 0)] {
        let mut model = counting();
        let mut loader = Loader::new(&data, 2).unwrap().without_shuffle().transform(breaking(broken));
        let (mut optimizer, mut rng) = (Sgd::new(0.1), StdRng::seed_from_u64(0));
        let fit = Trainer::new(5).on_non_finite(OnNonFinite::RestoreBest).keep(Keep::AverageFrom(1));
        let report = fit.run(&mut model, &mut optimizer, &mut loader, &mut rng, mse).unwrap();
        assert_eq!((report.ended, report.history.len()), (StopReason::NonFinite { epoch, step }, epoch - 1));
        assert_eq!(report.best.map_or(0, |best| best.0), good);
        let mut expected = counting();
        let mut loader = Loader::new(&data, 2).unwrap().without_shuffle();
        if good == 0 {
            assert_eq!(values(&model), values(&expected));
            continue;
        }
        Trainer::new(good).run(&mut expected, &mut Sgd::new(0.1), &mut loader, &mut rng, mse).unwrap();
        assert_eq!(values(&model), values(&expected));
    }
}

#[test]
fn a_gradient_that_is_no_number_counts_too() {
    let mut model = Linear::from_values([[0.0]], [0.0]);
    let data = Dataset::new(Tensor::ones([2, 1]), Tensor::ones([2, 1])).unwrap();
    let (mut loader, mut rng) = (Loader::new(&data, 2).unwrap(), StdRng::seed_from_u64(0));
    let error = Trainer::new(1)
        .run(&mut model, &mut Sgd::new(0.1), &mut loader, &mut rng, |a, _| a.sqrt().sum())
        .unwrap_err();
    assert_eq!(error, TrainError::NonFinite { epoch: 1, step: 1, loss: "0".into() });
    assert_eq!(model.weight.value().item(), 0.0);
}

#[test]
fn a_rate_that_makes_weights_infinite_ends_training_in_this_step() {
    let data = parabola();
    let with = |fit: Trainer<'_>| {
        let mut model = counting();
        let mut loader = Loader::new(&data, 2).unwrap().without_shuffle();
        let mut optimizer = Sgd::new(1e308);
        let result =
            fit.run(&mut model, &mut optimizer, &mut loader, &mut StdRng::seed_from_u64(0), |a, y| {
                loss::squared_error(a, y).mean() * 1e3
            });
        assert!(values(&model).iter().flatten().all(|w| w.is_finite()), "{:?}", values(&model));
        result
    };
    let error = with(Trainer::new(3)).unwrap_err();
    assert!(matches!(&error, TrainError::Step { epoch: 1, step: 1, .. }), "{error}");
    assert!(error.to_string().starts_with("epoch 1, step 1: sgd: expected a finite step of"), "{error}");
    let report = with(Trainer::new(3).on_non_finite(OnNonFinite::RestoreBest)).unwrap();
    assert_eq!(report.ended, StopReason::NonFinite { epoch: 1, step: 1 });
}

#[test]
fn callbacks_see_every_step_and_end_training() {
    let (steps, rates) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let mut model = network();
    let report = Trainer::new(9)
        .before_step(|step, optimizer| {
            steps.borrow_mut().push((step.number, step.epoch));
            assert_eq!(step.steps, 27);
            optimizer.set_learning_rate(1.0 / (step.number + 1) as f64);
        })
        .after_epoch(|epoch, optimizer| {
            rates.borrow_mut().push(optimizer.learning_rate());
            if epoch.number == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .run(
            &mut model,
            &mut Sgd::new(9.0),
            &mut Loader::new(&parabola(), 4).unwrap(),
            &mut StdRng::seed_from_u64(0),
            mse,
        )
        .unwrap();
    assert_eq!((report.ended, report.history.len()), (StopReason::ByCallback, 2));
    assert_eq!(*steps.borrow(), [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (5, 2)]);
    assert_eq!(*rates.borrow(), [1.0 / 3.0, 1.0 / 6.0]);
}

#[test]
fn schedules_and_checkpoints_are_callbacks() {
    let (mut plateau, mut checkpoint) = (Plateau::new(0.5).patience(0), Checkpoint::new());
    let (mut model, mut optimizer) = (network(), Adam::new(0.5));
    let (mut loader, mut rng) = (Loader::new(&parabola(), 4).unwrap(), StdRng::seed_from_u64(0));
    let mut script = [2.0, 1.0, 1.0, 0.5, 0.7].into_iter();
    let mut rates = Vec::new();
    Trainer::new(5)
        .metric("script", |_| script.next().unwrap_or(f64::NAN))
        .after_epoch(|epoch, optimizer| {
            optimizer.set_learning_rate(plateau.observe(epoch.value("script")));
            rates.push(optimizer.learning_rate());
            checkpoint.put_model("model", epoch.model);
            checkpoint.put("optimizer", optimizer.save(epoch.model));
            ControlFlow::Continue(())
        })
        .run(&mut model, &mut optimizer, &mut loader, &mut rng, mse)
        .unwrap();
    for (rate, expected) in rates.iter().zip([0.5, 0.5, 0.05, 0.05, 0.005]) {
        assert!((rate - expected).abs() < 1e-15, "{rates:?}");
    }
    let mut again = network();
    let mut its_optimizer = Adam::new(0.1);
    checkpoint.take_model("model", &mut again).unwrap();
    its_optimizer.restore(&again, checkpoint.take("optimizer").unwrap()).unwrap();
    assert_eq!(values(&again), values(&model));
    assert_eq!(its_optimizer.learning_rate(), rates[4]);
}

#[test]
fn every_callback_is_called_and_one_break_is_enough() {
    let called = RefCell::new(Vec::new());
    let callback = |name: &'static str, break_at: usize| {
        let called = &called;
        move |epoch: &nn::train::Epoch<'_>, _: &mut dyn Optimizer| {
            called.borrow_mut().push((name, epoch.number));
            if epoch.number == break_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    };
    let fit = Trainer::new(9).after_epoch(callback("first", 2)).after_epoch(callback("second", 5));
    let report = run(fit, &mut counting(), &parabola()).unwrap();
    assert_eq!(report.ended, StopReason::ByCallback);
    assert_eq!(*called.borrow(), [("first", 1), ("second", 1), ("first", 2), ("second", 2)]);
}

#[test]
fn patience_counts_epochs_in_a_row() {
    let observe = |stopping: EarlyStopping, values: &[f64]| {
        let mut stopping = stopping;
        values.iter().position(|&value| stopping.observe(value))
    };
    // A tie is no improvement.
    assert_eq!(observe(EarlyStopping::new(2), &[3.0, 4.0, 2.0, 2.0, 1.0, 1.0, 1.0, 0.0]), Some(6));
    let accuracy = EarlyStopping::new(1).goal(Goal::Maximize).min_change(0.5);
    assert_eq!(observe(accuracy, &[0.0, 1.0, 2.0, 2.5, 9.0]), Some(3));
    assert_eq!(observe(EarlyStopping::new(2), &[f64::NAN, 1.0, f64::NAN, f64::NAN]), Some(3));
}

#[test]
#[should_panic(expected = "early_stopping: expected a patience of 1 epoch or more, found 0")]
fn patience_is_an_epoch_or_more() {
    let _ = Trainer::<f64>::new(1).patience(0);
}

#[test]
fn a_change_that_is_no_distance_is_refused() {
    for change in [-0.5, f64::NAN, f64::INFINITY] {
        let payload = std::panic::catch_unwind(|| EarlyStopping::new(1).min_change(change)).unwrap_err();
        let expected = format!("early_stopping: expected a finite min_change, 0 or more, found {change}");
        assert_eq!(payload.downcast_ref(), Some(&expected));
    }
}

#[test]
fn buffers_are_not_averaged() {
    let mut model = counting();
    run(Trainer::new(3).keep(Keep::AverageFrom(1)), &mut model, &parabola()).unwrap();
    assert_eq!(model.passes.value().item(), 18.0);
}

#[test]
fn what_cannot_be_done_is_said_before_training() {
    let mut model = network();
    let mut run = |fit: Trainer<'_>, batch: usize| {
        let mut loader = Loader::new(&parabola(), batch).unwrap().drop_last();
        let (mut optimizer, mut rng) = (Sgd::new(0.1), StdRng::seed_from_u64(0));
        fit.run(&mut model, &mut optimizer, &mut loader, &mut rng, mse).unwrap_err().to_string()
    };
    assert_eq!(run(Trainer::new(1), 13), "12 samples do not fill a batch");
    let fit = Trainer::new(1).validation(&parabola()).metric("r2", |_| 0.0).watch("accuracy", Goal::Maximize);
    assert_eq!(run(fit, 4), "no metric is called \"accuracy\"; there are loss, validation, r2");
    assert_eq!(run(Trainer::new(0), 4), "fit: expected 1 epoch or more, found 0");
    let fit = Trainer::new(2).keep(Keep::AverageFrom(0));
    assert_eq!(run(fit, 4), "fit: expected an average from epoch 1 or later, found 0");
    let fit = Trainer::new(2).metric("loss", |_| 0.0).metric("r2", |_| 0.0);
    assert_eq!(run(fit, 4), "fit: expected columns of different names, found \"loss\" twice");
    // The loss of nothing is 0, which no later epoch would be better than.
    let fit = Trainer::new(2).validation(&parabola().take(&[]).unwrap());
    assert_eq!(run(fit, 4), "fit: expected 1 sample or more to validate with, found 0");
}

#[test]
fn the_loss_of_an_epoch_weighs_a_short_last_batch_by_its_samples() {
    let y = Tensor::from([[10f64.sqrt()], [-10f64.sqrt()], [3.0]]);
    let data = Dataset::new(Tensor::zeros([3, 1]), y).unwrap();
    let mut loader = Loader::new(&data, 2).unwrap().without_shuffle();
    let mut model: Linear = Linear::from_values([[1.0]], [0.0]);
    let mut rng = StdRng::seed_from_u64(0);
    let report = Trainer::new(1)
        .validation(&data)
        .run(&mut model, &mut Sgd::new(0.0), &mut loader, &mut rng, |a, y| loss::squared_error(a, y).mean())
        .unwrap();
    let [train, validation] = ["loss", "validation"].map(|name| report.history.last(name).unwrap());
    assert!(
        (train - validation).abs() < 1e-12,
        "loss {train}, validation of the same data and weights {validation}"
    );
}

/// How a loader makes its batches.
type Batching = for<'a> fn(Loader<'a>) -> Loader<'a>;

#[test]
fn the_loss_of_weights_that_do_not_move_is_the_validation_of_the_same_data() {
    let data = parabola();
    let batchings: [Batching; 2] = [|loader| loader, |loader| loader.merge_last()];
    for batch in [1, 2, 5, 7, 12, 50] {
        for batching in batchings {
            for sum in [false, true] {
                let mut loader = batching(Loader::new(&data, batch).unwrap());
                let (mut model, mut rng) = (network(), StdRng::seed_from_u64(1));
                let fit = Trainer::new(2).validation(&data);
                let fit = if sum { fit.loss_is_sum() } else { fit };
                let report = fit
                    .run(&mut model, &mut Sgd::new(0.0), &mut loader, &mut rng, |a, y| {
                        if sum {
                            loss::squared_error(a, y).sum() * 0.5
                        } else {
                            loss::squared_error(a, y).mean_over_samples() * 0.5
                        }
                    })
                    .unwrap();
                let [train, validation] =
                    ["loss", "validation"].map(|name| report.history.last(name).unwrap());
                assert!((train - validation).abs() < 1e-14, "{batch}: {train} != {validation}");
            }
        }
    }
}

#[test]
fn a_mean_over_some_of_the_samples_is_weighed_by_those() {
    let labels = [0.0, -1.0, 1.0, -1.0, -1.0, 0.0, 1.0];
    let data = Dataset::new(Tensor::linspace(-1.0, 1.0, 7).reshape([7, 1]), Tensor::from(labels)).unwrap();
    let run = |weight: fn(&Tensor) -> f64| {
        let mut model = mlp(&[1, 3, 2], Tanh, nn::Identity, &mut StdRng::seed_from_u64(3));
        let mut loader = Loader::new(&data, 3).unwrap().without_shuffle();
        let fit = Trainer::new(1).validation(&data).batch_weight(weight);
        let mut rng = StdRng::seed_from_u64(0);
        fit.run(&mut model, &mut Sgd::new(0.0), &mut loader, &mut rng, |z, y| {
            let labels: Vec<i64> = y.to_vec().iter().map(|&label| label as i64).collect();
            cross_entropy_with_logits_and_options(
                z,
                &labels,
                &CrossEntropyOptions { ignore: Some(-1), ..CrossEntropyOptions::default() },
            )
            .mean()
        })
    };
    let seen = |y: &Tensor| y.to_vec().iter().filter(|&&label| label >= 0.0).count() as f64;
    let history = run(seen).unwrap().history;
    let [train, validation] = ["loss", "validation"].map(|name| history.last(name).unwrap());
    assert!((train - validation).abs() < 1e-15, "{train} != {validation}");
    assert!(run(|_| 0.0).unwrap().history.last("loss").unwrap().is_nan());
    for (weight, found) in [((|_| -1.0) as fn(&Tensor) -> f64, "-1"), (|_| f64::NAN, "NaN")] {
        let expected = "epoch 1, step 1: fit: expected a batch to have a finite weight, 0 or more, found ";
        assert_eq!(run(weight).unwrap_err().to_string(), format!("{expected}{found}"));
    }
}

#[test]
fn patience_and_the_best_weights_go_by_the_loss_of_the_samples() {
    // Batches of 4 and 1: the mean of the batches would be 2, then 2.5, and training would end.
    let data = Dataset::new(Tensor::zeros([5, 1]), Tensor::zeros([5, 1])).unwrap();
    let mut loader = Loader::new(&data, 4).unwrap().without_shuffle();
    let mut model: Linear = Linear::from_values([[1.0]], [0.0]);
    let script = RefCell::new([4.0, 0.0, 3.0, 2.0, 2.5, 3.5].into_iter());
    let report = Trainer::new(3)
        .patience(1)
        .run(&mut model, &mut Sgd::new(0.0), &mut loader, &mut StdRng::seed_from_u64(0), |a, _| {
            a.sum() * 0.0 + script.borrow_mut().next().unwrap_or(f64::NAN)
        })
        .unwrap();
    assert_eq!((report.ended, report.history.len()), (StopReason::Done, 3));
    assert_eq!(report.best.map(|best| best.0), Some(3));
    for (found, expected) in report.history.get("loss").unwrap().into_iter().zip([3.2, 2.8, 2.7]) {
        assert!((found - expected).abs() < 1e-15, "{found} != {expected}");
    }
}

#[test]
fn a_batch_that_a_layer_refuses_is_an_error_of_training() {
    let data = parabola().take(&[0, 1, 2, 3, 4]).unwrap();
    let mut rng = StdRng::seed_from_u64(3);
    let mut model = Sequential::new()
        .push(Linear::new(1, 2, &mut rng))
        .push(nn::BatchNorm1d::new(2))
        .push(Linear::new(2, 1, &mut rng));
    let mut loader = Loader::new(&data, 2).unwrap();
    for policy in [OnNonFinite::Stop, OnNonFinite::Skip, OnNonFinite::RestoreBest] {
        let fit = Trainer::new(2).on_non_finite(policy);
        let error = fit.run(&mut model, &mut Sgd::new(0.1), &mut loader, &mut rng, mse).unwrap_err();
        let expected = "batch_norm: training needs several elements per channel, found shape [1, 2]";
        assert_eq!(error.to_string(), format!("epoch 1, step 3: {expected} (layer of 1.weight)"));
        assert!(matches!(error, TrainError::Batch { epoch: 1, step: 3, error: tape::Error::Invalid { .. } }));
    }
    // Where the last batch takes it there is no such batch; and evaluation needs no second sample.
    let mut loader = Loader::new(&data, 2).unwrap().merge_last();
    let fit = Trainer::new(2).validation(&data.take(&[0]).unwrap());
    assert!(fit.run(&mut model, &mut Sgd::new(0.1), &mut loader, &mut rng, mse).is_ok());
}

#[test]
fn a_loss_that_fails_is_an_error_of_training() {
    let targets = Tensor::from([0.0, 1.0, 1.0, 2.0]);
    let data = Dataset::new(Tensor::linspace(-1.0, 1.0, 4).reshape([4, 1]), targets).unwrap();
    let run = |fit: Trainer<'_>, data: &Dataset| {
        let mut model = mlp(&[1, 3, 2], Tanh, nn::Identity, &mut StdRng::seed_from_u64(3));
        let (mut rng, mut loader) =
            (StdRng::seed_from_u64(0), Loader::new(data, 2).unwrap().without_shuffle());
        fit.try_run(&mut model, &mut Sgd::new(0.1), &mut loader, &mut rng, |z, y| {
            let labels: Vec<i64> = y.to_vec().iter().map(|&label| label as i64).collect();
            Ok(nn::loss::try_cross_entropy_with_logits_and_options(
                z,
                &labels,
                &CrossEntropyOptions::default(),
            )?
            .mean())
        })
    };
    let error = run(Trainer::new(1), &data).unwrap_err();
    assert!(matches!(error, TrainError::Batch { epoch: 1, step: 2, .. }), "{error}");
    let error = run(Trainer::new(1).validation(&data), &data.take(&[0, 1, 2]).unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("epoch 1, validation: cross_entropy: index 2 is out"), "{error}");
    assert!(run(Trainer::new(1), &data.take(&[0, 1, 2]).unwrap()).is_ok());
}

#[test]
fn a_history_prints_numbers_that_read_back() {
    let mut history = History::new(["loss", "a, \"b\""]);
    history.push(&[0.1 + 0.2, f64::NAN]);
    history.push(&[1e-300, 3.0]);
    let text = "epoch,loss,\"a, \"\"b\"\"\"\n1,0.30000000000000004,NaN\n2,";
    assert!(history.to_string().starts_with(text), "{history}");
    let table = nn::data::Table::parse("history.csv", history.to_string()).unwrap();
    assert_eq!(table.columns(), ["epoch", "loss", "a, \"b\""]);
    assert_eq!(table.numbers::<f64>(&["loss"]).unwrap().to_vec(), history.get("loss").unwrap());
    assert_eq!(history.best("a, \"b\"", Goal::Minimize), Some((2, 3.0)));
    assert_eq!((history.best("x", Goal::Minimize), history.last("x")), (None, None));
    let path = std::env::temp_dir().join(format!("nn-history-{}.csv", std::process::id()));
    history.save(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), history.to_string());
    std::fs::remove_file(&path).unwrap();
}

#[test]
#[should_panic(expected = "history: ")]
fn a_row_of_a_history_has_a_number_for_each_column() {
    History::new(["loss", "accuracy"]).push(&[1.0]);
}

#[cfg(feature = "progress")]
#[test]
fn a_progress_bar_changes_nothing() {
    let trained = |fit: Trainer<'_>| {
        let mut model = network();
        let mut loader = Loader::new(&parabola(), 4).unwrap();
        fit.run(&mut model, &mut Sgd::new(0.1), &mut loader, &mut StdRng::seed_from_u64(0), mse).unwrap();
        values(&model)
    };
    assert_eq!(trained(Trainer::new(3).callback(nn::train::Progress::new(3))), trained(Trainer::new(3)));
}
