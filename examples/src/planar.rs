//! Points of the plane in two classes, and networks that separate them: data, network, training.
//!
//! The network has no biases. The input carries a third number that is always 1, so the last column of the
//! first weight matrix replaces biases; the output layer has none. All units are sigmoids of slope 2.

use nn::data::{Batches, copy_rows};
use nn::init::{Fans, Init, Uniform};
use nn::optim::{Optimizer, Sgd};
use nn::{Linear, Param, Parameters, loss};
use rand::{Rng, RngExt};
use std::f64::consts::TAU;
use tape::{Error, Tape, Tensor, Var};

/// The slope of the sigmoids: `σ(2z)`, whose derivative is `2 σ (1 - σ)`.
pub const SLOPE: f64 = 2.0;
/// Points in a mini-batch.
pub const BATCH: usize = 10;

/// Points with their classes.
#[derive(Clone, Debug, Default)]
pub struct Points {
    /// `[n, 3]`: both coordinates and 1.
    pub x: Tensor,
    /// `[n, 1]`: 1 or 0.
    pub y: Tensor,
}

impl Points {
    fn new(points: &[([f64; 2], bool)]) -> Points {
        let x = |at: &[usize]| points[at[0]].0.get(at[1]).copied().unwrap_or(1.0);
        let y = |at: &[usize]| f64::from(points[at[0]].1);
        Points { x: Tensor::from_fn([points.len(), 3], x), y: Tensor::from_fn([points.len(), 1], y) }
    }

    /// Two normal clouds of `n` points each, the positive one around `(centre, centre)`, the negative one
    /// around its mirror image; points within `margin` of the line between them, or beyond it, are drawn
    /// again.
    pub fn two_groups(n: usize, centre: f64, std: f64, margin: f64, rng: &mut impl Rng) -> Points {
        let normal = nn::init::Normal { mean: 0.0, std };
        let mut points = Vec::new();
        while points.len() < 2 * n {
            let positive = points.len() < n;
            let sign = if positive { 1.0 } else { -1.0 };
            let [x, y] = [(); 2].map(|()| sign * centre + normal.draw(Fans::new(1, 1), &mut *rng));
            // The distance from the line x + y = 0, on the side of the class.
            if sign * (x + y) / 2f64.sqrt() >= margin {
                points.push(([x, y], positive));
            }
        }
        Points::new(&points)
    }

    /// `n` positive points of a disc and `n` negative ones of a ring around it, each with uniform density.
    pub fn disc_and_ring(n: usize, disc: f64, ring: [f64; 2], rng: &mut impl Rng) -> Points {
        let mut points = Vec::new();
        for (positive, [inner, outer]) in [(true, [0.0, disc]), (false, ring)] {
            for _ in 0..n {
                // Areas grow with the square of the radius.
                let radius = rng.random_range(inner * inner..outer * outer).sqrt();
                let (sin, cos) = rng.random_range(0.0..TAU).sin_cos();
                points.push(([radius * cos, radius * sin], positive));
            }
        }
        Points::new(&points)
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.x.shape()[0]
    }

    /// Returns `true` if there are no points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Coordinates and classes, for pictures.
    pub fn list(&self) -> Vec<(f64, f64, usize)> {
        let y = self.y.to_vec();
        self.x.to_vec().chunks_exact(3).zip(y).map(|(x, y)| (x[0], x[1], usize::from(y > 0.5))).collect()
    }
}

/// A network 3-h-1 without biases, sigmoids of slope 2 in both layers.
#[derive(Clone, Debug, Parameters)]
pub struct Network {
    /// `W⁰`, `[h, 3]`.
    pub hidden: Linear,
    /// `W¹`, `[1, h]`.
    pub output: Linear,
}

impl Network {
    /// A network with weights from U(±1.5).
    pub fn new(hidden: usize, mut rng: &mut impl Rng) -> Network {
        let uniform = Uniform { low: -1.5, high: 1.5 };
        let mut layer =
            |inputs, outputs| Linear::with_init(inputs, outputs, uniform, &mut rng).without_bias();
        Network { hidden: layer(3, hidden), output: layer(hidden, 1) }
    }

    /// A network with these weights.
    pub fn from_weights(hidden: impl Into<Tensor>, output: impl Into<Tensor>) -> Network {
        let layer = |weight: Tensor| Linear { weight: Param::new(weight), bias: None };
        Network { hidden: layer(hidden.into()), output: layer(output.into()) }
    }

    /// `z¹ = W¹ σ(2 W⁰ x)`, before the sigmoid of the output.
    pub fn weighted_input<'t>(&self, x: Var<'t, f64>) -> Var<'t, f64> {
        let tape = x.tape();
        let hidden = x.matmul(self.hidden.weight.on(tape).transpose()).sigmoid_scaled(SLOPE, 0.0);
        hidden.matmul(self.output.weight.on(tape).transpose())
    }

    /// The output `σ(2 z¹)`.
    pub fn forward<'t>(&self, x: Var<'t, f64>) -> Var<'t, f64> {
        self.weighted_input(x).sigmoid_scaled(SLOPE, 0.0)
    }

    /// The negative log-loss, averaged over the points.
    ///
    /// Computed from `2 z¹` rather than from the output: with large steps the output becomes exactly 0 or 1,
    /// and its logarithm would lose the gradient.
    pub fn loss<'t>(&self, tape: &'t Tape, x: &Tensor, y: &Tensor) -> tape::Scalar<'t> {
        loss::binary_cross_entropy_with_logits(self.weighted_input(tape.constant(x.clone())) * SLOPE, y)
            .mean_over_samples()
    }

    /// The negative log-loss of all points.
    pub fn loss_of(&self, points: &Points) -> f64 {
        self.loss(&Tape::new().inference(), &points.x, &points.y).value()
    }

    /// The output at a point of the plane.
    pub fn at(&self, x: f64, y: f64) -> f64 {
        self.outputs(&Tensor::from([[x, y]])).item()
    }

    /// The outputs at points of the plane, `[points, 2]`.
    pub fn outputs(&self, points: &Tensor) -> Tensor {
        let x = Tensor::concat(&[points, &Tensor::ones([points.shape()[0], 1])], 1);
        let tape = Tape::new().inference();
        self.forward(tape.constant(x)).value()
    }

    /// The largest output in this many directions at a distance from the origin.
    pub fn largest_on_circle(&self, radius: f64, directions: usize) -> f64 {
        let points = Tensor::from_fn([directions, 2], |i| {
            let (sin, cos) = (TAU * i[0] as f64 / directions as f64).sin_cos();
            radius * if i[1] == 0 { cos } else { sin }
        });
        self.outputs(&points).to_vec().into_iter().fold(0.0, f64::max)
    }

    /// The number of points on the wrong side of 1/2.
    pub fn mistakes(&self, points: &Points) -> usize {
        let tape = Tape::new().inference();
        let outputs = self.forward(tape.constant(points.x.clone())).value().to_vec();
        outputs.iter().zip(points.y.to_vec()).filter(|&(&output, y)| (output > 0.5) != (y > 0.5)).count()
    }
}

/// The weights of an epoch that the next one starts from, chosen among those after each mini-batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Those with the smallest loss over all points.
    Best,
    /// The last ones.
    Last,
    /// The arithmetic mean of all.
    Average,
}

/// Epochs with one learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// The number of epochs.
    pub epochs: usize,
    /// η.
    pub learning_rate: f64,
    /// The weights taken at the end of each.
    pub take: Take,
}

/// One epoch of mini-batches; returns the loss of all points afterwards.
///
/// `visit` sees the weights after each step.
///
/// # Errors
/// None; the indices are those of the points.
pub fn epoch(
    model: &mut Network,
    points: &Points,
    learning_rate: f64,
    take: Take,
    rng: &mut impl Rng,
    mut visit: impl FnMut(&Network),
) -> Result<f64, Error> {
    let mut batches = Batches::try_new(points.len(), BATCH)?;
    let mut optimizer = Sgd::new(learning_rate);
    let mut tape = Tape::new();
    let (mut x, mut y) = (Tensor::default(), Tensor::default());
    let mut best = (f64::INFINITY, model.weights());
    let mut sums: Option<[Tensor; 2]> = None;
    for rows in batches.shuffle(rng).iter() {
        copy_rows(&points.x, rows, &mut x)?;
        copy_rows(&points.y, rows, &mut y)?;
        let grads = model.loss(&tape, &x, &y).backward();
        tape.reset();
        optimizer.step(model, &grads);
        visit(model);
        match take {
            Take::Last => {}
            Take::Best => {
                let loss = model.loss_of(points);
                if loss < best.0 {
                    best = (loss, model.weights());
                }
            }
            Take::Average => {
                let [hidden, output] = model.weights();
                sums = Some(match sums {
                    None => [hidden, output],
                    Some(sums) => [&sums[0] + &hidden, &sums[1] + &output],
                });
            }
        }
    }
    match (take, sums) {
        (Take::Best, _) => model.set(best.1),
        (Take::Average, Some(sums)) => model.set(sums.map(|sum| sum / batches.len() as f64)),
        _ => {}
    }
    Ok(model.loss_of(points))
}

impl Network {
    /// Both weight matrices.
    pub fn weights(&self) -> [Tensor; 2] {
        [self.hidden.weight.value().clone(), self.output.weight.value().clone()]
    }

    fn set(&mut self, [hidden, output]: [Tensor; 2]) {
        *self.hidden.weight.value_mut() = hidden;
        *self.output.weight.value_mut() = output;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    /// One epoch from the same start, with every intermediate matrix.
    fn run(take: Take) -> (Network, Vec<Network>, Points) {
        let mut rng = StdRng::seed_from_u64(3);
        let points = Points::disc_and_ring(80, 1.0, [1.4, 3.0], &mut rng);
        let mut model = Network::new(5, &mut rng);
        let mut met = Vec::new();
        epoch(&mut model, &points, 5.0, take, &mut rng, |model| met.push(model.clone())).unwrap();
        assert_eq!(met.len(), 16);
        (model, met, points)
    }

    #[test]
    fn last_takes_the_weights_of_the_last_step() {
        let (model, met, _) = run(Take::Last);
        assert_eq!(model.weights(), met[15].weights());
    }

    #[test]
    fn best_takes_the_weights_with_the_smallest_loss() {
        let (model, met, points) = run(Take::Best);
        let losses: Vec<f64> = met.iter().map(|model| model.loss_of(&points)).collect();
        let smallest = losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert_eq!(model.loss_of(&points), smallest);
        assert!(smallest < losses[15], "the steps are so large that the last is not the best");
    }

    #[test]
    fn average_takes_the_mean_of_the_weights() {
        let (model, met, _) = run(Take::Average);
        for (i, found) in model.weights().iter().enumerate() {
            let mean = |at: usize| met.iter().map(|m| m.weights()[i].to_vec()[at]).sum::<f64>() / 16.0;
            let found = found.to_vec();
            for (at, found) in found.into_iter().enumerate() {
                assert!((found - mean(at)).abs() < 1e-14, "weight {at}: {found}, expected {}", mean(at));
            }
        }
    }

    #[test]
    fn points_are_drawn_in_their_regions() {
        let mut rng = StdRng::seed_from_u64(1);
        for (x, y, class) in Points::disc_and_ring(200, 1.0, [1.4, 3.0], &mut rng).list() {
            let radius = x.hypot(y);
            let inside = if class == 1 { radius <= 1.0 } else { (1.4..=3.0).contains(&radius) };
            assert!(inside, "radius {radius}, class {class}");
        }
        let groups = Points::two_groups(100, 0.5, 0.2, 0.1, &mut rng);
        assert_eq!((groups.len(), groups.y.sum()), (200, 100.0));
        for (x, y, class) in groups.list() {
            assert_eq!(class == 1, x + y > 0.0, "({x}, {y})");
        }
    }
}
