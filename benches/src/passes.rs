//! Losses, normalizations and updates on tensors of a megabyte: how many passes over memory each takes.

use crate::numbers::Numbers;
use nn::optim::{AdaDelta, AdaGrad, Adam, AdamW, Lion, NAdam, Optimizer, RmsProp, Sgd};
use nn::{Context, GroupNorm, LayerNorm, Module, Param, RmsNorm, functional, loss};
use std::hint::black_box;
use tape::{Scalar, Tape, Tensor, Var};

/// Rows and columns of the operands.
const SHAPE: [usize; 2] = [1024, 256];

/// Something to be timed.
pub struct Case {
    /// Its name in the table.
    pub name: &'static str,
    /// Runs it once: forward and backward, or an update.
    pub step: Box<dyn FnMut()>,
}

/// Random numbers of the shape of the operands.
fn tensor(seed: u64, low: f64, high: f64) -> Tensor<f32> {
    let numbers = Numbers::new(seed).vector(SHAPE[0] * SHAPE[1], low, high);
    Tensor::from_slice(SHAPE, &numbers.iter().map(|&x| x as f32).collect::<Vec<_>>()).expect("as many as fit")
}

/// One pass: every element of a tensor is read, and one of a new tensor written.
pub fn pass() -> Case {
    let x = tensor(1, -1.0, 1.0);
    Case {
        name: "one pass",
        step: Box::new(move || {
            black_box(black_box(&x).map_elements(|x| -x));
        }),
    }
}

/// The gradient of a loss with respect to the predictions.
fn of_loss(
    name: &'static str,
    targets: Tensor<f32>,
    loss: impl for<'t> Fn(Var<'t, f32>, &Tensor<f32>) -> Scalar<'t, f32> + 'static,
) -> Case {
    let (x, mut tape) = (tensor(2, 0.001, 0.999), Tape::single());
    let step = move || {
        tape.reset();
        let a = tape.var(x.clone());
        black_box(loss(a, &targets).backward().wrt(a));
    };
    Case { name, step: Box::new(step) }
}

/// The losses of `nn`, each as a mean, and the penalties.
pub fn losses() -> Vec<Case> {
    let (t, sign) = (|| tensor(3, 0.001, 0.999), || tensor(3, -1.0, 1.0).map_elements(f32::signum));
    let shares = || t().softmax(-1);
    let labels = || {
        Tensor::one_hot((0..SHAPE[0]).map(|i| i % SHAPE[1]).collect::<Vec<_>>(), SHAPE[1]).expect("classes")
    };
    vec![
        of_loss("squared_error", t(), |a, y| loss::squared_error(a, y).mean()),
        of_loss("absolute_error", t(), |a, y| loss::absolute_error(a, y).mean()),
        of_loss("huber", t(), |a, y| loss::huber(a, y, 0.5).mean()),
        of_loss("smooth_l1", t(), |a, y| loss::smooth_l1(a, y, 0.5).mean()),
        of_loss("binary_cross_entropy_with_logits", t(), |a, y| {
            loss::binary_cross_entropy_with_logits(a, y).mean()
        }),
        of_loss("binary_cross_entropy_with_probabilities", t(), |a, y| {
            loss::binary_cross_entropy_with_probabilities(a, y).mean()
        }),
        of_loss("hinge", sign(), |a, y| loss::hinge(a, y, 1.0).mean()),
        of_loss("kl_divergence", shares(), |a, y| loss::kl_divergence(a, y).mean()),
        of_loss("cross_entropy_with_logits", labels(), |a, y| loss::cross_entropy_with_logits(a, y).mean()),
        of_loss("cross_entropy_with_probabilities", labels(), |a, y| {
            loss::cross_entropy_with_probabilities(a, y).mean()
        }),
        of_loss("the square, summed", t(), |a, _| a.square().sum()),
        of_loss("the absolute value, summed", t(), |a, _| a.abs().sum()),
    ]
}

/// The gradients of a layer with respect to its input and its parameters.
fn of_layer(
    name: &'static str,
    shape: &[usize],
    layer: impl for<'t> Fn(Var<'t, f32>) -> Var<'t, f32> + 'static,
) -> Case {
    let (x, seed) = (tensor(4, -1.0, 1.0).reshape(shape), tensor(5, -1.0, 1.0).reshape(shape));
    let mut tape = Tape::single();
    let step = move || {
        tape.reset();
        let x = tape.var(x.clone());
        black_box(layer(x).vjp(seed.clone()).wrt(x));
    };
    Case { name, step: Box::new(step) }
}

/// A module as a function.
fn module(layer: impl Module<f32> + 'static) -> impl for<'t> Fn(Var<'t, f32>) -> Var<'t, f32> + 'static {
    move |x| layer.forward(x, &mut Context::eval())
}

/// Normalization over a batch, with scale and shift, as in training.
fn of_batch(name: &'static str, shape: &[usize]) -> Case {
    let (w, b) = (Tensor::<f32>::ones([shape[1]]), Tensor::<f32>::zeros([shape[1]]));
    of_layer(name, shape, move |x| {
        let (w, b) = (x.tape().var(w.clone()), x.tape().var(b.clone()));
        functional::batch_norm(&x, None, Some(&w), Some(&b), 1e-5)
    })
}

/// The normalizations of `nn`, with scale and shift.
pub fn normalizations() -> Vec<Case> {
    let [rows, columns] = SHAPE;
    vec![
        of_layer("layer_norm", &SHAPE, module(LayerNorm::new([columns]))),
        of_layer("layer_norm without affine", &SHAPE, module(LayerNorm::new([columns]).without_affine())),
        of_layer("rms_norm", &SHAPE, module(RmsNorm::new([columns]))),
        of_layer("group_norm", &[rows / 16, 16, columns], module(GroupNorm::new(4, 16))),
        of_batch("batch_norm of vectors", &SHAPE),
        of_batch("batch_norm of images", &[rows / 16, 16, 16, columns / 16]),
    ]
}

/// A step of an optimizer on weights with the gradient of their sum.
fn of_update(name: &'static str, mut optimizer: impl Optimizer<f32> + 'static) -> Case {
    let mut weights = Param::new(tensor(6, -1.0, 1.0));
    let gradients = {
        let tape = Tape::single();
        (weights.on(&tape) * tape.constant(tensor(7, -1e-3, 1e-3))).sum().backward()
    };
    Case { name, step: Box::new(move || optimizer.step(&mut weights, &gradients)) }
}

/// The optimizers of `nn`.
pub fn updates() -> Vec<Case> {
    vec![
        of_update("Sgd", Sgd::new(1e-3)),
        of_update("Sgd with momentum", Sgd::new(1e-3).momentum(0.9)),
        of_update("Adam", Adam::new(1e-3)),
        of_update("AdamW", AdamW::new(1e-3)),
        of_update("NAdam", NAdam::new(1e-3)),
        of_update("RmsProp", RmsProp::new(1e-3)),
        of_update("AdaGrad", AdaGrad::new(1e-3)),
        of_update("AdaDelta", AdaDelta::new(1e-3)),
        of_update("Lion", Lion::new(1e-3)),
    ]
}
