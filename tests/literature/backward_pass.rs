//! The systems of an article on a small multilayer-perceptron class: rows BP of the checklist.
//!
//! Its error is the squared distance, summed over outputs, with no 1/2, and averaged over mini-batches.

mod mnist;
mod parity;

use nn::by_hand::{Activation, Layer, Mlp};
use nn::data::{Batches, Idx, IdxData, Images};
use nn::files::{FileErrorKind, StateError};
use nn::loss::{Loss, LossFunction};
use nn::metrics::{accuracy, argmax_rows};
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Linear, Module, Parameters, Sequential, Sigmoid, loss, mlp};
use rand::{SeedableRng, rngs::StdRng};
use std::path::PathBuf;
use tape::transform::{grad, value_and_grad};
use tape::{Tape, Tensor};
use tests::compare::{EXACT, all_near, assert_close, near};
use tests::networks::uniform;
use tests::row;

/// A network of sigmoids, with a batch of inputs and targets.
fn network(widths: &[usize], samples: usize, seed: u64) -> (Mlp, Tensor, Tensor) {
    let mut rng = StdRng::seed_from_u64(seed);
    let layer = |size: &[usize]| Layer {
        weight: uniform([size[1], size[0]], 1.5, &mut rng),
        bias: uniform([size[1]], 1.0, &mut rng),
        activation: Activation::Sigmoid,
    };
    let net = Mlp { layers: widths.windows(2).map(layer).collect() };
    let x = uniform([samples, widths[0]], 1.0, &mut rng);
    let y = uniform([samples, widths[widths.len() - 1]], 1.0, &mut rng);
    (net, x, y)
}

/// The gradients by the engine, weights and biases of each layer in turn.
fn engine(net: &Mlp, x: &Tensor, y: &Tensor, loss: Loss) -> Vec<Tensor> {
    let model = Sequential::from(net);
    let tape = Tape::new();
    let grads = loss.of(model.forward(tape.constant(x.clone()), &mut Context::eval()), y).backward();
    model.named_parameters().into_iter().map(|(_, param)| grads.of(param)).collect()
}

fn sample(x: &Tensor, i: isize) -> Tensor {
    x.slice(0, i..i + 1)
}

#[test]
fn bp_01_squared_error() {
    let tape = Tape::new();
    let a = tape.var([[0.2, 0.9], [0.6, 0.3]]);
    let y = Tensor::one_hot(&[1, 0][..], 2).expect("classes exist");
    let batch = loss::squared_error(a, &y).mean_over_samples();
    let samples = [0.2f64.powi(2) + 0.1f64.powi(2), 0.4f64.powi(2) + 0.3f64.powi(2)];
    near("mean over samples", batch.value(), (samples[0] + samples[1]) / 2.0, 1e-15);
    assert_close("2 (a - y) / N", &batch.backward().wrt(a), &(a.value() - y), 1e-15);
    row(
        "BP-01",
        "error of two samples",
        "not given",
        &format!("{:.2}, {:.2}", samples[0], samples[1]),
        "no 1/2",
    );
}

#[test]
fn bp_02_descent_on_a_parabola() {
    let descend = |eta: f64, steps: i32| (0..steps).fold(10.0, |x, _| x - eta * grad(|x| x * x, x));
    for (eta, expected) in [(0.1, 2.097152), (0.5, 0.0), (0.9, -2.097152), (1.0, -10.0), (1.1, -35.831808)] {
        near(&format!("x after 7 steps, rate {eta}"), descend(eta, 7), expected, 1e-12);
        for n in 0..30 {
            let closed = 10.0 * (1.0 - 2.0 * eta).powi(n);
            let tolerance = 1e-12 * closed.abs().max(1.0);
            near(&format!("x after {n} steps, rate {eta}"), descend(eta, n), closed, tolerance);
        }
        row(
            "BP-02",
            &format!("x after 7 steps, rate {eta}"),
            "not given",
            &format!("{:.6}", descend(eta, 7)),
            "(1 - 2η)^7 · 10",
        );
    }
    assert_eq!(descend(0.5, 1), 0.0);
    for (eta, converges) in [(0.01, true), (0.99, true), (1.0, false), (1.01, false)] {
        assert_eq!(descend(eta, 2000).abs() < 1e-6, converges, "rate {eta}");
    }
}

/// Error E10: the listing divides the sum of seven errors by six.
#[test]
fn bp_03_descent_on_a_paraboloid() {
    const PRINTED: [(&str, &str); 7] = [
        ("4.0", "200.0"),
        ("1.6", "32.0"),
        ("0.64", "5.12"),
        ("0.26", "0.8192"),
        ("0.1", "0.13107"),
        ("0.041", "0.020972"),
        ("0.016", "0.0033554"),
    ];
    let mut place = [10.0, 10.0];
    let mut errors = Vec::new();
    for (n, (printed_place, printed_error)) in PRINTED.into_iter().enumerate() {
        let (error, slope) = value_and_grad(|[a, b]| a * a + b * b, place);
        place = [0, 1].map(|i| place[i] - 0.3 * slope[i]);
        errors.push(error);
        let closed = 10.0 * 0.4f64.powi(n as i32 + 1);
        all_near(&format!("position after step {n}"), &place, &[closed; 2], 1e-12);
        near(&format!("error before step {n}"), error, 200.0 * 0.16f64.powi(n as i32), 1e-12);
        // Printed with two significant digits, and with five.
        let printed = |text: &str| text.parse().expect("a number");
        near("printed position", place[0], printed(printed_place), 0.5e-1 * place[0]);
        near("printed error", error, printed(printed_error), 0.5e-4 * error);
        row(
            "BP-03",
            &format!("step {n}: position, error"),
            &format!("{printed_place}, {printed_error}"),
            &format!("{:.6}, {error:.7}", place[0]),
            "",
        );
    }
    let sum: f64 = errors.iter().sum();
    near("sum of the errors", sum, 238.0945989632, 1e-9);
    near("sum / 7", sum / 7.0, 34.0135141376, 1e-9);
    near("sum / 6", sum / 6.0, 39.6824331605, 1e-9);
    row(
        "BP-03",
        "mean of the 7 errors",
        "39.6824 (the listing)",
        &format!("{:.4}", sum / 7.0),
        "E10: the listing divides by 6",
    );
}

/// Error E11: the printed generator drops samples if there is one batch, and yields none if the data do not
/// fill one.
#[test]
fn bp_04_batch_generator() {
    let mut rng = StdRng::seed_from_u64(4);
    for (n, batch, count, last) in [
        (700, 8, 87, 12),
        (60_000, 256, 234, 352),
        (10, 10, 1, 10),
        (10, 16, 1, 10),
        (12, 8, 1, 12),
        (5, 1, 5, 1),
    ] {
        let mut batches = Batches::new(n, batch).merge_last();
        batches.shuffle(&mut rng);
        let sizes: Vec<usize> = batches.iter().map(<[usize]>::len).collect();
        assert_eq!((sizes.len(), sizes[count - 1]), (count, last), "{n} samples by {batch}");
        assert_eq!(sizes[..count - 1], vec![batch; count - 1], "{n} samples by {batch}");
        let mut seen: Vec<usize> = batches.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..n), "every sample once");
    }
    row(
        "BP-04",
        "batches of 8 from 700, size of the last",
        "87, 12",
        "87, 12",
        "E11: covers all also for one batch",
    );
    assert!(Batches::try_new(5, 0).is_err(), "batches of 0 are refused");
}

/// Error E12: the listing divides the sum over the last, larger batch by the nominal size.
#[test]
fn bp_05_sgd_step() {
    let (net, x, y) = network(&[4, 3, 2], 12, 5);
    let mean = engine(&net, &x, &y, LossFunction::SquaredError.mean_over_samples());
    let mut sums: Vec<Tensor> = mean.iter().map(|g| Tensor::zeros(g.shape())).collect();
    for i in 0..12 {
        let one = engine(&net, &sample(&x, i), &sample(&y, i), LossFunction::SquaredError.sum());
        sums.iter_mut().zip(&one).for_each(|(sum, g)| *sum = &*sum + g);
    }
    let mut model = Sequential::from(&net);
    let tape = Tape::new();
    let output = model.forward(tape.constant(x.clone()), &mut Context::eval());
    let grads = loss::squared_error(output, &y).mean_over_samples().backward();
    Sgd::new(0.3).step(&mut model, &grads);
    let before = Sequential::from(&net);
    let pairs = model.named_parameters().into_iter().zip(before.named_parameters());
    for (((_, after), (_, before)), sum) in pairs.zip(&sums) {
        assert_close("step", after.value(), &(before.value() - &(sum * (0.3 / 12.0))), EXACT);
    }
    // The nominal size 8 makes the step of 12 samples 1.5 times as long.
    let ratio = (&sums[0] / 8.0).to_vec()[0] / mean[0].to_vec()[0];
    near("step by nominal over actual size", ratio, 1.5, EXACT);
    row(
        "BP-05",
        "weight of the last batch of 12",
        "1.5",
        "1",
        &format!("E12: divided by 8 it weighs {ratio:.1}"),
    );
}

/// Error E13: two equations of the article do not conform; their transposes do.
#[test]
fn bp_06_delta_rule() {
    let (net, x, y) = network(&[3, 4, 3, 2], 1, 6);
    let forward = net.forward(&x);
    let (a, slope) = (&forward.a, |l: usize| forward.a[l].map_elements(|a| a * (1.0 - a)));
    let found = engine(&net, &x, &y, LossFunction::SquaredError.sum());
    // δ^L = -2 (y - a) ∘ σ'(z), then downwards.
    let mut delta = &((&y - &a[3]) * -2.0) * &slope(3);
    for l in (1..=3).rev() {
        assert_close("∂E/∂W = δ aᵀ", &found[2 * l - 2], &delta.transpose().matmul(&a[l - 1]), EXACT);
        assert_close("∂E/∂b = δ", &found[2 * l - 1], &delta.reshape([delta.size()]), EXACT);
        if l > 1 {
            delta = &delta.matmul(&net.layers[l - 1].weight) * &slope(l - 1);
        }
    }
    // As printed, a^{l-1} δ^l: a column of 3 by a row of 2 is 3 x 2, but W is 2 x 3.
    let printed = a[2].transpose().matmul(&Tensor::ones([1, 2]));
    assert_eq!(printed.shape().dims(), [3, 2]);
    assert_eq!(net.layers[2].weight.shape().dims(), [2, 3]);
    row(
        "BP-06",
        "delta rule against the engine",
        "equal",
        "within 1e-12",
        "E13: printed product is 3 x 2, W is 2 x 3",
    );
}

#[test]
fn bp_07_rows_and_columns() {
    let (net, x, y) = network(&[5, 4, 3], 6, 7);
    let batch = net.backward(&net.forward(&x), &y, LossFunction::SquaredError.sum());
    let mut sums: Vec<Tensor> = batch.weights.iter().map(|w| Tensor::zeros(w.shape())).collect();
    for i in 0..6 {
        // One sample in columns: z = W a + b, δ = (Wᵀ δ) ∘ σ', dW = δ aᵀ.
        let column = |x: &Tensor| x.reshape([x.size(), 1]);
        let (mut a, target) = (vec![column(&sample(&x, i))], column(&sample(&y, i)));
        for layer in &net.layers {
            let z = &layer.weight.matmul(&a[a.len() - 1]) + &column(&layer.bias);
            a.push(z.sigmoid());
        }
        let slope = |a: &Tensor| a.map_elements(|a| a * (1.0 - a));
        let output = &(&(&a[2] - &target) * 2.0) * &slope(&a[2]);
        let hidden = &net.layers[1].weight.transpose().matmul(&output) * &slope(&a[1]);
        for (l, delta) in [hidden, output].iter().enumerate() {
            sums[l] = &sums[l] + &delta.matmul(&a[l].transpose());
        }
    }
    let error = (0..2).map(|l| (&sums[l] - &batch.weights[l]).abs().max()).fold(0.0, f64::max);
    assert!(error < 1e-14, "row form against column form: error {error:e}, expected below 1e-14");
    row("BP-07", "row form against column form", "equal", &format!("{error:.1e}"), "");
}

#[test]
fn bp_08_prediction() {
    let outputs: Tensor = Tensor::from([[0.1, 0.7, 0.7], [0.5, 0.5, 0.5], [0.0, 0.1, 0.2]]);
    assert_eq!(argmax_rows(&outputs).expect("a matrix"), [1, 0, 2]);
    row("BP-08", "largest output, ties", "the first", "the first", "");
}

/// A file for one test, removed afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(format!("backward-pass-{}-{name}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The file may be missing after a failed test.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn bp_09_saving_and_loading() {
    let odd = [-0.0, f64::MIN_POSITIVE / 3.0, f64::from_bits(1), f64::MAX, -1.0 / 3.0, f64::EPSILON];
    let model = Linear::from_values(Tensor::from(odd).reshape([2, 3]), [0.1 + 0.2, -f64::from_bits(7)]);
    let bits = |model: &Linear| -> Vec<u64> {
        let values = model.named_parameters().into_iter().flat_map(|(_, param)| param.value().to_vec());
        values.map(f64::to_bits).collect()
    };
    for extension in ["npz", "safetensors"] {
        let file = Scratch::new(&format!("parameters.{extension}"));
        nn::save(&file.0, &model).expect("a place to write");
        let mut other = Linear::from_values(Tensor::ones([2, 3]), [1.0, 1.0]);
        nn::load(&file.0, &mut other).expect("the same shapes");
        assert_eq!(bits(&other), bits(&model), "{extension}");
        let x = Tensor::from([[1.0, -2.0, 0.5]]);
        assert_eq!(other.predict(&x), model.predict(&x));
        let mut wider = Linear::from_values(Tensor::ones([2, 4]), [1.0, 1.0]);
        let error = nn::load(&file.0, &mut wider).expect_err("another shape").kind;
        assert!(matches!(error, FileErrorKind::State(StateError::Shape { .. })), "{error}");
        std::fs::write(&file.0, b"these are not parameters").expect("a place to write");
        assert!(nn::load(&file.0, &mut wider).is_err(), "{extension}: a damaged file is refused");
    }
    let mut deep: Sequential = mlp(&[3, 2, 1], Sigmoid, Sigmoid, &mut StdRng::seed_from_u64(0));
    let missing = nn::load(Scratch::new("missing.npz").0.clone(), &mut deep).expect_err("no file").kind;
    assert_eq!(missing, FileErrorKind::NotFound);
    row("BP-09", "parameters saved and loaded", "equal", "every bit", "-0 and subnormal numbers too");
}

#[test]
fn bp_12_idx_reader() {
    let pixels: Vec<u8> = (0..24).collect();
    let images = Idx::new([2, 3, 4], IdxData::U8(pixels.clone())).expect("24 elements");
    let labels = Idx::new([2], IdxData::U8(vec![6, 9])).expect("two elements");
    let files = [Scratch::new("images"), Scratch::new("labels")];
    images.write(&files[0].0).expect("a place to write");
    labels.write(&files[1].0).expect("a place to write");
    let read = Images::read(&files[0].0, &files[1].0).expect("what was written");
    assert_eq!((read.shape(), read.labels(), read.pixels()), ([2, 3, 4], &[6, 9][..], &pixels[..]));
    assert_eq!(images.to_bytes()[..8], [0, 0, 8, 3, 0, 0, 0, 2]);
    let bytes = images.to_bytes();
    for end in 0..bytes.len() {
        assert!(Idx::from_bytes(&bytes[..end]).is_err(), "{end} bytes");
    }
    let error = Idx::from_bytes(&[1, 2, 3, 4, 5]).expect_err("no magic number");
    assert!(matches!(error, FileErrorKind::Magic { .. }), "{error}");
    assert!(Images::read(&files[1].0, &files[0].0).is_err(), "labels are not images");
    let mnist = examples::mnist_files::read(None).expect("the repository brings digits");
    assert_eq!(mnist.train.labels()[999], 6);
    row("BP-12", "label of training image 999", "not given", &mnist.train.labels()[999].to_string(), "");
}

/// Error E9: the printed formula divides the correct by the incorrect predictions.
#[test]
fn bp_14_accuracy() {
    let found = accuracy(&[0, 1, 2, 3], &[0, 1, 2, 9]).expect("as many");
    assert_eq!(found, 0.75);
    assert_eq!(accuracy(&[4, 5], &[4, 5]).expect("as many"), 1.0);
    // Three correct by one incorrect would be 3, and all correct a division by zero.
    row("BP-14", "3 of 4 correct", "3 (as printed)", &found.to_string(), "E9: correct / total");
    assert!(accuracy(&[1], &[1, 2]).is_err(), "1 prediction for 2 labels is refused");
}
