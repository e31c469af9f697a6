//! The parity of the numbers 0 to 1023 from their ten bits, learned by a 10-3-2 network: data and training.

use crate::legacy_random::LegacyRandom;
use nn::data::copy_rows;
use nn::metrics::{accuracy, argmax_rows};
use nn::optim::{Optimizer, Sgd};
use nn::{Linear, Module, Parameters, Sequential, Sigmoid, loss};
use tape::{Error, Tape, Tensor};

/// Bits of a number; the last one is the least significant.
pub const BITS: usize = 10;
/// Hidden units.
pub const HIDDEN: usize = 3;
/// The numbers below are for training, the others for testing.
pub const TRAIN: usize = 700;
/// Numbers in a mini-batch; the last one of an epoch takes the remainder, too.
pub const BATCH: usize = 8;
/// η.
pub const LEARNING_RATE: f64 = 0.3;

/// Numbers as bits, `[n, 10]`, most significant first, and their class: 1 for even, 0 for odd.
pub struct Numbers {
    /// The bits.
    pub x: Tensor,
    /// The classes as distributions: even `[0, 1]`, odd `[1, 0]`.
    pub y: Tensor,
    /// The classes.
    pub labels: Vec<usize>,
}

impl Numbers {
    /// The numbers of a range, in order.
    ///
    /// # Errors
    /// None; the classes are 0 and 1.
    pub fn new(range: std::ops::Range<usize>) -> Result<Numbers, Error> {
        let start = range.start;
        let labels: Vec<usize> = range.map(|e| usize::from(e % 2 == 0)).collect();
        let bit = |at: &[usize]| ((start + at[0]) >> (BITS - 1 - at[1]) & 1) as f64;
        Ok(Numbers {
            x: Tensor::from_fn([labels.len(), BITS], bit),
            y: Tensor::one_hot(&labels[..], 2)?,
            labels,
        })
    }
}

/// The network: 10-3-2 with sigmoids, all weights and biases standard normal, drawn layer by layer, weights first.
pub fn network(random: &mut LegacyRandom) -> Sequential {
    let mut layer = |inputs: usize, outputs: usize| {
        let weight: Tensor = Tensor::from_fn([outputs, inputs], |_| random.normal());
        let bias: Tensor = Tensor::from_fn([outputs], |_| random.normal());
        Linear::from_values(weight, bias)
    };
    let (hidden, output) = (layer(BITS, HIDDEN), layer(HIDDEN, 2));
    Sequential::new().push(hidden).push(Sigmoid).push(output).push(Sigmoid)
}

/// The divisor of the sum over a mini-batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divisor {
    /// The number of its samples: the mean.
    Samples,
    /// The nominal size, [`BATCH`], also for the last batch, which is larger, as in the published program.
    /// The last batch of 12 then counts one and a half times.
    Nominal,
}

/// Training, one epoch at a time.
pub struct Training {
    /// The current network.
    pub model: Sequential,
    random: LegacyRandom,
    optimizer: Sgd,
    divisor: Divisor,
    data: Numbers,
    tape: Tape,
    /// The inputs of one batch.
    x: Tensor,
    y: Tensor,
}

impl Training {
    /// Starts from a seed of the legacy generator: first the parameters, then the orders of the epochs.
    ///
    /// # Errors
    /// As [`Numbers::new`].
    pub fn new(seed: u32, divisor: Divisor) -> Result<Training, Error> {
        let mut random = LegacyRandom::new(seed);
        Ok(Training {
            model: network(&mut random),
            random,
            optimizer: Sgd::new(LEARNING_RATE),
            divisor,
            data: Numbers::new(0..TRAIN)?,
            tape: Tape::new(),
            x: Tensor::default(),
            y: Tensor::default(),
        })
    }

    /// One pass over the training numbers. Returns the mean of the batches' errors, each computed before its
    /// step.
    ///
    /// # Errors
    /// None; the indices are those of the data.
    pub fn epoch(&mut self) -> Result<f64, Error> {
        let mut order: Vec<usize> = (0..TRAIN).collect();
        self.random.shuffle(&mut order);
        let count = TRAIN / BATCH;
        let mut sum = 0.0;
        for i in 0..count {
            let end = if i + 1 == count { TRAIN } else { (i + 1) * BATCH };
            let rows = &order[i * BATCH..end];
            copy_rows(&self.data.x, rows, &mut self.x)?;
            copy_rows(&self.data.y, rows, &mut self.y)?;
            let output = self.model.forward(self.tape.constant(self.x.clone()), &mut nn::Context::eval());
            let error = match self.divisor {
                Divisor::Samples => loss::squared_error(output, &self.y).mean_over_samples(),
                Divisor::Nominal => loss::squared_error(output, &self.y).sum() / BATCH as f64,
            };
            sum += error.value();
            let grads = error.backward();
            self.tape.reset();
            self.optimizer.step(&mut self.model, &grads);
        }
        Ok(sum / count as f64)
    }

    /// The fraction of numbers whose parity the network predicts: its largest output, the first of equal
    /// ones.
    ///
    /// # Errors
    /// If there are no numbers.
    pub fn accuracy(&self, numbers: &Numbers) -> Result<f64, Error> {
        accuracy(&argmax_rows(&self.model.predict(&numbers.x))?, &numbers.labels)
    }

    /// The weights of the hidden layer, `[3, 10]`, and of the output layer, `[2, 3]`.
    pub fn weights(&self) -> [Tensor; 2] {
        let named = self.model.named_parameters();
        [named[0].1.value().clone(), named[2].1.value().clone()]
    }
}

/// The norm of each column of a matrix: the influence of each input on the layer.
pub fn column_norms(weight: &Tensor) -> Vec<f64> {
    (weight * weight).sum_axes(0, false).sqrt().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_bits_with_the_least_significant_last() {
        let numbers = Numbers::new(700..1024).unwrap();
        assert_eq!((numbers.x.shape().dims(), numbers.labels.len()), (vec![324, 10], 324));
        let row = |i: usize| numbers.x.to_vec()[i * BITS..(i + 1) * BITS].to_vec();
        assert_eq!(row(0), [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!((numbers.labels[0], numbers.labels[1]), (1, 0));
        assert_eq!(numbers.y.to_vec()[..4], [0.0, 1.0, 1.0, 0.0]);
    }
}
