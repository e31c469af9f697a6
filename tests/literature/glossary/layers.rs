//! Layers against their equations: GL-37, GL-49 to GL-51.

use super::{EXACT, agrees};
use gradcheck::GradCheck;
use nn::functional::{self, AttentionOptions, scaled_dot_product_attention};
use nn::{BatchNorm1d, Context, Dropout, Embedding, Module, Param};
use tape::{Tape, Tensor};
use tests::compare::{at_most, error};
use tests::row;
use tests::systems::{normal, rng};

#[test]
fn gl_37_embedding() {
    let layer = Embedding::new(5, 3, &mut rng(37));
    let words = [2, 0, 2, 4, 2];
    let ct = normal([5, 3], 1.0, &mut rng(1));
    let tape = Tape::new();
    let y = layer.forward(&tape, words);
    let (table, found) = (layer.weight.value(), y.vjp(ct.clone()).of(&layer.weight));
    for (at, &word) in (0..).zip(&words) {
        let row = word as isize;
        assert_eq!(y.value().slice(0, at..at + 1), table.slice(0, row..row + 1));
    }
    let hits = Tensor::<f64>::one_hot(&words[..], 5).unwrap().transpose();
    let distance = error(&found, &hits.matmul(&ct));
    at_most("gradient of the table", distance, 1e-15);
    for unseen in [1, 3] {
        assert_eq!(found.slice(0, unseen..unseen + 1), Tensor::zeros([1, 3]));
    }
    row(
        "GL-37",
        "rows looked up; gradients of those looked up, of others",
        "equal; added up, 0",
        &format!("every bit; {distance:.1e}, 0"),
        "one row three times",
    );
}

#[test]
fn gl_49_dropout() {
    let (p, n) = (0.3, 20_000);
    let layer = Dropout::new(p);
    let x = &normal([n], 0.1, &mut rng(49)) + 1.0;
    let tape = Tape::new();
    let leaf = tape.var(x.clone());
    let y = layer.forward(leaf, &mut Context::train(rng(0)));
    let kept = y.value().to_vec().iter().filter(|&&y| y != 0.0).count() as f64 / n as f64;
    let slope = y.sum().backward().wrt(leaf);
    for ((x, y), slope) in x.to_vec().into_iter().zip(y.value().to_vec()).zip(slope.to_vec()) {
        let kept = 1.0 / (1.0 - p);
        assert!(slope == 0.0 || slope == kept, "slope: found {slope}, expected 0 or {kept}");
        assert!((y - slope * x).abs() <= 1e-15, "the gradient has the mask of the output");
    }
    let (before, after) = (x.mean(), y.value().mean());
    // Five standard deviations of the mean of n draws.
    let bound = 5.0 * (p / (1.0 - p) / n as f64).sqrt() * 1.01;
    assert!((after - before).abs() <= bound, "{before} {after}");
    assert_eq!(layer.predict(&x), x);
    row(
        "GL-49",
        "p = 0.3: share kept",
        "0.7",
        &format!("{kept:.4}"),
        "scaled by 1 / (1 - p), so is the gradient",
    );
    row(
        "GL-49",
        "mean before and after",
        "preserved",
        &format!("{before:.4}, {after:.4}"),
        "inference: identity",
    );
}

#[test]
fn gl_50_batch_normalization() {
    let rng = &mut rng(50);
    let (x, d) = (&normal([6, 3], 2.0, rng) + 5.0, normal([6, 3], 1.0, rng));
    let (gamma, beta, eps) = (Tensor::from([1.5, -0.5, 2.0]), Tensor::from([0.1, 0.2, -0.3]), 1e-5);
    let layer = |eps: f64| {
        let mut layer = BatchNorm1d::new(3).eps(eps).momentum(Some(1.0));
        layer.weight = Some(Param::new(gamma.clone()));
        layer.bias = Some(Param::new(beta.clone()));
        layer
    };
    let tape = Tape::new();
    let mut cx = Context::train(tests::systems::rng(0));
    let plain = layer(0.0).forward(tape.constant(x.clone()), &mut cx).value();
    let mean = error(&plain.mean_axes(0, false), &beta);
    let deviation = error(&plain.std_axes(0, 0, false), &gamma.abs());
    assert!(mean <= 1e-14 && deviation <= 1e-14, "{mean:e} {deviation:e}");
    let ours = format!("{mean:.1e}, {deviation:.1e}");
    row("GL-50", "mean against β, deviation against |γ|", "equal", &ours, "ε = 0");

    let mut layer = layer(eps);
    let leaf = tape.var(x.clone());
    let y = layer.forward(leaf, &mut cx);
    let grads = y.vjp(d.clone());
    let columns = |t: &Tensor| t.mean_axes(0, true);
    let centred = &x - &columns(&x);
    let s = (&columns(&(&centred * &centred)) + eps).sqrt();
    let xh = &centred / &s;
    let dx = &(&gamma / &s) * &(&(&d - &columns(&d)) - &(&xh * &columns(&(&d * &xh))));
    let [dgamma, dbeta] = [(&d * &xh).sum_axes(0, false), d.sum_axes(0, false)];
    let of = |param: &Option<Param>| grads.of(param.as_ref().expect("an affine layer"));
    let distances =
        [error(&grads.wrt(leaf), &dx), error(&of(&layer.weight), &dgamma), error(&of(&layer.bias), &dbeta)];
    assert!(distances.iter().all(|&distance| distance <= EXACT), "{distances:?}");
    let ours = distances.map(|distance| format!("{distance:.1e}")).join(", ");
    row("GL-50", "dx, dγ, dβ", "closed form", &ours, "");
    let check = GradCheck::new(|v| functional::batch_norm(&v["x"], None, Some(&v["γ"]), Some(&v["β"]), eps))
        .input("x", x.clone())
        .input("γ", gamma.clone())
        .input("β", beta.clone());
    row("GL-50", "gradient check", "agree", &agrees(check), "");

    // In inference, the running statistics: here those of one batch, with the unbiased variance.
    cx.commit(&mut layer);
    let variance = x.variance_axes(0, 1, true);
    let expected = &(&(&centred / &(&variance + eps).sqrt()) * &gamma) + &beta;
    let running = error(&layer.predict(&x), &expected);
    assert!(running <= EXACT, "{running:e}");
    row("GL-50", "inference by running statistics", "equal", &format!("{running:.1e}"), "");
}

#[test]
fn gl_51_attention() {
    let rng = &mut rng(51);
    let [q, k] = [[4, 3], [5, 3]].map(|shape| normal(shape, 1.0, rng));
    let (v, c) = (normal([5, 2], 1.0, rng), normal([4, 2], 1.0, rng));
    let tape = Tape::new();
    let [on_q, on_k, on_v] = [&q, &k, &v].map(|t| tape.var(t.clone()));
    let y = scaled_dot_product_attention(&on_q, &on_k, &on_v, &AttentionOptions::default());
    let grads = y.vjp(c.clone());

    let root = 3f64.sqrt();
    let p = (&q.matmul(&k.transpose()) / root).softmax(-1);
    let dp = c.matmul(&v.transpose());
    let ds = &p * &(&dp - &(&dp * &p).sum_axes(-1, true));
    let distances = [
        error(&y.value(), &p.matmul(&v)),
        error(&grads.wrt(on_v), &p.transpose().matmul(&c)),
        error(&grads.wrt(on_q), &(&ds.matmul(&k) / root)),
        error(&grads.wrt(on_k), &(&ds.transpose().matmul(&q) / root)),
    ];
    assert!(distances.iter().all(|&distance| distance <= EXACT), "{distances:?}");
    let ours = distances.map(|distance| format!("{distance:.1e}")).join(", ");
    row("GL-51", "softmax(Q Kᵀ / √d) V, dV, dQ, dK", "closed form", &ours, "4 queries, 5 keys");
    let check = GradCheck::new(|x| {
        scaled_dot_product_attention(&x["q"], &x["k"], &x["v"], &AttentionOptions::default())
    })
    .input("q", q)
    .input("k", k)
    .input("v", v);
    row("GL-51", "gradient check", "agree", &agrees(check), "");
}
