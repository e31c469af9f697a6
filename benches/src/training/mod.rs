//! Training steps of small and large networks: as a task, by hand, and recorded.
//!
//! A [`Task`] is data: the network, its initial parameters, one batch. A [`Trainer`] does training steps of a
//! task. Weights are row-major `[out, in]` everywhere, so gradients compare element by element.

mod blocked;
mod by_hand;
mod lenet;
mod modules;
mod plain;
mod recorded;
mod replayed;
mod sharded;

pub use crate::lanes::Activation;
pub use blocked::{BlockedW1, BlockedW2};
pub use by_hand::{ByHand, Products};
pub use lenet::LeNet;
pub use modules::Modules;
pub use plain::PlainLoops;
pub use recorded::Recorded;
pub use replayed::{Replayed, ReplayedModules};
pub use sharded::Sharded;

use crate::numbers::Numbers;
use tape::Element;

/// The loss to minimise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// `Σ (o - y)² / divisor`.
    Squares {
        /// The divisor of the sum.
        divisor: f32,
    },
    /// The mean of all outputs.
    MeanOutput,
    /// The mean over the batch of the cross-entropy of the softmax.
    CrossEntropy,
}

/// How parameters are updated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// `p -= rate · g`.
    Sgd {
        /// The learning rate.
        rate: f32,
    },
    /// `v = momentum · v + g`, `p -= rate · v`.
    Momentum {
        /// The learning rate.
        rate: f32,
        /// The fraction of the last step that is kept.
        momentum: f32,
    },
    /// Adam with (0.9, 0.999, 1e-8) and bias correction.
    Adam {
        /// The learning rate.
        rate: f32,
    },
}

/// A dense layer of a task.
#[derive(Clone, Debug)]
pub struct Dense {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// The activation after the affine map.
    pub activation: Activation,
    /// Row-major `[outputs, inputs]`.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// Extent of the kernels of a convolution.
pub(crate) const KERNEL: usize = 5;

/// A convolution of a task: kernels of 5 x 5 without padding, relu, the maximum over 2 x 2.
#[derive(Clone, Debug)]
pub struct Convolution {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the result.
    pub outputs: usize,
    /// Height and width of the input; the convolution leaves 4 less, the maximum half of that.
    pub size: usize,
    /// Row-major `[outputs, inputs, 5, 5]`.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

impl Convolution {
    fn new(inputs: usize, outputs: usize, size: usize, numbers: &mut Numbers) -> Convolution {
        let fan_in = inputs * KERNEL * KERNEL;
        let bound = 1.0 / (fan_in as f64).sqrt();
        let weights = numbers.singles(outputs * fan_in, -bound, bound);
        Convolution { inputs, outputs, size, weights, bias: numbers.singles(outputs, -bound, bound) }
    }

    /// Height and width before the maximum is taken.
    fn out(&self) -> usize {
        self.size - KERNEL + 1
    }

    /// Floating-point operations of its matrix product, forward.
    fn flops(&self, batch: usize) -> f64 {
        2.0 * (batch * self.out() * self.out() * self.weights.len()) as f64
    }
}

/// A network, a batch, a loss and an update rule.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name in the table.
    pub name: &'static str,
    /// Rows of a batch.
    pub batch: usize,
    /// The convolutions before the dense layers, from input to output; mostly none.
    pub convolutions: Vec<Convolution>,
    /// From input to output.
    pub layers: Vec<Dense>,
    /// The loss to minimise.
    pub loss: Loss,
    /// How parameters are updated.
    pub rule: Rule,
    /// Inputs, row-major `[batch, in]`, or images `[batch, 1, size, size]`.
    pub x: Vec<f32>,
    /// Targets, row-major `[batch, out]`; for classes a 1 at the label.
    pub y: Vec<f32>,
}

/// A way to do training steps of a task.
pub trait Trainer {
    /// Forward, backward and update.
    fn step(&mut self);
    /// The gradients at the present parameters: w1, b1, w2, b2, ...
    fn gradients(&mut self) -> Vec<Vec<f32>>;
}

/// Trainers by name.
pub type Trainers = Vec<(&'static str, Box<dyn Trainer>)>;

impl Task {
    fn new(
        name: &'static str,
        batch: usize,
        widths: &[usize],
        activations: &[Activation],
        loss: Loss,
        rule: Rule,
    ) -> Task {
        let mut numbers = Numbers::new(1);
        let dense = |(pair, &activation): (&[usize], &Activation)| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let bound = 1.0 / (inputs as f64).sqrt();
            let weights = numbers.singles(inputs * outputs, -bound, bound);
            let bias = numbers.singles(outputs, -bound, bound);
            Dense { inputs, outputs, activation, weights, bias }
        };
        let layers: Vec<Dense> = widths.windows(2).zip(activations).map(dense).collect();
        let (first, last) = (widths[0], widths[widths.len() - 1]);
        let x = numbers.singles(batch * first, 0.0, 1.0);
        let y = match loss {
            Loss::CrossEntropy => {
                let mut y = vec![0.0; batch * last];
                y.chunks_exact_mut(last).for_each(|row| row[numbers.below(last)] = 1.0);
                y
            }
            _ => numbers.singles(batch * last, 0.0, 1.0),
        };
        Task { name, batch, convolutions: Vec::new(), layers, loss, rule, x, y }
    }

    /// Tiny: 10-3-2, sigmoid, batch 8, squared error.
    pub fn w1() -> Task {
        let rule = Rule::Sgd { rate: 0.3 };
        let loss = Loss::Squares { divisor: 8.0 };
        Task::new("W1 10-3-2, batch 8", 8, &[10, 3, 2], &[Activation::Sigmoid; 2], loss, rule)
    }

    /// Demand: 3-10-5-1, full batch of 1000, momentum.
    pub fn w2() -> Task {
        let rule = Rule::Momentum { rate: 0.2, momentum: 0.9 };
        let loss = Loss::Squares { divisor: 1000.0 };
        let activations = [Activation::Sigmoid, Activation::Sigmoid, Activation::Linear];
        Task::new("W2 3-10-5-1, batch 1000", 1000, &[3, 10, 5, 1], &activations, loss, rule)
    }

    /// Digits, small: 784-32-10, sigmoid, batch 256.
    pub fn w3() -> Task {
        let rule = Rule::Sgd { rate: 0.5 };
        let loss = Loss::Squares { divisor: 2560.0 };
        Task::new("W3 784-32-10, batch 256", 256, &[784, 32, 10], &[Activation::Sigmoid; 2], loss, rule)
    }

    /// Digits, bigger: 784-512-512-10, relu, batch 128, cross-entropy, Adam. Narrower if `small`.
    pub fn w4(small: bool) -> Task {
        let width = if small { 32 } else { 512 };
        let activations = [Activation::Relu, Activation::Relu, Activation::Linear];
        let rule = Rule::Adam { rate: 1e-3 };
        let widths = [784, width, width, 10];
        Task::new("W4 784-512-512-10, batch 128", 128, &widths, &activations, Loss::CrossEntropy, rule)
    }

    /// Bound by matrix products: three layers of 1024, tanh, batch 512. Narrower if `small`.
    pub fn w5(small: bool) -> Task {
        let (batch, width) = if small { (32, 64) } else { (512, 1024) };
        let rule = Rule::Sgd { rate: 0.01 };
        let widths = [width; 4];
        let activations = [Activation::Tanh; 3];
        Task::new("W5 3 x 1024, batch 512", batch, &widths, &activations, Loss::MeanOutput, rule)
    }

    /// Images: two convolutions, then 256-120-84-10, relu, cross-entropy. Fewer images if `small`.
    pub fn w6(small: bool) -> Task {
        let batch = if small { 8 } else { 64 };
        let mut numbers = Numbers::new(7);
        let convolutions =
            vec![Convolution::new(1, 6, 28, &mut numbers), Convolution::new(6, 16, 12, &mut numbers)];
        let activations = [Activation::Relu, Activation::Relu, Activation::Linear];
        let (widths, rule) = ([256, 120, 84, 10], Rule::Sgd { rate: 0.01 });
        let task = Task::new("W6 LeNet, batch 64", batch, &widths, &activations, Loss::CrossEntropy, rule);
        Task { convolutions, x: numbers.singles(batch * 28 * 28, 0.0, 1.0), ..task }
    }

    /// All tasks; the large ones smaller if `small`.
    pub fn all(small: bool) -> [Task; 6] {
        [Task::w1(), Task::w2(), Task::w3(), Task::w4(small), Task::w5(small), Task::w6(small)]
    }

    /// The shape of `x`.
    pub fn input_shape(&self) -> Vec<usize> {
        match self.convolutions.first() {
            Some(first) => vec![self.batch, first.inputs, first.size, first.size],
            None => vec![self.batch, self.layers[0].inputs],
        }
    }

    /// The hand-written steps, by name; gradients are compared with the first one.
    pub fn by_hand(&self) -> Trainers {
        if !self.convolutions.is_empty() {
            return vec![("by hand", Box::new(LeNet::new(self)))];
        }
        let mut trainers: Trainers = vec![("by hand", Box::new(ByHand::new(self)))];
        match &self.name[..2] {
            "W1" => {
                trainers.push((PLAIN_LOOPS, Box::new(PlainLoops::new(self))));
                trainers.push(("by hand, blocked", Box::new(BlockedW1::new(self))));
            }
            "W2" => trainers.push(("by hand, blocked", Box::new(BlockedW2::new(self)))),
            _ => {}
        }
        trainers
    }

    /// Floating-point operations of the matrix products of one step.
    pub fn product_flops(&self) -> f64 {
        let dense = |layer: &Dense| 2.0 * (self.batch * layer.inputs * layer.outputs) as f64;
        let convolutions = self.convolutions.iter().map(|convolution| convolution.flops(self.batch));
        let forward: Vec<f64> = convolutions.chain(self.layers.iter().map(dense)).collect();
        // The cotangent of the input is not needed.
        3.0 * forward.iter().sum::<f64>() - forward[0]
    }
}

/// The name of the hand-written step without explicit vectors.
pub const PLAIN_LOOPS: &str = "by hand, plain loops";

/// The largest of some distances, 0 if there are none; a NaN is larger than any.
fn worst(distances: impl Iterator<Item = f64>) -> f64 {
    distances.max_by(f64::total_cmp).unwrap_or(0.0)
}

/// The largest difference between two sets of gradients, relative to the largest element of each tensor; NaN
/// if a gradient of `a` contains one.
///
/// # Panics
/// If their sizes differ.
pub fn difference<T: Element>(a: &[Vec<T>], b: &[Vec<T>]) -> f64 {
    assert_eq!(a.len(), b.len(), "the numbers of gradients differ");
    let tensor = |(a, b): (&Vec<T>, &Vec<T>)| {
        assert_eq!(a.len(), b.len(), "the sizes of a gradient differ");
        let largest = b.iter().fold(0f64, |max, b| max.max(b.to_f64().abs()));
        let apart = worst(a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).abs()));
        if apart == 0.0 { 0.0 } else { apart / largest }
    };
    worst(a.iter().zip(b).map(tensor))
}
