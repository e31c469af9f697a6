//! Networks of sigmoid layers: a textbook's 2-2-2 fixture, and 784-32-10 for digits.

use super::{Mistake, Mistakes, Planted, last_row};
use crate::mnist_files;
use gradcheck::trace::{Steps, TraceReport};
use nn::by_hand::{Activation, Layer};
use nn::loss::{Loss, LossFunction};
use nn::trace::{MlpDerivation, Pack};
use nn::{Sigmoid, mlp, trace};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::error::Error;
use std::path::Path;
use tape::{Element, Tensor};

/// A network with its data.
#[derive(Clone, Debug)]
pub struct Network {
    /// The layers.
    pub layers: Vec<Layer>,
    /// `[N, in]`.
    pub x: Tensor,
    /// `[N, out]`.
    pub y: Tensor,
    /// The loss.
    pub loss: Loss,
}

/// The network 2-2-2 of a textbook's listing: one sample, half the squared error.
pub fn fixture() -> Network {
    let layer = |weight: [[f64; 2]; 2], bias: [f64; 2]| Layer {
        weight: weight.into(),
        bias: bias.into(),
        activation: Activation::Sigmoid,
    };
    Network {
        layers: vec![
            layer([[0.1, 0.2], [0.3, -0.4]], [0.05, -0.05]),
            layer([[0.5, -0.6], [0.7, 0.8]], [0.1, -0.1]),
        ],
        x: [[1.0, 2.0]].into(),
        y: [[1.0, 0.0]].into(),
        loss: LossFunction::SquaredError.sum().half(),
    }
}

/// The network 784-32-10 with the first digits of MNIST: the squared error of the outputs, averaged over samples.
///
/// # Errors
/// If the files of the digits cannot be read.
pub fn digits(samples: usize, seed: u64, directory: Option<&Path>) -> Result<Network, Box<dyn Error>> {
    let images = mnist_files::read(directory)?.train.first(samples);
    let model = mlp(&[784, 32, 10], Sigmoid, Sigmoid, &mut StdRng::seed_from_u64(seed));
    Ok(Network {
        layers: trace::layers(&model)?,
        x: images.rows(),
        y: Tensor::one_hot(images.labels(), 10)?,
        loss: LossFunction::SquaredError.mean_over_samples(),
    })
}

/// The network 10-7-13 of [`compute_graph`](super::compute_graph) as layers: 20 samples, the mean squared error.
pub fn compute_graph(seed: u64) -> Network {
    let [x, y, w1, b1, w2, b2] = super::compute_graph::values(seed);
    let layer = |weight, bias| Layer { weight, bias, activation: Activation::Sigmoid };
    Network { layers: vec![layer(w1, b1), layer(w2, b2)], x, y, loss: LossFunction::SquaredError.mean() }
}

impl Network {
    /// The trace in `f64`, or in `f32` with the parameters and data rounded.
    ///
    /// # Errors
    /// As [`trace::mlp`].
    pub fn trace<T: Element>(
        &self,
        pack: &Pack,
        mistake: Option<Mistake>,
    ) -> Result<TraceReport, trace::Error> {
        let layers: Vec<Layer<T>> = self
            .layers
            .iter()
            .map(|l| Layer { weight: l.weight.cast(), bias: l.bias.cast(), activation: l.activation })
            .collect();
        trace::of(pack, &layers, &self.x.cast(), &self.y.cast(), self.loss, |right| Planted {
            right,
            mistake,
        })
    }

    /// The mistakes of [`mistakes`](super::mistakes) that change something here.
    pub fn mistakes(&self, pack: &Pack) -> Vec<Mistake> {
        let outputs = self.layers.last().map_or(0, |layer| layer.bias.size());
        let alike = self.layers.windows(2).all(|pair| pair[0].weight.shape() == pair[1].weight.shape());
        let samples = self.x.shape().first().copied().unwrap_or(0);
        super::mistakes::of_networks(pack, samples, outputs, alike)
    }
}

/// In the notation with one sample per row.
impl Mistakes for MlpDerivation {
    fn wrong<T: Element>(&self, mistake: &str, d: &Steps<T>, right: Tensor<T>) -> Tensor<T> {
        let (one, two) = (T::ONE, T::from_f64(2.0));
        let x = d.value(&self.activation_name(0));
        let [z1, z2] = [1, 2].map(|l| self.preactivation(l));
        let [a1, a2] = [1, 2].map(|l| d.value(&self.activation_name(l)));
        let samples = T::from_usize(x.shape()[0]);
        let slope = |a: &Tensor<T>| a.map_elements(|a| a * (one - a));
        let tanh_slope = |a: &Tensor<T>| a.map_elements(|a| one - a * a);
        // The gradients of later layers, which are there when an earlier one is derived.
        let d2 = || d.gradient(&z2);
        let d1 = || d.gradient(&z1);
        let by_output = || d.gradient(&self.activation_name(2));
        let w2 = || d.value(&self.weight(2));
        match mistake {
            "loss-sum" | "w2-sum" | "w1-sum" | "b1-sum" | "d2-sum" | "d1-sum" | "b2-sum" => right * samples,
            "loss-mean-twice" | "w2-mean-twice" | "w1-mean-twice" | "d1-mean-twice" => right / samples,
            "loss-sign" | "d1-sign" | "w2-sign" | "b1-sign" => -right,
            "loss-two" | "w1-two" | "d2-two" => right * two,
            "loss-half" | "w2-half" | "b2-half" => right / two,
            "bessel" => right * (samples / (samples - one)),
            "d2-upstream" => slope(&a2),
            "d2-linear" => by_output(),
            "d2-tanh" => by_output() * tanh_slope(&a2),
            "d2-input" => by_output() * slope(&d.value(&z2)),
            "w2-transposed" | "w1-transposed" => right.transpose(),
            "w2-layer" => d2().transpose().matmul(&x),
            "w2-last" => last_row(&d2()).transpose().matmul(&last_row(&a1)),
            "w1-last" => last_row(&d1()).transpose().matmul(&last_row(&x)),
            "b2-not-summed" => d2(),
            "b1-not-summed" => d1(),
            "b2-mean" | "b1-mean" => right / samples,
            "b2-last" => last_row(&d2()).reshape([a2.shape()[1]]),
            "b1-last" => last_row(&d1()).reshape([a1.shape()[1]]),
            "d1-updated" => {
                let updated = w2() - d.gradient(&self.weight(2)) * T::from_f64(0.25);
                d2().matmul(&updated) * slope(&a1)
            }
            "d1-not-transposed" => d2().matmul(&w2().transpose()) * slope(&a1),
            "d1-linear" => d2().matmul(&w2()),
            "d1-tanh" => d2().matmul(&w2()) * tanh_slope(&a1),
            "d1-input" => d2().matmul(&w2()) * slope(&d.value(&z1)),
            "d1-upstream" => slope(&a1),
            "d1-weights-alone" => Tensor::ones(d2().shape()).matmul(&w2()) * slope(&a1),
            "d1-loss-gradient" => by_output().matmul(&w2()) * slope(&a1),
            "d1-own-weights" => d2().matmul(&d.value(&self.weight(1))) * slope(&a1),
            "d1-last-only" => {
                // The first rows of the batch are lost.
                let n = a1.shape()[0];
                Tensor::from_fn(right.shape(), |i| {
                    if i[0] + 1 == n { right.get(i).unwrap_or(T::ZERO) } else { T::ZERO }
                })
            }
            "w1-layer" => d1().transpose().matmul(&a1),
            "w1-output" => d1().transpose().matmul(&a2),
            "w1-next-delta" => d2().transpose().matmul(&x),
            "x-layer" => d1().matmul(&w2()),
            "x-transposed" => d1().matmul(&d.value(&self.weight(1)).transpose()),
            _ => right,
        }
    }
}
