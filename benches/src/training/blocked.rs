//! Closed-form steps of the two small networks, feature-major in blocks of samples.
//!
//! A block runs through the whole network before the next begins, so its activations stay in registers and in the
//! first-level cache; the samples of a block are the lanes of the vector unit. All extents are known to the compiler.

use super::{Rule, Task, Trainer};
use pulp::{Arch, Simd, WithSimd};
use tape::element::Real;

/// `N` features of `L` samples, `L` a multiple of every vector width.
type Block<const N: usize, const L: usize> = [[f32; L]; N];

/// Weights and bias of a layer.
#[derive(Clone, Debug)]
struct Affine<const I: usize, const O: usize> {
    w: [[f32; I]; O],
    b: [f32; O],
}

/// A row as vectors.
#[inline(always)]
fn vectors<S: Simd, const L: usize>(row: &[f32; L]) -> &[S::f32s] {
    S::as_simd_f32s(row).0
}

#[inline(always)]
fn vectors_mut<S: Simd, const L: usize>(row: &mut [f32; L]) -> &mut [S::f32s] {
    S::as_mut_simd_f32s(row).0
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
    fn forward<S: Simd, const L: usize>(&self, simd: S, x: &Block<I, L>, y: &mut Block<O, L>) {
        for g in 0..L / S::F32_LANES {
            for ((y, w), &b) in y.iter_mut().zip(&self.w).zip(&self.b) {
                let mut sum = simd.splat_f32s(b);
                for (&w, x) in w.iter().zip(x) {
                    sum = simd.mul_add_e_f32s(simd.splat_f32s(w), vectors::<S, L>(x)[g], sum);
                }
                vectors_mut::<S, L>(y)[g] = sum;
            }
        }
    }

    /// `dx = (wᵀ dy) · x (1 - x)`, with `x = σ(..)` the input of the layer.
    #[inline(always)]
    fn backward<S: Simd, const L: usize>(
        &self,
        simd: S,
        dy: &Block<O, L>,
        x: &Block<I, L>,
        dx: &mut Block<I, L>,
    ) {
        let one = simd.splat_f32s(1.0);
        for g in 0..L / S::F32_LANES {
            for i in 0..I {
                let mut sum = simd.splat_f32s(0.0);
                for (w, dy) in self.w.iter().zip(dy) {
                    sum = simd.mul_add_e_f32s(simd.splat_f32s(w[i]), vectors::<S, L>(dy)[g], sum);
                }
                let x = vectors::<S, L>(&x[i])[g];
                let slope = simd.mul_f32s(x, simd.sub_f32s(one, x));
                vectors_mut::<S, L>(&mut dx[i])[g] = simd.mul_f32s(sum, slope);
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

/// Room for the widest vector.
const WIDEST: usize = 16;

/// Gradients of a layer, one sum for each lane of a vector.
#[derive(Clone, Debug)]
struct Sums<const I: usize, const O: usize> {
    w: [[[f32; WIDEST]; I]; O],
    b: [[f32; WIDEST]; O],
}

impl<const I: usize, const O: usize> Sums<I, O> {
    const ZERO: Self = Sums { w: [[[0.0; WIDEST]; I]; O], b: [[0.0; WIDEST]; O] };

    /// Adds the gradients of a block.
    #[inline(always)]
    fn add<S: Simd, const L: usize>(&mut self, simd: S, dy: &Block<O, L>, x: &Block<I, L>) {
        for j in 0..O {
            let dy = vectors::<S, L>(&dy[j]);
            let bias = &mut vectors_mut::<S, WIDEST>(&mut self.b[j])[0];
            *bias = dy.iter().fold(*bias, |sum, &dy| simd.add_f32s(sum, dy));
            for (total, x) in self.w[j].iter_mut().zip(x) {
                let total = &mut vectors_mut::<S, WIDEST>(total)[0];
                let pairs = dy.iter().zip(vectors::<S, L>(x));
                *total = pairs.fold(*total, |sum, (&dy, &x)| simd.mul_add_e_f32s(dy, x, sum));
            }
        }
    }

    /// The sums over the lanes.
    #[inline(always)]
    fn total<S: Simd>(&self, simd: S, to: &mut Affine<I, O>) {
        let total = |lanes: &[f32; WIDEST]| simd.reduce_sum_f32s(vectors::<S, WIDEST>(lanes)[0]);
        for j in 0..O {
            to.b[j] = total(&self.b[j]);
            for i in 0..I {
                to.w[j][i] = total(&self.w[j][i]);
            }
        }
    }
}

#[inline(always)]
fn sigmoid<const N: usize, const L: usize>(x: &mut Block<N, L>) {
    x.as_flattened_mut().iter_mut().for_each(|x| *x = Real::sigmoid(*x));
}

/// Rows of a batch as blocks; missing samples of the last one are 0.
fn blocks<const N: usize, const L: usize>(rows: &[f32]) -> Vec<Block<N, L>> {
    let block = |rows: &[f32]| {
        let mut block = [[0.0; L]; N];
        for (s, row) in rows.chunks_exact(N).enumerate() {
            for (i, &x) in row.iter().enumerate() {
                block[i][s] = x;
            }
        }
        block
    };
    rows.chunks(L * N).map(block).collect()
}

/// `d = weight · (o - y)`; the weight is 0 for missing samples.
#[inline(always)]
fn residual<const N: usize, const L: usize>(
    o: &Block<N, L>,
    y: &Block<N, L>,
    weight: &[f32; L],
    d: &mut Block<N, L>,
) {
    for ((d, o), y) in d.iter_mut().zip(o).zip(y) {
        for (((d, &o), &y), &weight) in d.iter_mut().zip(o).zip(y).zip(weight) {
            *d = weight * (o - y);
        }
    }
}

/// Samples in the block of W1, of which 8 are present.
const L1: usize = 16;

/// 10-3-2, sigmoid, batch 8: one block.
#[derive(Clone, Debug)]
pub struct BlockedW1 {
    x: Block<10, L1>,
    target: Block<2, L1>,
    weight: [f32; L1],
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
            weight: blocks::<1, L1>(&[2.0 / 8.0; 8])[0][0],
            layers: (Affine::from_task(task, 0), Affine::from_task(task, 1)),
            gradients: (Affine::ZERO, Affine::ZERO),
            rate,
        }
    }

    fn update(&mut self) {
        let rate = self.rate;
        self.layers.0.pairs(&self.gradients.0).for_each(|(p, &g)| *p -= rate * g);
        self.layers.1.pairs(&self.gradients.1).for_each(|(p, &g)| *p -= rate * g);
    }
}

/// Forward and backward.
struct Pass<'a, N>(&'a mut N);

impl WithSimd for Pass<'_, BlockedW1> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let net = self.0;
        let (mut h, mut o, mut d) = ([[0.0; L1]; 3], [[0.0; L1]; 2], [[0.0; L1]; 2]);
        net.layers.0.forward(simd, &net.x, &mut h);
        sigmoid(&mut h);
        net.layers.1.forward(simd, &h, &mut o);
        sigmoid(&mut o);
        residual(&o, &net.target, &net.weight, &mut d);
        for (d, &o) in d.as_flattened_mut().iter_mut().zip(o.as_flattened()) {
            *d *= o * (1.0 - o);
        }
        let mut dh = [[0.0; L1]; 3];
        net.layers.1.backward(simd, &d, &h, &mut dh);
        let (mut s1, mut s0) = (Sums::ZERO, Sums::ZERO);
        s1.add(simd, &d, &h);
        s1.total(simd, &mut net.gradients.1);
        s0.add(simd, &dh, &net.x);
        s0.total(simd, &mut net.gradients.0);
    }
}

impl Trainer for BlockedW1 {
    fn step(&mut self) {
        Arch::new().dispatch(Pass(&mut *self));
        self.update();
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        Arch::new().dispatch(Pass(&mut *self));
        [self.gradients.0.vectors(), self.gradients.1.vectors()].concat()
    }
}

/// Parameters, gradients or momenta of W2.
type LayersW2 = (Affine<3, 10>, Affine<10, 5>, Affine<5, 1>);

/// Samples of a block of W2.
const L2: usize = 64;

/// 3-10-5-1, sigmoid, sigmoid, linear, in blocks of 64 samples.
#[derive(Clone, Debug)]
pub struct BlockedW2 {
    x: Vec<Block<3, L2>>,
    target: Vec<Block<1, L2>>,
    /// Twice the weight of each sample in the mean: 0 for the samples that fill the last block.
    weight: Vec<Block<1, L2>>,
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

impl WithSimd for Pass<'_, BlockedW2> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let net = self.0;
        let (mut s0, mut s1, mut s2) = (Sums::ZERO, Sums::ZERO, Sums::ZERO);
        let (mut h, mut k, mut o) = ([[0.0; L2]; 10], [[0.0; L2]; 5], [[0.0; L2]; 1]);
        let (mut dh, mut dk, mut d) = (h, k, o);
        for ((x, y), weight) in net.x.iter().zip(&net.target).zip(&net.weight) {
            net.layers.0.forward(simd, x, &mut h);
            sigmoid(&mut h);
            net.layers.1.forward(simd, &h, &mut k);
            sigmoid(&mut k);
            net.layers.2.forward(simd, &k, &mut o);
            residual(&o, y, &weight[0], &mut d);
            net.layers.2.backward(simd, &d, &k, &mut dk);
            net.layers.1.backward(simd, &dk, &h, &mut dh);
            s2.add(simd, &d, &k);
            s1.add(simd, &dk, &h);
            s0.add(simd, &dh, x);
        }
        s0.total(simd, &mut net.gradients.0);
        s1.total(simd, &mut net.gradients.1);
        s2.total(simd, &mut net.gradients.2);
    }
}

impl Trainer for BlockedW2 {
    fn step(&mut self) {
        Arch::new().dispatch(Pass(&mut *self));
        self.update();
    }

    fn gradients(&mut self) -> Vec<Vec<f32>> {
        Arch::new().dispatch(Pass(&mut *self));
        let (a, b, c) = &self.gradients;
        [a.vectors(), b.vectors(), c.vectors()].concat()
    }
}
