//! dfdx: modules whose extents are types. Its pools and its convolutions need a nightly compiler, so W6 is missing.

use crate::median_us;
use crate::numbers::Workload;
use dfdx::losses::{cross_entropy_with_logits_loss, mse_loss};
use dfdx::optim::{Adam, AdamConfig, Momentum, Sgd, SgdConfig};
use dfdx::prelude::*;

/// Times a network: its type, where its linear layers are, its batch and widths, its loss and its optimizer.
macro_rules! network {
    ($task:ident, $net:ty, [$($layer:tt),*], $batch:literal, $input:literal, $output:literal, $loss:expr, $rule:expr) => {{
        let device = Cpu::default();
        let mut model = device.build_module::<$net, f32>();
        let mut values = $task.parameters.iter();
        $(
            model.$layer.0.weight.copy_from(values.next().ok_or("too few parameters")?);
            model.$layer.0.bias.copy_from(values.next().ok_or("too few parameters")?);
        )*
        let x: Tensor<Rank2<$batch, $input>, f32, _> = device.tensor($task.x.clone());
        let y: Tensor<Rank2<$batch, $output>, f32, _> = device.tensor($task.y.clone());
        let loss = $loss;
        let grads = loss(model.forward_mut(x.trace(model.alloc_grads())), y.clone()).backward();
        let mut found = Vec::new();
        $(
            found.push(grads.get(&model.$layer.0.weight).as_vec());
            found.push(grads.get(&model.$layer.0.bias).as_vec());
        )*
        $task.compare(&found)?;
        let mut rule = $rule(&model);
        let mut kept = Some(model.alloc_grads());
        let mut failed = false;
        let time = median_us(|| {
            let grads = kept.take().unwrap_or_else(|| model.alloc_grads());
            let mut grads = loss(model.forward_mut(x.trace(grads)), y.clone()).backward();
            failed |= rule.update(&mut model, &grads).is_err();
            model.zero_grads(&mut grads);
            kept = Some(grads);
        });
        if failed { Err("a parameter without gradient".to_string()) } else { Ok(time) }
    }};
}

macro_rules! sgd {
    ($rate:literal, $momentum:expr) => {
        |model| Sgd::new(model, SgdConfig { lr: $rate, momentum: $momentum, weight_decay: None })
    };
}

type W1 = ((Linear<10, 3>, Sigmoid), (Linear<3, 2>, Sigmoid));
type W2 = ((Linear<3, 10>, Sigmoid), (Linear<10, 5>, Sigmoid), (Linear<5, 1>,));
type W3 = ((Linear<784, 32>, Sigmoid), (Linear<32, 10>, Sigmoid));
type W4 = ((Linear<784, 512>, ReLU), (Linear<512, 512>, ReLU), (Linear<512, 10>,));
type W5 = ((Linear<1024, 1024>, Tanh), (Linear<1024, 1024>, Tanh), (Linear<1024, 1024>, Tanh));

/// Microseconds of a step.
pub fn time(task: &Workload) -> Result<f64, String> {
    match task.name.as_str() {
        "W1" => network!(task, W1, [0, 1], 8, 10, 2, |o, y| mse_loss(o, y) * 2.0, sgd!(0.3, None)),
        "W2" => network!(task, W2, [0, 1, 2], 1000, 3, 1, mse_loss, sgd!(0.2, Some(Momentum::Classic(0.9)))),
        "W3" => network!(task, W3, [0, 1], 256, 784, 10, mse_loss, sgd!(0.5, None)),
        "W4" => network!(task, W4, [0, 1, 2], 128, 784, 10, cross_entropy_with_logits_loss, |model| {
            Adam::new(model, AdamConfig { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: None })
        }),
        "W5" => {
            let mean = |o: Tensor<Rank2<512, 1024>, f32, Cpu, OwnedTape<f32, Cpu>>, _| o.mean();
            network!(task, W5, [0, 1, 2], 512, 1024, 1024, mean, sgd!(0.01, None))
        }
        _ => Err("needs a nightly compiler".to_string()),
    }
}
