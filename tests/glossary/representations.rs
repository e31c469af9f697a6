//! Layers that are learned on one task and used in another: GL-07, GL-26, GL-47, GL-48.

use super::{accuracy, chosen, classify, descend, surprise};
use nn::data::split;
use nn::loss::{bce, mse};
use nn::metrics::argmax_rows;
use nn::optim::Adam;
use nn::{
    Context, Identity, Linear, Module, Parameters, Sequential, Sigmoid, Tanh, load_state_dict, loss, mlp,
    state_dict,
};
use tape::{Tape, Tensor};
use tests::digits::digits;
use tests::row;
use tests::systems::{normal, rng};

#[test]
fn gl_26_autoencoder() {
    let x = Tensor::eye(8);
    let mut codes = Vec::new();
    for seed in 0..3 {
        let mut model = mlp(&[8, 3, 8], Sigmoid, Sigmoid, &mut rng(seed));
        descend(&mut model, &mut Adam::new(0.1), 400, |model, tape| {
            bce(model.forward(tape.constant(x.clone()), &mut Context::eval()), &x)
        });
        assert_eq!(argmax_rows(&model.predict(&x)).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
        let far = (&model.predict(&x) - &x).abs().max();
        assert!(far < 0.5, "every output is on its side of 1/2: {far}");
        codes.push(far);
    }
    let worst = codes.into_iter().fold(0.0, f64::max);
    row(
        "GL-26",
        "8-3-8, one-hot inputs reconstructed",
        "all 8",
        "8 of 8 for 3 of 3 seeds",
        &format!("outputs within {worst:.2} of their targets"),
    );
}

/// The same network, but its first layer is that of another one.
fn with_first(model: &Sequential, first: &dyn Module) -> Sequential {
    let mut model = model.clone();
    load_state_dict(&mut *model.layers_mut()[0], state_dict(first)).expect("a layer of the same shape");
    model
}

/// What reconstructs its input from 8 numbers.
fn autoencoder(x: &Tensor, seed: u64) -> Sequential {
    let mut model = mlp(&[64, 8, 64], Tanh, Identity, &mut rng(seed));
    let mut optimizer = Adam::new(0.01);
    for start in (0..10).flat_map(|_| (0..500).step_by(50)) {
        let batch = x.slice(0, start..start + 50);
        descend(&mut model, &mut optimizer, 1, |model, tape| {
            mse(model.forward(tape.constant(batch.clone()), &mut Context::eval()), &batch)
        });
    }
    model
}

#[test]
fn gl_07_semi_supervised_learning() {
    let (x, labels) = digits();
    let x = &x + &normal([1797, 64], 0.25, &mut rng(7));
    let (mut losses, mut accuracies) = (Vec::new(), Vec::new());
    for seed in 0..3 {
        let [unlabelled, few, unseen] =
            split([500, 30, 300], &mut rng(seed)).map(|rows| chosen(&x, &labels, &rows));
        let scratch = mlp(&[64, 8, 10], Tanh, Identity, &mut rng(20 + seed));
        let code = autoencoder(&unlabelled.0, 10 + seed);
        let mut pretrained = with_first(&scratch, &*code.layers()[0]);
        pretrained.freeze_matching("0.*").expect("the first layer");
        let [with, without] = [pretrained, scratch].map(|mut model| {
            classify(&mut model, &mut Adam::new(0.03), (&few.0, &few.1), [30, 100], seed);
            let unseen = (&unseen.0, &unseen.1[..]);
            (surprise(&model, unseen), accuracy(&model, unseen))
        });
        assert!(with.0 < without.0, "{with:?} {without:?}");
        losses.push(format!("{:.2} for {:.2}", with.0, without.0));
        accuracies.push(format!("{:.2} for {:.2}", with.1, without.1));
    }
    row(
        "GL-07",
        "30 labels for the code that an autoencoder found in 500 noisy digits: loss on unseen ones, for that from scratch",
        "lower",
        &losses.join(", "),
        &format!("3 seeds; accuracy {}", accuracies.join(", ")),
    );
}

#[test]
fn gl_47_transfer_learning() {
    let (x, labels) = digits();
    let mut losses = Vec::new();
    for seed in 0..3 {
        let [source, target, unseen] =
            split([500, 100, 300], &mut rng(seed)).map(|rows| chosen(&x, &labels, &rows));
        // The other distribution: digits a pixel further to the right.
        let moved = |x: &Tensor| x.reshape([x.shape()[0], 8, 8]).roll(1, 2).reshape(x.shape());
        let mut trained = mlp(&[64, 16, 10], Tanh, Identity, &mut rng(seed));
        classify(&mut trained, &mut Adam::new(0.01), (&source.0, &source.1), [50, 10], seed);
        let scratch = mlp(&[64, 16, 10], Tanh, Identity, &mut rng(10 + seed));
        let first = with_first(&scratch, &*trained.layers()[0]);
        let [all, first, none] = [trained, first, scratch].map(|mut model| {
            classify(&mut model, &mut Adam::new(0.01), (&moved(&target.0), &target.1), [50, 10], seed);
            surprise(&model, (&moved(&unseen.0), &unseen.1))
        });
        assert!(all < first && first < none, "{all} {first} {none}");
        losses.push(format!("{all:.2}, {first:.2}, {none:.2}"));
    }
    row(
        "GL-47",
        "100 digits moved by a pixel, 20 steps: loss with all layers, with the first, with none from the others",
        "faster start",
        &losses.join("; "),
        "3 seeds",
    );
}

#[test]
fn gl_48_fine_tuning() {
    let (x, labels) = digits();
    let (x, labels) = (x.slice(0, ..200), &labels[..200]);
    let mut model = Sequential::new().push(Linear::new(64, 16, &mut rng(0))).push(Tanh).push(Linear::new(
        16,
        10,
        &mut rng(1),
    ));
    let before = state_dict(&model);
    assert_eq!(model.freeze_matching("0.*"), Ok(2));
    let tape = Tape::new();
    let z = model.forward(tape.constant(x.clone()), &mut Context::eval());
    let grads = loss::cross_entropy_from_logits(z, labels).backward();
    let stored = model.named_parameters().into_iter().filter(|(_, param)| grads.get(*param).is_ok());
    assert_eq!(stored.map(|(name, _)| name).collect::<Vec<_>>(), ["2.weight", "2.bias"]);
    drop(tape);
    let start = accuracy(&model, (&x, labels));
    classify(&mut model, &mut Adam::new(0.02), (&x, labels), [50, 15], 2);
    let after = state_dict(&model);
    for ((name, old), (_, new)) in before.iter().zip(&after) {
        assert_eq!(old == new, name.starts_with('0'), "{name}");
    }
    let end = accuracy(&model, (&x, labels));
    assert!(end > start + 0.5, "{start} {end}");
    row(
        "GL-48",
        "frozen layer after training; its gradients",
        "same bits; none",
        "same bits; none",
        &format!("the last layer alone: {:.0} % to {:.0} %", 100.0 * start, 100.0 * end),
    );
}
