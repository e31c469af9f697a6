//! The systems of a textbook's chapter on forward propagation and backpropagation: descent and training.

use nn::by_hand::{Activation, Layer, Mlp};
use nn::data::MinMax;
use nn::loss::{LossFunction, squared_error};
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Identity, Module, Parameters, Path, Sequential, Sigmoid, mlp};
use rand::rngs::StdRng;
use tape::transform::grad;
use tape::{Scalar, Tape, Tensor};
use tests::compare::{error, near};
use tests::row;
use tests::systems::{demand_data, demand_table, normal, normal_layer, rng};

/// All parameters as one vector.
fn flat(model: &Sequential) -> Vec<f64> {
    model.named_parameters().into_iter().flat_map(|(_, p)| p.value().to_vec()).collect()
}

/// The inverse of [`flat`].
fn set_flat(model: &mut Sequential, values: &[f64]) {
    let mut rest = values;
    model.visit_mut(&Path::root(), &mut |_, p| {
        let (head, tail) = rest.split_at(p.value().size());
        p.value_mut().as_mut_slice().copy_from_slice(head);
        rest = tail;
    });
}

fn value_and_gradient(model: &Sequential, x: &Tensor, y: &Tensor) -> (f64, Vec<f64>) {
    let tape = Tape::new();
    let loss = squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), y).sum() * 0.5;
    let grads = loss.backward();
    (loss.value(), model.named_parameters().into_iter().flat_map(|(_, p)| grads.of(p).to_vec()).collect())
}

#[test]
fn c8_07_gradient_step() {
    let mut rng = rng(7);
    let mut model: Sequential = mlp(&[3, 5, 1], Sigmoid, Sigmoid, &mut rng);
    let (x, y) = (normal([4, 3], 1.0, &mut rng), normal([4, 1], 1.0, &mut rng));
    let start = flat(&model);
    assert_eq!((start.len(), model.count()), (26, 26));
    set_flat(&mut model, &start);
    assert_eq!(flat(&model), start);
    let (before, g) = value_and_gradient(&model, &x, &y);
    let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
    let mut along = |direction: &[f64]| {
        let h = 1e-5;
        let mut at = |h: f64| {
            let moved: Vec<f64> = start.iter().zip(direction).map(|(w, d)| w + h * d).collect();
            set_flat(&mut model, &moved);
            value_and_gradient(&model, &x, &y).0
        };
        (at(h) - at(-h)) / (2.0 * h)
    };
    let mut steepest = 0f64;
    for _ in 0..1000 {
        let direction = normal([26], 1.0, &mut rng).to_vec();
        let length = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
        let unit: Vec<f64> = direction.iter().map(|d| d / length).collect();
        steepest = steepest.max(along(&unit));
    }
    let unit: Vec<f64> = g.iter().map(|g| g / norm).collect();
    let best = along(&unit);
    assert!(steepest <= norm * (1.0 + 1e-6) && (best / norm - 1.0).abs() <= 1e-6, "{steepest} {best} {norm}");
    row(
        "C8-07",
        "steepest of 1000 random directions over the gradient's norm",
        "<= 1",
        &format!("{:.3}", steepest / norm),
        "along the gradient 1 to 1e-6",
    );
    let mut ratios = Vec::new();
    for rate in [1e-1, 1e-2, 1e-3, 1e-4] {
        let moved: Vec<f64> = start.iter().zip(&g).map(|(w, g)| w - rate * g).collect();
        set_flat(&mut model, &moved);
        let after = value_and_gradient(&model, &x, &y).0;
        ratios.push((before - after) / (rate * norm * norm));
    }
    let gaps: Vec<f64> = ratios.iter().map(|r| (r - 1.0).abs()).collect();
    assert!(gaps.windows(2).all(|pair| pair[1] < 0.2 * pair[0]) && gaps[3] < 1e-3, "{ratios:?}");
    let ours = ratios.iter().map(|r| format!("{r:.6}")).collect::<Vec<_>>().join(", ");
    row("C8-07", "decrease over η‖g‖², η = 1e-1 .. 1e-4", "tends to 1", &ours, "3-5-1 net");
}

#[test]
fn c8_08_local_minima() {
    fn f(x: Scalar<'_>) -> Scalar<'_> {
        x.powi(4) - 2.0 * x.powi(2) + 0.3 * x
    }
    let (global, local) = ((-1.0355787, -1.3054285), (0.9601496, -0.7058535));
    for (start, (end, depth)) in [(-1.5, global), (0.05, global), (1.5, local), (0.1, local)] {
        let mut x = start;
        for _ in 0..2000 {
            x -= 0.05 * grad(f, x);
        }
        let tape = Tape::new();
        let value = f(tape.scalar(x)).value();
        near("end", x, end, 1e-6);
        near("value", value, depth, 1e-6);
        row(
            "C8-08",
            &format!("descent from {start}"),
            &format!("x = {end}, f = {depth}"),
            &format!("x = {x:.7}, f = {value:.7}"),
            "η 0.05, 2000 steps",
        );
    }
    near("the barrier is stationary", grad(f, 0.0754292), 0.0, 1e-5);
}

/// Algorithm 8.5 on XOR: one sample at a time, all layers updated at the end of each, until the mean of the
/// four losses is below `threshold`. Returns the number of passes, and how many of the four are right.
fn algorithm_8_5(model: &mut Sequential, rate: f64, threshold: f64, cap: usize) -> (usize, usize) {
    let x: Tensor = Tensor::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let y = [0.0, 1.0, 1.0, 0.0];
    let rows: Vec<Tensor> = (0..4).map(|i| x.slice(0, i..i + 1)).collect();
    let (mut tape, mut optimizer) = (Tape::new(), Sgd::new(rate));
    let mut passes = 0;
    while passes < cap {
        let mut sum = 0.0;
        for (x, y) in rows.iter().zip(y) {
            let output = model.forward(tape.constant(x.clone()), &mut Context::eval());
            let loss = squared_error(output, Tensor::from([[y]])).sum() * 0.5;
            sum += loss.value();
            let grads = loss.backward();
            tape.reset();
            optimizer.step(model, &grads);
        }
        passes += 1;
        if sum / 4.0 < threshold {
            break;
        }
    }
    let output = model.predict(&x).to_vec();
    (passes, output.iter().zip(y).filter(|(p, y)| (**p > 0.5) == (*y > 0.5)).count())
}

fn xor_net(hidden: usize, rng: &mut StdRng) -> Sequential {
    let model = Sequential::new().push(normal_layer(2, hidden, 1.0, rng)).push(Sigmoid);
    model.push(normal_layer(hidden, 1, 1.0, rng)).push(Sigmoid)
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn c8_12_algorithm_8_5_xor() {
    let mut passes = Vec::new();
    for seed in 0..10 {
        let (needed, right) = algorithm_8_5(&mut xor_net(4, &mut rng(seed)), 0.5, 0.005, 3000);
        if right == 4 && needed < 3000 {
            passes.push(needed);
        }
    }
    passes.sort_unstable();
    assert!(passes.len() >= 9, "{passes:?}");
    let ours =
        format!("{}/10, median {}, max {}", passes.len(), passes[passes.len() / 2], passes[passes.len() - 1]);
    row(
        "C8-12",
        "XOR 2-4-1, r = 0.5, passes to loss 0.005",
        "20/20, max 1243 (other generator)",
        &ours,
        "weights and biases N(0, 1)",
    );
    let best = (0..10).map(|seed| {
        let mut neuron = Sequential::new().push(normal_layer(2, 1, 1.0, &mut rng(seed))).push(Sigmoid);
        algorithm_8_5(&mut neuron, 0.5, 0.005, 2000).1
    });
    let best = best.max().unwrap_or(0);
    assert!(best <= 3, "corners of XOR by one neuron: found {best}, expected at most 3");
    row(
        "C8-12",
        "XOR by one sigmoid neuron",
        "at most 3 of 4 right",
        &format!("at most {best} of 4"),
        "10 seeds",
    );
}

#[test]
fn c8_13_demand_table_normalised() {
    let (x, y) = demand_table();
    let table = Tensor::concat(&[&x, &y], 1);
    let copy = table.to_vec();
    let scale = MinMax::fit(&table).unwrap();
    let normal = scale.apply(&table).unwrap();
    let fixture = Tensor::from([
        [0.982904605911, 0.481481481481, 0.0, 0.973938467475],
        [0.357660705655, 0.0, 0.142857142857, 0.340937087223],
        [1.0, 1.0, 1.0, 1.0],
        [0.0, 0.740740740741, 0.285714285714, 0.0],
    ]);
    let worst = error(&normal, &fixture);
    assert!(worst <= 1e-11, "{worst:e}");
    let back = (&scale.inverse(&normal).unwrap() - &table).map_elements(f64::abs).max();
    assert!(back <= 1e-9, "{back:e}");
    assert_eq!(table.to_vec(), copy, "the source data are unchanged");
    let constant = Tensor::from([[3.0], [3.0]]);
    assert_eq!(MinMax::fit(&constant).unwrap().apply(&constant).unwrap(), Tensor::from([[0.0], [0.0]]));
    row(
        "C8-13",
        "Table 8.1, min-max normalised",
        "12 digits",
        &format!("within {worst:.1e}"),
        &format!("inverse within {back:.1e}; constant column gives 0"),
    );
}

/// Listing 8.4: 3-10-5-1, full batch, momentum. Returns the losses before each step.
fn listing_8_4(model: &mut Sequential, x: &Tensor, y: &Tensor, iterations: usize) -> Vec<f64> {
    let (mut tape, mut optimizer) = (Tape::new(), Sgd::new(0.2).momentum(0.9));
    let mut losses = Vec::new();
    for _ in 0..iterations {
        let loss = squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), y).mean();
        losses.push(loss.value());
        let grads = loss.backward();
        tape.reset();
        optimizer.step(model, &grads);
    }
    losses
}

fn demand_net(seed: u64) -> Sequential {
    mlp(&[3, 10, 5, 1], Sigmoid, Identity, &mut rng(seed))
}

fn normalised(data: (Tensor, Tensor)) -> (Tensor, Tensor) {
    let scaled = |t: &Tensor| MinMax::fit(t).unwrap().apply(t).unwrap();
    (scaled(&data.0), scaled(&data.1))
}

fn variance(y: &Tensor) -> f64 {
    let mean = y.mean();
    y.map_elements(|y| (y - mean) * (y - mean)).mean()
}

#[test]
fn c8_14_first_gradient() {
    let (x, y) = normalised(demand_table());
    let model = demand_net(0);
    assert_eq!(model.count(), 101);
    let tape = Tape::new();
    let grads =
        squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean().backward();
    let params = model.named_parameters();
    let activations = [Activation::Sigmoid, Activation::Sigmoid, Activation::Identity];
    let layer = |(pair, activation): (&[(String, &nn::Param)], Activation)| Layer {
        weight: pair[0].1.value().clone(),
        bias: pair[1].1.value().clone(),
        activation,
    };
    let net = Mlp { layers: params.chunks(2).zip(activations).map(layer).collect() };
    let hand = net.backward(&net.forward(&x), &y, LossFunction::SquaredError.mean());
    let worst = (0..3).fold(0f64, |m, l| {
        let w = error(&grads.of(params[2 * l].1), &hand.weights[l]);
        m.max(w).max(error(&grads.of(params[2 * l + 1].1), &hand.biases[l]))
    });
    assert!(worst <= 1e-12, "{worst:e}");
    row(
        "C8-14",
        "first gradient of Listing 8.4, 101 parameters",
        "= recurrences",
        &format!("{worst:.1e}"),
        "",
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn c8_14_demand_regression() {
    let (x, y) = normalised(demand_table());
    for seed in 0..5 {
        let mut model = demand_net(seed);
        let losses = listing_8_4(&mut model, &x, &y, 1000);
        let last = squared_error(Tape::new().constant(model.predict(&x)), &y).mean().value();
        assert!(last < 1e-10, "seed {seed}: {last:e}");
        row(
            "C8-14",
            &format!("four rows, seed {seed}, MSE"),
            "becomes low",
            &format!("{:.3} -> {last:.1e}", losses[0]),
            "1000 iterations",
        );
    }
    for seed in 0..5 {
        let (x, y) = normalised(demand_data(200, &mut rng(100 + seed)));
        let mut model = demand_net(seed);
        let losses = listing_8_4(&mut model, &x, &y, 1000);
        let last = squared_error(Tape::new().constant(model.predict(&x)), &y).mean().value();
        let variance = variance(&y);
        assert!(last < 5e-4 && last < 0.01 * variance, "seed {seed}: {last:e} of {variance:e}");
        row(
            "C8-14",
            &format!("200 generated rows, seed {seed}, MSE"),
            "becomes low",
            &format!("{:.3}, {:.3} (100), {last:.1e} (1000)", losses[0], losses[100]),
            &format!("target variance {variance:.3}"),
        );
    }
}

/// E4: `[N]` against `[N, 1]` broadcasts to `[N, N]` elsewhere, and the net learns the mean; here it is
/// refused.
#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn c8_14_targets_of_another_shape() {
    let (x, y) = normalised(demand_data(200, &mut rng(100)));
    let mut model = demand_net(0);
    let vector = y.reshape([200]);
    let refused = std::panic::catch_unwind(|| {
        let tape = Tape::new();
        squared_error(tape.constant(Tensor::<f64>::zeros([200, 1])), &vector).mean().value()
    });
    let message = refused.unwrap_err().downcast_ref::<String>().cloned().unwrap_or_default();
    assert_eq!(message, "squared_error: predictions [200, 1] and targets [200] differ in shape");
    row("E4", "targets [N] against outputs [N, 1]", "broadcasts to [N, N]", &message, "refused");
    let (mut tape, mut optimizer) = (Tape::new(), Sgd::new(0.2).momentum(0.9));
    for _ in 0..1000 {
        let output = model.forward(tape.constant(x.clone()), &mut Context::eval());
        let grads = (output - tape.constant(vector.clone())).powi(2).mean().backward();
        tape.reset();
        optimizer.step(&mut model, &grads);
    }
    let last = squared_error(Tape::new().constant(model.predict(&x)), &y).mean().value();
    let variance = variance(&y);
    assert!(last > 0.9 * variance, "{last} {variance}");
    row(
        "E4",
        "MSE after training with the broadcast loss",
        "stays at the variance, .08",
        &format!("{last:.4}"),
        &format!("variance {variance:.4}; 2e-5 with the right loss"),
    );
}
