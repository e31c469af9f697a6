//! Three groups of points, found by k-means: in the plane, and after a network has moved them.
//!
//! k-means is gradient descent on the sum of the squared distances to the nearest centre, with a separate
//! step size for each centre (Bottou and Bengio, 1995), so a tape can do it. It finds groups that are blobs.
//! Where groups are rings, a network trained on a few pairs "same" and "different" (Hadsell, Chopra and
//! LeCun, 2006) turns them into blobs first.
//!
//! ```text
//! cargo run --release --example clusters
//! ```

use clap::Parser;
use examples::cli;
use nn::init::{Fans, Init, Normal};
use nn::metrics::Confusion;
use nn::optim::{Adam, Optimizer};
use nn::{Context, Identity, Module, Sequential, Tanh, loss, mlp};
use nn_plot::{Cloud, Scatter, pairs};
use rand::seq::index;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::error::Error;
use std::f64::consts::TAU;
use std::process::ExitCode;
use tape::{Tape, Tensor, Var};

const GROUPS: usize = 3;

/// Points of each group with and without a label.
const LABELLED: usize = 30;
const UNLABELLED: usize = 150;

/// Pairs in a step.
const PAIRS: usize = 128;

/// The distance to which points of different groups are moved apart.
const MARGIN: f64 = 2.0;

/// Initializations of k-means, of which the best is kept, and steps of each.
const STARTS: usize = 10;
const STEPS: usize = 100;

const PICTURE: &str = "target/clusters/clusters.svg";

/// Find three blobs and three rings by k-means, in the plane and in a learned embedding.
///
/// Purity is the fraction of points whose group is the most frequent one of their cluster. It is measured on
/// points that the network was not trained on.
#[derive(Debug, Parser)]
#[command(name = "clusters")]
struct Args {
    /// Training steps of the network
    #[arg(long, default_value = "300", value_parser = cli::count)]
    steps: usize,
    /// Learning rate of the network
    #[arg(long, default_value = "0.01", value_parser = cli::rate)]
    lr: f64,
    /// Seed of the points, the initial weights, the pairs and the initial centres
    #[arg(long, default_value = "0")]
    seed: u64,
    /// 150 steps at most
    #[arg(long)]
    fast: bool,
}

fn main() -> ExitCode {
    cli::main(run)
}

/// Points, and the group of each.
struct Points {
    x: Tensor,
    groups: Vec<usize>,
}

impl Points {
    /// `n` points of each group, drawn by `point`.
    fn draw(n: usize, mut point: impl FnMut(usize) -> [f64; 2]) -> Points {
        let groups: Vec<usize> = (0..GROUPS * n).map(|i| i % GROUPS).collect();
        let rows: Vec<f64> = groups.iter().flat_map(|&group| point(group)).collect();
        Points { x: Tensor::from(rows).reshape([GROUPS * n, 2]), groups }
    }
}

/// A function that draws a point of a group.
type Point = fn(usize, &mut StdRng) -> [f64; 2];

/// A normal number with this standard deviation.
fn normal(std: f64, rng: &mut StdRng) -> f64 {
    Normal { mean: 0.0, std }.draw(Fans::new(1, 1), rng)
}

/// A point around the corner of a triangle.
fn blob(group: usize, rng: &mut StdRng) -> [f64; 2] {
    let (sin, cos) = (TAU * group as f64 / GROUPS as f64).sin_cos();
    [2.0 * cos + normal(0.6, rng), 2.0 * sin + normal(0.6, rng)]
}

/// A point of one of three rings around the same centre.
fn ring(group: usize, rng: &mut StdRng) -> [f64; 2] {
    let radius = 0.5 + group as f64 + normal(0.12, rng);
    let (sin, cos) = rng.random_range(0.0..TAU).sin_cos();
    [radius * cos, radius * sin]
}

/// Clusters: the centres, the cluster of each point, and the sum of the squared distances.
struct Clusters {
    centres: Tensor,
    nearest: Vec<usize>,
    loss: f64,
}

/// The best of several runs of k-means, each starting from random points as centres.
fn k_means(x: &Tensor, rng: &mut StdRng) -> Result<Clusters, Box<dyn Error>> {
    let run = |_| {
        let start: Vec<usize> = index::sample(rng, x.shape()[0], GROUPS).into_vec();
        descend(x, x.index_select(0, start))
    };
    (0..STARTS).map(run).min_by(|a, b| a.loss.total_cmp(&b.loss)).ok_or_else(|| "no start".into())
}

/// Moves centres until no point changes its cluster.
fn descend(x: &Tensor, mut centres: Tensor) -> Clusters {
    let mut found = Vec::new();
    let mut tape = Tape::new();
    for step in 0.. {
        let c = tape.var(centres.clone());
        let distances = (tape.constant(x.unsqueeze(1)) - c).square().sum_axes(2, false);
        let loss = distances.min_axes(1, false).sum();
        let nearest = distances.argmin_axis(1);
        if nearest == found || step == STEPS {
            return Clusters { nearest, loss: loss.value(), centres };
        }
        // The derivative with respect to a centre is 2 Σ (centre - point) over its points: this step leads to
        // their mean.
        let count = |centre: &[usize]| nearest.iter().filter(|&&n| n == centre[0]).count().max(1);
        let steps = Tensor::from_fn([GROUPS, 1], |centre| 0.5 / count(centre) as f64);
        centres = &centres - &(&steps * &loss.backward().wrt(c));
        found = nearest;
        tape.reset();
    }
    unreachable!("the last step returns")
}

/// The fraction of points whose group is the most frequent one of their cluster.
fn purity(clusters: &Clusters, groups: &[usize]) -> Result<f64, Box<dyn Error>> {
    let table = Confusion::new(&clusters.nearest, groups, GROUPS)?;
    let largest = |cluster| (0..GROUPS).map(|group| table.count(group, cluster)).max().unwrap_or(0);
    Ok((0..GROUPS).map(largest).sum::<usize>() as f64 / groups.len() as f64)
}

/// A network that moves points of the same group together, and of different groups apart.
fn embedding(points: &Points, steps: usize, lr: f64, rng: &mut StdRng) -> Sequential {
    let mut model = mlp(&[2, 32, 32, 2], Tanh, Identity, rng);
    let mut optimizer = Adam::new(lr);
    let mut cx = Context::train(StdRng::from_rng(rng));
    let mut tape = Tape::new();
    for _ in 0..steps {
        let [a, b] = [(); 2].map(|()| -> Vec<usize> {
            (0..PAIRS).map(|_| rng.random_range(0..points.groups.len())).collect()
        });
        let same = |(&a, &b): (&usize, &usize)| if points.groups[a] == points.groups[b] { 1.0 } else { -1.0 };
        let same: Vec<f64> = a.iter().zip(&b).map(same).collect();
        let mut embed = |rows: Vec<usize>| -> Var<'_> {
            model.forward(tape.constant(points.x.index_select(0, rows)), &mut cx)
        };
        let distances = (embed(a) - embed(b)).norm_axes(2.0, 1, false);
        let grads = loss::hinge_embedding(distances, &Tensor::from(same), MARGIN).mean().backward();
        tape.reset();
        optimizer.step(&mut model, &grads);
    }
    model
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let steps = if args.fast { args.steps.min(150) } else { args.steps };
    let mut rng = StdRng::seed_from_u64(args.seed);
    let kinds: [(&str, Point); 2] = [("blobs", blob), ("rings", ring)];
    let (mut panels, mut purities) = (Vec::new(), Vec::new());
    for (name, point) in kinds {
        let taught = Points::draw(LABELLED, |group| point(group, &mut rng));
        let points = Points::draw(UNLABELLED, |group| point(group, &mut rng));
        let model = embedding(&taught, steps, args.lr, &mut rng);
        for (space, x) in [("in the plane", points.x.clone()), ("in the embedding", model.predict(&points.x))]
        {
            let clusters = k_means(&x, &mut rng)?;
            let purity = purity(&clusters, &points.groups)?;
            let title = format!("{name} {space}: purity {purity:.3}");
            cli::say(&title);
            panels.push((title, x, clusters));
            purities.push(format!("{purity:.4}"));
        }
    }
    draw(&panels)?;
    cli::say(format_args!("picture: {PICTURE}"));
    let names = ["blobs", "blobs_embedded", "rings", "rings_embedded"];
    cli::result(&names.into_iter().zip(purities).collect::<Vec<_>>());
    Ok(())
}

/// Draws the points, coloured by cluster, and the centres.
fn draw(panels: &[(String, Tensor, Clusters)]) -> Result<(), Box<dyn Error>> {
    let mut picture = Scatter::new("Clusters found by k-means");
    for (title, x, clusters) in panels {
        let points = pairs(x)?.into_iter().zip(&clusters.nearest).map(|((x, y), &c)| (x, y, c));
        let cloud = Cloud::new(title).points(points.collect::<Vec<_>>());
        picture = picture.panel(cloud.marks(pairs(&clusters.centres)?));
    }
    picture.save(PICTURE)?;
    Ok(())
}
