//! Random networks with data, drawn so that derivatives exist and are moderate.

use nn::by_hand::{Activation, Layer, Mlp};
use nn::loss::{Loss, LossFunction};
use nn::{Context, Module, Sequential};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::{Tape, Tensor};

/// How far a network stays away from kinks, and probabilities from 0 and 1.
const MARGIN: f64 = 1e-3;

/// The losses of the literature: every row of the table of `nn::loss`.
pub const LOSSES: [Loss; 12] = [
    LossFunction::SquaredError.sum().half(),
    LossFunction::SquaredError.sum(),
    LossFunction::SquaredError.mean_over_samples(),
    LossFunction::SquaredError.mean_over_samples().half(),
    LossFunction::SquaredError.mean(),
    LossFunction::AbsoluteError.sum(),
    LossFunction::AbsoluteError.mean_over_samples(),
    LossFunction::BinaryCrossEntropyWithProbabilities.mean_over_samples(),
    LossFunction::BinaryCrossEntropyWithProbabilities.mean(),
    LossFunction::CrossEntropyWithProbabilities.mean(),
    LossFunction::BinaryCrossEntropyWithLogits.mean_over_samples(),
    LossFunction::CrossEntropyWithLogits.mean(),
];

/// Every activation a hidden layer may have.
pub const HIDDEN: [Activation; 7] = [
    Activation::Identity,
    Activation::Sigmoid,
    Activation::SigmoidScaled { slope: 2.0, offset: 0.0 },
    Activation::SigmoidScaled { slope: 1.7, offset: -0.4 },
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.1 },
];

/// Every activation of the last layer with every loss it can be trained by.
pub fn pairs() -> Vec<(Activation, Loss)> {
    let mut pairs = Vec::new();
    for output in HIDDEN.into_iter().chain([Activation::Softmax]) {
        pairs.extend(LOSSES[..7].iter().map(|&loss| (output, loss)));
        match output {
            Activation::Sigmoid | Activation::SigmoidScaled { .. } => {
                pairs.extend([
                    (output, LossFunction::BinaryCrossEntropyWithProbabilities.mean_over_samples()),
                    (output, LossFunction::BinaryCrossEntropyWithProbabilities.mean()),
                ]);
            }
            Activation::Softmax => pairs.push((output, LossFunction::CrossEntropyWithProbabilities.mean())),
            Activation::Identity => {
                pairs.extend([
                    (output, LossFunction::BinaryCrossEntropyWithLogits.mean_over_samples()),
                    (output, LossFunction::CrossEntropyWithLogits.mean()),
                ]);
            }
            _ => {}
        }
    }
    pairs
}

/// A network with a batch of inputs and targets.
#[derive(Clone, Debug)]
pub struct Case {
    /// The network.
    pub net: Mlp,
    /// `[N, inputs]`.
    pub x: Tensor,
    /// `[N, outputs]`.
    pub y: Tensor,
    /// The loss, which compares the output with the targets.
    pub loss: Loss,
}

/// Independent numbers from U(±`bound`).
pub fn uniform(shape: impl Into<tape::Shape>, bound: f64, rng: &mut StdRng) -> Tensor {
    Tensor::from_fn(shape, |_| rng.random_range(-bound..bound))
}

impl Case {
    /// Draws weights and data until nothing is near a kink or saturated.
    pub fn draw(widths: &[usize], samples: usize, activations: &[Activation], loss: Loss, seed: u64) -> Case {
        let mut rng = StdRng::seed_from_u64(seed);
        loop {
            let layer = |(size, &activation): (&[usize], &Activation)| Layer {
                weight: uniform([size[1], size[0]], 1.5 / (size[0] as f64).sqrt(), &mut rng),
                bias: uniform([size[1]], 0.5, &mut rng),
                activation,
            };
            let net = Mlp { layers: widths.windows(2).zip(activations).map(layer).collect() };
            let x = uniform([samples, widths[0]], 1.0, &mut rng);
            let y = targets(loss, [samples, widths[widths.len() - 1]], &mut rng);
            let case = Case { net, x, y, loss };
            if case.is_smooth() {
                return case;
            }
        }
    }

    fn is_smooth(&self) -> bool {
        let forward = self.net.forward(&self.x);
        let far = |x: &Tensor| x.to_vec().iter().all(|x| x.abs() > MARGIN);
        let kinks = self.net.layers.iter().zip(&forward.z).all(|(layer, z)| match layer.activation {
            Activation::Relu | Activation::LeakyRelu { .. } => far(z),
            _ => true,
        });
        let a = forward.output();
        kinks
            && match self.loss.function {
                LossFunction::AbsoluteError => far(&(a - &self.y)),
                LossFunction::BinaryCrossEntropyWithProbabilities => far(a) && far(&(1.0 - a)),
                LossFunction::CrossEntropyWithProbabilities => far(a),
                _ => true,
            }
    }

    /// The same network as modules.
    pub fn model(&self) -> Sequential {
        Sequential::from(&self.net)
    }

    /// The loss as the engine computes it.
    pub fn value(&self, model: &Sequential, x: &Tensor) -> f64 {
        let tape = Tape::new().inference();
        let a = model.forward(tape.constant(x.clone()), &mut Context::eval());
        self.loss.of(a, &self.y).value()
    }
}

/// Targets: bits for binary losses, distributions for categorical ones, anything for distances.
pub fn targets(loss: Loss, shape: [usize; 2], rng: &mut StdRng) -> Tensor {
    match loss.function {
        LossFunction::BinaryCrossEntropyWithProbabilities | LossFunction::BinaryCrossEntropyWithLogits => {
            Tensor::from_fn(shape, |_| f64::from(rng.random_bool(0.5)))
        }
        LossFunction::CrossEntropyWithProbabilities | LossFunction::CrossEntropyWithLogits => {
            let weights = Tensor::from_fn(shape, |_| rng.random_range(0.0..1.0));
            &weights / &weights.sum_axes(1, true)
        }
        _ => uniform(shape, 1.0, rng),
    }
}

/// Any network of up to five layers.
pub fn any_case() -> impl Strategy<Value = Case> {
    let pairs = pairs();
    let structure = (
        proptest::collection::vec(1usize..=8, 2..=6),
        1usize..=8,
        proptest::collection::vec(0..HIDDEN.len(), 5),
        0..pairs.len(),
        any::<u64>(),
    );
    structure.prop_map(move |(widths, samples, hidden, pair, seed)| {
        let (output, loss) = pairs[pair];
        let mut activations: Vec<Activation> = hidden.iter().map(|&i| HIDDEN[i]).collect();
        activations.truncate(widths.len() - 2);
        activations.push(output);
        Case::draw(&widths, samples, &activations, loss, seed)
    })
}
