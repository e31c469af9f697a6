//! The systems of a textbook's chapter on forward propagation and backpropagation: functions, layers, losses,
//! gradients. Training is in `chapter_8_training.rs`.

use nn::by_hand::{Activation, Layer, Mlp, loss_gradient, loss_value};
use nn::loss::LossFunction;
use nn::{Linear, Module, Sequential};
use rand::RngExt;
use rand::rngs::StdRng;
use tape::element::Real;
use tape::ops::Transpose;
use tape::transform::{grad, value_and_grad};
use tape::{Tape, Tensor};
use tests::compare::{assert_close, at_most, differences, error, near};
use tests::networks::{Case, uniform};
use tests::row;
use tests::systems::{by_tape, normal, rng};

/// A network of sigmoid layers with these weights and biases.
fn sigmoid_net(layers: Vec<(Tensor, Tensor)>) -> Mlp {
    let layer = |(weight, bias)| Layer { weight, bias, activation: Activation::Sigmoid };
    Mlp { layers: layers.into_iter().map(layer).collect() }
}

fn column(x: f64) -> Tensor {
    Tensor::from([[x]])
}

#[test]
fn c8_01_sigmoid_identities() {
    let (mut forms, mut mirror, mut slope, mut difference) = (0f64, 0f64, 0f64, 0f64);
    for i in 0..=160 {
        let x = -8.0 + 0.1 * f64::from(i);
        let (s, ds) = value_and_grad(|x| x.sigmoid(), x);
        let sigmoid = |x: f64| Tensor::scalar(x).sigmoid().item();
        forms = forms.max((s - x.exp() / (1.0 + x.exp())).abs());
        mirror = mirror.max((sigmoid(-x) - (1.0 - s)).abs());
        slope = slope.max((ds - s * (1.0 - s)).abs());
        difference =
            difference.max((ds - differences(|x| sigmoid(x.item()), &Tensor::scalar(x)).item()).abs());
    }
    at_most("σ(x) as eˣ / (1 + eˣ)", forms, 1e-14);
    at_most("σ(-x) as 1 - σ(x)", mirror, 1e-14);
    at_most("slope as σ (1 - σ)", slope, 1e-12);
    at_most("slope by differences", difference, 1e-8);
    assert_eq!(value_and_grad(|x| x.sigmoid(), 0.0), (0.5, 0.25));
    for x in [-1000.0, 1000.0] {
        let tape = Tape::new();
        let v = tape.var([x]);
        let tensor = v.sigmoid();
        let pair = value_and_grad(|x| x.sigmoid(), x);
        assert_eq!((tensor.value().item(), tensor.sum().backward().wrt(v).item()), pair);
        assert_eq!(pair, (f64::from(x > 0.0), 0.0));
    }
    let ours =
        format!("8.3: {forms:.1e}, 8.4: {mirror:.1e}, 8.5: {slope:.1e}, differences: {difference:.1e}");
    row("C8-01", "sigmoid identities 8.3-8.5", "exact", &ours, "161 points in [-8, 8]; finite at ±1000");
}

#[test]
fn c8_02_parametrised_sigmoid() {
    let mut rng = rng(2);
    let (mut closed, mut fused, mut numeric) = (0f64, 0f64, 0f64);
    for _ in 0..200 {
        let p: [f64; 3] = [0; 3].map(|_| rng.random_range(-2.0..2.0));
        let [x, w, b] = p;
        let (s, [dx, dw, db]) = value_and_grad(|[x, w, b]| (w * x + b).sigmoid(), p);
        for (found, expected) in [(dx, w), (dw, x), (db, 1.0)] {
            closed = closed.max((found - expected * s * (1.0 - s)).abs());
        }
        let by_module = grad(|x| x.sigmoid_scaled(w, b), x);
        fused = fused.max((by_module - dx).abs());
        let at = |p: &Tensor| 1.0 / (1.0 + (-(p.to_vec()[1] * p.to_vec()[0] + p.to_vec()[2])).exp());
        numeric = numeric.max(error(&Tensor::from([dx, dw, db]), &differences(at, &Tensor::from(p))));
    }
    assert!(closed <= 1e-12 && fused <= 1e-12 && numeric <= 1e-8, "{closed:e} {fused:e} {numeric:e}");
    let step = |w: f64| {
        let x: Tensor = Tensor::linspace(0.1, 1.0, 91);
        // By symmetry the negative side has the same distances.
        (1.0 - (x * w).sigmoid()).max()
    };
    near("w = 1", step(1.0), 0.475, 5e-4);
    near("w = 10", step(10.0), 0.269, 5e-4);
    near("w = 100", step(100.0), 4.54e-5, 5e-8);
    let ours = format!("closed form {closed:.1e}, differences {numeric:.1e}");
    row("C8-02", "partial derivatives of σ(wx+b)", "exact", &ours, "200 random points");
    let ours = format!("{:.3}, {:.3}, {:.3e}", step(1.0), step(10.0), step(100.0));
    row("C8-02", "distance from the step, w = 1, 10, 100", "tends to 0", &ours, "0.1 <= |x| <= 1");
}

#[test]
fn c8_03_tanh() {
    let (mut identity, mut slope, mut numeric) = (0f64, 0f64, 0f64);
    for i in 0..=160 {
        let x = -8.0 + 0.1 * f64::from(i);
        let (t, dt) = value_and_grad(|x| x.tanh(), x);
        let by_sigmoid = 2.0 * Tensor::scalar(2.0 * x).sigmoid().item() - 1.0;
        identity = identity.max((t - by_sigmoid).abs());
        slope = slope.max((dt - (1.0 - t * t)).abs());
        numeric = numeric.max((dt - differences(|x| Real::tanh(x.item()), &Tensor::scalar(x)).item()).abs());
    }
    at_most("tanh by the sigmoid", identity, 1e-14);
    at_most("slope as 1 - tanh²", slope, 1e-12);
    at_most("slope by differences", numeric, 1e-8);
    let ratio = grad(|x| x.tanh(), 0.0) / grad(|x| x.sigmoid(), 0.0);
    assert_eq!(ratio, 4.0);
    row("C8-03", "tanh x = 2σ(2x) - 1", "exact", &format!("{identity:.1e}"), "161 points in [-8, 8]");
    row("C8-03", "slope of tanh over slope of σ at 0", "1 : 1/4", &format!("{ratio}"), "exact");
}

/// `b + Σ w a` and its sigmoid, by loops.
fn neurons(w: &Tensor, b: &Tensor, a: &[f64], activate: bool) -> Vec<f64> {
    let (w, b) = (w.to_vec(), b.to_vec());
    let sum = |j: usize| b[j] + (0..a.len()).map(|k| w[j * a.len() + k] * a[k]).sum::<f64>();
    let out = (0..b.len()).map(sum);
    if activate { out.map(|z| 1.0 / (1.0 + (-z).exp())).collect() } else { out.collect() }
}

#[test]
fn c8_04_linear_layer() {
    let mut rng = rng(4);
    let mut worst = 0f64;
    for (outputs, inputs) in [(1, 1), (1, 5), (5, 1), (3, 4), (7, 2), (8, 8)] {
        let (w, b) = (uniform([outputs, inputs], 1.0, &mut rng), uniform([outputs], 1.0, &mut rng));
        let x = uniform([3, inputs], 1.0, &mut rng);
        let found = Linear::from_values(w.clone(), b.clone()).predict(&x);
        let loops: Vec<f64> = x.to_vec().chunks(inputs).flat_map(|x| neurons(&w, &b, x, false)).collect();
        worst = worst.max(error(&found, &Tensor::from_vec([3, outputs], loops).unwrap()));
    }
    assert!(worst <= 1e-14, "{worst:e}");
    row(
        "C8-04",
        "linear layer, loops and matrix form",
        "equal",
        &format!("{worst:.1e}"),
        "shapes 1x1 to 8x8",
    );
}

#[test]
fn c8_05_forward_pass() {
    let mut rng = rng(5);
    let mut worst = 0f64;
    for depth in 1..=5 {
        let widths: Vec<usize> = (0..=depth).map(|_| rng.random_range(1..=6)).collect();
        let draw = |size: &[usize], rng: &mut StdRng| {
            (uniform([size[1], size[0]], 1.0, rng), uniform([size[1]], 1.0, rng))
        };
        let layers: Vec<(Tensor, Tensor)> = widths.windows(2).map(|size| draw(size, &mut rng)).collect();
        let x = uniform([1, widths[0]], 1.0, &mut rng);
        let nested = layers.iter().fold(x.to_vec(), |a, (w, b)| neurons(w, b, &a, true));
        let found = Sequential::from(&sigmoid_net(layers)).predict(&x);
        worst = worst.max(error(&found, &Tensor::from_vec([1, nested.len()], nested).unwrap()));
    }
    assert!(worst <= 1e-14, "{worst:e}");
    row("C8-05", "forward pass, Listing 8.1", "= nested formula", &format!("{worst:.1e}"), "depth 1 to 5");
}

/// Part B3: five normalisations of one sum of squares; N = 3 and m = 2 distinguish them (E5).
#[test]
fn c8_06_squared_errors() {
    let a = Tensor::from([[0.1, 0.5], [0.9, 0.2], [0.4, 0.7]]);
    let y = Tensor::from([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
    // (A - Y)²: .01 .25 / .01 .04 / .16 .09, sum .56
    let variants = [
        (LossFunction::SquaredError.sum().half(), 0.28, 1.0),
        (LossFunction::SquaredError.sum(), 0.56, 2.0),
        (LossFunction::SquaredError.mean_over_samples(), 0.56 / 3.0, 2.0 / 3.0),
        (LossFunction::SquaredError.mean_over_samples().half(), 0.28 / 3.0, 1.0 / 3.0),
        (LossFunction::SquaredError.mean(), 0.56 / 6.0, 2.0 / 6.0),
    ];
    for (loss, value, factor) in variants {
        let tape = Tape::new();
        let output = tape.var(a.clone());
        let found = loss.of(output, &y);
        near(&loss.to_string(), found.value(), value, 1e-15);
        let gradient = found.backward().wrt(output);
        assert!(error(&gradient, &((&a - &y) * factor)) <= 1e-15, "{loss}");
        assert!(error(&gradient, &loss_gradient(loss, &a, &y)) <= 1e-15, "{loss}");
        near(&loss.to_string(), loss_value(loss, &a, &y), value, 1e-15);
        row(
            "C8-06",
            &format!("{loss}, N = 3, m = 2"),
            &format!("{value:.6}"),
            &format!("{:.6}", found.value()),
            "",
        );
    }
    // Listing 8.2 returns the vector of halves; the loss of a sample is its sum (E6).
    let halves = (&a - &y).map_elements(|e| 0.5 * e * e);
    near("sum of halves", halves.sum(), 0.28, 1e-15);
}

const W: [f64; 3] = [0.5, -1.0, 2.0];
const B: [f64; 3] = [0.1, 0.2, -0.3];
const CHAIN_DELTA: [f64; 3] = [-0.01588660259307191, 0.06943923480639216, 0.14588900366794488];
const CHAIN_DW: [f64; 3] = [-0.01588660259307191, 0.04483387985224085, 0.05695419360924168];

fn chain(w: &[f64], b: &[f64]) -> Mlp {
    sigmoid_net(w.iter().zip(b).map(|(&w, &b)| (column(w), Tensor::from([b]))).collect())
}

#[test]
fn c8_09_one_neuron_chain() {
    let net = chain(&W, &B);
    let (x, y) = (column(1.0), column(0.0));
    let forward = net.forward(&x);
    let hand = net.backward(&forward, &y, LossFunction::SquaredError.sum().half());
    let (loss, tape) = by_tape(&net, &x, &y, LossFunction::SquaredError.sum().half());
    let items = |list: &[Tensor]| list.iter().map(Tensor::item).collect::<Vec<f64>>();
    let all = [
        (items(&forward.z), vec![0.6, -0.4456563062257954, 0.48078802620208455]),
        (items(&forward.a[1..]), vec![0.6456563062257954, 0.39039401310104227, 0.6179339384074459]),
        (items(&hand.deltas), CHAIN_DELTA.to_vec()),
        (items(&hand.weights), CHAIN_DW.to_vec()),
        (items(&hand.biases), CHAIN_DELTA.to_vec()),
        (tape.iter().map(|g| g[0].item()).collect(), CHAIN_DW.to_vec()),
        (tape.iter().map(|g| g[1].item()).collect(), CHAIN_DELTA.to_vec()),
        (vec![loss, hand.loss], vec![0.19092117611786857; 2]),
    ];
    let worst = all.iter().fold(0f64, |m, (a, b)| m.max(error(&a[..].into(), &b[..].into())));
    assert!(worst <= 1e-12, "{worst:e}");
    // The same chain of scalars, each on the tape.
    let tape = Tape::new();
    let p = [W[0], W[1], W[2], B[0], B[1], B[2]].map(|p| tape.scalar(p));
    let end = (0..3).fold(tape.scalar_constant(1.0), |a, l| (p[l] * a + p[3 + l]).sigmoid());
    let g = (0.5 * end.powi(2)).backward().wrt(p);
    let expected = [&CHAIN_DW[..], &CHAIN_DELTA[..]].concat();
    assert_close("chain of scalars", &Tensor::from(g), &expected[..].into(), 1e-12);
    row(
        "C8-09",
        "chain of three neurons: z, a, δ, dw, db, loss",
        "0.19092117611786857 (loss)",
        &format!("{loss:.17}"),
        &format!("all numbers within {worst:.1e}"),
    );

    let mut rng = rng(9);
    let (mut closed, mut numeric) = (0f64, 0f64);
    for depth in 1..=10 {
        let draw = |rng: &mut StdRng| (0..depth).map(|_| rng.random_range(-2.0..2.0)).collect::<Vec<f64>>();
        let (w, b) = (draw(&mut rng), draw(&mut rng));
        let net = chain(&w, &b);
        let hand = net.backward(&net.forward(&x), &y, LossFunction::SquaredError.sum().half());
        let (_, tape) = by_tape(&net, &x, &y, LossFunction::SquaredError.sum().half());
        let found: Vec<f64> = tape.iter().map(|g| g[0].item()).collect();
        closed = closed.max(error(&found[..].into(), &items(&hand.weights)[..].into()));
        let at = |w: &Tensor| {
            loss_value(
                LossFunction::SquaredError.sum().half(),
                chain(&w.to_vec(), &b).forward(&x).output(),
                &y,
            )
        };
        numeric = numeric.max(error(&found[..].into(), &differences(at, &w[..].into())));
    }
    assert!(closed <= 1e-12 && numeric <= 1e-7, "{closed:e} {numeric:e}");
    row(
        "C8-09",
        "random chains, engine and recurrences",
        "equal",
        &format!("{closed:.1e}"),
        &format!("depth 1 to 10; differences {numeric:.1e}"),
    );
}

fn net_2_2_2() -> Mlp {
    sigmoid_net(vec![
        ([[0.1, 0.2], [0.3, -0.4]].into(), [0.05, -0.05].into()),
        ([[0.5, -0.6], [0.7, 0.8]].into(), [0.1, -0.1].into()),
    ])
}

#[test]
fn c8_10_listing_8_3() {
    let (net, x, y) = (net_2_2_2(), Tensor::from([[1.0, 2.0]]), Tensor::from([[1.0, 0.0]]));
    let forward = net.forward(&x);
    let hand = net.backward(&forward, &y, LossFunction::SquaredError.sum().half());
    let (loss, tape) = by_tape(&net, &x, &y, LossFunction::SquaredError.sum().half());
    let printed: [(&Tensor, Tensor); 6] = [
        (&forward.a[1], [[0.634135591011, 0.365864408989]].into()),
        (&forward.a[2], [[0.549227297552, 0.653981413815]].into()),
        (&hand.deltas[1], [[-0.111600806031, 0.147989273764]].into()),
        (&hand.deltas[0], [[0.011088129845, 0.043003058096]].into()),
        (&tape[1][0], [[-0.070770043089, -0.040830762941], [0.093845265581, 0.054144008182]].into()),
        (&tape[0][0], [[0.011088129845, 0.022176259691], [0.043003058096, 0.086006116192]].into()),
    ];
    let worst = printed.iter().fold(0f64, |m, (a, b)| m.max(error(a, b)));
    assert!(worst <= 1e-12, "{worst:e}");
    near("loss", loss, 0.3154438594440903, 1e-15);
    let exact = (0..2).fold(0f64, |m, l| {
        m.max(error(&tape[l][0], &hand.weights[l])).max(error(&tape[l][1], &hand.biases[l]))
    });
    at_most("engine against recurrences", exact, 1e-12);
    row(
        "C8-10",
        "Listing 8.3 on a 2-2-2 net, loss",
        "0.3154438594440903",
        &format!("{loss:.16}"),
        &format!("12-digit fixture within {worst:.1e}, engine = recurrences {exact:.1e}"),
    );

    // One weight layer only, and inputs of any length: the first layer's gradient is δ xᵀ.
    let mut rng = rng(10);
    for inputs in [1, 4, 7] {
        let net = sigmoid_net(vec![(normal([3, inputs], 1.0, &mut rng), normal([3], 1.0, &mut rng))]);
        let (x, y) = (normal([1, inputs], 1.0, &mut rng), Tensor::from([[0.0, 1.0, 0.5]]));
        let a = net.forward(&x).output().clone();
        let delta = &(&a - &y) * &a.map_elements(|a| a * (1.0 - a));
        let (_, tape) = by_tape(&net, &x, &y, LossFunction::SquaredError.sum().half());
        assert_close("δ xᵀ", &tape[0][0], &delta.transpose().matmul(&x), 1e-14);
    }
}

/// E1: an index of -1 wraps to the last activation. E2: a vector has no transpose. E3: a lower delta needs the weights
/// from before the update.
#[test]
fn c8_10_errors_of_the_listing() {
    let net = chain(&W, &B);
    let (x, y) = (column(1.0), column(0.0));
    let forward = net.forward(&x);
    let hand = net.backward(&forward, &y, LossFunction::SquaredError.sum().half());
    // E1, silently wrong in a chain ...
    let wrapped = hand.deltas[0].item() * forward.output().item();
    assert!((wrapped - CHAIN_DW[0]).abs() > 5e-3, "{wrapped}");
    row(
        "E1",
        "first dW with activation index -1",
        &format!("{:.6} (with x)", CHAIN_DW[0]),
        &format!("{wrapped:.6} as listed"),
        "silently wrong",
    );
    // ... and of the wrong shape in a 3-4-2 net: 4x2 for 4x3.
    let wide = sigmoid_net(vec![
        (Tensor::full([4, 3], 0.1), Tensor::zeros([4])),
        (Tensor::full([2, 4], 0.1), Tensor::zeros([2])),
    ]);
    let (x3, y2) = (Tensor::full([1, 3], 1.0), Tensor::zeros([1, 2]));
    let pass = wide.forward(&x3);
    let backward = wide.backward(&pass, &y2, LossFunction::SquaredError.sum().half());
    assert_eq!(backward.weights[0].shape(), [4, 3]);
    assert_eq!(backward.deltas[0].transpose().matmul(pass.output()).shape(), [4, 2]);
    // E2: refused, so δ aᵀ cannot become a dot product.
    let tape = Tape::new();
    let vector = tape.var([1.0, 2.0]);
    let refused = tape.try_apply(Transpose, &[vector]).unwrap_err().to_string();
    assert!(refused.starts_with("transpose:"), "{refused}");
    row("E2", "transpose of a 1-D tensor", "does nothing", &refused, "refused");
    // E3: updating from the top while going down.
    let (rate, mut early, mut delta) = (0.5, net.clone(), hand.deltas[2].clone());
    let mut dw = vec![0.0; 3];
    for l in (0..3).rev() {
        dw[l] = (&delta * &forward.a[l]).item();
        early.layers[l].weight = &early.layers[l].weight - dw[l] * rate;
        if l > 0 {
            let a = forward.a[l].item();
            delta = delta.matmul(&early.layers[l].weight) * (a * (1.0 - a));
        }
    }
    near("the last layer is not affected", dw[2], CHAIN_DW[2], 1e-15);
    assert!((0..2).all(|l| (dw[l] - CHAIN_DW[l]).abs() > 1e-4), "{dw:?}");
    let text = |dw: &[f64]| dw.iter().map(|d| format!("{d:.6}")).collect::<Vec<_>>().join(", ");
    row(
        "E3",
        "dw when layers are updated on the way down",
        &text(&CHAIN_DW),
        &text(&dw),
        "r = 0.5; the first two are wrong",
    );
}

#[test]
fn c8_11_arbitrary_layers() {
    let mut rng = rng(11);
    let (mut loops, mut exact, mut numeric) = (0f64, 0f64, 0f64);
    for seed in 0..60 {
        let depth = rng.random_range(1..=5);
        let widths: Vec<usize> = (0..=depth).map(|_| rng.random_range(1..=8)).collect();
        let case = Case::draw(
            &widths,
            1,
            &vec![Activation::Sigmoid; depth],
            LossFunction::SquaredError.sum().half(),
            seed,
        );
        let forward = case.net.forward(&case.x);
        let hand = case.net.backward(&forward, &case.y, LossFunction::SquaredError.sum().half());
        let (_, tape) = by_tape(&case.net, &case.x, &case.y, LossFunction::SquaredError.sum().half());
        let mut delta: Vec<f64> = Vec::new();
        for l in (0..depth).rev() {
            let (a, a_prev) = (forward.a[l + 1].to_vec(), forward.a[l].to_vec());
            // δ^l_j = a(1 - a) Σ_k w_kj δ_k, or (a - y) a (1 - a) at the end; dw_jk = δ_j a_k.
            let pulled = |j: usize| match case.net.layers.get(l + 1) {
                None => a[j] - case.y.to_vec()[j],
                Some(next) => (0..delta.len()).map(|k| next.weight.get([k, j]).unwrap() * delta[k]).sum(),
            };
            delta = (0..a.len()).map(|j| a[j] * (1.0 - a[j]) * pulled(j)).collect();
            let dw = Tensor::from_fn([a.len(), a_prev.len()], |i| delta[i[0]] * a_prev[i[1]]);
            loops = loops.max(error(&hand.weights[l], &dw)).max(error(&hand.biases[l], &delta[..].into()));
            exact = exact.max(error(&tape[l][0], &hand.weights[l])).max(error(&tape[l][1], &hand.biases[l]));
            let at = |w: &Tensor| {
                let mut net = case.net.clone();
                net.layers[l].weight = w.clone();
                loss_value(LossFunction::SquaredError.sum().half(), net.forward(&case.x).output(), &case.y)
            };
            numeric = numeric.max(error(&tape[l][0], &differences(at, &case.net.layers[l].weight)));
        }
    }
    assert!(loops <= 1e-12 && exact <= 1e-12 && numeric <= 1e-6, "{loops:e} {exact:e} {numeric:e}");
    let ours = format!("loops {loops:.1e}, engine {exact:.1e}, differences {numeric:.1e}");
    row(
        "C8-11",
        "backpropagation for arbitrary widths",
        "equal",
        &ours,
        "60 nets, widths 1 to 8, depth 1 to 5",
    );
}
