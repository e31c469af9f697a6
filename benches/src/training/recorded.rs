//! The step recorded on a tape, without the layer on top: parameters are tensors, updates are slices.

use super::{Activation, Loss, Rule, Task, Trainer};
use crate::lanes;
use tape::{Gradients, ParamId, Scalar, Tape, Tensor, Var};

/// A tensor with an identity, and its moments as far as the rule has them.
#[derive(Debug)]
struct Parameter {
    id: ParamId,
    value: Tensor<f32>,
    moments: [Vec<f32>; 2],
}

impl Parameter {
    fn new(shape: &[usize], data: &[f32]) -> Parameter {
        let value = Tensor::from_slice(shape, data).expect("a shape fits its elements");
        Parameter { id: ParamId::new(), value, moments: [vec![0.0; data.len()], vec![0.0; data.len()]] }
    }
}

/// Dense layers as plain tensors.
#[derive(Debug)]
struct Network {
    activations: Vec<Activation>,
    /// w1, b1, w2, b2, ...
    parameters: Vec<Parameter>,
    loss: Loss,
    batch: usize,
    x: Tensor<f32>,
    target: Tensor<f32>,
}

impl Network {
    fn loss<'t>(&self, tape: &'t Tape<f32>) -> Scalar<'t, f32> {
        let mut x = tape.constant(self.x.clone());
        for (pair, &activation) in self.parameters.chunks_exact(2).zip(&self.activations) {
            let w = tape.parameter(pair[0].id, &pair[0].value);
            let b = tape.parameter(pair[1].id, &pair[1].value);
            x = apply(activation, x.linear(w, b));
        }
        match self.loss {
            Loss::Squares { divisor } => (x - &self.target).square().sum() * (1.0 / divisor),
            Loss::MeanOutput => x.mean(),
            Loss::CrossEntropy => (x.log_softmax(1) * &self.target).sum() * (-1.0 / self.batch as f32),
        }
    }
}

fn apply<'t>(activation: Activation, x: Var<'t, f32>) -> Var<'t, f32> {
    match activation {
        Activation::Linear => x,
        Activation::Relu => x.relu(),
        Activation::Sigmoid => x.sigmoid(),
        Activation::Tanh => x.tanh(),
    }
}

/// Training on a tape.
#[derive(Debug)]
pub struct Recorded {
    tape: Tape<f32>,
    network: Network,
    rule: Rule,
    steps: i32,
}

impl Recorded {
    /// At the initial parameters of the task.
    pub fn new(task: &Task) -> Recorded {
        let parameters = task.layers.iter().flat_map(|dense| {
            let w = Parameter::new(&[dense.outputs, dense.inputs], &dense.weights);
            [w, Parameter::new(&[dense.outputs], &dense.bias)]
        });
        let tensor = |data: &[f32]| {
            Tensor::from_slice([task.batch, data.len() / task.batch], data).expect("whole rows")
        };
        let network = Network {
            activations: task.layers.iter().map(|dense| dense.activation).collect(),
            parameters: parameters.collect(),
            loss: task.loss,
            batch: task.batch,
            x: tensor(&task.x),
            target: tensor(&task.y),
        };
        Recorded { tape: Tape::single(), network, rule: task.rule, steps: 0 }
    }

    fn update(&mut self, grads: &Gradients<f32>) {
        self.steps += 1;
        for Parameter { id, value, moments: [m, v] } in &mut self.network.parameters {
            let gradient = grads.of(*id).contiguous();
            let g = gradient.as_slice().expect("contiguous tensors are slices");
            let p = value.as_mut_slice();
            match self.rule {
                Rule::Sgd { rate } => lanes::sgd(p, g, rate),
                Rule::Momentum { rate, momentum } => lanes::momentum(p, g, m, momentum, rate),
                Rule::Adam { rate } => lanes::adam(p, g, [m, v], rate, self.steps),
            }
        }
    }
}

impl Trainer for Recorded {
    fn step(&mut self) {
        let grads = self.network.loss(&self.tape).backward();
        self.tape.reset();
        self.update(&grads);
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        let grads = self.network.loss(&self.tape).backward();
        self.tape.reset();
        self.network.parameters.iter().map(|p| grads.of(p.id).to_vec()).collect()
    }
}
