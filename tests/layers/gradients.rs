//! The project's gradient check of every layer, of inputs and parameters, first and second order.

use super::catalogue::{Layer, module};
use super::{loaded, tensors, trains};
use gradcheck::{Report, Verdict};
use nn::{
    AdaptiveAvgPool2d, AvgPool2d, Celu, Dropout, Elu, Flatten, Gelu, GeluTanh, HardShrink, HardSigmoid,
    HardSwish, HardTanh, HardTanhBetween, Identity, LeakyRelu, LearnedSigmoid, Linear, LogSigmoid,
    LogSoftmax, MaxPool2d, Mish, Relu, Relu6, Residual, Selu, Sigmoid, SigmoidScaled, Silu, SoftShrink,
    Softmax, Softplus, SoftplusScaled, Softsign, Tanh, TanhShrink,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use tape::Tensor;
use tests::networks::uniform;
use tests::reference::json;

fn check(name: &str, layer: &dyn Layer, inputs: Vec<Tensor>, weights: Vec<Tensor>, train: bool) -> Report {
    let check = layer.check(inputs, weights, train).named(name).order(2);
    check.run().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn check_case(case: &Value) -> Report {
    let inputs = if case["grads"][0].is_null() { Vec::new() } else { tensors(&case["inputs"]) };
    let name = format!("{} {}", case["layer"], case["attrs"]);
    check(&name, &*loaded(case), inputs, tensors(&case["cotangents"]), trains(case))
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn every_layer_passes_the_gradient_check_in_both_orders() {
    let cases = json("layers.json");
    // The padding row is excluded from learning: there, and only there, the gradient is not the derivative.
    let (padded, others): (Vec<_>, Vec<_>) =
        cases.iter().partition(|case| case["attrs"]["padding_idx"].is_number());
    for case in &others {
        let report = check_case(case);
        assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    }
    assert_eq!((others.len(), padded.len()), (85, 1));
    let report = check_case(padded[0]);
    assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
}

/// Layers that the reference file does not contain, with the shape of their input.
fn others() -> Vec<(&'static str, Box<dyn Layer>, Vec<usize>)> {
    let (vector, image) = (vec![4, 3], vec![1, 2, 4, 3]);
    let rng = &mut StdRng::seed_from_u64(1);
    vec![
        ("Identity", module(Identity), vector.clone()),
        ("Sigmoid", module(Sigmoid), vector.clone()),
        ("SigmoidScaled", module(SigmoidScaled { slope: 2.0, offset: -0.5 }), vector.clone()),
        ("LearnedSigmoid", module(LearnedSigmoid::new(2.0, -0.5)), vector.clone()),
        (
            "LearnedSigmoid of each",
            module(LearnedSigmoid::new([2.0, 0.5, -1.0], [0.1, 0.2, 0.3])),
            vector.clone(),
        ),
        ("LogSigmoid", module(LogSigmoid), vector.clone()),
        ("Tanh", module(Tanh), vector.clone()),
        ("HardTanh", module(HardTanh), vector.clone()),
        ("Relu", module(Relu), vector.clone()),
        ("LeakyRelu", module(LeakyRelu::default()), vector.clone()),
        ("Elu", module(Elu::default()), vector.clone()),
        ("Selu", module(Selu), vector.clone()),
        ("Gelu", module(Gelu), vector.clone()),
        ("GeluTanh", module(GeluTanh), vector.clone()),
        ("Silu", module(Silu), vector.clone()),
        ("Mish", module(Mish), vector.clone()),
        ("Softplus", module(Softplus), vector.clone()),
        ("Celu", module(Celu { alpha: 0.5 }), vector.clone()),
        ("HardShrink", module(HardShrink::default()), vector.clone()),
        ("HardSigmoid", module(HardSigmoid), vector.clone()),
        ("HardSwish", module(HardSwish), vector.clone()),
        ("HardTanhBetween", module(HardTanhBetween { lo: -0.7, hi: 0.9 }), vector.clone()),
        ("Relu6", module(Relu6), vector.clone()),
        ("SoftShrink", module(SoftShrink::default()), vector.clone()),
        ("SoftplusScaled", module(SoftplusScaled { beta: 2.0 }), vector.clone()),
        ("Softsign", module(Softsign), vector.clone()),
        ("TanhShrink", module(TanhShrink), vector.clone()),
        ("Softmax", module(Softmax), vector.clone()),
        ("LogSoftmax", module(LogSoftmax), vector.clone()),
        ("Dropout", module(Dropout::new(0.5)), vector.clone()),
        ("Residual", module(Residual::new(Linear::new(3, 3, rng))), vector),
        ("Flatten", module(Flatten), image.clone()),
        ("MaxPool2d", module(MaxPool2d::new([2, 2])), image.clone()),
        ("AvgPool2d", module(AvgPool2d::new([2, 2])), image.clone()),
        ("AdaptiveAvgPool2d", module(AdaptiveAvgPool2d { size: [3, 2] }), image),
    ]
}

#[test]
fn modules_pass_the_gradient_check_in_both_orders() {
    for (name, layer, shape) in others() {
        let rng = &mut StdRng::seed_from_u64(2);
        let x = uniform(&shape[..], 1.5, rng);
        // One weight is enough: the square makes all outputs weigh differently.
        let report = check(name, &*layer, vec![x], vec![Tensor::scalar(0.7)], true);
        assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    }
}
