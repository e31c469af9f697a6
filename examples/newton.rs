//! Newton's method and the Laplace approximation: Bayesian logistic regression on penguins.
//!
//! The sex of a penguin from four measurements, with a normal prior on the coefficients. The gradient and the Hessian of
//! the log joint density come from `tape::transform`; Newton's method finds the most probable coefficients in a few
//! steps, and the Hessian there gives their uncertainty and the evidence of the model (MacKay, 1992). Run it from the root
//! of the workspace:
//!
//! ```text
//! cargo run --release --example newton
//! ```
//!
//! `twins/newton.py` is the same program for PyTorch.

use clap::Parser;
use examples::{cli, penguins};
use nn::data::Standard;
use std::error::Error;
use std::f64::consts::TAU;
use std::process::ExitCode;
use tape::{Scalar, Tensor, Var, transform};

const MEASUREMENTS: [&str; 4] = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"];

/// The intercept and the coefficients by iteratively reweighted least squares in another program (scikit-learn 1.9.1,
/// `newton-cholesky`), for the default precision.
const KNOWN: [f64; 5] = [0.1120928528, 0.4770832388, 3.0760586015, -0.0407630049, 3.0730151034];

/// The log density of coefficients `w` and labels `y` given the rows of `x`: Bernoulli likelihood and normal prior.
fn log_joint<'t>(w: Var<'t>, x: &Tensor, y: &Tensor, precision: f64) -> Scalar<'t> {
    let z = w.tape().constant(x.clone()).matmul(w);
    let prior = 0.5 * w.shape()[0] as f64 * (precision / TAU).ln() - 0.5 * precision * w.square().sum();
    (z * y - z.softplus()).sum() + prior
}

/// Rows with a leading 1 and standardised measurements, and 1 for a male.
fn data() -> Result<(Tensor, Tensor), Box<dyn Error>> {
    let columns = [&MEASUREMENTS[..], &["sex"]].concat();
    let table = penguins::table()?.drop_missing(&columns, penguins::MISSING)?;
    let x = table.numbers(&MEASUREMENTS)?;
    let x = Standard::fit(&x)?.apply(&x)?;
    let y = table.classes("sex")?.labels.iter().map(|&label| label as f64).collect::<Vec<_>>();
    Ok((Tensor::concat(&[&Tensor::ones([table.len(), 1]), &x], 1), Tensor::from(y)))
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let ((x, y), precision) = (data()?, args.precision);
    let (mut w, mut steps) = (Tensor::zeros([x.shape()[1]]), 0);
    let (density, hessian, norm) = loop {
        let (density, slope) = transform::value_and_grad(|w| log_joint(w, &x, &y, precision), w.clone());
        let hessian = transform::hessian(|w| log_joint(w, &x, &y, precision), w.clone());
        let norm = slope.norm(2.0);
        println!("step {steps}: log joint density {density:.8}, gradient norm {norm:.1e}");
        if norm < 1e-10 || steps == args.steps() {
            break (density, hessian, norm);
        }
        w -= hessian.solve(&slope);
        steps += 1;
    };
    let p = x.matmul(&w).sigmoid();
    let weights = (&p * (1.0 - &p)).reshape([p.size(), 1]);
    let closed_form = -x.transpose().matmul(&(&x * weights)) - Tensor::eye(w.size()) * precision;
    let difference = (&hessian - closed_form).abs().max();
    let covariance = (-&hessian).inverse();
    let deviations = covariance.diag(0).sqrt();
    for (i, name) in ["intercept"].iter().chain(&MEASUREMENTS).enumerate() {
        println!("{name:>18} {:>8.4} ± {:.4}", w.at([i]), deviations.at([i]));
    }
    let log_evidence = density + 0.5 * w.size() as f64 * TAU.ln() + 0.5 * covariance.logdet().item();
    let accuracy = 1.0 - (p.ge(0.5) - &y).abs().mean();
    println!("accuracy {accuracy:.4}; the Hessian differs from its closed form by {difference:.1e}");
    cli::result(&[
        ("steps", steps.to_string()),
        ("gradient_norm", format!("{norm:.1e}")),
        ("log_evidence", format!("{log_evidence:.6}")),
        ("known", format!("{:.1e}", (w - Tensor::from(KNOWN)).abs().max())),
    ]);
    Ok(())
}

// ---- The command line and the picture ----

/// Find the most probable coefficients of a logistic regression by Newton's method, and the evidence of the model.
#[derive(Debug, Parser)]
#[command(name = "newton")]
struct Args {
    /// Precision of the prior: the inverse variance of a coefficient
    #[arg(long, default_value = "1", value_parser = cli::rate)]
    precision: f64,
    /// Newton steps at most
    #[arg(long, default_value = "20", value_parser = cli::count)]
    steps: usize,
    /// Has no effect: nothing is random
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 4 steps at most
    #[arg(long)]
    fast: bool,
}

impl Args {
    fn steps(&self) -> usize {
        if self.fast { self.steps.min(4) } else { self.steps }
    }
}

fn main() -> ExitCode {
    cli::main(run)
}
