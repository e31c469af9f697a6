//! The step recorded on a tape, without the layer on top: parameters are tensors, updates are slices.

use super::{Activation, KERNEL, Loss, Rule, Task, Trainer};
use crate::lanes;
use nn::functional;
use tape::ops::{self, Conv2d, Window};
use tape::{Gradients, ParamId, Scalar, Tape, Tensor, Var};

/// A tensor with an identity, and its moments as far as the rule needs them.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) id: ParamId,
    pub(super) value: Tensor<f32>,
    moments: [Vec<f32>; 2],
}

impl Parameter {
    fn new(shape: &[usize], data: &[f32]) -> Parameter {
        let value = Tensor::from_slice(shape, data).expect("a shape fits its elements");
        Parameter { id: ParamId::new(), value, moments: [vec![0.0; data.len()], vec![0.0; data.len()]] }
    }
}

/// Layers as plain tensors.
#[derive(Debug)]
pub(super) struct Network {
    /// The number of convolutions among the layers; they come first.
    convolutions: usize,
    activations: Vec<Activation>,
    /// w1, b1, w2, b2, ...
    pub(super) parameters: Vec<Parameter>,
    loss: Loss,
    batch: usize,
    pub(super) x: Tensor<f32>,
    pub(super) target: Tensor<f32>,
    rule: Rule,
    steps: i32,
}

impl Network {
    /// At the initial parameters of the task.
    pub(super) fn new(task: &Task) -> Network {
        let convolutions = task.convolutions.iter().flat_map(|c| {
            let w = Parameter::new(&[c.outputs, c.inputs, KERNEL, KERNEL], &c.weights);
            [w, Parameter::new(&[c.outputs], &c.bias)]
        });
        let layers = task.layers.iter().flat_map(|dense| {
            let w = Parameter::new(&[dense.outputs, dense.inputs], &dense.weights);
            [w, Parameter::new(&[dense.outputs], &dense.bias)]
        });
        Network {
            convolutions: task.convolutions.len(),
            activations: task.layers.iter().map(|dense| dense.activation).collect(),
            parameters: convolutions.chain(layers).collect(),
            loss: task.loss,
            batch: task.batch,
            x: Tensor::from_slice(task.input_shape(), &task.x).expect("whole rows"),
            target: Tensor::from_slice([task.batch, task.y.len() / task.batch], &task.y).expect("whole rows"),
            rule: task.rule,
            steps: 0,
        }
    }

    /// The loss of a batch.
    pub(super) fn loss<'t>(
        &self,
        tape: &'t Tape<f32>,
        mut x: Var<'t, f32>,
        target: Var<'t, f32>,
    ) -> Scalar<'t, f32> {
        let mut layers = self.parameters.chunks_exact(2).map(|pair| {
            let [w, b] = [0, 1].map(|k| tape.parameter(pair[k].id, &pair[k].value));
            (w, b)
        });
        let pool = Window { stride: [2, 2], ..Window::new([2, 2]) };
        for (w, b) in layers.by_ref().take(self.convolutions) {
            // The relu of the largest is the largest relu, and there are a quarter as many.
            x = functional::conv2d(&x, &w, Some(&b), Conv2d::default()).max_pool2d(pool).relu();
        }
        if self.convolutions > 0 {
            x = x.flatten(1..);
        }
        for ((w, b), &activation) in layers.zip(&self.activations) {
            x = layer(activation, x, w, b);
        }
        match self.loss {
            Loss::Squares { divisor } => x.squared_distance(target).item() * (1.0 / divisor),
            Loss::MeanOutput => x.mean(),
            Loss::CrossEntropy => (x.log_softmax(1) * target).sum() * (-1.0 / self.batch as f32),
        }
    }

    /// The update of the task.
    pub(super) fn update(&mut self, grads: &Gradients<f32>) {
        self.steps += 1;
        for Parameter { id, value, moments: [m, v] } in &mut self.parameters {
            let gradient = grads.try_of_ref(*id).expect("a recorded parameter");
            let g = gradient.as_slice().expect("the gradient of a used parameter has its own buffer");
            let p = value.as_mut_slice();
            match self.rule {
                Rule::Sgd { rate } => lanes::sgd(p, g, rate),
                Rule::Momentum { rate, momentum } => lanes::momentum(p, g, m, momentum, rate),
                Rule::Adam { rate } => lanes::adam(p, g, [m, v], rate, self.steps),
            }
        }
    }

    /// The gradients of all parameters.
    pub(super) fn all(&self, grads: &Gradients<f32>) -> Vec<Vec<f32>> {
        self.parameters.iter().map(|p| grads.of(p.id).to_vec()).collect()
    }
}

fn layer<'t>(activation: Activation, x: Var<'t, f32>, w: Var<'t, f32>, b: Var<'t, f32>) -> Var<'t, f32> {
    match activation {
        Activation::Linear => x.linear(w, b),
        Activation::Relu => x.dense(w, b, ops::Relu),
        Activation::Sigmoid => x.dense(w, b, ops::Sigmoid),
        Activation::Tanh => x.dense(w, b, ops::Tanh),
    }
}

/// Training on a tape.
#[derive(Debug)]
pub struct Recorded {
    tape: Tape<f32>,
    network: Network,
}

impl Recorded {
    /// At the initial parameters of the task.
    pub fn new(task: &Task) -> Recorded {
        Recorded { tape: Tape::single(), network: Network::new(task) }
    }

    fn backward(&mut self) -> Gradients<f32> {
        let Recorded { tape, network } = self;
        let [x, target] = [&network.x, &network.target].map(|x| tape.constant(x.clone()));
        let grads = network.loss(tape, x, target).backward();
        tape.reset();
        grads
    }
}

impl Trainer for Recorded {
    fn step(&mut self) {
        let grads = self.backward();
        self.network.update(&grads);
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        let grads = self.backward();
        self.network.all(&grads)
    }
}
