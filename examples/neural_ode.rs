//! A neural ordinary differential equation (Chen, Rubanova, Bettencourt and Duvenaud, 2018): the right side is a network.
//!
//! The data are a trajectory of the spiral `dx/dt = x³ A`, with the cube of each coordinate. A small network learns the
//! right side from short pieces of it: each piece is integrated by the classical Runge-Kutta method on the tape, and
//! the reverse sweep differentiates through all of its steps. Then the network is integrated over the whole time. Run it
//! from the root of the workspace:
//!
//! ```text
//! cargo run --release --features gradcheck --example neural_ode
//! ```
//!
//! `twins/neural_ode.py` is the same program for PyTorch.

use clap::Parser;
use examples::cli;
use nn::optim::schedule::{Cosine, Schedule};
use nn::optim::{Adam, Optimizer};
use nn::{Context, Identity, Module, Sequential, Tanh, loss, mlp};
use nn_plot::{Lines, pairs};
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::process::ExitCode;
use tape::{Scalar, Tape, Tensor, Var};

/// Steps of the trajectory, and the time of each.
const STEPS: usize = 500;
const DT: f64 = 0.05;

/// Steps of a piece.
const LENGTH: usize = 20;

/// The right side: a network of the cubes of the coordinates.
fn field<'t>(net: &Sequential, x: Var<'t>) -> Var<'t> {
    net.forward(x.cube(), &mut Context::eval())
}

/// The states after 0, 1, .. `steps` steps of the classical Runge-Kutta method.
fn solve<'t>(mut f: impl FnMut(Var<'t>) -> Var<'t>, mut x: Var<'t>, steps: usize) -> Vec<Var<'t>> {
    let mut states = vec![x];
    for _ in 0..steps {
        let k1 = f(x);
        let k2 = f(x + k1 * (DT / 2.0));
        let k3 = f(x + k2 * (DT / 2.0));
        let k4 = f(x + k3 * DT);
        x += (k1 + 2.0 * k2 + 2.0 * k3 + k4) * (DT / 6.0);
        states.push(x);
    }
    states
}

/// The mean squared error of pieces of the trajectory that begin at the rows `starts`.
fn loss_of<'t>(net: &Sequential, trajectory: &Tensor, starts: &[usize], tape: &'t Tape) -> Scalar<'t> {
    let rows =
        |i: usize| trajectory.index_select(0, starts.iter().map(|start| start + i).collect::<Vec<_>>());
    let found = solve(|x| field(net, x), tape.constant(rows(0)), LENGTH);
    let expected: Vec<Tensor> = (0..=LENGTH).map(rows).collect();
    loss::squared_error(tape.stack(&found, 0), Tensor::stack(&expected.iter().collect::<Vec<_>>(), 0)).mean()
}

fn fit(net: &mut Sequential, trajectory: &Tensor, args: &Args) {
    let (mut tape, mut optimizer) = (Tape::new(), Adam::new(args.lr));
    let rates = Cosine { base: args.lr, floor: 0.0, period: args.iterations() };
    let starts: Vec<usize> = (0..=STEPS - LENGTH).step_by(10).collect();
    for iteration in 1..=args.iterations() {
        let loss = loss_of(net, trajectory, &starts, &tape);
        if iteration % 200 == 0 {
            println!("iteration {iteration:>5}: loss {:.2e}", loss.value());
        }
        let grads = loss.backward();
        tape.reset();
        optimizer.set_learning_rate(rates.at(iteration - 1));
        optimizer.step(net, &grads);
    }
}

/// The whole trajectory, `[STEPS + 1, 2]`, of a right side.
fn trajectory_of(f: impl for<'t> Fn(Var<'t>) -> Var<'t>) -> Tensor {
    let tape = Tape::new().inference();
    tape.concat(&solve(f, tape.constant([[2.0, 0.0]]), STEPS), 0).value()
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let trajectory = trajectory_of(|x| x.cube().matmul(x.tape().constant([[-0.1, 2.0], [-2.0, -0.1]])));
    let mut net = mlp(&[2, 50, 2], Tanh, Identity, &mut StdRng::seed_from_u64(args.seed));
    let starts: Vec<usize> = (0..=STEPS - LENGTH).step_by(100).collect();
    let check = nn::gradcheck::module(&net, |net, tape| loss_of(net, &trajectory, &starts, tape)).run()?;
    let certificate = check.require()?;
    println!("{} entries of the gradient agree with differences", certificate.entries);
    fit(&mut net, &trajectory, &args);
    let found = trajectory_of(|x| field(&net, x));
    let errors = (&found - &trajectory).norm_axis(1, 2.0);
    picture(&trajectory, &found)?;
    cli::result(&[
        ("end_error", format!("{:.4}", errors.at([STEPS]))),
        ("largest_error", format!("{:.4}", errors.max())),
        ("checked", certificate.entries.to_string()),
    ]);
    Ok(())
}

// ---- The command line and the picture ----

const PICTURE: &str = "target/neural_ode/spiral.svg";

/// Learn the right side of a differential equation from a trajectory.
#[derive(Debug, Parser)]
#[command(name = "neural_ode")]
struct Args {
    /// Optimizer steps
    #[arg(long, default_value = "2000", value_parser = cli::positive)]
    iterations: usize,
    /// Learning rate
    #[arg(long, default_value = "0.02", value_parser = cli::rate)]
    lr: f64,
    /// Seed of the initial weights
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 200 steps at most
    #[arg(long)]
    fast: bool,
}

impl Args {
    fn iterations(&self) -> u64 {
        if self.fast { self.iterations.min(200) as u64 } else { self.iterations as u64 }
    }
}

fn main() -> ExitCode {
    cli::main(run)
}

fn picture(truth: &Tensor, found: &Tensor) -> Result<(), Box<dyn Error>> {
    let picture = Lines::new("A spiral, and the network's").x_label("x").y_label("y");
    picture.curve("truth", pairs(truth)?).curve("network", pairs(found)?).save(PICTURE)?;
    println!("picture: {PICTURE}");
    Ok(())
}
