//! candle: tensors on the CPU, gradients from a store, the optimizers of `candle-nn`.

use crate::median_us;
use crate::numbers::Workload;
use candle_core::backprop::GradStore;
use candle_core::{Device, Error, Result, Tensor, Var};
use candle_nn::optim::{AdamW, ParamsAdamW, SGD};
use candle_nn::{Optimizer, ops};

struct Network<'a> {
    task: &'a Workload,
    x: Tensor,
    y: Tensor,
    parameters: Vec<Var>,
}

impl Network<'_> {
    fn new(task: &Workload) -> Result<Network<'_>> {
        let tensor = |shape: &[usize], data: &[f32]| Tensor::from_slice(data, shape, &Device::Cpu);
        let shape = match task.name.as_str() {
            "W6" => vec![task.batch, 1, 28, 28],
            _ => vec![task.batch, task.x.len() / task.batch],
        };
        let pairs = task.shapes.iter().zip(&task.parameters);
        let parameters =
            pairs.map(|(shape, data)| Var::from_tensor(&tensor(shape, data)?)).collect::<Result<_>>()?;
        let y = tensor(&[task.batch, task.y.len() / task.batch], &task.y)?;
        Ok(Network { task, x: tensor(&shape, &task.x)?, y, parameters })
    }

    fn loss(&self) -> Result<Tensor> {
        let (mut h, mut rest) = (self.x.clone(), &self.parameters[..]);
        let name = self.task.name.as_str();
        if name == "W6" {
            for pair in rest[..4].chunks_exact(2) {
                let b = pair[1].reshape((1, (), 1, 1))?;
                h = h.conv2d(&pair[0], 0, 1, 1, 1)?.broadcast_add(&b)?.relu()?.max_pool2d(2)?;
            }
            (h, rest) = (h.flatten_from(1)?, &rest[4..]);
        }
        let last = rest.len() / 2 - 1;
        for (k, pair) in rest.chunks_exact(2).enumerate() {
            h = h.matmul(&pair[0].t()?)?.broadcast_add(&pair[1])?;
            h = match name {
                "W1" | "W3" => ops::sigmoid(&h)?,
                "W2" if k < last => ops::sigmoid(&h)?,
                "W4" | "W6" if k < last => h.relu()?,
                "W5" => h.tanh()?,
                _ => h,
            };
        }
        match name {
            "W1" => (h - &self.y)?.sqr()?.sum_all()? / 8.0,
            "W2" | "W3" => (h - &self.y)?.sqr()?.mean_all(),
            "W5" => h.mean_all(),
            _ => (ops::log_softmax(&h, 1)? * &self.y)?.sum_all()? * (-1.0 / self.task.batch as f64),
        }
    }
}

/// How the parameters are updated. candle's `SGD` has no momentum.
enum Rule {
    Sgd(SGD),
    Adam(AdamW),
    Momentum(Vec<Tensor>),
}

impl Rule {
    fn new(net: &Network<'_>) -> Result<Rule> {
        let vars = net.parameters.clone();
        let sgd = |rate: f64| Ok(Rule::Sgd(SGD::new(vars.clone(), rate)?));
        match net.task.name.as_str() {
            "W1" => sgd(0.3),
            "W2" => Ok(Rule::Momentum(vars.iter().map(|v| v.zeros_like()).collect::<Result<_>>()?)),
            "W3" => sgd(0.5),
            "W4" => {
                let params = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..ParamsAdamW::default() };
                Ok(Rule::Adam(AdamW::new(vars, params)?))
            }
            _ => sgd(0.01),
        }
    }

    fn step(&mut self, net: &Network<'_>, grads: &GradStore) -> Result<()> {
        match self {
            Rule::Sgd(rule) => rule.step(grads),
            Rule::Adam(rule) => rule.step(grads),
            Rule::Momentum(velocities) => {
                for (p, v) in net.parameters.iter().zip(velocities) {
                    *v = ((&*v * 0.9)? + gradient(grads, p)?)?;
                    p.set(&(p.as_tensor() - (&*v * 0.2)?)?)?;
                }
                Ok(())
            }
        }
    }
}

fn gradient<'a>(grads: &'a GradStore, p: &Var) -> Result<&'a Tensor> {
    grads.get(p).ok_or_else(|| Error::Msg("a parameter without gradient".into()))
}

/// Microseconds of a step.
pub fn time(task: &Workload) -> Result<f64> {
    let net = Network::new(task)?;
    let grads = net.loss()?.backward()?;
    let found = net.parameters.iter().map(|p| gradient(&grads, p)?.flatten_all()?.to_vec1());
    task.compare(&found.collect::<Result<Vec<_>>>()?).map_err(Error::Msg)?;
    let mut rule = Rule::new(&net)?;
    let mut failed = None;
    let time = median_us(|| {
        let step = net.loss().and_then(|loss| loss.backward()).and_then(|grads| rule.step(&net, &grads));
        failed = failed.take().or(step.err());
    });
    failed.map_or(Ok(time), Err)
}
