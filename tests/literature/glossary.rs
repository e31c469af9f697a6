//! The glossary of the guide: a test for each term that can be run and that no other row covers. The
//! generator of the page `docs/literature.md` names the rows that cover the others.

mod activations;
mod data;
mod images;
mod layers;
mod neurons;
mod recurrent;
mod representations;
mod training;
mod unlabelled;

use gradcheck::{Certificate, GradCheck};
use nn::data::{Dataset, Loader, Split};
use nn::metrics::{self, argmax_rows};
use nn::optim::Optimizer;
use nn::train::Trainer;
use nn::{Module, Parameters, Sequential, loss};
use tape::{Scalar, Tape};
use tests::systems::rng;

/// The engine against a closed form, relative to magnitudes above 1: both round differently.
const EXACT: f64 = 1e-12;

/// Panics unless the gradients agree with differences in every entry; returns the strength of the check, for
/// the table.
#[track_caller]
fn agrees(check: GradCheck<'_>) -> String {
    let certificate = check.run().expect("a check that can be run").require().expect("gradients that agree");
    let Certificate { entries, detectable, .. } = certificate;
    assert!(detectable <= 1e-6, "an error of {detectable:e} would not show");
    format!("{entries} entries agree, errors above {detectable:.0e} would show")
}

/// Steps on the whole data; returns the loss before the last.
fn descend<M: Parameters>(
    model: &mut M,
    optimizer: &mut dyn Optimizer,
    steps: usize,
    loss: impl for<'t> Fn(&M, &'t Tape) -> Scalar<'t>,
) -> f64 {
    let (mut tape, mut last) = (Tape::new(), f64::NAN);
    for _ in 0..steps {
        let value = loss(model, &tape);
        last = value.value();
        let grads = value.backward();
        tape.reset();
        optimizer.step(model, &grads);
    }
    last
}

/// Epochs of mini-batches; the loss is the cross-entropy of logits.
fn classify(
    model: &mut Sequential,
    optimizer: &mut dyn Optimizer,
    data: &mut Loader<'_>,
    epochs: usize,
    seed: u64,
) {
    Trainer::new(epochs)
        .run(model, optimizer, data, &mut rng(seed), |z, y| loss::cross_entropy_with_logits(z, y).mean())
        .expect("a loss that stays finite");
}

/// Batches of this many samples.
fn batches<'a>(data: &Dataset, size: usize) -> Loader<'a> {
    Loader::new(data, size).expect("batches that are not empty")
}

/// Three parts: the first two of the given sizes, and the rest.
fn parts(data: &Dataset, sizes: [usize; 2], seed: u64) -> [Dataset; 3] {
    let [first, second] = sizes.map(|size| size as f64 / data.len() as f64);
    let split = Split::new(data.len(), [first, second, 1.0 - first - second], &mut rng(seed));
    let parts = data.parts(&split.expect("shares of the whole")).expect("indices of samples");
    assert_eq!([parts[0].len(), parts[1].len()], sizes);
    parts
}

/// The cross-entropy of a model's predictions.
fn surprise(model: &Sequential, data: &Dataset) -> f64 {
    let tape = Tape::new().inference();
    loss::cross_entropy_with_logits(tape.constant(model.predict(data.x())), data.y()).mean().value()
}

/// The fraction of samples with the largest output at their label.
fn accuracy(model: &Sequential, data: &Dataset) -> f64 {
    let [said, labels] =
        [&model.predict(data.x()), data.y()].map(|rows| argmax_rows(rows).expect("a matrix with columns"));
    metrics::accuracy(&said, &labels).expect("a label for each sample")
}
