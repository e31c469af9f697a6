//! A laboratory for gradient checks: a broken rule and the report that finds it, the error of differences against their
//! step, and a kink.
//!
//! ```text
//! cargo run --release --features gradcheck --example gradcheck_lab
//! ```
//!
//! The model is a small network whose bias has a derivative written by hand. One version of it takes the mean over the
//! batch where the sum belongs. Training with it still works, only slower: only a check shows the error.

use clap::Parser;
use examples::cli;
use gradcheck::{GradCheck, Inputs, Reason, Report, Sweep, Verdict};
use nn_plot::Lines;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::error::Error;
use std::process::ExitCode;
use tape::{Scalar, Tensor, Var};

/// A broken rule, the curves of difference formulas, and a kink.
#[derive(Debug, Parser)]
#[command(name = "gradcheck_lab")]
struct Args {
    /// Rows of the batch
    #[arg(long, default_value = "8", value_parser = cli::positive)]
    batch: usize,
    /// Seed of the weights and the batch
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Curves with a quarter of the steps
    #[arg(long)]
    fast: bool,
}

/// The reduction over the batch in the derivative of the bias: the sum is right, the mean is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bias {
    Right,
    Broken,
}

/// Returns `x + b`, with hand-written derivatives.
fn add_bias<'t>(x: Var<'t>, b: Var<'t>, rule: Bias) -> Var<'t> {
    x.tape().custom_vjp(
        &[x, b],
        |x| x[0] + x[1],
        move |_, _, dy| {
            let db = match rule {
                Bias::Right => dy.sum_axes(0, false),
                Bias::Broken => dy.mean_axes(0, false),
            };
            vec![dy, db]
        },
    )
}

/// Returns the squared error of a network 2-5-1.
fn loss<'t>(v: &Inputs<'t>, rule: Bias) -> Scalar<'t> {
    let hidden = add_bias(v["x"].matmul(v["w1"]), v["b1"], rule).tanh();
    (hidden.matmul(v["w2"]) - v["y"]).square().mean()
}

fn check(args: &Args, rule: Bias) -> GradCheck<'static> {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let mut draw = |shape: [usize; 2]| Tensor::from_fn(shape, |_| rng.random_range(-1.5..1.5));
    let (x, w1, w2, y) = (draw([args.batch, 2]), draw([2, 5]), draw([5, 1]), draw([args.batch, 1]));
    GradCheck::loss(move |v| loss(v, rule))
        .named("gradcheck_lab")
        .input("w1", w1)
        .input("b1", Tensor::full([5], 0.25))
        .input("w2", w2)
        .constant("x", x)
        .constant("y", y)
        .seed(args.seed)
}

/// Computes the curves from step 1/4 down to 2⁻⁵⁰.
fn curves(args: &Args) -> Result<Sweep, Box<dyn Error>> {
    let exponents = if args.fast { -14..=-2 } else { -50..=-2 };
    Ok(check(args, Bias::Right).sweep("w1", &[0, 1], exponents)?)
}

fn draw(sweep: &Sweep) -> Result<(), Box<dyn Error>> {
    let size = sweep.derivative.abs();
    let curve = |formula: usize| -> Vec<(f64, f64)> {
        let points = sweep.points.iter().map(|p| (p.h.log10(), p.errors[formula] / size));
        // A logarithmic axis cannot show an error of exactly 0.
        points.filter(|(_, error)| error.is_finite()).map(|(h, error)| (h, error.max(1e-17))).collect()
    };
    Lines::new("Relative error of difference formulas against their step")
        .x_label("log₁₀ of the step")
        .y_label("relative error")
        .curve("forward", curve(0))
        .curve("central", curve(1))
        .curve("Richardson", curve(4))
        .log_y()
        .save("target/gradcheck_lab/error_against_step.svg")?;
    Ok(())
}

/// Checks `|x|` far from the kink, on it, and close to it.
fn kink() -> Result<Report, Box<dyn Error>> {
    let check = GradCheck::new(|v| v["x"].abs()).named("kink").input("x", [0.5, 0.0, 1e-9]);
    Ok(check.run()?)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let right = check(&args, Bias::Right).run()?;
    cli::say("The sum over the batch:\n");
    cli::say(&right);

    let broken = check(&args, Bias::Broken).run()?;
    cli::say("\nThe mean over the batch:\n");
    cli::say(&broken);
    let worst = broken.worst().ok_or("the checker compared nothing")?;

    let sweep = curves(&args)?;
    cli::say("\nDifferences at w1[0,1]:\n");
    cli::say(sweep.chart());
    draw(&sweep)?;
    cli::say("target/gradcheck_lab/error_against_step.svg");

    let kink = kink()?;
    cli::say("\n|x| at 0.5, 0 and 1e-9:\n");
    cli::say(&kink);
    let open = |why: &Verdict| matches!(why, Verdict::Inconclusive(Reason::Kink { .. }));
    let kinks = kink.entries().iter().filter(|entry| open(&entry.verdict)).count();

    cli::result(&[
        ("right", right.verdict().to_string()),
        ("broken", broken.verdict().to_string()),
        ("at", worst.label()),
        ("ratio", format!("{:.6}", worst.analytic / worst.numeric.mid)),
        ("kinks", kinks.to_string()),
        ("best_forward", format!("{:.1e}", sweep.best[0])),
        ("best_central", format!("{:.1e}", sweep.best[1])),
        ("best_richardson", format!("{:.1e}", sweep.best[4])),
    ]);
    Ok(())
}

fn main() -> ExitCode {
    cli::main(run)
}
