//! The closed-form step of the smallest network in its simplest form: loops over samples and units.
//!
//! The extents are arguments, so the code works for any such network; nothing is vectorised explicitly or
//! rearranged. This is the baseline for an engine which does not know the network either. (The same loops
//! with constant extents unroll and vectorise completely, and are then as fast as the blocked step.)

use super::{Activation, Dense, Loss, Rule, Task, Trainer};
use crate::lanes;
use tape::element::Real;

/// Parameters, gradients and buffers of a layer.
#[derive(Clone, Debug)]
struct Layer {
    inputs: usize,
    outputs: usize,
    w: Vec<f32>,
    b: Vec<f32>,
    gw: Vec<f32>,
    gb: Vec<f32>,
    /// Activations `[batch, outputs]`, and the cotangents of the sigmoid's arguments.
    y: Vec<f32>,
    d: Vec<f32>,
}

impl Layer {
    fn new(dense: &Dense, batch: usize) -> Layer {
        assert_eq!(dense.activation, Activation::Sigmoid, "plain loops are written for the sigmoid");
        Layer {
            inputs: dense.inputs,
            outputs: dense.outputs,
            w: dense.weights.clone(),
            b: dense.bias.clone(),
            gw: vec![0.0; dense.weights.len()],
            gb: vec![0.0; dense.outputs],
            y: vec![0.0; batch * dense.outputs],
            d: vec![0.0; batch * dense.outputs],
        }
    }

    /// `y = σ(w x + b)` for every sample.
    #[inline(always)]
    fn forward(&mut self, x: &[f32]) {
        for (x, y) in x.chunks_exact(self.inputs).zip(self.y.chunks_exact_mut(self.outputs)) {
            for ((y, w), &b) in y.iter_mut().zip(self.w.chunks_exact(self.inputs)).zip(&self.b) {
                *y = w.iter().zip(x).fold(b, |sum, (&w, &x)| sum + w * x);
            }
        }
        self.y.iter_mut().for_each(|y| *y = Real::sigmoid(*y));
    }

    /// `gw = Σ d xᵀ`, `gb = Σ d` over the samples.
    #[inline(always)]
    fn gradients(&mut self, x: &[f32]) {
        self.gw.fill(0.0);
        self.gb.fill(0.0);
        for (x, d) in x.chunks_exact(self.inputs).zip(self.d.chunks_exact(self.outputs)) {
            let rows = self.gw.chunks_exact_mut(self.inputs).zip(&mut self.gb);
            for ((gw, gb), &d) in rows.zip(d) {
                gw.iter_mut().zip(x).for_each(|(gw, &x)| *gw += d * x);
                *gb += d;
            }
        }
    }

    /// `below.d = (wᵀ d) · y (1 - y)`, with `y` the activations below.
    #[inline(always)]
    fn propagate(&self, below: &mut Layer) {
        let samples = below.d.chunks_exact_mut(self.inputs).zip(below.y.chunks_exact(self.inputs));
        for ((dx, y), d) in samples.zip(self.d.chunks_exact(self.outputs)) {
            dx.fill(0.0);
            for (w, &d) in self.w.chunks_exact(self.inputs).zip(d) {
                dx.iter_mut().zip(w).for_each(|(dx, &w)| *dx += w * d);
            }
            dx.iter_mut().zip(y).for_each(|(dx, &y)| *dx *= y * (1.0 - y));
        }
    }

    #[inline(always)]
    fn update(&mut self, rate: f32) {
        self.w.iter_mut().zip(&self.gw).for_each(|(w, &g)| *w -= rate * g);
        self.b.iter_mut().zip(&self.gb).for_each(|(b, &g)| *b -= rate * g);
    }
}

/// Two sigmoid layers, squared error, gradient descent.
#[derive(Clone, Debug)]
pub struct PlainLoops {
    x: Vec<f32>,
    target: Vec<f32>,
    /// 2 over the divisor of the loss.
    factor: f32,
    rate: f32,
    first: Layer,
    second: Layer,
}

impl PlainLoops {
    /// At the initial parameters of [`Task::w1`].
    pub fn new(task: &Task) -> PlainLoops {
        let (Rule::Sgd { rate }, Loss::Squares { divisor }) = (task.rule, task.loss) else {
            unreachable!("W1 minimises squares by gradient descent")
        };
        let [first, second] = [0, 1].map(|k| Layer::new(&task.layers[k], task.batch));
        PlainLoops { x: task.x.clone(), target: task.y.clone(), factor: 2.0 / divisor, rate, first, second }
    }

    #[inline(always)]
    fn pass(&mut self) {
        let PlainLoops { x, target, factor, first, second, .. } = self;
        first.forward(x);
        second.forward(&first.y);
        for ((d, &o), &y) in second.d.iter_mut().zip(&second.y).zip(&*target) {
            *d = *factor * (o - y) * o * (1.0 - o);
        }
        second.propagate(first);
        second.gradients(&first.y);
        first.gradients(x);
    }
}

impl Trainer for PlainLoops {
    fn step(&mut self) {
        lanes::fast(
            #[inline(always)]
            || {
                self.pass();
                self.first.update(self.rate);
                self.second.update(self.rate);
            },
        );
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        self.pass();
        [&self.first, &self.second].iter().flat_map(|layer| [layer.gw.clone(), layer.gb.clone()]).collect()
    }
}
