//! Gaussian-process regression: the body mass of penguins from the length of their flippers.
//!
//! Length scale, signal and noise of the kernel follow from the gradient of the log marginal likelihood, through a
//! Cholesky factor on the tape. Run it from the root of the workspace:
//!
//! ```text
//! cargo run --release --example gaussian_process
//! ```

use clap::Parser;
use examples::{cli, penguins};
use nn::Param;
use nn::files::FileError;
use nn::optim::{Optimizer, Sgd};
use nn_plot::Band;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::error::Error;
use std::process::ExitCode;
use tape::{Scalar, Tape, Tensor, Var};

const PICTURE: &str = "target/gaussian_process/penguins.svg";

/// 95 % of a normal distribution lie within this many standard deviations.
const NORMAL_95: f64 = 1.959963984540054;

/// Predict the body mass of penguins with a Gaussian process, and draw the prediction with its uncertainty.
#[derive(Debug, Parser)]
#[command(name = "gaussian_process")]
struct Args {
    /// Steps of gradient ascent on the likelihood
    #[arg(long, default_value = "120", value_parser = cli::count)]
    steps: usize,
    /// Seed of the choice of the held-out quarter
    #[arg(long, default_value = "0")]
    seed: u64,
    /// A third of the penguins, half of the steps
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

/// Flipper length in mm and body mass in g of every penguin that was measured.
fn penguins() -> Result<Vec<(f64, f64)>, FileError> {
    let columns = ["flipper_length_mm", "body_mass_g"];
    let numbers = penguins::table()?.drop_missing(&columns, penguins::MISSING)?.numbers::<f64>(&columns)?;
    Ok(numbers.to_vec().chunks_exact(2).map(|row| (row[0], row[1])).collect())
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let x = Tensor::from(values.to_vec());
    (x.mean(), x.std(0))
}

/// The scale of a column, which gives the training part mean 0 and deviation 1.
#[derive(Clone, Copy, Debug)]
struct Scale {
    mean: f64,
    deviation: f64,
}

impl Scale {
    fn of(values: &[f64]) -> Scale {
        let (mean, deviation) = moments(values);
        Scale { mean, deviation }
    }

    fn apply(self, values: &[f64]) -> Tensor {
        Tensor::from(values.iter().map(|x| (x - self.mean) / self.deviation).collect::<Vec<_>>())
    }
}

/// `(x - x')²` for every pair.
fn squared_distances(x: &Tensor, other: &Tensor) -> Tensor {
    (x.reshape([x.size(), 1]) - other.reshape([1, other.size()])).square()
}

/// `s² exp(-d² / 2ℓ²)` with `θ = (ln ℓ, ln s, ln σ)`.
fn kernel<'t>(theta: Var<'t>, squared_distances: Tensor) -> Var<'t> {
    let [length, signal] = [0, 1].map(|i| (2.0 * theta.at([i])).exp());
    (theta.tape().constant(squared_distances) * (-0.5 / length)).exp() * signal
}

/// The Cholesky factor of the kernel of the training points with noise on the diagonal.
fn factor<'t>(theta: Var<'t>, x: &Tensor) -> Var<'t> {
    let (noise, unit) = ((2.0 * theta.at([2])).exp(), theta.tape().constant(Tensor::eye(x.size())));
    (kernel(theta, squared_distances(x, x)) + unit * noise).cholesky()
}

/// `-½ yᵀ K⁻¹ y - ½ ln det K - n/2 ln 2π`, the logarithm of the density of all observations.
fn log_likelihood<'t>(theta: Var<'t>, x: &Tensor, y: &Tensor) -> Scalar<'t> {
    let tape = theta.tape();
    let l = factor(theta, x);
    let white = l.triangular_solve(tape.constant(y.clone()), true, false, false);
    let half_log_det = tape.einsum("ii->i", &[l]).ln().sum();
    -0.5 * white.dot(white) - half_log_det - 0.5 * y.size() as f64 * std::f64::consts::TAU.ln()
}

/// Mean and variance of an observation at new points.
fn predict(theta: &Tensor, x: &Tensor, y: &Tensor, at: &Tensor) -> (Tensor, Tensor) {
    let tape = Tape::new();
    let theta = tape.constant(theta.clone());
    let l = factor(theta, x).value();
    let across = kernel(theta, squared_distances(x, at)).value();
    let white = l.triangular_solve(y, true, false, false);
    let part = l.triangular_solve(&across, true, false, false);
    let total = [1, 2].map(|i| (2.0 * theta.at([i])).exp().value());
    let explained = part.square().sum_axes(0, false);
    (white.matmul(&part), (total[0] + total[1]) - explained)
}

/// The largest relative difference between the gradient and central differences.
fn check(theta: &Tensor, x: &Tensor, y: &Tensor) -> f64 {
    const STEP: f64 = 1e-5;
    let tape = Tape::new();
    let leaf = tape.var(theta.clone());
    let gradient = log_likelihood(leaf, x, y).backward().wrt(leaf).to_vec();
    let value = |i: usize, step: f64| {
        let tape = Tape::new();
        let mut moved = theta.to_vec();
        moved[i] += step;
        log_likelihood(tape.constant(moved), x, y).value()
    };
    let difference = |i: usize| (value(i, STEP) - value(i, -STEP)) / (2.0 * STEP);
    let gap = |(i, g): (usize, &f64)| (g - difference(i)).abs() / g.abs().max(1.0);
    gradient.iter().enumerate().map(gap).fold(0.0, f64::max)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mut table = penguins()?;
    table.shuffle(&mut StdRng::seed_from_u64(args.seed));
    if args.fast {
        table.truncate(table.len() / 3);
    }
    let steps = if args.fast { args.steps.div_ceil(2) } else { args.steps };
    let (held_out, training) = table.split_at(table.len() / 4);
    let columns = |rows: &[(f64, f64)]| -> (Vec<f64>, Vec<f64>) { rows.iter().copied().unzip() };
    let ((flippers, masses), (new_flippers, new_masses)) = (columns(training), columns(held_out));
    let (scale_x, scale_y) = (Scale::of(&flippers), Scale::of(&masses));
    let (x, y) = (scale_x.apply(&flippers), scale_y.apply(&masses));
    println!("{} penguins to learn from, {} held out", training.len(), held_out.len());

    let mut theta = Param::new([0.0, 0.0, -1.0]);
    println!("gradient and central differences differ by {:.1e}", check(theta.value(), &x, &y));
    let (mut optimizer, mut tape) = (Sgd::new(0.2).momentum(0.8), Tape::new());
    let mut likelihood = f64::NAN;
    println!("  step   log likelihood   length scale   signal    noise");
    for step in 0..=steps {
        let loss = -log_likelihood(theta.on(&tape), &x, &y) / x.size() as f64;
        likelihood = -loss.value() * x.size() as f64;
        if step % 20 == 0 || step == steps {
            let [length, signal, noise] = in_units(theta.value(), scale_x, scale_y);
            println!(
                "  {step:>4}   {likelihood:>14.4}   {length:>9.2} mm   {signal:>4.0} g   {noise:>4.0} g"
            );
        }
        if step < steps {
            let grads = loss.backward();
            tape.reset();
            optimizer.step(&mut theta, &grads);
        }
    }
    let theta = theta.value().clone();

    let (mean, variance) = predict(&theta, &x, &y, &scale_x.apply(&new_flippers));
    let back = |(mean, variance): (f64, f64)| {
        (scale_y.mean + scale_y.deviation * mean, scale_y.deviation * variance.sqrt())
    };
    let predicted: Vec<(f64, f64)> = mean.to_vec().into_iter().zip(variance.to_vec()).map(back).collect();
    let n = predicted.len() as f64;
    let errors =
        || predicted.iter().zip(&new_masses).map(|(&(mean, deviation), mass)| (mass - mean, deviation));
    let rmse = (errors().map(|(error, _)| error * error).sum::<f64>() / n).sqrt();
    let inside = errors().filter(|(error, deviation)| error.abs() <= NORMAL_95 * deviation).count();
    let guess = (new_masses.iter().map(|mass| (mass - scale_y.mean).powi(2)).sum::<f64>() / n).sqrt();
    println!(
        "held out: off by {rmse:.0} g (the mean of all: {guess:.0} g), {inside} of {n} inside the 95 % band"
    );

    let (low, high) = flippers.iter().fold((f64::MAX, f64::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    let points = Tensor::linspace(low - 12.0, high + 12.0, 160).to_vec();
    let (mean, variance) = predict(&theta, &x, &y, &scale_x.apply(&points));
    let curve: Vec<[f64; 4]> = points
        .iter()
        .zip(mean.to_vec().into_iter().zip(variance.to_vec()).map(back))
        .map(|(&x, (mean, deviation))| [x, mean - NORMAL_95 * deviation, mean, mean + NORMAL_95 * deviation])
        .collect();
    Band::new("Penguins: body mass from flipper length", "95 % of observations", curve)
        .x_label("flipper length in mm")
        .y_label("body mass in g")
        .points("learned from", training)
        .points("held out", held_out)
        .save(PICTURE)?;
    println!("picture: {PICTURE}");
    cli::result(&[
        ("log_likelihood", format!("{likelihood:.3}")),
        ("rmse", format!("{rmse:.1}")),
        ("inside", format!("{:.3}", inside as f64 / n)),
    ]);
    Ok(())
}

/// Length scale in mm, signal and noise in g.
fn in_units(theta: &Tensor, x: Scale, y: Scale) -> [f64; 3] {
    let theta = theta.to_vec();
    [theta[0].exp() * x.deviation, theta[1].exp() * y.deviation, theta[2].exp() * y.deviation]
}
