//! Short trainings whose losses and weights are compared bit for bit: between runs, threads, builds and processors.

use nn::data::{Dataset, Loader};
use nn::optim::{Adam, AdamW, Optimizer, Sgd};
use nn::train::Shards;
use nn::{
    Context, Conv2d, Flatten, Identity, Linear, MaxPool2d, Module, Parameters, Path, Relu, Sequential, Tanh,
    TransformerBlock, loss, mlp,
};
use rand::{SeedableRng, rngs::StdRng};
use tape::{Element, Program, Scalar, Tape, Tensor, Var};

/// The number of steps of each training, or more.
pub const STEPS: usize = 3;

/// The losses of the steps, then the parameters, as bits.
pub type Bits = Vec<u64>;

/// A training from fixed seeds.
pub struct Training {
    /// The name, of one word.
    pub name: &'static str,
    /// Whether the bits are the same on every processor: no matrix product is large enough for the crate `gemm`, whose
    /// kernels differ.
    pub portable: bool,
    /// Runs it with batches of this many parts of the full size, out of [`FULL`].
    pub run: fn(usize) -> Bits,
}

/// The size at which every training that is not portable distributes work over several threads in each step.
pub const FULL: usize = 32;

/// The size for a quick comparison.
pub const QUICK: usize = 1;

/// All trainings.
pub const TRAININGS: [Training; 13] = [
    Training { name: "dense-f32", portable: false, run: |n| dense::<f32>(n).train(&mut Adam::new(1e-3)) },
    Training { name: "dense-f64", portable: false, run: |n| dense::<f64>(n).train(&mut sgd()) },
    Training { name: "convolutions-f32", portable: false, run: |n| images::<f32>(n).train(&mut sgd()) },
    Training {
        name: "convolutions-f64",
        portable: false,
        run: |n| images::<f64>(n).train(&mut Adam::new(1e-3)),
    },
    Training {
        name: "attention-f32",
        portable: false,
        run: |n| attention::<f32>(n).train(&mut AdamW::new(1e-3)),
    },
    Training {
        name: "attention-f64",
        portable: false,
        run: |n| attention::<f64>(n).train(&mut Adam::new(1e-3)),
    },
    Training {
        name: "dense-in-shards",
        portable: false,
        run: |n| dense::<f64>(n).train_in_shards(5, &mut Sgd::new(1e-2)),
    },
    Training {
        name: "convolutions-in-shards",
        portable: false,
        run: |n| images::<f32>(n).train_in_shards(4, &mut Adam::new(1e-3)),
    },
    Training {
        name: "attention-in-shards",
        portable: false,
        run: |n| attention::<f32>(n).train_in_shards(3, &mut Adam::new(1e-3)),
    },
    Training { name: "shards-of-a-loader", portable: false, run: loader },
    Training { name: "small-products", portable: true, run: |_| small().train(&mut Adam::new(1e-2)) },
    Training { name: "scalars", portable: true, run: |_| scalars() },
    Training { name: "program", portable: true, run: |_| program() },
];

/// A hash of bits: FNV-1a, byte by byte.
pub fn hash(bits: &[u64]) -> u64 {
    let bytes = bits.iter().flat_map(|x| x.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The kernels that `gemm` chooses on this processor: all that the bits of a training depend on beside its code, unless a
/// product is longer than a block of the cache.
pub fn instruction_set() -> &'static str {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if std::arch::is_x86_feature_detected!("avx512f") {
        return "x86-avx512f";
    } else if std::arch::is_x86_feature_detected!("fma") {
        return "x86-fma";
    }
    if cfg!(target_arch = "aarch64") { "aarch64" } else { "scalar" }
}

/// Values in [-1, 1] that differ. No function of the platform is called.
fn numbers<T: Element>(shape: &[usize]) -> Tensor<T> {
    let mut i = 0;
    Tensor::from_fn(shape, |_| {
        i = (i + 271) % 997;
        T::from_f64(f64::from(i) / 498.0 - 1.0)
    })
}

fn sgd<T: Element>() -> Sgd<T> {
    Sgd::new(1e-2).momentum(0.9)
}

/// A model, its batch and what is minimised.
struct Task<M, T: Element> {
    model: M,
    x: Tensor<T>,
    y: Tensor<T>,
    loss: for<'t> fn(Var<'t, T>, &Tensor<T>) -> Scalar<'t, T>,
}

fn mse<'t, T: Element>(output: Var<'t, T>, y: &Tensor<T>) -> Scalar<'t, T> {
    loss::squared_error(output, y).mean()
}

impl<M: Module<T> + Parameters<T>, T: Element> Task<M, T> {
    fn train(mut self, optimizer: &mut dyn Optimizer<T>) -> Bits {
        let (mut tape, mut cx) = (Tape::of(), Context::train(StdRng::seed_from_u64(1)));
        let mut bits = Vec::new();
        for _step in 0..STEPS {
            let loss = (self.loss)(self.model.forward(tape.constant(self.x.clone()), &mut cx), &self.y);
            bits.push(loss.value().to_bits64());
            let grads = loss.backward();
            tape.reset();
            optimizer.step(&mut self.model, &grads);
        }
        bits.extend(weights(&self.model));
        bits
    }

    fn train_in_shards(mut self, count: usize, optimizer: &mut dyn Optimizer<T>) -> Bits {
        let mut shards = Shards::train(count, &mut StdRng::seed_from_u64(1)).expect("a few shards");
        let mut bits = Vec::new();
        for _step in 0..STEPS {
            let value = shards.backward(&self.model, &self.x, &self.y, self.loss).expect("a batch to cut");
            bits.push(value.to_bits());
            optimizer.step(&mut self.model, shards.gradients());
        }
        bits.extend(weights(&self.model));
        bits
    }
}

fn weights<T: Element>(model: &impl Parameters<T>) -> Bits {
    let mut bits = Vec::new();
    model.visit(&Path::root(), &mut |_, param| {
        bits.extend(param.value().to_vec().iter().map(|x| x.to_bits64()))
    });
    bits
}

fn dense<T: Element>(parts: usize) -> Task<Sequential<T>, T> {
    let model = mlp(&[203, 401, 303, 7], Tanh, Identity, &mut StdRng::seed_from_u64(0));
    let n = 11 * parts;
    Task { model, x: numbers(&[n, 203]), y: numbers(&[n, 7]), loss: mse }
}

fn images<T: Element>(parts: usize) -> Task<Sequential<T>, T> {
    let mut rng = StdRng::seed_from_u64(0);
    let model = Sequential::new()
        .push(Conv2d::new(1, 6, [5, 5], &mut rng).padding([2, 2]))
        .push(Relu)
        .push(MaxPool2d::new([2, 2]))
        .push(Conv2d::new(6, 12, [3, 3], &mut rng))
        .push(Relu)
        .push(Flatten)
        .push(Linear::new(12 * 12 * 12, 10, &mut rng));
    let n = parts + 4;
    Task { model, x: numbers(&[n, 1, 28, 28]), y: numbers(&[n, 10]), loss: mse }
}

fn attention<T: Element>(parts: usize) -> Task<TransformerBlock<T>, T> {
    let mut rng = StdRng::seed_from_u64(0);
    let model = TransformerBlock::new(48, 4, 96, &mut rng).norm_first().causal().dropout(0.1);
    let n = parts / 2 + 3;
    Task { model, x: numbers(&[n, 41, 48]), y: numbers(&[n, 41, 48]), loss: mse }
}

/// A network with each product below the size from which `gemm` is called.
fn small() -> Task<Sequential<f64>, f64> {
    let model = mlp(&[3, 8, 8, 1], Tanh, Identity, &mut StdRng::seed_from_u64(0));
    Task { model, x: numbers(&[20, 3]), y: numbers(&[20, 1]), loss: mse }
}

/// Two epochs of shuffled batches, each in shards.
fn loader(parts: usize) -> Bits {
    let Task { mut model, x, y, loss } = dense::<f64>(parts);
    let mut rng = StdRng::seed_from_u64(3);
    let data = Dataset::new(x, y).expect("as many rows");
    let mut loader = Loader::new(&data, 4 + 4 * parts).expect("a batch size").drop_last();
    let mut shards = Shards::train(4, &mut rng).expect("a few shards");
    let mut optimizer = Adam::new(1e-3);
    for _epoch in 0..2 {
        for (x, y) in loader.epoch(&mut rng) {
            shards.backward(&model, &x, &y, loss).expect("a batch to cut");
            optimizer.step(&mut model, shards.gradients());
        }
    }
    weights(&model)
}

/// A neuron of scalars, with functions of several kinds.
fn neuron<'t>(w: [Scalar<'t>; 4], x: Scalar<'t>) -> Scalar<'t> {
    (w[0] * x + w[1]).tanh() * w[2] + (w[3] * x).sin().exp().log1p() / (x.square() + 1.0).sqrt()
}

/// Gradient descent, scalar by scalar on the tape.
fn scalars() -> Bits {
    let (mut w, mut bits) = ([0.3, -0.2, 0.7, 1.1], Vec::new());
    for _step in 0..20 {
        let tape = Tape::new();
        let leaves = w.map(|w| tape.scalar(w));
        let points = numbers::<f64>(&[30]).to_vec();
        let terms = points.iter().map(|&x| (neuron(leaves, tape.scalar_constant(x)) - x.powi(2)).square());
        let loss = terms.fold(tape.scalar_constant(0.0), |sum, term| sum + term);
        bits.push(loss.value().to_bits());
        let slopes = loss.backward().wrt(leaves);
        w.iter_mut().zip(slopes).for_each(|(w, slope)| *w -= 0.003 * slope);
    }
    bits.extend(w.map(f64::to_bits));
    bits
}

/// Gradient descent with a program that runs in lanes, enough of them to be distributed over several threads.
fn program() -> Bits {
    let error = Program::new(|p| {
        let (w, [x, y]) = (p.group("w", 4), p.inputs(["x", "y"]));
        (neuron([w[0], w[1], w[2], w[3]], x) - y).square()
    });
    let error = error.wrt(&["w"]);
    let (mut w, mut bits) = (Tensor::from([0.3, -0.2, 0.7, 1.1]), Vec::new());
    let (x, y) = (numbers(&[10_001]), numbers::<f64>(&[10_001]).square());
    for _step in 0..STEPS {
        let (sum, slopes) = error.sum_lanes(&[&w, &x, &y]);
        bits.push(sum.item().to_bits());
        w = &w - &(&slopes[0] * 1e-5);
    }
    bits.extend(w.to_vec().into_iter().map(f64::to_bits));
    bits
}
