//! A replay has the bits of the same step on a tape.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tape::ops::{Conv2d, Relu, Sigmoid, Tanh, Window};
use tape::{Array, Axes, Element, Error, Index, Op, ParamId, Replay, Scalar, Shape, Tape, Tensor, Var};

/// A step: the loss from inputs and parameters.
type Step<T> = for<'t> fn(&[Var<'t, T>], &[Var<'t, T>]) -> Scalar<'t, T>;

fn tensors<T: Element>(shapes: &[&[usize]], rng: &mut StdRng) -> Vec<Tensor<T>> {
    let number = |rng: &mut StdRng| T::from_f64(2.0 * rng.random::<f64>() - 1.0);
    shapes.iter().map(|&shape| Tensor::from_fn(shape, |_| number(rng))).collect()
}

fn bits<T: Element>(x: &Tensor<T>) -> (Vec<usize>, Vec<u64>) {
    (x.shape().dims(), x.to_vec().into_iter().map(T::to_bits64).collect())
}

/// The loss and the gradients, as a training step on a tape has them.
fn on_tape<T: Element>(
    step: Step<T>,
    ids: &[ParamId],
    inputs: &[Tensor<T>],
    parameters: &[Tensor<T>],
) -> Run {
    let tape = Tape::of();
    let x: Vec<_> = inputs.iter().map(|x| tape.constant(x.clone())).collect();
    let w: Vec<_> = ids.iter().zip(parameters).map(|(&id, w)| tape.parameter(id, w)).collect();
    let loss = step(&x, &w);
    let gradients = loss.backward();
    (loss.value().to_bits64(), ids.iter().map(|&id| bits(&gradients.of(id))).collect())
}

/// The bits of a loss and of gradients.
type Run = (u64, Vec<(Vec<usize>, Vec<u64>)>);

/// Compares several runs of a replay, each on new values, with the tape.
fn check_in<T: Element>(name: &str, inputs: [&[usize]; 2], parameters: &[&[usize]], step: Step<T>) {
    let mut rng = StdRng::seed_from_u64(7);
    let ids: Vec<ParamId> = parameters.iter().map(|_| ParamId::new()).collect();
    let (x, w) = (tensors::<T>(&inputs, &mut rng), tensors::<T>(parameters, &mut rng));
    let replay = Replay::new([&x[0], &x[1]], |tape, x| {
        let w: Vec<_> = ids.iter().zip(&w).map(|(&id, w)| tape.parameter(id, w)).collect();
        step(&x, &w)
    });
    let mut replay = replay.unwrap_or_else(|error| panic!("{name}: {error}"));
    for round in 0..4 {
        let (x, w) = (tensors(&inputs, &mut rng), tensors(parameters, &mut rng));
        for (&id, w) in ids.iter().zip(&w) {
            replay.bind(id, w).unwrap();
        }
        let (value, gradients) = replay.value_and_gradient(&[&x[0], &x[1]]).unwrap();
        let found = (value.to_bits64(), ids.iter().map(|&id| bits(&gradients.of(id))).collect());
        assert_eq!(found, on_tape(step, &ids, &x, &w), "{name} in {}, run {round}", T::NAME);
    }
}

macro_rules! check {
    ($name:literal, $inputs:expr, $parameters:expr, $step:expr) => {
        check_in::<f64>($name, $inputs, $parameters, $step);
        check_in::<f32>($name, $inputs, $parameters, $step);
    };
}

#[test]
fn layers() {
    check!("dense layers", [&[8, 10], &[8, 2]], &[&[3, 10], &[3], &[2, 3], &[2]], |x, w| {
        let hidden = x[0].dense(w[0], w[1], Tanh);
        hidden.dense(w[2], w[3], Relu).squared_distance(x[1]).item() * 0.125
    });
    check!("large dense layers", [&[90, 40], &[90, 20]], &[&[70, 40], &[70], &[20, 70], &[20]], |x, w| {
        x[0].linear(w[0], w[1]).sigmoid().linear(w[2], w[3]).squared_distance(x[1]).item().sqrt()
    });
    check!("cross-entropy", [&[6, 4], &[6, 5]], &[&[5, 4], &[5]], |x, w| {
        let target = x[1].softmax(1);
        -(x[0].linear(w[0], w[1]).log_softmax(1) * target).sum() / 6.0
    });
    check!("layer norm", [&[6, 4], &[6, 4]], &[&[4, 4], &[4], &[4]], |x, w| {
        let z = x[0].matmul(w[0]);
        let centred = z - z.mean_axes(1, true);
        let normal = centred / (centred.square().mean_axes(1, true) + 1e-5).sqrt();
        (normal * w[1] + w[2]).squared_distance(x[1]).item()
    });
    check!("convolution", [&[2, 1, 8, 8], &[2, 12]], &[&[3, 1, 3, 3], &[12, 27]], |x, w| {
        let y = x[0].conv2d(w[0], Conv2d::default()).relu();
        let y = y.max_pool2d(Window { stride: [2, 2], ..Window::new([2, 2]) }).flatten(1..);
        y.matmul(w[1].transpose()).squared_distance(x[1]).item()
    });
}

/// Layers of many rows and few columns are computed column by column. Sums of rows differ in their order, products in their
/// rounding: within 1e-13 of the largest element.
#[test]
fn narrow_layers_with_many_rows() {
    let mut rng = StdRng::seed_from_u64(3);
    let cases = [
        (64, [3, 10, 5, 1]),
        (65, [1, 1, 2, 3]),
        (1000, [3, 10, 5, 1]),
        (1500, [16, 32, 31, 2]),
        // The first by rows, as its input.
        (1500, [32, 32, 16, 32]),
    ];
    for (rows, widths) in cases {
        let ids: [ParamId; 6] = std::array::from_fn(|_| ParamId::new());
        let shapes = widths.windows(2).flat_map(|pair| [vec![pair[1], pair[0]], vec![pair[1]]]);
        let shapes: Vec<Vec<usize>> = shapes.collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(|shape| &shape[..]).collect();
        let step: Step<f64> = |x, w| {
            let y = x[0].dense(w[0], w[1], Sigmoid).dense(w[2], w[3], Tanh);
            (y.linear(w[4], w[5]) - x[1]).square().mean()
        };
        let inputs: [&[usize]; 2] = [&[rows, widths[0]], &[rows, widths[3]]];
        let (x, w) = (tensors(&inputs, &mut rng), tensors(&shapes, &mut rng));
        let mut replay = Replay::new([&x[0], &x[1]], |tape, x| {
            let w: Vec<_> = ids.iter().zip(&w).map(|(&id, w)| tape.parameter(id, w)).collect();
            step(&x, &w)
        })
        .unwrap();
        let mut first: Option<Vec<Tensor>> = None;
        for _ in 0..2 {
            for (&id, w) in ids.iter().zip(&w) {
                replay.bind(id, w).unwrap();
            }
            let (value, found) = replay.value_and_gradient(&[&x[0], &x[1]]).unwrap();
            let tape = Tape::new();
            let [a, b] = [&x[0], &x[1]].map(|x| tape.constant(x.clone()));
            let leaves: Vec<_> = w.iter().map(|w| tape.var(w.clone())).collect();
            let loss = step(&[a, b], &leaves);
            let expected = loss.backward();
            assert!((value - loss.value()).abs() <= 1e-13 * loss.value().abs(), "{rows} {widths:?}");
            let all: Vec<Tensor> = ids.iter().map(|&id| found.of(id)).collect();
            for (k, (found, leaf)) in all.iter().zip(leaves).enumerate() {
                let expected = expected.wrt(leaf);
                let most = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
                let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(
                    worst <= 1e-13 * most,
                    "{rows} {widths:?}, parameter {k}: off by {worst:e} of {most}"
                );
            }
            assert_eq!(first.get_or_insert(all.clone()), &all, "every run has the same bits");
        }
    }
}

#[test]
fn parameters() {
    check!("used twice", [&[4, 3], &[4, 3]], &[&[3, 3]], |x, w| {
        let y = x[0].matmul(w[0]).tanh().matmul(w[0]);
        (y - x[1]).square().mean() + w[0].square().sum() * 0.01
    });
    check!("unused, and of rank 0", [&[4, 3], &[]], &[&[], &[2, 2], &[]], |x, w| {
        (x[0] * w[0]).tanh().sum() * w[2].item().exp() + x[1].item()
    });
    check!("one behind a zero", [&[4], &[4]], &[&[4], &[4]], |x, w| {
        (x[0] * w[0]).sum() + (x[1] * w[1]).sum() * 0.0
    });
    check!("views", [&[4, 3], &[6, 2]], &[&[3, 4], &[2, 6]], |x, w| {
        let y = w[0].transpose().reshape([2, 6]) * w[1] + w[0].reshape([2, 6]);
        (y * x[1].transpose()).sum() + (x[0].transpose() * w[0]).sum()
    });
}

#[test]
fn pieces() {
    check!("slices that overlap", [&[4, 6], &[4, 3]], &[&[4, 6]], |x, w| {
        let y = w[0] * x[0];
        let parts = y.slice(1, 0..3) * y.slice(1, 2..5) + y.slice(1, 3..6) * x[1];
        parts.sum() + y.at([1, 2]) * y.at([1, 2]) + y.at([0, 0]).sin()
    });
    check!("rows of a table", [&[3, 2], &[3, 2]], &[&[4, 2]], |x, w| {
        let index = Index::from([1, 3, 1]);
        (w[0].index_select(0, &index) * x[0]).sum() + (w[0].index_select(0, &index) - x[1]).square().sum()
    });
}

#[test]
fn scalars() {
    check!("functions of scalars", [&[3], &[]], &[&[3], &[]], |x, w| {
        let (a, b) = ((x[0] * w[0]).sum(), w[1].item());
        let y = (a * b).sin() + a.powi(2) / (b.square() + 1.0) - x[1].item() * a;
        w[0].tape().vector(&[y, a, b, a.tape().scalar_constant(2.0)]).square().sum() + y.mul_add(a, b)
    });
    check!("decisions as operations", [&[5], &[5]], &[&[5]], |x, w| {
        let y = x[0] * w[0];
        let zeros = y.tape().constant(Tensor::zeros([5]));
        let mask = x[0].if_gt(x[1], zeros + 1.0, zeros);
        (y * mask).sum() + y.maximum(x[1]).sum() + (y.sum()).abs()
    });
    check!("what is not differentiated", [&[5], &[5]], &[&[5]], |x, w| {
        let y = (x[0] * w[0]).exp();
        ((y.detach() - x[1]).square() * y).sum() * y.mean().detach()
    });
}

#[test]
fn derivatives_of_derivatives() {
    check!("a penalty on the gradient", [&[4, 2], &[4]], &[&[5, 2], &[5], &[5]], |x, w| {
        let f = |x| Var::linear(x, w[0], w[1]).tanh().matmul(w[2]);
        let (y, slope) = (f(x[0]), {
            let along = x[0].tape().var(Tensor::zeros([4, 2]));
            f(x[0] + along).sum().grad(along)
        });
        (y - x[1]).square().sum() + slope.square().sum()
    });
    check!("a checkpoint", [&[4, 2], &[4, 3]], &[&[3, 2], &[3]], |x, w| {
        let y = x[0].tape().checkpoint(&[x[0], w[0], w[1]], |a| a[0].linear(a[1], a[2]).tanh().square());
        (y * x[1]).sum()
    });
    check!("a user's derivative", [&[4], &[4]], &[&[4]], |x, w| {
        let y = x[0].tape().custom_vjp(&[x[0] * w[0]], |a| a[0].sign(), |_, _, dy| vec![dy]);
        (y * x[1]).sum()
    });
}

/// A user-defined operation on tensors: reverses a vector.
#[derive(Clone, Debug)]
struct Reverse;

impl<T: Element> Op<T> for Reverse {
    const NAME: &'static str = "reverse";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(x[0].clone())
    }
    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let mut values = x[0].to_vec();
        values.reverse();
        Tensor::from(values)
    }
    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(Reverse, &[dy])
    }
}

#[test]
fn user_defined_operations() {
    check!("reverse", [&[5], &[5]], &[&[5]], |x, w| {
        let y = x[0].tape().apply(Reverse, &[x[0] * w[0]]);
        (y * x[1] + w[0].sum_axes(Axes::all(), true).broadcast_to([5])).square().sum()
    });
}
