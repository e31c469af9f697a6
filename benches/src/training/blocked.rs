//! Closed-form steps of the two small networks, feature-major in blocks of samples.
//!
//! A block runs through the whole network before the next begins, so its activations stay in registers and in the
//! first-level cache; the samples of a block are the lanes of the vector unit. All extents are known to the compiler.

use super::{Rule, Task, Trainer};
use crate::lanes::fast;
use tape::element::Real;

/// `N` features of a block: `B` groups of `G` samples.
type Block<const N: usize, const B: usize, const G: usize> = [[[f32; G]; B]; N];

/// Weights and bias of a layer.
#[derive(Clone, Debug)]
struct Affine<const I: usize, const O: usize> {
    w: [[f32; I]; O],
    b: [f32; O],
}

impl<const I: usize, const O: usize> Affine<I, O> {
    const ZERO: Self = Affine { w: [[0.0; I]; O], b: [0.0; O] };

    fn from_task(task: &Task, k: usize) -> Self {
        let dense = &task.layers[k];
        let mut affine = Self::ZERO;
        affine.w.as_flattened_mut().copy_from_slice(&dense.weights);
        affine.b.copy_from_slice(&dense.bias);
        affine
    }

    /// `y = w x + b`.
    #[inline(always)]
    fn forward<const B: usize, const G: usize>(&self, x: &Block<I, B, G>, y: &mut Block<O, B, G>) {
        for g in 0..B {
            for j in 0..O {
                let mut sum = [self.b[j]; G];
                for i in 0..I {
                    for l in 0..G {
                        sum[l] += self.w[j][i] * x[i][g][l];
                    }
                }
                y[j][g] = sum;
            }
        }
    }

    /// `dx = (wᵀ dy) · y (1 - y)`, with `x = σ(..)` the input of the layer.
    #[inline(always)]
    fn backward<const B: usize, const G: usize>(
        &self,
        dy: &Block<O, B, G>,
        x: &Block<I, B, G>,
        dx: &mut Block<I, B, G>,
    ) {
        for g in 0..B {
            for i in 0..I {
                let mut sum = [0.0; G];
                for j in 0..O {
                    for l in 0..G {
                        sum[l] += self.w[j][i] * dy[j][g][l];
                    }
                }
                for l in 0..G {
                    dx[i][g][l] = sum[l] * (x[i][g][l] * (1.0 - x[i][g][l]));
                }
            }
        }
    }

    fn pairs<'a>(&'a mut self, other: &'a Self) -> impl Iterator<Item = (&'a mut f32, &'a f32)> {
        let w = self.w.as_flattened_mut().iter_mut().zip(other.w.as_flattened());
        w.chain(self.b.iter_mut().zip(&other.b))
    }

    fn vectors(&self) -> [Vec<f32>; 2] {
        [self.w.as_flattened().to_vec(), self.b.to_vec()]
    }
}

/// Gradients of a layer, one sum for each lane.
#[derive(Clone, Debug)]
struct Sums<const I: usize, const O: usize, const G: usize> {
    w: [[[f32; G]; I]; O],
    b: [[f32; G]; O],
}

impl<const I: usize, const O: usize, const G: usize> Sums<I, O, G> {
    const ZERO: Self = Sums { w: [[[0.0; G]; I]; O], b: [[0.0; G]; O] };

    /// Adds the gradients of a block.
    #[inline(always)]
    fn add<const B: usize>(&mut self, dy: &Block<O, B, G>, x: &Block<I, B, G>) {
        for j in 0..O {
            for g in 0..B {
                for l in 0..G {
                    self.b[j][l] += dy[j][g][l];
                }
            }
            for i in 0..I {
                let mut sum = self.w[j][i];
                for g in 0..B {
                    for l in 0..G {
                        sum[l] += dy[j][g][l] * x[i][g][l];
                    }
                }
                self.w[j][i] = sum;
            }
        }
    }

    /// The sums over the lanes.
    #[inline(always)]
    fn total(&self, to: &mut Affine<I, O>) {
        for j in 0..O {
            to.b[j] = lanes_total(self.b[j]);
            for i in 0..I {
                to.w[j][i] = lanes_total(self.w[j][i]);
            }
        }
    }
}

/// Halves are added until one number is left.
#[inline(always)]
fn lanes_total<const G: usize>(mut lanes: [f32; G]) -> f32 {
    let mut width = G;
    while width > 1 {
        width /= 2;
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
    }
    lanes[0]
}

#[inline(always)]
fn sigmoid<const N: usize, const B: usize, const G: usize>(x: &mut Block<N, B, G>) {
    x.as_flattened_mut().as_flattened_mut().iter_mut().for_each(|x| *x = Real::sigmoid(*x));
}

/// Rows of a batch as blocks; what is missing in the last one is 0.
fn blocks<const N: usize, const B: usize, const G: usize>(rows: &[f32]) -> Vec<Block<N, B, G>> {
    let block = |rows: &[f32]| {
        let mut block = [[[0.0; G]; B]; N];
        for (s, row) in rows.chunks_exact(N).enumerate() {
            for (i, &x) in row.iter().enumerate() {
                block[i][s / G][s % G] = x;
            }
        }
        block
    };
    rows.chunks(B * G * N).map(block).collect()
}

/// 10-3-2, sigmoid, batch 8: one block of 8 samples.
#[derive(Clone, Debug)]
pub struct BlockedW1 {
    x: Block<10, 1, 8>,
    target: Block<2, 1, 8>,
    layers: (Affine<10, 3>, Affine<3, 2>),
    gradients: (Affine<10, 3>, Affine<3, 2>),
    rate: f32,
}

impl BlockedW1 {
    /// At the initial parameters of [`Task::w1`].
    pub fn new(task: &Task) -> BlockedW1 {
        let Rule::Sgd { rate } = task.rule else { unreachable!("W1 is trained by gradient descent") };
        BlockedW1 {
            x: blocks(&task.x)[0],
            target: blocks(&task.y)[0],
            layers: (Affine::from_task(task, 0), Affine::from_task(task, 1)),
            gradients: (Affine::ZERO, Affine::ZERO),
            rate,
        }
    }

    #[inline(always)]
    fn run(&mut self) {
        let (mut h, mut o) = ([[[0.0; 8]]; 3], [[[0.0; 8]]; 2]);
        self.layers.0.forward(&self.x, &mut h);
        sigmoid(&mut h);
        self.layers.1.forward(&h, &mut o);
        sigmoid(&mut o);
        for (o, y) in o.iter_mut().zip(&self.target) {
            for (o, &y) in o[0].iter_mut().zip(&y[0]) {
                *o = 2.0 / 8.0 * (*o - y) * (*o * (1.0 - *o));
            }
        }
        let mut dh = [[[0.0; 8]]; 3];
        self.layers.1.backward(&o, &h, &mut dh);
        let (mut s1, mut s0) = (Sums::ZERO, Sums::ZERO);
        s1.add(&o, &h);
        s1.total(&mut self.gradients.1);
        s0.add(&dh, &self.x);
        s0.total(&mut self.gradients.0);
    }
}

impl Trainer for BlockedW1 {
    fn step(&mut self) {
        fast(
            #[inline(always)]
            || {
                self.run();
                let rate = self.rate;
                self.layers.0.pairs(&self.gradients.0).for_each(|(p, &g)| *p -= rate * g);
                self.layers.1.pairs(&self.gradients.1).for_each(|(p, &g)| *p -= rate * g);
            },
        );
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        self.run();
        [self.gradients.0.vectors(), self.gradients.1.vectors()].concat()
    }
}

/// Parameters, gradients or momenta of W2.
type LayersW2 = (Affine<3, 10>, Affine<10, 5>, Affine<5, 1>);

/// Groups of a block of W2 and samples of a group.
const B: usize = 4;
const G: usize = 16;

/// 3-10-5-1, sigmoid, sigmoid, linear, in blocks of 64 samples.
#[derive(Clone, Debug)]
pub struct BlockedW2 {
    x: Vec<Block<3, B, G>>,
    target: Vec<Block<1, B, G>>,
    /// Twice the weight of each sample in the mean: 0 for the samples that fill the last block.
    weight: Vec<Block<1, B, G>>,
    layers: LayersW2,
    gradients: LayersW2,
    momenta: LayersW2,
    rate: f32,
    momentum: f32,
}

impl BlockedW2 {
    /// At the initial parameters of [`Task::w2`].
    pub fn new(task: &Task) -> BlockedW2 {
        let Rule::Momentum { rate, momentum } = task.rule else {
            unreachable!("W2 is trained with momentum")
        };
        BlockedW2 {
            x: blocks(&task.x),
            target: blocks(&task.y),
            weight: blocks(&vec![2.0 / task.batch as f32; task.batch]),
            layers: (Affine::from_task(task, 0), Affine::from_task(task, 1), Affine::from_task(task, 2)),
            gradients: (Affine::ZERO, Affine::ZERO, Affine::ZERO),
            momenta: (Affine::ZERO, Affine::ZERO, Affine::ZERO),
            rate,
            momentum,
        }
    }

    #[inline(always)]
    fn run(&mut self) {
        let (mut s0, mut s1, mut s2) = (Sums::ZERO, Sums::ZERO, Sums::ZERO);
        let (mut h, mut k, mut o) = ([[[0.0; G]; B]; 10], [[[0.0; G]; B]; 5], [[[0.0; G]; B]; 1]);
        let (mut dh, mut dk) = (h, k);
        for ((x, y), weight) in self.x.iter().zip(&self.target).zip(&self.weight) {
            self.layers.0.forward(x, &mut h);
            sigmoid(&mut h);
            self.layers.1.forward(&h, &mut k);
            sigmoid(&mut k);
            self.layers.2.forward(&k, &mut o);
            for g in 0..B {
                for l in 0..G {
                    o[0][g][l] = weight[0][g][l] * (o[0][g][l] - y[0][g][l]);
                }
            }
            self.layers.2.backward(&o, &k, &mut dk);
            self.layers.1.backward(&dk, &h, &mut dh);
            s2.add(&o, &k);
            s1.add(&dk, &h);
            s0.add(&dh, x);
        }
        s0.total(&mut self.gradients.0);
        s1.total(&mut self.gradients.1);
        s2.total(&mut self.gradients.2);
    }

    #[inline(always)]
    fn update(&mut self) {
        let (rate, momentum) = (self.rate, self.momentum);
        let keep = |(v, &g): (&mut f32, &f32)| *v = momentum * *v + g;
        self.momenta.0.pairs(&self.gradients.0).for_each(keep);
        self.momenta.1.pairs(&self.gradients.1).for_each(keep);
        self.momenta.2.pairs(&self.gradients.2).for_each(keep);
        let descend = |(p, &v): (&mut f32, &f32)| *p -= rate * v;
        self.layers.0.pairs(&self.momenta.0).for_each(descend);
        self.layers.1.pairs(&self.momenta.1).for_each(descend);
        self.layers.2.pairs(&self.momenta.2).for_each(descend);
    }
}

impl Trainer for BlockedW2 {
    fn step(&mut self) {
        fast(
            #[inline(always)]
            || {
                self.run();
                self.update();
            },
        );
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        self.run();
        let (a, b, c) = &self.gradients;
        [a.vectors(), b.vectors(), c.vectors()].concat()
    }
}
