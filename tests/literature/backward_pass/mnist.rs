//! Row BP-13: digits by a 784-32-10 network, as published: sigmoids, squared error, rate 0.3, standard normal weights.

use examples::legacy_random::LegacyRandom;
use examples::mnist_files;
use nn::data::{Images, Mnist, copy_rows};
use nn::metrics::{accuracy, argmax_rows};
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Linear, Module, Sequential, Sigmoid, loss};
use std::path::{Path, PathBuf};
use tape::{Tape, Tensor};
use tests::row;

/// The full set of 60,000, if it is available: in `MNIST_DIR`, or beside the workspace.
fn full_set(test: &str) -> Option<Mnist> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mnist");
    let directory = std::env::var_os("MNIST_DIR").map_or(beside, PathBuf::from);
    if !directory.is_dir() {
        eprintln!("skipped: {test}: no full MNIST in {}; set MNIST_DIR", directory.display());
        return None;
    }
    let mnist = Mnist::read(&directory).expect("the four files of the directory");
    if mnist.train.len() < 60_000 {
        eprintln!("skipped: {test}: only {} training images in {}", mnist.train.len(), directory.display());
        return None;
    }
    Some(mnist)
}

/// Training as in the published program.
struct Training {
    model: Sequential,
    random: LegacyRandom,
    x: Tensor,
    y: Tensor,
    batch: usize,
    /// Whether to divide the sum over the last, larger batch by `batch` (error E12).
    nominal: bool,
}

impl Training {
    fn new(x: Tensor, labels: &[usize], batch: usize, nominal: bool) -> Training {
        let mut random = LegacyRandom::new(0);
        let mut layer = |inputs: usize, outputs: usize| {
            let weight: Tensor = Tensor::from_fn([outputs, inputs], |_| random.normal());
            Linear::from_values(weight, Tensor::from_fn([outputs], |_| random.normal()))
        };
        let (hidden, output) = (layer(784, 32), layer(32, 10));
        let model = Sequential::new().push(hidden).push(Sigmoid).push(output).push(Sigmoid);
        let y = Tensor::one_hot(labels, 10).expect("ten classes");
        Training { model, random, x, y, batch, nominal }
    }

    /// One epoch; returns the mean of the batches' errors.
    fn epoch(&mut self) -> f64 {
        let n = self.y.shape()[0];
        let mut order: Vec<usize> = (0..n).collect();
        self.random.shuffle(&mut order);
        let count = n / self.batch;
        let (mut x, mut y, mut tape) = (Tensor::default(), Tensor::default(), Tape::new());
        let mut optimizer = Sgd::new(0.3);
        let mut sum = 0.0;
        for i in 0..count {
            let end = if i + 1 == count { n } else { (i + 1) * self.batch };
            let rows = &order[i * self.batch..end];
            copy_rows(&self.x, rows, &mut x).expect("rows exist");
            copy_rows(&self.y, rows, &mut y).expect("rows exist");
            let divisor = if self.nominal { self.batch } else { rows.len() };
            let output = self.model.forward(tape.constant(x.clone()), &mut Context::eval());
            let error = loss::squared_error(output, &y).sum() / divisor as f64;
            sum += error.value();
            let grads = error.backward();
            tape.reset();
            optimizer.step(&mut self.model, &grads);
        }
        sum / count as f64
    }

    fn accuracy(&self, x: &Tensor, labels: &[usize]) -> f64 {
        let predicted = argmax_rows(&self.model.predict(x)).expect("a matrix");
        accuracy(&predicted, labels).expect("as many")
    }
}

/// Pixels from 0 to 255, as the published program appears to use them.
fn raw(images: &Images) -> Tensor {
    let pixels: Vec<f64> = images.pixels().iter().map(|&byte| f64::from(byte)).collect();
    Tensor::from_vec([images.len(), 784], pixels).expect("28 by 28 pixels")
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn bp_13_small_set() {
    let mnist = mnist_files::read(None).expect("the repository brings digits");
    let digits = mnist.train.first(5000);
    let (x, labels): (Tensor, &[usize]) = (digits.rows(), digits.labels());
    let mut training = Training::new(x.slice(0, 0..4000), &labels[..4000], 32, false);
    let errors: Vec<f64> = (0..100).map(|_| training.epoch()).collect();
    let found = training.accuracy(&x.slice(0, 4000..5000), &labels[4000..]);
    assert!(found >= 0.84, "{found}");
    row(
        "BP-13",
        "4000 digits, 100 epochs: accuracy on 1000 others",
        "not given",
        &format!("{found:.3}"),
        &format!("error {:.2} to {:.2}", errors[0], errors[99]),
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn bp_13_full_set() {
    let Some(mnist) = full_set("bp_13_full_set") else { return };
    let mut training = Training::new(mnist.train.rows(), mnist.train.labels(), 256, false);
    let (x, labels): (Tensor, &[usize]) = (mnist.test.rows(), mnist.test.labels());
    for (epochs, least) in [(50, 0.87), (250, 0.92)] {
        let error = (0..epochs).map(|_| training.epoch()).last().expect("epochs");
        let found = training.accuracy(&x, labels);
        assert!(found >= least, "{found}");
        let (done, published) = if epochs == 50 { (50, "not given") } else { (300, "0.9259") };
        row(
            "BP-13",
            &format!("pixels / 255, {done} epochs: accuracy"),
            published,
            &format!("{found:.4}"),
            &format!("error {error:.4}"),
        );
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn bp_13_full_set_raw_bytes() {
    const PUBLISHED: [f64; 11] =
        [1.1664, 0.837, 0.74615, 0.66387, 0.61246, 0.57026, 0.54528, 0.52077, 0.49434, 0.47249, 0.44921];
    let Some(mnist) = full_set("bp_13_full_set_raw_bytes") else { return };
    let mut training = Training::new(raw(&mnist.train), mnist.train.labels(), 256, true);
    let errors: Vec<f64> = (0..300).map(|_| training.epoch()).collect();
    let remark = "saturated from the start, so rounding decides: same family, not the same digits";
    for (epoch, (published, ours)) in PUBLISHED.iter().zip(&errors).enumerate() {
        assert!((ours - published).abs() < 0.1, "epoch {epoch}: {ours}");
        row(
            "BP-13",
            &format!("raw bytes, epoch {epoch} error"),
            &published.to_string(),
            &format!("{ours:.4}"),
            remark,
        );
    }
    row("BP-13", "raw bytes, epoch 49 error", "0.21924", &format!("{:.4}", errors[49]), remark);
    let found = training.accuracy(&raw(&mnist.test), mnist.test.labels());
    assert!(found >= 0.90, "{found}");
    row("BP-13", "raw bytes, 300 epochs: accuracy", "0.9259", &format!("{found:.4}"), remark);
}
