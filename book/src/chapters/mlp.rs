//! Chapter 9: a multilayer perceptron, derived and reproduced.

use super::{Chapter, table};
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake};
use nn::by_hand::{Activation, Backward, Layer, Mlp};
use nn::loss::LossFunction::{
    BinaryCrossEntropyWithProbabilities, CrossEntropyWithProbabilities, SquaredError,
};
use nn::loss::{Loss, LossFunction};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::{Gradients, Tape, Tensor, Var};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 9,
    page: "09-mlp",
    program: program!("09_mlp.rs"),
    broken: program!("09_broken.rs"),
    tables,
    figures,
    exercises,
};

/// Entries from -1 to 1.
fn random(shape: [usize; 2], rng: &mut StdRng) -> Tensor {
    Tensor::from_fn(shape, |_| rng.random_range(-1.0..1.0))
}

/// A perceptron with two layers of random weights, and a tanh between them.
fn perceptron(sizes: [usize; 3], output: Activation, rng: &mut StdRng) -> Mlp {
    let layer = |sources, destinations, activation, rng: &mut StdRng| Layer {
        weight: random([destinations, sources], rng),
        bias: random([1, destinations], rng).reshape([destinations]),
        activation,
    };
    let first = layer(sizes[0], sizes[1], Activation::Tanh, rng);
    Mlp { layers: vec![first, layer(sizes[1], sizes[2], output, rng)] }
}

/// The nodes of one recording, and the cotangents of all of them.
struct Recorded<'t> {
    leaves: [Var<'t>; 4],
    z: [Var<'t>; 2],
    loss: f64,
    gradients: Gradients,
}

/// The same forward pass on a tape.
fn record<'t>(tape: &'t Tape, net: &Mlp, x: &Tensor, t: &Tensor, loss: Loss) -> Recorded<'t> {
    let [first, second] = [&net.layers[0], &net.layers[1]];
    let leaves =
        [&first.weight, &first.bias, &second.weight, &second.bias].map(|value| tape.var(value.clone()));
    let z1 = tape.constant(x.clone()).linear(leaves[0], leaves[1]);
    let z2 = z1.tanh().linear(leaves[2], leaves[3]);
    let a2 = match second.activation {
        Activation::Sigmoid => z2.sigmoid(),
        Activation::Softmax => z2.softmax(1),
        _ => z2,
    };
    let loss = loss.of(a2, t.clone());
    Recorded { leaves, z: [z1, z2], loss: loss.value(), gradients: loss.backward_all() }
}

/// Returns "yes" if both agree to fourteen digits of the largest entry.
fn agree(hand: &Tensor, tape: &Tensor) -> String {
    let largest = tape.abs().max();
    let same = hand.shape() == tape.shape() && hand.allclose_within(tape, 0.0, 1e-14 * largest);
    if same { "yes".into() } else { "no".into() }
}

/// All quantities of one backward pass, by hand and from the tape.
fn equations() -> String {
    let rng = &mut StdRng::seed_from_u64(9);
    let net = perceptron([4, 5, 3], Activation::Sigmoid, rng);
    let (x, t) = (random([6, 4], rng), random([6, 3], rng).heaviside(1.0));
    let loss = SquaredError.mean_over_samples().half();
    let Backward { deltas, weights, biases, .. } = net.backward(&net.forward(&x), &t, loss);
    let tape = Tape::new();
    let Recorded { leaves, z, gradients, .. } = record(&tape, &net, &x, &t, loss);
    let rows = [
        ("∂ℓ/∂Z²", "D² = (A² - T) / N ∘ A² ∘ (1 - A²)", &deltas[1], z[1]),
        ("∂ℓ/∂W²", "(D²)ᵀ A¹", &weights[1], leaves[2]),
        ("∂ℓ/∂b²", "column sums of D²", &biases[1], leaves[3]),
        ("∂ℓ/∂Z¹", "D¹ = (D² W²) ∘ (1 - A¹ ∘ A¹)", &deltas[0], z[0]),
        ("∂ℓ/∂W¹", "(D¹)ᵀ X", &weights[0], leaves[0]),
        ("∂ℓ/∂b¹", "column sums of D¹", &biases[0], leaves[1]),
    ];
    let head = ["gradient", "by hand", "shape", "first entry by hand", "on the tape", "equal to 14 digits"];
    table(
        head,
        rows.map(|(name, formula, hand, node)| {
            let taped = gradients.wrt(node);
            let shape: Vec<String> = hand.shape().dims().iter().map(usize::to_string).collect();
            let [by_hand, on_tape] = [hand, &taped].map(|g| format!("{:.8}", g.to_vec()[0]));
            [name.into(), formula.into(), shape.join(" x "), by_hand, on_tape, agree(hand, &taped)]
        }),
    )
}

/// One row: loss, output activation, its delta in formulas, and in how many of 20 networks all gradients agree.
fn loss_row(loss: Loss, name: &str, output: Activation, named: &str, delta: &str) -> [String; 4] {
    let rng = &mut StdRng::seed_from_u64(90);
    let mut agreeing = 0;
    for _ in 0..20 {
        let net = perceptron([4, 5, 3], output, rng);
        let x = random([6, 4], rng);
        let t = match output {
            Activation::Softmax => Tensor::from_fn([6, 3], |at| if at[0] % 3 == at[1] { 1.0 } else { 0.0 }),
            _ => random([6, 3], rng).heaviside(1.0),
        };
        let hand = net.backward(&net.forward(&x), &t, loss);
        let tape = Tape::new();
        let taped = record(&tape, &net, &x, &t, loss);
        let pairs = [
            (&hand.weights[0], taped.leaves[0]),
            (&hand.biases[0], taped.leaves[1]),
            (&hand.weights[1], taped.leaves[2]),
            (&hand.biases[1], taped.leaves[3]),
        ];
        let same = |(hand, leaf): (&Tensor, Var)| {
            let taped = taped.gradients.wrt(leaf);
            hand.allclose_within(&taped, 0.0, 1e-12 * taped.abs().max())
        };
        let close = (hand.loss - taped.loss).abs() <= 1e-12 * taped.loss;
        agreeing += usize::from(close && pairs.into_iter().all(same));
    }
    [name.into(), named.into(), delta.into(), format!("{agreeing} of 20")]
}

fn losses() -> String {
    let sigmoid = Activation::Sigmoid;
    let mean = LossFunction::mean_over_samples;
    let head = ["loss", "output", "∂ℓ/∂Zᴸ", "agree to 12 digits"];
    table(
        head,
        [
            loss_row(
                mean(SquaredError).half(),
                "Σ (A - T)² / (2N)",
                sigmoid,
                "sigmoid",
                "(A - T) / N ∘ A ∘ (1 - A)",
            ),
            loss_row(
                SquaredError.mean(),
                "Σ (A - T)² / (N m)",
                sigmoid,
                "sigmoid",
                "2 (A - T) / (N m) ∘ A ∘ (1 - A)",
            ),
            loss_row(
                SquaredError.mean(),
                "Σ (A - T)² / (N m)",
                Activation::Identity,
                "identity",
                "2 (A - T) / (N m)",
            ),
            loss_row(
                mean(BinaryCrossEntropyWithProbabilities),
                "-Σ (T ln A + (1 - T) ln(1 - A)) / N",
                sigmoid,
                "sigmoid",
                "(A - T) / N",
            ),
            loss_row(
                mean(CrossEntropyWithProbabilities),
                "-Σ T ln A / N",
                Activation::Softmax,
                "softmax",
                "(A - T) / N",
            ),
        ],
    )
}

fn tables() -> Vec<(&'static str, String)> {
    vec![("equations", equations()), ("losses", losses())]
}

/// Values to the right, deltas to the left.
fn figures() -> Vec<(&'static str, String)> {
    let (top, bottom) = (50.0, 150.0);
    let diagram =
        Diagram::new("Values go forward, deltas go backward; a weight gradient joins one of each", 760, 270)
            .arrow((80.0, top), (165.0, top), "W¹, b¹", VALUE)
            .arrow((235.0, top), (325.0, top), "tanh", VALUE)
            .arrow((395.0, top), (485.0, top), "W², b²", VALUE)
            .arrow((555.0, top), (645.0, top), "σ", VALUE)
            .arrow((645.0, bottom), (565.0, bottom), "∘ σ'", GRADIENT)
            .arrow((475.0, bottom), (405.0, bottom), "· W²", GRADIENT)
            .arrow((315.0, bottom), (245.0, bottom), "∘ tanh'", GRADIENT)
            .arrow((680.0, top + 15.0), (680.0, bottom - 15.0), "", GRADIENT)
            .text((722.0, 104.0), "(A² - T) / N", GRADIENT)
            .arrow((388.0, top + 15.0), (430.0, 217.0), "", VALUE)
            .arrow((520.0, bottom + 15.0), (480.0, 217.0), "", GRADIENT)
            .arrow((50.0, top + 15.0), (115.0, 217.0), "", VALUE)
            .arrow((200.0, bottom + 15.0), (150.0, 217.0), "", GRADIENT)
            .boxed((50.0, top), 60.0, &[("X", VALUE)])
            .boxed((200.0, top), 70.0, &[("Z¹", VALUE)])
            .boxed((360.0, top), 70.0, &[("A¹", VALUE)])
            .boxed((520.0, top), 70.0, &[("Z²", VALUE)])
            .boxed((680.0, top), 70.0, &[("A²", VALUE)])
            .boxed((680.0, bottom), 70.0, &[("∂ℓ/∂A²", GRADIENT)])
            .boxed((520.0, bottom), 90.0, &[("D² = ∂ℓ/∂Z²", GRADIENT)])
            .boxed((360.0, bottom), 90.0, &[("∂ℓ/∂A¹", GRADIENT)])
            .boxed((200.0, bottom), 90.0, &[("D¹ = ∂ℓ/∂Z¹", GRADIENT)])
            .boxed((130.0, 232.0), 150.0, &[("∂ℓ/∂W¹ = (D¹)ᵀ X", GRADIENT)])
            .boxed((460.0, 232.0), 150.0, &[("∂ℓ/∂W² = (D²)ᵀ A¹", GRADIENT)]);
    vec![("09-backward.svg", diagram.svg())]
}

fn exercises() -> Vec<Exercise> {
    // One hidden neuron with tanh, one output neuron, one sample.
    let (a1, w2, slope, delta2) = (0.5, 3.0, 0.75, 0.2);
    let delta1 = w2 * delta2 * slope;
    let d = Tensor::from([[0.2, -0.1], [0.4, 0.3]]);
    let a = Tensor::from([[1.0, 2.0], [3.0, -1.0]]);
    let flat = |matrix: &Tensor| {
        let entries = matrix.to_vec();
        [entries[0], entries[1], entries[2], entries[3]]
    };
    let right = flat(&d.transpose().matmul(&a));
    let (n, m, error) = (8.0, 4.0, 0.4);
    vec![
        Exercise {
            number: "9.1",
            right: vec![[delta1, delta2 * a1].into()],
            mistakes: vec![
                Mistake::new(
                    [w2 * delta2, delta2 * a1],
                    "the slope of the activation, 1 - a², is missing in δ¹",
                ),
                Mistake::new(
                    [delta1, delta2 * w2],
                    "∂ℓ/∂w² is δ² times what the weight is multiplied by, a¹",
                ),
                Mistake::new([delta1 / w2, delta2 * a1], "the weight w² is missing in δ¹"),
                Mistake::new([delta1, delta1 * a1], "∂ℓ/∂w² takes the δ of the layer to which w² leads"),
            ],
            hint: "δ¹ = w² δ² (1 - a¹ a¹), and ∂ℓ/∂w² = δ² a¹",
        },
        Exercise {
            number: "9.2",
            right: vec![right.into()],
            mistakes: vec![
                Mistake::new(
                    flat(&d.matmul(&a)),
                    "D is not transposed: this sums over destinations, not over samples",
                ),
                Mistake::new(
                    flat(&a.transpose().matmul(&d)),
                    "that is AᵀD, the transposed gradient: (source, destination)",
                ),
                Mistake::new(
                    right.map(|entry| entry / 2.0),
                    "the factor 1/N is already in D; do not divide again",
                ),
            ],
            hint: "entry (i, j) is the sum over the samples n of D[n, i] A[n, j]",
        },
        Exercise {
            number: "9.3",
            right: vec![(2.0 * error / (n * m)).into()],
            mistakes: vec![
                Mistake::new(error / n, "that is (A - T) / N, for the loss Σ (A - T)² / (2N)"),
                Mistake::new(error / (n * m), "the factor 2 of the square is missing"),
                Mistake::new(2.0 * error / n, "the mean is over all entries: N samples times m outputs"),
                Mistake::new(2.0 * error, "the mean is missing"),
                Mistake::new(2.0 * error / (n * m) / n, "1/N is in the mean already"),
            ],
            hint: "the loss is Σ (A - T)² / (N m), and the output is Z itself",
        },
    ]
}
