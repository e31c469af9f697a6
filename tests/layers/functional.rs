//! Convolutions, pools, normalizations, losses and attention against reference values from other software:
//! see `tests/reference/README.md`.

use nn::functional::{
    self, AttentionOptions, Conv1dOptions, ConvTranspose1dOptions, CrossEntropyOptions, Reduction,
};
use serde_json::Value;
use std::collections::BTreeMap;
use tape::ops::{AvgWindows, Conv2d, ConvTranspose2d, Embedding, Window};
use tape::{Tape, Tensor, Var};
use tests::reference::{Case, cases, flags, tensor};

/// Relative agreement.
const RELATIVE: f64 = 1e-12;

/// A parameter for each of the two axes.
fn pair(case: &Case, key: &str) -> [usize; 2] {
    let sizes = case.sizes(key);
    [sizes[0], sizes[1]]
}

fn size(case: &Case, key: &str) -> usize {
    case.int(key) as usize
}

fn conv(case: &Case) -> Conv2d {
    Conv2d {
        stride: pair(case, "stride"),
        padding: pair(case, "padding"),
        dilation: pair(case, "dilation"),
        groups: size(case, "groups"),
    }
}

fn reduction(case: &Case) -> Reduction {
    match case.attrs["reduction"].as_str() {
        Some("none") => Reduction::None,
        Some("mean") => Reduction::Mean,
        Some("sum") => Reduction::Sum,
        other => panic!("{other:?} is not a reduction"),
    }
}

fn classes(case: &Case) -> CrossEntropyOptions {
    CrossEntropyOptions {
        weight: tensor(&case.attrs["weight"]),
        ignore: case.attrs["ignore_index"].as_i64(),
        smoothing: case.get("label_smoothing"),
    }
}

/// A list of integers with its shape.
fn whole(value: &Value) -> Vec<i64> {
    tensor(value).expect("a list").to_vec().into_iter().map(|x| x as i64).collect()
}

/// The trailing axes that are normalized.
fn trailing(case: &Case) -> Vec<isize> {
    (1..=case.sizes("normalized_shape").len() as isize).map(|axis| -axis).collect()
}

fn embedding<'t>(case: &Case, table: Var<'t>) -> Var<'t> {
    let indices = &case.attrs["indices"];
    let shape = tensor(indices).expect("indices").shape().clone();
    let indices: Vec<usize> = whole(indices).into_iter().map(|index| index as usize).collect();
    // A padding row is constant.
    let table = match case.attrs["padding_idx"].as_u64() {
        None => table,
        Some(row) => {
            let value = table.value();
            let mask = Tensor::from_fn([value.shape()[0], 1], |i| f64::from(u8::from(i[0] as u64 != row)));
            Var::select(&mask, table, &value)
        }
    };
    table.tape().apply(Embedding { indices: indices.into(), shape }, &[table])
}

fn attention(case: &Case) -> AttentionOptions {
    let mask = &case.attrs["mask"];
    let kind = case.attrs["mask_kind"].as_str();
    AttentionOptions {
        mask: (kind == Some("boolean")).then(|| flags(mask)),
        bias: (kind == Some("additive")).then(|| tensor(mask).expect("a mask")),
        causal: case.flag("causal"),
        scale: case.attrs["scale"].as_f64(),
    }
}

/// The result on a tape.
fn apply<'t>(case: &Case, x: &[Var<'t>]) -> Var<'t> {
    let (a, second, third) = (x[0], x.get(1), x.get(2));
    let given = |key: &str| tensor(&case.attrs[key]).map(|x| a.tape().constant(x));
    match case.op.as_str() {
        "linear" => match x {
            [x, w, b] => x.linear(*w, *b),
            [x, w] => x.matmul(w.transpose()),
            _ => panic!("linear of {} operands", x.len()),
        },
        "conv1d" => {
            let [stride, padding, dilation, groups] =
                ["stride", "padding", "dilation", "groups"].map(|key| size(case, key));
            functional::conv1d(&a, &x[1], third, Conv1dOptions { stride, padding, dilation, groups })
        }
        "conv2d" => functional::conv2d(&a, &x[1], third, conv(case)),
        "conv_transpose1d" => {
            let [stride, padding, output_padding, dilation, groups] =
                ["stride", "padding", "output_padding", "dilation", "groups"].map(|key| size(case, key));
            let conv = ConvTranspose1dOptions { stride, padding, output_padding, dilation, groups };
            functional::conv_transpose1d(&a, &x[1], third, conv)
        }
        "conv_transpose2d" => {
            let conv = ConvTranspose2d { conv: conv(case), output_padding: pair(case, "output_padding") };
            functional::conv_transpose2d(&a, &x[1], third, conv)
        }
        "max_pool2d" => a.max_pool2d(Window {
            kernel: pair(case, "kernel"),
            stride: pair(case, "stride"),
            padding: pair(case, "padding"),
            dilation: pair(case, "dilation"),
        }),
        "avg_pool2d" => {
            let (stride, padding) = (pair(case, "stride"), pair(case, "padding"));
            let window = Window { stride, padding, ..Window::new(pair(case, "kernel")) };
            a.avg_pool2d(AvgWindows::Sliding { window, count_padding: case.flag("count_include_pad") })
        }
        "adaptive_avg_pool2d" => a.avg_pool2d(AvgWindows::Adaptive { size: pair(case, "output_size") }),
        "cross_entropy" => {
            functional::cross_entropy(&a, &whole(&case.attrs["targets"]), &classes(case), reduction(case))
        }
        "cross_entropy_probabilities" => {
            functional::soft_cross_entropy(&a, &x[1], &classes(case), reduction(case))
        }
        "bce_with_logits" => {
            let (weight, pos_weight) = (given("weight"), given("pos_weight"));
            functional::bce_with_logits(&a, &x[1], weight.as_ref(), pos_weight.as_ref(), reduction(case))
        }
        "layer_norm" => functional::layer_norm(&a, &trailing(case)[..], second, third, case.get("eps")),
        "rms_norm" => functional::rms_norm(&a, &trailing(case)[..], second, case.get("eps")),
        "group_norm" => functional::group_norm(&a, size(case, "groups"), second, third, case.get("eps")),
        "batch_norm" => {
            let (mean, variance) = (given("running_mean").unwrap_or(a), given("running_var").unwrap_or(a));
            let statistics = (!case.flag("training")).then_some([&mean, &variance]);
            functional::batch_norm(&a, statistics, second, third, case.get("eps"))
        }
        "embedding" => embedding(case, a),
        "scaled_dot_product_attention" => {
            functional::scaled_dot_product_attention(&a, &x[1], &x[2], &attention(case))
        }
        op => panic!("no operation is called {op}"),
    }
}

/// The magnitude of the terms whose difference is the gradient of an operand in the reference: for a
/// normalized one, where one group of it is much smaller than another, `ȳ w / √(variance + eps)` of its
/// group.
fn terms(case: &Case, k: usize, ct: &Tensor) -> Vec<f64> {
    let x = &case.inputs[0];
    let rows = match case.op.as_str() {
        "group_norm" => case.output.shape()[0] * size(case, "groups"),
        "layer_norm" => x.size() / case.sizes("normalized_shape").iter().product::<usize>(),
        // The reference subtracts 1 from the probability of the label's class and loses digits there.
        // Everywhere else, and here, no digits are lost.
        "cross_entropy" if k == 0 => {
            let (labels, classes) = (whole(&case.attrs["targets"]), x.shape()[1]);
            let of_label = |i: usize| labels.get(i / classes) == Some(&((i % classes) as i64));
            let term = |i| if of_label(i) { ct.abs().max() } else { 0.0 };
            return (0..x.size()).map(term).collect();
        }
        // The reference subtracts the mean cotangent from that of the key with nearly all of the weight: its
        // digits end where that key's are zero.
        "scaled_dot_product_attention" if k < 2 => {
            let (attention, values) = (attention(case), &case.inputs[2]);
            let weights = functional::attention_weights(x, &case.inputs[1], &attention);
            let width = x.shape()[x.rank() - 1] as f64;
            let largest = ct.abs().max() * values.abs().max() * values.shape()[values.rank() - 1] as f64;
            let largest = largest * attention.scale.unwrap_or(1.0 / width.sqrt());
            let others = match k {
                0 => weights.matmul(&case.inputs[1].abs()),
                _ => weights.transpose().matmul(&x.abs()),
            };
            return (others * largest).to_vec();
        }
        _ => return Vec::new(),
    };
    if k > 0 {
        return Vec::new();
    }
    let largest = ct.abs().max() * case.inputs.get(1).map_or(1.0, |w| w.abs().max());
    let variance = x.reshape([rows, x.size() / rows]).variance_axes(-1, 0, true);
    let scale = variance.map_elements(|v| largest / (v + case.get("eps")).sqrt());
    scale.broadcast_to([rows, x.size() / rows]).to_vec()
}

#[test]
fn values_and_gradients_agree() {
    let mut compared: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    for case in cases("network.json") {
        let tape = Tape::new();
        let x: Vec<Var<'_>> = case.inputs.iter().map(|x| tape.var(x.clone())).collect();
        let y = apply(&case, &x);
        let mut worst = case.distance("value", RELATIVE, &y.value(), &case.output, &[]);
        let ct = case.cotangent.clone().expect("a cotangent");
        let grads = y.vjp(ct.clone());
        for (k, (&x, expected)) in x.iter().zip(&case.grads).enumerate() {
            let expected = expected.as_ref().expect("a gradient");
            let what = format!("gradient of operand {k}");
            worst = worst.max(case.distance(&what, RELATIVE, &grads.wrt(x), expected, &terms(&case, k, &ct)));
        }
        let (count, largest) = compared.entry(case.op.clone()).or_default();
        (*count, *largest) = (*count + 1, largest.max(worst));
    }
    for (op, (count, worst)) in &compared {
        println!("{op}: {count} cases, largest relative distance {worst:.1e}");
        assert!(*count >= 3, "{op} is compared in {count} cases only");
    }
    assert_eq!(compared.len(), 17, "operations compared: {:?}", compared.keys());
}
