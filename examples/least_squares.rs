//! Linear regression: the closed form, and gradient descent to the same solution.
//!
//! ```text
//! cargo run --release --example least_squares
//! ```

use clap::Parser;
use examples::cli;
use nn::Param;
use nn::init::{Fans, Init, Normal};
use nn::loss::squared_error;
use nn::optim::{Optimizer, Sgd};
use nn_plot::{Landscape, Lines};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use tape::ops::Solve;
use tape::{Tape, Tensor};

const PICTURES: &str = "target/least_squares";

/// Fit a line to four points and a plane to noisy data, by formula and by gradient descent.
#[derive(Debug, Parser)]
#[command(name = "least_squares")]
struct Args {
    /// Rows of the noisy data
    #[arg(long, default_value = "50", value_parser = cli::positive)]
    rows: usize,
    /// Learning rate
    #[arg(long, default_value = "0.5", value_parser = cli::rate)]
    lr: f64,
    /// Steps of gradient descent
    #[arg(long, default_value = "2000", value_parser = cli::positive)]
    steps: usize,
    /// Seed of the noisy data
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
    let x = Tensor::from([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]);
    let y = Tensor::from([[1.0], [3.0], [2.0], [5.0]]);
    let theta = closed_form(&x, &y)?;
    let (loss, gradient) = loss_and_gradient(&x, &y, &theta);
    println!("Four points, ŷ = θ₀ + θ₁ x, loss ½‖Xθ - y‖². The closed form θ = (XᵀX)⁻¹Xᵀy:\n");
    println!("  θ = {:.12?}, loss {loss:.12} (exactly 1.1, 1.1 and 1.35)", theta.to_vec());
    println!("  the tape's gradient there: {:.1e} at most", gradient.map_elements(f64::abs).max());
    let at_zero = loss_and_gradient(&x, &y, &Tensor::zeros([2, 1])).1;
    println!(
        "  and at θ = 0: {:?}, by the formula Xᵀ(Xθ - y): {:?}\n",
        at_zero.to_vec(),
        (-&x.transpose().matmul(&y)).to_vec()
    );

    let mut rng = StdRng::seed_from_u64(args.seed);
    let mut normal = |shape: [usize; 2], std: f64| -> Tensor {
        Normal { mean: 0.0, std }.tensor(shape, Fans::new(1, 1), &mut rng)
    };
    let (data, truth) = (normal([args.rows, 3], 1.0), normal([3, 1], 1.0));
    let clean = distance(&closed_form(&data, &data.matmul(&truth))?, &truth);
    let targets = &data.matmul(&truth) + &normal([args.rows, 1], 0.5);
    let best = closed_form(&data, &targets)?;
    let (mut theta, mut optimizer, mut tape) =
        (Param::new(Tensor::zeros([3, 1])), Sgd::new(args.lr), Tape::new());
    let steps = if args.fast { args.steps.min(200) } else { args.steps };
    let mut distances = Vec::new();
    for step in 0..steps {
        distances.push((step as f64, distance(theta.value(), &best)));
        let grads = (squared_error(tape.constant(data.clone()).matmul(theta.on(&tape)), &targets)
            .mean_over_samples()
            * 0.5)
            .backward();
        tape.reset();
        optimizer.step(&mut theta, &grads);
    }
    let end = distance(theta.value(), &best);
    println!("{} x 3 data: without noise the closed form finds the truth to {clean:.1e};", args.rows);
    println!(
        "with noise, {steps} steps of descent with η = {} end {end:.1e} from the closed form.\n",
        args.lr
    );

    let file = Path::new(PICTURES).join("line.svg");
    let points: Vec<(f64, f64)> = y.to_vec().into_iter().enumerate().map(|(i, y)| (i as f64, y)).collect();
    Landscape::new("The line with the smallest sum of squares: 1.1 + 1.1 x", -0.5..3.5, 0.0..6.0)
        .x_label("x")
        .y_label("y")
        .curve([(-0.5, 1.1 - 0.55), (3.5, 1.1 + 3.85)])
        .points("data", points)
        .save(&file)?;
    println!("picture: {}", file.display());
    let file = Path::new(PICTURES).join("descent.svg");
    let shown: Vec<(f64, f64)> = distances.into_iter().take(120).collect();
    Lines::new("Gradient descent approaches the closed form")
        .x_label("step")
        .y_label("largest distance in θ")
        .curve("", shown)
        .log_y()
        .save(&file)?;
    println!("picture: {}", file.display());
    cli::result(&[("loss", format!("{loss:.6}")), ("descent_error", format!("{end:.1e}"))]);
    Ok(())
}

/// `½‖Xθ - y‖²` and its gradient, by the tape.
fn loss_and_gradient(x: &Tensor, y: &Tensor, theta: &Tensor) -> (f64, Tensor) {
    let tape = Tape::new();
    let theta = tape.var(theta.clone());
    let loss = squared_error(tape.constant(x.clone()).matmul(theta), y).sum() * 0.5;
    (loss.value(), loss.backward().wrt(theta))
}

/// `(XᵀX)⁻¹Xᵀy`.
fn closed_form(x: &Tensor, y: &Tensor) -> Result<Tensor, Box<dyn Error>> {
    let tape = Tape::new().inference();
    let square = tape.constant(x.transpose().matmul(x));
    let right = tape.constant(x.transpose().matmul(y));
    let solution = tape
        .try_apply(Solve, &[square, right])
        .map_err(|_| "the columns of the data depend on each other: there is no single solution")?;
    Ok(solution.value())
}

/// The largest difference of two entries.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).map_elements(f64::abs).max()
}
