//! Rows MT-10 and MT-11: the training scheme, with loops over samples and with batches on the engine.

use super::{engine, network};
use nn::by_hand::{Activation, Mlp};
use nn::loss::{Loss, LossFunction};
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Linear, Module, Parameters, Sequential};
use rand::{SeedableRng, rngs::StdRng};
use tape::transform::grad;
use tape::{Tape, Tensor};
use tests::compare::{difference, near};
use tests::networks::uniform;
use tests::row;

/// The training scheme with a loop over the samples of each batch; the gradient of a sample is added, or, as printed
/// in step 11, assigned.
fn scheme(net: &mut Mlp, batches: &[(Tensor, Tensor)], loss: Loss, rate: f64, add: bool) {
    for (x, t) in batches {
        let n = x.shape()[0];
        let mut sums: Vec<(Tensor, Tensor)> = Vec::new();
        for layer in &net.layers {
            sums.push((Tensor::zeros(layer.weight.shape()), Tensor::zeros(layer.bias.shape())));
        }
        for i in 0..n as isize {
            let (x, t) = (x.slice(0, i..i + 1), t.slice(0, i..i + 1));
            let one = net.backward(&net.forward(&x), &t, loss);
            for (sum, (dw, db)) in sums.iter_mut().zip(one.weights.into_iter().zip(one.biases)) {
                *sum = if add { (&sum.0 + &dw, &sum.1 + &db) } else { (dw, db) };
            }
        }
        for (layer, (dw, db)) in net.layers.iter_mut().zip(sums) {
            layer.weight = &layer.weight - &(dw * (rate / n as f64));
            layer.bias = &layer.bias - &(db * (rate / n as f64));
        }
    }
}

/// The same with whole batches on the engine.
fn descend(net: &Mlp, batches: &[(Tensor, Tensor)], loss: Loss, rate: f64) -> Sequential {
    let mut model = Sequential::from(net);
    let (mut optimizer, mut tape) = (Sgd::new(rate), Tape::new());
    for (x, t) in batches {
        let output = model.forward(tape.constant(x.clone()), &mut Context::eval());
        // The mean over the samples of the loss of one.
        let mean = loss.of(output, t) / x.shape()[0] as f64;
        let grads = mean.backward();
        tape.reset();
        optimizer.step(&mut model, &grads);
    }
    model
}

fn distance(model: &Sequential, net: &Mlp) -> f64 {
    let pairs = net.layers.iter().flat_map(|layer| [&layer.weight, &layer.bias]);
    let differences =
        model.named_parameters().into_iter().zip(pairs).map(|((_, a), b)| (a.value() - b).abs().max());
    differences.fold(0.0, f64::max)
}

fn three_batches(rng: &mut StdRng) -> Vec<(Tensor, Tensor)> {
    (0..3).map(|_| (uniform([5, 3], 1.0, rng), uniform([5, 2], 1.0, rng))).collect()
}

/// Error E14: step 11 of the printed scheme assigns the gradient of a sample where it must add.
#[test]
fn mt_10_training_scheme() {
    let mut rng = StdRng::seed_from_u64(10);
    let net = network(&[3, 4, 2], Activation::Sigmoid, Activation::Sigmoid, &mut rng);
    let batches = three_batches(&mut rng);
    let model = descend(&net, &batches, LossFunction::SquaredError.sum().half(), 0.5);
    let (mut added, mut assigned) = (net.clone(), net.clone());
    scheme(&mut added, &batches, LossFunction::SquaredError.sum().half(), 0.5, true);
    scheme(&mut assigned, &batches, LossFunction::SquaredError.sum().half(), 0.5, false);
    let (right, wrong) = (distance(&model, &added), distance(&model, &assigned));
    assert!(right <= 1e-12 && wrong > 1e-2, "{right} {wrong}");
    row(
        "MT-10",
        "loops over samples against batch steps",
        "equal",
        &format!("{right:.1e}"),
        &format!("E14: with the printed assignment they are {wrong:.2} apart"),
    );
}

/// Errors E20 and E22: a smooth function may be composed of functions that are not; affine is not linear.
#[test]
fn mt_11_three_activations() {
    for activation in [Activation::Sigmoid, Activation::Tanh, Activation::Relu] {
        let mut rng = StdRng::seed_from_u64(11);
        let mut net = network(&[3, 4, 2], activation, Activation::Identity, &mut rng);
        let batches = three_batches(&mut rng);
        let (x, t) = &batches[0];
        let found = engine(&net, x, t, LossFunction::SquaredError.sum().half());
        for (l, gradient) in found.iter().step_by(2).enumerate() {
            for (k, &g) in gradient.to_vec().iter().enumerate() {
                let moved = |value: f64| {
                    let mut net = net.clone();
                    net.layers[l].weight.as_mut_slice()[k] = value;
                    nn::by_hand::loss_value(
                        LossFunction::SquaredError.sum().half(),
                        net.forward(x).output(),
                        t,
                    )
                };
                let by_difference = difference(moved, net.layers[l].weight.to_vec()[k]);
                let tolerance = 1e-6 * by_difference.abs().max(1.0);
                near(&format!("weight {k} of layer {l}"), g, by_difference, tolerance);
            }
        }
        let model = descend(&net, &batches, LossFunction::SquaredError.sum().half(), 0.1);
        scheme(&mut net, &batches, LossFunction::SquaredError.sum().half(), 0.1, true);
        assert!(distance(&model, &net) <= 1e-12, "{activation:?}");
    }
    // |x|² is smooth although |x| is not.
    for x in [-2.0, 0.0, 3.0] {
        assert_eq!(grad(|x| x.abs().square(), x), 2.0 * x);
    }
    // A layer with biases is affine: it is not additive.
    let layer = Linear::from_values([[2.0]], [1.0]);
    let at = |x: f64| layer.predict(&Tensor::from([[x]])).item();
    assert_ne!(at(1.0 + 2.0), at(1.0) + at(2.0));
    row(
        "MT-11",
        "sigmoid, tanh, rectifier in the scheme",
        "interchangeable",
        "within 1e-12, gradients checked",
        "",
    );
}
