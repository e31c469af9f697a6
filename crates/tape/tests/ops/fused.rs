//! Operations that could be composed of others agree with that composition: in value, gradient and second
//! derivative.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::ops::{AvgWindows, Conv2d, Standardize, Tanh, Window};
use tape::{Axes, Scalar, Tape, Tensor, Var};

fn random(seed: u64, shape: &[usize]) -> Tensor {
    let mut random = StdRng::seed_from_u64(seed);
    Tensor::from_fn(shape, |_| random.random_range(0.2..1.8))
}

/// A sum with distinct weights.
fn weighted<'t>(x: Var<'t>) -> Scalar<'t> {
    (x * &random(3, &x.shape())).sum()
}

/// Panics unless the two agree to `1e-13` of the largest element.
#[track_caller]
fn close(name: &str, what: &str, a: &Tensor, b: &Tensor) {
    let (distance, size) = ((a - b).abs().max(), b.abs().max());
    assert!(distance <= 1e-13 * (1.0 + size), "{name}, {what}: {distance:e} apart, of {size:e}");
}

#[track_caller]
fn agree<F, G>(name: &str, shapes: &[&[usize]], fused: F, composed: G)
where
    F: for<'t> Fn(&[Var<'t>]) -> Var<'t>,
    G: for<'t> Fn(&[Var<'t>]) -> Var<'t>,
{
    let tape = Tape::new();
    let x: Vec<Var<'_>> = (7..).zip(shapes).map(|(seed, shape)| tape.var(random(seed, shape))).collect();
    let [a, b] = [fused(&x), composed(&x)];
    close(name, "value", &a.value(), &b.value());
    let [a, b] = [a, b].map(|y| weighted(y.exp()).grad(x.clone()));
    let plain = weighted(fused(&x).exp()).backward().wrt(x.clone());
    for k in 0..x.len() {
        close(name, "gradient", &a[k].value(), &b[k].value());
        close(name, "plain gradient", &plain[k], &b[k].value());
        let [a, b] = [a[k], b[k]].map(|slope| weighted(slope.square()).backward().wrt(x.clone()));
        a.iter().zip(&b).for_each(|(a, b)| close(name, "second derivative", a, b));
    }
}

#[test]
fn functions_of_a_row() {
    for (slope, offset) in [(1.7, -0.4), (-0.5, 2.0)] {
        agree(
            "sigmoid_scaled",
            &[&[7]],
            |x| x[0].sigmoid_scaled(slope, offset),
            |x| (x[0] * slope + offset).sigmoid(),
        );
    }
}

#[test]
fn products() {
    agree(
        "linear",
        &[&[4, 3], &[2, 3], &[2]],
        |x| x[0].linear(x[1], x[2]),
        |x| x[0].matmul(x[1].transpose()) + x[2],
    );
    agree(
        "dense",
        &[&[4, 3], &[2, 3], &[2]],
        |x| x[0].dense(x[1], x[2], Tanh),
        |x| x[0].linear(x[1], x[2]).tanh(),
    );
    agree(
        "squared_distance",
        &[&[4, 3], &[4, 3]],
        |x| x[0].squared_distance(x[1]),
        |x| (x[0] - x[1]).square().sum().to_var(),
    );
    agree(
        "matmul",
        &[&[2, 3], &[3, 4]],
        |x| x[0].matmul(x[1]),
        |x| (x[0].unsqueeze(-1) * x[1].unsqueeze(0)).sum_axes(1, false),
    );
    agree("outer", &[&[3], &[4]], |x| x[0].outer(x[1]), |x| x[0].reshape([3, 1]) * x[1].reshape([1, 4]));
    agree("dot", &[&[5], &[5]], |x| x[0].dot(x[1]).to_var(), |x| (x[0] * x[1]).sum().to_var());
    agree("trace", &[&[3, 4]], |x| x[0].trace().to_var(), |x| x[0].diag(0).sum().to_var());
}

#[test]
fn functions_of_rows() {
    agree("softmax", &[&[3, 4]], |x| x[0].softmax(0), |x| x[0].exp() / x[0].exp().sum_axes(0, true));
    agree("log_softmax", &[&[3, 4]], |x| x[0].log_softmax(1), |x| x[0] - x[0].exp().sum_axes(1, true).ln());
    agree("logsumexp", &[&[3, 4]], |x| x[0].logsumexp_axes(1, false), |x| x[0].exp().sum_axes(1, false).ln());
    agree(
        "cross_entropy",
        &[&[3, 4, 2], &[3, 4, 2]],
        |x| x[0].cross_entropy(x[1], 1),
        |x| -(x[1] * x[0].log_softmax(1)).sum_axes(1, false),
    );
    agree(
        "var",
        &[&[3, 4]],
        |x| x[0].variance_axes(0, 1, false),
        |x| (x[0] - x[0].mean_axes(0, true)).square().sum_axes(0, false) / 2.0,
    );
    agree("std", &[&[3, 4]], |x| x[0].std_axes(1, 0, true), |x| x[0].variance_axes(1, 0, true).sqrt());
    agree("center", &[&[3, 4]], |x| x[0].center(0), |x| x[0] - x[0].mean_axes(0, true));
    agree("norm", &[&[3, 4]], |x| x[0].norm_axes(2.0, 1, false), |x| x[0].square().sum_axes(1, false).sqrt());
    agree(
        "cumsum",
        &[&[5]],
        |x| x[0].cumsum(0),
        |x| x[0].tape().constant(Tensor::ones([5, 5])).tril(0).matmul(x[0]),
    );
}

#[test]
fn standardize() {
    for (axes, center) in [(vec![-1], true), (vec![0, 2], true), (vec![0], false), (vec![1, 2], false)] {
        let axes = Axes::from(&axes[..]);
        agree(
            &format!("standardize over {axes:?}, centered: {center}"),
            &[&[3, 4, 2]],
            |x| x[0].tape().apply(Standardize { axes: axes.clone(), eps: 0.1, center }, &[x[0]]),
            |x| {
                let d = if center { x[0] - x[0].mean_axes(axes.clone(), true) } else { x[0] };
                d / (d.square().mean_axes(axes.clone(), true) + 0.1).sqrt()
            },
        );
    }
}

#[test]
fn windows() {
    let window = Window { stride: [2, 1], padding: [1, 0], ..Window::new([3, 2]) };
    agree(
        "max_pool2d",
        &[&[2, 2, 5, 4]],
        |x| x[0].max_pool2d(window),
        |x| {
            // The elements are positive, so the zeros of the padding are never the largest.
            let patches = x[0].unfold2d(window);
            patches.reshape([2, 2, 6, 9]).max_axes(2, false).reshape([2, 2, 3, 3])
        },
    );
    let pool = AvgWindows::Sliding { window, count_padding: true };
    agree(
        "avg_pool2d",
        &[&[2, 2, 5, 4]],
        |x| x[0].avg_pool2d(pool),
        |x| x[0].unfold2d(window).reshape([2, 2, 6, 9]).mean_axes(2, false).reshape([2, 2, 3, 3]),
    );
    let conv = Conv2d { stride: [2, 1], padding: [1, 0], dilation: [1, 1], groups: 1 };
    agree(
        "conv2d",
        &[&[2, 2, 5, 4], &[3, 2, 3, 2]],
        |x| x[0].conv2d(x[1], conv),
        |x| {
            let columns = x[0].unfold2d(window);
            x[1].reshape([3, 12]).matmul(columns).reshape([2, 3, 3, 3])
        },
    );
}

#[test]
fn a_bias_is_added_to_every_window_of_its_channel() {
    for (kernel, conv) in [
        ([3, 2], Conv2d { stride: [2, 1], padding: [1, 0], ..Conv2d::default() }),
        ([1, 1], Conv2d::default()),
        ([2, 2], Conv2d { groups: 2, ..Conv2d::default() }),
    ] {
        agree(
            "conv2d with a bias",
            &[&[3, 4, 5, 11], &[6, 4 / conv.groups, kernel[0], kernel[1]], &[6]],
            |x| x[0].tape().apply(conv, x),
            |x| x[0].conv2d(x[1], conv) + x[2].reshape([6, 1, 1]),
        );
    }
    let tape = Tape::new();
    let (x, w) = (tape.var(Tensor::ones([1, 1, 2, 2])), tape.var(Tensor::ones([3, 1, 1, 1])));
    let error = tape.try_apply(Conv2d::default(), &[x, w, tape.var([1.0, 2.0])]).unwrap_err();
    assert_eq!(error.to_string(), "conv2d: expected shape [3], found [2]");
    let error = tape.try_apply(Conv2d::default(), &[x]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "conv2d: expected two or three operands: x, w, and b or none, found 1 operands"
    );
}

/// Maxima of 2 x 2 side by side, element by element, for rows of every length up to several vectors: ties, NaN, zero cotangents,
/// and rows and columns that belong to no window.
#[test]
fn the_largest_of_windows_side_by_side_share_their_cotangent() {
    let window = Window { stride: [2, 2], ..Window::new([2, 2]) };
    for width in 2..=21 {
        let (height, [rows, cols]) = (5, [2, width / 2]);
        let element = |i: usize| if i % 31 == 30 { f64::NAN } else { (7 * i % 5) as f64 };
        let x: Vec<f64> = (0..2 * height * width).map(element).collect();
        let dy: Vec<f64> = (0..2 * rows * cols).map(|i| (i % 4) as f64).collect();
        let (mut y, mut dx) = (Vec::new(), vec![0.0; x.len()]);
        for (at, dy) in dy.iter().enumerate() {
            let (plane, i, j) = (at / (rows * cols), at / cols % rows, at % cols);
            let corner = (plane * height + 2 * i) * width + 2 * j;
            let places = [corner, corner + 1, corner + width, corner + width + 1];
            let elements = places.map(|place| x[place]);
            let nan = elements.iter().any(|x| x.is_nan());
            let max = if nan { f64::NAN } else { elements.into_iter().fold(f64::NEG_INFINITY, f64::max) };
            let ties = elements.iter().filter(|&&x| x == max).count() as f64;
            for place in places {
                let share = if nan { f64::NAN } else { f64::from(x[place] == max) / ties };
                dx[place] = if *dy == 0.0 { 0.0 } else { dy * share };
            }
            y.push(max);
        }
        let tape = Tape::new();
        let image = tape.var(Tensor::from(x).reshape([1, 2, height, width]));
        let found = image.max_pool2d(window);
        let bits = |x: &[f64]| x.iter().map(|x| (x.is_nan(), x.max(-1.0).to_bits())).collect::<Vec<_>>();
        assert_eq!(bits(&found.value().to_vec()), bits(&y), "width {width}");
        let cts = Tensor::from(dy).reshape([1, 2, rows, cols]);
        assert_eq!(bits(&found.vjp(cts).wrt(image).to_vec()), bits(&dx), "width {width}: the cotangent");
    }
}

#[test]
fn softmax_ignores_a_common_shift() {
    let tape = Tape::new();
    let x = tape.var([[0.0, 1.0, -2.0], [0.5, -800.0, 0.25]]);
    let weights = Tensor::from([[1.0, 10.0, 100.0], [-3.0, 2.0, 5.0]]);
    let results = |y: Var<'_>| (y.value(), y.vjp(weights.clone()).wrt(x));
    for shift in [1000.0, -1000.0, 1024f64.powi(4)] {
        // The shifted elements are exact, and so are their differences.
        assert_eq!(results((x + shift).softmax(1)), results(x.softmax(1)), "softmax, by {shift}");
        assert_eq!(results((x + shift).log_softmax(1)), results(x.log_softmax(1)), "log_softmax, by {shift}");
    }
    let spread = tape.var([f64::MAX, -f64::MAX, 0.0]).softmax(0);
    assert_eq!(spread.value(), Tensor::from([1.0, 0.0, 0.0]));
}
