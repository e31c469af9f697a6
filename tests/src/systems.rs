//! Code shared by the tests of the literature's systems: random data, Table 8.1, the digits.

pub use examples::demand_data::{generated as demand_data, table as demand_table};
pub use examples::one_or_seven::{accuracy as binary_accuracy, rows as one_or_seven};

use nn::by_hand::Mlp;
use nn::data::{Batches, Mnist, copy_rows};
use nn::init::{Fans, Init, Normal};
use nn::loss::{Loss, binary_cross_entropy_with_probabilities};
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Linear, Module, Param, Parameters, Sequential};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::path::PathBuf;
use tape::{Shape, Tape, Tensor};

/// A generator with this seed.
pub fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Independent numbers from N(0, `std`²).
pub fn normal(shape: impl Into<Shape>, std: f64, rng: &mut StdRng) -> Tensor {
    Normal { mean: 0.0, std }.tensor(shape, Fans::new(1, 1), rng)
}

/// A layer with weights and biases from N(0, `std`²).
pub fn normal_layer(inputs: usize, outputs: usize, std: f64, rng: &mut StdRng) -> Linear {
    let weight = Param::new(normal([outputs, inputs], std, rng));
    Linear { weight, bias: Some(Param::new(normal([outputs], std, rng))) }
}

/// The engine's loss and gradients, `[dW, db]` layer by layer.
pub fn by_tape(net: &Mlp, x: &Tensor, y: &Tensor, loss: Loss) -> (f64, Vec<[Tensor; 2]>) {
    let (model, tape) = (Sequential::from(net), Tape::new());
    let value = loss.of(model.forward(tape.constant(x.clone()), &mut Context::eval()), y);
    let grads = value.backward();
    let list: Vec<Tensor> = model.named_parameters().into_iter().map(|(_, p)| grads.of(p)).collect();
    (value.value(), list.chunks(2).map(|pair| [pair[0].clone(), pair[1].clone()]).collect())
}

/// The complete MNIST: from the directory in `MNIST_DIR`, or beside the workspace; `None`, and a loud word, where it
/// is not.
pub fn full_mnist(test: &str) -> Option<Mnist> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mnist");
    let directory = std::env::var_os("MNIST_DIR").map_or(beside, PathBuf::from);
    match Mnist::read(&directory) {
        Ok(mnist) if mnist.train.len() == 60_000 => Some(mnist),
        _ => {
            eprintln!(
                "skipped: {test}: no complete MNIST (set MNIST_DIR to the directory of its four files)"
            );
            None
        }
    }
}

/// The digits that the repository brings: 10,000 training images and the complete test set.
pub fn small_mnist() -> Mnist {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/data/mnist");
    Mnist::read(directory).expect("the repository brings these files")
}

/// One full-batch step; the loss before it.
pub fn step(model: &mut impl Module, tape: &mut Tape, rate: f64, x: &Tensor, y: &Tensor) -> f64 {
    let loss = binary_cross_entropy_with_probabilities(
        model.forward(tape.constant(x.clone()), &mut Context::eval()),
        y,
    )
    .mean_over_samples();
    let value = loss.value();
    let grads = loss.backward();
    tape.reset();
    Sgd::new(rate).step(model, &grads);
    value
}

/// Epochs of mini-batches; the updates made.
pub fn train(
    model: &mut Sequential,
    x: &Tensor,
    y: &Tensor,
    batch: usize,
    epochs: usize,
    rate: f64,
    rng: &mut StdRng,
) -> usize {
    let mut batches = Batches::new(y.size(), batch);
    let (mut tape, mut updates) = (Tape::new(), 0);
    let (mut xb, mut yb) = (Tensor::default(), Tensor::default());
    for _ in 0..epochs {
        batches.shuffle(rng);
        for rows in batches.iter() {
            copy_rows(x, rows, &mut xb).expect("rows are indices of samples");
            copy_rows(y, rows, &mut yb).expect("rows are indices of samples");
            step(model, &mut tape, rate, &xb, &yb);
            updates += 1;
        }
    }
    updates
}
