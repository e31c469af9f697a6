//! A variational autoencoder of handwritten digits (Kingma and Welling, 2014).
//!
//! An encoder maps the pixels of an image to a normal distribution of codes, a decoder maps a code to the
//! probabilities of black pixels. Both maximise the evidence lower bound of the images,
//! `E ln p(x | z) - KL(q(z | x) ‖ p(z))`, with the code `z = μ + σ ε` written so that the gradient passes through the
//! random draw (the reparameterisation). Run it from the root of the workspace:
//!
//! ```text
//! cargo run --release --features gradcheck --example vae
//! ```
//!
//! `twins/vae.py` is the same program for PyTorch.

use clap::Parser;
use examples::{cli, digits8x8};
use nn::data::Batches;
use nn::optim::{Adam, Optimizer};
use nn::{Context, Identity, Module, Parameters, RandomTensor, Sequential, Tanh, loss, mlp};
use nn_plot::Heatmaps;
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::process::ExitCode;
use tape::{Scalar, Tape, Tensor};

#[derive(Clone, Debug, Parameters)]
struct Vae {
    encoder: Sequential,
    decoder: Sequential,
}

impl Vae {
    fn new(pixels: usize, hidden: usize, code: usize, rng: &mut StdRng) -> Vae {
        let encoder = mlp(&[pixels, hidden, 2 * code], Tanh, Identity, rng);
        Vae { encoder, decoder: mlp(&[code, hidden, pixels], Tanh, Identity, rng) }
    }

    /// The mean evidence lower bound of images `[n, pixels]`, from one code for each: `noise` is `[n, code]`.
    fn elbo<'t>(&self, x: &Tensor, noise: &Tensor, tape: &'t Tape) -> Scalar<'t> {
        let cx = &mut Context::eval();
        let moments = self.encoder.forward(tape.constant(x.clone()), cx).chunk(2, 1);
        let (mean, log_var) = (moments[0], moments[1]);
        let z = mean + (0.5 * log_var).exp() * noise;
        let log_likelihood = -loss::binary_cross_entropy_with_logits(self.decoder.forward(z, cx), x).sum();
        let divergence = 0.5 * (mean.square() + log_var.exp() - log_var - 1.0).sum();
        (log_likelihood - divergence) / x.shape()[0] as f64
    }
}

/// Standard normal numbers, two for each image.
fn noise(x: &Tensor, rng: &mut StdRng) -> Tensor {
    Tensor::randn([x.shape()[0], 2], rng)
}

fn fit(model: &mut Vae, train: &Tensor, epochs: usize, lr: f64, rng: &mut StdRng) {
    let (mut tape, mut optimizer, mut batches) = (Tape::new(), Adam::new(lr), Batches::new(1440, 64));
    for epoch in 1..=epochs {
        let mut total = 0.0;
        for rows in batches.shuffle(rng).iter() {
            let x = train.index_select(0, rows);
            let loss = -model.elbo(&x, &noise(&x, rng), &tape);
            total += loss.value() * rows.len() as f64;
            let grads = loss.backward();
            tape.reset();
            optimizer.step(model, &grads);
        }
        if epoch % 20 == 0 {
            println!("epoch {epoch:>4}: elbo of the training images {:.3}", -total / 1440.0);
        }
    }
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let x = digits8x8::digits().x().ge(0.5);
    // The last fifth is by other writers.
    let (train, test) = (x.slice(0, ..1440), x.slice(0, 1440..));
    let mean = train.mean_axes(0, true).clamp(0.001, 0.999);
    let independent = (&test * mean.ln() + (1.0 - &test) * (1.0 - &mean).ln()).sum() / 357.0;
    let mut model = Vae::new(64, 128, 2, &mut rng);
    let (few, drawn) = (test.slice(0, ..5), noise(&test, &mut rng).slice(0, ..5));
    let check = nn::gradcheck::module(&model, |model, tape| model.elbo(&few, &drawn, tape));
    println!("{} entries of the gradient agree with differences", check.run()?.require()?.entries);
    fit(&mut model, &train, args.epochs(), args.lr, &mut rng);
    let mut draw = || model.elbo(&test, &noise(&test, &mut rng), &Tape::new().inference()).value();
    let elbo = (0..100).map(|_| draw()).sum::<f64>() / 100.0;
    println!("held-out images: {elbo:.3} nats, independent pixels {independent:.3}");
    picture(&model)?;
    cli::result(&[("elbo", format!("{elbo:.3}")), ("independent_pixels", format!("{independent:.3}"))]);
    Ok(())
}

// ---- The command line and the picture ----

const PICTURE: &str = "target/vae/codes.svg";

/// Learn a distribution of handwritten digits, and draw what its codes stand for.
#[derive(Debug, Parser)]
#[command(name = "vae")]
struct Args {
    /// Passes over the images
    #[arg(long, default_value = "200", value_parser = cli::positive)]
    epochs: usize,
    /// Learning rate
    #[arg(long, default_value = "0.002", value_parser = cli::rate)]
    lr: f64,
    /// Seed of the initial weights, the order of the images and the noise
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 20 passes at most
    #[arg(long)]
    fast: bool,
}

impl Args {
    fn epochs(&self) -> usize {
        if self.fast { self.epochs.min(20) } else { self.epochs }
    }
}

fn main() -> ExitCode {
    cli::main(run)
}

/// Draws the decoded images of a grid of codes from -2 to 2.
fn picture(model: &Vae) -> Result<(), Box<dyn Error>> {
    const SIDE: usize = 13;
    let at = |i: usize| 4.0 * i as f64 / (SIDE - 1) as f64 - 2.0;
    let codes = Tensor::from_fn([SIDE * SIDE, 2], |i| at(if i[1] == 0 { i[0] % SIDE } else { i[0] / SIDE }));
    let images = model.decoder.predict(&codes).sigmoid().reshape([SIDE * SIDE, 8, 8]);
    let picture = Heatmaps::new("Decoded codes, from -2 to 2 along both axes").images(&images);
    picture.per_row(SIDE).save(PICTURE)?;
    println!("picture: {PICTURE}");
    Ok(())
}
