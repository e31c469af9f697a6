//! L-BFGS on functions whose minimum is known.

use super::{Lbfgs, Trial, search};
use crate::Param;
use tape::{Element, Gradients, Tape, Tensor};

/// `Σ c (w - 3)² / 2` with `c` from 1 to 1000, over both parameters.
fn bowl<T: Element>(model: &[Param<T>; 2]) -> (T, Gradients<T>) {
    let tape = Tape::of();
    let term = |w: &Param<T>, c: [f64; 2]| {
        let d = w.on(&tape) - T::from_f64(3.0);
        (d * d * tape.constant(Tensor::from(c).cast::<T>()) * T::from_f64(0.5)).sum()
    };
    let value = term(&model[0], [1.0, 10.0]) + term(&model[1], [100.0, 1000.0]);
    (value.value(), value.backward())
}

fn start<T: Element>() -> [Param<T>; 2] {
    [[1.0, -2.0], [0.0, 7.0]].map(|x| Param::new(Tensor::from(x).cast::<T>()))
}

fn farthest<T: Element>(model: &[Param<T>; 2]) -> f64 {
    let distance = |w: &T| (w.to_f64() - 3.0).abs();
    model.iter().flat_map(|w| w.value().to_vec()).map(|w| distance(&w)).fold(0.0, f64::max)
}

#[test]
fn an_uneven_bowl_is_minimised_in_both_precisions() {
    let mut model = start::<f64>();
    assert!(Lbfgs::new().iterations(40).tolerances(1e-9, 1e-20).step(&mut model, bowl) < 1e-18);
    assert!(farthest(&model) < 1e-9, "{model:?}");
    let mut model = start::<f32>();
    assert!(Lbfgs::new().iterations(40).step(&mut model, bowl) < 1e-8);
    assert!(farthest(&model) < 1e-4, "{model:?}");
}

#[test]
fn no_iteration_makes_the_value_larger() {
    let (mut model, mut optimizer) = (start::<f64>(), Lbfgs::new().iterations(1).tolerances(1e-12, 1e-20));
    let mut last = bowl(&model).0;
    for _ in 0..30 {
        let value = optimizer.step(&mut model, bowl);
        assert!(value <= last, "{value} after {last}");
        assert_eq!(bowl(&model).0, value);
        last = value;
    }
    assert!(last < 1e-18, "{last:e}");
}

#[test]
fn at_the_minimum_nothing_happens() {
    let mut model = [[3.0, 3.0], [3.0, 3.0]].map(Param::<f64>::new);
    let mut evaluations = 0;
    let value = Lbfgs::new().step(&mut model, |model| {
        evaluations += 1;
        bowl(model)
    });
    assert_eq!((value, evaluations, farthest(&model)), (0.0, 1, 0.0));
}

#[test]
fn frozen_parameters_stay() {
    let mut model = start::<f64>();
    model[0].freeze();
    let mut optimizer = Lbfgs::new().iterations(30);
    optimizer.step(&mut model, bowl);
    assert_eq!(model[0].value().to_vec(), [1.0, -2.0]);
    assert!(model[1].value().to_vec().iter().all(|w| (w - 3.0).abs() < 1e-6), "{model:?}");
}

#[test]
fn state_of_another_model_is_refused() {
    let mut model = start::<f64>();
    let mut optimizer = Lbfgs::new().iterations(3);
    optimizer.step(&mut model, bowl);
    let mut other = Lbfgs::new();
    let error = other.restore(&model[0], optimizer.save()).unwrap_err().to_string();
    assert_eq!(error, "tensor \"direction\": expected shape [2], found [4]");
    assert_eq!(other.save().numbers, [("learning_rate".to_owned(), 1.0)]);
    let mut lacking = optimizer.save();
    lacking.tensors.retain(|(name, _)| name != "change.0");
    assert_eq!(other.restore(&model, lacking).unwrap_err().to_string(), "missing tensors: change.0");
}

#[test]
#[should_panic(expected = "lbfgs: no gradient for any of the model's 2 parameters")]
fn gradients_of_another_model_are_refused() {
    let model = start::<f64>();
    Lbfgs::new().step(&mut start(), |_| bowl(&model));
}

/// `10²⁰ + (w - 3)²`, which the squares are too small to change.
#[test]
fn a_change_of_nothing_is_below_every_tolerance_but_zero() {
    let minimised = |tolerance| {
        let mut w = Param::<f64>::new([0.0]);
        Lbfgs::new().tolerances(1e-9, tolerance).step(&mut w, |w| {
            let tape = Tape::of();
            let value = (w.on(&tape) - 3.0).square().sum() + 1e20;
            (value.value(), value.backward())
        });
        w.value().to_vec()[0]
    };
    // The first iteration goes a sixth of the way, because the gradient is 6.
    assert_eq!(minimised(1e-300), 1.0);
    assert!((minimised(0.0) - 3.0).abs() < 1e-9);
}

/// Up to a wall at 1 the function falls by less than a ten-thousandth of its slope at 0.
#[test]
fn of_points_that_descend_too_little_the_lowest_is_kept() {
    let at = |t: f64| Trial { t, value: if t < 1.0 { -1e-6 * t } else { 0.5 }, slope: -1.0, gradient: () };
    let (found, _) = search(at, at(0.0), 1.0, 1e-9);
    assert!(found.value < 0.0, "{found:?}");
}

/// `ln w` from ½: the first step would end at -½.
#[test]
fn a_fixed_step_to_where_there_is_no_number_is_taken_back() {
    let mut w = Param::<f64>::new([0.5]);
    let value = Lbfgs::new().without_line_search().step(&mut w, |w| {
        let tape = Tape::of();
        let value = w.on(&tape).ln().sum();
        (value.value(), value.backward())
    });
    assert_eq!(w.value().to_vec(), [0.5]);
    assert!((value - 0.5f64.ln()).abs() < 1e-15, "{value}");
}
