//! Second derivatives of every layer with respect to its inputs and parameters, in both modes, against differences of
//! the first ones.

use super::catalogue::Layer;
use super::{loaded, mode, tensors, total, trains};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use tape::{Tape, Tensor, Var};
use tests::compare::assert_close;
use tests::networks::uniform;
use tests::reference::json;

/// Tolerance against Richardson's extrapolation of central differences of gradients, h = 1e-3: h⁴ from the
/// fifth derivative and 1e-16 / h from rounding.
const SECOND: f64 = 1e-8;

/// The inputs that are differentiated and the trainable parameters of a case.
fn point(case: &Value, layer: &dyn Layer) -> Vec<Tensor> {
    let params = layer.parameters().named_parameters();
    let params =
        params.into_iter().filter(|(_, param)| param.is_trainable()).map(|(_, param)| param.value().clone());
    tensors(&case["inputs"]).into_iter().chain(params).collect()
}

/// The outputs at another point, and the handles of that point.
fn record<'t>(case: &Value, tape: &'t Tape, at: &[Tensor]) -> (Vec<Var<'t>>, Vec<Var<'t>>) {
    let mut layer = loaded(case);
    let count = tensors(&case["inputs"]).len();
    let mut values = at[count..].iter();
    layer.parameters_mut().visit_mut(&nn::Path::root(), &mut |_, param| {
        if param.is_trainable() {
            *param.value_mut() = values.next().expect("a value for each parameter").clone();
        }
    });
    let mut x: Vec<Var<'t>> = at[..count].iter().map(|x| tape.var(x.clone())).collect();
    let y = layer.run(tape, &x, &mut mode(trains(case)));
    for (_, param) in layer.parameters().named_parameters() {
        if param.is_trainable() {
            x.push(param.on(tape));
        }
    }
    (y, x)
}

fn dot(a: &[Tensor], b: &[Tensor]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a * b).sum()).sum()
}

fn check(case: &Value) {
    let weights = tensors(&case["cotangents"]);
    let at = point(case, &*loaded(case));
    let rng = &mut StdRng::seed_from_u64(9);
    let mut direction = || at.iter().map(|x| uniform(x.shape(), 1.0, rng)).collect::<Vec<_>>();
    let (u, v) = (direction(), direction());
    // The derivative along u, as a function of the distance along v.
    let slope = |t: f64| {
        let moved: Vec<Tensor> = at.iter().zip(&v).map(|(x, v)| x + &(v * t)).collect();
        let tape = Tape::new();
        let (y, x) = record(case, &tape, &moved);
        dot(&total(&y, &weights).backward().wrt(x), &u)
    };
    let central = |h: f64| (slope(h) - slope(-h)) / (2.0 * h);
    let expected = Tensor::from((4.0 * central(5e-4) - central(1e-3)) / 3.0);
    let tape = Tape::new();
    let (y, x) = record(case, &tape, &at);
    let first = total(&y, &weights).grad(x.clone());
    let along = total(&first, &u);
    let what = format!("{} {}", case["layer"], case["attrs"]);
    let reverse = dot(&along.backward().wrt(x.clone()), &v);
    assert_close(&format!("{what}, reverse"), &Tensor::from(reverse), &expected, SECOND);
    let forward = along.jvp(x, v.clone());
    assert_close(&format!("{what}, forward"), &Tensor::from(forward), &expected, SECOND);
}

#[test]
fn second_derivatives_equal_differences_of_first_ones() {
    // An embedding is indexed by integers: its derivatives are constants.
    let cases = json("layers.json").into_iter().filter(|case| case["layer"] != "Embedding");
    assert_eq!(cases.map(|case| check(&case)).count(), 84);
}
