//! The systems of a concise guide to neural networks: regression, and the kinds of gradient descent.

use nn::data::Batches;
use nn::loss::{binary_cross_entropy_with_probabilities, squared_error};
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Module, Param, Parameters, Sequential, Sigmoid};
use tape::{Tape, Tensor};
use tests::compare::{assert_close, at_most, error};
use tests::row;
use tests::systems::{normal, normal_layer, rng, step, train};

/// `(XᵀX)⁻¹ Xᵀ y`.
fn closed_form(x: &Tensor, y: &Tensor) -> Tensor {
    x.transpose().matmul(x).solve(&x.transpose().matmul(y))
}

/// Value and gradient of `1/2 ‖Xθ - y‖²` by the engine.
fn regression(x: &Tensor, y: &Tensor, theta: &Tensor) -> (f64, Tensor) {
    let tape = Tape::new();
    let t = tape.var(theta.clone());
    let loss = squared_error(tape.constant(x.clone()).matmul(t), y).sum() * 0.5;
    (loss.value(), loss.backward().wrt(t))
}

#[test]
fn wt_10_least_squares() {
    let x = Tensor::from([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]);
    let y = Tensor::from([[1.0], [3.0], [2.0], [5.0]]);
    let theta = closed_form(&x, &y);
    let (loss, gradient) = regression(&x, &y, &theta);
    let worst = error(&theta, &Tensor::from([[1.1], [1.1]])).max((loss - 1.35).abs());
    at_most("θ and half-SSE", worst, 1e-12);
    assert_close("gradient at the solution", &gradient, &Tensor::zeros([2, 1]), 1e-10);
    row(
        "WT-10",
        "least squares, four points: θ, half-SSE",
        "(1.1, 1.1), 1.35",
        &format!("({:.12}, {:.12}), {loss:.12}", theta.to_vec()[0], theta.to_vec()[1]),
        "gradient at the solution below 1e-10",
    );

    let mut rng = rng(10);
    let (x, truth) = (normal([50, 3], 1.0, &mut rng), normal([3, 1], 1.0, &mut rng));
    let clean = error(&closed_form(&x, &x.matmul(&truth)), &truth);
    at_most("noiseless recovery", clean, 1e-12);
    let y = &x.matmul(&truth) + &normal([50, 1], 0.5, &mut rng);
    let theta = closed_form(&x, &y);
    let (mut model, mut tape) = (Param::new(Tensor::zeros([3, 1])), Tape::new());
    for _ in 0..2000 {
        let grads = (squared_error(tape.constant(x.clone()).matmul(model.on(&tape)), &y).mean_over_samples()
            * 0.5)
            .backward();
        tape.reset();
        Sgd::new(0.5).step(&mut model, &grads);
    }
    let descent = error(model.value(), &theta);
    assert!(descent <= 1e-8, "{descent:e}");
    row(
        "WT-10",
        "50x3: noiseless recovery; 2000 descent steps",
        "equal",
        &format!("{clean:.1e}; {descent:.1e}"),
        "η 0.5 on the mean loss",
    );
    // E8: the intermediate lines keep a norm, ‖Xθ - y‖₁ X, which does not even have the shape of θ.
    let residual = &x.matmul(&truth) - &y;
    let printed = &x * residual.map_elements(f64::abs).sum();
    let (_, gradient) = regression(&x, &y, &truth);
    assert_eq!((printed.shape().dims(), gradient.shape().dims()), (vec![50, 3], vec![3, 1]));
    assert_close("Xᵀ(ŷ - y)", &gradient, &x.transpose().matmul(&residual), 1e-12);
    row("E8", "‖ŷ - y‖₁ X for the gradient", "printed so", "shape [50, 3] for [3, 1]", "Xᵀ(ŷ - y)");
}

fn weights(model: &Sequential) -> Tensor {
    let values: Vec<f64> =
        model.named_parameters().into_iter().flat_map(|(_, p)| p.value().to_vec()).collect();
    Tensor::from(values)
}

#[test]
fn wt_18_batch_stochastic_mini_batch() {
    let mut generator = rng(18);
    let n = 23;
    let x = normal([n, 4], 1.0, &mut generator);
    let y = normal([n, 1], 1.0, &mut generator).map_elements(|v| f64::from(v > 0.0));
    let start = Sequential::new().push(normal_layer(4, 1, 0.5, &mut generator)).push(Sigmoid);
    // Updates per epoch: 1, N, ceil(N/B).
    for (batch, expected) in [(n, 1), (1, n), (5, 5)] {
        assert_eq!(train(&mut start.clone(), &x, &y, batch, 1, 0.1, &mut rng(0)), expected);
    }
    row(
        "WT-18",
        "updates per epoch: batch, stochastic, mini-batch of 5, N = 23",
        "1, N, ceil(N/B)",
        "1, 23, 5",
        "",
    );
    // Every sample once per epoch, another order each epoch, the same orders from the same seed.
    let orders = |seed| {
        let (mut rng, mut batches) = (rng(seed), Batches::new(n, 5));
        [0; 3].map(|_| batches.shuffle(&mut rng).iter().flatten().copied().collect::<Vec<usize>>())
    };
    let [first, second, _] = orders(1);
    assert_ne!(first, second);
    assert_eq!(orders(1), orders(1));
    for mut order in orders(2) {
        order.sort_unstable();
        assert_eq!(order, (0..n).collect::<Vec<_>>());
    }
    // B = N is batch descent, whatever the order.
    let (mut whole, mut plain, mut tape) = (start.clone(), start.clone(), Tape::new());
    train(&mut whole, &x, &y, n, 5, 0.1, &mut rng(3));
    (0..5).for_each(|_| {
        step(&mut plain, &mut tape, 0.1, &x, &y);
    });
    let equal = error(&weights(&whole), &weights(&plain));
    // B = 1 is stochastic descent in the same order.
    let (mut single, mut stochastic) = (start.clone(), start.clone());
    train(&mut single, &x, &y, 1, 2, 0.1, &mut rng(4));
    let (mut generator, mut batches) = (rng(4), Batches::new(n, n));
    for _ in 0..2 {
        for i in batches.shuffle(&mut generator).order().to_vec() {
            let i = i as isize;
            step(&mut stochastic, &mut tape, 0.1, &x.slice(0, i..i + 1), &y.slice(0, i..i + 1));
        }
    }
    let one = error(&weights(&single), &weights(&stochastic));
    assert!(equal <= 1e-14 && one <= 1e-14, "{equal:e} {one:e}");
    row(
        "WT-18",
        "B = N against batch, B = 1 against stochastic",
        "equal",
        &format!("{equal:.1e}, {one:.1e}"),
        "",
    );
    // The mean of the gradients of single samples is the gradient of the batch.
    let gradient = |x: &Tensor, y: &Tensor| {
        let tape = Tape::new();
        let grads = binary_cross_entropy_with_probabilities(
            start.forward(tape.constant(x.clone()), &mut Context::eval()),
            y,
        )
        .mean_over_samples()
        .backward();
        let all: Vec<f64> =
            start.named_parameters().into_iter().flat_map(|(_, p)| grads.of(p).to_vec()).collect();
        Tensor::from(all)
    };
    let each = |i: isize| gradient(&x.slice(0, i..i + 1), &y.slice(0, i..i + 1));
    let sum = (1..n as isize).fold(each(0), |sum, i| &sum + &each(i));
    let mean = error(&(&sum / n as f64), &gradient(&x, &y));
    assert!(mean <= 1e-13, "{mean:e}");
    row("WT-18", "mean of the samples' gradients", "= gradient of the batch", &format!("{mean:.1e}"), "");
}
