//! W6: a network with two convolutions, written out.
//!
//! Images are kept channel by channel, `[channels, batch, height, width]`, so that a convolution is one matrix
//! product with the unfolded images and every other pass runs over long rows. Kernels are `[out, in, 5, 5]`.

use super::{ByHand, KERNEL as K, Rule, Task, Trainer};
use crate::lanes;
use crate::product::{Matrix, product};

/// Parameters, gradients and buffers of a convolution with what follows it.
#[derive(Clone, Debug)]
struct Convolution {
    batch: usize,
    channels: usize,
    outputs: usize,
    size: usize,
    w: Vec<f32>,
    b: Vec<f32>,
    gw: Vec<f32>,
    gb: Vec<f32>,
    /// The patches under the kernel: one row for each weight, one column for each output pixel.
    patches: Vec<f32>,
    /// The convolution, without bias, and later its cotangent.
    z: Vec<f32>,
    /// The result, and its cotangent.
    y: Vec<f32>,
    dy: Vec<f32>,
}

impl Convolution {
    fn new(task: &super::Convolution, batch: usize) -> Convolution {
        let (weights, out) = (task.inputs * K * K, task.out());
        let (pixels, pooled) = (batch * out * out, task.outputs * batch * (out / 2) * (out / 2));
        Convolution {
            batch,
            channels: task.inputs,
            outputs: task.outputs,
            size: task.size,
            w: task.weights.clone(),
            b: task.bias.clone(),
            gw: vec![0.0; task.weights.len()],
            gb: vec![0.0; task.outputs],
            patches: vec![0.0; weights * pixels],
            z: vec![0.0; task.outputs * pixels],
            y: vec![0.0; pooled],
            dy: vec![0.0; pooled],
        }
    }

    /// Extent of the convolution's result.
    fn out(&self) -> usize {
        self.size - K + 1
    }

    fn pixels(&self) -> usize {
        self.batch * self.out() * self.out()
    }

    /// The weight at `row` of the patches: channel and position in the kernel.
    fn kernel_index(row: usize) -> [usize; 3] {
        [row / (K * K), row / K % K, row % K]
    }

    fn forward(&mut self, x: &[f32]) {
        let (batch, size, out, pixels) = (self.batch, self.size, self.out(), self.pixels());
        for (row, patches) in self.patches.chunks_exact_mut(pixels).enumerate() {
            let [c, ky, kx] = Self::kernel_index(row);
            let images = x[c * batch * size * size..].chunks_exact(size * size);
            for (patches, image) in patches.chunks_exact_mut(out * out).zip(images) {
                let lines = image[ky * size..].chunks_exact(size);
                for (patch, line) in patches.chunks_exact_mut(out).zip(lines) {
                    patch.copy_from_slice(&line[kx..kx + out]);
                }
            }
        }
        let weights = self.channels * K * K;
        let patches = Matrix::new(&self.patches, weights, pixels);
        product(&mut self.z, Matrix::new(&self.w, self.outputs, weights), patches, false);
        let (z, y, b) = (&self.z, &mut self.y, &self.b);
        let pooled = pixels / 4;
        lanes::fast(
            #[inline(always)]
            || {
                for ((z, y), &b) in z.chunks_exact(pixels).zip(y.chunks_exact_mut(pooled)).zip(b) {
                    for (lines, y) in z.chunks_exact(2 * out).zip(y.chunks_exact_mut(out / 2)) {
                        let (upper, lower) = lines.split_at(out);
                        let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
                        for (y, (u, l)) in y.iter_mut().zip(pairs) {
                            *y = (u[0].max(u[1]).max(l[0].max(l[1])) + b).max(0.0);
                        }
                    }
                }
            },
        );
    }

    /// From `self.dy`; into `dx` if the input is differentiated.
    fn backward(&mut self, dx: Option<&mut [f32]>) {
        let (batch, size, out, pixels) = (self.batch, self.size, self.out(), self.pixels());
        let pooled = pixels / 4;
        let (z, y, dy) = (&mut self.z, &self.y, &self.dy);
        lanes::fast(
            #[inline(always)]
            || {
                let lines = z.chunks_exact_mut(2 * out);
                for ((lines, y), dy) in lines.zip(y.chunks_exact(out / 2)).zip(dy.chunks_exact(out / 2)) {
                    let (upper, lower) = lines.split_at_mut(out);
                    let pairs = upper.chunks_exact_mut(2).zip(lower.chunks_exact_mut(2));
                    for ((&y, &dy), (u, l)) in y.iter().zip(dy).zip(pairs) {
                        let max = u[0].max(u[1]).max(l[0].max(l[1]));
                        let d = if y > 0.0 { dy } else { 0.0 };
                        for z in u.iter_mut().chain(l) {
                            *z = if *z == max { d } else { 0.0 };
                        }
                    }
                }
            },
        );
        for ((sum, dy), y) in self.gb.iter_mut().zip(dy.chunks_exact(pooled)).zip(y.chunks_exact(pooled)) {
            // Zero where the relu is inactive.
            *sum = dy.iter().zip(y).map(|(&dy, &y)| if y > 0.0 { dy } else { 0.0 }).sum();
        }
        let weights = self.channels * K * K;
        let d = Matrix::new(&self.z, self.outputs, pixels);
        product(&mut self.gw, d, Matrix::new(&self.patches, weights, pixels).t(), false);
        let Some(dx) = dx else { return };
        product(&mut self.patches, Matrix::new(&self.w, self.outputs, weights).t(), d, false);
        dx.fill(0.0);
        for (row, patches) in self.patches.chunks_exact(pixels).enumerate() {
            let [c, ky, kx] = Self::kernel_index(row);
            let images = dx[c * batch * size * size..].chunks_exact_mut(size * size);
            for (patches, image) in patches.chunks_exact(out * out).zip(images) {
                let lines = image[ky * size..].chunks_exact_mut(size);
                for (patch, line) in patches.chunks_exact(out).zip(lines) {
                    line[kx..kx + out].iter_mut().zip(patch).for_each(|(x, &d)| *x += d);
                }
            }
        }
    }

    fn update(&mut self, rate: f32) {
        lanes::sgd(&mut self.w, &self.gw, rate);
        lanes::sgd(&mut self.b, &self.gb, rate);
    }
}

/// Images of 28 x 28, two convolutions, three dense layers, cross-entropy, gradient descent.
#[derive(Clone, Debug)]
pub struct LeNet {
    x: Vec<f32>,
    first: Convolution,
    second: Convolution,
    dense: ByHand,
    rate: f32,
}

impl LeNet {
    /// At the initial parameters of [`Task::w6`].
    pub fn new(task: &Task) -> LeNet {
        let Rule::Sgd { rate } = task.rule else { unreachable!("W6 is trained by gradient descent") };
        let [first, second] = [0, 1].map(|k| Convolution::new(&task.convolutions[k], task.batch));
        // With one channel, ordering by channels and by images is the same.
        LeNet { x: task.x.clone(), first, second, dense: ByHand::after_images(task), rate }
    }

    fn forward(&mut self) {
        self.first.forward(&self.x);
        self.second.forward(&self.first.y);
        // The dense layers expect samples, not channels, outermost.
        transpose(&self.second.y, self.dense.input_mut(), 16, self.first.batch, 16);
        self.dense.forward();
    }

    fn backward(&mut self) {
        self.dense.backward();
        transpose(self.dense.input_gradient(), &mut self.second.dy, self.first.batch, 16, 16);
        self.second.backward(Some(&mut self.first.dy));
        self.first.backward(None);
    }

    /// The loss at the present parameters.
    fn loss(&mut self) -> f64 {
        self.forward();
        self.dense.cross_entropy()
    }

    /// Relative difference between the slope of the loss along the gradient and a central difference.
    pub fn gradient_error(&self) -> f64 {
        let mut net = self.clone();
        net.forward();
        net.backward();
        let g: Vec<f32> =
            [&net.first.gw, &net.first.gb, &net.second.gw, &net.second.gb].map(|g| &g[..]).concat();
        let slope: f64 = g.iter().map(|&g| f64::from(g) * f64::from(g)).sum();
        let step = 1e-2;
        let along = |t: f64| {
            let mut moved = self.clone();
            moved.first.w.iter_mut().zip(&net.first.gw).for_each(|(w, &g)| *w += t as f32 * g);
            moved.first.b.iter_mut().zip(&net.first.gb).for_each(|(w, &g)| *w += t as f32 * g);
            moved.second.w.iter_mut().zip(&net.second.gw).for_each(|(w, &g)| *w += t as f32 * g);
            moved.second.b.iter_mut().zip(&net.second.gb).for_each(|(w, &g)| *w += t as f32 * g);
            moved.loss()
        };
        let difference = (along(step) - along(-step)) / (2.0 * step);
        (difference - slope).abs() / slope
    }
}

/// `[rows, columns, run]` to `[columns, rows, run]`.
fn transpose(from: &[f32], to: &mut [f32], rows: usize, columns: usize, run: usize) {
    for (r, row) in from.chunks_exact(columns * run).enumerate() {
        for (c, x) in row.chunks_exact(run).enumerate() {
            to[(c * rows + r) * run..][..run].copy_from_slice(x);
        }
    }
}

impl Trainer for LeNet {
    fn step(&mut self) {
        self.forward();
        self.backward();
        self.first.update(self.rate);
        self.second.update(self.rate);
        self.dense.update();
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        self.forward();
        self.backward();
        let convolutions = [&self.first, &self.second];
        let mut all: Vec<Vec<f32>> = convolutions.iter().flat_map(|c| [c.gw.clone(), c.gb.clone()]).collect();
        all.extend(self.dense.present_gradients());
        all
    }
}
