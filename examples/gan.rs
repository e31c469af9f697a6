//! A generative adversarial network (Goodfellow and others, 2014) on a ring of eight normal distributions.
//!
//! Two networks with an optimizer each: the critic learns to tell points of the ring from generated ones, the generator
//! to be taken for the ring. The critic pays for the slope of its scores at the points of the ring (the penalty R₁ of
//! Mescheder, Geiger and Nowozin, 2018), so its loss contains a gradient. Half of the run is made in one set of networks,
//! saved, and continued by another that reads the file. Run it from the root of the workspace:
//!
//! ```text
//! cargo run --release --features gradcheck --example gan
//! ```
//!
//! `twins/gan.py` is the same program for PyTorch.

use clap::Parser;
use examples::cli;
use nn::checkpoint::Checkpoint;
use nn::optim::{Adam, Optimizer};
use nn::{Context, Identity, Module, RandomTensor, Sequential, Silu, mlp};
use nn_plot::{Cloud, Scatter, pairs};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::error::Error;
use std::process::ExitCode;
use tape::{Scalar, Tape, Tensor, Var};

/// The number of modes, 4 from the origin, and the standard deviation of each.
const MODES: usize = 8;
const STD: f64 = 0.2;

fn centres() -> Tensor {
    let angles: Tensor = Tensor::arange(MODES) * (std::f64::consts::TAU / MODES as f64);
    Tensor::stack(&[&angles.cos(), &angles.sin()], 1) * 4.0
}

fn ring(n: usize, rng: &mut StdRng) -> Tensor {
    let modes: Vec<usize> = (0..n).map(|_| rng.random_range(0..MODES)).collect();
    centres().index_select(0, modes) + Tensor::randn([n, 2], rng) * STD
}

/// The cross-entropy of the critic, and its penalty: a multiple of the mean squared slope at the real points.
fn critic_loss<'t>(critic: &Sequential, real: Var<'t>, fake: Var<'t>, penalty: f64) -> Scalar<'t> {
    let cx = &mut Context::eval();
    let scores = critic.forward(real, cx);
    let slope = scores.sum().grad(real);
    let cross_entropy = ((-scores).softplus() + critic.forward(fake, cx).softplus()).mean();
    cross_entropy + penalty * slope.square().sum_axis(1).mean()
}

struct Gan {
    generator: Sequential,
    critic: Sequential,
    g: Adam,
    d: Adam,
    done: u64,
}

impl Gan {
    fn new(hidden: usize, rng: &mut StdRng) -> Gan {
        let [generator, critic] = [2, 1].map(|width| mlp(&[2, hidden, hidden, width], Silu, Identity, rng));
        let [g, d] = [(); 2].map(|()| Adam::new(0.001).betas(0.0, 0.99));
        Gan { generator, critic, g, d, done: 0 }
    }

    /// A step of the critic, then one of the generator; returns both losses.
    fn step(&mut self, rate: f64, penalty: f64) -> (f64, f64) {
        let (rng, cx) = (&mut StdRng::seed_from_u64(self.done), &mut Context::eval());
        let (g_tape, d_tape) = (Tape::new(), Tape::new());
        let fake = self.generator.forward(g_tape.constant(Tensor::randn([128, 2], rng)), cx);
        let (real, known) = (d_tape.var(ring(128, rng)), d_tape.constant(fake.value()));
        let d_loss = critic_loss(&self.critic, real, known, penalty);
        self.d.set_learning_rate(rate);
        self.d.step(&mut self.critic, &d_loss.backward());
        // The tape of the generator has not seen the critic yet: it records the new one.
        let g_loss = (-self.critic.forward(fake, cx)).softplus().mean();
        self.g.set_learning_rate(rate);
        self.g.step(&mut self.generator, &g_loss.backward());
        self.done += 1;
        (d_loss.value(), g_loss.value())
    }

    fn train(&mut self, until: u64, args: &Args) {
        while self.done < until {
            let rate = args.lr * (1.0 - self.done as f64 / args.steps() as f64);
            let (d_loss, g_loss) = self.step(rate, args.penalty);
            if self.done.is_multiple_of(500) {
                println!("step {:>5}: critic {d_loss:.4}, generator {g_loss:.4}", self.done);
            }
        }
    }

    fn save(&self, path: &str) -> Result<(), Box<dyn Error>> {
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_model("generator", &self.generator);
        checkpoint.put_model("critic", &self.critic);
        checkpoint.put("g", self.g.save(&self.generator));
        checkpoint.put("d", self.d.save(&self.critic));
        checkpoint.set_meta("done", self.done);
        Ok(checkpoint.save(path)?)
    }

    fn load(&mut self, path: &str) -> Result<(), Box<dyn Error>> {
        let mut checkpoint = Checkpoint::load(path)?;
        checkpoint.take_model("generator", &mut self.generator)?;
        checkpoint.take_model("critic", &mut self.critic)?;
        self.g.restore(&self.generator, checkpoint.take("g")?)?;
        self.d.restore(&self.critic, checkpoint.take("d")?)?;
        self.done = checkpoint.meta("done")?;
        Ok(())
    }
}

/// The number of modes that got a tenth of their share or more, and the fraction of points within 3 σ of a centre.
fn judge(points: &Tensor) -> (f64, f64) {
    let n = points.shape()[0];
    let near = (points.reshape([n, 1, 2]) - centres()).norm_axis(2, 2.0).le(3.0 * STD);
    let enough = near.sum_axis(0).ge(n as f64 / (10 * MODES) as f64);
    (enough.sum(), near.sum() / n as f64)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let mut rng = StdRng::seed_from_u64(args.seed);
    let mut gan = Gan::new(64, &mut rng);
    let (real, fake) = (ring(5, &mut rng), Tensor::randn([5, 2], &mut rng));
    let check = nn::gradcheck::module(&gan.critic, |critic, tape| {
        critic_loss(critic, tape.var(real.clone()), tape.constant(fake.clone()), args.penalty)
    });
    println!("{} entries of the gradient agree with differences", check.run()?.require()?.entries);
    gan.train(args.steps() / 2, &args);
    std::fs::create_dir_all("target/gan")?;
    gan.save("target/gan/half.safetensors")?;
    let mut resumed = Gan::new(64, &mut rng);
    resumed.load("target/gan/half.safetensors")?;
    resumed.train(args.steps(), &args);
    let points = resumed.generator.predict(&Tensor::randn([10_000, 2], &mut rng));
    let (modes, share) = judge(&points);
    picture(&points)?;
    cli::result(&[("modes", modes.to_string()), ("within_3_sigma", format!("{share:.4}"))]);
    Ok(())
}

// ---- The command line and the picture ----

const PICTURE: &str = "target/gan/ring.svg";

/// Learn to draw points like those of a ring of eight normal distributions.
#[derive(Debug, Parser)]
#[command(name = "gan")]
struct Args {
    /// Steps of both networks
    #[arg(long, default_value = "3000", value_parser = cli::positive)]
    steps: usize,
    /// Learning rate at first; it falls to 0
    #[arg(long, default_value = "0.002", value_parser = cli::rate)]
    lr: f64,
    /// Factor of the mean squared slope of the critic
    #[arg(long, default_value = "0.2", value_parser = cli::rate)]
    penalty: f64,
    /// Seed of the initial weights and of the noise of the picture
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 600 steps at most
    #[arg(long)]
    fast: bool,
}

impl Args {
    fn steps(&self) -> u64 {
        if self.fast { self.steps.min(600) as u64 } else { self.steps as u64 }
    }
}

fn main() -> ExitCode {
    cli::main(run)
}

/// Draws 1,000 generated points around the centres.
fn picture(points: &Tensor) -> Result<(), Box<dyn Error>> {
    let drawn: Vec<(f64, f64, usize)> = pairs(points)?.iter().take(1000).map(|&(x, y)| (x, y, 0)).collect();
    let cloud = Cloud::new("Generated points, and the centres").points(drawn).marks(pairs(&centres())?);
    Scatter::new("A ring of eight modes").panel(cloud).save(PICTURE)?;
    println!("picture: {PICTURE}");
    Ok(())
}
