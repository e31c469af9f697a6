//! Convolutions and pools: GL-23 to GL-25.

use super::{EXACT, accuracy, agrees, batches, classify, parts};
use examples::digits8x8::digits;
use gradcheck::GradCheck;
use nn::data::Dataset;
use nn::optim::Adam;
use nn::{AvgPool2d, Context, Conv2d, Flatten, Linear, MaxPool2d, Module, Param, Relu, Sequential};
use tape::{Tape, Tensor, ops};
use tests::compare::{assert_close, error, near};
use tests::row;
use tests::systems::{normal, rng};

#[test]
fn gl_23_convolutional_network() {
    let data = digits();
    let images = Dataset::new(data.x().reshape([1797, 1, 8, 8]), data.y().clone()).expect("as many labels");
    let [train, _, unseen] = parts(&images, [800, 0], 23);
    let rng = &mut rng(1);
    let mut model = Sequential::new()
        .push(Conv2d::new(1, 6, [3, 3], rng))
        .push(Relu)
        .push(MaxPool2d::new([2, 2]))
        .push(Flatten)
        .push(Linear::new(6 * 3 * 3, 10, rng));
    classify(&mut model, &mut Adam::new(0.02), &mut batches(&train, 25), 8, 2);
    let right = accuracy(&model, &unseen);
    assert!(right > 0.9, "{right}");
    row(
        "GL-23",
        "small convolutional network on 8x8 digits: accuracy on 997 unseen ones",
        "> 90 %",
        &format!("{:.1} %", 100.0 * right),
        "6 filters of 3x3, largest of 2x2, one layer; 8 epochs of 800 digits",
    );
}

/// `y[i, j] = Σ w[u, v] x[i + u, j + v]` where the whole filter is inside.
fn valid(x: &Tensor, w: &Tensor) -> Tensor {
    let [rows, columns] = [0, 1].map(|axis| w.shape()[axis]);
    let at = |t: &Tensor, i: usize, j: usize| t.get([i, j]).expect("inside");
    Tensor::from_fn([x.shape()[0] - rows + 1, x.shape()[1] - columns + 1], |to| {
        let places = (0..rows).flat_map(|u| (0..columns).map(move |v| (u, v)));
        places.map(|(u, v)| at(w, u, v) * at(x, to[0] + u, to[1] + v)).sum()
    })
}

#[test]
fn gl_24_filter() {
    let mut count = 0;
    for n in 1..=9 {
        for (p, d, k, s) in (0..4 * 3 * 3 * 3).map(|i| (i % 4, i / 4 % 3 + 1, i / 12 % 3 + 1, i / 36 + 1)) {
            if d * (k - 1) < n + 2 * p {
                let conv = ops::Conv2d { stride: [s, 1], padding: [p, 0], dilation: [d, 1], groups: 1 };
                let y = Tensor::<f64>::zeros([1, 1, n, 1]).conv2d(&Tensor::zeros([1, 1, k, 1]), conv);
                assert_eq!(y.shape()[2], (n + 2 * p - d * (k - 1) - 1) / s + 1);
                count += 1;
            }
        }
    }
    let what = "⌊(n + 2p - d (k - 1) - 1) / s⌋ + 1 windows";
    row(
        "GL-24",
        what,
        "equal",
        &format!("{count} of {count} settings"),
        "n to 9, p and d to 3, k and s to 3",
    );

    let rng = &mut rng(24);
    let (x, w, d) = (normal([6, 7], 1.0, rng), normal([3, 2], 1.0, rng), normal([4, 6], 1.0, rng));
    let tape = Tape::new();
    let images = |t: &Tensor| t.unsqueeze(0).unsqueeze(0);
    let [on_x, on_w] = [&x, &w].map(|t| tape.var(images(t)));
    let y = on_x.conv2d(on_w, ops::Conv2d::default());
    assert_close("valid correlation", &y.value(), &images(&valid(&x, &w)), EXACT);
    let grads = y.vjp(images(&d));
    let dw = error(&grads.wrt(on_w), &images(&valid(&x, &d)));
    let full = d.pad([(2, 2), (1, 1)], tape::PadMode::Constant(0.0));
    let dx = error(&grads.wrt(on_x), &images(&valid(&full, &w.flip([0, 1]))));
    assert!(dw <= EXACT && dx <= EXACT, "{dw:e} {dx:e}");
    row("GL-24", "gradient of the filter: valid correlation of x and dy", "equal", &format!("{dw:.1e}"), "");
    row("GL-24", "gradient of x: full convolution, filter flipped", "equal", &format!("{dx:.1e}"), "");

    let conv = ops::Conv2d { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 };
    let check = GradCheck::new(|v| nn::functional::conv2d(&v["x"], &v["w"], Some(&v["b"]), conv))
        .input("x", normal([2, 2, 4, 4], 1.0, rng))
        .input("w", normal([2, 1, 3, 2], 1.0, rng))
        .input("b", normal([2], 1.0, rng));
    row("GL-24", "gradient check, strides, padding, dilation, groups", "agree", &agrees(check), "");
}

#[test]
fn gl_25_pooling() {
    let rng = &mut rng(25);
    let x = normal([2, 1, 4, 6], 1.0, rng);
    let ct = normal([2, 1, 2, 3], 1.0, rng);
    let pull = |pool: &dyn Module| {
        let tape = Tape::new();
        let x = tape.var(x.clone());
        let y = pool.forward(x, &mut Context::eval());
        (y.value(), y.vjp(ct.clone()).wrt(x))
    };
    let window = |at: &[usize]| [at[0], 0, at[2] / 2, at[3] / 2];
    let (largest, to_largest) = pull(&MaxPool2d::new([2, 2]));
    let routed = Tensor::from_fn(x.shape(), |at| {
        let is_largest = x.get(at) == largest.get(window(at));
        if is_largest { ct.get(window(at)).expect("a window") } else { 0.0 }
    });
    assert_eq!(to_largest, routed);
    let (mean, to_all) = pull(&AvgPool2d::new([2, 2]));
    assert_eq!(to_all, Tensor::from_fn(x.shape(), |at| ct.get(window(at)).expect("a window") / 4.0));
    near("mean of the means", mean.mean(), x.mean(), 1e-15);
    for (name, pool, asked) in [
        ("largest", Box::new(MaxPool2d::new([2, 2])) as Box<dyn Module>, "gradient to the largest"),
        ("mean", Box::new(AvgPool2d::new([2, 2])), "1/k² to each"),
    ] {
        let check = GradCheck::new(|v| pool.forward(v["x"], &mut Context::eval())).input("x", x.clone());
        row("GL-25", name, asked, "every bit", &agrees(check));
    }
    // A convolution with equal weights is an average.
    let same = Conv2d {
        weight: Param::new(Tensor::full([1, 1, 2, 2], 0.25)),
        bias: None,
        conv: ops::Conv2d { stride: [2, 2], ..ops::Conv2d::default() },
    };
    assert_close("convolution with equal weights", &same.predict(&x), &mean, 1e-15);
}
