//! Training by a replayed step has the bits of training on a tape, and is refused where it would not.

use nn::optim::{Adam, Sgd};
use nn::train::{ReplayedStep, StepFailure, descend};
use nn::{
    BatchNorm1d, Context, Conv2d, Dropout, Flatten, LayerNorm, Linear, MaxPool2d, Module, Param, Parameters,
    Path, Relu, Residual, Sequential, Tanh, loss,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tape::{Error, Scalar, Tape, Tensor, Var};

/// A loss of a model and a batch.
type Loss = for<'t> fn(&Sequential, [Var<'t>; 2], &mut Context) -> Scalar<'t>;

fn squares<'t>(model: &Sequential, [x, y]: [Var<'t>; 2], cx: &mut Context) -> Scalar<'t> {
    loss::squared_error(model.forward(x, cx), y).mean()
}

fn cross_entropy<'t>(model: &Sequential, [x, y]: [Var<'t>; 2], cx: &mut Context) -> Scalar<'t> {
    loss::cross_entropy_with_logits(model.forward(x, cx), y).mean()
}

fn bits(model: &Sequential) -> Vec<u64> {
    model.named_parameters().iter().flat_map(|(_, w)| w.value().to_vec()).map(f64::to_bits).collect()
}

/// Trains twice, on a tape and by a replay, on batches that differ.
fn check(name: &str, model: &Sequential, x: &[usize], y: impl Fn(usize) -> Tensor, loss: Loss) {
    let batch = |step: usize| {
        let x = Tensor::from_fn(x, |i| (i.iter().fold(step, |sum, i| 7 * sum + i) as f64).sin());
        (x, y(step))
    };
    let (mut recorded, mut replayed) = (model.clone(), model.clone());
    let (mut first, mut second) = (Adam::new(0.01), Adam::new(0.01));
    let (mut tape, mut cx) = (Tape::new(), Context::train(StdRng::seed_from_u64(0)));
    let (x, y) = batch(0);
    let mut step =
        ReplayedStep::new(&replayed, [&x, &y], loss).unwrap_or_else(|error| panic!("{name}: {error}"));
    for number in 1..20 {
        let (x, y) = batch(number);
        let expected = descend(&mut recorded, &mut first, &mut tape, &mut cx, |model, tape, cx| {
            Ok(loss(model, [tape.constant(x.clone()), tape.constant(y.clone())], cx))
        });
        let found = step.descend(&mut replayed, &mut second, [&x, &y]);
        assert_eq!(found, expected, "{name}, step {number}");
        assert_eq!(bits(&replayed), bits(&recorded), "{name}, step {number}");
    }
}

/// Classes as rows of a matrix.
fn classes(samples: usize) -> impl Fn(usize) -> Tensor {
    move |step| Tensor::from_fn([samples, 3], |i| f64::from((i[0] + step) % 3 == i[1]))
}

#[test]
fn a_replayed_step_has_the_bits_of_the_step() {
    let rng = &mut StdRng::seed_from_u64(5);
    let dense = Sequential::new().push(Linear::new(4, 6, rng)).push(Tanh).push(Linear::new(6, 3, rng));
    let y = |step: usize| Tensor::from_fn([8, 3], |i| ((i[0] * 3 + i[1] + step) as f64).cos());
    check("dense layers", &dense, &[8, 4], y, squares);
    check("cross-entropy", &dense, &[8, 4], classes(8), cross_entropy);
    let normalized = Sequential::new()
        .push(Linear::new(4, 5, rng))
        .push(LayerNorm::new([5]))
        .push(Residual::new(Sequential::new().push(Linear::new(5, 5, rng)).push(Relu)))
        .push(Linear::new(5, 3, rng));
    check("layer norm", &normalized, &[8, 4], y, squares);
    let images = Sequential::new()
        .push(Conv2d::new(1, 2, [3, 3], rng))
        .push(Relu)
        .push(MaxPool2d::new([2, 2]))
        .push(Flatten)
        .push(Linear::new(18, 3, rng));
    check("convolution", &images, &[4, 1, 8, 8], classes(4), cross_entropy);
}

/// Frozen parameters and buffers are constants of the gradient, not of the replay.
#[test]
fn parameters_that_are_not_trained_have_their_current_value() {
    let (w, mut c) = (Param::new([1.0, 2.0]), Param::buffer([3.0, 4.0]));
    let x = Tensor::from([1.0, 1.0]);
    let mut model = (w, c.snapshot());
    let mut step = ReplayedStep::new(&model, [&x], |model, [x], _| {
        (model.0.on(x.tape()) * model.1.on(x.tape()) * x).sum()
    })
    .unwrap();
    let (value, gradients) = step.value_and_gradient(&model, [&x]).unwrap();
    assert_eq!((value, gradients.of(&model.0)), (11.0, Tensor::from([3.0, 4.0])));
    assert!(gradients.try_of(&model.1).is_err());
    *c.value_mut() = Tensor::from([-1.0, 5.0]);
    model.1 = c;
    let (value, gradients) = step.value_and_gradient(&model, [&x]).unwrap();
    assert_eq!((value, gradients.of(&model.0)), (9.0, Tensor::from([-1.0, 5.0])));
}

/// The text of the refusal of a model.
fn refusal(model: &Sequential) -> String {
    let (x, y) = (Tensor::ones([4, 2]), Tensor::zeros([4, 2]));
    match ReplayedStep::new(model, [&x, &y], squares) {
        Err(error @ Error::NotReplayable { .. }) => error.to_string(),
        other => panic!("expected a refusal, found {other:?}"),
    }
}

/// A layer that draws from the context without a word.
#[derive(Clone, Debug)]
struct Noise;

impl Parameters for Noise {
    fn visit<'a>(&'a self, _: &Path<'_>, _: &mut dyn FnMut(&Path<'_>, &'a Param)) {}
    fn visit_mut<'a>(&'a mut self, _: &Path<'_>, _: &mut dyn FnMut(&Path<'_>, &'a mut Param)) {}
}

impl Module for Noise {
    fn forward<'t>(&self, x: Var<'t>, cx: &mut Context) -> Var<'t> {
        let noise = cx.rng().map_or(0, Rng::next_u32);
        x + f64::from(noise)
    }
}

#[test]
fn models_that_keep_a_state_in_training_are_refused() {
    let text = refusal(&Sequential::new().push(Dropout::new(0.5)));
    let start = "dropout: expected a step that can be replayed, found random numbers, which would be the same in every run, at ";
    assert!(text.starts_with(start) && text.contains("replayed.rs"), "{text}");
    let text = refusal(&Sequential::new().push(BatchNorm1d::new(2)));
    assert!(
        text.starts_with("batch_norm: expected a step that can be replayed, found running statistics"),
        "{text}"
    );
    let text = refusal(&Sequential::new().push(Noise));
    assert!(text.starts_with("model: expected a step that can be replayed, found random numbers"), "{text}");
}

#[test]
fn a_wrong_batch_or_model_is_an_error_and_no_step() {
    let (mut model, mut sgd) = (Linear::from_values([[2.0, 1.0]], [0.0]), Sgd::new(0.1));
    let (x, y) = (Tensor::ones([4, 2]), Tensor::zeros([4, 1]));
    let mut step = ReplayedStep::new(&model, [&x, &y], |model: &Linear, [x, y], cx| {
        loss::squared_error(model.forward(x, cx), y).mean()
    })
    .unwrap();
    let error = step.descend(&mut model, &mut sgd, [&Tensor::ones([5, 2]), &y]).unwrap_err();
    assert_eq!(error.to_string(), "replay: expected shape [4, 2], found [5, 2]");
    let error = step.descend(&mut model, &mut sgd, [&(&x * f64::NAN), &y]).unwrap_err();
    assert!(matches!(error, StepFailure::NonFinite { .. }));
    assert_eq!(model.weight.value().to_vec(), [2.0, 1.0]);
    let mut other = Linear::from_values([[2.0, 1.0]], [0.0]);
    let error = step.descend(&mut other, &mut sgd, [&x, &y]).unwrap_err().to_string();
    assert!(error.starts_with("replay: expected a value for parameter "), "{error}");
    assert_eq!(step.descend(&mut model, &mut sgd, [&x, &y]).unwrap(), 9.0);

    let wrong = Tensor::ones([4, 3]);
    let error = ReplayedStep::new(&Sequential::new().push(model), [&wrong, &y], squares).unwrap_err();
    assert!(error.to_string().starts_with("linear: expected"), "{error}");
}
