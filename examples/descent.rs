//! Gradient descent made visible: a parabola, a paraboloid, two valleys, and momentum in a narrow one.
//!
//! Every slope comes from a tape; every table is checked against its closed form. Run it from the root of the
//! workspace:
//!
//! ```text
//! cargo run --release --example descent
//! ```

use clap::Parser;
use examples::cli;
use nn::Param;
use nn::optim::{Optimizer, Sgd};
use nn_plot::{Landscape, Lines};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tape::transform::{grad, value_and_grad};
use tape::{Scalar, Tape};

const PICTURES: &str = "target/descent";

/// Walk down a parabola, a paraboloid, a function with two valleys and a narrow valley, and draw the paths.
#[derive(Debug, Parser)]
#[command(name = "descent")]
struct Args {
    /// Seed of the random starting points
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Fewer random starting points
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let parabola = parabola()?;
    let paraboloid = paraboloid()?;
    let minima = minima(args.seed, if args.fast { 5 } else { 20 })?;
    let momentum = momentum()?;
    for name in ["parabola", "paraboloid", "minima", "momentum"] {
        println!("picture: {}", picture(name).display());
    }
    cli::result(&[
        ("parabola_error", format!("{parabola:.1e}")),
        ("paraboloid_error", format!("{paraboloid:.1e}")),
        ("global_minimum", minima),
        ("steps", momentum),
    ]);
    Ok(())
}

fn picture(name: &str) -> PathBuf {
    Path::new(PICTURES).join(format!("{name}.svg"))
}

/// `x²` from 10 in seven steps, with five learning rates; the largest distance from `10 (1 - 2η)ⁿ`.
fn parabola() -> Result<f64, Box<dyn Error>> {
    println!(
        "Descent on x² from 10: x ← x - η 2x, so after n steps x = 10 (1 - 2η)ⁿ. It converges for 0 < η < 1.\n"
    );
    println!("{:>5} {:>12} {:>12}  after seven steps", "η", "x", "10(1-2η)⁷");
    let mut worst = 0f64;
    let mut curves = Vec::new();
    for rate in [0.1f64, 0.5, 0.9, 1.0, 1.1] {
        let mut x = 10.0;
        let mut points = vec![(0.0, x)];
        for step in 1..=7 {
            x -= rate * grad(|x| x * x, x);
            let exact = 10.0 * (1.0 - 2.0 * rate).powi(step);
            worst = worst.max((x - exact).abs());
            points.push((f64::from(step), x));
        }
        let verdict = match rate {
            0.5 => "there in one step",
            r if r < 1.0 => "converges",
            1.0 => "jumps from side to side for ever",
            _ => "diverges",
        };
        println!("{rate:>5} {x:>12.6} {:>12.6}  {verdict}", 10.0 * (1.0 - 2.0 * rate).powi(7));
        curves.push((format!("η = {rate}"), points));
    }
    Lines::new("Descent on x² from 10: the learning rate decides")
        .x_label("step")
        .y_label("x")
        .curves(curves)
        .save(picture("parabola"))?;
    println!("\nlargest distance from the closed form: {worst:.1e}\n");
    Ok(worst)
}

/// `a² + b²` from (10, 10) with η 0.3: the published table; the largest distance from the closed form.
fn paraboloid() -> Result<f64, Box<dyn Error>> {
    println!(
        "Descent on a² + b² from (10, 10) with η = 0.3: the value of the function is the one before the step.\n"
    );
    println!("{:>5} {:>8} {:>8} {:>12}", "step", "a", "b", "a² + b²");
    let mut p = [10.0, 10.0];
    let (mut worst, mut sum, mut path) = (0f64, 0.0, vec![(p[0], p[1])]);
    for step in 0..7 {
        let (value, slope) = value_and_grad(|[a, b]| a * a + b * b, p);
        p = [p[0] - 0.3 * slope[0], p[1] - 0.3 * slope[1]];
        let exact = (10.0 * 0.4f64.powi(step + 1), 200.0 * 0.16f64.powi(step));
        worst = worst.max((p[0] - exact.0).abs()).max((p[1] - exact.0).abs()).max((value - exact.1).abs());
        println!("{step:>5} {:>8} {:>8} {:>12}", digits(p[0], 2), digits(p[1], 2), digits(value, 5));
        sum += value;
        path.push((p[0], p[1]));
    }
    println!(
        "\nmean of the seven values: {:.6} (the printed listing divides by 6, the last index: {:.6})",
        sum / 7.0,
        sum / 6.0
    );
    println!("largest distance from 10 · 0.4ⁿ and 200 · 0.16ⁿ: {worst:.1e}\n");
    Landscape::new("Descent on a² + b² from (10, 10)", -12.0..12.0, -12.0..12.0)
        .x_label("a")
        .y_label("b")
        .height(|a, b| a * a + b * b, &[1.0, 5.0, 20.0, 50.0, 100.0, 150.0, 200.0])
        .path("η = 0.3", path)
        .save(picture("paraboloid"))?;
    Ok(worst)
}

/// A number with this many significant digits, as `%g` prints it.
fn digits(x: f64, n: i32) -> String {
    let decimals = (n - 1 - x.abs().log10().floor() as i32).max(0) as usize;
    let text = format!("{x:.decimals$}");
    match text.split_once('.') {
        Some((whole, part)) if part.trim_end_matches('0').is_empty() => format!("{whole}.0"),
        Some(_) => text.trim_end_matches('0').to_owned(),
        None => text,
    }
}

/// Two valleys, of different depth.
fn valleys(x: Scalar<'_>) -> Scalar<'_> {
    x.powi(4) - 2.0 * x.powi(2) + 0.3 * x
}

fn minima(seed: u64, restarts: usize) -> Result<String, Box<dyn Error>> {
    println!(
        "Descent on x⁴ - 2x² + 0.3x with η = 0.05, 2000 steps: it ends in the valley where it starts.\n"
    );
    println!("{:>6} {:>12} {:>12}", "start", "end", "value");
    let mut paths = Vec::new();
    for start in [-1.5, 0.05, 0.1, 1.5] {
        let path = descend(start);
        let (x, value) = path[path.len() - 1];
        println!(
            "{start:>6} {x:>12.7} {value:>12.7}  {}",
            if x < 0.0 { "the lowest point" } else { "a local minimum" }
        );
        // The first steps show the path; the others coincide.
        let shown: Vec<(f64, f64)> = path.into_iter().take(60).collect();
        paths.push((format!("from {start}"), shown));
    }
    let mut rng = StdRng::seed_from_u64(seed);
    let ends: Vec<(f64, f64)> = (0..restarts)
        .map(|_| descend(rng.random_range(-1.7..1.7)))
        .map(|path| path[path.len() - 1])
        .collect();
    let found = ends.iter().filter(|end| end.0 < 0.0).count();
    println!(
        "\nrestarts from {restarts} random points: {found} find the lowest point, so take the best of several\n"
    );
    let value = |x: f64| valleys(Tape::new().scalar_constant(x)).value();
    let curve: Vec<(f64, f64)> =
        (0..=400).map(|i| -1.6 + f64::from(i) * 0.008).map(|x| (x, value(x))).collect();
    let title = "Descent on x⁴ - 2x² + 0.3x: each start ends in its own valley";
    let plane = Landscape::new(title, -1.7..1.7, -1.6..1.6).x_label("x").y_label("value").curve(curve);
    let with = |plane: Landscape<'static>, (name, points)| plane.points(name, points);
    paths.into_iter().fold(plane, with).save(picture("minima"))?;
    Ok(format!("{found}/{restarts}"))
}

/// The points of a descent on the valleys, with their values.
fn descend(start: f64) -> Vec<(f64, f64)> {
    let mut x = start;
    let mut path = Vec::new();
    for _ in 0..=2000 {
        let (value, slope) = value_and_grad(valleys, x);
        path.push((x, value));
        x -= 0.05 * slope;
    }
    path
}

/// `(x² + 50 y²) / 2` from (1, 1) with η 0.02 and three momentum coefficients.
fn momentum() -> Result<String, Box<dyn Error>> {
    println!("Momentum: v ← αv + g, w ← w - ηv. On a constant slope g the step grows to ηg/(1-α):");
    let (rate, share, g) = (0.1, 0.9, 2.0);
    let (mut w, mut optimizer, mut tape) = (Param::new(0.0), Sgd::new(rate).momentum(share), Tape::new());
    let mut before = 0.0;
    for step in 1..=200 {
        let grads = (w.on(&tape) * g).item().backward();
        tape.reset();
        optimizer.step(&mut w, &grads);
        let moved = w.value().item() - before;
        before = w.value().item();
        if [1, 2, 10, 50, 200].contains(&step) {
            let exact = -rate * g * (1.0 - share.powi(step)) / (1.0 - share);
            println!("  step {step:>3}: {moved:>14.10}, formula {exact:>14.10}");
        }
    }
    println!("\nIn the narrow valley (x² + 50y²)/2 from (1, 1), η = 0.02, until both are below 1e-6:");
    let mut counts = Vec::new();
    let mut paths = Vec::new();
    for share in [0.0, 0.5, 0.9] {
        let (mut w, mut optimizer): (Param, Sgd) = (Param::new([1.0, 1.0]), Sgd::new(0.02).momentum(share));
        let (mut steps, mut path) = (0usize, vec![(1.0, 1.0)]);
        while w.value().to_vec().iter().any(|w| w.abs() >= 1e-6) && steps < 10_000 {
            let v = w.on(&tape);
            let grads = (0.5 * v * v * tape.constant([1.0, 50.0])).sum().backward();
            tape.reset();
            optimizer.step(&mut w, &grads);
            steps += 1;
            let at = w.value().to_vec();
            if steps <= 60 {
                path.push((at[0], at[1]));
            }
        }
        println!("  α = {share}: {steps} steps");
        counts.push(steps.to_string());
        paths.push((format!("α = {share}: {steps} steps"), path));
    }
    println!();
    // The plain path last, so that it hides nothing of the others.
    let title = "The first 60 steps in a narrow valley, (x² + 50y²)/2, η = 0.02";
    let valley = Landscape::new(title, -1.1..1.1, -1.1..1.1)
        .x_label("x")
        .y_label("y")
        .height(|x, y| (x * x + 50.0 * y * y) / 2.0, &[0.05, 0.2, 0.5, 2.0, 5.0, 10.0, 20.0]);
    let with = |plane: Landscape<'static>, (name, points)| plane.path(name, points);
    paths.into_iter().rev().fold(valley, with).save(picture("momentum"))?;
    Ok(counts.join(","))
}
