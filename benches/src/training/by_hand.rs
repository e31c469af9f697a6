//! The closed-form step for any dense network: preallocated buffers, matrix products, fused passes.

use super::{Activation, Convolution, Dense, Loss, Rule, Task, Trainer};
use crate::lanes;
use crate::product::{Matrix, product};

/// Parameters, gradients and optimizer state of a layer.
#[derive(Clone, Debug)]
struct Layer {
    inputs: usize,
    outputs: usize,
    activation: Activation,
    w: Vec<f32>,
    b: Vec<f32>,
    gw: Vec<f32>,
    gb: Vec<f32>,
    /// First and second moments of `w` and `b`, as far as the rule needs them.
    moments: [[Vec<f32>; 2]; 2],
    /// Activations, `[batch, outputs]`.
    y: Vec<f32>,
    /// Cotangents of the affine map's result, `[batch, outputs]`.
    d: Vec<f32>,
}

impl Layer {
    fn new(dense: &Dense, batch: usize) -> Layer {
        let moments = |n: usize| [vec![0.0; n], vec![0.0; n]];
        Layer {
            inputs: dense.inputs,
            outputs: dense.outputs,
            activation: dense.activation,
            w: dense.weights.clone(),
            b: dense.bias.clone(),
            gw: vec![0.0; dense.weights.len()],
            gb: vec![0.0; dense.bias.len()],
            moments: [moments(dense.weights.len()), moments(dense.bias.len())],
            y: vec![0.0; batch * dense.outputs],
            d: vec![0.0; batch * dense.outputs],
        }
    }
}

/// Backpropagation written out, layer by layer.
///
/// Forward: a product, then bias and activation in one pass. Backward: activation gradient and bias gradient in one
/// pass, then two products. Update: one pass over each parameter.
#[derive(Clone, Debug)]
pub struct ByHand {
    batch: usize,
    loss: Loss,
    rule: Rule,
    steps: i32,
    x: Vec<f32>,
    /// The cotangent of `x`; empty if it is not needed.
    dx: Vec<f32>,
    target: Vec<f32>,
    layers: Vec<Layer>,
}

impl ByHand {
    /// At the initial parameters of the task.
    pub fn new(task: &Task) -> ByHand {
        ByHand {
            batch: task.batch,
            loss: task.loss,
            rule: task.rule,
            steps: 0,
            x: task.x.clone(),
            dx: Vec::new(),
            target: task.y.clone(),
            layers: task.layers.iter().map(|dense| Layer::new(dense, task.batch)).collect(),
        }
    }

    /// The dense layers behind convolutions; computes the cotangent of its input too.
    pub(super) fn after_images(task: &Task) -> ByHand {
        let input = vec![0.0; task.batch * task.layers[0].inputs];
        ByHand { x: input.clone(), dx: input, ..ByHand::new(task) }
    }

    pub(super) fn input_mut(&mut self) -> &mut [f32] {
        &mut self.x
    }

    pub(super) fn input_gradient(&self) -> &[f32] {
        &self.dx
    }

    /// The mean cross-entropy of the last forward pass.
    pub(super) fn cross_entropy(&self) -> f64 {
        let Some(last) = self.layers.last() else { return 0.0 };
        let rows = last.y.chunks_exact(last.outputs).zip(self.target.chunks_exact(last.outputs));
        let row = |(z, y): (&[f32], &[f32])| {
            let sum: f64 = z.iter().map(|&z| f64::from(z).exp()).sum();
            let chosen: f64 = z.iter().zip(y).map(|(&z, &y)| f64::from(z) * f64::from(y)).sum();
            sum.ln() - chosen
        };
        rows.map(row).sum::<f64>() / self.batch as f64
    }

    /// The gradients of the last backward pass.
    pub(super) fn present_gradients(&self) -> Vec<Vec<f32>> {
        self.layers.iter().flat_map(|layer| [layer.gw.clone(), layer.gb.clone()]).collect()
    }

    pub(super) fn forward(&mut self) {
        let batch = self.batch;
        let mut x = &self.x[..];
        for layer in &mut self.layers {
            let w = Matrix::new(&layer.w, layer.outputs, layer.inputs);
            product(&mut layer.y, Matrix::new(x, batch, layer.inputs), w.t(), false);
            lanes::bias_and_activation(&mut layer.y, &layer.b, layer.activation);
            x = &layer.y;
        }
    }

    pub(super) fn backward(&mut self) {
        let batch = self.batch;
        if let Some(last) = self.layers.last_mut() {
            match self.loss {
                Loss::Squares { divisor } => {
                    lanes::residual(&mut last.d, &last.y, &self.target, 2.0 / divisor);
                }
                Loss::MeanOutput => last.d.fill(1.0 / last.y.len() as f32),
                Loss::CrossEntropy => {
                    lanes::softmax_residual(&mut last.d, &last.y, &self.target, last.outputs, batch);
                }
            }
        }
        for k in (0..self.layers.len()).rev() {
            let (before, rest) = self.layers.split_at_mut(k);
            let layer = &mut rest[0];
            lanes::slope_and_bias_gradient(&mut layer.d, &layer.y, &mut layer.gb, layer.activation);
            let d = Matrix::new(&layer.d, batch, layer.outputs);
            let x = before.last().map_or(&self.x, |layer| &layer.y);
            product(&mut layer.gw, d.t(), Matrix::new(x, batch, layer.inputs), false);
            let w = Matrix::new(&layer.w, layer.outputs, layer.inputs);
            match before.last_mut() {
                Some(previous) => product(&mut previous.d, d, w, false),
                None if self.dx.is_empty() => {}
                None => product(&mut self.dx, d, w, false),
            }
        }
    }

    pub(super) fn update(&mut self) {
        self.steps += 1;
        for layer in &mut self.layers {
            let [first, second] = &mut layer.moments;
            for (p, g, [m, v]) in [(&mut layer.w, &layer.gw, first), (&mut layer.b, &layer.gb, second)] {
                match self.rule {
                    Rule::Sgd { rate } => lanes::sgd(p, g, rate),
                    Rule::Momentum { rate, momentum } => lanes::momentum(p, g, m, momentum, rate),
                    Rule::Adam { rate } => lanes::adam(p, g, [m, v], rate, self.steps),
                }
            }
        }
    }
}

impl Trainer for ByHand {
    fn step(&mut self) {
        self.forward();
        self.backward();
        self.update();
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        self.forward();
        self.backward();
        self.present_gradients()
    }
}

/// The matrix products of a convolution, image by image.
#[derive(Clone, Debug)]
struct ImageProducts {
    batch: usize,
    /// Output channels, elements of a kernel, positions of the kernel.
    extents: [usize; 3],
    /// Whether the input is differentiated.
    propagates: bool,
    w: Vec<f32>,
    gw: Vec<f32>,
    patches: Vec<f32>,
    y: Vec<f32>,
}

impl ImageProducts {
    fn new(task: &Convolution, batch: usize, propagates: bool) -> ImageProducts {
        let extents = [task.outputs, task.weights.len() / task.outputs, task.out() * task.out()];
        let [outputs, weights, windows] = extents;
        ImageProducts {
            batch,
            extents,
            propagates,
            w: task.weights.clone(),
            gw: vec![0.0; outputs * weights],
            patches: vec![0.0; weights * windows],
            y: vec![0.0; outputs * windows],
        }
    }

    fn run(&mut self) {
        let [outputs, weights, windows] = self.extents;
        let w = Matrix::new(&self.w, outputs, weights);
        for _ in 0..self.batch {
            product(&mut self.y, w, Matrix::new(&self.patches, weights, windows), false);
            let (y, patches) = (Matrix::new(&self.y, outputs, windows), &mut self.patches);
            product(&mut self.gw, Matrix::new(patches, weights, windows), y.t(), false);
            if self.propagates {
                product(patches, w.t(), y, false);
            }
        }
    }
}

/// The matrix products of a step and nothing else: a lower bound for its time.
#[derive(Clone, Debug)]
pub struct Products {
    convolutions: Vec<ImageProducts>,
    dense: ByHand,
}

impl Products {
    /// The products of a task.
    pub fn new(task: &Task) -> Products {
        let convolutions = task.convolutions.iter().enumerate();
        let convolutions = convolutions.map(|(k, images)| ImageProducts::new(images, task.batch, k > 0));
        let dense = if task.convolutions.is_empty() { ByHand::new(task) } else { ByHand::after_images(task) };
        Products { convolutions: convolutions.collect(), dense }
    }

    /// All products of one step, in the order of the step.
    pub fn run(&mut self) {
        self.convolutions.iter_mut().for_each(ImageProducts::run);
        let ByHand { batch, x, dx, layers, .. } = &mut self.dense;
        let batch = *batch;
        let mut input = &x[..];
        for layer in layers.iter_mut() {
            let w = Matrix::new(&layer.w, layer.outputs, layer.inputs);
            product(&mut layer.y, Matrix::new(input, batch, layer.inputs), w.t(), false);
            input = &layer.y;
        }
        for k in (0..layers.len()).rev() {
            let (before, rest) = layers.split_at_mut(k);
            let layer = &mut rest[0];
            let d = Matrix::new(&layer.d, batch, layer.outputs);
            let input = before.last().map_or(&*x, |layer| &layer.y);
            product(&mut layer.gw, d.t(), Matrix::new(input, batch, layer.inputs), false);
            let w = Matrix::new(&layer.w, layer.outputs, layer.inputs);
            match before.last_mut() {
                Some(previous) => product(&mut previous.d, d, w, false),
                None if dx.is_empty() => {}
                None => product(dx, d, w, false),
            }
        }
    }
}
