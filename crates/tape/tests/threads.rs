//! The kernels give the same results on any number of threads, to the last bit.
#![cfg(feature = "rayon")]

use rayon::ThreadPoolBuilder;
use tape::ops::{AvgWindows, Conv2d, Window};
use tape::{Element, ParamId, Program, Replay, Tape, Tensor, Var, parallel};

/// Values in [-1, 1] without a pattern in which errors of a sum would cancel.
fn numbers<T: Element>(shape: &[usize], seed: usize) -> Tensor<T> {
    let size = shape.iter().product();
    let mut state = seed as u64 + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::from_f64((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
    };
    Tensor::from_vec(shape, (0..size).map(next).collect()).unwrap()
}

fn bits<T: Element>(x: &Tensor<T>) -> Vec<u64> {
    x.to_vec().into_iter().map(|x| x.to_bits64()).collect()
}

/// An operation on leaves of these shapes. The value and all gradients must have the same bits for every
/// number of threads, and both sweeps must have distributed work.
struct Case {
    name: &'static str,
    shapes: &'static [&'static [usize]],
}

impl Case {
    fn check<T: Element>(&self, op: impl for<'t> Fn(&[Var<'t, T>]) -> Var<'t, T> + Sync) {
        let leaves: Vec<Tensor<T>> =
            self.shapes.iter().enumerate().map(|(seed, shape)| numbers(shape, seed)).collect();
        let run = || {
            let tape = Tape::of();
            let x: Vec<Var<'_, T>> = leaves.iter().map(|x| tape.var(x.clone())).collect();
            let start = parallel::parallel_calls();
            let y = op(&x);
            let middle = parallel::parallel_calls();
            let cotangent = numbers(&y.shape(), 99);
            let grads = y.vjp(cotangent);
            let end = parallel::parallel_calls();
            let mut all = vec![bits(&y.value())];
            all.extend(x.iter().map(|&x| bits(&grads.wrt(x))));
            (all, [middle - start, end - middle])
        };
        let on = |threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run);
        let (alone, parallel_calls) = on(1);
        let name = format!("{} in {}", self.name, T::NAME);
        assert_eq!(parallel_calls, [0, 0], "{name}: one thread has no other to hand work to");
        for threads in [2, 3, 7] {
            let (together, parallel_calls) = on(threads);
            assert!(together == alone, "{name}: different bits on {threads} threads");
            assert!(
                !parallel_calls.contains(&0),
                "{name}: {parallel_calls:?} parallel calls for {threads} threads"
            );
        }
    }
}

/// Checks an expression of `x` in `f64` and in `f32`.
macro_rules! check {
    ($name:literal, $shapes:expr, |$x:ident| $op:expr) => {{
        let case = Case { name: $name, shapes: &$shapes };
        case.check::<f64>(|$x| $op);
        case.check::<f32>(|$x| $op);
    }};
}

// One test, because parallel calls are counted for the whole process.
#[test]
fn every_number_of_threads_gives_the_same_bits() {
    elementwise();
    reductions();
    products();
    windows();
    programs();
    replays();
}

/// A step of layers that are large, and of one that is computed by columns.
fn replays() {
    let [x, target, v, w, b]: [Tensor; 5] =
        [&[3001, 300][..], &[3001, 2], &[200, 300], &[2, 20], &[20]].map(|shape| numbers(shape, shape.len()));
    let ids: [ParamId; 3] = std::array::from_fn(|_| ParamId::new());
    let run = || {
        let replay = Replay::new([&x, &target], |tape, [x, target]| {
            let leaf = |k: usize, value: &Tensor| tape.parameter(ids[k], value);
            let narrow = x.matmul(leaf(0, &v).transpose()).tanh().slice(1, ..20);
            (narrow.linear(leaf(1, &w), tape.constant([0.5, -0.5])) - target).square().sum()
                + (leaf(2, &b) * narrow).sum()
        });
        let mut replay = replay.unwrap();
        let mut runs = Vec::new();
        for _ in 0..2 {
            for (&id, value) in ids.iter().zip([&v, &w, &b]) {
                replay.bind(id, value).unwrap();
            }
            let (value, gradients) = replay.value_and_gradient(&[&x, &target]).unwrap();
            runs.push((value.to_bits(), ids.map(|id| bits(&gradients.of(id)))));
        }
        assert!(runs[0] == runs[1]);
        runs
    };
    let on = |threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run);
    let alone = on(1);
    for threads in [2, 3, 7] {
        assert!(on(threads) == alone, "a replay: different bits on {threads} threads");
    }
}

/// A function of weights that all lanes share and of numbers that differ.
fn neuron<T: Element>() -> Program<T> {
    Program::of(|p| {
        let (w, x, scale) = (p.group("w", 3), p.group("x", 2), p.input("scale"));
        (w[0] * x[0] + w[1] * x[1] + w[2]).tanh() * scale
    })
}

fn programs() {
    const SHAPES: [&[usize]; 3] = [&[3], &[30_001, 2], &[30_001]];
    check!("map_lanes", SHAPES, |x| x[0].tape().map_lanes(&neuron(), x));
    check!("sum_lanes", SHAPES, |x| x[0].tape().sum_lanes(&neuron(), x));
    check!("fuse", [&[400, 301], &[301], &[]], |x| {
        x[0].tape().fuse([x[0], x[1], x[2]], |[a, b, c]| (a * b + c).tanh() * a)
    });
}

fn elementwise() {
    check!("map", [&[400, 401]], |x| x[0].tanh());
    check!("map of a transpose", [&[400, 401]], |x| x[0].transpose().exp());
    check!("zip", [&[400, 401], &[400, 401]], |x| x[0] * x[1]);
    check!("zip with a transpose", [&[400, 401], &[401, 400]], |x| x[0] / (x[1].transpose() + 3.0));
    check!("a row for all rows", [&[400, 401], &[401]], |x| x[0] * x[1]);
    check!("a column for all columns", [&[400, 401], &[400, 1]], |x| x[0] * x[1]);
    check!("an outer product by broadcasting", [&[70001, 1], &[2]], |x| x[0] * x[1]);
    check!("the larger one", [&[400, 401], &[400, 1]], |x| x[0].maximum(x[1]));
    check!("a long vector", [&[150_003]], |x| x[0].sin() + x[0]);
    check!("every other element", [&[300_007]], |x| {
        let part = x[0].slice(0, ..150_003);
        part.powf(2.0) + x[0].slice(0, 150_004..)
    });
}

fn reductions() {
    check!("sum of all", [&[300_007]], |x| (x[0].sum() * x[0].sin()).sum_axes(0, true) + x[0]);
    check!("sum of rows", [&[401, 400]], |x| x[0].sum_axes(1, true) * x[0]);
    check!("sum of columns", [&[400, 401]], |x| x[0].sum_axes(0, true) * x[0]);
    check!("sum of long columns", [&[5003, 33]], |x| x[0].sum_axes(0, true) * x[0]);
    check!("sum of very long and wide columns", [&[1501, 97]], |x| x[0].sum_axes(0, true) * x[0]);
    check!("sum of the middle", [&[60, 50, 47]], |x| x[0].sum_axes(1, true) * x[0]);
    check!("largest of rows", [&[400, 401]], |x| x[0].max_axes(1, true) * x[0]);
    check!("softmax", [&[400, 401]], |x| x[0].softmax(-1));
    check!("softmax of columns", [&[400, 401]], |x| x[0].softmax(0));
    check!("log_softmax", [&[400, 401]], |x| x[0].log_softmax(-1));
    check!("logsumexp", [&[400, 401]], |x| x[0].logsumexp_axes(1, true) * x[0]);
    check!("norm", [&[400, 401]], |x| x[0].norm_axes(2.0, 1, true) * x[0]);
    check!("dot", [&[200_003], &[200_003]], |x| x[0] * x[0].dot(x[1]));
}

fn products() {
    check!("matmul", [&[103, 205], &[205, 97]], |x| x[0].matmul(x[1]));
    check!("matmul of transposes", [&[205, 103], &[97, 205]], |x| x[0].transpose().matmul(x[1].transpose()));
    check!("matmul with few rows", [&[3, 1000], &[1000, 700]], |x| x[0].matmul(x[1]));
    check!("matmul with a long inner axis", [&[21, 9001], &[9001, 19]], |x| x[0].matmul(x[1]));
    check!("many small matrices", [&[301, 15, 17], &[301, 17, 16]], |x| x[0].matmul(x[1]));
    check!("one matrix for all", [&[31, 5, 40, 17], &[17, 31]], |x| x[0].matmul(x[1]));
    check!("linear", [&[103, 205], &[97, 205], &[97]], |x| x[0].linear(x[1], x[2]));
}

fn windows() {
    let conv = Conv2d { stride: [2, 1], padding: [1, 2], ..Conv2d::default() };
    check!("conv2d", [&[9, 3, 33, 31], &[8, 3, 3, 5]], |x| x[0].conv2d(x[1], conv));
    let groups = Conv2d { groups: 2, ..Conv2d::default() };
    check!("conv2d in groups", [&[9, 4, 33, 31], &[8, 2, 3, 3]], |x| x[0].conv2d(x[1], groups));
    let window = Window { stride: [2, 2], ..Window::new([2, 2]) };
    check!("max_pool2d", [&[9, 8, 66, 62]], |x| x[0].max_pool2d(window));
    let pool = AvgWindows::Sliding { window, count_padding: true };
    check!("avg_pool2d", [&[9, 8, 66, 62]], |x| x[0].avg_pool2d(pool));
}
