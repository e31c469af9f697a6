//! The systems of an article on gradient-based training of multilayer perceptrons: rows MT of the page.

mod scheme;

use nn::by_hand::{Activation, Layer, Mlp};
use nn::data::{Batches, copy_rows};
use nn::loss::{Loss, LossFunction};
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Linear, Module, Param, Parameters, Sequential, loss};
use rand::{SeedableRng, rngs::StdRng};
use tape::transform::{grad, hessian, jacobian};
use tape::{Scalar, Tape, Tensor, Var};
use tests::compare::{EXACT, all_near, assert_close, at_most, near};
use tests::networks::uniform;
use tests::row;

/// A network with a hidden activation and an output activation.
fn network(widths: &[usize], hidden: Activation, output: Activation, rng: &mut StdRng) -> Mlp {
    let count = widths.len() - 1;
    let layer = |(i, size): (usize, &[usize])| Layer {
        weight: uniform([size[1], size[0]], 1.0, rng),
        bias: uniform([size[1]], 0.5, rng),
        activation: if i + 1 == count { output } else { hidden },
    };
    Mlp { layers: widths.windows(2).enumerate().map(layer).collect() }
}

/// The gradients by the engine, weights and biases of each layer in turn.
fn engine(net: &Mlp, x: &Tensor, y: &Tensor, loss: Loss) -> Vec<Tensor> {
    let model = Sequential::from(net);
    let tape = Tape::new();
    let grads = loss.of(model.forward(tape.constant(x.clone()), &mut Context::eval()), y).backward();
    model.named_parameters().into_iter().map(|(_, param)| grads.of(param)).collect()
}

#[test]
fn mt_01_likelihood_and_cross_entropy() {
    let (p, t) = ([0.9, 0.2, 0.7], [1.0, 0.0, 1.0]);
    let likelihood: f64 = p.iter().zip(t).map(|(&p, t)| if t == 1.0 { p } else { 1.0 - p }).product();
    near("likelihood", likelihood, 0.504, 1e-15);
    let tape = Tape::new();
    let column = |x: [f64; 3]| Tensor::from(x).reshape([3, 1]);
    let mean = loss::binary_cross_entropy_with_probabilities(tape.constant(column(p)), column(t))
        .mean_over_samples()
        .value();
    near("exp(-N mean)", (-3.0 * mean).exp(), 0.504, 1e-15);
    // As a function of one Bernoulli parameter, the cross-entropy is smallest at the mean of the sample.
    let sample: Tensor = Tensor::from([[1.0], [0.0], [1.0], [1.0], [0.0], [1.0], [1.0]]);
    fn entropy(p: Scalar<'_, f64>) -> Scalar<'_, f64> {
        -(p.ln() * 5.0 + (1.0 - p).ln() * 2.0) / 7.0
    }
    let at = sample.mean();
    near("slope at the sample mean", grad(entropy, at), 0.0, 1e-14);
    let curvature = hessian(entropy, at).item();
    assert!(curvature > 0.0, "curvature at the sample mean: found {curvature}, expected above 0");
    row(
        "MT-01",
        "likelihood of three outcomes",
        "not given",
        &format!("{likelihood:.3}"),
        "= exp(-N · mean cross-entropy)",
    );
}

#[test]
fn mt_02_descent_step() {
    let mut rng = StdRng::seed_from_u64(2);
    let net = network(&[3, 5, 1], Activation::Sigmoid, Activation::Sigmoid, &mut rng);
    let (x, y) = (uniform([4, 3], 1.0, &mut rng), uniform([4, 1], 1.0, &mut rng));
    let grads = engine(&net, &x, &y, LossFunction::SquaredError.mean_over_samples().half());
    let square: f64 = grads.iter().map(|g| (g * g).sum()).sum();
    let before = nn::by_hand::loss_value(
        LossFunction::SquaredError.mean_over_samples().half(),
        net.forward(&x).output(),
        &y,
    );
    let mut ratios = Vec::new();
    for rate in [1e-1, 1e-2, 1e-3, 1e-4] {
        let mut net = net.clone();
        for (layer, g) in net.layers.iter_mut().zip(grads.chunks_exact(2)) {
            layer.weight = &layer.weight - &(&g[0] * rate);
            layer.bias = &layer.bias - &(&g[1] * rate);
        }
        let after = nn::by_hand::loss_value(
            LossFunction::SquaredError.mean_over_samples().half(),
            net.forward(&x).output(),
            &y,
        );
        let ratio = (before - after) / (rate * square);
        // The neglected terms are of second order, so the ratio differs from 1 by a multiple of the rate.
        assert!((ratio - 1.0).abs() < rate, "rate {rate}: {ratio}");
        ratios.push(format!("{ratio:.6}"));
    }
    row("MT-02", "decrease / (η g·g), η = 0.1 to 0.0001", "tends to 1", &ratios.join(", "), "");
}

/// Gradients of `g · w`.
fn constant_gradient(w: &Param, g: f64) -> tape::Gradients {
    (w.on(&Tape::new()) * g).sum().backward()
}

/// Steps of gradient descent on `(x² + 50 y²) / 2` from (1, 1) until within 1e-6 of the minimum.
fn steps(momentum: f64) -> usize {
    let mut w: Param = Param::new([1.0, 1.0]);
    let mut optimizer = Sgd::new(0.02).momentum(momentum);
    let mut tape = Tape::new();
    let scale = Tensor::from([1.0, 50.0]);
    for step in 0.. {
        if (w.value() * w.value()).sum().sqrt() < 1e-6 {
            return step;
        }
        let x = w.on(&tape);
        let grads = ((x * x * &scale).sum() * 0.5).backward();
        tape.reset();
        optimizer.step(&mut w, &grads);
    }
    unreachable!("the loop returns")
}

/// Error E20: the effective rate η / (1 - α) is said to be much larger for every α in [0, 1).
#[test]
fn mt_03_momentum() {
    let (rate, alpha, g) = (0.1, 0.9, 2.0);
    let mut w = Param::new([0.0]);
    let mut optimizer = Sgd::new(rate).momentum(alpha);
    let (mut last, mut by_hand) = (0.0, 0.0);
    for t in 1..=200 {
        let grads = constant_gradient(&w, g);
        optimizer.step(&mut w, &grads);
        let step = w.value().item() - last;
        last = w.value().item();
        by_hand = -rate * g + alpha * by_hand;
        let closed = -rate * g * (1.0 - alpha.powi(t)) / (1.0 - alpha);
        near(&format!("step {t} by recurrence"), by_hand, closed, EXACT);
        near(&format!("step {t}"), step, by_hand, EXACT * last.abs().max(1.0));
        for (at, expected) in
            [(1, -0.2), (2, -0.38), (10, -1.3026431198), (50, -1.98969245), (200, -1.99999999859)]
        {
            if at == t {
                near(&format!("printed step {t}"), step, expected, 1e-8);
                row(
                    "MT-03",
                    &format!("Δw after {t} steps"),
                    "tends to -η g / (1 - α) = -2",
                    &format!("{step:.8}"),
                    "",
                );
            }
        }
    }
    // With α = 0 the effective rate is η, no larger.
    let mut w = Param::new([0.0]);
    let mut plain = Sgd::new(rate).momentum(0.0);
    for _ in 0..5 {
        let grads = constant_gradient(&w, g);
        plain.step(&mut w, &grads);
    }
    near("5 steps with α = 0", w.value().item(), -5.0 * rate * g, 1e-15);
    let counts = [0.0, 0.5, 0.9].map(steps);
    assert_eq!(counts, [684, 325, 246]);
    row(
        "MT-03",
        "steps on a long valley, α = 0, 0.5, 0.9",
        "fewer with momentum",
        &format!("{counts:?}"),
        "E20: for α = 0 the effective rate is just η",
    );
}

#[test]
fn mt_04_stochastic_and_mini_batch() {
    let mut rng = StdRng::seed_from_u64(4);
    let net = network(&[3, 4, 2], Activation::Tanh, Activation::Identity, &mut rng);
    let (x, y) = (uniform([10, 3], 1.0, &mut rng), uniform([10, 2], 1.0, &mut rng));
    let rows = |rows: &[usize]| {
        let (mut a, mut b) = (Tensor::default(), Tensor::default());
        copy_rows(&x, rows, &mut a).expect("rows exist");
        copy_rows(&y, rows, &mut b).expect("rows exist");
        engine(&net, &a, &b, LossFunction::SquaredError.mean_over_samples().half())
    };
    let all = engine(&net, &x, &y, LossFunction::SquaredError.mean_over_samples().half());
    let mut worst: f64 = 0.0;
    for (batch, updates) in [(1, 10), (3, 4), (10, 1)] {
        let mut batches = Batches::new(10, batch);
        let mut means: Vec<Tensor> = all.iter().map(|g| Tensor::zeros(g.shape())).collect();
        for part in batches.shuffle(&mut rng).iter() {
            let share = part.len() as f64 / 10.0;
            means.iter_mut().zip(rows(part)).for_each(|(mean, g)| *mean = &*mean + &(&g * share));
        }
        assert_eq!(batches.len(), updates);
        worst = means.iter().zip(&all).map(|(mean, g)| (mean - g).abs().max()).fold(worst, f64::max);
    }
    assert!(worst < 1e-13, "mean of batches against all: error {worst:e}, expected below 1e-13");
    row(
        "MT-04",
        "mean of batch gradients against all samples",
        "equal",
        &format!("{worst:.1e}"),
        "batches of 1, 3, 10",
    );
}

#[test]
fn mt_05_output_layer_for_any_loss() {
    let mut rng = StdRng::seed_from_u64(5);
    for (activation, loss) in [
        (Activation::Sigmoid, LossFunction::SquaredError.sum().half()),
        (Activation::Sigmoid, LossFunction::BinaryCrossEntropyWithProbabilities.mean_over_samples()),
        (Activation::Tanh, LossFunction::SquaredError.sum()),
        (Activation::Tanh, LossFunction::AbsoluteError.sum()),
        (Activation::Relu, LossFunction::SquaredError.sum().half()),
        (Activation::Identity, LossFunction::SquaredError.sum().half()),
    ] {
        let net = network(&[4, 3], activation, activation, &mut rng);
        let (x, y) = (uniform([1, 4], 1.0, &mut rng), Tensor::from([[1.0, 0.0, 1.0]]));
        let found = engine(&net, &x, &y, loss);
        let forward = net.forward(&x);
        let by_output = nn::by_hand::loss_gradient(loss, forward.output(), &y).to_vec();
        let slope = activation.derivative(&forward.z[0], forward.output()).expect("elementwise").to_vec();
        // ∇w^{m,i} = L'(y^m) φ'(z^m) y^i and ∇b^m = L'(y^m) φ'(z^m): no index of a source at the bias (E20).
        let source = x.to_vec();
        let weights = Tensor::from_fn([3, 4], |at| by_output[at[0]] * slope[at[0]] * source[at[1]]);
        assert_close(&loss.to_string(), &found[0], &weights, EXACT);
        assert_close(
            &loss.to_string(),
            &found[1],
            &Tensor::from_fn([3], |at| by_output[at[0]] * slope[at[0]]),
            EXACT,
        );
    }
    row("MT-05", "L' φ' y against the engine", "equal", "within 1e-12", "six pairs of activation and loss");
}

#[test]
fn mt_06_sigmoid_and_quadratic_loss() {
    let mut rng = StdRng::seed_from_u64(6);
    let net = network(&[4, 3], Activation::Sigmoid, Activation::Sigmoid, &mut rng);
    let (x, t) = (uniform([1, 4], 1.0, &mut rng), uniform([1, 3], 1.0, &mut rng));
    let found = engine(&net, &x, &t, LossFunction::SquaredError.sum().half());
    let (y, t, source) = (net.forward(&x).output().to_vec(), t.to_vec(), x.to_vec());
    let closed = Tensor::from_fn([3, 4], |at| {
        let m = at[0];
        (y[m] - t[m]) * (1.0 - y[m]) * y[m] * source[at[1]]
    });
    assert_close("(y - t)(1 - y) y", &found[0], &closed, EXACT);
    row("MT-06", "(y - t)(1 - y) y y_prev against the engine", "equal", "within 1e-12", "");
}

/// Errors E15, E20 and E22: the softmax derivation starts with the wrong function; the gradient is signed; softmax is
/// not a loss.
#[test]
fn mt_07_softmax_and_cross_entropy() {
    let (z, t) = (Tensor::from([[1.0, 2.0, 3.0]]), Tensor::from([[0.0, 0.0, 1.0]]));
    let expected = [0.09003057, 0.24472847, -0.33475904];
    let both = |z: &Tensor, t: &Tensor| {
        let tape = Tape::new();
        let x = tape.var(z.clone());
        let fused = loss::cross_entropy_with_logits(x, t).mean();
        let composed = -(x.softmax(-1).ln() * t).sum();
        [fused, composed].map(|loss| (loss.value(), loss.backward().wrt(x)))
    };
    let found = both(&z, &t);
    for (value, gradient) in &found {
        near("loss", *value, 0.4076059644443803, 1e-12);
        all_near("gradient", &gradient.to_vec(), &expected, 1e-8);
    }
    all_near("softmax", &z.softmax(-1).to_vec(), &[0.09003057, 0.24472847, 0.66524096], 1e-8);
    row("MT-07", "loss at z = (1, 2, 3)", "not given", &format!("{:.13}", found[0].0), "fused = composed");
    let soft = Tensor::from([[0.2, 0.5, 0.3]]);
    let [fused, composed] = both(&z, &soft);
    near("loss of soft targets", fused.0, composed.0, EXACT);
    assert_close("soft targets", &fused.1, &composed.1, EXACT);
    assert_close("y - t", &fused.1, &(&z.softmax(-1) - &soft), EXACT);
    let far = Tensor::from([[1000.0, -1000.0, 0.0]]);
    let tape = Tape::new();
    let x = tape.var(far);
    let loss = loss::cross_entropy_with_logits(x, &t).mean();
    assert_eq!((loss.value(), loss.backward().wrt(x).to_vec()), (1000.0, vec![1.0, 0.0, -1.0]));
    // E15: with y in place of ln y the gradient is different.
    let wrong = grad(|z: Var<'_, f64>| -z.softmax(-1).at([0, 2]), z.clone());
    let distance = (&wrong - &found[0].1).abs().max();
    assert!(distance > 0.05, "distance of the wrong gradient: found {distance}, expected above 0.05");
    // E20: y - t is signed, not the absolute difference.
    let signed = found[0].1.to_vec()[2];
    assert!(signed < 0.0, "y - t of the right class: found {signed}, expected below 0");
    // E22: softmax gives a distribution, one value for each class; the log-loss is one value.
    near("sum of the softmax", z.softmax(-1).sum(), 1.0, 1e-15);
    let slopes = jacobian(|z| z.softmax(-1), z.reshape([3])).to_vec();
    let printed = [
        [0.08192507, -0.02203304, -0.05989202],
        [-0.02203304, 0.18483645, -0.1628034],
        [-0.05989202, -0.1628034, 0.22269543],
    ];
    all_near("Jacobian", &slopes, printed.as_flattened(), 1e-8);
}

/// Gradients of the first and the last weight of a chain of sigmoids: weights 1, biases 0, input 1/2, target 0.
fn chain(depth: usize) -> [f64; 2] {
    let layers: Vec<Linear> = (0..depth).map(|_| Linear::from_values([[1.0]], [0.0])).collect();
    let tape = Tape::new();
    let start = tape.constant([[0.5]]);
    let output = layers.iter().fold(start, |a, layer| layer.forward(a, &mut Context::eval()).sigmoid());
    let grads = (loss::squared_error(output, Tensor::from([[0.0]])).sum() * 0.5).backward();
    [&layers[0], &layers[depth - 1]].map(|layer| grads.of(&layer.weight).item())
}

#[test]
fn mt_08_vanishing_gradient() {
    for (z, quadratic, entropy) in [
        (0.0, 0.125, 0.5),
        (2.0, 0.0925, 0.881),
        (5.0, 0.0066, 0.993),
        (10.0, 4.54e-5, 0.99995),
        (20.0, 2.06e-9, 1.0),
    ] {
        let tape = Tape::new();
        let x = tape.var([[z]]);
        let zero = Tensor::from([[0.0]]);
        let found = [
            loss::squared_error(x.sigmoid(), &zero).sum() * 0.5,
            loss::binary_cross_entropy_with_logits(x, &zero).mean_over_samples(),
        ]
        .map(|loss| loss.backward().wrt(x).item());
        near(&format!("squared error at z = {z}"), found[0], quadratic, 0.6e-2 * quadratic);
        near(&format!("cross-entropy at z = {z}"), found[1], entropy, 0.6e-3 * entropy);
        row(
            "MT-08",
            &format!("wrong output at z = {z}: squared error, cross-entropy"),
            "dies; stays y - t",
            &format!("{:.3e}, {:.5}", found[0], found[1]),
            "",
        );
    }
    let mut last = f64::INFINITY;
    for depth in 1..=20 {
        let [first, top] = chain(depth);
        assert!(first <= last / 4.0, "a layer more multiplies by at most w / 4");
        last = first;
        let expected = [(1, 0.07314), (2, 0.017378), (5, 2.0032e-4), (10, 1.1478e-7), (20, 3.7668e-14)];
        if let Some((_, expected)) = expected.iter().find(|(at, _)| *at == depth) {
            near(&format!("first gradient of {depth} layers"), first, *expected, 1e-4 * expected);
            row(
                "MT-08",
                &format!("first-layer gradient, {depth} layers"),
                "vanishes",
                &format!("{first:.4e}"),
                &format!("last layer {top:.4}"),
            );
        }
        if depth >= 6 {
            near(&format!("last gradient of {depth} layers"), top, 0.0976, 1e-4);
        }
    }
}

#[test]
fn mt_09_three_factor_form() {
    let mut rng = StdRng::seed_from_u64(9);
    let net = network(&[3, 4, 5, 2], Activation::Tanh, Activation::Sigmoid, &mut rng);
    let (x, t) = (uniform([1, 3], 1.0, &mut rng), uniform([1, 2], 1.0, &mut rng));
    let forward = net.forward(&x);
    let closed = net.backward(&forward, &t, LossFunction::SquaredError.sum().half());
    let found = engine(&net, &x, &t, LossFunction::SquaredError.sum().half());
    // Δ = L' at the output, Δ_l^m = Σ_j δ_{l+1}^j w_{l+1}^{j,m} below; δ = Δ φ'; ∇w = Δ φ' y_prev.
    let mut aggregated = (forward.output() - &t).to_vec();
    let mut worst: f64 = 0.0;
    for (l, layer) in net.layers.iter().enumerate().rev() {
        let slope =
            layer.activation.derivative(&forward.z[l], &forward.a[l + 1]).expect("elementwise").to_vec();
        let delta: Vec<f64> = aggregated.iter().zip(&slope).map(|(d, s)| d * s).collect();
        let source = forward.a[l].to_vec();
        let gradient = Tensor::from_fn(layer.weight.shape(), |at| delta[at[0]] * source[at[1]]);
        worst = worst.max((&gradient - &closed.weights[l]).abs().max());
        assert_close("weights", &found[2 * l], &gradient, EXACT);
        assert_close("biases", &found[2 * l + 1], &Tensor::from(delta.clone()), EXACT);
        let (weight, sources) = (layer.weight.to_vec(), source.len());
        aggregated = (0..sources)
            .map(|m| delta.iter().enumerate().map(|(j, d)| d * weight[j * sources + m]).sum())
            .collect();
    }
    at_most("three factors against closed form", worst, 1e-14);
    row(
        "MT-09",
        "three factors against closed form",
        "equal",
        &format!("{worst:.1e}"),
        "engine within 1e-12",
    );
}
