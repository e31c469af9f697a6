//! Rows BP-10 and BP-11: the parity of ten bits, with the published run reproduced digit by digit.

use examples::legacy_random::LegacyRandom;
use examples::parity::{
    BATCH, BITS, Divisor, LEARNING_RATE, Numbers, TRAIN, Training, column_norms, network,
};
use nn::Parameters;
use nn::by_hand::{Activation, Backward, Layer, Mlp};
use nn::loss::LossFunction;
use tests::compare::{all_near, near};
use tests::row;

/// The published errors of epochs 0 to 9, as printed.
const PUBLISHED: [&str; 10] = [
    "0.48236",
    "0.3234",
    "0.16235",
    "0.075001",
    "0.040232",
    "0.025256",
    "0.017793",
    "0.013523",
    "0.010801",
    "0.0089463",
];

fn test_set() -> Numbers {
    Numbers::new(TRAIN..1 << BITS).expect("two classes")
}

fn epochs(training: &mut Training, n: usize) -> Vec<f64> {
    (0..n).map(|_| training.epoch().expect("rows exist")).collect()
}

/// With the last batch of 12 divided by 8 (error E12), as in the published program.
#[test]
fn bp_10_parity_exact() {
    let mut training = Training::new(0, Divisor::Nominal).expect("two classes");
    for (epoch, (published, ours)) in PUBLISHED.into_iter().zip(epochs(&mut training, 20)).enumerate() {
        let decimals = published.len() - 2;
        assert_eq!(format!("{ours:.decimals$}"), published, "epoch {epoch}");
        row(
            "BP-10",
            &format!("epoch {epoch} error"),
            published,
            &format!("{ours:.8}"),
            "every printed digit",
        );
    }
}

/// One sample at a time, by the closed form, summed in reverse: the printed digits do not depend on the order
/// of summation.
#[test]
fn bp_10_parity_sample_by_sample() {
    let mut random = LegacyRandom::new(0);
    let model = network(&mut random);
    let named = model.named_parameters();
    let layer = |pair: &[(String, &nn::Param)]| Layer {
        weight: pair[0].1.value().clone(),
        bias: pair[1].1.value().clone(),
        activation: Activation::Sigmoid,
    };
    let mut net = Mlp { layers: named.chunks_exact(2).map(layer).collect() };
    let data = Numbers::new(0..TRAIN).expect("two classes");
    let count = TRAIN / BATCH;
    for (epoch, published) in PUBLISHED.into_iter().enumerate() {
        let mut order: Vec<usize> = (0..TRAIN).collect();
        random.shuffle(&mut order);
        let mut error = 0.0;
        for i in 0..count {
            let end = if i + 1 == count { TRAIN } else { (i + 1) * BATCH };
            let step = |&row: &usize| {
                let (x, y) =
                    [&data.x, &data.y].map(|all| all.slice(0, row as isize..row as isize + 1)).into();
                net.backward(&net.forward(&x), &y, LossFunction::SquaredError.sum())
            };
            let samples: Vec<Backward> = order[i * BATCH..end].iter().rev().map(step).collect();
            for sample in samples {
                error += sample.loss / BATCH as f64;
                net.gradient_step(&sample, LEARNING_RATE / BATCH as f64);
            }
        }
        let (error, decimals) = (error / count as f64, published.len() - 2);
        assert_eq!(format!("{error:.decimals$}"), published, "epoch {epoch}");
    }
    row(
        "BP-10",
        "epochs 0 to 9, samples summed one by one in reverse",
        "the same",
        "the same 10 numbers",
        "",
    );
}

/// Dividing by the actual size is correct, and gives other digits.
#[test]
fn bp_10_parity_with_the_real_size_of_the_last_batch() {
    let expected =
        [0.48011, 0.32292, 0.16331, 0.07568, 0.040523, 0.025386, 0.017941, 0.013617, 0.010864, 0.0089701];
    let mut training = Training::new(0, Divisor::Samples).expect("two classes");
    for (epoch, (ours, expected)) in epochs(&mut training, 10).into_iter().zip(expected).enumerate() {
        near(&format!("error of epoch {epoch}"), ours, expected, 0.51e-4 * expected);
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn bp_10_parity_1000_epochs() {
    let mut training = Training::new(0, Divisor::Nominal).expect("two classes");
    let errors = epochs(&mut training, 1000);
    for (epoch, expected) in [(19, 0.0031389), (49, 0.001008), (99, 0.00046131), (499, 8.2839e-5)] {
        near(&format!("error of epoch {epoch}"), errors[epoch], expected, 0.51e-4 * expected);
    }
    assert_eq!(format!("{:.8}", errors[998]), "0.00004031");
    // The document truncated the last one; rounded it is 0.00004027.
    near("error of epoch 999", errors[999], 4.0268e-5, 0.51e-9);
    let accuracy = training.accuracy(&test_set()).expect("numbers");
    assert_eq!(accuracy, 1.0);
    row("BP-10", "epoch 998 error", "0.00004031", &format!("{:.8}", errors[998]), "");
    row(
        "BP-10",
        "epoch 999 error",
        "0.00004026",
        &format!("{:.9}", errors[999]),
        "printed cut off, not rounded",
    );
    row("BP-10", "test accuracy", "1.0", &format!("{accuracy:.1}"), "");
    let [hidden, output] = training.weights();
    let expected = [1.526, 0.531, 0.793, 1.817, 1.743, 1.309, 0.637, 0.426, 0.406, 8.878];
    let norms = column_norms(&hidden);
    all_near("column lengths of the hidden weights", &norms, &expected, 0.6e-3);
    let expected = [-1.041, -5.995, 5.839, 0.994, 6.496, -5.348];
    all_near("output weights", &output.to_vec(), &expected, 0.6e-3);
    row(
        "BP-11",
        "column lengths of the hidden weights, last bit and next",
        "last bit heaviest",
        &format!("{:.3}, {:.3}", norms[9], norms[3]),
        "",
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn bp_10_parity_five_seeds() {
    let numbers = test_set();
    for seed in 0..5 {
        let mut training = Training::new(seed, Divisor::Samples).expect("two classes");
        let errors = epochs(&mut training, 50);
        assert!(errors[9] < 0.05, "seed {seed}: {}", errors[9]);
        assert_eq!(training.accuracy(&numbers).expect("numbers"), 1.0, "seed {seed}");
    }
    row("BP-10", "test accuracy after 50 epochs, 5 seeds", "1.0", "1.0 for 5 of 5", "");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long: run in release")]
fn bp_11_the_last_bit_weighs_most() {
    let mut ratios = Vec::new();
    for seed in 0..5 {
        let mut training = Training::new(seed, Divisor::Samples).expect("two classes");
        epochs(&mut training, 1000);
        let norms = column_norms(&training.weights()[0]);
        let next = norms[..BITS - 1].iter().copied().fold(0.0, f64::max);
        assert!(norms[BITS - 1] >= 2.0 * next, "seed {seed}: {norms:?}");
        ratios.push(format!("{:.1}", norms[BITS - 1] / next));
    }
    row(
        "BP-11",
        "last bit's column against the next largest",
        "heaviest",
        &ratios.join(", "),
        "5 seeds, at least 2",
    );
}
