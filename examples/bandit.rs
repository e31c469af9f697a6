//! Learning by reward: two slot machines, one of which pays more often, and a policy that learns which.
//!
//! The policy is the softmax of two logits. The derivative of a reward is unknown, but its expectation has
//! one: `∇ E[r] = E[(r - b) ∇ ln π(arm)]` for every `b` (REINFORCE; Williams, 1992). The program verifies
//! that equation numerically, and then ascends the gradient, one pull at a time.
//!
//! ```text
//! cargo run --release --example bandit
//! ```

use clap::Parser;
use examples::cli;
use nn::Param;
use nn::optim::{Optimizer, Sgd};
use nn_plot::Lines;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::error::Error;
use std::process::ExitCode;
use tape::{Scalar, Tape, Tensor};

/// Pulls averaged in each point of the picture.
const WINDOW: usize = 50;

/// The logits at which the equation is verified.
const SHOWN: [f64; 2] = [0.5, -0.5];

const PICTURE: &str = "target/bandit/choices.svg";

/// Learn which of two slot machines pays more often, by policy gradient.
#[derive(Debug, Parser)]
#[command(name = "bandit")]
struct Args {
    /// Pulls of each run
    #[arg(long, default_value = "2000", value_parser = cli::positive)]
    pulls: usize,
    /// Independent runs
    #[arg(long, default_value = "100", value_parser = cli::positive)]
    runs: usize,
    /// Probability that the better machine pays
    #[arg(long, default_value = "0.6", value_parser = probability)]
    better: f64,
    /// Probability that the other one pays
    #[arg(long, default_value = "0.4", value_parser = probability)]
    worse: f64,
    /// Learning rate
    #[arg(long, default_value = "0.5", value_parser = cli::rate)]
    lr: f64,
    /// Seed of the choices and of the rewards
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 10 runs at most
    #[arg(long)]
    fast: bool,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

fn main() -> ExitCode {
    cli::main(run)
}

/// The baseline subtracted from a reward.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Baseline {
    Zero,
    /// The mean of the rewards so far.
    Mean,
}

/// The payoff probabilities; the better arm is 1.
struct Machines {
    pay: [f64; 2],
}

impl Machines {
    fn reward(&self, arm: usize, rng: &mut StdRng) -> f64 {
        f64::from(rng.random_bool(self.pay[arm]))
    }

    /// The expected reward of a policy.
    fn expected<'t>(&self, logits: tape::Var<'t>) -> Scalar<'t> {
        (logits.softmax(0) * &Tensor::from(self.pay)).sum()
    }
}

/// An arm, drawn from the policy, and the logarithm of its probability.
fn choose<'t>(logits: tape::Var<'t>, rng: &mut StdRng) -> (usize, Scalar<'t>) {
    let log_policy = logits.log_softmax(0);
    let arm = usize::from(rng.random::<f64>() < log_policy.at([1]).value().exp());
    (arm, log_policy.at([arm]))
}

/// One run: for each pull, whether the better arm was chosen.
fn learn(machines: &Machines, baseline: Baseline, args: &Args, rng: &mut StdRng) -> Vec<bool> {
    let mut logits = Param::new([0.0, 0.0]);
    let mut optimizer = Sgd::new(args.lr);
    let mut tape = Tape::new();
    let (mut mean, mut chosen) = (0.0, Vec::new());
    for pull in 1..=args.pulls {
        let (arm, log_probability) = choose(logits.on(&tape), rng);
        let reward = machines.reward(arm, rng);
        let surprise = reward - if baseline == Baseline::Mean { mean } else { 0.0 };
        let grads = (log_probability * -surprise).backward();
        tape.reset();
        optimizer.step(&mut logits, &grads);
        mean += (reward - mean) / pull as f64;
        chosen.push(arm == 1);
    }
    chosen
}

/// Compares the gradient of the expectation with the mean of the estimates from single pulls.
fn show(machines: &Machines, pulls: usize, rng: &mut StdRng) -> f64 {
    let mut tape = Tape::new();
    let logits = tape.var(SHOWN);
    let expected = machines.expected(logits);
    let exact = expected.backward().wrt(logits).to_vec()[1];
    let baselines = [("none", 0.0), ("expected reward", expected.value())];
    cli::say(format_args!("derivative of the expected reward by the better arm's logit: {exact:.4}"));
    let mut worst = 0f64;
    for (name, baseline) in baselines {
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..pulls {
            tape.reset();
            let logits = tape.var(SHOWN);
            let (arm, log_probability) = choose(logits, rng);
            let surprise = machines.reward(arm, rng) - baseline;
            let estimate = (log_probability * surprise).backward().wrt(logits).to_vec()[1];
            sum += estimate;
            squares += estimate * estimate;
        }
        let mean = sum / pulls as f64;
        let deviation = (squares / pulls as f64 - mean * mean).sqrt();
        let standard_errors = (mean - exact).abs() / (deviation / (pulls as f64).sqrt());
        worst = worst.max(standard_errors);
        cli::say(format_args!(
            "  {pulls} pulls, baseline {name:16} mean {mean:.4}, {standard_errors:.1} standard errors away; deviation {deviation:.3}"
        ));
    }
    worst
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    if args.better <= args.worse {
        return Err("expected a --better above --worse".into());
    }
    let machines = Machines { pay: [args.worse, args.better] };
    let runs = if args.fast { args.runs.min(10) } else { args.runs };
    let mut rng = StdRng::seed_from_u64(args.seed);
    let standard_errors = show(&machines, 20_000, &mut rng);
    let last = args.pulls.div_ceil(10);
    let mut curves = Vec::new();
    let mut shares = Vec::new();
    for baseline in [Baseline::Zero, Baseline::Mean] {
        let histories: Vec<Vec<bool>> =
            (0..runs).map(|_| learn(&machines, baseline, &args, &mut rng)).collect();
        let share = |from: usize, to: usize| -> f64 {
            let better = histories.iter().flat_map(|history| &history[from..to]).filter(|&&better| better);
            better.count() as f64 / (runs * (to - from)) as f64
        };
        let ends = (1..=args.pulls / WINDOW).map(|i| i * WINDOW);
        curves.push(ends.map(|end| (end as f64, share(end - WINDOW, end))).collect::<Vec<_>>());
        shares.push(share(args.pulls - last, args.pulls));
    }
    cli::say(format_args!("better arm in the last {last} of {} pulls, mean of {runs} runs:", args.pulls));
    cli::say(format_args!("  no baseline {:.4}, mean reward as baseline {:.4}", shares[0], shares[1]));
    Lines::new("How often the better machine is chosen")
        .x_label("pull")
        .y_label("share")
        .curve("no baseline", &curves[0])
        .curve("baseline: mean reward", &curves[1])
        .save(PICTURE)?;
    cli::say(format_args!("picture: {PICTURE}"));
    cli::result(&[
        ("better_arm", format!("{:.4}", shares[1])),
        ("without_baseline", format!("{:.4}", shares[0])),
        ("standard_errors", format!("{standard_errors:.2}")),
    ]);
    Ok(())
}
