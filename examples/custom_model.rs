//! A user-defined model: a struct, an operation and a loss that the libraries know nothing of.
//!
//! A network whose units `h + sin²(a h)/a` learn their frequencies `a` fits a noisy wave on a slope and continues it
//! beyond the data, where a network of hyperbolic tangents goes flat. (L. Ziyin, T. Hartwig, M. Ueda, "Neural networks
//! fail to learn periodic functions and how to fix it", 2020.)
//!
//! ```text
//! cargo run --release --features gradcheck --example custom_model
//! ```

use clap::Parser;
use examples::cli;
use nn::data::{Dataset, Loader};
use nn::metrics::rmse;
use nn::optim::{Optimizer, Sgd};
use nn::train::{Progress, WeightedMean};
use nn::{Context, Identity, Linear, Module, Param, Parameters, Sequential, Tanh, mlp};
use nn_plot::Lines;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use std::error::Error;
use std::process::ExitCode;
use tape::{Algebra, Element, Elementwise, Scalar, Tape, Tensor, Unary, Var};

const PICTURE: &str = "target/custom_model/wave.svg";

// ---- The operation ----

/// `sin² x`, with the derivative `2 sin x cos x`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SinSquared;

impl Unary for SinSquared {
    const NAME: &'static str = "sin_squared";

    fn eval<T: Element>(&self, x: T) -> T {
        x.sin() * x.sin()
    }

    fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
        x.lift(2.0) * Elementwise::sin(x) * Elementwise::cos(x)
    }
}

// ---- The model ----

/// `y = V (h + sin²(a h) / a) + c` with `h = W x + b`.
#[derive(Clone, Debug, Parameters)]
struct Wave {
    inner: Linear,
    frequency: Param,
    outer: Linear,
}

impl Wave {
    fn new(units: usize, rng: &mut impl Rng) -> Wave {
        let frequency = Param::new(Tensor::from_fn([units], |_| rng.random_range(0.5..2.0)));
        Wave { inner: Linear::new(1, units, rng), frequency, outer: Linear::new(units, 1, rng) }
    }
}

impl Module for Wave {
    fn forward<'t>(&self, x: Var<'t>, cx: &mut Context) -> Var<'t> {
        let (h, a) = (self.inner.forward(x, cx), self.frequency.on(x.tape()));
        self.outer.forward(h + (h * a).map(SinSquared) / a, cx)
    }
}

// ---- The loss ----

/// `1/n Σ (√(1 + (A - Y)²) - 1)`: quadratic near 0, linear for outliers.
fn pseudo_huber<'t>(a: Var<'t>, y: &Tensor) -> Scalar<'t> {
    assert_eq!(a.shape(), *y.shape(), "one target for each output: another shape would broadcast");
    ((1.0 + (a - y).square()).sqrt() - 1.0).mean()
}

// ---- The experiment ----

/// Fit a wave with a user-defined model, and continue it.
#[derive(Debug, Parser)]
#[command(name = "custom_model")]
struct Args {
    /// Units of each model
    #[arg(long, default_value = "16", value_parser = cli::positive)]
    units: usize,
    /// Passes over the data
    #[arg(long, default_value = "1500", value_parser = cli::positive)]
    epochs: usize,
    /// Learning rate
    #[arg(long, default_value = "0.01", value_parser = cli::rate)]
    lr: f64,
    /// Seed of data, initial weights and order
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 300 passes at most
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

/// The noiseless function that the data are drawn from.
fn truth(x: f64) -> f64 {
    x.sin() + 0.1 * x
}

/// Evenly spaced points, and the noiseless values there.
fn points(from: f64, to: f64, n: usize) -> Result<Dataset, tape::Error> {
    let x = Tensor::linspace(from, to, n).reshape([n, 1]);
    Dataset::new(x.clone(), x.map_elements(truth))
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let epochs = if args.fast { args.epochs.min(300) } else { args.epochs };
    let mut rng = StdRng::seed_from_u64(args.seed);
    let (clean, beyond) = (points(-7.0, 7.0, 200)?, points(7.0, 14.0, 100)?);
    let noise = Tensor::from_fn([200, 1], |_| rng.random_range(-0.2..0.2));
    let data = Dataset::new(clean.x().clone(), clean.y() + noise)?;

    let mut wave = Wave::new(args.units, &mut rng);
    let check = nn::gradcheck::module(&wave, |model, tape| {
        pseudo_huber(model.forward(tape.constant(data.x().clone()), &mut Context::eval()), data.y())
    });
    let certificate = check.run()?.require()?;
    println!(
        "gradient: {} entries agree with differences; an error of {:.0e} would have shown",
        certificate.entries, certificate.detectable
    );
    let last = train(&mut wave, &data, epochs, args.lr, &mut rng)?;
    let mut usual = mlp(&[1, args.units, 1], Tanh, Identity, &mut rng);
    train(&mut usual, &data, epochs, args.lr, &mut rng)?;

    println!("root mean squared error    inside    beyond");
    let error = |model: &dyn Module, data: &Dataset| rmse(&model.predict(data.x()), data.y());
    let models: [(&str, &dyn Module); 2] = [("own units", &wave), ("hyperbolic tangents", &usual)];
    for (name, model) in models {
        println!("  {name:<22}{:>9.4}{:>10.4}", error(model, &clean)?, error(model, &beyond)?);
    }
    picture(&wave, &usual)?;
    cli::result(&[
        ("loss", format!("{last:.4}")),
        ("inside", format!("{:.4}", error(&wave, &clean)?)),
        ("beyond", format!("{:.4}", error(&wave, &beyond)?)),
        ("tanh_beyond", format!("{:.4}", error(&usual, &beyond)?)),
    ]);
    Ok(())
}

/// The plain training loop; returns the mean loss of the last epoch.
fn train(
    model: &mut impl Module,
    data: &Dataset,
    epochs: usize,
    lr: f64,
    rng: &mut StdRng,
) -> Result<f64, Box<dyn Error>> {
    let (mut tape, mut optimizer) = (Tape::new(), Sgd::new(lr).momentum(0.9));
    let (mut cx, mut loader) = (Context::train(StdRng::from_rng(rng)), Loader::new(data, 20)?);
    let progress = Progress::new(epochs);
    let mut mean = f64::NAN;
    for epoch in 1..=epochs {
        let mut losses = WeightedMean::new();
        for (x, y) in loader.epoch(rng) {
            let loss = pseudo_huber(model.forward(tape.constant(x), &mut cx), &y);
            losses.add(loss.value(), y.shape()[0] as f64);
            let grads = loss.backward();
            tape.reset();
            optimizer.step(model, &grads);
        }
        mean = losses.value();
        if !mean.is_finite() {
            return Err(format!("the loss is {mean} in epoch {epoch}: try a smaller --lr").into());
        }
        progress.epoch(epoch, mean);
    }
    progress.finish();
    Ok(mean)
}

fn picture(wave: &Wave, usual: &Sequential) -> Result<(), Box<dyn Error>> {
    let grid = points(-10.0, 14.0, 300)?;
    let pairs = |y: &Tensor| -> Vec<(f64, f64)> { grid.x().to_vec().into_iter().zip(y.to_vec()).collect() };
    let (own, tangents) = (pairs(&wave.predict(grid.x())), pairs(&usual.predict(grid.x())));
    Lines::new("A wave on a slope, learned from -7 to 7")
        .x_label("x")
        .y_label("y")
        .curve("own units", own)
        .curve("hyperbolic tangents", tangents)
        .curve("truth", pairs(grid.y()))
        .save(PICTURE)?;
    println!("picture: {PICTURE}");
    Ok(())
}
