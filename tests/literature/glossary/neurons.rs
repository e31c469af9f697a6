//! The capabilities of one neuron, and the construction of networks: GL-10, GL-12, GL-14, GL-17, GL-18,
//! GL-21, GL-34.

use super::descend;
use nn::data::MinMax;
use nn::loss::{binary_cross_entropy_with_logits, squared_error};
use nn::optim::{Adam, Optimizer, Sgd};
use nn::{
    BatchNorm1d, Context, Dropout, Identity, LeakyRelu, Linear, Module, Parameters, Sequential, Tanh, mlp,
};
use rand::RngExt;
use tape::{Tape, Tensor};
use tests::row;
use tests::systems::{normal, rng};

const CORNERS: [[f64; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
const AND: [f64; 4] = [0.0, 0.0, 0.0, 1.0];
const OR: [f64; 4] = [0.0, 1.0, 1.0, 1.0];
const XOR: [f64; 4] = [0.0, 1.0, 1.0, 0.0];

#[test]
fn gl_10_parameters_and_hyper_parameters() {
    let rng = &mut rng(10);
    // Slope, probability and learning rate are hyper-parameters.
    let mut model = Sequential::new()
        .push(Linear::new(3, 4, rng))
        .push(BatchNorm1d::new(4))
        .push(LeakyRelu { slope: 0.2 })
        .push(Dropout::new(0.25))
        .push(Linear::new(4, 2, rng));
    let before: Vec<Tensor> = model.named_parameters().into_iter().map(|(_, p)| p.value().clone()).collect();
    let tape = Tape::new();
    let x = tape.constant(normal([5, 3], 1.0, rng));
    let mut cx = Context::train(tests::systems::rng(1));
    let z = model.forward(x, &mut cx);
    let grads = (z * z).sum().backward();
    // The step would also apply the statistics of the batch.
    cx.discard();
    let tracked = model.named_parameters().into_iter().filter(|(_, p)| grads.try_of(*p).is_ok());
    let tracked: Vec<String> = tracked.map(|(name, _)| name).collect();
    let expected = ["0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "4.bias"];
    assert_eq!(tracked, expected, "the running statistics are not parameters");
    assert_eq!(model.count(), (3 * 4 + 4) + 2 * 4 + (4 * 2 + 2));
    drop(tape);
    let mut optimizer = Sgd::new(0.1);
    optimizer.step(&mut model, &grads);
    let changed = model.named_parameters().into_iter().zip(&before).filter(|((_, p), old)| p.value() != *old);
    for ((name, _), _) in changed {
        assert!(expected.contains(&name.as_str()), "changed: found {name}, expected one of {expected:?}");
    }
    assert_eq!(optimizer.learning_rate(), 0.1);
    row(
        "GL-10",
        "parameters tracked; slope, dropout and learning rate",
        "all; none",
        &format!("{} tensors, {} numbers; none", tracked.len(), model.count()),
        "",
    );
}

/// The number of the four corners that a sigmoid neuron classifies correctly after training.
fn neuron(targets: [f64; 4], seed: u64) -> usize {
    let (x, y) = (Tensor::from(CORNERS), Tensor::from(targets).reshape([4, 1]));
    let mut model = Linear::new(2, 1, &mut rng(seed));
    descend(&mut model, &mut Sgd::new(1.0), 500, |model, tape| {
        binary_cross_entropy_with_logits(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y)
            .mean_over_samples()
    });
    let z = model.predict(&x).to_vec();
    z.iter().zip(targets).filter(|&(&z, target)| (z > 0.0) == (target > 0.5)).count()
}

#[test]
fn gl_12_linear_separability() {
    for (name, targets) in [("AND", AND), ("OR", OR), ("XOR", XOR)] {
        let right: Vec<usize> = (0..5).map(|seed| neuron(targets, seed)).collect();
        let (least, most) = (*right.iter().min().unwrap(), *right.iter().max().unwrap());
        let asked = if name == "XOR" {
            assert!(most <= 3, "corners of XOR: found {most}, expected at most 3");
            "at most 3 of 4"
        } else {
            assert_eq!(least, 4);
            "4 of 4"
        };
        row("GL-12", name, asked, &format!("{least} to {most} of 4"), "one sigmoid neuron, 5 seeds");
    }
}

/// The epochs of the perceptron rule `w ← w + (y - ŷ) x` until one makes no mistake; at most 1000.
fn perceptron(targets: [f64; 4], seed: u64) -> Option<usize> {
    let mut rng = rng(seed);
    let mut w: [f64; 3] = std::array::from_fn(|_| rng.random_range(-1.0..1.0));
    (1..=1000).find(|_| {
        let mut mistakes = 0;
        for (&[a, b], target) in CORNERS.iter().zip(targets) {
            let x = [1.0, a, b];
            let said = f64::from(w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() > 0.0);
            w.iter_mut().zip(x).for_each(|(w, x)| *w += (target - said) * x);
            mistakes += usize::from(said != target);
        }
        mistakes == 0
    })
}

#[test]
fn gl_14_perceptron() {
    let runs = |targets| (0..20).map(|seed| perceptron(targets, seed)).collect::<Vec<_>>();
    let epochs = runs(AND).into_iter().map(|epochs| epochs.expect("AND is learned")).max().unwrap();
    assert!(runs(XOR).iter().all(Option::is_none), "XOR is never learned");
    let ours = format!("at most {epochs} epochs; never in 1000");
    row("GL-14", "perceptron rule on AND; on XOR", "converges; does not", &ours, "20 seeds");
}

#[test]
fn gl_17_layers() {
    let rng = &mut rng(17);
    let raw = &normal([7, 4], 30.0, rng) + 100.0;
    let x = MinMax::fit(&raw).unwrap().apply(&raw).unwrap();
    assert_eq!((x.min(), x.max()), (0.0, 1.0));
    let both = &(&x * 2.0) - 1.0;
    assert_eq!((both.min(), both.max()), (-1.0, 1.0));
    let model = mlp(&[4, 5, 3, 2], Tanh, Identity, rng);
    let mut shapes = vec![x.shape().dims()];
    let mut values = x;
    for pair in model.layers().chunks(2) {
        values = pair[1].predict(&pair[0].predict(&values));
        shapes.push(values.shape().dims());
    }
    assert_eq!(shapes, [[7, 4], [7, 5], [7, 3], [7, 2]]);
    row(
        "GL-17",
        "input, two hidden layers, output of 7 samples",
        "shapes",
        &format!("{shapes:?}"),
        "inputs scaled to [0, 1] or [-1, 1]",
    );
}

#[test]
fn gl_18_architecture() {
    for sizes in [&[2, 1][..], &[3, 10, 5, 1], &[784, 32, 10]] {
        let model = mlp::<f64>(sizes, Tanh, Identity, &mut rng(18));
        let expected: Vec<Vec<usize>> =
            sizes.windows(2).flat_map(|pair| [vec![pair[1], pair[0]], vec![pair[1]]]).collect();
        let found = model.named_parameters().into_iter().map(|(_, p)| p.value().shape().dims());
        assert_eq!(found.collect::<Vec<_>>(), expected);
        let numbers: usize = sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
        assert_eq!(model.count(), numbers);
        let what = format!("layers of {sizes:?}");
        row("GL-18", &what, "weights (to, from)", &format!("{expected:?}"), &format!("{numbers} parameters"));
    }
}

#[test]
fn gl_21_inference() {
    let rng = &mut rng(21);
    let model = mlp(&[4, 8, 8, 2], Tanh, Identity, rng).push(Dropout::new(0.5));
    let x = normal([5, 4], 1.0, rng);
    let (training, inference) = (Tape::new(), Tape::new().inference());
    let [trained, inferred] = [&training, &inference]
        .map(|tape| model.forward(tape.constant(x.clone()), &mut Context::eval()).value());
    assert_eq!(trained, inferred);
    assert_eq!(model.predict(&x), trained);
    let recorded = |tape: &Tape| tape.view().nodes().iter().filter(|node| node.parents().count() > 0).count();
    assert_eq!(recorded(&inference), 0);
    // A layer and its activation are one operation.
    assert_eq!(recorded(&training), 3, "operations recorded in training");
    row(
        "GL-21",
        "operations recorded in training and in inference",
        "some, 0",
        &format!("{}, {}", recorded(&training), recorded(&inference)),
        "same outputs, every bit",
    );
}

/// The loss of a 2-4-1 network trained on XOR: on its training data, and on points near them.
fn losses_on_xor(hidden: impl Module + Clone + 'static) -> [f64; 2] {
    let (x, y) = (Tensor::from(CORNERS), Tensor::from(XOR).reshape([4, 1]));
    let beside = &x + &normal([4, 2], 0.1, &mut rng(34));
    let mut model = mlp(&[2, 4, 1], hidden, Identity, &mut rng(3));
    descend(&mut model, &mut Adam::new(0.05), 400, |model, tape| {
        squared_error(model.forward(tape.constant(x.clone()), &mut Context::eval()), &y).mean()
    });
    [&x, &beside].map(|x| (&model.predict(x) - &y).square().mean())
}

#[test]
fn gl_34_bias() {
    // Layers without a nonlinearity between them are one affine map, which cannot represent XOR.
    let ([train, validation], rich) = (losses_on_xor(Identity), losses_on_xor(Tanh));
    assert!((train - 0.25).abs() < 1e-6 && (validation - 0.25).abs() < 0.05, "{train} {validation}");
    assert!(rich[0] < 1e-3 && rich[1] < 0.1, "{rich:?}");
    row(
        "GL-34",
        "linear network on XOR: loss in training, in validation",
        "both high",
        &format!("{train:.3}, {validation:.3}"),
        &format!("guessing gives 0.25; with tanh {:.1e}, {:.3}", rich[0], rich[1]),
    );
}
