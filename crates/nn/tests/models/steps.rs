//! Steps from gradients that are huge, tiny, infinite or NaN, of another shape, or with a rate that is too large: a weight
//! that is finite stays finite, and nothing goes wrong in silence.

use nn::Param;
use nn::optim::{
    AdaDelta, AdaGrad, Adam, AdamW, Adamax, Asgd, Average, GradientAccumulator, GradientSource, Lbfgs, Lion,
    NAdam, RAdam, RmsProp, Rprop, StepError, gradient_norm,
};
use nn::optim::{Optimizer, Sgd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::{Element, Gradients, ParamId, Tape, Tensor};

/// The weights after a step of gradients `factor` and 1 from 1, with the norm clipped.
fn clipped(factor: f64, bound: f64) -> [f64; 2] {
    let mut model = [Param::new(1.0), Param::new(1.0)];
    let grads = {
        let tape = Tape::new();
        (model[0].on(&tape).sum() * factor + model[1].on(&tape).sum()).backward()
    };
    Sgd::new(0.5).clip_norm(bound).step(&mut model, &grads);
    model.map(|w| w.value().item())
}

#[test]
fn clipping_by_norm_holds_for_huge_and_infinite_gradients_and_refuses_a_negative_bound() {
    assert_eq!(clipped(1e200, 1.0)[0], 0.5, "a gradient of 1e200, clipped to 1, with rate 0.5");
    assert!(clipped(f64::INFINITY, 1.0).iter().all(|w| w.is_finite()), "{:?}", clipped(f64::INFINITY, 1.0));
    assert!(catch_unwind(|| clipped(1.0, -1.0)).is_err());
}

/// Gradients that are given.
struct Given<T: Element>(Vec<(ParamId, Tensor<T>)>);

impl<T: Element> GradientSource<T> for Given<T> {
    fn gradient(&self, id: ParamId) -> Option<Tensor<T>> {
        self.0.iter().find(|(found, _)| *found == id).map(|(_, gradient)| gradient.clone())
    }
}

fn given<T: Element>(model: &[Param<T>], gradients: &[&[f64]]) -> Given<T> {
    let tensor = |g: &&[f64]| Tensor::from(*g).cast::<T>();
    Given(model.iter().zip(gradients).map(|(w, g)| (w.id(), tensor(g))).collect())
}

fn model<T: Element>(values: &[&[f64]]) -> Vec<Param<T>> {
    values.iter().map(|x| Param::new(Tensor::from(*x).cast::<T>())).collect()
}

fn values<T: Element>(model: &[Param<T>]) -> Vec<f64> {
    model.iter().flat_map(|w| w.value().to_vec()).map(T::to_f64).collect()
}

/// One of each, with every kind of state.
fn all<T: Element>() -> Vec<Box<dyn Optimizer<T>>> {
    vec![
        Box::new(Sgd::new(0.1)),
        Box::new(Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(0.01)),
        Box::new(AdaGrad::new(0.1)),
        Box::new(AdaDelta::new(1.0)),
        Box::new(RmsProp::new(0.01)),
        Box::new(RmsProp::new(0.01).centered().momentum(0.5)),
        Box::new(Adam::new(0.01)),
        Box::new(Adam::new(0.01).amsgrad()),
        Box::new(AdamW::new(0.01)),
        Box::new(NAdam::new(0.01)),
        Box::new(Lion::new(0.01)),
        Box::new(RAdam::new(0.01)),
        Box::new(RAdam::new(0.01).betas(0.9, 0.5)),
        Box::new(Adamax::new(0.01)),
        // Its bound would keep any rate finite.
        Box::new(Rprop::new(0.01).bounds(0.0, f64::MAX)),
        Box::new(Asgd::new(0.01).average_from(0)),
    ]
}

/// A gradient that is not finite leaves its element where it was, and the state too: what follows is as without it.
fn elements_without_gradient_stay<T: Element>() {
    for bad in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        for (mut optimizer, mut other) in all::<T>().into_iter().zip(all::<T>()) {
            let (mut x, mut y) = (model::<T>(&[&[1.0, 2.0], &[3.0]]), model::<T>(&[&[1.0, 2.0], &[3.0]]));
            let grads = given(&x, &[&[bad, 0.5], &[0.25]]);
            let error = optimizer.try_step(&mut x, &grads).unwrap_err();
            assert!(matches!(&error, StepError::Gradient { parameter, .. } if parameter == "0"), "{error}");
            let grads = given(&y, &[&[0.75, 0.5], &[0.25]]);
            other.try_step(&mut y, &grads).unwrap();
            assert_eq!(values(&x)[0], 1.0, "{error}: {bad}");
            assert_eq!(values(&x)[1..], values(&y)[1..], "{error}");
            let saved = optimizer.save(&x);
            assert!(
                saved.tensors.iter().all(|(_, slot)| slot.to_vec().iter().all(|s| s.is_finite())),
                "{error}"
            );
            let grads = given(&x, &[&[bad, 0.5], &[0.25]]);
            optimizer.step(&mut x, &grads);
            assert!(values(&x).iter().all(|w| w.is_finite()), "{error}");
        }
    }
}

#[test]
fn a_gradient_that_is_not_finite_moves_nothing() {
    elements_without_gradient_stay::<f64>();
    elements_without_gradient_stay::<f32>();
}

/// Clipping does not make a number of what is none, by norm nor by value.
#[test]
fn clipping_leaves_out_what_is_not_finite() {
    for bad in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let mut x = model::<f64>(&[&[1.0, 2.0], &[3.0]]);
        let grads = given(&x, &[&[bad, 0.5], &[0.25]]);
        let mut sgd = Sgd::new(1.0).clip_value(0.5);
        sgd.step(&mut x, &grads);
        assert_eq!((values(&x), sgd.skipped()), (vec![1.0, 1.5, 2.75], 1));
        let mut adam = Adam::new(1.0).clip_norm(0.5);
        let error = adam.try_step(&mut x, &grads).unwrap_err().to_string();
        assert_eq!(error, "adam: expected a finite gradient of \"0\", found infinite or NaN elements");
        assert_eq!((values(&x), adam.skipped()), (vec![1.0, 1.5, 2.75], 1));
        assert_eq!(adam.save(&x).numbers.len(), 1, "not a step: nothing is counted");
    }
}

/// Finite gradients whose squares are beyond the number type, and rates that are too large: the step itself is refused.
fn overflow_is_refused<T: Element>(huge: f64) {
    for mut optimizer in all::<T>() {
        let mut x = model::<T>(&[&[1.0, 2.0]]);
        let grads = given(&x, &[&[huge, 0.5]]);
        let result = optimizer.try_step(&mut x, &grads);
        assert!(matches!(result, Ok(()) | Err(StepError::Overflow { .. })), "{result:?}");
        assert!(values(&x).iter().all(|w| w.is_finite()), "{result:?}: {:?}", values(&x));
        assert_ne!(values(&x)[1], 2.0, "{result:?}");
        if let Err(error) = result {
            assert_eq!(values(&x)[0], 1.0, "{error}");
            let saved = optimizer.save(&x);
            assert!(
                saved.tensors.iter().all(|(_, slot)| slot.to_vec().iter().all(|s| s.is_finite())),
                "{error}"
            );
        }
        let mut x = model::<T>(&[&[1.0, 2.0]]);
        let grads = given(&x, &[&[1.0, 0.5]]);
        optimizer.set_learning_rate(f64::MAX);
        let refused = catch_unwind(AssertUnwindSafe(|| optimizer.step(&mut x, &grads))).is_err();
        assert!(values(&x).iter().all(|w| w.is_finite()), "{:?}", values(&x));
        assert!(refused || T::NAME == "f64", "a rate that is infinite in f32");
    }
}

#[test]
fn a_step_that_is_not_finite_is_refused_itself() {
    overflow_is_refused::<f64>(1e200);
    overflow_is_refused::<f32>(1e25);
    let mut x = model::<f64>(&[&[1.0]]);
    let grads = given(&x, &[&[1e10]]);
    let error = Sgd::new(1e300).try_step(&mut x, &grads).unwrap_err().to_string();
    let expected =
        "sgd: expected a finite step of \"0\", found infinite or NaN elements (learning rate 1e300)";
    assert_eq!(error, expected);
    let grads = given(&x, &[&[1e200]]);
    let error = Adam::new(0.1).try_step(&mut x, &grads).unwrap_err().to_string();
    assert!(error.starts_with("adam: expected a finite step"), "{error}");
}

#[test]
fn an_infinite_weight_that_does_not_move_is_no_error() {
    for mut optimizer in all::<f64>().into_iter().filter(|optimizer| optimizer.learning_rate() == 0.1).take(1)
    {
        let mut x = model::<f64>(&[&[f64::NEG_INFINITY, 2.0]]);
        let grads = given(&x, &[&[0.0, 1.0]]);
        assert_eq!(optimizer.try_step(&mut x, &grads), Ok(()));
        assert_eq!(values(&x), [f64::NEG_INFINITY, 1.9]);
    }
}

#[test]
fn the_norm_is_right_at_every_scale() {
    for scale in [1e-310, 1e-200, 1e-160, 1e-100, 1.0, 1e100, 1e154, 1e200, 1e300] {
        let x = model::<f64>(&[&[0.0, 0.0], &[0.0]]);
        let grads = given(&x, &[&[2.0 * scale, -scale], &[2.0 * scale]]);
        let norm = gradient_norm(&x, &grads);
        assert!((norm / scale - 3.0).abs() < 1e-12, "{scale:e}: {norm:e}");
    }
    let x = model::<f64>(&[&[0.0], &[0.0]]);
    assert_eq!(gradient_norm(&x, &given(&x, &[&[0.0], &[0.0]])), 0.0);
    assert_eq!(gradient_norm(&x, &given(&x, &[&[f64::INFINITY], &[0.0]])), f64::INFINITY);
    assert!(gradient_norm(&x, &given(&x, &[&[f64::NAN], &[f64::INFINITY]])).is_nan());
}

/// The step has the length of the bound, in the direction of the gradient, whatever the two sizes are.
fn clipped_to_the_bound<T: Element>(scales: &[f64], bounds: &[f64], tolerance: f64) {
    for &scale in scales {
        for &bound in bounds {
            let mut x = model::<T>(&[&[0.0, 0.0], &[0.0]]);
            let grads = given(&x, &[&[2.0 * scale, -scale], &[2.0 * scale]]);
            Sgd::new(1.0).clip_norm(bound).step(&mut x, &grads);
            let length = bound.min(3.0 * scale);
            let expected = [-2.0, 1.0, -2.0].map(|part| part * length / 3.0);
            for (found, expected) in values(&x).into_iter().zip(expected) {
                let close = (found - expected).abs() <= tolerance * expected.abs();
                assert!(close, "{scale:e} to {bound:e}: {found:e}, expected {expected:e}");
            }
        }
    }
}

#[test]
fn the_step_has_the_length_of_the_bound_at_every_scale() {
    let scales = [1e-300, 1e-200, 1e-100, 1.0, 1e100, 1e200, 1e300, 8e307];
    clipped_to_the_bound::<f64>(&scales, &[1e-250, 1e-150, 1e-3, 1.0, 1e150, 1e250], 1e-13);
    clipped_to_the_bound::<f32>(&[1e-30, 1e-20, 1.0, 1e20, 1e38], &[1e-25, 1e-5, 1.0, 1e10, 1e30], 1e-6);
}

#[test]
fn a_gradient_of_another_shape_is_refused_and_nothing_moves() {
    for wrong in [&[1.0, 1.0, 1.0][..], &[1.0], &[]] {
        for mut optimizer in all::<f64>() {
            let mut x = model::<f64>(&[&[1.0], &[2.0, 3.0]]);
            let grads = given(&x, &[&[1.0], wrong]);
            let error = optimizer.try_step(&mut x, &grads).unwrap_err();
            let found = format!("expected a gradient of shape [2] for \"1\", found [{}]", wrong.len());
            assert!(error.to_string().ends_with(&found), "{error}");
            assert!(catch_unwind(AssertUnwindSafe(|| optimizer.step(&mut x, &grads))).is_err());
            assert_eq!(values(&x), [1.0, 2.0, 3.0]);
            assert_eq!(optimizer.save(&x).numbers.len(), 1);
        }
        let mut x = model::<f64>(&[&[1.0], &[2.0, 3.0]]);
        let grads = given(&x, &[&[1.0], wrong]);
        let mut clipped = Sgd::new(1.0).clip_norm(0.1).clip_value(0.1);
        assert!(matches!(clipped.try_step(&mut x, &grads), Err(StepError::Shape { .. })));
        assert!(catch_unwind(|| gradient_norm(&x, &grads)).is_err());
        let mut sum = GradientAccumulator::new();
        assert!(catch_unwind(AssertUnwindSafe(|| sum.add(&x, &grads, 1.0))).is_err());
        assert!(sum.gradient(x[0].id()).is_none(), "nothing was added");
    }
    // A matrix for a vector of as many elements, too.
    let mut w = Param::new([1.0, 2.0]);
    let grads = Given(vec![(w.id(), Tensor::from([[1.0, 1.0]]))]);
    assert!(matches!(Sgd::new(1.0).try_step(&mut w, &grads), Err(StepError::Shape { .. })));
}

#[test]
fn state_of_a_parameter_that_changed_its_shape_is_refused() {
    let mut x = model::<f64>(&[&[1.0]]);
    let (mut adam, mut sum) = (Adam::new(0.1), GradientAccumulator::new());
    let grads = given(&x, &[&[1.0]]);
    adam.step(&mut x, &grads);
    sum.add(&x, &grads, 1.0);
    *x[0].value_mut() = Tensor::from([1.0, 2.0]);
    let grads = given(&x, &[&[1.0, 1.0]]);
    assert!(matches!(adam.try_step(&mut x, &grads), Err(StepError::Shape { .. })));
    assert!(catch_unwind(AssertUnwindSafe(|| sum.add(&x, &grads, 1.0))).is_err());
    sum.clear();
    sum.add(&x, &grads, 2.0);
    assert_eq!(sum.gradient(x[0].id()).map(|g| g.to_vec()), Some(vec![2.0, 2.0]));
}

#[test]
fn averages_check_the_model_and_its_numbers() {
    let mut x = model::<f64>(&[&[1.0, 1.0], &[2.0]]);
    let mut average = Average::ema(0.5);
    average.update(&x);
    for other in
        [model::<f64>(&[&[1.0, 1.0]]), model(&[&[1.0, 1.0], &[2.0], &[3.0]]), model(&[&[1.0], &[2.0]])]
    {
        assert!(catch_unwind(AssertUnwindSafe(|| average.update(&other))).is_err());
        assert_eq!(average.updates(), 1);
    }
    x[0].value_mut().as_mut_slice().copy_from_slice(&[f64::INFINITY, 3.0]);
    assert!(catch_unwind(AssertUnwindSafe(|| average.update(&x))).is_err());
    average.apply(&mut x).unwrap();
    assert_eq!(values(&x), [1.0, 2.0, 2.0]);
}

/// `Σ f(w)` and its gradient.
fn objective<'a>(f: impl Fn(f64) -> (f64, f64) + 'a) -> impl Fn(&Param) -> (f64, Gradients) + 'a {
    move |w: &Param| {
        let tape = Tape::new();
        let x = w.on(&tape);
        let at: Vec<(f64, f64)> = w.value().to_vec().into_iter().map(&f).collect();
        let slopes = Tensor::from(at.iter().map(|&(_, slope)| slope).collect::<Vec<_>>());
        let value = at.iter().map(|&(value, _)| value).sum();
        (value, (x * tape.constant(slopes)).sum().backward())
    }
}

#[test]
fn lbfgs_ends_at_a_finite_point() {
    // Nothing is known from the start: nothing happens.
    for (value, slope) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0), (1.0, f64::INFINITY)] {
        let mut w = Param::new([2.0]);
        Lbfgs::new().step(&mut w, objective(move |_| (value, slope)));
        assert_eq!(w.value().to_vec(), [2.0]);
    }
    // A wall: beyond 3 there is nothing, and before it the function falls.
    for wall in [f64::NAN, f64::INFINITY] {
        let mut w = Param::new([2.0]);
        let f = move |x: f64| if x > 3.0 { (wall, wall) } else { (-x, -1.0) };
        let value = Lbfgs::new().step(&mut w, objective(f));
        assert!(value <= -2.0 && value.is_finite(), "{value}");
        assert!((2.0..=3.0).contains(&w.value().to_vec()[0]), "{w:?}");
        assert_eq!(f(w.value().to_vec()[0]).0, value);
    }
    // Gradients whose squares are beyond the range.
    let mut w = Param::new([2.0, 1.0]);
    let value = Lbfgs::new().step(&mut w, objective(|x| (1e200 * x * x, 2e200 * x)));
    assert!(value.is_finite() && w.value().to_vec().iter().all(|w| w.is_finite()), "{value:e} {w:?}");
}

#[test]
fn lbfgs_refuses_gradients_and_models_that_do_not_fit() {
    let mut model = [Param::new([2.0]), Param::new([1.0, 3.0])];
    let bowl = |model: &[Param; 2]| {
        let tape = Tape::new();
        let f = model[0].on(&tape).square().sum() + model[1].on(&tape).square().sum();
        (f.value(), f.backward())
    };
    let mut optimizer = Lbfgs::new().iterations(1);
    optimizer.step(&mut model, bowl);
    model[0].freeze();
    let error = optimizer.try_step(&mut model, bowl).unwrap_err();
    assert_eq!(error.to_string(), "lbfgs: expected 3 trainable elements as in the last step, found 2");
    model[0].unfreeze();
    let stale = bowl(&model).1;
    *model[1].value_mut() = Tensor::from([1.0]);
    let mut stale = Some(stale);
    let error = Lbfgs::new().try_step(&mut model, |_| (0.0, stale.take().expect("asked once"))).unwrap_err();
    assert!(matches!(error, StepError::Shape { .. }), "{error}");
}
