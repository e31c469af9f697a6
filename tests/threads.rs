//! Training on any number of threads: the same weights, to the last bit. With the feature `rayon`.

use nn::data::{Dataset, Loader};
use nn::optim::{Adam, AdamW, Optimizer, Sgd};
use nn::train::Shards;
use nn::{
    Context, Conv2d, Flatten, Linear, MaxPool2d, Module, Parameters, Path, Relu, Sequential, Tanh,
    TransformerBlock, loss, mlp,
};
use rand::{SeedableRng, rngs::StdRng};
use rayon::ThreadPoolBuilder;
use tape::{Element, Scalar, Tape, Tensor, Var, parallel};

const STEPS: usize = 3;

/// Numbers in [-1, 1] that differ.
fn numbers<T: Element>(shape: &[usize]) -> Tensor<T> {
    let mut i = 0u32;
    Tensor::from_fn(shape, |_| {
        i += 1;
        T::from_f64((f64::from(i) * 0.7).sin())
    })
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

/// Where the model is after some steps, as bits: the losses, then the parameters.
type Bits = Vec<u64>;

impl<M: Module<T> + Parameters<T>, T: Element> Task<M, T> {
    fn train(&self, optimizer: &mut dyn Optimizer<T>) -> Bits
    where
        M: Clone,
    {
        let mut model = self.model.clone();
        let (mut tape, mut cx) = (Tape::of(), Context::train(StdRng::seed_from_u64(1)));
        let mut bits = Vec::new();
        for _step in 0..STEPS {
            let loss = (self.loss)(model.forward(tape.constant(self.x.clone()), &mut cx), &self.y);
            bits.push(loss.value().to_bits64());
            let grads = loss.backward();
            tape.reset();
            optimizer.step(&mut model, &grads);
        }
        bits.extend(weights(&model));
        bits
    }

    fn train_in_shards(&self, count: usize, optimizer: &mut dyn Optimizer<T>) -> Bits
    where
        M: Clone,
    {
        let mut model = self.model.clone();
        let mut shards = Shards::train(count, &mut StdRng::seed_from_u64(1)).unwrap();
        let mut bits = Vec::new();
        for _step in 0..STEPS {
            let value = shards.backward(&model, &self.x, &self.y, self.loss).unwrap();
            bits.push(value.to_bits());
            optimizer.step(&mut model, shards.gradients());
        }
        bits.extend(weights(&model));
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

/// The same bits everywhere: runs on one thread, where nothing may be handed over, then on 2, 3 and 7, where something must
/// be in every step.
fn same(name: &str, train: impl Fn() -> Bits + Sync) {
    let on = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let before = parallel::parallel_calls();
        let bits = pool.install(&train);
        (bits, parallel::parallel_calls() - before)
    };
    let (alone, parallel_calls) = on(1);
    assert_eq!(parallel_calls, 0, "{name}: one thread has no other to hand work to");
    for threads in [2, 3, 7] {
        let (together, parallel_calls) = on(threads);
        assert!(together == alone, "{name}: other bits on {threads} threads");
        assert!(
            parallel_calls >= STEPS as u64,
            "{name}: {parallel_calls} pieces of work on {threads} threads"
        );
    }
}

fn dense<T: Element>() -> Task<Sequential<T>, T> {
    let model = mlp(&[203, 401, 303, 7], Tanh, nn::Identity, &mut StdRng::seed_from_u64(0));
    Task { model, x: numbers(&[351, 203]), y: numbers(&[351, 7]), loss: mse }
}

fn convolutions<T: Element>() -> Task<Sequential<T>, T> {
    let mut rng = StdRng::seed_from_u64(0);
    let model = Sequential::new()
        .push(Conv2d::new(1, 6, [5, 5], &mut rng).padding([2, 2]))
        .push(Relu)
        .push(MaxPool2d::new([2, 2]))
        .push(Conv2d::new(6, 12, [3, 3], &mut rng))
        .push(Relu)
        .push(Flatten)
        .push(Linear::new(12 * 12 * 12, 10, &mut rng));
    Task { model, x: numbers(&[33, 1, 28, 28]), y: numbers(&[33, 10]), loss: mse }
}

fn attention<T: Element>() -> Task<TransformerBlock<T>, T> {
    let mut rng = StdRng::seed_from_u64(0);
    let model = TransformerBlock::new(48, 4, 96, &mut rng).norm_first().causal().dropout(0.1);
    Task { model, x: numbers(&[17, 41, 48]), y: numbers(&[17, 41, 48]), loss: mse }
}

/// All numbers of threads for one task, in both number types. One test, because what is handed over is counted in the
/// whole process.
#[test]
fn training_gives_the_same_bits_on_any_number_of_threads() {
    same("dense", || dense::<f32>().train(&mut Adam::new(1e-3)));
    same("dense, f64", || dense::<f64>().train(&mut Sgd::new(1e-2).momentum(0.9)));
    same("convolutions", || convolutions::<f32>().train(&mut Sgd::new(1e-2).momentum(0.9)));
    same("convolutions, f64", || convolutions::<f64>().train(&mut Adam::new(1e-3)));
    same("attention", || attention::<f32>().train(&mut AdamW::new(1e-3)));
    same("attention, f64", || attention::<f64>().train(&mut Adam::new(1e-3)));
    same("dense in shards", || dense::<f64>().train_in_shards(5, &mut Sgd::new(1e-2)));
    same("convolutions in shards", || convolutions::<f32>().train_in_shards(4, &mut Adam::new(1e-3)));
    same("attention in shards", || attention::<f32>().train_in_shards(3, &mut Adam::new(1e-3)));
    same("shards of the batches of a loader", loader);
}

/// A whole small run: epochs of shuffled batches, each in shards.
fn loader() -> Bits {
    let Task { mut model, x, y, loss } = dense::<f64>();
    let mut rng = StdRng::seed_from_u64(3);
    let data = Dataset::new(x, y).unwrap();
    let mut loader = Loader::new(&data, 150).unwrap().drop_last();
    let mut shards = Shards::train(4, &mut rng).unwrap();
    let mut optimizer = Adam::new(1e-3);
    for _epoch in 0..2 {
        for (x, y) in loader.epoch(&mut rng) {
            shards.backward(&model, &x, &y, loss).unwrap();
            optimizer.step(&mut model, shards.gradients());
        }
    }
    weights(&model)
}
