//! The training step with each batch cut into shards.

use super::{Loss, Modules, Task, Trainer};
use nn::train::Shards;
use nn::{Parameters, Path, loss};
use tape::{Scalar, Tensor, Var};

/// Training with the layer on top, in shards.
pub struct Sharded {
    modules: Modules,
    shards: Shards<f32>,
}

impl Sharded {
    /// At the initial parameters of the task, whose loss is a mean over the batch.
    pub fn new(task: &Task, shards: usize) -> Sharded {
        Sharded { modules: Modules::new(task), shards: Shards::eval(shards).expect("at least one shard") }
    }

    fn backward(&mut self) {
        let Modules { model, loss, x, target, .. } = &self.modules;
        let result = match loss {
            Loss::MeanOutput => self.shards.backward(model, x, target, |x, _| x.mean()),
            Loss::CrossEntropy => self.shards.backward(model, x, target, cross_entropy),
            Loss::Squares { .. } => unreachable!("a sum over the batch cannot be sharded"),
        };
        result.expect("a sample for each shard");
    }
}

fn cross_entropy<'t>(output: Var<'t, f32>, target: &Tensor<f32>) -> Scalar<'t, f32> {
    loss::cross_entropy_with_logits(output, target).mean()
}

impl Trainer for Sharded {
    fn step(&mut self) {
        self.backward();
        self.modules.optimizer.step(&mut self.modules.model, self.shards.gradients());
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        self.backward();
        let mut all = Vec::new();
        let grads = self.shards.gradients();
        self.modules.model.visit(&Path::root(), &mut |_, param| {
            all.push(nn::optim::GradientSource::gradient(grads, param.id()).expect("a gradient").to_vec());
        });
        all
    }
}
