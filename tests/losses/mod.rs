//! Losses: published values, targets that are variables, second derivatives, and limits.

mod elements;
mod more;
mod reference;

use nn::loss::{Loss, LossFunction};
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Identity, Module, Parameters, Tanh, loss, mlp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::{Tape, Tensor};
use tests::compare::{DIFFERENCES, EXACT, assert_close, differences};
use tests::networks::{LOSSES, targets, uniform};

/// Matching predictions, targets and losses, with `N = 3` and `m = 2`.
fn cases() -> impl Iterator<Item = (Loss, Tensor, Tensor)> {
    let mut rng = StdRng::seed_from_u64(11);
    LOSSES.into_iter().map(move |loss| {
        // Inside (0, 1): probabilities for the losses that need them; for the others any values will do.
        let a = uniform([3, 2], 0.4, &mut rng).map_elements(|a| a + 0.5);
        // Soft targets: every loss is defined between 0 and 1 too.
        let y = uniform([3, 2], 0.45, &mut rng).map_elements(|y| y + 0.5);
        (loss, a, y)
    })
}

#[test]
fn losses_have_their_published_values() {
    let pairs = [(0.1, 0.0), (0.1, 1.0), (0.9, 0.0), (0.9, 1.0)];
    let table = [
        (LossFunction::AbsoluteError.sum(), [0.1, 0.9, 0.9, 0.1]),
        (LossFunction::SquaredError.mean_over_samples().half(), [0.005, 0.405, 0.405, 0.005]),
        (
            LossFunction::BinaryCrossEntropyWithProbabilities.mean_over_samples(),
            [-0.9f64.ln(), 10f64.ln(), 10f64.ln(), -0.9f64.ln()],
        ),
    ];
    for (loss, expected) in table {
        for ((a, y), expected) in pairs.into_iter().zip(expected) {
            let tape = Tape::new();
            let value = loss.of(tape.var([[a]]), Tensor::from([[y]])).value();
            assert!((value - expected).abs() < 1e-6, "{loss} of {a} against {y}: {value}");
        }
    }
}

#[test]
fn targets_may_be_variables() {
    for (loss, a, y) in cases() {
        let tape = Tape::new();
        let (va, vy) = (tape.var(a.clone()), tape.var(y.clone()));
        let grads = loss.of(va, vy).backward();
        let of = |a: &Tensor, y: &Tensor| loss.of(Tape::new().var(a.clone()), y).value();
        assert_close(&loss.to_string(), &grads.wrt(va), &differences(|a| of(a, &y), &a), DIFFERENCES);
        assert_close(&loss.to_string(), &grads.wrt(vy), &differences(|y| of(&a, y), &y), DIFFERENCES);
    }
}

#[test]
fn second_derivatives_equal_differences_of_first_ones() {
    for (loss, a, y) in cases() {
        // The derivative, along a fixed direction, of the product of the gradient with another direction.
        let slope = |a: &Tensor, y: &Tensor| {
            let tape = Tape::new();
            let (a, y) = (tape.var(a.clone()), tape.var(y.clone()));
            let [da, dy] = loss.of(a, y).grad([a, y]);
            let weights = tape.constant([[0.3, -1.1], [0.7, 0.2], [-0.5, 0.9]]);
            let product = (da * weights).sum() + (dy * weights * 0.5).sum();
            let grads = product.backward();
            (product.value(), grads.wrt(a), grads.wrt(y))
        };
        let (_, by_a, by_y) = slope(&a, &y);
        assert_close(&loss.to_string(), &by_a, &differences(|a| slope(a, &y).0, &a), DIFFERENCES);
        assert_close(&loss.to_string(), &by_y, &differences(|y| slope(&a, y).0, &y), DIFFERENCES);
    }
}

#[test]
fn certain_predictions_give_finite_values() {
    let tape = Tape::new();
    let a = tape.var([[0.0], [1.0], [0.0], [1.0]]);
    let value = loss::binary_cross_entropy_with_probabilities(a, Tensor::from([[0.0], [1.0], [1.0], [0.0]]))
        .mean_over_samples();
    assert_eq!(value.value(), 200.0 / 4.0);
    assert_eq!(value.backward().wrt(a), Tensor::from([[0.25], [-0.25], [0.0], [0.0]]));
    let s = tape.var([[0.0, 1.0], [1.0, 0.0]]);
    let value = loss::cross_entropy_with_probabilities(s, &[0, 0]).mean();
    assert_eq!(value.value(), 50.0);
    assert_eq!(value.backward().wrt(s), Tensor::from([[0.0, 0.0], [-0.5, 0.0]]));
    let z = tape.var([[1000.0], [-1000.0]]);
    let value = loss::binary_cross_entropy_with_logits(z, Tensor::from([[0.0], [1.0]])).mean_over_samples();
    assert_eq!(value.value(), 1000.0);
    assert_eq!(value.backward().wrt(z), Tensor::from([[0.5], [-0.5]]));
}

#[test]
fn labels_and_their_distributions_are_the_same_targets() {
    let z = uniform([3, 4], 2.0, &mut StdRng::seed_from_u64(12));
    let labels = vec![2, 0, 3];
    let y = Tensor::one_hot(&labels[..], 4).expect("the labels are classes");
    let tape = Tape::new();
    let z = tape.var(z);
    for (by_label, by_row) in [
        (loss::cross_entropy_with_logits(z, &labels).mean(), loss::cross_entropy_with_logits(z, &y).mean()),
        (
            loss::cross_entropy_with_probabilities(z.softmax(-1), &labels).mean(),
            loss::cross_entropy_with_probabilities(z.softmax(-1), y).mean(),
        ),
    ] {
        assert_eq!(by_label.value(), by_row.value());
        assert_eq!(by_label.backward().wrt(z), by_row.backward().wrt(z));
    }
}

#[test]
fn a_loss_of_no_samples_is_zero() {
    for loss in LOSSES {
        let tape = Tape::new();
        let a = tape.var(Tensor::zeros([0, 2]));
        let value = loss.of(a, Tensor::zeros([0, 2]));
        assert_eq!(value.value(), 0.0, "{loss}");
        assert_eq!(value.backward().wrt(a).shape(), [0, 2]);
    }
}

#[test]
fn every_loss_refuses_targets_of_another_shape() {
    for loss in LOSSES {
        for (a, y) in
            [(vec![4, 1], vec![4]), (vec![4], vec![4, 1]), (vec![4, 1], vec![1, 4]), (vec![4, 1], vec![1, 1])]
        {
            let of = || {
                let tape = Tape::new();
                loss.of(tape.var(Tensor::full(a.clone(), 0.5)), Tensor::full(y.clone(), 0.5)).value()
            };
            let text = match catch_unwind(AssertUnwindSafe(of)) {
                Ok(value) => panic!("{loss} of {a:?} against {y:?} is {value}"),
                Err(payload) => payload.downcast_ref::<String>().cloned().unwrap_or_default(),
            };
            assert_eq!(
                text,
                format!("{}: predictions {a:?} and targets {y:?} differ in shape", loss.function.name())
            );
        }
    }
}

#[test]
#[should_panic(expected = "one_hot: index 3 is out of range for axis 1 of shape [2, 3]")]
fn labels_beyond_the_classes_are_refused() {
    let tape = Tape::new();
    loss::cross_entropy_with_logits(tape.var(Tensor::zeros([2, 3])), &[0, 3]).mean();
}

#[test]
#[should_panic(expected = "differ in shape")]
fn as_many_labels_as_samples() {
    let tape = Tape::new();
    loss::cross_entropy_with_probabilities(tape.var(Tensor::full([2, 3], 0.3)), &[0]).mean();
}

#[test]
fn losses_scale_by_their_normalisation() {
    let mut rng = StdRng::seed_from_u64(13);
    let (a, y) =
        (uniform([5, 3], 1.0, &mut rng), targets(LossFunction::SquaredError.sum(), [5, 3], &mut rng));
    let of = |loss: Loss| loss.of(Tape::new().var(a.clone()), &y).value();
    let sse = of(LossFunction::SquaredError.sum());
    for (loss, divisor) in [
        (LossFunction::SquaredError.sum().half(), 2.0),
        (LossFunction::SquaredError.mean_over_samples(), 5.0),
        (LossFunction::SquaredError.mean_over_samples().half(), 10.0),
        (LossFunction::SquaredError.mean(), 15.0),
    ] {
        assert_close(&loss.to_string(), &of(loss).into(), &(sse / divisor).into(), EXACT);
    }
    assert_close(
        "mae",
        &of(LossFunction::AbsoluteError.mean_over_samples()).into(),
        &(of(LossFunction::AbsoluteError.sum()) / 5.0).into(),
        EXACT,
    );
}

#[test]
fn single_precision_trains_too() {
    let mut rng = StdRng::seed_from_u64(14);
    let mut single = mlp::<f32>(&[2, 8, 1], Tanh, Identity, &mut StdRng::seed_from_u64(15));
    let double = mlp::<f64>(&[2, 8, 1], Tanh, Identity, &mut StdRng::seed_from_u64(15));
    let x = uniform([16, 2], 1.0, &mut rng);
    let y: Tensor = (x.slice(1, 0..1) * x.slice(1, 1..2)).contiguous();
    let (x32, y32): (Tensor<f32>, Tensor<f32>) = (x.cast(), y.cast());
    let tape = Tape::new();
    let grads =
        loss::squared_error(double.forward(tape.constant(x), &mut Context::eval()), &y).mean().backward();
    let mut optimizer = Sgd::new(0.2).momentum(0.9);
    let mut tape = Tape::single();
    let mut losses = Vec::new();
    for step in 0..300 {
        let value =
            loss::squared_error(single.forward(tape.constant(x32.clone()), &mut Context::eval()), &y32)
                .mean();
        losses.push(value.value());
        let grads32 = value.backward();
        if step == 0 {
            for ((name, p), (_, q)) in single.named_parameters().iter().zip(double.named_parameters()) {
                assert_close(name, &grads32.of(*p).cast(), &grads.of(q), 1e-5);
            }
        }
        tape.reset();
        optimizer.step(&mut single, &grads32);
    }
    assert!(losses[299] < losses[0] / 20.0, "{} to {}", losses[0], losses[299]);
}
