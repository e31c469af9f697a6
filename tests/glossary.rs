//! The glossary of the guide: a test for each term that can be run and that no other row covers. Where the page of the
//! seed systems finds the others is said in its generator.

mod activations;
mod data;
mod images;
mod layers;
mod neurons;
mod recurrent;
mod representations;
mod training;
mod unlabelled;

use nn::data::{Batches, gather};
use nn::metrics::{self, argmax_rows};
use nn::{Context, Module, Optimizer, Parameters, Sequential, loss};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tape::gradcheck::{Certificate, GradCheck};
use tape::{Scalar, Tape, Tensor};
use tests::systems::rng;

/// The engine against a closed form, relative to magnitudes above 1: both round differently.
const EXACT: f64 = 1e-12;

/// Panics unless the gradients agree with differences in every entry; says how strong that is, for the table.
#[track_caller]
fn agrees(check: GradCheck<'_>) -> String {
    let certificate = check.run().expect("a check that can be run").require().expect("gradients that agree");
    let Certificate { entries, detectable, .. } = certificate;
    assert!(detectable <= 1e-6, "an error of {detectable:e} would not show");
    format!("{entries} entries agree, errors above {detectable:.0e} would show")
}

/// Steps on the whole data; the loss before the last.
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

/// Epochs of mini-batches on samples with labels; the loss is the cross-entropy of logits.
fn classify(
    model: &mut Sequential,
    optimizer: &mut dyn Optimizer,
    (x, labels): (&Tensor, &[usize]),
    [batch, epochs]: [usize; 2],
    seed: u64,
) {
    let (mut rng, mut batches) = (rng(seed), Batches::new(labels.len(), batch));
    let (mut tape, mut rows_of_x) = (Tape::new(), Tensor::default());
    let mut cx = Context::train(StdRng::seed_from_u64(seed));
    for _ in 0..epochs {
        for rows in batches.shuffle(&mut rng).iter() {
            gather(x, rows, &mut rows_of_x).expect("rows are indices of samples");
            let labels: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
            let z = model.forward(tape.constant(rows_of_x.clone()), &mut cx);
            let grads = loss::cross_entropy_from_logits(z, &labels).backward();
            tape.reset();
            optimizer.step(model, &grads);
        }
    }
}

/// The cross-entropy of what a model says.
fn surprise(model: &Sequential, (x, labels): (&Tensor, &[usize])) -> f64 {
    let tape = Tape::new().inference();
    loss::cross_entropy_from_logits(tape.constant(model.predict(x)), labels).value()
}

/// The share of samples with the largest output at their label.
fn accuracy(model: &Sequential, (x, labels): (&Tensor, &[usize])) -> f64 {
    let said = argmax_rows(&model.predict(x)).expect("a matrix of outputs");
    metrics::accuracy(&said, labels).expect("a label for each sample")
}

/// Some of the samples.
fn chosen(x: &Tensor, labels: &[usize], rows: &[usize]) -> (Tensor, Vec<usize>) {
    let mut part = Tensor::default();
    gather(x, rows, &mut part).expect("rows are indices of samples");
    (part, rows.iter().map(|&row| labels[row]).collect())
}
