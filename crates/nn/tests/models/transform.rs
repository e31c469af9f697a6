//! Transformations of models, and the gradients that optimizers accept.

use nn::optim::{Adam, GradientAccumulator, Optimizer, Sgd, StepError, gradient_norm};
use nn::transform::{Direction, grad, hessian, hvp, jvp, per_sample_grads, value_and_grad};
use nn::{Context, Identity, Module, Param, Parameters, Sequential, Tanh, loss, mlp, state_dict};
use rand::{SeedableRng, rngs::StdRng};
use std::collections::{BTreeMap, HashMap};
use tape::{Element, Scalar, Tape, Tensor, Var};

fn x<T: Element>() -> Tensor<T> {
    Tensor::from_fn([5, 2], |i| T::from_f64(((3 * i[0] + i[1]) as f64 * 0.7).sin()))
}

fn y<T: Element>() -> Tensor<T> {
    Tensor::from_fn([5, 1], |i| T::from_f64((i[0] as f64 * 1.3).cos()))
}

fn model<T: Element>() -> Sequential<T> {
    mlp(&[2, 3, 1], Tanh, Identity, &mut StdRng::seed_from_u64(4))
}

fn outputs<'t, T: Element>(model: &Sequential<T>, tape: &'t Tape<T>) -> Var<'t, T> {
    model.forward(tape.constant(x()), &mut Context::eval())
}

fn mse<'t, T: Element>(model: &Sequential<T>, tape: &'t Tape<T>) -> Scalar<'t, T> {
    loss::squared_error(outputs(model, tape), y()).mean()
}

/// The model at this distance along a direction.
fn moved(model: &Sequential, along: &Direction, t: f64) -> Sequential {
    let mut copy = model.snapshot();
    copy.visit_mut(&nn::Path::root(), &mut |_, param| {
        if param.is_trainable() {
            let there = param.value() + along.of(param) * t;
            *param.value_mut() = there;
        }
    });
    copy
}

fn waves(model: &Sequential) -> Direction {
    Direction::new(model, |_, value| value.map_elements(|w| (9.0 * w).cos()))
}

#[test]
fn the_gradient_is_that_of_a_backward_pass() {
    let model = model::<f64>();
    let (value, grads) = value_and_grad(&model, mse);
    let tape = Tape::new();
    let loss = mse(&model, &tape);
    let backward = loss.backward();
    assert_eq!(value, loss.value());
    for (name, param) in model.named_parameters() {
        assert_eq!(grads.of(param), backward.of(param), "{name}");
    }
    assert_eq!(grad(&model, mse), grads);
    assert_eq!(gradient_norm(&model, &grads), gradient_norm(&model, &backward));
}

#[test]
fn products_agree_with_differences() {
    let (model, h) = (model::<f64>(), 1e-5);
    let along = waves(&model);
    let (ahead, behind) = (moved(&model, &along, h), moved(&model, &along, -h));
    let (value, slope) = jvp(&model, outputs, &along);
    assert_eq!(value, model.predict(&x()));
    let difference = (ahead.predict(&x()) - behind.predict(&x())) / (2.0 * h);
    assert!((slope - difference).abs().max() < 1e-9);
    let product = hvp(&model, mse, &along).to_vec();
    let [ahead, behind] = [ahead, behind].map(|model| grad(&model, mse).to_vec());
    for ((product, ahead), behind) in product.iter().zip(ahead).zip(behind) {
        assert!((product - (ahead - behind) / (2.0 * h)).abs() < 1e-8);
    }
}

#[test]
fn the_hessian_has_the_products_as_its_columns() {
    let mut model = model::<f64>();
    assert_eq!(model.freeze_matching("0.bias").unwrap(), 1);
    let rows = hessian(&model, mse);
    assert_eq!(rows.shape(), [10, 10]);
    assert!((&rows - rows.transpose()).abs().max() < 1e-14);
    let along = waves(&model);
    let product = rows.matmul(&Tensor::from(along.to_vec()).reshape([10, 1])).to_vec();
    for (found, expected) in product.iter().zip(hvp(&model, mse, &along).to_vec()) {
        assert!((found - expected).abs() < 1e-13);
    }
}

#[test]
fn gradients_of_samples_sum_to_that_of_the_batch() {
    let model = model::<f64>();
    let each = per_sample_grads(&model, 5, |model, tape, i| {
        let rows = i as isize..i as isize + 1;
        let output = model.forward(tape.constant(x().slice(0, rows.clone())), &mut Context::eval());
        loss::squared_error(output, y().slice(0, rows)).sum()
    });
    let mut mean = GradientAccumulator::new();
    each.iter().for_each(|grads| mean.add(&model, grads, 0.2));
    let mut batch = GradientAccumulator::new();
    batch.add(&model, &grad(&model, mse), -1.0);
    assert!(gradient_norm(&model, &mean) > 0.1);
    each.iter().for_each(|grads| batch.add(&model, grads, 0.2));
    assert!(gradient_norm(&model, &batch) < 1e-14);
}

#[test]
fn every_transformation_takes_f32() {
    let (single, double) = (model::<f32>(), model::<f64>());
    let close = |found: &[f32], expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        let mut pairs = found.iter().zip(expected);
        assert!(pairs.all(|(&found, expected)| (f64::from(found) - expected).abs() < 1e-5));
    };
    close(&grad(&single, mse).to_vec(), &grad(&double, mse).to_vec());
    let ones = Direction::new(&single, |_, value| Tensor::ones(value.shape().clone()));
    let wide = Direction::new(&double, |_, value| Tensor::ones(value.shape().clone()));
    close(&jvp(&single, outputs, &ones).1.to_vec(), &jvp(&double, outputs, &wide).1.to_vec());
    close(&hvp(&single, mse, &ones).to_vec(), &hvp(&double, mse, &wide).to_vec());
    close(&hessian(&single, mse).to_vec(), &hessian(&double, mse).to_vec());
    let each = per_sample_grads(&single, 2, |model, tape, _| mse(model, tape));
    close(&each[1].to_vec(), &grad(&double, mse).to_vec());
}

#[test]
fn parameters_that_take_no_part_have_zeros_and_other_models_are_refused() {
    let pair = (Param::new([1.0, 2.0]), Param::new([3.0]));
    let grads = grad(&pair, |pair, tape| pair.0.on(tape).square().sum());
    assert_eq!(grads.to_vec(), [2.0, 4.0, 0.0]);
    let refused = std::panic::catch_unwind(|| hvp(&model(), mse, &waves(&model::<f64>()))).unwrap_err();
    let text = refused.downcast_ref::<String>().unwrap();
    assert_eq!(text, "hvp: expected a direction for this model, found none for \"0.weight\"");
}

type Pair = (Param, Param);

/// The model after a step of gradient descent from `(1, 2)` and `3`, with the norm bounded.
fn stepped(grads: &dyn nn::optim::GradientSource) -> Result<Vec<f64>, StepError> {
    let mut pair: Pair = (Param::new([1.0, 2.0]), Param::new([3.0]));
    Sgd::new(1.0).clip_norm(1.0).try_step(&mut pair, grads)?;
    Ok(state_dict(&pair).into_iter().flat_map(|(_, value)| value.to_vec()).collect())
}

#[test]
fn vectors_tuples_and_maps_are_gradients() {
    // Norm 10, clipped to 1.
    let (a, b) = (Tensor::from([6.0, 0.0]), Tensor::from([8.0]));
    let expected = vec![1.0 - 0.6, 2.0, 3.0 - 0.8];
    let names = || [("0".to_owned(), a.clone()), ("1".to_owned(), b.clone())];
    let close = |found: Result<Vec<f64>, StepError>| {
        let found = found.unwrap();
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
    };
    close(stepped(&vec![a.clone(), b.clone()]));
    close(stepped(&[a.clone(), b.clone()]));
    close(stepped(&(a.clone(), b.clone())));
    close(stepped(&BTreeMap::from(names())));
    close(stepped(&HashMap::from(names())));
    // As `tape::transform` returns them.
    let grads = tape::transform::grad(
        |u: Var, v: Var| (u * &Tensor::from([6.0, 0.0])).sum() + (v * 8.0).sum(),
        (Tensor::from([1.0, 2.0]), Tensor::from([3.0])),
    );
    close(stepped(&grads));
    let mut w: Param = Param::new([1.0]);
    Adam::new(0.5).step(&mut w, &Tensor::from([3.0]));
    assert!((w.value().item() - 0.5).abs() < 1e-6);
    // A missing name is a parameter that took no part.
    let some = BTreeMap::from([("1".to_owned(), Tensor::from([0.5]))]);
    assert_eq!(stepped(&some), Ok(vec![1.0, 2.0, 2.5]));
}

#[test]
fn gradients_that_do_not_belong_to_the_parameters_are_refused() {
    let text = |grads: &dyn nn::optim::GradientSource| stepped(grads).unwrap_err().to_string();
    let one = Tensor::from([6.0, 0.0]);
    let expected = "sgd: expected 2 gradients, one for each trainable parameter, found 1";
    assert_eq!(text(&vec![one.clone()]), expected);
    assert_eq!(text(&one), expected);
    let map = BTreeMap::from([("0".to_owned(), one.clone()), ("bias".to_owned(), Tensor::from([1.0]))]);
    assert_eq!(text(&map), "sgd: expected names of trainable parameters, found 1 other name in 2 gradients");
    let swapped = (Tensor::from([8.0]), one);
    assert_eq!(text(&swapped), "sgd: expected a gradient of shape [2] for \"0\", found [1]");
}
