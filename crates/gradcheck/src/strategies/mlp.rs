//! Random multilayer perceptrons, as plain data.

use super::graph::sixteenths;
use super::values::numerators;
use proptest::prelude::{Strategy, any};
use proptest::{collection, sample};
use tape::Tensor;

/// The activation function of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the function of its name in `tape::ops`")]
pub enum Activation {
    Identity,
    Relu,
    Tanh,
    Sigmoid,
    Softplus,
    Gelu,
}

impl Activation {
    /// Every variant.
    pub const ALL: [Activation; 6] = [
        Activation::Identity,
        Activation::Relu,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Softplus,
        Activation::Gelu,
    ];
}

/// A loss of `B` samples with `n` outputs each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MlpLoss {
    /// `½ Σ (a - y)²`.
    HalfSse,
    /// `Σ (a - y)² / (B n)`.
    Mse,
    /// `-Σ y ln softmax(a) / B`, for targets that are 1 for one class and 0 for the others.
    SoftmaxCrossEntropy,
    /// `Σ (ln(1 + eᵃ) - y a) / B`, for targets 0 and 1.
    BceWithLogits,
}

impl MlpLoss {
    /// Every variant.
    pub const ALL: [MlpLoss; 4] =
        [MlpLoss::HalfSse, MlpLoss::Mse, MlpLoss::SoftmaxCrossEntropy, MlpLoss::BceWithLogits];
}

/// One layer: `s(x Wᵀ + b)`, to which the input may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayerSpec {
    /// The number of outputs.
    pub width: usize,
    /// The function `s`.
    pub activation: Activation,
    /// `true` if there is a `b`.
    pub bias: bool,
    /// `true` if the layer shares weights and bias with the previous layer, provided that they have the same
    /// shape.
    pub tied: bool,
    /// `true` if the input is added to the result, provided that it is as wide.
    pub skip: bool,
}

/// A network with a batch of data: see [`mlps`].
#[derive(Clone, Debug, PartialEq)]
pub struct MlpSpec {
    /// The number of inputs.
    pub inputs: usize,
    /// The number of samples.
    pub batch: usize,
    /// The layers, one or more.
    pub layers: Vec<LayerSpec>,
    /// The loss.
    pub loss: MlpLoss,
    /// The numerators that fill data and parameters.
    pub numbers: Vec<i8>,
}

impl MlpSpec {
    /// Returns the number of inputs of layer `k`; with `k` the number of layers, that of outputs of the network.
    pub fn width(&self, k: usize) -> usize {
        k.checked_sub(1).map_or(self.inputs, |before| self.layers[before].width)
    }

    /// Returns the layer whose parameters layer `k` uses: itself, or an earlier one if it is tied.
    ///
    /// ```
    /// use gradcheck::strategies::{Activation, LayerSpec, MlpLoss, MlpSpec};
    /// let layer = LayerSpec { width: 2, activation: Activation::Tanh, bias: true, tied: true, skip: true };
    /// let layers = vec![layer; 3];
    /// let spec = MlpSpec { inputs: 3, batch: 1, layers, loss: MlpLoss::Mse, numbers: vec![16, -8] };
    /// assert_eq!([0, 1, 2].map(|k| spec.owner(k)), [0, 1, 1]);
    /// assert_eq!([0, 1, 2].map(|k| spec.skips(k)), [false, true, true]);
    /// assert_eq!(spec.weight(0).shape(), [2, 3]);
    /// ```
    pub fn owner(&self, k: usize) -> usize {
        let alike = k > 0
            && self.layers[k].tied
            && self.width(k) == self.width(k - 1)
            && self.width(k + 1) == self.width(k)
            && self.layers[k].bias == self.layers[k - 1].bias;
        if alike { self.owner(k - 1) } else { k }
    }

    /// Returns `true` if the input of layer `k` is added to its result.
    pub fn skips(&self, k: usize) -> bool {
        self.layers[k].skip && self.width(k) == self.width(k + 1)
    }

    /// Returns sixteenths, from another offset in the list for every `stream`.
    fn fill(&self, stream: usize, shape: [usize; 2]) -> Tensor {
        let mut numbers = self.numbers.clone();
        let count = numbers.len().max(1);
        numbers.rotate_left((7 * stream) % count);
        sixteenths(shape, &numbers)
    }

    /// Returns the weights of layer `k`, `[outputs, inputs]`: sixteenths times a power of two that is about the root of the
    /// number of inputs.
    pub fn weight(&self, k: usize) -> Tensor {
        let inputs = self.width(k);
        let scale = [1.0, 1.0, 0.5, 0.5, 0.5, 0.5].get(inputs).copied().unwrap_or(0.25);
        self.fill(2 * k + 2, [self.width(k + 1), inputs]) * scale
    }

    /// Returns the biases of layer `k`, if it has any.
    pub fn bias(&self, k: usize) -> Option<Tensor> {
        let width = self.width(k + 1);
        self.layers[k].bias.then(|| self.fill(2 * k + 3, [1, width]).reshape([width]))
    }

    /// Returns the data, `[samples, inputs]`.
    pub fn input(&self) -> Tensor {
        self.fill(0, [self.batch, self.inputs])
    }

    /// Returns the targets, in the form that the loss expects.
    pub fn target(&self) -> Tensor {
        let outputs = self.width(self.layers.len());
        let drawn = self.fill(1, [self.batch, outputs]);
        match self.loss {
            MlpLoss::HalfSse | MlpLoss::Mse => drawn,
            MlpLoss::BceWithLogits => drawn.map_elements(|x| if x > 0.0 { 1.0 } else { 0.0 }),
            MlpLoss::SoftmaxCrossEntropy => Tensor::from_fn(drawn.shape(), |at| {
                let class = drawn.get([at[0], 0]).map_or(0, |x| (x * 16.0).abs() as usize) % outputs;
                if at[1] == class { 1.0 } else { 0.0 }
            }),
        }
    }
}

/// Draws networks of 1 to 5 layers, 1 to 7 wide, with batches of 1 to 4: every activation and loss, with and
/// without biases, tied weights and skip connections.
///
/// ```
/// use proptest::prelude::*;
/// use tape::Tape;
/// use gradcheck::strategies::mlps;
/// proptest!(|(spec in mlps())| {
///     let tape = Tape::new();
///     let first = tape.var(spec.weight(0));
///     let z = tape.constant(spec.input()).matmul(first.transpose());
///     // The gradient of a sum of outputs has equal rows.
///     let rows = z.sum().backward().wrt(first);
///     prop_assert_eq!(rows.slice(0, 0..1).broadcast_to(rows.shape()), rows);
/// });
/// ```
pub fn mlps() -> impl Strategy<Value = MlpSpec> + Clone {
    let activation = sample::select(&Activation::ALL[..]);
    let layer = (1..=7_usize, activation, any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(width, activation, bias, tied, skip)| LayerSpec { width, activation, bias, tied, skip });
    let layers = collection::vec(layer, 1..=5);
    (1..=7_usize, 1..=4_usize, layers, sample::select(&MlpLoss::ALL[..]), numerators(61)).prop_map(
        |(inputs, batch, layers, loss, numbers)| {
            let layers = fitting(inputs, layers);
            MlpSpec { inputs, batch, layers, loss, numbers }
        },
    )
}

/// Makes layers that skip or are tied as wide as their input, and gives tied layers a bias if the previous
/// layer has one.
fn fitting(inputs: usize, mut layers: Vec<LayerSpec>) -> Vec<LayerSpec> {
    let (mut width, mut bias) = (inputs, None);
    for layer in &mut layers {
        if layer.tied || layer.skip {
            layer.width = width;
        }
        if layer.tied {
            layer.bias = bias.unwrap_or(layer.bias);
        }
        (width, bias) = (layer.width, Some(layer.bias));
    }
    layers
}
