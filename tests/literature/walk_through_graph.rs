//! The compute graph of a concise guide to neural networks: its recording, and three ways to differentiate
//! it.

use nn::by_hand::{Activation, Layer, Mlp};
use nn::loss::{LossFunction, binary_cross_entropy_with_probabilities, squared_error};
use tape::{GraphView, Scalar, Tape, Tensor, Var};
use tests::compare::{differences, error, near};
use tests::row;
use tests::systems::{normal, rng};

/// The statements of WT-16, named as in the guide.
fn statements<'t>(tape: &'t Tape, a0: &Tensor, y: &Tensor, p: &[Tensor; 4]) -> ([Var<'t>; 4], Scalar<'t>) {
    let (a0, y) = (tape.constant(a0.clone()).named("A0"), tape.constant(y.clone()).named("Y"));
    let names = ["W1", "b1", "W2", "b2"];
    let p: [Var<'t>; 4] = std::array::from_fn(|i| tape.var(p[i].clone()).named(names[i]));
    let t1 = a0.matmul(p[0].transpose().named("W1T")).named("T1");
    let z1 = (t1 + p[1]).named("Z1");
    let a1 = z1.sigmoid().named("A1");
    let t2 = a1.matmul(p[2].transpose().named("W2T")).named("T2");
    let z2 = (t2 + p[3]).named("Z2");
    let a2 = z2.sigmoid().named("A2");
    let t3 = (a2 - y).named("T3");
    let t4 = t3.square().named("T4");
    (p, t4.mean().named("loss"))
}

#[test]
fn wt_16_compute_graph() {
    let mut rng = rng(16);
    let (a0, y) = (normal([20, 10], 1.0, &mut rng), normal([20, 13], 1.0, &mut rng));
    let p: [Tensor; 4] = [vec![7, 10], vec![7], vec![13, 7], vec![13]].map(|s| normal(s, 1.0, &mut rng));
    let tape = Tape::new();
    let (vars, loss) = statements(&tape, &a0, &y, &p);
    let grads = loss.backward();
    let found = grads.wrt(vars);
    let layer = |w: &Tensor, b: &Tensor| Layer {
        weight: w.clone(),
        bias: b.clone(),
        activation: Activation::Sigmoid,
    };
    let net = Mlp { layers: vec![layer(&p[0], &p[1]), layer(&p[2], &p[3])] };
    let hand = net.backward(&net.forward(&a0), &y, LossFunction::SquaredError.mean());
    let closed = [&hand.weights[0], &hand.biases[0], &hand.weights[1], &hand.biases[1]];
    let mut worst = (0f64, 0f64);
    for k in 0..4 {
        let at = |value: &Tensor| {
            let mut p = p.clone();
            p[k] = value.clone();
            statements(&Tape::new().inference(), &a0, &y, &p).1.value()
        };
        worst.0 = worst.0.max(error(&found[k], closed[k]));
        worst.1 = worst.1.max(error(&found[k], &differences(at, &p[k])));
    }
    assert!(worst.0 <= 1e-12 && worst.1 <= 1e-8, "{worst:?}");
    near("loss", loss.value(), hand.loss, 1e-12);
    let shapes: Vec<Vec<usize>> = found.iter().map(|g| g.shape().dims()).collect();
    assert_eq!(shapes, [vec![7, 10], vec![7], vec![13, 7], vec![13]]);
    assert_eq!(p.iter().map(Tensor::size).sum::<usize>(), 181);
    row(
        "WT-16",
        "four gradients of the compute graph",
        "closed form",
        &format!("{:.1e}, differences {:.1e}", worst.0, worst.1),
        "20/10/7/13, 181 parameters",
    );

    let view: GraphView = tape.view();
    let order: Vec<&str> = view.nodes().iter().filter_map(|node| node.name.as_deref()).collect();
    let leaves = ["A0", "Y", "W1", "b1", "W2", "b2"];
    let statements = ["W1T", "T1", "Z1", "A1", "W2T", "T2", "Z2", "A2", "T3", "T4", "loss"];
    assert_eq!(order, [&leaves[..], &statements].concat());
    assert_eq!(view.nodes().len(), 17, "nothing else is recorded");
    let ops: Vec<&str> = view.nodes()[6..].iter().map(|node| node.op).collect();
    let expected = [
        "transpose",
        "matmul",
        "add",
        "sigmoid",
        "transpose",
        "matmul",
        "add",
        "sigmoid",
        "sub",
        "square",
        "mean",
    ];
    assert_eq!(ops, expected);
    let tracked = |name| view.named(name).unwrap().tracked;
    for (name, expected) in
        [("A0", false), ("Y", false), ("W1", true), ("b1", true), ("W2", true), ("b2", true)]
    {
        assert_eq!(tracked(name), expected, "{name} is tracked");
    }
    row(
        "WT-16",
        "recorded order",
        "statement order",
        &order[6..].join(" "),
        "plus two transposes; no gradient for A0, Y",
    );
}

/// Reverse mode, forward mode and differences on the graphs of this guide.
#[test]
fn wt_17_reverse_and_other_modes() {
    let mut rng = rng(17);
    let (a0, y) = (normal([20, 10], 1.0, &mut rng), normal([20, 13], 1.0, &mut rng));
    let p: [Tensor; 4] = [vec![7, 10], vec![7], vec![13, 7], vec![13]].map(|s| normal(s, 1.0, &mut rng));
    let dp: [Tensor; 4] = p.clone().map(|p| normal(p.shape(), 1.0, &mut rng));
    let labels = y.map_elements(|v| f64::from(v > 0.0));
    type Graph = for<'t> fn(&'t Tape, &Tensor, &Tensor, &[Tensor; 4]) -> ([Var<'t>; 4], Scalar<'t>);
    let graphs: [(&str, Graph); 4] = [
        ("compute graph", statements),
        ("two layers, BCE", |tape, a0, y, p| {
            let (v, a2) = perceptron(tape, a0, p);
            (v, binary_cross_entropy_with_probabilities(a2, y).mean_over_samples())
        }),
        ("two layers, half-SSE", |tape, a0, y, p| {
            let (v, a2) = perceptron(tape, a0, p);
            (v, squared_error(a2, y).sum() * 0.5)
        }),
        ("two layers, tanh and MSE", |tape, a0, y, p| {
            let v: [Var<'_>; 4] = std::array::from_fn(|i| tape.var(p[i].clone()));
            (
                v,
                squared_error(tape.constant(a0.clone()).linear(v[0], v[1]).tanh().linear(v[2], v[3]), y)
                    .mean(),
            )
        }),
    ];
    for (name, graph) in graphs {
        let tape = Tape::new();
        let (vars, loss) = graph(&tape, &a0, &labels, &p);
        let grads = loss.backward().wrt(vars);
        let reverse: f64 = grads.iter().zip(&dp).map(|(g, dp)| (g * dp).sum()).sum();
        let forward = tape.jvp(loss, vars, dp.clone());
        let at = |h: &Tensor| {
            let moved: [Tensor; 4] = std::array::from_fn(|i| &p[i] + &(&dp[i] * h.item()));
            graph(&Tape::new().inference(), &a0, &labels, &moved).1.value()
        };
        let numeric = differences(at, &Tensor::scalar(0.0)).item();
        let scale = reverse.abs().max(1.0);
        assert!(
            (forward - reverse).abs() <= 1e-12 * scale && (numeric - reverse).abs() <= 1e-8 * scale,
            "{name}"
        );
        let ours = format!(
            "forward {:.1e}, differences {:.1e}",
            (forward - reverse).abs() / scale,
            (numeric - reverse).abs() / scale
        );
        row(
            "WT-17",
            &format!("reverse against other modes, {name}"),
            "agree",
            &ours,
            "one random direction of all parameters",
        );
    }
}

fn perceptron<'t>(tape: &'t Tape, a0: &Tensor, p: &[Tensor; 4]) -> ([Var<'t>; 4], Var<'t>) {
    let v: [Var<'t>; 4] = std::array::from_fn(|i| tape.var(p[i].clone()));
    (v, tape.constant(a0.clone()).linear(v[0], v[1]).sigmoid().linear(v[2], v[3]).sigmoid())
}
