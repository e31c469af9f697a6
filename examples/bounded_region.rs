//! A bounded region of the plane as the decision of a 3-5-1 network: with hand-chosen weights, with published
//! weights, and learned.
//!
//! Four half-planes and a threshold form a square. The weights printed in the literature do not: their
//! threshold is itself the output of a sigmoid and is too low, so three half-planes suffice and the region is
//! an unbounded cross. A fifth weight below -3.3652 closes it.
//!
//! ```text
//! cargo run --release --example bounded_region
//! ```

use clap::{Parser, ValueEnum};
use examples::cli;
use examples::planar::{Network, Phase, Points, Take, epoch};
use nn::train::Progress;
use nn_plot::{Lines, Region, Regions};
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

/// The published schedule, and the weights each epoch passes on to the next.
const PUBLISHED: [Phase; 5] = [
    Phase { epochs: 1, learning_rate: 5.0, take: Take::Best },
    Phase { epochs: 10, learning_rate: 2.0, take: Take::Last },
    Phase { epochs: 30, learning_rate: 1.0, take: Take::Best },
    Phase { epochs: 5, learning_rate: 1.0, take: Take::Average },
    Phase { epochs: 10, learning_rate: 0.5, take: Take::Last },
];
/// Ordinary mini-batch descent for the same number of epochs.
const PLAIN: [Phase; 1] = [Phase { epochs: 56, learning_rate: 1.0, take: Take::Last }];

/// The half-planes x > -2, y > -2, x < 2, y < 2 and the unit for the threshold.
const SQUARE: [[f64; 3]; 5] =
    [[1.0, 0.0, 2.0], [0.0, 1.0, 2.0], [-1.0, 0.0, 2.0], [0.0, -1.0, 2.0], [0.0, 0.0, 1.0]];
/// The weights of a training run as published.
const TRAINED: ([[f64; 3]; 5], [[f64; 5]; 1]) = (
    [[-12.1, -4.0, 11.8], [5.1, 9.3, 7.0], [-4.8, 13.4, -9.1], [12.5, -2.7, -7.6], [10.7, 13.5, -12.0]],
    [[-2.1, 5.9, -5.5, -3.2, -4.6]],
);

const PICTURES: &str = "target/bounded_region";
/// Farther out than any bounded region.
const FAR: f64 = 1000.0;
const DIRECTIONS: usize = 720;

/// Enclose a bounded region by a network with five hidden units.
///
/// Trains one network per run on 80 points of a disc and 80 of a ring around it, and keeps the one with the
/// smallest loss. For a quick look: --runs 1.
#[derive(Debug, Parser)]
#[command(name = "bounded_region")]
struct Args {
    /// Seed of the points; run number i starts from seed + i
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Training runs; the one with the smallest loss is kept
    #[arg(long, default_value = "5", value_parser = cli::positive)]
    runs: usize,
    /// How to train
    #[arg(long, value_enum, default_value = "published")]
    schedule: Schedule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Schedule {
    /// 56 epochs with learning rates 5, 2, 1, 1 and 0.5, taking the best, last, best, average and last weights.
    Published,
    /// 56 epochs with learning rate 1, taking the last weights.
    Plain,
}

fn main() -> ExitCode {
    cli::main(run)
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let by_hand = |fifth| Network::from_weights(SQUARE, [[1.0, 1.0, 1.0, 1.0, fifth]]);
    let (printed, corrected) = (by_hand(-3.0), by_hand(-3.5));
    let trained = Network::from_weights(TRAINED.0, TRAINED.1);
    println!("largest output far from the origin (above 1/2: the region has no end there):");
    for (name, model) in [
        ("printed weights", &printed),
        ("fifth weight -3.5", &corrected),
        ("published training run", &trained),
    ] {
        println!("  {name:24} {:.6}", model.largest_on_circle(FAR, DIRECTIONS));
    }

    let (model, points, mut curves) = learn(&args)?;
    let (mistakes, far) = (model.mistakes(&points), model.largest_on_circle(FAR, DIRECTIONS));
    println!(
        "kept: {mistakes} of {} points wrong, loss {:.2e}, largest output far away {far:.6}: {}",
        points.len(),
        model.loss_of(&points),
        if far < 0.5 { "bounded" } else { "not bounded" },
    );

    draw(&[&printed, &corrected, &trained, &model], &points)?;
    // At most one curve per colour.
    curves.truncate(7);
    let file = Path::new(PICTURES).join("loss.svg");
    Lines::new("Bounded region: loss of each run")
        .x_label("epoch")
        .y_label("mean negative log-loss")
        .curves(curves.iter().enumerate().map(|(i, points)| (format!("run {i}"), points)))
        .log_y()
        .save(&file)?;
    println!("picture: {}", file.display());
    cli::result(&[
        ("mistakes", format!("{mistakes}")),
        ("loss", format!("{:.4e}", model.loss_of(&points))),
        ("bounded", (far < 0.5).to_string()),
    ]);
    Ok(())
}

type Curve = Vec<(f64, f64)>;

/// The network with the smallest loss, the points, and the losses of every run.
fn learn(args: &Args) -> Result<(Network, Points, Vec<Curve>), Box<dyn Error>> {
    let points = Points::disc_and_ring(80, 1.0, [1.4, 3.0], &mut StdRng::seed_from_u64(args.seed));
    let phases: &[Phase] = match args.schedule {
        Schedule::Published => &PUBLISHED,
        Schedule::Plain => &PLAIN,
    };
    let mut kept: Option<(f64, Network)> = None;
    let mut curves = Vec::new();
    let progress = Progress::new(args.runs);
    println!("training on {} points, {} epochs a run:", points.len(), 56);
    for run in 0..args.runs {
        let mut rng = StdRng::seed_from_u64(args.seed.wrapping_add(1 + run as u64));
        let mut model = Network::new(5, &mut rng);
        let mut curve = vec![(0.0, model.loss_of(&points))];
        for phase in phases {
            for _ in 0..phase.epochs {
                let loss = epoch(&mut model, &points, phase.learning_rate, phase.take, &mut rng, |_| {})?;
                curve.push((curve.len() as f64, loss));
            }
        }
        let loss = model.loss_of(&points);
        println!("  run {run}: loss {loss:.2e}, {} wrong", model.mistakes(&points));
        progress.epoch(run + 1, loss);
        if kept.as_ref().is_none_or(|(best, _)| loss < *best) {
            kept = Some((loss, model));
        }
        curves.push(curve);
    }
    progress.finish();
    let (_, model) = kept.ok_or("every run ended with a loss that is NaN")?;
    Ok((model, points, curves))
}

/// Coordinates and classes.
type Labelled = [(f64, f64, usize)];

fn draw(models: &[&Network; 4], learned: &Points) -> Result<(), Box<dyn Error>> {
    let wide = Points::disc_and_ring(80, 1.5, [4.0, 6.0], &mut StdRng::seed_from_u64(0));
    let (wide, learned) = (wide.list(), learned.list());
    let panels: [(&str, f64, &Labelled); 4] = [
        ("printed weights: a cross without end", 8.0, &wide),
        ("fifth weight -3.5 instead of -3: bounded", 8.0, &wide),
        ("weights of the published training run", 9.0, &[]),
        ("learned here", 4.0, &learned),
    ];
    let mut picture = Regions::new("Regions enclosed by five hidden units");
    for (model, (title, extent, points)) in models.iter().zip(panels) {
        let square = -extent..extent;
        let region = Region::new(title, square.clone(), square, |x| model.outputs(x));
        picture = picture.panel(region.points(points));
    }
    let file = Path::new(PICTURES).join("regions.svg");
    picture.save(&file)?;
    println!("picture: {}", file.display());
    Ok(())
}
