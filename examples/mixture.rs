//! A mixture of three normal distributions, fitted to penguins without looking at their species.
//!
//! The log density of one point is recorded once, as a [`Program`], and run over all birds in one pass. Its derivatives
//! are programs too: the gradient is used for the first steps, the Hessian for Newton's method. Newton's method needs a
//! small problem: with two of the four measurements and three components there are 17 parameters, and the Hessian is a
//! matrix of 17 by 17, by which a Cholesky factor divides. Run it from the root of the workspace:
//!
//! ```text
//! cargo run --release --example mixture
//! ```

use clap::Parser;
use examples::{cli, penguins};
use nn::Param;
use nn::data::Standard;
use nn::metrics::{Confusion, argmax_rows};
use nn::optim::{Adam, Optimizer};
use nn_plot::Landscape;
use rand::rngs::StdRng;
use rand::{SeedableRng, seq::index};
use std::error::Error;
use std::f64::consts::TAU;
use std::process::ExitCode;
use tape::{Program, Scalar, Tape, Tensor, ops};

const COLUMNS: [&str; 2] = ["bill_length_mm", "bill_depth_mm"];

const COMPONENTS: usize = 3;

/// The logits of the weights come first. One is 0: with all of them free, adding a number to each would change
/// nothing, and the Hessian would have no inverse.
const LOGITS: usize = COMPONENTS - 1;

/// Then each component has its mean `m` and the factor `L` of its covariance `L Lᵀ`, as `[m₀, m₁, ln L₀₀, L₁₀, ln L₁₁]`.
const OF_COMPONENT: usize = 5;

/// The gradient norm at which Newton's method ends, and the largest number of its steps.
const TOLERANCE: f64 = 1e-12;
const NEWTON_STEPS: usize = 100;

/// Dampings that a Newton step tries, the least first.
const DAMPINGS: [f64; 8] = [0.0, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0];

/// A likelihood that falls by less than this has not fallen, but was rounded.
const ROUNDING: f64 = 1e-13;

const PICTURE: &str = "target/mixture/penguins.svg";

/// Fit three normal distributions to penguins, by gradient steps and then by Newton's method.
///
/// Purity is the fraction of birds whose species is the most frequent one of their component; the adjusted Rand
/// index is 1 if components and species agree, and about 0 if they have nothing to do with each other.
#[derive(Debug, Parser)]
#[command(name = "mixture")]
struct Args {
    /// Initializations, of which the most likely one after the gradient steps is kept
    #[arg(long, default_value = "10", value_parser = cli::positive)]
    starts: usize,
    /// Gradient steps of each
    #[arg(long, default_value = "60", value_parser = cli::count)]
    steps: usize,
    /// Learning rate of the gradient steps
    #[arg(long, default_value = "0.05", value_parser = cli::rate)]
    lr: f64,
    /// Seed of the birds on which the components are centred at first
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 5 initializations at most
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

/// The logarithm of the normal density: with `L z = x - m` it is `-½ |z|² - ln det L - ln 2π`.
fn log_normal<'t>(component: &[Scalar<'t>; OF_COMPONENT], x: &[Scalar<'t>]) -> Scalar<'t> {
    let &[m0, m1, ln_l00, l10, ln_l11] = component;
    let z0 = (x[0] - m0) / ln_l00.exp();
    let z1 = (x[1] - m1 - l10 * z0) / ln_l11.exp();
    -0.5 * (z0 * z0 + z1 * z1) - ln_l00 - ln_l11 - TAU.ln()
}

/// `ln Σ eˣ`.
fn log_sum_exp<'t>(x: &[Scalar<'t>]) -> Scalar<'t> {
    x[1..].iter().fold(x[0], |sum, &x| sum.logaddexp(x))
}

/// For each component the logarithm of its weight, the softmax of the logits, times its density at a point.
fn log_joint<'t>(theta: &[Scalar<'t>], x: &[Scalar<'t>]) -> Vec<Scalar<'t>> {
    let (logits, components) = theta.split_at(LOGITS);
    let logits = [logits, &[theta[0].tape().scalar_constant(0.0)]].concat();
    let total = log_sum_exp(&logits);
    let (components, _) = components.as_chunks();
    components.iter().zip(logits).map(|(k, logit)| logit - total + log_normal(k, x)).collect()
}

/// The mean log density of some points.
struct Likelihood {
    log_density: Program,
    hessian: Program,
    x: Tensor,
}

impl Likelihood {
    fn new(x: Tensor) -> Likelihood {
        let log_density = Program::new(|p| {
            let (theta, x) = (p.group("theta", LOGITS + COMPONENTS * OF_COMPONENT), p.group("x", 2));
            log_sum_exp(&log_joint(&theta, &x))
        });
        let hessian = log_density.wrt(&["theta"]).hessian();
        Likelihood { log_density, hessian, x }
    }

    fn points(&self) -> f64 {
        self.x.shape()[0] as f64
    }

    fn value(&self, theta: &Tensor) -> f64 {
        self.log_density.sum_lanes(&[theta, &self.x]).item() / self.points()
    }

    /// The value and the gradient, from one run.
    fn gradient(&self, theta: &Tensor) -> (f64, Tensor) {
        let (value, gradients) = self.log_density.wrt(&["theta"]).sum_lanes(&[theta, &self.x]);
        (value.item() / self.points(), &gradients[0] / self.points())
    }

    fn hessian(&self, theta: &Tensor) -> Tensor {
        self.hessian.sum_lanes(&[theta, &self.x]).reshape([theta.size(), theta.size()]) / self.points()
    }

    /// The largest difference between the gradient and that of a tape that records every point.
    fn check(&self, theta: &Tensor) -> f64 {
        let tape = Tape::new();
        let leaf = tape.var(theta.clone());
        let scalars: Vec<Scalar<'_>> = (0..theta.size()).map(|i| leaf.at([i])).collect();
        let sum = self.x.to_vec().chunks_exact(2).fold(tape.scalar_constant(0.0), |sum, x| {
            sum + log_sum_exp(&log_joint(&scalars, &[0, 1].map(|i| tape.scalar_constant(x[i]))))
        });
        let expected = (sum / self.points()).backward().wrt(leaf);
        (&self.gradient(theta).1 - &expected).abs().max()
    }
}

/// Gradient steps from components centred on random points, with half the standard deviation of all.
fn start(f: &Likelihood, steps: usize, lr: f64, rng: &mut StdRng) -> Tensor {
    let centres = f.x.index_select(0, index::sample(rng, f.x.shape()[0], COMPONENTS).into_vec()).to_vec();
    let component = |mean: &[f64]| [mean[0], mean[1], 0.5f64.ln(), 0.0, 0.5f64.ln()];
    let mut theta = vec![0.0; LOGITS];
    theta.extend(centres.chunks_exact(2).flat_map(component));
    let (mut theta, mut optimizer, mut tape) = (Param::new(theta), Adam::new(lr), Tape::new());
    for _ in 0..steps {
        // The program is one node of the tape.
        let x = [theta.on(&tape), tape.constant(f.x.clone())];
        let grads = (-tape.sum_lanes(&f.log_density, &x).item() / f.points()).backward();
        tape.reset();
        optimizer.step(&mut theta, &grads);
    }
    theta.value().clone()
}

/// A step of Newton's method: the parameters `θ + (λ - H)⁻¹ g`, and the first damping `λ` with which the matrix is
/// positive definite and the likelihood does not fall.
///
/// Far from the maximum the Hessian `H` is indefinite, and without damping the step would lead anywhere.
fn newton(f: &Likelihood, theta: &Tensor) -> Result<(Tensor, f64), Box<dyn Error>> {
    let ((value, gradient), hessian) = (f.gradient(theta), f.hessian(theta));
    let tape = Tape::new().inference();
    for damping in DAMPINGS {
        let matrix = Tensor::eye(theta.size()) * damping - &hessian;
        let Ok(l) = tape.try_apply(ops::Cholesky, &[tape.constant(matrix)]) else { continue };
        let half = l.value().triangular_solve(&gradient, true, false, false);
        let moved = theta + &l.value().triangular_solve(&half, true, true, false);
        if f.value(&moved) >= value - ROUNDING {
            return Ok((moved, damping));
        }
    }
    Err(format!("no step of Newton's method from a log likelihood of {value} leads up").into())
}

/// Newton's method up to the maximum: the parameters, the gradient norm there, and the number of steps.
fn climb(f: &Likelihood, mut theta: Tensor) -> Result<(Tensor, f64, usize), Box<dyn Error>> {
    cli::say("Newton   log likelihood   gradient norm   damping");
    let (mut norm, mut damping) = (f64::NAN, String::new());
    for step in 0..=NEWTON_STEPS {
        let (value, gradient) = f.gradient(&theta);
        norm = gradient.dot(&gradient).sqrt();
        cli::say(format_args!("{step:>6}   {value:>14.10}   {norm:>13.1e}   {damping:>7}"));
        if norm < TOLERANCE {
            return Ok((theta, norm, step));
        }
        let (moved, taken) = newton(f, &theta)?;
        (theta, damping) = (moved, taken.to_string());
    }
    // A component on a line through a few birds may become as thin, and so as dense there, as it likes.
    let reason =
        format!("expected a maximum within {NEWTON_STEPS} steps, found a gradient norm of {norm:.1e}");
    Err(format!("{reason}; try another --seed").into())
}

/// The most frequent species of a component.
fn most_frequent(table: &Confusion, component: usize) -> usize {
    (0..COMPONENTS).max_by_key(|&species| table.count(species, component)).unwrap_or(0)
}

/// The Rand index, adjusted for chance (Hubert and Arabie, 1985).
fn adjusted_rand(table: &Confusion, birds: usize) -> f64 {
    let pairs = |n: usize| n as f64 * (n as f64 - 1.0) / 2.0;
    let all = || 0..COMPONENTS;
    let together: f64 = all().flat_map(|i| all().map(move |k| pairs(table.count(i, k)))).sum();
    let species: f64 = all().map(|i| pairs(all().map(|k| table.count(i, k)).sum())).sum();
    let components: f64 = all().map(|k| pairs(all().map(|i| table.count(i, k)).sum())).sum();
    let expected = species * components / pairs(birds);
    (together - expected) / ((species + components) / 2.0 - expected)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let starts = if args.fast { args.starts.min(5) } else { args.starts };
    let table = penguins::table()?.drop_missing(&COLUMNS, penguins::MISSING)?;
    let (measured, species) = (table.numbers(&COLUMNS)?, table.classes("species")?);
    let scale = Standard::fit(&measured)?;
    let f = Likelihood::new(scale.apply(&measured)?);
    cli::say(format_args!(
        "{} birds; the log density has {} operations, its Hessian {}",
        table.len(),
        f.log_density.operations(),
        f.hessian.operations()
    ));

    let mut rng = StdRng::seed_from_u64(args.seed);
    let best = (0..starts)
        .map(|_| start(&f, args.steps, args.lr, &mut rng))
        .max_by(|a, b| f.value(a).total_cmp(&f.value(b)))
        .ok_or("no start")?;
    let reached = f.value(&best);
    if !reached.is_finite() {
        return Err(format!("expected a finite log likelihood, found {reached}; try a smaller --lr").into());
    }
    cli::say(format_args!("the gradients of program and tape differ by {:.1e}", f.check(&best)));
    let (theta, norm, newton_steps) = climb(&f, best)?;

    let joint = Program::several(|p| {
        let (theta, x) = (p.group("theta", theta.size()), p.group("x", 2));
        log_joint(&theta, &x)
    });
    let nearest = argmax_rows(&joint.map_lanes(&[&theta, &f.x]))?;
    let confusion = Confusion::new(&nearest, &species.labels, COMPONENTS)?;
    cli::say("birds of each species in each component:");
    for (i, name) in species.names.iter().enumerate() {
        let counts: Vec<String> = (0..COMPONENTS).map(|k| format!("{:>5}", confusion.count(i, k))).collect();
        cli::say(format_args!("{name:>10} {}", counts.join("")));
    }
    let most: [usize; COMPONENTS] = std::array::from_fn(|k| most_frequent(&confusion, k));
    let pure: usize = (0..COMPONENTS).map(|k| confusion.count(most[k], k)).sum();
    draw(&measured, &nearest, &most.map(|i| format!("mostly {}", species.names[i])), &theta, &scale)?;
    cli::say(format_args!("picture: {PICTURE}"));
    cli::result(&[
        ("log_likelihood", format!("{:.6}", f.value(&theta))),
        ("gradient_norm", format!("{norm:.1e}")),
        ("purity", format!("{:.4}", pure as f64 / table.len() as f64)),
        ("adjusted_rand", format!("{:.4}", adjusted_rand(&confusion, table.len()))),
        ("newton_steps", newton_steps.to_string()),
    ]);
    Ok(())
}

/// Draws the birds, coloured by component, and where one and two standard deviations of each component are.
fn draw(
    measured: &Tensor,
    nearest: &[usize],
    names: &[String],
    theta: &Tensor,
    scale: &Standard,
) -> Result<(), Box<dyn Error>> {
    let theta = theta.to_vec();
    let (components, _) = theta[LOGITS..].as_chunks();
    let mut picture =
        Landscape::new("Penguins in a mixture of three normal distributions", 30.0..62.0, 12.0..23.0)
            .x_label("bill length in mm")
            .y_label("bill depth in mm");
    for (&[m0, m1, ln_l00, l10, ln_l11], r) in components.iter().flat_map(|k| [(k, 1.0), (k, 2.0)]) {
        let angles = (0..=90).map(|i| (TAU * f64::from(i) / 90.0).sin_cos());
        let point = |(sin, cos)| [m0 + r * ln_l00.exp() * cos, m1 + r * (l10 * cos + ln_l11.exp() * sin)];
        let points = Tensor::from(angles.flat_map(point).collect::<Vec<f64>>()).reshape([91, 2]);
        picture = picture.curve(nn_plot::pairs(&scale.inverse(&points)?)?);
    }
    let birds = nn_plot::pairs(measured)?;
    for (k, name) in names.iter().enumerate() {
        let group = birds.iter().zip(nearest).filter(|bird| *bird.1 == k).map(|bird| *bird.0);
        picture = picture.points(name, group.collect::<Vec<_>>());
    }
    picture.save(PICTURE)?;
    Ok(())
}
