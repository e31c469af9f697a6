//! The systems of a concise guide to neural networks: neurons, losses, gradients. Its compute graph, training
//! and digits have separate files.

use nn::by_hand::{Activation, Layer, Mlp, loss_gradient};
use nn::loss::{
    LossFunction, absolute_error, binary_cross_entropy_with_logits, binary_cross_entropy_with_probabilities,
    squared_error,
};
use nn::{Module, Sequential};
use rand::rngs::StdRng;
use tape::{Scalar, Tape, Tensor, Var};
use tests::compare::{assert_close, differences, error, near};
use tests::row;
use tests::systems::{binary_accuracy, normal, rng};

fn sigmoid(z: f64) -> f64 {
    Tensor::scalar(z).sigmoid().item()
}

#[test]
fn wt_03_to_05_neuron_loop_dot_vectorised() {
    let mut rng = rng(3);
    let (x, w) = (normal([100, 4], 1.0, &mut rng), normal([4, 1], 1.0, &mut rng));
    let (rows, weights) = (x.to_vec(), w.to_vec());
    let by_loop: Vec<f64> = rows
        .chunks(4)
        .map(|x| {
            let mut z = 0.0;
            for k in 0..4 {
                z += x[k] * weights[k];
            }
            sigmoid(z + 0.0)
        })
        .collect();
    let dot = |i: isize| sigmoid(x.slice(0, i..i + 1).matmul(&w).item());
    let by_dot: Vec<f64> = (0..100).map(dot).collect();
    let vectorised = (&x.matmul(&w) + 0.0).sigmoid().to_vec();
    let worst = error(&by_loop[..].into(), &by_dot[..].into())
        .max(error(&by_loop[..].into(), &vectorised[..].into()));
    assert!(worst <= 1e-14, "{worst:e}");
    let class_b = vectorised.iter().filter(|&&p| p > 0.5).count();
    row(
        "WT-03..05",
        "neuron: loop, dot products, vectorised",
        "equal",
        &format!("{worst:.1e}"),
        &format!("100 samples, {class_b} in class B"),
    );

    // 1 bᵀ with N = 10 and 4 neurons: broadcasting is the product with ones, and its gradient sums over rows.
    let tape = Tape::new();
    let (z, b) = (normal([10, 4], 1.0, &mut rng), tape.var(normal([4], 1.0, &mut rng)));
    let ones = tape.constant(Tensor::ones([10, 1]));
    let explicit = tape.constant(z.clone()) + ones.matmul(b.reshape([1, 4]));
    let broadcast = tape.constant(z.clone()) + b;
    assert_eq!(explicit.value(), broadcast.value());
    let ct = normal([10, 4], 1.0, &mut rng);
    let gradient = broadcast.vjp(ct.clone()).wrt(b);
    assert_close("column sums", &gradient, &ct.sum_axes(0, false), 1e-14);
    assert_close("1 bᵀ against broadcasting", &explicit.vjp(ct).wrt(b), &gradient, 1e-14);
}

#[test]
#[expect(clippy::approx_constant, reason = "the published numbers, as they are printed")]
fn wt_06_to_09_truth_tables() {
    type Of = for<'t> fn(Var<'t>, &Tensor) -> Scalar<'t>;
    let table = [(0.1, 0.0), (0.1, 1.0), (0.9, 0.0), (0.9, 1.0)];
    let losses: [(&str, &str, Of, [f64; 4]); 4] = [
        ("WT-06", "mean difference", |a, y| (a - y).sum(), [0.1, -0.9, 0.9, -0.1]),
        ("WT-07", "sum of absolute differences", |a, y| absolute_error(a, y).sum(), [0.1, 0.9, 0.9, 0.1]),
        (
            "WT-08",
            "half mean squared error",
            |a, y| squared_error(a, y).mean_over_samples() * 0.5,
            [0.005, 0.405, 0.405, 0.005],
        ),
        (
            "WT-09",
            "binary cross-entropy",
            |a, y| binary_cross_entropy_with_probabilities(a, y).mean_over_samples(),
            [0.105361, 2.302585, 2.302585, 0.105361],
        ),
    ];
    for (id, what, loss, expected) in losses {
        let found = table.map(|(a, y)| loss(Tape::new().constant([[a]]), &Tensor::from([[y]])).value());
        found.iter().zip(expected).for_each(|(found, expected)| {
            near(what, *found, expected, 1e-6);
        });
        // A loss is least where the prediction is right; the mean difference, a counter-example, where it is
        // wrong.
        let least = (0..4).min_by(|&i, &j| found[i].total_cmp(&found[j]));
        let right = matches!(least, Some(0 | 3));
        assert_eq!(right, id != "WT-06", "{what}");
        let published = if id == "WT-09" { "0.1, 2.3, 2.3, 0.1".to_owned() } else { format!("{expected:?}") };
        row(
            id,
            what,
            &published,
            &found.map(|f| format!("{f:.6}")).join(", "),
            "(.1,0) (.1,1) (.9,0) (.9,1)",
        );
    }
    let logs = [0.1, 0.9].map(|p: f64| Tensor::scalar(p).ln().item());
    near("ln 0.1", logs[0], -2.3026, 5e-5);
    near("ln 0.9", logs[1], -0.1054, 5e-5);
}

/// B3 for the losses of the guide, N = 3, m = 2; E7: a "mean" absolute error without 1/N is a sum.
#[test]
fn wt_06_to_09_gradients() {
    let a = Tensor::from([[0.1, 0.5], [0.9, 0.2], [0.4, 0.7]]);
    let y = Tensor::from([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
    for loss in [
        LossFunction::AbsoluteError.sum(),
        LossFunction::AbsoluteError.mean_over_samples(),
        LossFunction::SquaredError.mean_over_samples().half(),
        LossFunction::BinaryCrossEntropyWithProbabilities.mean_over_samples(),
        LossFunction::BinaryCrossEntropyWithProbabilities.mean(),
    ] {
        let tape = Tape::new();
        let output = tape.var(a.clone());
        let gradient = loss.of(output, &y).backward().wrt(output);
        assert!(error(&gradient, &loss_gradient(loss, &a, &y)) <= 1e-12, "{loss}");
    }
    let tape = Tape::new();
    let output = tape.constant(a);
    let (sum, mean) =
        (absolute_error(output, &y).sum().value(), absolute_error(output, &y).mean_over_samples().value());
    near("N times the mean", 3.0 * mean, sum, 1e-15);
    row(
        "E7",
        "absolute error, N = 3",
        "called a mean, printed as a sum",
        &format!("sum {sum:.4}, mean {mean:.4}"),
        "two names",
    );
    let root = (2.0 * (squared_error(output, &y).mean_over_samples() * 0.5).value()).sqrt();
    near("RMSE", root, (0.56f64 / 3.0).sqrt(), 1e-15);
    // Finite at outputs 0 and 1, value and gradient, and in the form from logits.
    for (p, y) in [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1.0, 1.0)] {
        let output = tape.var([[p]]);
        let loss = binary_cross_entropy_with_probabilities(output, Tensor::from([[y]])).mean_over_samples();
        let (value, slope) = (loss.value(), loss.backward().wrt(output).item());
        assert!(value.is_finite() && slope.is_finite(), "output {p}, target {y}: {value}, slope {slope}");
        let logit = tape.var([[if p > 0.5 { 1000.0 } else { -1000.0 }]]);
        let loss = binary_cross_entropy_with_logits(logit, Tensor::from([[y]])).mean_over_samples();
        near("gradient from logits", loss.backward().wrt(logit).item(), p - y, 1e-15);
        assert!(loss.value().is_finite(), "loss from logits, target {y}: {}", loss.value());
    }
}

#[test]
fn wt_11_neuron_with_bce() {
    let mut rng = rng(11);
    let (x, w, b) =
        (normal([30, 5], 1.0, &mut rng), normal([5, 1], 1.0, &mut rng), normal([1], 1.0, &mut rng));
    let y = normal([30, 1], 1.0, &mut rng).map_elements(|v| f64::from(v > 0.0));
    let at = |w: &Tensor, b: &Tensor| {
        binary_cross_entropy_with_probabilities(Tape::new().constant((&x.matmul(w) + b).sigmoid()), &y)
            .mean_over_samples()
            .value()
    };
    let tape = Tape::new();
    let (wv, bv) = (tape.var(w.clone()), tape.var(b.clone()));
    let output = (tape.constant(x.clone()).matmul(wv) + bv).sigmoid();
    let (dw, db) =
        binary_cross_entropy_with_probabilities(output, &y).mean_over_samples().backward().wrt((wv, bv));
    let residual = &output.value() - &y;
    let formula = &x.transpose().matmul(&residual) / 30.0;
    let closed = error(&dw, &formula).max(error(&db, &Tensor::from([residual.mean()])));
    let numeric =
        error(&dw, &differences(|w| at(w, &b), &w)).max(error(&db, &differences(|b| at(&w, b), &b)));
    assert!(closed <= 1e-12 && numeric <= 1e-8, "{closed:e} {numeric:e}");
    row(
        "WT-11",
        "gradient of a neuron with BCE",
        "Xᵀ(ŷ - y)/N",
        &format!("{closed:.1e}, differences {numeric:.1e}"),
        "N = 30, 5 features",
    );
    // E18: one w for all samples. With one copy per sample there is a gradient per copy; their sum is dw.
    let tape = Tape::new();
    let copies = tape.var(Tensor::ones([30, 1]).matmul(&w.transpose()));
    let z = (tape.constant(x.clone()) * copies).sum_axes(1, true) + tape.constant(b.clone());
    let each =
        binary_cross_entropy_with_probabilities(z.sigmoid(), &y).mean_over_samples().backward().wrt(copies);
    assert_eq!((each.shape().dims(), dw.shape().dims()), (vec![30, 5], vec![5, 1]));
    let summed = each.sum_axes(0, false).reshape([5, 1]);
    assert_close("summed copies", &summed, &dw, 1e-12);
    row(
        "E18",
        "w with a sample index",
        "printed so",
        "sum of the copies' gradients = dw",
        "w has no sample index",
    );
}

fn two_layers(n1: usize, n2: usize, rng: &mut StdRng) -> Mlp {
    let mut layer = |inputs, outputs| Layer {
        weight: normal([outputs, inputs], 0.5, rng),
        bias: normal([outputs], 0.5, rng),
        activation: Activation::Sigmoid,
    };
    Mlp { layers: vec![layer(10, n1), layer(n1, n2)] }
}

#[test]
fn wt_13_batch_forward() {
    let mut rng = rng(13);
    let model = Sequential::from(&two_layers(7, 3, &mut rng));
    let x = normal([6, 10], 1.0, &mut rng);
    let batch = model.predict(&x);
    let worst = (0..6)
        .fold(0f64, |m, i| m.max(error(&batch.slice(0, i..i + 1), &model.predict(&x.slice(0, i..i + 1)))));
    assert!(worst <= 1e-14, "{worst:e}");
    row("WT-13", "row of a batch and the single sample", "equal", &format!("{worst:.1e}"), "10-7-3, N = 6");
}

#[test]
fn wt_14_two_layer_gradients() {
    for n2 in [1, 13] {
        let mut rng = rng(14);
        let net = two_layers(7, n2, &mut rng);
        let (x, n) = (normal([20, 10], 1.0, &mut rng), 20.0);
        let y = normal([20, n2], 1.0, &mut rng).map_elements(|v| f64::from(v > 0.0));
        let tape = Tape::new();
        let p =
            [0, 1].map(|l| (tape.var(net.layers[l].weight.clone()), tape.var(net.layers[l].bias.clone())));
        let a1 = tape.constant(x.clone()).linear(p[0].0, p[0].1).sigmoid();
        let a2 = a1.linear(p[1].0, p[1].1).sigmoid();
        let loss = binary_cross_entropy_with_probabilities(a2, &y).mean_over_samples();
        let [(dw1, db1), (dw2, db2)] = loss.backward().wrt(p);
        let (v1, v2) = (a1.value(), a2.value());
        // The six formulas.
        let z2 = &v2 - &y;
        let fw2 = &z2.transpose().matmul(&v1) / n;
        let fb2 = z2.mean_axes(0, false);
        let z1 = &z2.matmul(&net.layers[1].weight) * &v1.map_elements(|a| a * (1.0 - a));
        let fw1 = &z1.transpose().matmul(&x) / n;
        let fb1 = z1.mean_axes(0, false);
        let pairs = [(&dw2, &fw2), (&db2, &fb2), (&dw1, &fw1), (&db1, &fb1)];
        let closed = pairs.iter().fold(0f64, |m, (a, b)| m.max(error(a, b)));
        let at = |w: &Tensor| {
            let mut net = net.clone();
            net.layers[0].weight = w.clone();
            binary_cross_entropy_with_probabilities(
                Tape::new().constant(net.forward(&x).output().clone()),
                &y,
            )
            .mean_over_samples()
            .value()
        };
        let numeric = error(&dw1, &differences(at, &net.layers[0].weight));
        assert!(closed <= 1e-12 && numeric <= 1e-7, "{closed:e} {numeric:e}");
        row(
            "WT-14",
            &format!("two-layer gradients, n2 = {n2}"),
            "six formulas",
            &format!("{closed:.1e}, differences {numeric:.1e}"),
            "N = 20, 10-7-n2",
        );
        // E21: the mean over all elements divides by N n2.
        let ratio = loss.value() / binary_cross_entropy_with_probabilities(a2, &y).mean().value();
        near("sum over labels / mean over labels", ratio, n2 as f64, 1e-12);
        row(
            "E21",
            &format!("BCE per label over mean of elements, n2 = {n2}"),
            "N only",
            &format!("{ratio:.1}"),
            "two names",
        );
        // E17: with σ(Z1) in place of its derivative the first layer is wrong.
        let printed = &(&z2.matmul(&net.layers[1].weight) * &v1).transpose().matmul(&x) / n;
        let distance = error(&printed, &dw1);
        assert!(distance > 1e-2, "printed gradient: found a distance of {distance}, expected above 0.01");
        row(
            "E17",
            &format!("dW1 with σ(Z1) for its derivative, n2 = {n2}"),
            "printed so",
            &format!("off by {:.2}", error(&printed, &dw1)),
            "A1∘(1-A1)",
        );
    }
}

#[test]
fn wt_19_binary_accuracy() {
    let output = Tensor::from([[0.1], [0.5], [0.50001], [0.9], [0.4]]);
    let y = Tensor::from([[0.0], [0.0], [0.0], [1.0], [1.0]]);
    let pairs = output.to_vec().into_iter().zip(y.to_vec());
    let formula = 1.0 - pairs.map(|(p, y): (f64, f64)| (p.round_ties_even() - y).abs()).sum::<f64>() / 5.0;
    let found = binary_accuracy(&output, &y);
    near("1 - 1/N Σ abs(round(ŷ) - y)", found, formula, 1e-15);
    near("counted", found, 3.0 / 5.0, 1e-15);
    let labels = [0, 0, 0, 1, 1];
    let predicted: Vec<usize> = output.to_vec().iter().map(|&p| usize::from(p > 0.5)).collect();
    assert_eq!(nn::metrics::accuracy(&predicted, &labels).unwrap(), found);
    row(
        "WT-19",
        "accuracy of a binary output",
        "1 - 1/N Σ abs(round(ŷ) - y)",
        &format!("{found}"),
        "counted 3 of 5; exactly 0.5 is class 0",
    );
}
