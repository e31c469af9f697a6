//! Elementwise losses: derivatives, limits, and refused arguments.

use nn::functional::CrossEntropyOptions;
use nn::loss::{self, Losses};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::{Tape, Tensor, Var};
use tests::compare::{DIFFERENCES, assert_close, differences};
use tests::networks::uniform;

/// The elementwise losses that compare two tensors of one shape.
fn elementwise<'t>(name: &str, a: Var<'t>, y: Var<'t>) -> Losses<'t> {
    match name {
        "squared_error" => loss::squared_error(a, y),
        "absolute_error" => loss::absolute_error(a, y),
        "huber" => loss::huber(a, y, 0.2),
        "smooth_l1" => loss::smooth_l1(a, y, 0.2),
        "binary_cross_entropy_with_probabilities" => loss::binary_cross_entropy_with_probabilities(a, y),
        "binary_cross_entropy_with_logits_and_pos_weight" => {
            loss::binary_cross_entropy_with_logits_and_pos_weight(a, y, &Tensor::from([2.0, 3.0]))
        }
        "hinge" => loss::hinge(a, y, 0.3),
        "hinge_embedding" => loss::hinge_embedding(a, &y.value(), 0.6),
        "cross_entropy_with_logits_and_options" => {
            loss::cross_entropy_with_logits_and_options(a, y, &CrossEntropyOptions::default())
        }
        "kl_divergence" => loss::kl_divergence(a, y),
        "kl_divergence_from_logs" => loss::kl_divergence_from_logs(a, y),
        _ => panic!("no loss is called {name}"),
    }
}

/// Their names, and whether the targets are differentiated.
const ELEMENTWISE: [(&str, bool); 11] = [
    ("squared_error", true),
    ("absolute_error", true),
    ("huber", true),
    ("smooth_l1", true),
    ("binary_cross_entropy_with_probabilities", true),
    ("binary_cross_entropy_with_logits_and_pos_weight", true),
    ("hinge", true),
    ("hinge_embedding", false),
    ("cross_entropy_with_logits_and_options", true),
    ("kl_divergence", true),
    ("kl_divergence_from_logs", true),
];

#[test]
fn losses_of_elements_have_both_derivatives() {
    let mut rng = StdRng::seed_from_u64(16);
    for (name, targets_too) in ELEMENTWISE {
        let a = uniform([3, 2], 0.4, &mut rng).map_elements(|a| a + 0.5);
        let y = uniform([3, 2], 0.4, &mut rng).map_elements(|y| y + 0.5);
        let slope = |a: &Tensor, y: &Tensor| {
            let tape = Tape::new();
            let (a, y) = (tape.var(a.clone()), tape.var(y.clone()));
            let value = elementwise(name, a, y).sum();
            let [da, dy] = value.grad([a, y]);
            let weights = tape.constant([[0.3, -1.1], [0.7, 0.2], [-0.5, 0.9]]);
            let product = (da * weights).sum() + (dy * weights * 0.5).sum();
            let (first, second) = (value.backward(), product.backward());
            let at = |grads: &tape::Gradients| (grads.wrt(a), grads.wrt(y));
            (value.value(), at(&first), product.value(), at(&second))
        };
        let (_, first, _, second) = slope(&a, &y);
        assert_close(name, &first.0, &differences(|a| slope(a, &y).0, &a), DIFFERENCES);
        assert_close(name, &second.0, &differences(|a| slope(a, &y).2, &a), DIFFERENCES);
        if targets_too {
            assert_close(name, &first.1, &differences(|y| slope(&a, y).0, &y), DIFFERENCES);
            assert_close(name, &second.1, &differences(|y| slope(&a, y).2, &y), DIFFERENCES);
        }
    }
}

#[test]
fn losses_of_elements_refuse_targets_of_another_shape() {
    for (name, _) in ELEMENTWISE {
        for (a, y) in
            [(vec![4, 2], vec![4]), (vec![4], vec![4, 1]), (vec![4, 2], vec![1, 2]), (vec![4, 1], vec![1, 1])]
        {
            let of = || {
                let tape = Tape::new();
                let [va, vy] = [&a, &y].map(|shape| tape.var(Tensor::full(shape.clone(), 0.5)));
                elementwise(name, va, vy).sum().value()
            };
            let text = match catch_unwind(AssertUnwindSafe(of)) {
                Ok(value) => panic!("{name} of {a:?} against {y:?} is {value}"),
                Err(payload) => payload.downcast_ref::<String>().cloned().unwrap_or_default(),
            };
            assert_eq!(text, format!("{name}: predictions {a:?} and targets {y:?} differ in shape"));
        }
    }
}

#[test]
fn losses_of_no_elements_are_zero() {
    for (name, _) in ELEMENTWISE {
        let tape = Tape::new();
        let a = tape.var(Tensor::zeros([0, 2]));
        let losses = elementwise(name, a, tape.constant(Tensor::zeros([0, 2])));
        let found = [losses.sum(), losses.mean_over_samples(), losses.mean()].map(|loss| loss.value());
        assert_eq!(found, [0.0; 3], "{name}");
        assert_eq!(losses.mean().backward().wrt(a).shape(), [0, 2], "{name}");
    }
}

#[test]
fn a_mean_over_no_label_is_zero() {
    let classes = CrossEntropyOptions { ignore: Some(-1), ..CrossEntropyOptions::default() };
    let tape = Tape::new();
    let x = tape.var([[0.5, -0.25], [1.0, f64::NEG_INFINITY]]);
    let losses = loss::nll(x, &[-1, -1], &classes);
    assert_eq!((losses.mean().value(), losses.sum().value()), (0.0, 0.0));
    assert_eq!(losses.mean().backward().wrt(x), Tensor::zeros([2, 2]));
    let x = tape.var([[0.5, -0.25]]);
    let losses = loss::cross_entropy_with_logits_and_options(x, &[-1], &classes);
    assert_eq!(losses.mean().value(), 0.0);
    assert_eq!(losses.mean().backward().wrt(x), Tensor::zeros([1, 2]));
}

#[test]
fn kinks_have_derivative_zero_or_that_of_both_sides() {
    let tape = Tape::new();
    let a = tape.var([1.0, 0.5]);
    let y = Tensor::from([1.0, -1.0]);
    assert_eq!(loss::hinge(a, Tensor::from([1.0, 2.0]), 1.0).sum().backward().wrt(a), Tensor::zeros([2]));
    assert_eq!(loss::hinge_embedding(a, &y, 0.5).sum().backward().wrt(a), Tensor::from([1.0, 0.0]));
    assert_eq!(
        loss::huber(a, Tensor::from([0.0, 1.5]), 1.0).sum().backward().wrt(a),
        Tensor::from([1.0, -1.0])
    );
    let y = tape.var([0.0, 1.0]);
    let kl = loss::kl_divergence(tape.constant([f64::NEG_INFINITY, 0.0]), y).sum();
    assert_eq!((kl.value(), kl.backward().wrt(y)), (0.0, Tensor::from([0.0, 1.0])));
}

#[test]
#[should_panic(expected = "huber: expected a positive delta, found 0")]
fn a_width_is_positive() {
    let tape = Tape::new();
    loss::huber(tape.var([1.0]), Tensor::from([1.0]), 0.0);
}

#[test]
#[should_panic(expected = "index 2 is out of range")]
fn a_label_is_a_class() {
    let tape = Tape::new();
    loss::nll(tape.var([[0.0, 0.0]]), &[2], &CrossEntropyOptions::default());
}
