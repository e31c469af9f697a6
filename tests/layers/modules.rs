//! Modules without parameters, and the learned sigmoid, against the reference values of their operations.

use nn::{
    AdaptiveAvgPool2d, AvgPool2d, Context, Elu, Gelu, GeluTanh, HardTanh, LeakyRelu, LearnedSigmoid,
    LogSigmoid, LogSoftmax, MaxPool2d, Mish, Module, Relu, Selu, Sigmoid, SigmoidScaled, Silu, Softmax,
    Softplus, Tanh,
};
use tape::Var;
use tape::ops::Window;
use tests::reference::{Case, Compared, run};

/// Relative agreement, as that of the operations.
const RELATIVE: f64 = 1e-12;

/// Returns `true` if the case's axis is the last one.
fn last_axis(case: &Case) -> bool {
    case.int("axis").rem_euclid(case.inputs[0].rank() as isize) + 1 == case.inputs[0].rank() as isize
}

fn pair(case: &Case, key: &str) -> [usize; 2] {
    case.sizes(key).try_into().expect("two numbers")
}

fn window(case: &Case) -> Window {
    Window {
        stride: pair(case, "stride"),
        padding: pair(case, "padding"),
        ..Window::new(pair(case, "kernel"))
    }
}

/// The module of an operation, if there is one with these attributes.
fn module(case: &Case) -> Option<Box<dyn Module>> {
    Some(match case.op.as_str() {
        "sigmoid" => Box::new(Sigmoid),
        "sigmoid_scaled" => Box::new(SigmoidScaled { slope: case.get("slope"), offset: case.get("offset") }),
        "log_sigmoid" => Box::new(LogSigmoid),
        "tanh" => Box::new(Tanh),
        "hard_tanh" if (case.get("lo"), case.get("hi")) == (-1.0, 1.0) => Box::new(HardTanh),
        "relu" => Box::new(Relu),
        "leaky_relu" => Box::new(LeakyRelu { slope: case.get("slope") }),
        "elu" => Box::new(Elu { alpha: case.get("alpha") }),
        "selu" => Box::new(Selu),
        "gelu" if case.attrs["approximate"] == "tanh" => Box::new(GeluTanh),
        "gelu" => Box::new(Gelu),
        "silu" => Box::new(Silu),
        "mish" => Box::new(Mish),
        "softplus" => Box::new(Softplus),
        "softmax" if last_axis(case) => Box::new(Softmax),
        "log_softmax" if last_axis(case) => Box::new(LogSoftmax),
        "max_pool2d" => {
            let dilation = pair(case, "dilation");
            Box::new(MaxPool2d { window: Window { dilation, ..window(case) } })
        }
        "avg_pool2d" => {
            let count_padding = case.flag("count_include_pad");
            Box::new(AvgPool2d { window: window(case), count_padding })
        }
        "adaptive_avg_pool2d" => Box::new(AdaptiveAvgPool2d { size: pair(case, "output_size") }),
        _ => return None,
    })
}

fn apply<'t>(case: &Case, x: &[Var<'t>]) -> Option<Var<'t>> {
    Some(module(case)?.forward(x[0], &mut Context::eval()))
}

fn counts(compared: Compared) -> Vec<(String, usize)> {
    compared.into_iter().map(|(op, (count, _))| (op, count)).collect()
}

#[test]
fn modules_agree_with_the_operations_references() {
    let found =
        ["ops.json", "reductions.json", "network.json"].map(|file| counts(run(file, |_| RELATIVE, apply)));
    let ops: Vec<&str> = found.iter().flatten().map(|(op, _)| op.as_str()).collect();
    let expected = "elu gelu hard_tanh leaky_relu log_sigmoid mish relu selu sigmoid sigmoid_scaled silu softplus tanh \
                    log_softmax softmax adaptive_avg_pool2d avg_pool2d max_pool2d";
    assert_eq!(ops.join(" "), expected, "{found:?}");
}

#[test]
fn the_learned_sigmoid_begins_as_the_fixed_one() {
    let compared = run(
        "ops.json",
        |_| RELATIVE,
        |case, x| {
            let scaled = case.op == "sigmoid_scaled";
            let layer = scaled.then(|| LearnedSigmoid::new(case.get("slope"), case.get("offset")))?;
            Some(layer.forward(x[0], &mut Context::eval()))
        },
    );
    assert_eq!(counts(compared), [("sigmoid_scaled".to_owned(), 3)]);
}
