//! The exclusive or: the smallest problem that needs a hidden layer.
//!
//! A textbook's training loop: one sample after the other, half the squared error, all layers updated together at the
//! end of each sample, until the mean of the four losses is below a threshold.
//!
//! ```text
//! cargo run --release --example xor
//! cargo run --release --example xor -- --hidden 2 --seed 3
//! ```

use clap::Parser;
use examples::cli;
use nn::init::{Fans, Init, Normal};
use nn::loss::squared_error;
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Linear, Module, Param, Parameters, Sequential, Sigmoid};
use nn_plot::{Landscape, Lines};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use tape::{Tape, Tensor};

const PICTURES: &str = "target/xor";

const X: [[f64; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
const Y: [f64; 4] = [0.0, 1.0, 1.0, 0.0];

/// Teach a small network the exclusive or, and show that one neuron cannot learn it.
#[derive(Debug, Parser)]
#[command(name = "xor")]
struct Args {
    /// Hidden units
    #[arg(long, default_value = "4", value_parser = cli::positive)]
    hidden: usize,
    /// Learning rate
    #[arg(long, default_value = "0.5", value_parser = cli::rate)]
    lr: f64,
    /// Mean loss at which training ends
    #[arg(long, default_value = "0.005", value_parser = cli::rate)]
    threshold: f64,
    /// Passes over the four samples after which it gives up
    #[arg(long, default_value = "20000", value_parser = cli::positive)]
    passes: usize,
    /// Seed of the initial weights; other runs use the following seeds
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Networks to train
    #[arg(long, default_value = "20", value_parser = cli::positive)]
    runs: usize,
    /// Three networks only
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let runs = if args.fast { 3 } else { args.runs };
    println!(
        "2-{}-1 with sigmoids, {} parameters, weights and biases N(0, 1), r = {}:",
        args.hidden,
        network(args.hidden, 0).count(),
        args.lr
    );
    let mut finished = Vec::new();
    let mut curves = Vec::new();
    let mut shown = None;
    for seed in args.seed..args.seed + runs as u64 {
        let mut model = network(args.hidden, seed);
        let losses = train(&mut model, &args);
        let reached = losses.last().is_some_and(|&loss| loss < args.threshold);
        println!(
            "  seed {seed:>3}: {} passes, loss {:.4}{}",
            losses.len(),
            losses[losses.len() - 1],
            if reached { "" } else { "  stuck" }
        );
        if reached {
            finished.push(losses.len());
        }
        let every = losses.len().div_ceil(400);
        let points = losses.iter().enumerate().step_by(every).map(|(i, &loss)| ((i + 1) as f64, loss));
        curves.push(points.collect::<Vec<(f64, f64)>>());
        if reached && shown.is_none() {
            shown = Some(model);
        }
    }
    finished.sort_unstable();
    println!("{} of {runs} networks reach a mean loss of {}\n", finished.len(), args.threshold);

    let mut neuron = Sequential::new().push(layer(2, 1, &mut StdRng::seed_from_u64(args.seed))).push(Sigmoid);
    train(&mut neuron, &Args { passes: 2000, ..args });
    let right = correct(&neuron);
    println!(
        "A single neuron draws one line, and no line separates the corners: after 2000 passes {right} of 4 are right.\n"
    );

    let model = shown.unwrap_or_else(|| network(4, 0));
    println!("{:>3} {:>3} {:>7} {:>7}", "x1", "x2", "wanted", "output");
    for ((x, y), output) in X.iter().zip(Y).zip(model.predict(&Tensor::from(X)).to_vec()) {
        println!("{:>3} {:>3} {y:>7} {output:>7.3}", x[0], x[1]);
    }
    pictures(&model, &curves)?;
    let median = finished.get(finished.len() / 2).map_or("none".to_owned(), usize::to_string);
    cli::result(&[
        ("converged", format!("{}/{runs}", finished.len())),
        ("median_passes", median),
        ("neuron_correct", format!("{right}/4")),
    ]);
    Ok(())
}

fn layer(inputs: usize, outputs: usize, rng: &mut StdRng) -> Linear {
    let normal = Normal { mean: 0.0, std: 1.0 };
    let mut layer = Linear::with_init(inputs, outputs, normal, rng);
    layer.bias = Some(Param::new(normal.tensor([outputs], Fans::new(inputs, outputs), rng)));
    layer
}

fn network(hidden: usize, seed: u64) -> Sequential {
    let mut rng = StdRng::seed_from_u64(seed);
    let model = Sequential::new().push(layer(2, hidden, &mut rng)).push(Sigmoid);
    model.push(layer(hidden, 1, &mut rng)).push(Sigmoid)
}

/// The mean loss of each pass.
fn train(model: &mut Sequential, args: &Args) -> Vec<f64> {
    let (mut tape, mut optimizer, mut cx) = (Tape::new(), Sgd::new(args.lr), Context::eval());
    let samples: Vec<(Tensor, Tensor)> =
        X.iter().zip(Y).map(|(&x, y)| (Tensor::from([x]), Tensor::from([[y]]))).collect();
    let mut losses = Vec::new();
    while losses.len() < args.passes {
        let mut sum = 0.0;
        for (x, y) in &samples {
            let loss = squared_error(model.forward(tape.constant(x.clone()), &mut cx), y).sum() * 0.5;
            sum += loss.value();
            // All gradients first, then all updates: a lower layer's gradient needs the old weights above it.
            let grads = loss.backward();
            tape.reset();
            optimizer.step(model, &grads);
        }
        losses.push(sum / 4.0);
        if sum / 4.0 < args.threshold {
            break;
        }
    }
    losses
}

fn correct(model: &Sequential) -> usize {
    let output = model.predict(&Tensor::from(X)).to_vec();
    output.iter().zip(Y).filter(|&(&p, y)| (p > 0.5) == (y > 0.5)).count()
}

fn pictures(model: &Sequential, curves: &[Vec<(f64, f64)>]) -> Result<(), Box<dyn Error>> {
    let file = Path::new(PICTURES).join("loss.svg");
    Lines::new("Mean loss of the four samples, one curve for each network")
        .x_label("pass")
        .y_label("loss")
        .curves(curves.iter().map(|points| ("", points)))
        .save(&file)?;
    println!("\npicture: {}", file.display());
    let file = Path::new(PICTURES).join("output.svg");
    let corners = |class: f64| {
        let pairs = X.iter().zip(Y).filter(|&(_, y)| y == class);
        pairs.map(|(x, _)| (x[0], x[1])).collect::<Vec<_>>()
    };
    Landscape::new("Output of a trained network over the square", -0.5..1.5, -0.5..1.5)
        .x_label("x1")
        .y_label("x2")
        .height(|a, b| model.predict(&Tensor::from([[a, b]])).item(), &[0.1, 0.3, 0.5, 0.7, 0.9])
        .points("wanted 0", corners(0.0))
        .points("wanted 1", corners(1.0))
        .save(&file)?;
    println!("picture: {}", file.display());
    Ok(())
}
