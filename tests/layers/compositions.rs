//! Convolutions of volumes, pools, sizes, gates and biases against reference values from other software: the functional forms
//! that are compositions.

use nn::functional::{
    self, AttentionOptions, Conv3dOptions, Interpolation, Pool1dOptions, Resize,
    scaled_dot_product_attention_with_bias,
};
use nn::{Context, Glu, Module};
use tape::{Tape, Tensor, Var};
use tests::reference::{Case, at_least_three, run};

/// Relative agreement.
const RELATIVE: f64 = 1e-12;

fn size(case: &Case, key: &str) -> usize {
    case.int(key) as usize
}

fn triple(case: &Case, key: &str) -> [usize; 3] {
    case.sizes(key).try_into().expect("three numbers")
}

fn pool(case: &Case) -> Pool1dOptions {
    let [kernel, stride, padding] = ["kernel", "stride", "padding"].map(|key| size(case, key));
    Pool1dOptions { kernel, stride, padding, dilation: case.attrs["dilation"].as_u64().unwrap_or(1) as usize }
}

fn resize(case: &Case) -> Resize {
    match case.attrs["factor"].as_array() {
        Some(factors) => Resize::By(factors.iter().map(|n| n.as_f64().expect("a factor")).collect()),
        None => Resize::To(case.sizes("size")),
    }
}

fn interpolation(case: &Case) -> Interpolation {
    match case.attrs["mode"].as_str() {
        Some("nearest") => Interpolation::Nearest,
        _ => Interpolation::Linear { align_corners: case.flag("align_corners") },
    }
}

fn apply<'t>(case: &Case, x: &[Var<'t>]) -> Var<'t> {
    let (a, second, third) = (x[0], x.get(1), x.get(2));
    match case.op.as_str() {
        "conv3d" => {
            let [stride, padding, dilation] = ["stride", "padding", "dilation"].map(|key| triple(case, key));
            let conv = Conv3dOptions { stride, padding, dilation, groups: size(case, "groups") };
            functional::conv3d(&a, &x[1], third, conv)
        }
        "max_pool1d" => functional::max_pool1d(&a, pool(case)),
        "avg_pool1d" => functional::avg_pool1d(&a, pool(case), case.flag("count_include_pad")),
        "adaptive_avg_pool1d" => functional::adaptive_avg_pool1d(&a, size(case, "size")),
        "adaptive_max_pool1d" => functional::adaptive_max_pool1d(&a, size(case, "size")),
        "adaptive_max_pool2d" => {
            let size = case.sizes("size").try_into().expect("two numbers");
            functional::adaptive_max_pool2d(&a, size)
        }
        "interpolate" => functional::interpolate(&a, &resize(case), interpolation(case)),
        "pixel_shuffle" => functional::pixel_shuffle(&a, size(case, "factor")),
        "pixel_unshuffle" => functional::pixel_unshuffle(&a, size(case, "factor")),
        "instance_norm" => functional::instance_norm(&a, second, third, case.get("eps")),
        "glu" => Glu { axis: case.int("axis") }.forward(a, &mut Context::eval()),
        "attention_with_bias" => {
            let options = AttentionOptions { scale: case.attrs["scale"].as_f64(), ..Default::default() };
            scaled_dot_product_attention_with_bias(&a, &x[1], &x[2], &x[3], &options)
        }
        op => panic!("no function is called {op}"),
    }
}

#[test]
fn values_and_gradients_agree() {
    at_least_three(&run("functional.json", |_| RELATIVE, |case, x| Some(apply(case, x))), 12);
}

/// A constant bias, of the options, and one that is an operand are the same; both may exclude keys, whatever the scores.
#[test]
fn both_biases_of_attention_are_one() {
    let tape = Tape::new();
    let never = f64::NEG_INFINITY;
    let q = tape.var([[1.0, -0.5], [0.25, 2.0]]);
    let (k, v) =
        (tape.var([[0.5, 1.0], [f64::NAN, 1.0], [1.0, -1.0]]), tape.var([[1.0], [f64::INFINITY], [3.0]]));
    let bias = Tensor::from([[0.5, never, -1.0], [2.0, never, never]]);
    let options = AttentionOptions { bias: Some(bias.clone()), ..AttentionOptions::default() };
    let operand = tape.var(bias);
    let constant = functional::scaled_dot_product_attention(&q, &k, &v, &options);
    let learned = scaled_dot_product_attention_with_bias(&q, &k, &v, &operand, &AttentionOptions::default());
    assert_eq!(learned.value(), constant.value());
    let (found, expected) = (learned.sum().backward(), constant.sum().backward());
    for x in [q, k, v] {
        assert_eq!(found.wrt(x), expected.wrt(x));
    }
    let slope = found.wrt(operand);
    assert_eq!([slope.at([0, 1]), slope.at([1, 0]), slope.at([1, 1]), slope.at([1, 2])], [0.0; 4]);
    assert!(slope.at([0, 0]) != 0.0 && (slope.at([0, 0]) + slope.at([0, 2])).abs() < 1e-15);
}

/// Equal maxima share, and a maximum that two windows see has both cotangents.
#[test]
fn ties_of_adaptive_maxima_share() {
    let tape = Tape::new();
    let x = tape.var([[[2.0, 2.0, 5.0, 1.0, 1.0]]]);
    let y = functional::adaptive_max_pool1d(&x, 2);
    assert_eq!(y.value().to_vec(), [5.0, 5.0]);
    assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 2.0, 0.0, 0.0]);
    let y = functional::adaptive_max_pool1d(&x.slice(2, ..2), 1);
    assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 0.5, 0.0, 0.0, 0.0]);
}

/// A row of the reference is rounded in single precision; here positions of whole ratios are exact.
#[test]
fn the_nearest_element_is_that_of_whole_numbers() {
    for (extent, size) in [(3, 7), (7, 3), (10, 30), (49, 7), (5, 5)] {
        let x: Tensor = Tensor::arange(extent).reshape([1, 1, extent]);
        let y = functional::interpolate(&x, &Resize::To(vec![size]), Interpolation::Nearest);
        let expected: Vec<f64> = (0..size).map(|i| (i * extent / size) as f64).collect();
        assert_eq!(y.to_vec(), expected, "{extent} to {size}");
    }
}

#[test]
fn shuffled_pixels_return() {
    let x: Tensor = Tensor::arange(2 * 8 * 3 * 2).reshape([2, 8, 3, 2]);
    assert_eq!(functional::pixel_unshuffle(&functional::pixel_shuffle(&x, 2), 2), x);
}
