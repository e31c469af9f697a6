//! Layers that are learned on one task and used in another: GL-07, GL-26, GL-47, GL-48.

use super::{accuracy, batches, classify, descend, parts, surprise};
use examples::digits8x8::digits;
use nn::data::Dataset;
use nn::loss::{binary_cross_entropy_with_probabilities, squared_error};
use nn::metrics::argmax_rows;
use nn::optim::Adam;
use nn::train::Trainer;
use nn::{
    Context, Identity, Linear, Module, Parameters, Sequential, Sigmoid, Tanh, load_state_dict, loss, mlp,
    state_dict,
};
use tape::{Tape, Tensor};
use tests::row;
use tests::systems::{normal, rng};

#[test]
fn gl_26_autoencoder() {
    let x = Tensor::eye(8);
    let mut codes = Vec::new();
    for seed in 0..3 {
        let mut model = mlp(&[8, 3, 8], Sigmoid, Sigmoid, &mut rng(seed));
        descend(&mut model, &mut Adam::new(0.1), 400, |model, tape| {
            binary_cross_entropy_with_probabilities(
                model.forward(tape.constant(x.clone()), &mut Context::eval()),
                &x,
            )
            .mean_over_samples()
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

/// The same network, but with the first layer of another one.
fn with_first(model: &Sequential, first: &dyn Module) -> Sequential {
    let mut model = model.clone();
    load_state_dict(&mut *model.layers_mut()[0], state_dict(first)).expect("a layer of the same shape");
    model
}

/// A network that reconstructs its input from 8 numbers.
fn autoencoder(x: &Tensor, seed: u64) -> Sequential {
    let mut model = mlp(&[64, 8, 64], Tanh, Identity, &mut rng(seed));
    let same = Dataset::new(x.clone(), x.clone()).expect("as many targets");
    Trainer::new(10)
        .run(&mut model, &mut Adam::new(0.01), &mut batches(&same, 50), &mut rng(seed), |a, y| {
            squared_error(a, y).mean()
        })
        .expect("a loss that stays finite");
    model
}

#[test]
fn gl_07_semi_supervised_learning() {
    let data = digits();
    let noisy = data.x() + &normal([1797, 64], 0.25, &mut rng(7));
    let data = Dataset::new(noisy, data.y().clone()).expect("as many labels");
    let (mut losses, mut accuracies) = (Vec::new(), Vec::new());
    for seed in 0..3 {
        let [unlabelled, few, unseen] = parts(&data, [500, 30], seed);
        let scratch = mlp(&[64, 8, 10], Tanh, Identity, &mut rng(20 + seed));
        let code = autoencoder(unlabelled.x(), 10 + seed);
        let mut pretrained = with_first(&scratch, &*code.layers()[0]);
        pretrained.freeze_matching("0.*").expect("the first layer");
        let [with, without] = [pretrained, scratch].map(|mut model| {
            classify(&mut model, &mut Adam::new(0.03), &mut batches(&few, 30), 100, seed);
            (surprise(&model, &unseen), accuracy(&model, &unseen))
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

/// Digits shifted one more pixel to the right: another distribution.
fn to_the_right(data: &Dataset) -> Dataset {
    let moved = data.x().reshape([data.len(), 8, 8]).roll(1, 2).reshape(data.x().shape());
    Dataset::new(moved, data.y().clone()).expect("as many labels")
}

#[test]
fn gl_47_transfer_learning() {
    let data = digits();
    let mut losses = Vec::new();
    for seed in 0..3 {
        let [source, target, unseen] = parts(&data, [500, 100], seed);
        let [target, unseen] = [target, unseen].map(|data| to_the_right(&data));
        let mut trained = mlp(&[64, 16, 10], Tanh, Identity, &mut rng(seed));
        classify(&mut trained, &mut Adam::new(0.01), &mut batches(&source, 50), 10, seed);
        let scratch = mlp(&[64, 16, 10], Tanh, Identity, &mut rng(10 + seed));
        let first = with_first(&scratch, &*trained.layers()[0]);
        let [all, first, none] = [trained, first, scratch].map(|mut model| {
            classify(&mut model, &mut Adam::new(0.01), &mut batches(&target, 50), 10, seed);
            surprise(&model, &unseen)
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
    let data = digits().take(&Vec::from_iter(0..200)).expect("there are more");
    let mut model = Sequential::new().push(Linear::new(64, 16, &mut rng(0))).push(Tanh).push(Linear::new(
        16,
        10,
        &mut rng(1),
    ));
    let before = state_dict(&model);
    assert_eq!(model.freeze_matching("0.*"), Ok(2));
    let tape = Tape::new();
    let z = model.forward(tape.constant(data.x().clone()), &mut Context::eval());
    let grads = loss::cross_entropy_with_logits(z, data.y()).mean().backward();
    let stored = model.named_parameters().into_iter().filter(|(_, param)| grads.try_of(*param).is_ok());
    assert_eq!(stored.map(|(name, _)| name).collect::<Vec<_>>(), ["2.weight", "2.bias"]);
    drop(tape);
    let start = accuracy(&model, &data);
    classify(&mut model, &mut Adam::new(0.02), &mut batches(&data, 50), 15, 2);
    let after = state_dict(&model);
    for ((name, old), (_, new)) in before.iter().zip(&after) {
        assert_eq!(old == new, name.starts_with('0'), "{name}");
    }
    let end = accuracy(&model, &data);
    assert!(end > start + 0.5, "{start} {end}");
    row(
        "GL-48",
        "frozen layer after training; its gradients",
        "same bits; none",
        "same bits; none",
        &format!("the last layer alone: {:.0} % to {:.0} %", 100.0 * start, 100.0 * end),
    );
}
