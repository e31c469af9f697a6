//! Losses, penalties and steps: GL-30, GL-32, GL-33, GL-56, GL-59.

use super::{EXACT, descend};
use nn::loss::{l2_penalty, squared_error};
use nn::optim::{AdaDelta, AdaGrad, Adam, Optimizer, RmsProp, Sgd, gradient_norm};
use nn::{Context, Identity, Linear, Module, Param, Tanh, mlp, state_dict};
use tape::{Tape, Tensor};
use tests::compare::{assert_close, error, near};
use tests::row;
use tests::systems::{normal, rng};

/// Agreement with the table of first steps, which has nine decimals.
const TABLE: f64 = 1e-9;

#[test]
fn gl_30_cost() {
    let rng = &mut rng(30);
    let (a, y) = (normal([4, 3], 1.0, rng), normal([4, 3], 1.0, rng));
    let tape = Tape::new();
    let leaf = tape.var(a.clone());
    let losses = squared_error(leaf, &y);
    let each = (&a - &y).square();
    assert_eq!(losses.per_element().value(), each);
    let mut ours = Vec::new();
    for (cost, count) in [(losses.sum(), 1.0), (losses.mean_over_samples(), 4.0), (losses.mean(), 12.0)] {
        near("cost", cost.value(), each.sum() / count, EXACT);
        assert_close("gradient", &cost.backward().wrt(leaf), &(&(&a - &y) * (2.0 / count)), EXACT);
        ours.push(format!("{:.4}", cost.value()));
    }
    let what = "squared error of 4 samples with 3 outputs: sum, per sample, mean";
    row("GL-30", what, "sum and mean", &ours.join(", "), "gradients too");
}

#[test]
fn gl_32_overfitting() {
    let data = |n: usize, seed: u64| {
        let x = Tensor::linspace(-1.0, 1.0, n).reshape([n, 1]);
        let y = &(&x * 3.0).sin() + &normal([n, 1], 0.3, &mut rng(seed));
        (x, y)
    };
    let ((x, y), unseen) = (data(10, 1), data(101, 2));
    let mut model = mlp(&[1, 40, 40, 1], Tanh, Identity, &mut rng(3));
    let train = descend(&mut model, &mut Adam::new(0.01), 500, |model, tape| {
        squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean()
    });
    let validation = (&model.predict(&unseen.0) - &unseen.1).square().mean();
    assert!(train < validation / 20.0, "{train} {validation}");
    row(
        "GL-32",
        "10 noisy points, 1-40-40-1: loss in training, in validation",
        "much lower in training",
        &format!("{train:.1e}, {validation:.3}"),
        "the noise alone is 0.09",
    );
}

#[test]
fn gl_33_regularization() {
    let rng = &mut rng(33);
    let (x, y) = (normal([20, 5], 1.0, rng), normal([20, 1], 1.0, rng));
    let start = Linear::new(5, 1, rng);
    let fit = |model: &Linear, tape: &Tape| {
        squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean().backward()
    };
    let (lambda, rate) = (0.25, 0.1);
    let (tape, w) = (Tape::new(), start.weight.value());
    let plain = fit(&start, &tape).of(&start.weight);
    let loss = squared_error(start.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean();
    let with = (loss + l2_penalty(&start.weight, &tape) * lambda).backward().of(&start.weight);
    let penalty = error(&(&with - &plain), &(w * (2.0 * lambda)));
    let mut decayed = start.clone();
    let grads = fit(&decayed, &Tape::new());
    Sgd::new(rate).weight_decay(lambda).step(&mut decayed, &grads);
    let decay = error(&(&(w - decayed.weight.value()) / rate), &(&plain + &(w * lambda)));
    assert!(penalty <= EXACT && decay <= EXACT, "{penalty:e} {decay:e}");
    let ours = format!("{penalty:.1e}, {decay:.1e}");
    row("GL-33", "gradient gains 2λw by λΣw², λw by weight decay", "equal", &ours, "");

    let norms = [0.0, 0.01, 0.1, 1.0].map(|lambda| {
        let mut model = start.clone();
        descend(&mut model, &mut Sgd::new(rate), 200, |model, tape| {
            let loss =
                squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean();
            loss + l2_penalty(&model.weight, tape) * lambda
        });
        model.weight.value().norm(2.0)
    });
    assert!(norms.is_sorted_by(|a, b| a > b), "{norms:?}");
    let ours = norms.map(|norm| format!("{norm:.3}")).join(", ");
    row("GL-33", "norm of the weights, λ = 0, 0.01, 0.1, 1", "shrinks", &ours, "");
}

#[test]
fn gl_56_exploding_gradients() {
    let mut model: Vec<Linear> = (0..20).map(|_| Linear::from_values([[2.0]], [0.0])).collect();
    let grads = {
        let tape = Tape::new();
        let start = tape.constant([[1e-6]]);
        let output = model.iter().fold(start, |a, layer| layer.forward(a, &mut Context::eval()));
        (squared_error(output, Tensor::from([[0.0]])).sum() * 0.5).backward()
    };
    // The gradient of a bias is the delta of its neuron.
    let delta = |layer: &Linear| grads.of(layer.bias.as_ref().expect("a layer with a bias")).item();
    let ratio = delta(&model[0]) / delta(&model[19]);
    assert_eq!(ratio, 2f64.powi(19));
    row("GL-56", "first over last delta, identity, w = 2, depth 20", "2^19 = 524288", &ratio.to_string(), "");

    let (before, norm) = (state_dict(&model), gradient_norm(&model, &grads));
    Sgd::new(1.0).clip_norm(0.5).step(&mut model, &grads);
    let moved = before.iter().zip(state_dict(&model)).map(|((_, old), (_, new))| (&new - old).square().sum());
    let step = moved.sum::<f64>().sqrt();
    assert!(norm > 0.5 && (step - 0.5).abs() <= EXACT, "{norm} {step}");
    let ours = format!("{norm:.3e} to {step:.3}");
    row("GL-56", "norm of the gradient, clipped to 0.5", "option", &ours, "");
}

/// The value of `a` after each of 7 steps on `a² + b²` from `a = b = 10`.
fn parabola(mut optimizer: impl Optimizer) -> Vec<f64> {
    let mut w = Param::new([10.0, 10.0]);
    let mut steps = Vec::new();
    for _ in 0..7 {
        let tape = Tape::new();
        let grads = w.on(&tape).square().sum().backward();
        drop(tape);
        optimizer.step(&mut w, &grads);
        let at = w.value().to_vec();
        assert_eq!(at[0], at[1]);
        steps.push(at[0]);
    }
    steps
}

#[test]
fn gl_59_optimizers() {
    let table: [(&str, Vec<f64>, [f64; 7]); 6] = [
        ("SGD", parabola(Sgd::new(0.3)), [4.0, 1.6, 0.64, 0.256, 0.1024, 0.04096, 0.016384]),
        (
            "momentum",
            parabola(Sgd::new(0.1).momentum(0.9)),
            [8.0, 4.6, 0.62, -3.086, -5.8042, -7.08974, -6.828778],
        ),
        (
            "AdaGrad",
            parabola(AdaGrad::new(1.0)),
            [9.0, 8.331035268, 7.804561813, 7.362231327, 6.977148620, 6.634323432, 6.324394469],
        ),
        (
            "RMSProp",
            parabola(RmsProp::new(0.1).alpha(0.9)),
            [9.683772234, 9.457880248, 9.270530979, 9.105434556, 8.955067099, 8.815248269, 8.683382980],
        ),
        (
            "AdaDelta",
            parabola(AdaDelta::new(1.0).rho(0.95)),
            [9.995527864, 9.990999743, 9.986434431, 9.981841245, 9.977225741, 9.972591603, 9.967941452],
        ),
        (
            "Adam",
            parabola(Adam::new(0.5)),
            [9.5, 9.000832429, 8.503116957, 8.007524472, 7.514778901, 7.025658645, 6.540997471],
        ),
    ];
    for (name, found, expected) in table {
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst <= TABLE, "{name}: {found:?}");
        let what = format!("{name} on a² + b² from 10: a after step 7");
        row("GL-59", &what, &expected[6].to_string(), &format!("{:.9}", found[6]), "all 7 steps within 1e-9");
    }
}
