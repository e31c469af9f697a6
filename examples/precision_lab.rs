//! A laboratory for lost digits: the same gradients from formulas that lose digits and from formulas that keep them.
//!
//! ```text
//! cargo run --release --features gradcheck --example precision_lab
//! ```
//!
//! Every gradient is computed twice, in `f64` or `f32` and in numbers of 32 digits, and the digits that agree are counted:
//!
//! - the loss of a sure classifier, as a logarithm of a softmax, with the fused operation, and by its small terms alone;
//! - the variance of numbers around a centre, in one pass and in two;
//! - a long sum in `f32`, from either end and by the operation on tensors;
//! - the state of a differential equation after a time, by its beginning: a pendulum and the Lorenz system.
//!
//! Of the first two it also draws the recording, darker where digits are lost.

use clap::Parser;
use examples::cli;
use gradcheck::precision::PrecisionReport;
use gradcheck::{Inputs, Model, Precision};
use nn_plot::Lines;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use tape::{Element, Tensor, Var};

/// Digits of gradients that are written badly and well.
#[derive(Debug, Parser)]
#[command(name = "precision_lab")]
struct Args {
    /// Numbers in the variance
    #[arg(long, default_value = "16", value_parser = cli::positive)]
    count: usize,
    /// Seed of the numbers
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Shorter sums and times
    #[arg(long)]
    fast: bool,
}

/// The loss of the first of three classes.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// -ln(eˣ₀ / Σ eˣ)
    Naive,
    /// The fused operation. Its derivative by the first score is a difference of two numbers near 1.
    Fused,
    /// ln(1 + Σ exp(x - x₀)) over the other classes
    Others,
}

impl Model for Loss {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        let x = v["x"];
        let first = |y: Var<'t, T>| y.index_select(0, vec![0]);
        match self {
            Loss::Naive => -first((x.exp() / x.exp().sum()).ln()),
            Loss::Fused => -first(x.log_softmax(0)),
            Loss::Others => {
                let others = x.index_select(0, vec![1, 2]) - first(x);
                others.exp().sum().log1p().to_var()
            }
        }
    }
}

/// The variance of `x`.
#[derive(Clone, Copy, Debug)]
enum Variance {
    OnePass,
    TwoPasses,
}

impl Model for Variance {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        let x = v["x"];
        match self {
            Variance::OnePass => (x.square().mean() - x.mean().square()).to_var(),
            Variance::TwoPasses => (x - x.mean()).square().mean().to_var(),
        }
    }
}

/// The sum of 1/(k + x)² over k = 1, .., n. Its gradient is a sum as well, which the sweep adds from the other end.
#[derive(Clone, Copy, Debug)]
enum Series {
    LargestFirst(usize),
    SmallestFirst(usize),
    /// One operation on a tensor.
    Tensor(usize),
}

impl Model for Series {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        let x = v["x"];
        let term = |k: usize| (x + T::from_usize(k)).square().recip();
        match *self {
            Series::LargestFirst(n) => (2..=n).fold(term(1), |sum, k| sum + term(k)),
            Series::SmallestFirst(n) => (1..n).rev().fold(term(n), |sum, k| sum + term(k)),
            Series::Tensor(n) => {
                let k = v.tape().constant(Tensor::from_fn([n], |i| T::from_usize(i[0] + 1)));
                (k + x).square().recip().sum().to_var()
            }
        }
    }
}

/// The first coordinate of the state after some steps of the classical Runge-Kutta method.
#[derive(Clone, Copy, Debug)]
enum Motion {
    Pendulum { steps: usize },
    Lorenz { steps: usize },
}

/// The time of a step, a power of two so that it is the same number in every format.
const STEP: f64 = 1.0 / 64.0;

/// Integrates `field` from `x`.
fn integrate<'t, T: Element, const N: usize>(
    mut x: [Var<'t, T>; N],
    steps: usize,
    field: impl Fn([Var<'t, T>; N]) -> [Var<'t, T>; N],
) -> [Var<'t, T>; N] {
    let step = T::from_f64(STEP);
    let two = T::from_f64(2.0);
    let moved = |x: [Var<'t, T>; N], dx: [Var<'t, T>; N], h: T| std::array::from_fn(|i| x[i] + dx[i] * h);
    for _ in 0..steps {
        let k1 = field(x);
        let k2 = field(moved(x, k1, step / two));
        let k3 = field(moved(x, k2, step / two));
        let k4 = field(moved(x, k3, step));
        x = std::array::from_fn(|i| {
            x[i] + (k1[i] + (k2[i] + k3[i]) * two + k4[i]) * (step / T::from_f64(6.0))
        });
    }
    x
}

impl Model for Motion {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        match *self {
            Motion::Pendulum { steps } => integrate([v["x"], v["y"]], steps, |[x, y]| [y, -x.sin()])[0],
            Motion::Lorenz { steps } => {
                let [sigma, rho, beta] = [10.0, 28.0, 2.625].map(T::from_f64);
                let field =
                    |[x, y, z]: [Var<'t, T>; 3]| [(y - x) * sigma, x * (-z + rho) - y, x * y - z * beta];
                integrate([v["x"], v["y"], v["z"]], steps, field)[0]
            }
        }
    }
}

/// The fewest digits of an entry of the gradient.
fn least(report: &PrecisionReport) -> f64 {
    report.digits().iter().fold(f64::INFINITY, |least, digits| least.min(digits.least))
}

/// Digits of gradients over some quantity, a curve for each way to compute them.
struct Experiment {
    title: &'static str,
    /// The quantity along the axis.
    quantity: &'static str,
    file: &'static str,
    curves: Vec<(&'static str, Vec<(f64, f64)>)>,
}

impl Experiment {
    fn show(&self) -> Result<(), Box<dyn Error>> {
        cli::say(format_args!("\n{}: correct digits of the gradient\n", self.title));
        let names: Vec<String> = self.curves.iter().map(|(name, _)| format!("{name:>16}")).collect();
        cli::say(format_args!("{:>24}{}", self.quantity, names.concat()));
        let rows = self.curves.first().map_or(0, |(_, points)| points.len());
        for row in 0..rows {
            let digits: Vec<String> =
                self.curves.iter().map(|(_, points)| format!("{:>16.1}", points[row].1)).collect();
            cli::say(format_args!("{:>24}{}", self.curves[0].1[row].0, digits.concat()));
        }
        let path = format!("target/precision_lab/{}.svg", self.file);
        let lines = Lines::new(self.title).x_label(self.quantity).y_label("correct digits of the gradient");
        let curves = self.curves.iter();
        curves.fold(lines, |lines, (name, points)| lines.curve(*name, points)).save(&path)?;
        cli::say(path);
        Ok(())
    }

    /// The digits at the end of a curve.
    fn last(&self, curve: usize) -> String {
        self.curves[curve].1.last().map_or(String::new(), |(_, digits)| format!("{digits:.1}"))
    }
}

/// Three classes, of which the first leads by more and more.
fn softmax() -> Experiment {
    let curve = |loss: Loss| {
        let at = |lead: f64| least(&Precision::of(loss).input("x", [lead + 1.5, 1.25, 0.125]).run());
        (0..=8).map(|k| f64::from(4 * k)).map(|lead| (lead, at(lead))).collect()
    };
    Experiment {
        title: "Loss of a sure classifier",
        quantity: "lead of the first score",
        file: "softmax",
        curves: vec![
            ("ln of softmax", curve(Loss::Naive)),
            ("log_softmax", curve(Loss::Fused)),
            ("others alone", curve(Loss::Others)),
        ],
    }
}

/// Numbers around a centre that moves away.
fn variance(args: &Args) -> Experiment {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let around = Tensor::<f64>::from_fn([args.count], |_| rng.random_range(-1.0..1.0));
    let curve = |variance: Variance| {
        let at = |k: i32| least(&Precision::of(variance).input("x", &around + 10f64.powi(k)).run());
        (0..=12).map(|k| (f64::from(k), at(k))).collect()
    };
    Experiment {
        title: "Variance around a centre",
        quantity: "log₁₀ of the centre",
        file: "variance",
        curves: vec![("one pass", curve(Variance::OnePass)), ("two passes", curve(Variance::TwoPasses))],
    }
}

fn long_sum(args: &Args) -> Experiment {
    let largest = if args.fast { 10 } else { 16 };
    let curve = |series: fn(usize) -> Series| {
        let at = |n: usize| least(&Precision::of(series(n)).input("x", 0.25).run_single());
        (1..=largest / 2).map(|k| (f64::from(2 * k), at(1 << (2 * k)))).collect()
    };
    Experiment {
        title: "Sum of 1/(k + x)² in f32",
        quantity: "log₂ of the terms",
        file: "sum",
        curves: vec![
            ("largest first", curve(Series::LargestFirst)),
            ("smallest first", curve(Series::SmallestFirst)),
            ("tensor", curve(Series::Tensor)),
        ],
    }
}

fn motion(args: &Args) -> Experiment {
    let seconds = if args.fast { 4 } else { 24 };
    let curve = |motion: fn(usize) -> Motion| {
        let at = |t: usize| {
            let check = Precision::of(motion(64 * t)).input("x", 1.0).input("y", 0.5);
            least(&check.input("z", 20.0).run())
        };
        (1..=4).map(|k| k * seconds / 4).map(|t| (t as f64, at(t))).collect()
    };
    Experiment {
        title: "State of a differential equation by its beginning",
        quantity: "time",
        file: "ode",
        curves: vec![
            ("pendulum", curve(|steps| Motion::Pendulum { steps })),
            ("Lorenz", curve(|steps| Motion::Lorenz { steps })),
        ],
    }
}

/// Prints where digits are lost, and draws it.
fn locate(report: &PrecisionReport, file: &str) -> Result<(), Box<dyn Error>> {
    cli::say(report);
    let path = Path::new("target/precision_lab").join(file);
    fs::create_dir_all("target/precision_lab")?;
    fs::write(&path, report.to_svg()).map_err(|error| format!("{}: {error}", path.display()))?;
    cli::say(format_args!("{}\n", path.display()));
    Ok(())
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    cli::say("Two ways to lose digits, and the node where it happens:\n");
    let naive = Precision::of(Loss::Naive).input("x", [25.5, 1.25, 0.125]).run();
    locate(&naive, "softmax-graph.svg")?;
    let one_pass = Precision::of(Variance::OnePass).input("x", [1e6 + 0.5, 1e6 - 0.25, 1e6 + 1.0]).run();
    locate(&one_pass, "variance-graph.svg")?;
    let (softmax, variance, sum, motion) = (softmax(), variance(&args), long_sum(&args), motion(&args));
    for experiment in [&softmax, &variance, &sum, &motion] {
        experiment.show()?;
    }
    cli::result(&[
        ("softmax_naive", softmax.last(0)),
        ("softmax_fused", softmax.last(1)),
        ("softmax_others", softmax.last(2)),
        ("one_pass", variance.last(0)),
        ("two_passes", variance.last(1)),
        ("largest_first", sum.last(0)),
        ("smallest_first", sum.last(1)),
        ("tensor", sum.last(2)),
        ("pendulum", motion.last(0)),
        ("lorenz", motion.last(1)),
    ]);
    Ok(())
}

fn main() -> ExitCode {
    cli::main(run)
}
