//! Handwritten digits with a convolutional network: two convolutions, each followed by the maximum over 2 x 2
//! windows, then three linear layers. LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998), with ReLU, max
//! pooling and softmax, as it is built today.
//!
//! ```text
//! cargo run --release --example cnn_digits
//! cargo run --release --example cnn_digits -- --data DIR --epochs 3    # with all of MNIST
//! ```

use clap::Parser;
use examples::{cli, mnist_files};
use nn::data::{Batches, Images, copy_rows};
use nn::metrics::{Confusion, argmax_rows};
use nn::optim::schedule::{OneCycle, Schedule};
use nn::optim::{Adam, Optimizer};
use nn::train::{Progress, WeightedMean};
use nn::{Context, Conv2d, Flatten, Linear, MaxPool2d, Module, Parameters, Relu, Sequential, loss};
use nn_plot::Heatmaps;
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tape::{Tape, Tensor};

const CLASSES: usize = 10;

/// Images evaluated at once.
const CHUNK: usize = 500;

const PICTURE: &str = "target/cnn_digits/kernels.svg";

/// Train a convolutional network on handwritten digits.
///
/// The repository contains 10,000 training images and the complete test set; with the full set, which is read
/// with --data DIR, 2 epochs reach 0.9895. Six epochs with the images here reach 0.9818.
#[derive(Debug, Parser)]
#[command(name = "cnn_digits")]
struct Args {
    /// Passes over the training images
    #[arg(long, default_value = "6", value_parser = cli::positive)]
    epochs: usize,
    /// Images in a mini-batch
    #[arg(long, default_value = "64", value_parser = cli::positive)]
    batch: usize,
    /// Largest learning rate; it warms up and decays again
    #[arg(long, default_value = "0.004", value_parser = cli::rate)]
    lr: f64,
    /// Seed of the initial weights and of the order of the images
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Directory of the four IDX files, compressed or not [default: MNIST_DIR, else the repository's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// One epoch with the first 2,000 images, evaluated on 2,000
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

/// 28 x 28 pixels, 6 maps of 28 x 28, halved, 16 maps of 10 x 10, halved, 120 units, 84 units, 10 classes.
fn lenet(rng: &mut StdRng) -> Sequential<f32> {
    Sequential::new()
        .push(Conv2d::new(1, 6, [5, 5], rng).padding([2, 2]))
        .push(Relu)
        .push(MaxPool2d::new([2, 2]))
        .push(Conv2d::new(6, 16, [5, 5], rng))
        .push(Relu)
        .push(MaxPool2d::new([2, 2]))
        .push(Flatten)
        .push(Linear::new(16 * 5 * 5, 120, rng))
        .push(Relu)
        .push(Linear::new(120, 84, rng))
        .push(Relu)
        .push(Linear::new(84, CLASSES, rng))
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mnist = mnist_files::read(args.data.as_deref())?;
    let (train, test, epochs) = match args.fast {
        true => (mnist.train.first(2000), mnist.test.first(2000), 1),
        false => (mnist.train, mnist.test, args.epochs),
    };
    for images in [&train, &test] {
        if images.is_empty() || images.shape()[1..] != [28, 28] {
            return Err(format!("expected images of 28 x 28 pixels, found {:?}", images.shape()).into());
        }
    }
    let mut rng = StdRng::seed_from_u64(args.seed);
    let mut model = lenet(&mut rng);
    cli::say(format_args!("{} training images, {} test images", train.len(), test.len()));
    cli::say(format_args!("{} parameters, {} of them in kernels", model.count(), 6 * 26 + 16 * 151));
    let loss = fit(&mut model, &train, &args, epochs, &mut rng)?;
    let confusion = Confusion::new(&classify(&model, &test)?, test.labels(), CLASSES)?;
    cli::say(format_args!("\n{confusion}"));
    draw_kernels(&model)?;
    cli::say(format_args!("picture: {PICTURE}"));
    cli::result(&[
        ("accuracy", format!("{:.4}", confusion.accuracy())),
        ("loss", format!("{loss:.4}")),
        ("seconds", format!("{:.1}", start.elapsed().as_secs_f64())),
    ]);
    Ok(())
}

/// Adam on mini-batches; returns the mean loss of the last epoch's batches, as computed during training.
fn fit(
    model: &mut Sequential<f32>,
    train: &Images,
    args: &Args,
    epochs: usize,
    rng: &mut StdRng,
) -> Result<f64, Box<dyn Error>> {
    let (images, labels) = (train.tensor::<f32>(), train.labels());
    let mut batches = Batches::new(train.len(), args.batch);
    let rates = OneCycle::new(args.lr, (epochs * batches.len()) as u64);
    let mut optimizer = Adam::new(args.lr);
    let mut cx = Context::train(StdRng::from_rng(rng));
    let mut tape = Tape::of();
    let mut x = Tensor::default();
    let (mut steps, mut mean) = (0, 0.0);
    let progress = Progress::new(epochs);
    for epoch in 1..=epochs {
        let mut losses = WeightedMean::new();
        for rows in batches.shuffle(rng).iter() {
            copy_rows(&images, rows, &mut x)?;
            let y: Vec<usize> = rows.iter().map(|&i| labels[i]).collect();
            let logits = model.forward(tape.constant(x.clone()), &mut cx);
            let loss = loss::cross_entropy_with_logits(logits, &y[..]).mean();
            losses.add(f64::from(loss.value()), rows.len() as f64);
            let grads = loss.backward();
            tape.reset();
            optimizer.set_learning_rate(rates.at(steps));
            optimizer.step(model, &grads);
            steps += 1;
        }
        mean = losses.value();
        progress.epoch(epoch, mean);
    }
    progress.finish();
    Ok(mean)
}

/// The most likely class of each image.
fn classify(model: &Sequential<f32>, images: &Images) -> Result<Vec<usize>, Box<dyn Error>> {
    let mut classes = Vec::new();
    let (all, mut x) = (images.tensor::<f32>(), Tensor::default());
    for rows in Batches::new(images.len(), CHUNK).iter() {
        copy_rows(&all, rows, &mut x)?;
        classes.extend(argmax_rows(&model.predict(&x))?);
    }
    Ok(classes)
}

/// Draws the kernels of the first layer.
fn draw_kernels(model: &Sequential<f32>) -> Result<(), Box<dyn Error>> {
    let Some((_, kernels)) = model.named_parameters().into_iter().next() else { return Ok(()) };
    Heatmaps::new("Kernels of the first layer").images(kernels.value()).per_row(6).save(PICTURE)?;
    Ok(())
}
