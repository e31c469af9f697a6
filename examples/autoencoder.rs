//! Autoencoders: networks that reproduce their input through a narrow middle layer.
//!
//! 8-3-8: eight patterns, each with a single one, through three hidden units, which have to find a code for
//! them (Rumelhart, Hinton and Williams, 1986). Digits: 784 pixels through a few numbers, once with linear
//! layers only, which can do no better than principal components, and once with hidden layers around the
//! middle.
//!
//! ```text
//! cargo run --release --example autoencoder
//! ```

use clap::Parser;
use examples::{cli, mnist_files};
use nn::data::{Batches, copy_rows};
use nn::optim::schedule::{Cosine, Schedule};
use nn::optim::{Adam, Optimizer};
use nn::train::{Progress, WeightedMean};
use nn::{Context, Identity, Module, Relu, Sequential, Sigmoid, loss, mlp};
use nn_plot::Heatmaps;
use rand::{SeedableRng, rngs::StdRng};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use tape::{Tape, Tensor};

/// Patterns of 8-3-8.
const PATTERNS: usize = 8;

/// Digits in the picture.
const SHOWN: usize = 12;

/// Images in a mini-batch.
const BATCH: usize = 64;

const PICTURE: &str = "target/autoencoder/digits.svg";

/// Train 8-3-8, and autoencoders of handwritten digits.
#[derive(Debug, Parser)]
#[command(name = "autoencoder")]
struct Args {
    /// Steps of 8-3-8, each with all patterns
    #[arg(long, default_value = "6000", value_parser = cli::positive)]
    steps: usize,
    /// Passes over the images
    #[arg(long, default_value = "15", value_parser = cli::positive)]
    epochs: usize,
    /// Width of the code that an image is compressed to
    #[arg(long, default_value = "16", value_parser = cli::positive)]
    code: usize,
    /// Seed of the initial weights and of the order of the images
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Directory of the four IDX files, compressed or not [default: MNIST_DIR, else the repository's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Two epochs with the first 2,000 images, evaluated on 1,000
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let codes = patterns(args.steps, &mut rng)?;

    let mnist = mnist_files::read(args.data.as_deref())?;
    let (train, test, epochs) = match args.fast {
        true => (mnist.train.first(2000), mnist.test.first(1000), args.epochs.min(2)),
        false => (mnist.train, mnist.test, args.epochs),
    };
    let (shape, (train, test)) = (test.shape(), (train.rows::<f32>(), test.rows::<f32>()));
    let pixels = shape[1] * shape[2];
    if shape[0] < SHOWN || train.shape()[1] != pixels {
        return Err(format!("expected {SHOWN} test images or more, as large as the training images").into());
    }
    let linear = mlp(&[pixels, args.code, pixels], Identity, Identity, &mut rng);
    let deep = mlp(&[pixels, 128, args.code], Relu, Identity, &mut rng);
    let deep = deep.push(mlp(&[args.code, 128, pixels], Relu, Sigmoid, &mut rng));
    let mean = train.mean_axes(0, true);
    let mut errors = vec![("mean_image", f64::from((&test - &mean).square().mean()))];
    let mut rows = vec![test.slice(0, ..SHOWN as isize)];
    for (name, mut model, lr) in [("linear", linear, 0.002), ("deep", deep, 0.002)] {
        fit(&mut model, &train, epochs, lr, &mut rng)?;
        let again = model.predict(&test);
        errors.push((name, f64::from((&test - &again).square().mean())));
        rows.push(again.slice(0, ..SHOWN as isize));
    }
    cli::say(format_args!(
        "\n{pixels} pixels through {} numbers: mean square error of a pixel of {} test images",
        args.code, shape[0]
    ));
    for (name, error) in &errors {
        cli::say(format_args!("  {name:12}{error:.5}"));
    }
    let picture =
        Heatmaps::new("Digits, through linear layers, and through a deep autoencoder").per_row(SHOWN);
    let images = |row: &Tensor<f32>| row.reshape([SHOWN, shape[1], shape[2]]);
    rows.iter().fold(picture, |picture, row| picture.images(&images(row))).save(PICTURE)?;
    cli::say(format_args!("picture: {PICTURE}"));
    let mut fields = vec![("codes", codes.to_string())];
    fields.extend(errors.into_iter().map(|(name, error)| (name, format!("{error:.5}"))));
    cli::result(&fields);
    Ok(())
}

/// Trains 8-3-8, prints the code of each pattern, and returns the number of distinct codes after rounding.
fn patterns(steps: usize, rng: &mut StdRng) -> Result<usize, Box<dyn Error>> {
    let x = Tensor::<f64>::eye(PATTERNS);
    let encoder = mlp(&[PATTERNS, 3], Identity, Sigmoid, rng);
    let decoder = mlp(&[3, PATTERNS], Identity, Sigmoid, rng);
    let mut model = Sequential::new().push(encoder).push(decoder);
    let mut optimizer = Adam::new(0.02);
    let mut cx = Context::train(StdRng::from_rng(rng));
    let mut tape = Tape::new();
    for _ in 0..steps {
        let grads = loss::binary_cross_entropy_with_probabilities(
            model.forward(tape.constant(x.clone()), &mut cx),
            &x,
        )
        .mean_over_samples()
        .backward();
        tape.reset();
        optimizer.step(&mut model, &grads);
    }
    let codes = model.layers()[0].predict(&x).to_vec();
    let outputs = model.predict(&x);
    let right = outputs.to_vec().iter().zip(x.to_vec()).filter(|&(a, x)| (*a > 0.5) == (x > 0.5)).count();
    cli::say(format_args!("8-3-8: {right} of {} outputs on the right side of 1/2", PATTERNS * PATTERNS));
    let mut different = BTreeSet::new();
    for (pattern, code) in codes.chunks_exact(3).enumerate() {
        let bits: String = code.iter().map(|&a| if a > 0.5 { '1' } else { '0' }).collect();
        cli::say(format_args!(
            "  pattern {pattern}: {:.2} {:.2} {:.2}  ->  {bits}",
            code[0], code[1], code[2]
        ));
        different.insert(bits);
    }
    Ok(different.len())
}

/// Adam on mini-batches; the target is the input.
fn fit(
    model: &mut Sequential<f32>,
    images: &Tensor<f32>,
    epochs: usize,
    lr: f64,
    rng: &mut StdRng,
) -> Result<(), Box<dyn Error>> {
    let mut batches = Batches::new(images.shape()[0], BATCH);
    let rates = Cosine { base: lr, floor: 0.0, period: epochs as u64 };
    let mut optimizer = Adam::new(lr);
    let mut cx = Context::train(StdRng::from_rng(rng));
    let mut tape = Tape::of();
    let mut x = Tensor::default();
    let progress = Progress::new(epochs);
    for epoch in 1..=epochs {
        optimizer.set_learning_rate(rates.at(epoch as u64 - 1));
        let mut mean = WeightedMean::new();
        for rows in batches.shuffle(rng).iter() {
            copy_rows(images, rows, &mut x)?;
            let loss =
                loss::squared_error(model.forward(tape.constant(x.clone()), &mut cx), &x).mean_over_samples();
            mean.add(f64::from(loss.value()), rows.len() as f64);
            let grads = loss.backward();
            tape.reset();
            optimizer.step(model, &grads);
        }
        progress.epoch(epoch, mean.value());
    }
    progress.finish();
    Ok(())
}
