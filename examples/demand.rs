//! Regression with a network: units sold from last week's sales, the discount and the weeks to the holidays.
//!
//! A textbook prints four rows of its table; the network 3-10-5-1 memorises them, and then learns data drawn
//! from a model that fits them.
//!
//! ```text
//! cargo run --release --example demand
//! ```

use clap::Parser;
use examples::{cli, demand_data};
use nn::data::MinMax;
use nn::loss::squared_error;
use nn::optim::{Optimizer, Sgd};
use nn::{Context, Identity, Module, Parameters, Sequential, Sigmoid, mlp};
use nn_plot::{Landscape, Lines};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use tape::{Tape, Tensor};

const PICTURES: &str = "target/demand";

/// Predict units sold with a network of three linear maps.
#[derive(Debug, Parser)]
#[command(name = "demand")]
struct Args {
    /// Rows of generated data
    #[arg(long, default_value = "200", value_parser = cli::positive)]
    rows: usize,
    /// Steps on all rows at once
    #[arg(long, default_value = "1000", value_parser = cli::positive)]
    iterations: usize,
    /// Learning rate
    #[arg(long, default_value = "0.2", value_parser = cli::rate)]
    lr: f64,
    /// Seed of data and initial weights
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 200 steps at most
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let iterations = if args.fast { args.iterations.min(200) } else { args.iterations };
    let mut rng = StdRng::seed_from_u64(args.seed);
    let (x, y) = demand_data::table();
    let table = Problem::new(&x, &y)?;
    println!("The printed rows, and each column scaled to 0..1 by (v - min)/(max - min):\n");
    println!("{:>8} {:>9} {:>6} {:>8}    scaled", "sales", "discount", "weeks", "units");
    for i in 0..4 {
        let row = |t: &Tensor| t.slice(0, i..i + 1).to_vec();
        let (raw, scaled) = ([row(&x), row(&y)].concat(), [row(&table.x), row(&table.y)].concat());
        println!("{:>8} {:>9} {:>6} {:>8}    {scaled:.6?}", raw[0], raw[1], raw[2], raw[3]);
    }
    let mut model = network(&mut rng);
    println!(
        "\n3-10-5-1, {} parameters, mean squared error, momentum 0.9, {iterations} steps on all rows at once.",
        model.count()
    );
    let four = train(&mut model, &table, &args, iterations);
    println!("Four rows: loss {:.4} -> {:.2e}; units, target and prediction:", four[0], four[four.len() - 1]);
    let predicted = table.scale.inverse(&model.predict(&table.x))?;
    for (wanted, found) in y.to_vec().into_iter().zip(predicted.to_vec()) {
        println!("  {wanted:>8} {found:>12.3}");
    }

    let (x, y) = demand_data::generated(args.rows, &mut rng);
    let data = Problem::new(&x, &y)?;
    let mut model = network(&mut rng);
    let many = train(&mut model, &data, &args, iterations);
    let mean = data.y.mean();
    let variance = data.y.map_elements(|y| (y - mean) * (y - mean)).mean();
    let last = many[many.len() - 1];
    println!("\n{} generated rows: loss {:.4} -> {last:.2e}", args.rows, many[0]);
    println!(
        "A constant would have the variance of the targets, {variance:.4}: the network leaves {:.3} % of it.",
        100.0 * last / variance
    );
    println!(
        "(Targets are N x 1 like the outputs. With N numbers in a row the difference would broadcast to N x N and"
    );
    println!("the network would learn the mean; the losses of this library refuse that.)\n");
    pictures(&four, &many, &data, &model)?;
    cli::result(&[
        ("four_rows_mse", format!("{:.2e}", four[four.len() - 1])),
        ("mse", format!("{last:.2e}")),
        ("share_of_variance", format!("{:.5}", last / variance)),
    ]);
    Ok(())
}

/// Scaled data, and the scale to undo it.
struct Problem {
    x: Tensor,
    y: Tensor,
    scale: MinMax,
}

impl Problem {
    fn new(x: &Tensor, y: &Tensor) -> Result<Problem, tape::Error> {
        let scale = MinMax::fit(y)?;
        Ok(Problem { x: MinMax::fit(x)?.apply(x)?, y: scale.apply(y)?, scale })
    }
}

fn network(rng: &mut StdRng) -> Sequential {
    mlp(&[3, 10, 5, 1], Sigmoid, Identity, rng)
}

/// The loss before each step.
fn train(model: &mut Sequential, data: &Problem, args: &Args, iterations: usize) -> Vec<f64> {
    let (mut tape, mut optimizer) = (Tape::new(), Sgd::new(args.lr).momentum(0.9));
    let mut losses = Vec::new();
    for _ in 0..iterations {
        let output = model.forward(tape.constant(data.x.clone()), &mut Context::eval());
        let loss = squared_error(output, &data.y).mean();
        losses.push(loss.value());
        let grads = loss.backward();
        tape.reset();
        optimizer.step(model, &grads);
    }
    losses
}

fn pictures(four: &[f64], many: &[f64], data: &Problem, model: &Sequential) -> Result<(), Box<dyn Error>> {
    let file = Path::new(PICTURES).join("loss.svg");
    let points = |losses: &[f64]| {
        losses.iter().enumerate().map(|(i, &loss)| ((i + 1) as f64, loss)).collect::<Vec<(f64, f64)>>()
    };
    Lines::new("Mean squared error of the scaled target")
        .x_label("step")
        .y_label("loss")
        .curve("four printed rows", points(four))
        .curve("generated rows", points(many))
        .log_y()
        .save(&file)?;
    println!("picture: {}", file.display());
    let file = Path::new(PICTURES).join("prediction.svg");
    let thousands = |y: &Tensor| -> Result<Vec<f64>, tape::Error> {
        Ok(data.scale.inverse(y)?.to_vec().into_iter().map(|y| y / 1000.0).collect())
    };
    let (wanted, found) = (thousands(&data.y)?, thousands(&model.predict(&data.x))?);
    let top = wanted.iter().chain(&found).copied().fold(1.0, f64::max) * 1.05;
    let dots: Vec<(f64, f64)> = wanted.into_iter().zip(found).collect();
    Landscape::new("Units sold, in thousands: target and prediction", 0.0..top, 0.0..top)
        .x_label("wanted")
        .y_label("predicted")
        .curve([(0.0, 0.0), (top, top)])
        .points("generated rows", dots)
        .save(&file)?;
    println!("picture: {}", file.display());
    Ok(())
}
