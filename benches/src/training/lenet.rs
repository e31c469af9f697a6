//! W6: a network with two convolutions, written out.
//!
//! Each layer works image by image: the patches of an image (im2col), the product that needs them and the passes over its
//! result stay in the cache. The patches of the backward pass are copied again, which is faster than to keep them all.

use super::{ByHand, KERNEL as K, Rule, Task, Trainer};
use crate::lanes;
use crate::product::{Matrix, product};
use std::iter::repeat_with;

/// Parameters, gradients and buffers of a convolution with what follows it.
#[derive(Clone, Debug)]
struct Convolution {
    shape: Patches,
    outputs: usize,
    w: Vec<f32>,
    b: Vec<f32>,
    gw: Vec<f32>,
    gb: Vec<f32>,
    /// One for each thread.
    workers: Vec<Worker>,
    /// The convolution of every image, without bias, and later its cotangent.
    z: Vec<f32>,
    /// The result, and its cotangent.
    y: Vec<f32>,
    dy: Vec<f32>,
}

/// The buffers of a thread, which works on a part of the batch.
#[derive(Clone, Debug)]
struct Worker {
    /// The patches of one image: one row for each weight, one column for each output pixel.
    patches: Vec<f32>,
    /// The gradient of the weights, one row for each weight, and that of the bias.
    gw: Vec<f32>,
    gb: Vec<f32>,
}

impl Worker {
    fn new(shape: Patches, outputs: usize) -> Worker {
        let (rows, pixels) = (shape.rows(), shape.out() * shape.out());
        Worker { patches: vec![0.0; rows * pixels], gw: vec![0.0; rows * outputs], gb: vec![0.0; outputs] }
    }
}

impl Convolution {
    fn new(task: &super::Convolution, batch: usize) -> Convolution {
        let shape = Patches { channels: task.inputs, size: task.size };
        let pixels = shape.out() * shape.out();
        Convolution {
            shape,
            outputs: task.outputs,
            w: task.weights.clone(),
            b: task.bias.clone(),
            gw: vec![0.0; task.weights.len()],
            gb: vec![0.0; task.outputs],
            workers: vec![Worker::new(shape, task.outputs); threads()],
            z: vec![0.0; batch * task.outputs * pixels],
            y: vec![0.0; batch * task.outputs * pixels / 4],
            dy: vec![0.0; batch * task.outputs * pixels / 4],
        }
    }

    /// The elements of an image, of its convolution and of the result.
    fn extents(&self) -> [usize; 3] {
        let z = self.outputs * self.shape.out() * self.shape.out();
        [self.shape.image(), z, z / 4]
    }

    fn forward(&mut self, x: &[f32]) {
        let [image, convolved, pooled] = self.extents();
        let (shape, outputs, w, b) = (self.shape, self.outputs, &self.w, &self.b);
        let (rows, out) = (shape.rows(), shape.out());
        let per_worker = (x.len() / image).div_ceil(self.workers.len());
        let parts = self.workers.iter_mut().zip(x.chunks(per_worker * image));
        let results = self.z.chunks_mut(per_worker * convolved).zip(self.y.chunks_mut(per_worker * pooled));
        each(parts.zip(results), |((worker, x), (z, y))| {
            let images = x.chunks_exact(image).zip(z.chunks_exact_mut(convolved));
            for ((x, z), y) in images.zip(y.chunks_exact_mut(pooled)) {
                shape.unfold(x, &mut worker.patches);
                let patches = Matrix::new(&worker.patches, rows, out * out);
                product(z, Matrix::new(w, outputs, rows), patches, false);
                lanes::fast(
                    #[inline(always)]
                    || {
                        let planes = z.chunks_exact(out * out).zip(y.chunks_exact_mut(out * out / 4));
                        planes.zip(b).for_each(|((z, y), &b)| largest(z, y, b, out));
                    },
                );
            }
        });
    }

    /// From `self.dy`; into `dx`, empty if the input `x` is not differentiated.
    fn backward(&mut self, x: &[f32], dx: &mut [f32]) {
        let [image, convolved, pooled] = self.extents();
        let (shape, outputs, w) = (self.shape, self.outputs, &self.w);
        let (rows, out) = (shape.rows(), shape.out());
        let per_worker = (x.len() / image).div_ceil(self.workers.len());
        let parts = self.workers.iter_mut().zip(x.chunks(per_worker * image));
        let inputs = dx.chunks_mut(per_worker * image).chain(repeat_with(|| &mut [][..]));
        let results = self.y.chunks(per_worker * pooled).zip(self.dy.chunks_mut(per_worker * pooled));
        let convolutions = self.z.chunks_mut(per_worker * convolved).zip(results);
        each(parts.zip(inputs).zip(convolutions), |(((worker, x), dx), (z, (y, dy)))| {
            let Worker { patches, gw, gb } = worker;
            gb.fill(0.0);
            let mut inputs = dx.chunks_exact_mut(image);
            let results = y.chunks_exact(pooled).zip(dy.chunks_exact_mut(pooled));
            let images = x.chunks_exact(image).zip(z.chunks_exact_mut(convolved));
            for (n, ((x, z), (y, dy))) in images.zip(results).enumerate() {
                lanes::fast(
                    #[inline(always)]
                    || {
                        // Zero where the relu is inactive.
                        dy.iter_mut().zip(y).for_each(|(dy, &y)| *dy = if y > 0.0 { *dy } else { 0.0 });
                        let planes = z.chunks_exact_mut(out * out).zip(dy.chunks_exact(out * out / 4));
                        for ((z, dy), sum) in planes.zip(&mut *gb) {
                            spread(z, dy, out);
                            *sum += sum_of(dy);
                        }
                    },
                );
                shape.unfold(x, patches);
                let d = Matrix::new(z, outputs, out * out);
                product(gw, Matrix::new(patches, rows, out * out), d.t(), n > 0);
                if let Some(dx) = inputs.next() {
                    product(patches, Matrix::new(w, outputs, rows).t(), d, false);
                    shape.fold(patches, dx);
                }
            }
        });
        let of_workers =
            |f: fn(&Worker) -> &[f32], k: usize| self.workers.iter().map(|worker| f(worker)[k]).sum();
        for (o, row) in self.gw.chunks_exact_mut(rows).enumerate() {
            row.iter_mut()
                .enumerate()
                .for_each(|(k, g)| *g = of_workers(|worker| &worker.gw, k * outputs + o));
        }
        self.gb.iter_mut().enumerate().for_each(|(o, g)| *g = of_workers(|worker| &worker.gb, o));
    }

    fn update(&mut self, rate: f32) {
        lanes::sgd(&mut self.w, &self.gw, rate);
        lanes::sgd(&mut self.b, &self.gb, rate);
    }
}

/// The number of threads.
fn threads() -> usize {
    #[cfg(feature = "rayon")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "rayon"))]
    1
}

/// Calls `f` for every item, each on a thread of its own if there are several.
fn each<I: Send>(items: impl Iterator<Item = I>, f: impl Fn(I) + Sync) {
    #[cfg(feature = "rayon")]
    if threads() > 1 {
        let f = &f;
        return rayon::in_place_scope(|scope| items.for_each(|item| scope.spawn(move |_| f(item))));
    }
    items.for_each(f);
}

/// The largest of every 2 x 2 elements of a plane, plus `b`, or 0.
#[inline(always)]
fn largest(z: &[f32], y: &mut [f32], b: f32, out: usize) {
    for (lines, y) in z.chunks_exact(2 * out).zip(y.chunks_exact_mut(out / 2)) {
        let (upper, lower) = lines.split_at(out);
        let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        for (y, (u, l)) in y.iter_mut().zip(pairs) {
            *y = (u[0].max(u[1]).max(l[0].max(l[1])) + b).max(0.0);
        }
    }
}

/// The cotangent of every 2 x 2 elements at the largest of them, which it overwrites: vectors of four pairs.
#[inline(always)]
fn spread(z: &mut [f32], dy: &[f32], out: usize) {
    for (lines, dy) in z.chunks_exact_mut(2 * out).zip(dy.chunks_exact(out / 2)) {
        let (upper, lower) = lines.split_at_mut(out);
        let pairs = upper.as_chunks_mut::<8>().0.iter_mut().zip(lower.as_chunks_mut::<8>().0);
        for (dy, (u, l)) in dy.as_chunks::<4>().0.iter().zip(pairs) {
            let (mut max, mut d) = ([0.0f32; 8], [0.0; 8]);
            for k in 0..8 {
                max[k] = if u[k] > l[k] { u[k] } else { l[k] };
                d[k] = dy[k / 2];
            }
            let mut of_pairs = [0.0f32; 8];
            for k in 0..8 {
                of_pairs[k] = if max[k] > max[k ^ 1] { max[k] } else { max[k ^ 1] };
            }
            for k in 0..8 {
                u[k] = if u[k] == of_pairs[k] { d[k] } else { 0.0 };
                l[k] = if l[k] == of_pairs[k] { d[k] } else { 0.0 };
            }
        }
    }
}

/// The sum of many elements, in lanes.
#[inline(always)]
fn sum_of(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<16>();
    let mut lanes = [0.0; 16];
    chunks.iter().for_each(|x| lanes.iter_mut().zip(x).for_each(|(sum, x)| *sum += x));
    lanes.iter().chain(rest).sum()
}

/// The patches of an image under kernels of `K` x `K`.
#[derive(Clone, Copy, Debug)]
struct Patches {
    channels: usize,
    size: usize,
}

impl Patches {
    /// Extent of the convolution's result.
    fn out(&self) -> usize {
        self.size - K + 1
    }

    /// The elements of an image.
    fn image(&self) -> usize {
        self.channels * self.size * self.size
    }

    /// The elements of a patch.
    fn rows(&self) -> usize {
        self.channels * K * K
    }

    fn unfold(self, x: &[f32], patches: &mut [f32]) {
        lanes::fast(
            #[inline(always)]
            || match self.out() {
                24 => self.copy::<24>(x, patches),
                8 => self.copy::<8>(x, patches),
                _ => unreachable!("W6 has images of 28 x 28"),
            },
        );
    }

    fn fold(self, patches: &[f32], x: &mut [f32]) {
        x.fill(0.0);
        lanes::fast(
            #[inline(always)]
            || match self.out() {
                24 => self.add::<24>(patches, x),
                8 => self.add::<8>(patches, x),
                _ => unreachable!("W6 has images of 28 x 28"),
            },
        );
    }

    /// The position in a channel, the channel and the row of the patches of every weight, channels innermost: a row of an
    /// image is not read where it has just been written at other places of a vector.
    fn weights(self) -> impl Iterator<Item = [usize; 2]> {
        let Patches { channels, size } = self;
        (0..K * K).flat_map(move |k| {
            let at = k / K * size + k % K;
            (0..channels).map(move |c| [c * size * size + at, c * K * K + k])
        })
    }

    /// Rows of `OUT` elements are whole vectors, and a copy of them is no call.
    #[inline(always)]
    fn copy<const OUT: usize>(self, x: &[f32], patches: &mut [f32]) {
        for [at, row] in self.weights() {
            let patches = patches[row * OUT * OUT..].as_chunks_mut::<OUT>().0;
            let mut lines = &x[at..];
            for (i, patch) in patches[..OUT].iter_mut().enumerate() {
                lines = if i > 0 { &lines[self.size..] } else { lines };
                patch.copy_from_slice(&lines[..OUT]);
            }
        }
    }

    #[inline(always)]
    fn add<const OUT: usize>(self, patches: &[f32], x: &mut [f32]) {
        for [at, row] in self.weights() {
            let patches = patches[row * OUT * OUT..].as_chunks::<OUT>().0;
            let mut lines = &mut x[at..];
            for (i, patch) in patches[..OUT].iter().enumerate() {
                lines = if i > 0 { &mut lines[self.size..] } else { lines };
                lines[..OUT].iter_mut().zip(patch).for_each(|(x, &d)| *x += d);
            }
        }
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
        LeNet { x: task.x.clone(), first, second, dense: ByHand::after_images(task), rate }
    }

    fn forward(&mut self) {
        self.first.forward(&self.x);
        self.second.forward(&self.first.y);
        self.dense.input_mut().copy_from_slice(&self.second.y);
        self.dense.forward();
    }

    fn backward(&mut self) {
        self.dense.backward();
        self.second.dy.copy_from_slice(self.dense.input_gradient());
        self.second.backward(&self.first.y, &mut self.first.dy);
        self.first.backward(&self.x, &mut []);
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
