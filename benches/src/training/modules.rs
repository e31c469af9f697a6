//! The step as a user writes it: modules, a loss and an optimizer of `nn`.

use super::{Activation, KERNEL, Loss, Rule, Task, Trainer};
use nn::optim::{Adam, Optimizer, Sgd};
use nn::{
    Context, Conv2d, Flatten, Linear, MaxPool2d, Module, Param, Parameters, Path, Relu, Sequential, Sigmoid,
    Tanh, loss,
};
use tape::{Scalar, Tape, Tensor, Var, ops};

/// Training with the layer on top.
pub struct Modules {
    tape: Tape<f32>,
    pub(super) model: Sequential<f32>,
    pub(super) optimizer: Box<dyn Optimizer<f32>>,
    context: Context<f32>,
    pub(super) loss: Loss,
    pub(super) x: Tensor<f32>,
    pub(super) target: Tensor<f32>,
}

impl Modules {
    /// At the initial parameters of the task.
    pub fn new(task: &Task) -> Modules {
        let mut model = Sequential::new();
        for c in &task.convolutions {
            let weight = Tensor::from_slice([c.outputs, c.inputs, KERNEL, KERNEL], &c.weights);
            let weight = Param::new(weight.expect("a shape fits its elements"));
            let bias = Some(Param::new(&c.bias[..]));
            model = model.push(Conv2d { weight, bias, conv: ops::Conv2d::default() });
            model = model.push(MaxPool2d::new([2, 2])).push(Relu);
        }
        if !task.convolutions.is_empty() {
            model = model.push(Flatten);
        }
        for dense in &task.layers {
            let weights = Tensor::from_slice([dense.outputs, dense.inputs], &dense.weights);
            let weights = weights.expect("a shape fits its elements");
            let layer = Linear::from_values(weights, &dense.bias[..]);
            model = match dense.activation {
                Activation::Linear => model.push(layer),
                Activation::Relu => model.push(layer).push(Relu),
                Activation::Sigmoid => model.push(layer).push(Sigmoid),
                Activation::Tanh => model.push(layer).push(Tanh),
            };
        }
        let optimizer: Box<dyn Optimizer<f32>> = match task.rule {
            Rule::Sgd { rate } => Box::new(Sgd::new(f64::from(rate))),
            Rule::Momentum { rate, momentum } => {
                Box::new(Sgd::new(f64::from(rate)).momentum(f64::from(momentum)))
            }
            Rule::Adam { rate } => Box::new(Adam::new(f64::from(rate))),
        };
        let classes = task.y.len() / task.batch;
        Modules {
            tape: Tape::single(),
            model,
            optimizer,
            context: Context::eval(),
            loss: task.loss,
            x: Tensor::from_slice(task.input_shape(), &task.x).expect("whole rows"),
            target: Tensor::from_slice([task.batch, classes], &task.y).expect("whole rows"),
        }
    }

    fn loss(&mut self) -> Scalar<'_, f32> {
        let [x, target] = [&self.x, &self.target].map(|x| self.tape.constant(x.clone()));
        loss_of(self.loss, self.model.forward(x, &mut self.context), target)
    }
}

/// The loss of a task.
pub(super) fn loss_of<'t>(kind: Loss, output: Var<'t, f32>, target: Var<'t, f32>) -> Scalar<'t, f32> {
    match kind {
        Loss::Squares { divisor } => loss::squared_error(output, target).sum() / divisor,
        Loss::MeanOutput => output.mean(),
        Loss::CrossEntropy => loss::cross_entropy_with_logits(output, target).mean(),
    }
}

impl Trainer for Modules {
    fn step(&mut self) {
        let grads = self.loss().backward();
        self.tape.reset();
        self.optimizer.step(&mut self.model, &grads);
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        let grads = self.loss().backward();
        self.tape.reset();
        let mut all = Vec::new();
        self.model.visit(&Path::root(), &mut |_, param| all.push(grads.of(param).to_vec()));
        all
    }
}
