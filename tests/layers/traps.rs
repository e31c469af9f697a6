//! Gradient bugs that other systems shipped, as regression tests: convolutions, pools, losses and attention;
//! and the compositions of `network` against finite differences.

use nn::functional::{self, AttentionOptions, CrossEntropyOptions, Reduction};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::ops::{AvgWindows, Conv2d, Window};
use tape::{Scalar, Shape, Tape, Tensor, Var};

fn random(seed: u64, shape: &[usize]) -> Tensor {
    let mut random = StdRng::seed_from_u64(seed);
    Tensor::from_fn(shape, |_| random.random_range(-1.5..1.5))
}

/// The gradients of `Σ w f(x)` by the engine, and the second derivatives `d/dt Σ u ∇(x + t v)` in both modes, against
/// central differences.
fn check<F>(name: &str, shapes: &[&[usize]], f: F)
where
    F: for<'t> Fn(&[Var<'t>]) -> Var<'t>,
{
    let x: Vec<Tensor> = (0..).zip(shapes).map(|(i, shape)| random(7 + i, shape)).collect();
    let v: Vec<Tensor> = (0..).zip(shapes).map(|(i, shape)| random(70 + i, shape)).collect();
    let u: Vec<Tensor> = (0..).zip(shapes).map(|(i, shape)| random(700 + i, shape)).collect();
    let gradient = |t: f64| -> (f64, Vec<Tensor>) {
        let tape = Tape::new();
        let vars: Vec<Var<'_>> = x.iter().zip(&v).map(|(x, v)| tape.var(x + &(v * t))).collect();
        let y = f(&vars).weighted();
        (y.value(), y.backward().wrt(vars))
    };
    let dot = |a: &[Tensor], b: &[Tensor]| a.iter().zip(b).map(|(a, b)| (a * b).sum()).sum::<f64>();
    let richardson = |g: &dyn Fn(f64) -> f64| {
        let central = |h: f64| (g(h) - g(-h)) / (2.0 * h);
        (4.0 * central(5e-4) - central(1e-3)) / 3.0
    };
    let close = |what: &str, found: f64, expected: f64| {
        let scale = 1.0 + expected.abs();
        assert!((found - expected).abs() < 1e-8 * scale, "{name}, {what}: {found}, expected {expected}");
    };
    close("first derivative", dot(&gradient(0.0).1, &v), richardson(&|t| gradient(t).0));
    let expected = richardson(&|t| dot(&gradient(t).1, &u));
    let tape = Tape::new();
    let vars: Vec<Var<'_>> = x.iter().map(|x| tape.var(x.clone())).collect();
    let recorded = f(&vars).weighted().grad(vars.clone());
    let total: Scalar<'_> = recorded.iter().zip(&u).map(|(&g, u)| (g * u).sum()).sum();
    close("second derivative, reverse", dot(&total.backward().wrt(vars.clone()), &v), expected);
    close("second derivative, forward", total.jvp(vars, v.clone()), expected);
}

/// A sum with distinct weights.
trait Weighted<'t> {
    fn weighted(self) -> Scalar<'t>;
}

impl<'t> Weighted<'t> for Var<'t> {
    fn weighted(self) -> Scalar<'t> {
        (self * &random(3, &self.shape())).sum()
    }
}

#[test]
fn a_pool_passes_the_whole_gradient_on_and_ties_share_it() {
    let pool = |x: Tensor| {
        let tape = Tape::new();
        let x = tape.var(x.reshape([1, 1, 2, 2]));
        let y = x.max_pool2d(Window::new([2, 2]));
        (y.value().item(), y.sum().backward().wrt(x).to_vec())
    };
    assert_eq!(pool(Tensor::from([[1.0, 2.0], [3.0, 4.0]])), (4.0, vec![0.0, 0.0, 0.0, 1.0]));
    assert_eq!(pool(Tensor::full([2, 2], 5.0)), (5.0, vec![0.25; 4]));
    assert_eq!(pool(Tensor::from([[-1.0, 7.0], [7.0, 4.0]])), (7.0, vec![0.0, 0.5, 0.5, 0.0]));
}

#[test]
fn padding_takes_no_part_in_a_maximum() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([[-1.0, -2.0, 0.0]]).reshape([1, 1, 1, 3]));
    let y = x.max_pool2d(Window { padding: [0, 1], stride: [1, 3], ..Window::new([1, 2]) });
    assert_eq!(y.value().to_vec(), [-1.0, 0.0]);
    assert_eq!(y.vjp(Tensor::from([2.0, 3.0]).reshape([1, 1, 1, 2])).wrt(x).to_vec(), [2.0, 0.0, 3.0]);
}

#[test]
fn a_window_beyond_the_image_is_refused() {
    let x = Tensor::<f64>::ones([1, 1, 1, 1]);
    let far = Window { padding: [0, 2], ..Window::new([1, 2]) };
    assert!(std::panic::catch_unwind(|| x.max_pool2d(far)).is_err(), "{far:?} is refused");
}

#[test]
fn groups_that_do_not_divide_the_channels_are_refused() {
    let tape = Tape::new();
    let (x, w) = (tape.var(random(1, &[1, 3, 4, 4])), tape.var(random(2, &[2, 1, 2, 2])));
    // Two channels come out, three go in.
    for (groups, channels) in [(0, 2), (2, 3), (3, 2)] {
        let conv = Conv2d { groups, ..Conv2d::default() };
        let error = tape.try_apply(conv, &[x, w]).unwrap_err().to_string();
        assert_eq!(error, format!("conv2d: {groups} groups do not divide {channels} channels"));
    }
}

#[test]
fn an_operand_used_beside_its_pool_gets_both_gradients_in_either_order() {
    for first in [true, false] {
        let tape = Tape::new();
        let x = tape.var(random(1, &[1, 1, 3, 3]));
        let pooled = || x.avg_pool2d(AvgWindows::Adaptive { size: [1, 1] }).sum() * 9.0;
        let total = if first { pooled() + x.sum() } else { x.sum() + pooled() };
        for gradient in total.backward().wrt(x).to_vec() {
            assert!((gradient - 2.0).abs() < 1e-15, "gradient: found {gradient}, expected 2");
        }
    }
}

#[test]
fn convolutions_of_every_kind_agree_with_differences() {
    let strides = Conv2d { stride: [2, 3], padding: [1, 0], ..Conv2d::default() };
    check("stride", &[&[2, 2, 5, 4], &[3, 2, 2, 3], &[3]], |x| {
        functional::conv2d(&x[0], &x[1], Some(&x[2]), strides)
    });
    let groups = Conv2d { stride: [3, 2], padding: [2, 1], dilation: [2, 1], groups: 2 };
    check("groups", &[&[1, 4, 5, 6], &[2, 2, 3, 2]], |x| functional::conv2d(&x[0], &x[1], None, groups));
    check("1x1", &[&[2, 3, 2, 2], &[2, 3, 1, 1]], |x| {
        functional::conv2d(&x[0], &x[1], None, Conv2d::default())
    });
    check("1d", &[&[1, 2, 9], &[4, 1, 3], &[4]], |x| {
        functional::conv1d(
            &x[0],
            &x[1],
            Some(&x[2]),
            functional::Conv1dOptions { stride: 2, padding: 1, dilation: 2, groups: 2 },
        )
    });
    let back = functional::ConvTranspose1dOptions {
        stride: 3,
        padding: 1,
        output_padding: 2,
        dilation: 2,
        groups: 2,
    };
    check("transposed", &[&[2, 4, 3], &[4, 1, 3], &[2]], |x| {
        functional::conv_transpose1d(&x[0], &x[1], Some(&x[2]), back)
    });
}

/// A convolution with random settings, an image whose size they need not divide, and kernels.
fn any_convolution(seed: u64) -> (Conv2d, Tensor, Tensor) {
    let mut numbers = StdRng::seed_from_u64(seed);
    let mut below = |n: usize| numbers.random_range(0..n);
    let mut two = |from: usize, n: usize| [from + below(n), from + below(n)];
    let (kernel, stride, dilation, padding) = (two(1, 3), two(1, 3), two(1, 3), two(0, 3));
    let ([groups, per_group], [out, batch], extra) = (two(1, 3), two(1, 2), two(0, 6));
    let size = [0, 1].map(|axis| {
        let reach = dilation[axis] * (kernel[axis] - 1) + 1;
        reach.saturating_sub(2 * padding[axis]).max(1) + extra[axis]
    });
    let x = random(seed, &[batch, groups * per_group, size[0], size[1]]);
    let w = random(seed + 1, &[groups * out, per_group, kernel[0], kernel[1]]);
    (Conv2d { stride, padding, dilation, groups }, x, w)
}

/// The convolution by its definition.
fn by_definition(conv: Conv2d, x: &Tensor, w: &Tensor, shape: &Shape) -> Tensor {
    let (out, kernels) = (w.shape()[0] / conv.groups, w.shape().clone());
    Tensor::from_fn(shape.clone(), |at| {
        let [n, o, i, j] = [at[0], at[1], at[2], at[3]];
        let mut sum = 0.0;
        for at in 0..kernels[1] * kernels[2] * kernels[3] {
            let (c, u, v) = (at / (kernels[2] * kernels[3]), at / kernels[3] % kernels[2], at % kernels[3]);
            let row = (i * conv.stride[0] + u * conv.dilation[0]).checked_sub(conv.padding[0]);
            let col = (j * conv.stride[1] + v * conv.dilation[1]).checked_sub(conv.padding[1]);
            if let (Some(row), Some(col)) = (row, col) {
                let channel = o / out * kernels[1] + c;
                sum += w.get([o, c, u, v]).unwrap() * x.get([n, channel, row, col]).unwrap_or(0.0);
            }
        }
        sum
    })
}

#[test]
fn convolutions_with_random_settings_match_their_definition_and_their_gradients_the_adjoint() {
    for seed in 0..200 {
        let (conv, x, w) = any_convolution(seed);
        let tape = Tape::new();
        let vars = [tape.var(x.clone()), tape.var(w.clone())];
        let y = vars[0].conv2d(vars[1], conv);
        let value = y.value();
        let gap = (&value - &by_definition(conv, &x, &w, value.shape())).abs().max();
        assert!(gap < 1e-13, "{conv:?}, {:?}, {:?}: off by {gap:e}", x.shape(), w.shape());
        let ct = random(seed + 2, &value.shape()[..]);
        let [dx, dw] = y.vjp(ct.clone()).wrt(vars);
        let expected = (&ct * &value).sum();
        for found in [(&dx * &x).sum(), (&dw * &w).sum()] {
            let terms = ct.abs().max() * value.abs().max() * value.size() as f64;
            assert!(
                (found - expected).abs() < 1e-13 * (1.0 + terms),
                "{conv:?}: {found}, expected {expected}"
            );
        }
    }
}

#[test]
fn at_logit_zero_the_slope_of_the_binary_cross_entropy_is_a_half() {
    let tape = Tape::new();
    let x = tape.var([0.0, 0.0]);
    let t = tape.constant([0.0, 1.0]);
    let y = functional::bce_with_logits(&x, &t, None, None, Reduction::Sum);
    assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, -0.5]);
}

#[test]
fn large_logits_keep_their_digits_in_single_precision() {
    let tape = Tape::<f32>::single();
    let x = tape.var([18.0, -18.0, 1000.0, -1000.0, 1000.0, -1000.0]);
    let t = tape.constant([1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    let y = functional::bce_with_logits(&x, &t, None, None, Reduction::None);
    let slope = y.sum().backward().wrt(x).to_vec();
    let (y, small) = (y.value().to_vec(), (-18.0_f64).exp().ln_1p() as f32);
    for (found, expected) in y.iter().zip([small, small, 0.0, 0.0, 1000.0, 1000.0]) {
        assert!((found - expected).abs() <= 2.0 * f32::EPSILON * expected, "{found}, expected {expected}");
    }
    for (found, expected) in slope.iter().zip([-small, small, 0.0, 0.0, 1.0, -1.0]) {
        assert!(
            (found - expected).abs() <= 4.0 * f32::EPSILON * expected.abs(),
            "{found}, expected {expected}"
        );
    }
}

#[test]
fn the_binary_cross_entropy_agrees_with_differences() {
    check("bce", &[&[3, 2], &[3, 2], &[2], &[3, 1]], |x| {
        functional::bce_with_logits(&x[0], &x[1], Some(&x[2]), Some(&x[3]), Reduction::Mean)
    });
}

#[test]
fn a_query_without_keys_gives_zeros_and_no_gradient() {
    let tape = Tape::new();
    let [q, k, v] = [1, 2, 3].map(|seed| tape.var(random(seed, &[2, 3])));
    let mask = Tensor::from([[0.0, 0.0], [1.0, 0.0]]);
    let options = AttentionOptions { mask: Some(mask), ..AttentionOptions::default() };
    let y = functional::scaled_dot_product_attention(&q, &k, &v, &options);
    assert_eq!(y.value().slice(0, ..1).to_vec(), [0.0; 3]);
    assert_eq!(y.value().slice(0, 1..), v.value().slice(0, ..1));
    let grads = y.vjp(Tensor::full([2, 3], 2.0));
    assert_eq!((grads.wrt(q), grads.wrt(k)), (Tensor::zeros([2, 3]), Tensor::zeros([2, 3])));
    assert_eq!(grads.wrt(v), Tensor::from([[2.0, 2.0, 2.0], [0.0, 0.0, 0.0]]));
}

#[test]
fn attention_agrees_with_differences() {
    let options =
        AttentionOptions { causal: true, bias: Some(random(5, &[3, 4])), ..AttentionOptions::default() };
    check("attention", &[&[2, 3, 2], &[2, 4, 2], &[2, 4, 3]], |x| {
        functional::scaled_dot_product_attention(&x[0], &x[1], &x[2], &options)
    });
}

#[test]
fn a_mean_over_no_target_is_zero_with_gradient_zero() {
    let classes =
        CrossEntropyOptions { ignore: Some(-100), smoothing: 0.1, ..CrossEntropyOptions::default() };
    for reduction in [Reduction::Mean, Reduction::Sum] {
        let tape = Tape::new();
        let x = tape.var([[1.0, f64::NAN], [f64::INFINITY, 2.0]]);
        let y = functional::cross_entropy(&x, &[-100, -100], &classes, reduction);
        assert_eq!(y.value().item(), 0.0);
        assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0; 4]);
    }
}

#[test]
fn a_target_outside_the_classes_is_refused() {
    let x = Tensor::<f64>::zeros([1, 2]);
    for target in [2, -1, -100] {
        let refused =
            || functional::cross_entropy(&x, &[target], &CrossEntropyOptions::default(), Reduction::Mean);
        assert!(std::panic::catch_unwind(refused).is_err(), "{target}");
    }
}

#[test]
fn losses_of_classes_agree_with_differences() {
    let weight = Some(Tensor::from([0.5, 1.5, 2.0]));
    let classes = CrossEntropyOptions { weight, ignore: Some(1), smoothing: 0.2 };
    check("numbers", &[&[2, 3, 2]], |x| {
        functional::cross_entropy(&x[0], &[0, 1, 2, 0], &classes, Reduction::Mean)
    });
    check("distributions", &[&[2, 3, 2], &[2, 3, 2]], |x| {
        functional::soft_cross_entropy(&x[0], &x[1], &classes, Reduction::Mean)
    });
}

#[test]
fn normalizations_agree_with_differences() {
    check("layer", &[&[2, 3, 4], &[3, 4], &[3, 4]], |x| {
        functional::layer_norm(&x[0], [-1, -2], Some(&x[1]), Some(&x[2]), 1e-2)
    });
    check("rms", &[&[2, 3], &[3]], |x| functional::rms_norm(&x[0], -1, Some(&x[1]), 1e-2));
    check("group", &[&[2, 6, 2], &[6], &[6]], |x| {
        functional::group_norm(&x[0], 3, Some(&x[1]), Some(&x[2]), 1e-2)
    });
    check("batch", &[&[3, 2, 2], &[2], &[2]], |x| {
        functional::batch_norm(&x[0], None, Some(&x[1]), Some(&x[2]), 1e-2)
    });
    check("given", &[&[3, 2, 2], &[2], &[2]], |x| {
        let variance = x[2].square();
        functional::batch_norm(&x[0], Some([&x[1], &variance]), None, None, 1.0)
    });
}

#[test]
fn a_constant_row_is_normalized_to_zeros() {
    let tape = Tape::new();
    let x = tape.var(Tensor::full([2, 3], 0.1));
    let y = functional::layer_norm(&x, -1, None, None, 1e-5);
    assert_eq!(y.value(), Tensor::zeros([2, 3]));
    let gradient = y.vjp(random(1, &[2, 3])).wrt(x);
    assert!(gradient.to_vec().iter().all(|g| g.is_finite()), "expected finite elements, found {gradient}");
}
