//! A deep network, with and without checkpoints: memory for time.

use crate::numbers::Numbers;
use tape::{Scalar, Tape, Tensor, Var};

/// Layers of one width, `tanh` after each.
#[derive(Clone, Debug)]
pub struct Deep {
    x: Tensor<f32>,
    /// Weights and bias of each layer.
    layers: Vec<[Tensor<f32>; 2]>,
}

impl Deep {
    /// `depth` layers of `width` for a batch of `width` rows.
    pub fn new(depth: usize, width: usize) -> Deep {
        let mut numbers = Numbers::new(8);
        let bound = 2.0 / (width as f64).sqrt();
        let mut tensor = |shape: &[usize]| {
            let data = numbers.singles(shape.iter().product(), -bound, bound);
            Tensor::from_slice(shape, &data).expect("a shape fits its elements")
        };
        let layers = (0..depth).map(|_| [tensor(&[width, width]), tensor(&[width])]);
        Deep { layers: layers.collect(), x: tensor(&[width, width]) }
    }

    /// Records the network and its mean, with a checkpoint for every `segment` layers, or none if `segment`
    /// is 0.
    pub fn record<'t>(&self, tape: &'t Tape<f32>, segment: usize) -> (Vec<Var<'t, f32>>, Scalar<'t, f32>) {
        let mut parameters = Vec::new();
        let mut x = tape.constant(self.x.clone());
        for layers in self.layers.chunks(segment.max(1)) {
            let mut operands = vec![x];
            operands.extend(layers.iter().flatten().map(|parameter| tape.var(parameter.clone())));
            parameters.extend_from_slice(&operands[1..]);
            x = if segment == 0 { chain(&operands) } else { tape.checkpoint(&operands, chain) };
        }
        (parameters, x.mean())
    }

    /// The gradients of the parameters, one after another.
    pub fn gradient(&self, segment: usize) -> Vec<Tensor<f32>> {
        let tape = Tape::single();
        let (parameters, value) = self.record(&tape, segment);
        let grads = value.backward();
        parameters.iter().map(|&x| grads.wrt(x)).collect()
    }

    /// The bytes that the recording holds when the sweep begins, without the parameters and the input.
    pub fn activation_bytes(&self, segment: usize) -> usize {
        let (tape, given) = (Tape::single(), Tape::single());
        self.record(&tape, segment);
        let inputs = self.layers.iter().flatten().chain([&self.x]);
        inputs.for_each(|x| _ = given.constant(x.clone()));
        tape.memory().value_bytes - given.memory().value_bytes
    }
}

/// Records layers on an input: `x`, `w1`, `b1`, `w2`, ...
fn chain<'t>(operands: &[Var<'t, f32>]) -> Var<'t, f32> {
    operands[1..].chunks_exact(2).fold(operands[0], |x, layer| x.linear(layer[0], layer[1]).tanh())
}
