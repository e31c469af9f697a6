//! One or seven: a neuron and a network of two layers on handwritten digits; batch, stochastic and mini-batch descent.
//!
//! ```text
//! cargo run --release --example one_vs_seven
//! ```

use clap::Parser;
use examples::{cli, mnist_files, one_or_seven};
use nn::data::{Batches, copy_rows};
use nn::init::{Fans, Init, Normal};
use nn::loss::binary_cross_entropy_with_probabilities;
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Linear, Module, Param, Parameters, Sequential, Sigmoid};
use nn_plot::{Heatmaps, Lines};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tape::{Tape, Tensor};

const PICTURES: &str = "target/one_vs_seven";

/// Tell ones from sevens with one neuron, three kinds of gradient descent, and a network with two hidden units.
#[derive(Debug, Parser)]
#[command(name = "one_vs_seven")]
struct Args {
    /// Directory of the four IDX files, compressed or not [default: MNIST_DIR, else the repository's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Epochs of the neuron
    #[arg(long, default_value = "4", value_parser = cli::positive)]
    epochs: usize,
    /// Images in a mini-batch
    #[arg(long, default_value = "64", value_parser = cli::positive)]
    batch: usize,
    /// Learning rate of the neuron
    #[arg(long, default_value = "0.01", value_parser = cli::rate)]
    lr: f64,
    /// Epochs of the network with two hidden units
    #[arg(long, default_value = "100", value_parser = cli::positive)]
    network_epochs: usize,
    /// Seed of the initial weights and of the order of the images
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 20 epochs of the network at most
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

/// Inputs and targets for training and testing.
struct Data {
    train: (Tensor, Tensor),
    test: (Tensor, Tensor),
}

impl Data {
    fn accuracy(&self, model: &Sequential) -> f64 {
        one_or_seven::accuracy(&model.predict(&self.test.0), &self.test.1)
    }

    fn loss(&self, model: &Sequential) -> f64 {
        binary_cross_entropy_with_probabilities(
            Tape::new().constant(model.predict(&self.train.0)),
            &self.train.1,
        )
        .mean_over_samples()
        .value()
    }
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mnist = mnist_files::read(args.data.as_deref())?;
    let data = Data { train: one_or_seven::rows(&mnist.train), test: one_or_seven::rows(&mnist.test) };
    let n = data.train.1.size();
    println!("{n} ones and sevens for training, {} for testing; pixels standardised.\n", data.test.1.size());
    let mut rng = StdRng::seed_from_u64(args.seed);
    let start = Sequential::new().push(normal(784, 1, 0.01, false, &mut rng)).push(Sigmoid);
    println!("A neuron, weights N(0, 0.01²), learning rate {}: three ways to use the same images.", args.lr);
    let kinds = [("batch", n), ("mini-batch", args.batch), ("stochastic", 1)];
    let mut curves = Vec::new();
    let mut accuracies = Vec::new();
    let mut batch_model = start.clone();
    for (name, size) in kinds {
        let mut model = start.clone();
        let updates = n.div_ceil(size);
        println!("\n  {name}: updates in an epoch {updates}, images in each {size}");
        println!("    epoch 0: accuracy {:.4}", data.accuracy(&model));
        let mut points = vec![(0.0, data.loss(&model))];
        let mut order = StdRng::seed_from_u64(args.seed + 1);
        for epoch in 1..=args.epochs {
            let before = data.loss(&model);
            descend(&mut model, &data.train, size, args.lr, &mut order)?;
            println!(
                "    epoch {epoch}: loss before it {before:.4}, accuracy after it {:.4}",
                data.accuracy(&model)
            );
            points.push((epoch as f64, data.loss(&model)));
        }
        accuracies.push(data.accuracy(&model));
        curves.push((format!("{name}, updates per epoch: {updates}"), points));
        if size == args.batch {
            batch_model = model;
        }
    }
    println!("\nAn epoch costs the same each time; what differs is how often the weights move.\n");

    let epochs = if args.fast { args.network_epochs.min(20) } else { args.network_epochs };
    println!("784-2-1 on the whole batch:");
    let mut network_accuracy = 0.0;
    for (std, rate, epochs) in [(1.0, 0.01, 4), (1.0, 1.0, epochs), (0.05, 0.5, epochs)] {
        let mut rng = StdRng::seed_from_u64(args.seed);
        let mut model = Sequential::new().push(normal(784, 2, std, true, &mut rng)).push(Sigmoid);
        model = model.push(normal(2, 1, std, true, &mut rng)).push(Sigmoid);
        let before = (data.loss(&model), data.accuracy(&model));
        for _ in 0..epochs {
            descend(&mut model, &data.train, n, rate, &mut rng)?;
        }
        network_accuracy = data.accuracy(&model);
        println!(
            "  {} parameters N(0, {std}²), learning rate {rate}, {epochs} epochs: loss {:.4} -> {:.4}, accuracy {:.4} -> {network_accuracy:.4}",
            model.count(),
            before.0,
            data.loss(&model),
            before.1
        );
    }
    println!("With large weights the hidden units are saturated: in four small steps nothing is learnt.\n");
    pictures(&curves, &batch_model)?;
    cli::result(&[
        ("batch", format!("{:.4}", accuracies[0])),
        ("mini_batch", format!("{:.4}", accuracies[1])),
        ("stochastic", format!("{:.4}", accuracies[2])),
        ("network", format!("{network_accuracy:.4}")),
    ]);
    Ok(())
}

/// A layer with weights, and optionally biases (else 0), from N(0, `std`²).
fn normal(inputs: usize, outputs: usize, std: f64, bias: bool, rng: &mut StdRng) -> Linear {
    let normal = Normal { mean: 0.0, std };
    let mut layer = Linear::with_init(inputs, outputs, normal, rng);
    if bias {
        layer.bias = Some(Param::new(normal.tensor([outputs], Fans::new(inputs, outputs), rng)));
    }
    layer
}

/// One epoch: every image once, in batches of `size`.
fn descend(
    model: &mut Sequential,
    (x, y): &(Tensor, Tensor),
    size: usize,
    rate: f64,
    rng: &mut StdRng,
) -> Result<(), tape::Error> {
    let mut batches = Batches::try_new(y.size(), size)?;
    let (mut tape, mut optimizer, mut cx) = (Tape::new(), Sgd::new(rate), Context::eval());
    let (mut xb, mut yb) = (Tensor::default(), Tensor::default());
    for rows in batches.shuffle(rng).iter() {
        copy_rows(x, rows, &mut xb)?;
        copy_rows(y, rows, &mut yb)?;
        let grads =
            binary_cross_entropy_with_probabilities(model.forward(tape.constant(xb.clone()), &mut cx), &yb)
                .mean_over_samples()
                .backward();
        tape.reset();
        optimizer.step(model, &grads);
    }
    Ok(())
}

fn pictures(curves: &[(String, Vec<(f64, f64)>)], model: &Sequential) -> Result<(), Box<dyn Error>> {
    let file = Path::new(PICTURES).join("loss.svg");
    Lines::new("Loss of the neuron on all training images")
        .x_label("epoch")
        .y_label("binary cross-entropy")
        .curves(curves.iter().map(|(name, points)| (name, points)))
        .save(&file)?;
    println!("picture: {}", file.display());
    let file = Path::new(PICTURES).join("weights.svg");
    if let Some((_, weight)) = model.named_parameters().first() {
        let image = weight.value().reshape([28, 28]);
        Heatmaps::new("Orange speaks for seven").image(&image).save(&file)?;
        println!("picture: {}", file.display());
    }
    Ok(())
}
