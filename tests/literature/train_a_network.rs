//! The systems of a tutorial on backpropagation that separates points of the plane: rows TN of the page.
//!
//! Its networks have no biases; the input carries a constant 1. All units are sigmoids of slope 2.

use examples::planar::{BATCH, Network, Phase, Points, SLOPE, Take, epoch};
use nn::by_hand::{Activation, Layer, Mlp};
use nn::data::{Batches, copy_rows};
use nn::loss::LossFunction;
use nn::{Context, Linear, Module, Parameters, SigmoidScaled, loss};
use rand::{SeedableRng, rngs::StdRng};
use std::f64::consts::TAU;
use tape::transform::grad;
use tape::{Tape, Tensor};
use tests::compare::{EXACT, all_near, assert_close, at_most, difference, near};
use tests::networks::uniform;
use tests::row;

/// The half-planes x > -2, y > -2, x < 2, y < 2, and the unit for the threshold.
const SQUARE: [[f64; 3]; 5] =
    [[1.0, 0.0, 2.0], [0.0, 1.0, 2.0], [-1.0, 0.0, 2.0], [0.0, -1.0, 2.0], [0.0, 0.0, 1.0]];

/// The square with the given weight of the fifth unit; -3 is printed.
fn square(fifth: f64) -> Network {
    Network::from_weights(SQUARE, [[1.0, 1.0, 1.0, 1.0, fifth]])
}

#[test]
fn tn_01_forward_with_a_constant_vertex() {
    let mut rng = StdRng::seed_from_u64(1);
    let net = Network::new(3, &mut rng);
    let x = uniform([20, 2], 2.0, &mut rng);
    let with_constant = Tensor::concat(&[&x, &Tensor::ones([20, 1])], 1);
    let tape = Tape::new();
    let found = net.forward(tape.constant(with_constant)).value();
    // The same network with the last column of W⁰ as bias, and no bias at the output.
    let [w0, w1] = net.weights();
    let hidden = Linear::from_values(w0.slice(1, 0..2), w0.slice(1, 2..3).reshape([3]));
    let sigmoid = SigmoidScaled { slope: SLOPE, offset: 0.0 };
    let a = sigmoid.predict(&hidden.predict(&x));
    let expected = sigmoid.predict(&Linear::from_values(w1, [0.0]).predict(&a));
    let error = (&found - &expected).abs().max();
    at_most("constant vertex against biases", error, 1e-14);
    row("TN-01", "constant vertex against biases", "equal", &format!("{error:.1e}"), "");
}

#[test]
fn tn_02_sigmoid_with_slope_k() {
    let mut worst: f64 = 0.0;
    for k in [0.5, 1.0, 2.0, 5.0] {
        for i in -40..=40 {
            let z = f64::from(i) / 10.0;
            let value = |z: f64| 1.0 / (1.0 + (-k * z).exp());
            let s = value(z);
            let tape = Tape::new();
            let x = tape.scalar(z);
            let y = x.sigmoid_scaled(k, 0.0);
            near("sigmoid_scaled", y.value(), s, 1e-15);
            near("sigmoid_scaled as a sigmoid", y.value(), (k * x).sigmoid().value(), 1e-15);
            let slope = grad(move |z| z.sigmoid_scaled(k, 0.0), z);
            near("slope", slope, k * s * (1.0 - s), EXACT);
            near("slope by backward", y.backward().wrt(x), slope, 1e-15);
            let module = SigmoidScaled { slope: k, offset: 0.0 };
            assert_eq!(module.predict(&Tensor::from([z])).item(), y.value());
            near("slope by differences", slope, difference(value, z), 1e-8);
            worst = worst.max((slope - k * s * (1.0 - s)).abs());
            if k == 2.0 {
                near("2 σ(2z) - 1", 2.0 * y.value() - 1.0, z.tanh(), 1e-15);
            }
        }
    }
    row(
        "TN-02",
        "slope-k derivative k s (1 - s)",
        "equal",
        &format!("{worst:.1e}"),
        "also 2 s - 1 = tanh for k = 2",
    );
}

/// A diagonal matrix.
fn diagonal(entries: &[f64]) -> Tensor {
    Tensor::from_fn([entries.len(), entries.len()], |at| if at[0] == at[1] { entries[at[0]] } else { 0.0 })
}

#[test]
fn tn_03_recurrences_in_diagonal_form() {
    let mut rng = StdRng::seed_from_u64(3);
    let mut worst: f64 = 0.0;
    for activation in
        [Activation::SigmoidScaled { slope: 2.0, offset: 0.0 }, Activation::Tanh, Activation::Sigmoid]
    {
        let widths = [3, 5, 4, 2];
        let layer = |size: &[usize]| Layer {
            weight: uniform([size[1], size[0]], 1.5, &mut rng),
            bias: Tensor::zeros([size[1]]),
            activation,
        };
        let net = Mlp { layers: widths.windows(2).map(layer).collect() };
        let (x, y) = (uniform([1, 3], 1.0, &mut rng), uniform([1, 2], 1.0, &mut rng));
        let forward = net.forward(&x);
        let closed = net.backward(&forward, &y, LossFunction::SquaredError.sum().half());
        let model = nn::Sequential::from(&net);
        let tape = Tape::new();
        let output = model.forward(tape.constant(x), &mut Context::eval());
        let grads = (loss::squared_error(output, &y).sum() * 0.5).backward();
        let named = model.named_parameters();
        // The row ∂ℓ/∂o of the last layer, and downwards: row times diagonal matrix of a' times W.
        let mut by_output = forward.output() - &y;
        for (i, layer) in net.layers.iter().enumerate().rev() {
            let slope = activation.derivative(&forward.z[i], &forward.a[i + 1]).expect("elementwise");
            let row = by_output.matmul(&diagonal(&slope.to_vec()));
            // ∂ℓ/∂w_ij = ∂ℓ/∂o_i a'(z_i) o_j
            let dw = row.transpose().matmul(&forward.a[i]);
            worst = worst.max((&dw - &closed.weights[i]).abs().max());
            assert_close("engine", &grads.of(named[2 * i].1), &dw, EXACT);
            by_output = row.matmul(&layer.weight);
        }
    }
    at_most("weight gradients against the closed form", worst, 1e-14);
    row(
        "TN-03",
        "diagonal form against closed form",
        "equal",
        &format!("{worst:.1e}"),
        "engine within 1e-12",
    );
}

#[test]
fn tn_04_negative_log_loss() {
    let tape = Tape::new();
    let z = tape.var([[0.7]]);
    let o = z.sigmoid_scaled(2.0, 0.0);
    let loss = loss::binary_cross_entropy_with_probabilities(o, Tensor::from([[1.0]])).mean_over_samples();
    let grads = loss.backward_all();
    let (by_output, by_input) = (grads.wrt(o).item(), grads.wrt(z).item());
    near("d/do", by_output, -1.2465969639, 1e-10);
    near("d/dz", by_input, -0.3956322228, 1e-10);
    near("d/dz in closed form", by_input, 2.0 * (o.value().item() - 1.0), EXACT);
    row(
        "TN-04",
        "d/do and d/dz at k = 2, z = 0.7, y = 1",
        "(o - y) / (o (1 - o)), k (o - y)",
        &format!("{by_output:.10}, {by_input:.10}"),
        "",
    );
    // With y = 0, and from the weighted input, which keeps its digits where the output saturates.
    let far = tape.var([[400.0]]);
    let stable = loss::binary_cross_entropy_with_logits(far * 2.0, Tensor::from([[0.0]])).mean_over_samples();
    assert_eq!((stable.value(), stable.backward().wrt(far).item()), (800.0, 2.0));
}

#[test]
fn tn_05_mini_batch_average_and_epoch() {
    let mut rng = StdRng::seed_from_u64(5);
    let points = Points::disc_and_ring(12, 1.0, [1.4, 3.0], &mut rng);
    let net = Network::new(3, &mut rng);
    let gradients = |rows: &[usize]| {
        let (mut x, mut y) = (Tensor::default(), Tensor::default());
        copy_rows(&points.x, rows, &mut x).expect("rows exist");
        copy_rows(&points.y, rows, &mut y).expect("rows exist");
        let tape = Tape::new();
        let grads = net.loss(&tape, &x, &y).backward();
        [grads.of(&net.hidden.weight), grads.of(&net.output.weight)]
    };
    let mut batches = Batches::new(points.len(), BATCH);
    let mut seen = vec![0; points.len()];
    let mut worst: f64 = 0.0;
    for rows in batches.shuffle(&mut rng).iter() {
        let batch = gradients(rows);
        for (i, batch) in batch.iter().enumerate() {
            let mut mean = Tensor::zeros(batch.shape());
            rows.iter().for_each(|&row| mean = &mean + &gradients(&[row])[i]);
            worst = worst.max((batch - &(mean / rows.len() as f64)).abs().max());
        }
        rows.iter().for_each(|&row| seen[row] += 1);
    }
    at_most("batch gradient against mean of samples", worst, 1e-14);
    assert_eq!((batches.len(), seen), (3, vec![1; 24]));
    row("TN-05", "batch gradient against mean of samples", "equal", &format!("{worst:.1e}"), "");
}

#[test]
fn tn_06_two_groups_of_points() {
    let mut firsts = Vec::new();
    for seed in 0..5 {
        let mut rng = StdRng::seed_from_u64(seed);
        let points = Points::two_groups(100, 0.5, 0.2, 0.1, &mut rng);
        let mut net = Network::new(3, &mut rng);
        gradient_check(&net, &points);
        let rates = [(10, 1.0), (10, 2.0), (6, 1.0), (20, 2.0)];
        let mut first = None;
        for (at, rate) in rates.into_iter().flat_map(|(n, rate)| std::iter::repeat_n(rate, n)).enumerate() {
            epoch(&mut net, &points, rate, Take::Last, &mut rng, |_| {}).expect("rows exist");
            if first.is_none() && net.mistakes(&points) == 0 {
                first = Some(at + 1);
            }
        }
        assert_eq!(net.mistakes(&points), 0, "seed {seed}");
        firsts.push(first.expect("all right at the end").to_string());
    }
    let remark = format!("own points; first all right after {} epochs", firsts.join(", "));
    row("TN-06", "points right after 46 epochs", "100 %", "100 % for 5 of 5 seeds", &remark);
}

/// Compares the gradients of all weights of a network with central differences.
fn gradient_check(net: &Network, points: &Points) {
    let tape = Tape::new();
    let grads = net.loss(&tape, &points.x, &points.y).backward();
    let weights = net.weights();
    let analytic = [&net.hidden, &net.output].map(|layer| grads.of(&layer.weight).to_vec());
    for matrix in 0..2 {
        for (k, &found) in analytic[matrix].iter().enumerate() {
            let moved = |value: f64| {
                let mut weights = weights.clone();
                weights[matrix].as_mut_slice()[k] = value;
                let [hidden, output] = weights;
                Network::from_weights(hidden, output).loss_of(points)
            };
            let expected = difference(moved, weights[matrix].to_vec()[k]);
            near(&format!("weight {k} of layer {matrix}"), found, expected, 1e-8);
        }
    }
}

/// The radius of the region around the origin in a direction, by bisection.
fn radius(net: &Network, angle: f64) -> f64 {
    let (mut low, mut high) = (0.0, 50.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        let inside = net.at(middle * angle.cos(), middle * angle.sin()) > 0.5;
        *(if inside { &mut low } else { &mut high }) = middle;
    }
    low
}

fn at(net: &Network, points: &[(f64, f64)]) -> Vec<f64> {
    points.iter().map(|&(x, y)| net.at(x, y)).collect()
}

/// Error E16: the printed weights are said to enclose a bounded region.
#[test]
fn tn_07_explicit_bounded_region() {
    let printed = square(-3.0);
    let points = [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 0.0), (3.0, 3.0), (4.0, 0.0), (100.0, 0.0)];
    let expected = [0.928993, 0.902781, 0.671257, 0.707151, 0.308284, 0.663567, 0.655493];
    let found = at(&printed, &points);
    all_near("printed weights", &found, &expected, 1e-6);
    row(
        "TN-07",
        "printed weights, output far out at (100, 0)",
        "bounded region",
        &format!("{:.6}", found[6]),
        "E16: above 1/2, so the region is an unbounded cross",
    );
    // Positive along both axes at any distance, negative between them: a cross.
    for distance in [50.0, 1e3, 1e6] {
        for (x, y) in [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)] {
            let along = printed.at(distance * x, distance * y);
            assert!(along > 0.65, "({x}, {y}) at {distance}: found {along}, expected above 0.65");
            let between = printed.at(distance * (x + y), distance * (x - y));
            assert!(between < 0.5, "beside ({x}, {y}) at {distance}: found {between}, expected below 0.5");
        }
    }
    // No slope helps: three half-planes outweigh the threshold, 1 + 2 σ(2k) > 3 σ(k), for every k > 0.
    let sigma = |z: f64| 1.0 / (1.0 + (-z).exp());
    for k in (1..=3000).map(|i| f64::from(i) / 100.0) {
        let (planes, threshold) = (1.0 + 2.0 * sigma(2.0 * k), 3.0 * sigma(k));
        assert!(planes >= threshold, "k = {k}: found {planes}, expected at least {threshold}");
    }
    near("ratio at k = 2", (1.0 + 2.0 * sigma(4.0)) / sigma(2.0), 3.3652, 1e-4);

    let corrected = square(-3.5);
    let expected = [0.844294, 0.793756, 0.458366, 0.500198, 0.449779, 0.440897];
    let places: Vec<(f64, f64)> = [0, 1, 2, 3, 5, 6].map(|i| points[i]).into();
    all_near("corrected weights", &at(&corrected, &places), &expected, 1e-6);
    let far = corrected.largest_on_circle(50.0, 720);
    assert!(far < 0.5, "largest output at distance 50: found {far}, expected below 0.5");
    // The unit for the threshold as a constant 1, by a large weighted input.
    let mut rows = SQUARE;
    rows[4] = [0.0, 0.0, 1000.0];
    let constant = Network::from_weights(rows, [[1.0, 1.0, 1.0, 1.0, -3.0]]);
    let places = [(0.0, 0.0), (100.0, 0.0), (3.0, 3.0)];
    all_near("constant unit", &at(&constant, &places), &[0.864843, 0.482022, 0.178966], 1e-6);
    near("constant unit at (2, 2)", constant.at(2.0, 2.0), 0.4997, 1e-4);
    for (net, smallest, largest) in
        [(&corrected, 2.71, 3.00), (&square(-3.4), 2.84, 3.73), (&constant, 2.83, 3.65)]
    {
        let radii: Vec<f64> = (0..720).map(|i| radius(net, TAU * f64::from(i) / 720.0)).collect();
        near("smallest radius", radii.iter().copied().fold(f64::INFINITY, f64::min), smallest, 0.01);
        near("largest radius", radii.iter().copied().fold(0.0, f64::max), largest, 0.01);
    }
    let mut wrong = Vec::new();
    for seed in 0..20 {
        let points = Points::disc_and_ring(80, 1.5, [4.0, 6.0], &mut StdRng::seed_from_u64(seed));
        assert_eq!(corrected.mistakes(&points), 0, "seed {seed}");
        wrong.push(printed.mistakes(&points));
    }
    let (fewest, most) = (wrong.iter().min().expect("20"), wrong.iter().max().expect("20"));
    assert!(*fewest > 15 && *most < 55, "mistakes: found {fewest} to {most}, expected 16 to 54");
    row(
        "TN-07",
        "fifth weight -3.5, mistakes in disc and ring",
        "not given",
        "0 of 160 for 20 of 20 seeds",
        &format!("printed weights: {fewest} to {most} wrong"),
    );
}

/// The published schedule.
const SCHEDULE: [Phase; 5] = [
    Phase { epochs: 1, learning_rate: 5.0, take: Take::Best },
    Phase { epochs: 10, learning_rate: 2.0, take: Take::Last },
    Phase { epochs: 30, learning_rate: 1.0, take: Take::Best },
    Phase { epochs: 5, learning_rate: 1.0, take: Take::Average },
    Phase { epochs: 10, learning_rate: 0.5, take: Take::Last },
];

fn train(seed: u64, points: &Points, phases: &[Phase]) -> Network {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut net = Network::new(5, &mut rng);
    for phase in phases {
        for _ in 0..phase.epochs {
            epoch(&mut net, points, phase.learning_rate, phase.take, &mut rng, |_| {}).expect("rows exist");
        }
    }
    net
}

#[test]
fn tn_08_learning_the_bounded_region() {
    let points = Points::disc_and_ring(80, 1.0, [1.4, 3.0], &mut StdRng::seed_from_u64(0));
    assert_eq!(points.len(), 160);
    let nets: Vec<Network> = (1..=5).map(|seed| train(seed, &points, &SCHEDULE)).collect();
    let best =
        nets.iter().min_by(|a, b| a.loss_of(&points).total_cmp(&b.loss_of(&points))).expect("five runs");
    let mistakes = best.mistakes(&points);
    assert!(mistakes <= 1, "mistakes: found {mistakes}, expected at most 1");
    let far = best.largest_on_circle(1000.0, 3600);
    assert!(far < 0.5, "largest output at distance 1000: found {far}, expected below 0.5");
    let all: Vec<String> = nets.iter().map(|net| net.mistakes(&points).to_string()).collect();
    let remark = format!("own points; best of 5 runs, which have {} wrong; bounded", all.join(", "));
    row("TN-08", "mislabelled, published schedule", "1 of 160", &format!("{mistakes} of 160"), &remark);

    let plain = [Phase { epochs: 56, learning_rate: 1.0, take: Take::Last }];
    let wrong: Vec<usize> = (1..=5).map(|seed| train(seed, &points, &plain).mistakes(&points)).collect();
    assert!(wrong.iter().all(|&wrong| wrong <= 4), "{wrong:?}");
    row(
        "TN-08",
        "mislabelled, learning rate 1 throughout",
        "not given",
        &format!("{wrong:?} of 160"),
        "plain mini-batch descent is more reliable than the schedule",
    );
}

#[test]
fn tn_09_published_trained_weights() {
    let hidden =
        [[-12.1, -4.0, 11.8], [5.1, 9.3, 7.0], [-4.8, 13.4, -9.1], [12.5, -2.7, -7.6], [10.7, 13.5, -12.0]];
    let net = Network::from_weights(hidden, [[-2.1, 5.9, -5.5, -3.2, -4.6]]);
    let points = [(0.0, 0.0), (0.3, 0.3), (1.0, -1.0), (1.5, 0.0), (0.0, 1.0), (-1.0, 1.0)];
    let found = at(&net, &points);
    all_near("trained weights", &found, &[0.9995, 0.9995, 0.7612, 0.0219, 0.0, 0.0323], 1e-4);
    let mut largest: f64 = 0.0;
    for distance in [8.0, 10.0, 20.0, 50.0, 100.0] {
        largest = largest.max(net.largest_on_circle(distance, 3600));
    }
    assert!(largest < 0.04, "largest output far out: found {largest}, expected below 0.04");
    row(
        "TN-09",
        "published weights: output at the origin and largest beyond r = 8",
        "bounded region",
        &format!("{:.4}, {largest:.4}", found[0]),
        "bounded",
    );
}
