//! Every layer against reference values from other software (see `reference/README.md`), and the documented
//! initial values, names, modes, masks and windows.

mod behaviour;
mod catalogue;
mod compositions;
mod derivatives;
mod functional;
mod gradients;
mod masked;
mod modules;
mod nonfinite;
mod traps;

use catalogue::{Layer, build};
use nn::{Context, Path};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tape::{Scalar, Tape, Tensor, Var};
use tests::compare::assert_close;
use tests::reference::{json, tensor};

/// Agreement with the reference, relative to magnitudes above 1.
const AGREEMENT: f64 = 1e-10;

fn tensors(list: &Value) -> Vec<Tensor> {
    list.as_array().expect("a list").iter().map(|x| tensor(x).expect("a tensor")).collect()
}

fn named(object: &Value) -> BTreeMap<String, Tensor> {
    let entries = object.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), tensor(value).expect("a tensor"))).collect()
}

/// The values of all parameters by name.
fn state(layer: &dyn Layer) -> BTreeMap<String, Tensor> {
    nn::state_dict(layer.parameters()).into_iter().collect()
}

/// A context with the same random numbers each time.
fn mode(train: bool) -> Context {
    if train { Context::train(StdRng::seed_from_u64(0)) } else { Context::eval() }
}

/// Returns `true` if a case is one of training.
fn trains(case: &Value) -> bool {
    match case["mode"].as_str() {
        Some("train") => true,
        Some("eval") => false,
        other => panic!("{other:?} is not a mode"),
    }
}

/// `Σ Σ wₖ yₖ`, the function that is differentiated in every test.
fn total<'t>(y: &[Var<'t>], weights: &[Tensor]) -> Scalar<'t> {
    y.iter().zip(weights).map(|(&y, w)| (y * w).sum()).sum()
}

/// The layer of a case with all parameters set by name from the case.
fn loaded(case: &Value) -> Box<dyn Layer> {
    let mut layer = build(case);
    let state = named(&case["state"]).into_iter().collect();
    nn::load_state_dict(layer.parameters_mut(), state)
        .unwrap_or_else(|problem| panic!("{}: {problem}", case["layer"]));
    layer
}

/// Compares outputs, gradients and the state afterwards.
fn check(case: &Value) {
    let what = |of: &str| format!("{} {}: {of}", case["layer"], case["attrs"]);
    let (mut layer, mut cx, tape) = (loaded(case), mode(trains(case)), Tape::new());
    let grads = case["grads"].as_array().expect("a list");
    let inputs: Vec<Var<'_>> = tensors(&case["inputs"]).into_iter().map(|x| tape.var(x)).collect();
    let outputs = layer.run(&tape, &inputs, &mut cx);
    let expected = tensors(&case["outputs"]);
    assert_eq!(outputs.len(), expected.len(), "{}", what("outputs"));
    for (y, expected) in outputs.iter().zip(&expected) {
        assert_close(&what("output"), &y.value(), expected, AGREEMENT);
    }
    let gradients = total(&outputs, &tensors(&case["cotangents"])).backward();
    for (&x, expected) in inputs.iter().zip(grads) {
        if let Some(expected) = tensor(expected) {
            assert_close(&what("gradient of an input"), &gradients.wrt(x), &expected, AGREEMENT);
        }
    }
    let mut expected = named(&case["param_grads"]);
    layer.parameters().visit(&Path::root(), &mut |path, param| {
        if param.is_trainable() {
            let expected =
                expected.remove(&path.to_string()).unwrap_or_else(|| panic!("{path} has no reference"));
            assert_close(&what(&format!("gradient of {path}")), &gradients.of(param), &expected, AGREEMENT);
        }
    });
    assert!(expected.is_empty(), "{}: {:?}", what("no such parameters"), expected.keys());
    let mut after = named(&case["state"]);
    after.extend(named(&case["state_after"]));
    cx.commit(layer.parameters_mut());
    for (name, found) in state(&*layer) {
        assert_close(&what(&format!("{name} afterwards")), &found, &after[&name], AGREEMENT);
    }
}

#[test]
fn layers_agree_with_the_reference() {
    let cases = json("layers.json");
    cases.iter().for_each(check);
    let kinds: BTreeSet<&str> = cases.iter().filter_map(|case| case["layer"].as_str()).collect();
    assert_eq!((cases.len(), kinds.len()), (86, 31), "{kinds:?}");
}
