//! Backpropagation by the engine against backpropagation by hand, against differences, and against the same
//! network written with scalars.

use nn::by_hand::{Activation, Layer, Mlp, sigmoid_bce_delta, softmax_cross_entropy_delta};
use nn::loss::{Loss, LossFunction, Reduction};
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Linear, Module, Param, Parameters, Path, Sequential, Sigmoid};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::{Scalar, Tape, Tensor, Var};
use tests::compare::{DIFFERENCES, EXACT, assert_close};
use tests::networks::{Case, HIDDEN, any_case, pairs, targets, uniform};
use tests::properties::config;

fn values(model: &impl Parameters) -> Vec<Tensor> {
    model.named_parameters().iter().map(|(_, p)| p.value().clone()).collect()
}

/// Returns the engine's loss, parameter gradients in order of visit, and input gradient.
fn by_tape(case: &Case, model: &Sequential) -> (f64, Vec<Tensor>, Tensor) {
    let tape = Tape::new();
    let x = tape.var(case.x.clone());
    let loss = case.loss.of(model.forward(x, &mut Context::eval()), &case.y);
    let grads = loss.backward();
    let of = |(_, p): &(String, &Param)| grads.of(*p);
    (loss.value(), model.named_parameters().iter().map(of).collect(), grads.wrt(x))
}

/// Asserts that the engine equals the closed form.
fn check_by_hand(case: &Case) {
    let (loss, gradients, input) = by_tape(case, &case.model());
    let hand = case.net.backward(&case.net.forward(&case.x), &case.y, case.loss);
    assert_close("loss", &Tensor::scalar(loss), &Tensor::scalar(hand.loss), EXACT);
    assert_eq!(gradients.len(), 2 * case.net.layers.len());
    for (i, pair) in gradients.chunks(2).enumerate() {
        assert_close(&format!("weights of layer {i}"), &pair[0], &hand.weights[i], EXACT);
        assert_close(&format!("biases of layer {i}"), &pair[1], &hand.biases[i], EXACT);
    }
    assert_close("input", &input, &hand.input, EXACT);
}

/// Asserts that the engine's gradient equals central differences of the engine's loss, at some elements of every tensor.
fn check_differences(case: &Case, rng: &mut StdRng) {
    let model = case.model();
    let (_, gradients, input) = by_tape(case, &model);
    let compare = |what: &str, x: f64, gradient: f64, at: &dyn Fn(f64) -> f64| {
        let h = 1e-6 * x.abs().max(1.0);
        let (above, below) = (x + h, x - h);
        let difference = (at(above) - at(below)) / (above - below);
        let error = (difference - gradient).abs() / difference.abs().max(1.0);
        assert!(
            error <= DIFFERENCES,
            "{what}: gradient {gradient}, difference {difference}, error {error:e}"
        );
    };
    for (k, gradient) in gradients.iter().enumerate() {
        for _ in 0..4 {
            let i = rng.random_range(0..gradient.size());
            let x = values(&model)[k].to_vec()[i];
            let at = |value: f64| {
                let mut model = model.clone();
                let mut visited = 0;
                model.visit_mut(&Path::root(), &mut |_, p| {
                    if visited == k {
                        p.value_mut().as_mut_slice()[i] = value;
                    }
                    visited += 1;
                });
                case.value(&model, &case.x)
            };
            compare(&format!("parameter {k}, element {i}"), x, gradient.to_vec()[i], &at);
        }
    }
    for _ in 0..4 {
        let i = rng.random_range(0..input.size());
        let at = |value: f64| {
            let mut x = case.x.clone();
            x.as_mut_slice()[i] = value;
            case.value(&model, &x)
        };
        compare(&format!("input {i}"), case.x.to_vec()[i], input.to_vec()[i], &at);
    }
}

/// Applies an activation to one layer of one sample, on scalars.
fn activate<'t>(activation: Activation, z: &[Scalar<'t>]) -> Vec<Scalar<'t>> {
    let each = |f: &dyn Fn(Scalar<'t>) -> Scalar<'t>| z.iter().map(|&z| f(z)).collect();
    match activation {
        Activation::Identity => z.to_vec(),
        Activation::Sigmoid => each(&|z| z.sigmoid()),
        Activation::SigmoidScaled { slope, offset } => each(&|z| (slope * z + offset).sigmoid()),
        Activation::Tanh => each(&|z| z.tanh()),
        Activation::Relu => each(&|z| z.relu()),
        Activation::LeakyRelu { slope } => each(&|z| z.relu() - slope * (-z).relu()),
        Activation::Softmax => {
            let powers: Vec<Scalar<'t>> = z.iter().map(|z| z.exp()).collect();
            let sum: Scalar<'t> = powers.iter().copied().sum();
            powers.iter().map(|&p| p / sum).collect()
        }
    }
}

/// Returns the loss of one sample before the division by `N`.
fn sample_loss<'t>(loss: Loss, a: &[Scalar<'t>], y: &[f64]) -> Scalar<'t> {
    let term = |f: &dyn Fn(Scalar<'t>, f64) -> Scalar<'t>| a.iter().zip(y).map(|(&a, &y)| f(a, y)).sum();
    let bits = |a: Scalar<'t>, y: f64| -(y * a.ln() + (1.0 - y) * (1.0 - a).ln());
    match loss.function {
        LossFunction::SquaredError if loss.half => term(&|a, y| 0.5 * (a - y).powi(2)),
        LossFunction::SquaredError => term(&|a, y| (a - y).powi(2)),
        LossFunction::AbsoluteError => term(&|a, y| (a - y).abs()),
        LossFunction::BinaryCrossEntropyWithProbabilities => term(&bits),
        LossFunction::BinaryCrossEntropyWithLogits => term(&|z, y| bits(z.sigmoid(), y)),
        LossFunction::CrossEntropyWithProbabilities => term(&|a, y| -y * a.ln()),
        LossFunction::CrossEntropyWithLogits => {
            let s = activate(Activation::Softmax, a);
            s.iter().zip(y).map(|(&s, &y)| -y * s.ln()).sum()
        }
    }
}

/// Returns `b + Σ w a`.
fn neuron<'t>(w: &[Scalar<'t>], a: &[Scalar<'t>], b: Scalar<'t>) -> Scalar<'t> {
    w.iter().zip(a).fold(b, |sum, (&w, &a)| sum + w * a)
}

/// Asserts that the network written with scalars equals the one written with tensors, and so the closed form.
fn check_scalars(case: &Case) {
    check_scalars_on(&Tape::new(), case);
}

fn check_scalars_on<'t>(tape: &'t Tape, case: &Case) {
    let leaves = |x: &Tensor| -> Vec<Scalar<'t>> { x.to_vec().iter().map(|&x| tape.scalar(x)).collect() };
    let layers: Vec<_> = case.net.layers.iter().map(|l| (leaves(&l.weight), leaves(&l.bias))).collect();
    let x = leaves(&case.x);
    let (samples, outputs) = (case.y.shape()[0], case.y.shape()[1]);
    let y = case.y.to_vec();
    let one_sample = |(x, y): (&[Scalar<'t>], &[f64])| {
        let mut a = x.to_vec();
        for (layer, (weight, bias)) in case.net.layers.iter().zip(&layers) {
            let rows = weight.chunks(a.len()).zip(bias);
            let z: Vec<_> = rows.map(|(w, &b)| neuron(w, &a, b)).collect();
            a = activate(layer.activation, &z);
        }
        sample_loss(case.loss, &a, y)
    };
    let total: Scalar<'_> = x.chunks(case.x.shape()[1]).zip(y.chunks(outputs)).map(one_sample).sum();
    let count = match (case.loss.reduction, case.loss.function) {
        (Reduction::Sum, _) => 1,
        (Reduction::MeanOverSamples, _)
        | (_, LossFunction::CrossEntropyWithProbabilities | LossFunction::CrossEntropyWithLogits) => samples,
        (Reduction::Mean, _) => samples * outputs,
    };
    let loss = total / count as f64;
    let grads = loss.backward();
    let hand = case.net.backward(&case.net.forward(&case.x), &case.y, case.loss);
    let flat = |x: &[Scalar<'_>], like: &Tensor| Tensor::from(grads.wrt(x.to_vec())).reshape(like.shape());
    assert_close("loss", &Tensor::scalar(loss.value()), &Tensor::scalar(hand.loss), EXACT);
    for (i, (weight, bias)) in layers.iter().enumerate() {
        assert_close(
            &format!("weights of layer {i}"),
            &flat(weight, &hand.weights[i]),
            &hand.weights[i],
            EXACT,
        );
        assert_close(&format!("biases of layer {i}"), &flat(bias, &hand.biases[i]), &hand.biases[i], EXACT);
    }
    assert_close("input", &flat(&x, &hand.input), &hand.input, EXACT);
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn gradients_equal_backpropagation_by_hand(case in any_case()) {
        check_by_hand(&case);
    }

    #[test]
    fn gradients_equal_central_differences(case in any_case(), seed in any::<u64>()) {
        check_differences(&case, &mut StdRng::seed_from_u64(seed));
    }

    #[test]
    fn networks_of_numbers_equal_networks_of_tensors(case in any_case()) {
        check_scalars(&case);
    }
}

#[test]
fn every_activation_and_loss_agrees_with_the_closed_form_and_with_differences() {
    let mut rng = StdRng::seed_from_u64(2);
    for hidden in HIDDEN {
        for (i, (output, loss)) in pairs().into_iter().enumerate() {
            let case = Case::draw(&[4, 6, 3, 2], 5, &[hidden, hidden, output], loss, i as u64);
            check_by_hand(&case);
            check_scalars(&case);
            check_differences(&case, &mut rng);
        }
    }
}

#[test]
fn fitting_pairs_of_activation_and_loss_have_the_short_delta() {
    let sigmoids = [(1.0, 0.0), (2.0, 0.0), (1.7, -0.4)];
    for (i, (slope, offset)) in sigmoids.into_iter().enumerate() {
        let output = Activation::SigmoidScaled { slope, offset };
        let case = Case::draw(
            &[3, 4, 2],
            5,
            &[Activation::Tanh, output],
            LossFunction::BinaryCrossEntropyWithProbabilities.mean_over_samples(),
            i as u64,
        );
        let forward = case.net.forward(&case.x);
        let deltas = case
            .net
            .backward(
                &forward,
                &case.y,
                LossFunction::BinaryCrossEntropyWithProbabilities.mean_over_samples(),
            )
            .deltas;
        assert_close("delta", &deltas[1], &sigmoid_bce_delta(forward.output(), &case.y, slope), EXACT);
    }
    let case = Case::draw(
        &[3, 4, 3],
        5,
        &[Activation::Tanh, Activation::Softmax],
        LossFunction::CrossEntropyWithProbabilities.mean(),
        9,
    );
    let forward = case.net.forward(&case.x);
    let deltas =
        case.net.backward(&forward, &case.y, LossFunction::CrossEntropyWithProbabilities.mean()).deltas;
    assert_close("delta", &deltas[1], &softmax_cross_entropy_delta(forward.output(), &case.y), EXACT);
}

#[test]
fn losses_from_logits_equal_losses_of_probabilities() {
    let mut rng = StdRng::seed_from_u64(4);
    let z = uniform([4, 3], 3.0, &mut rng);
    for (logits, loss) in [
        (
            LossFunction::BinaryCrossEntropyWithLogits.mean_over_samples(),
            LossFunction::BinaryCrossEntropyWithProbabilities.mean_over_samples(),
        ),
        (LossFunction::CrossEntropyWithLogits.mean(), LossFunction::CrossEntropyWithProbabilities.mean()),
    ] {
        let y = targets(loss, [4, 3], &mut rng);
        let tape = Tape::new();
        let z = tape.var(z.clone());
        let a = if loss.function == LossFunction::BinaryCrossEntropyWithProbabilities {
            z.sigmoid()
        } else {
            z.softmax(-1)
        };
        let (fused, composed) = (logits.of(z, &y), loss.of(a, &y));
        assert_close("value", &fused.value().into(), &composed.value().into(), EXACT);
        assert_close("gradient", &fused.backward().wrt(z), &composed.backward().wrt(z), EXACT);
    }
}

#[test]
fn one_neuron_per_layer() {
    let layer = |w: f64, b: f64| Layer {
        weight: Tensor::from([[w]]),
        bias: Tensor::from([b]),
        activation: Activation::Sigmoid,
    };
    let net = Mlp { layers: vec![layer(0.5, 0.1), layer(-1.0, 0.2), layer(2.0, -0.3)] };
    let case = Case {
        net,
        x: Tensor::from([[1.0]]),
        y: Tensor::from([[0.0]]),
        loss: LossFunction::SquaredError.sum().half(),
    };
    let forward = case.net.forward(&case.x);
    let numbers = |x: &[Tensor]| Tensor::from(x.iter().map(Tensor::item).collect::<Vec<f64>>());
    let z = Tensor::from([0.6, -0.4456563062257954, 0.48078802620208455]);
    let a = Tensor::from([0.6456563062257954, 0.39039401310104227, 0.6179339384074459]);
    assert_close("z", &numbers(&forward.z), &z, EXACT);
    assert_close("a", &numbers(&forward.a[1..]), &a, EXACT);
    let hand = case.net.backward(&forward, &case.y, case.loss);
    let delta = Tensor::from([-0.01588660259307191, 0.06943923480639216, 0.14588900366794488]);
    let dw = Tensor::from([-0.01588660259307191, 0.04483387985224085, 0.05695419360924168]);
    assert_close("delta", &numbers(&hand.deltas), &delta, EXACT);
    let (loss, gradients, _) = by_tape(&case, &case.model());
    assert_close("loss", &loss.into(), &0.19092117611786857.into(), EXACT);
    let every = |start: usize| numbers(&gradients.iter().skip(start).step_by(2).cloned().collect::<Vec<_>>());
    for (what, found, expected) in [
        ("dw by hand", numbers(&hand.weights), &dw),
        ("db by hand", numbers(&hand.biases), &delta),
        ("dw", every(0), &dw),
        ("db", every(1), &delta),
    ] {
        assert_close(what, &found, expected, EXACT);
    }
}

/// The first layer's weight gradient uses the input, not an activation of another layer.
#[test]
fn two_by_two_sigmoid_network() {
    let layer = |weight: [[f64; 2]; 2], bias: [f64; 2]| Layer {
        weight: weight.into(),
        bias: bias.into(),
        activation: Activation::Sigmoid,
    };
    let net = Mlp {
        layers: vec![
            layer([[0.1, 0.2], [0.3, -0.4]], [0.05, -0.05]),
            layer([[0.5, -0.6], [0.7, 0.8]], [0.1, -0.1]),
        ],
    };
    let case = Case {
        net,
        x: Tensor::from([[1.0, 2.0]]),
        y: Tensor::from([[1.0, 0.0]]),
        loss: LossFunction::SquaredError.sum().half(),
    };
    let forward = case.net.forward(&case.x);
    assert_close("hidden", &forward.a[1], &Tensor::from([[0.634135591011, 0.365864408989]]), EXACT);
    assert_close("output", &forward.a[2], &Tensor::from([[0.549227297552, 0.653981413815]]), EXACT);
    let hand = case.net.backward(&forward, &case.y, case.loss);
    let (out, hidden) = ([-0.111600806031, 0.147989273764], [0.011088129845, 0.043003058096]);
    assert_close("output delta", &hand.deltas[1], &Tensor::from([out]), EXACT);
    assert_close("hidden delta", &hand.deltas[0], &Tensor::from([hidden]), EXACT);
    let dw1 = Tensor::from([[-0.070770043089, -0.040830762941], [0.093845265581, 0.054144008182]]);
    let dw0 = Tensor::from([[0.011088129845, 0.022176259691], [0.043003058096, 0.086006116192]]);
    let (loss, gradients, _) = by_tape(&case, &case.model());
    assert_close("loss", &loss.into(), &0.3154438594440903.into(), EXACT);
    for (what, found, expected) in [
        ("dW1 by hand", &hand.weights[1], &dw1),
        ("dW0 by hand", &hand.weights[0], &dw0),
        ("dW1", &gradients[2], &dw1),
        ("dW0", &gradients[0], &dw0),
        ("db1", &gradients[3], &Tensor::from(out)),
        ("db0", &gradients[1], &Tensor::from(hidden)),
    ] {
        assert_close(what, found, expected, EXACT);
    }
}

#[test]
fn a_layer_used_twice_accumulates_into_one_gradient() {
    let mut rng = StdRng::seed_from_u64(5);
    let tied: Linear = Linear::new(3, 3, &mut rng);
    let separate = (tied.clone(), tied.clone());
    let x = uniform([4, 3], 1.0, &mut rng);
    let y = uniform([4, 3], 1.0, &mut rng);
    let tape = Tape::new();
    let forward = |first: &Linear, second: &Linear| {
        let (x, mut cx) = (tape.constant(x.clone()), Context::eval());
        let hidden = Sigmoid.forward(first.forward(x, &mut cx), &mut cx);
        (nn::loss::squared_error(second.forward(hidden, &mut cx), &y).mean_over_samples() * 0.5).backward()
    };
    let (once, twice) = (forward(&separate.0, &separate.1), forward(&tied, &tied));
    let weights = &once.of(&separate.0.weight) + &once.of(&separate.1.weight);
    assert_close("weight", &twice.of(&tied.weight), &weights, EXACT);
    let (first, second, bias) = (&separate.0.bias, &separate.1.bias, &tied.bias);
    let of = |grads: &tape::Gradients, b: &Option<Param>| grads.of(b.as_ref().expect("it has a bias"));
    assert_close("bias", &of(&twice, bias), &(&of(&once, first) + &of(&once, second)), EXACT);
}

#[test]
fn momentum_on_a_constant_gradient_tends_to_the_effective_rate() {
    for (momentum, steps) in [(0.0, 50), (0.5, 200), (0.9, 2000)] {
        let (rate, g) = (0.01, 3.0);
        let mut w = Param::new([0.0]);
        let mut optimizer = Sgd::new(rate).momentum(momentum);
        let mut tape = Tape::new();
        let mut last = 0.0;
        for n in 1..=steps {
            let grads = (w.on(&tape) * g).sum().backward();
            tape.reset();
            let before = w.value().item();
            optimizer.step(&mut w, &grads);
            last = w.value().item() - before;
            let expected: f64 = -rate * g * (1.0 - f64::powi(momentum, n)) / (1.0 - momentum);
            assert!((last - expected).abs() <= EXACT, "step {n}: {last}, expected {expected}");
        }
        assert!((last + rate * g / (1.0 - momentum)).abs() <= EXACT);
    }
}

/// Training by hand and by the optimizer visits the same weights.
#[test]
fn training_by_hand_and_by_the_optimizer_agree() {
    let activations = [Activation::Sigmoid, Activation::Tanh, Activation::Softmax];
    let mut case =
        Case::draw(&[3, 5, 4, 2], 6, &activations, LossFunction::CrossEntropyWithProbabilities.mean(), 6);
    let mut model = case.model();
    let mut optimizer = Sgd::new(0.5);
    for _ in 0..20 {
        let tape = Tape::new();
        let a = model.forward(tape.constant(case.x.clone()), &mut Context::eval());
        let grads = case.loss.of(a, &case.y).backward();
        drop(tape);
        optimizer.step(&mut model, &grads);
        let backward = case.net.backward(&case.net.forward(&case.x), &case.y, case.loss);
        case.net.gradient_step(&backward, 0.5);
        for (model, net) in values(&model).chunks(2).zip(&case.net.layers) {
            assert_close("weights", &model[0], &net.weight, EXACT);
            assert_close("biases", &model[1], &net.bias, EXACT);
        }
    }
}

#[test]
fn a_clone_is_another_model() {
    let mut rng = StdRng::seed_from_u64(8);
    let teacher = nn::mlp(&[2, 3, 1], Sigmoid, Sigmoid, &mut rng);
    let mut student = teacher.clone();
    let ids = |m: &Sequential| m.named_parameters().iter().map(|(_, p)| p.id()).collect::<Vec<_>>();
    assert!(ids(&student).iter().all(|id| !ids(&teacher).contains(id)));
    assert_eq!(ids(&teacher.snapshot()), ids(&teacher));
    // On one tape each has its own gradient, and a step of one leaves the other unchanged.
    let tape = Tape::new();
    let x = tape.constant([[1.0, -1.0]]);
    let (a, b): (Var<'_>, Var<'_>) =
        (teacher.forward(x, &mut Context::eval()), student.forward(x, &mut Context::eval()));
    let grads = (a + 2.0 * b).sum().backward();
    for ((_, t), (_, s)) in teacher.named_parameters().iter().zip(student.named_parameters()) {
        assert_close("gradient", &grads.of(s), &(&grads.of(*t) * 2.0), EXACT);
    }
    let before = values(&teacher);
    Sgd::new(0.1).step(&mut student, &grads);
    assert_eq!(values(&teacher), before);
    assert_ne!(values(&student), before);
}

#[test]
#[should_panic(expected = "squared_error: predictions [4, 1] and targets [4] differ in shape")]
fn targets_without_the_output_axis_are_refused() {
    let tape = Tape::new();
    nn::loss::squared_error(tape.var(Tensor::zeros([4, 1])), Tensor::zeros([4])).mean();
}
