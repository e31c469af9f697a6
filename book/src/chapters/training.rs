//! Chapter 15: training.

use super::{Chapter, table};
use crate::{Exercise, Mistake};
use nn::init::{Init, KaimingNormal, Normal, XavierNormal};
use nn::optim::{Adam, GradientDescent, Optimizer, Sgd, UpdateRule};
use nn::{Context, Linear, Module, Param};
use nn_plot::{Landscape, Lines};
use rand::{SeedableRng, rngs::StdRng};
use tape::{Tape, Tensor, Var};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 15,
    page: "15-training",
    program: program!("15_training.rs"),
    broken: program!("15_broken.rs"),
    tables,
    figures,
    exercises,
};

/// The points of a descent on the valley of the program.
fn path<R: UpdateRule>(mut optimizer: GradientDescent<R>, steps: usize) -> Vec<(f64, f64)> {
    let (mut w, mut tape) = (Param::new([1.0, 1.0]), Tape::new());
    let mut path = Vec::new();
    for _ in 0..=steps {
        let at = w.value().to_vec();
        path.push((at[0], at[1]));
        let x = w.on(&tape);
        let gradients = (x * x * tape.constant([0.5, 25.0])).sum().backward();
        tape.reset();
        optimizer.step(&mut w, &gradients);
    }
    path
}

/// Layers in the deep network, and units in each.
const DEPTH: usize = 12;
const WIDTH: usize = 32;

/// The lengths of the gradients of the weight matrices of a deep network, first layer first.
fn lengths(init: impl Init + Copy, activation: impl for<'t> Fn(Var<'t>) -> Var<'t>) -> Vec<f64> {
    let mut rng = StdRng::seed_from_u64(3);
    let layers: Vec<Linear> = (0..DEPTH).map(|_| Linear::with_init(WIDTH, WIDTH, init, &mut rng)).collect();
    let noise = Linear::<f64>::with_init(WIDTH, 64, Normal { mean: 0.0, std: 1.0 }, &mut rng);
    let tape = Tape::new();
    let input = tape.constant(noise.weight.value().clone());
    let output = layers.iter().fold(input, |a, layer| activation(layer.forward(a, &mut Context::eval())));
    let gradients = (0.5 * (output - 1.0).square()).mean().backward();
    layers
        .iter()
        .map(|layer| {
            let gradient = gradients.of(&layer.weight);
            (&gradient * &gradient).sum().sqrt()
        })
        .collect()
}

/// A name and the length of the gradient of each layer.
type Depths = Vec<(&'static str, Vec<f64>)>;

fn depths() -> Depths {
    let scale = 1.0 / (WIDTH as f64).sqrt();
    let normal = |factor: f64| Normal { mean: 0.0, std: factor * scale };
    vec![
        ("sigmoid, 1 / √n", lengths(XavierNormal, |z| z.sigmoid())),
        ("tanh, 1 / √n", lengths(XavierNormal, |z| z.tanh())),
        ("ReLU, 1 / √n", lengths(normal(1.0), |z| z.relu())),
        ("ReLU, √2 / √n", lengths(KaimingNormal, |z| z.relu())),
        ("ReLU, 3 / √n", lengths(normal(3.0), |z| z.relu())),
    ]
}

/// The first weights of a 2-2-1 network, trained on the exclusive or from equal or from unequal weights.
fn symmetry() -> String {
    let x = Tensor::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let y = Tensor::from([[0.0], [1.0], [1.0], [0.0]]);
    let row = |(name, first): (&str, [[f64; 2]; 2])| {
        let mut model =
            vec![Linear::from_values(first, [0.0, 0.0]), Linear::from_values([[0.5, 0.5]], [0.0])];
        let (mut tape, mut optimizer) = (Tape::new(), Sgd::new(0.5).momentum(0.9));
        let mut loss_after = 0.0;
        for _ in 0..1000 {
            let hidden = model[0].forward(tape.constant(x.clone()), &mut Context::eval()).tanh();
            let output = model[1].forward(hidden, &mut Context::eval()).sigmoid();
            let loss = (output - &y).square().mean();
            loss_after = loss.value();
            let gradients = loss.backward();
            tape.reset();
            optimizer.step(&mut model, &gradients);
        }
        let w = model[0].weight.value().to_vec();
        let unit = |k: usize| format!("{:.2}, {:.2}", w[2 * k] + 0.0, w[2 * k + 1] + 0.0);
        [name.to_string(), unit(0), unit(1), format!("{loss_after:.4}")]
    };
    let starts =
        [("all 0.5", [[0.5, 0.5], [0.5, 0.5]]), ("0.5, -0.4, -0.3, 0.6", [[0.5, -0.4], [-0.3, 0.6]])];
    let head = ["first weights", "unit 1 after 1000 steps", "unit 2 after 1000 steps", "loss"];
    table(head, starts.map(row))
}

fn tables() -> Vec<(&'static str, String)> {
    let row = |(name, lengths): (&'static str, Vec<f64>)| {
        let at = |k: usize| format!("{:.1e}", lengths[k - 1]);
        [name.to_string(), at(1), at(4), at(8), at(DEPTH)]
    };
    let depth = table(
        ["activation, deviation of the weights (n = 32)", "layer 1", "layer 4", "layer 8", "layer 12"],
        depths().into_iter().map(row),
    );
    vec![("depth", depth), ("symmetry", symmetry())]
}

fn figures() -> Vec<(&'static str, String)> {
    let rate = 0.035;
    let paths = Landscape::new("Twenty-five steps in the valley (x² + 50 y²) / 2", -0.6..1.2, -1.2..1.2)
        .x_label("x")
        .y_label("y")
        .height(|x, y| 0.5 * x * x + 25.0 * y * y, &[0.1, 0.5, 2.0, 5.0, 10.0, 20.0, 30.0])
        .path("gradient", path(Sgd::new(rate), 25))
        .path("momentum 0.5", path(Sgd::new(rate).momentum(0.5), 25))
        .path("Adam", path(Adam::new(rate), 25));
    let points = |lengths: Vec<f64>| -> Vec<(f64, f64)> {
        lengths.into_iter().enumerate().map(|(k, length)| (k as f64 + 1.0, length)).collect()
    };
    let depth = Lines::new("Length of the gradient of each layer, before training")
        .x_label("layer")
        .y_label("length")
        .log_y()
        .curves(depths().into_iter().map(|(name, lengths)| (name, points(lengths))));
    vec![("15-paths.svg", paths.svg().unwrap_or_default()), ("15-depth.svg", depth.svg().unwrap_or_default())]
}

fn exercises() -> Vec<Exercise> {
    let (rate, curvature, steps) = (0.1, 12.0, 3);
    let factor: f64 = 1.0 - rate * curvature;
    let (slope, keep, momentum_rate) = (2.0, 0.9, 0.05);
    let layers = 4;
    vec![
        Exercise {
            number: "15.1",
            right: vec![factor.powi(steps).into()],
            mistakes: vec![
                Mistake::new(
                    (1.0 - rate).powi(steps),
                    "the gradient is 12x, not x: each step multiplies by 1 - 12η",
                ),
                Mistake::new(factor, "this is x after one step"),
                Mistake::new(
                    (1.0 - rate * curvature / 2.0).powi(steps),
                    "the gradient of 6x² is 12x: the curvature is twice the coefficient",
                ),
            ],
            hint: "f' = 12x, so each step multiplies x by 1 - 12η",
        },
        Exercise {
            number: "15.2",
            right: vec![(momentum_rate * slope / (1.0 - keep)).into()],
            mistakes: vec![
                Mistake::new(momentum_rate * slope, "this is the first step, before any momentum"),
                Mistake::new(
                    momentum_rate * slope * (1.0 + keep),
                    "this is the second step; the sum goes on",
                ),
                Mistake::new(momentum_rate * slope / keep, "divide by 1 - μ: the series is 1 + μ + μ² + ..."),
            ],
            hint: "v tends to the value with v = 0.9 v + 2",
        },
        Exercise {
            number: "15.3",
            right: vec![0.25f64.powi(layers).into()],
            mistakes: vec![
                Mistake::new(
                    0.5f64.powi(layers),
                    "1/2 is the value of the sigmoid at 0; its slope there is 1/4",
                ),
                Mistake::new(0.25 * f64::from(layers), "along a path the factors multiply"),
                Mistake::new(0.25f64.powi(layers - 1), "there are four sigmoids on the way, so four factors"),
            ],
            hint: "the slope σ(1 - σ) is at most 1/4, and the path passes four of them",
        },
    ]
}
