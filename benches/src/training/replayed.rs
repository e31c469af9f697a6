//! The step recorded once, and then replayed.

use super::modules::loss_of;
use super::recorded::Network;
use super::{Modules, Task, Trainer};
use nn::train::ReplayedStep;
use nn::{Module, Parameters, Path};
use tape::{Gradients, Replay};

/// Training by a replay of the step of [`Recorded`](super::Recorded).
#[derive(Debug)]
pub struct Replayed {
    replay: Replay<f32>,
    network: Network,
}

impl Replayed {
    /// At the initial parameters of the task.
    pub fn new(task: &Task) -> Replayed {
        let network = Network::new(task);
        let inputs = [&network.x, &network.target];
        let replay = Replay::new(inputs, |tape, [x, target]| network.loss(tape, x, target));
        Replayed { replay: replay.expect("the step uses no values"), network }
    }

    fn backward(&mut self) -> Gradients<f32> {
        let Replayed { replay, network } = self;
        for parameter in &network.parameters {
            replay.bind(parameter.id, &parameter.value).expect("a recorded parameter");
        }
        let run = replay.value_and_gradient(&[&network.x, &network.target]);
        run.expect("the shapes of the recording").1
    }
}

impl Trainer for Replayed {
    fn step(&mut self) {
        let grads = self.backward();
        self.network.update(&grads);
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        let grads = self.backward();
        self.network.all(&grads)
    }
}

/// Training by a replay of the step of [`Modules`].
pub struct ReplayedModules {
    step: ReplayedStep<f32>,
    modules: Modules,
}

impl ReplayedModules {
    /// At the initial parameters of the task.
    pub fn new(task: &Task) -> ReplayedModules {
        let modules = Modules::new(task);
        let step =
            ReplayedStep::new(&modules.model, [&modules.x, &modules.target], |model, [x, target], cx| {
                loss_of(modules.loss, model.forward(x, cx), target)
            });
        ReplayedModules { step: step.expect("the step uses no values"), modules }
    }
}

impl Trainer for ReplayedModules {
    fn step(&mut self) {
        let Modules { model, optimizer, x, target, .. } = &mut self.modules;
        self.step.descend(model, &mut **optimizer, [&*x, &*target]).expect("a finite step");
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        let Modules { model, x, target, .. } = &self.modules;
        let (_, grads) = self.step.value_and_gradient(model, [x, target]).expect("the recorded model");
        let mut all = Vec::new();
        model.visit(&Path::root(), &mut |_, param| all.push(grads.of(param).to_vec()));
        all
    }
}
