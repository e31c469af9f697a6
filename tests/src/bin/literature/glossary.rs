//! The terms of the glossary, and where each is checked.

use crate::{Rows, Tests, tests_of};
use std::fmt::Write as _;

/// How a term is covered.
enum Covered {
    /// Explained in these words; there is nothing to run.
    Text(&'static str),
    /// By its own test.
    Test,
    /// By rows of other tests: an id, and the beginning of the row's description.
    By(&'static [(&'static str, &'static str)]),
}

use Covered::{By, Test, Text};

/// The terms in order, from GL-01.
const TERMS: [(&str, Covered); 62] = [
    (
        "artificial intelligence",
        Text("programs for tasks that otherwise require a person; the boundary moves"),
    ),
    ("machine learning", Text("predictive models that are fitted to data")),
    ("deep learning", By(&[("C8-14", "four rows, seed 0")])),
    ("supervised learning", By(&[("BP-10", "test accuracy after"), ("C8-14", "four rows, seed 0")])),
    ("unsupervised learning", By(&[("GL-11", ""), ("GL-26", "")])),
    ("reinforcement learning", Test),
    ("hybrid learning", Test),
    ("classification", By(&[("BP-10", "test accuracy after")])),
    ("regression", By(&[("C8-14", "200 generated rows, seed 0")])),
    ("sample, model, input, output, parameter, hyper-parameter", Test),
    ("clustering", Test),
    ("linear separability", Test),
    ("neural network", By(&[("C8-11", "")])),
    ("perceptron", Test),
    ("neuron", By(&[("WT-03", "")])),
    ("activation", Test),
    ("layer", Test),
    ("architecture", Test),
    ("forward propagation", By(&[("C8-05", "")])),
    ("training", By(&[("MT-10", "")])),
    ("inference", Test),
    ("data set", Test),
    ("convolutional network", Test),
    ("filter", Test),
    ("pooling", Test),
    ("autoencoder", Test),
    ("recurrent network", Test),
    ("long short-term memory", Test),
    ("loss", By(&[("C8-06", ""), ("WT-09", ""), ("MT-07", "")])),
    ("cost", Test),
    ("generalization", Test),
    ("overfitting", Test),
    ("regularization", Test),
    ("bias, of a model", Test),
    ("variance, of a model", By(&[("GL-32", "")])),
    ("uncertainty", Test),
    ("embedding", Test),
    ("affine layer", By(&[("C8-04", "")])),
    ("nonlinear", Test),
    ("sigmoid", By(&[("C8-01", "")])),
    ("tanh", By(&[("C8-03", "")])),
    ("ReLU", Test),
    ("leaky ReLU", Test),
    ("softmax", Test),
    ("identity", Test),
    ("data augmentation", Test),
    ("transfer learning", Test),
    ("fine-tuning", Test),
    ("dropout", Test),
    ("batch normalization", Test),
    ("attention", Test),
    ("gradient descent", By(&[("WT-18", "")])),
    ("backpropagation", By(&[("C8-11", ""), ("BP-06", "")])),
    ("learning rate", By(&[("BP-02", "")])),
    ("vanishing gradients", By(&[("MT-08", "first-layer gradient")])),
    ("exploding gradients", Test),
    ("batch, epoch", By(&[("WT-18", "updates per epoch")])),
    ("momentum", By(&[("MT-03", "")])),
    ("AdaGrad, AdaDelta, RMSProp, Adam", Test),
    ("automatic differentiation", By(&[("WT-16", ""), ("WT-17", "")])),
    ("cross-entropy", By(&[("WT-09", ""), ("MT-07", "")])),
    ("backpropagation through time", Test),
];

/// Writes the table of all terms.
pub(crate) fn section(page: &mut String, rows: &Rows, tests: &Tests) -> Result<(), String> {
    page.push_str(INTRODUCTION);
    for (number, (term, covered)) in (1..).zip(&TERMS) {
        let id = format!("GL-{number:02}");
        let own = [(id.as_str(), "")];
        let sources: &[(&str, &str)] = match covered {
            Text(meaning) => {
                let _ = writeln!(page, "| {id} | {term} | {meaning} |  |  | text only |  |");
                continue;
            }
            Test => &own,
            By(sources) => sources,
        };
        for (source, begin) in sources {
            write_rows(page, [&id, term, source, begin], rows, tests)?;
        }
    }
    Ok(())
}

/// Writes the rows of `source` that begin with `begin`, under the name of a term.
fn write_rows(
    page: &mut String,
    [id, term, source, begin]: [&str; 4],
    rows: &Rows,
    tests: &Tests,
) -> Result<(), String> {
    let missing = |what: &str| format!("{id}: {source} has no {what}");
    let (prefix, number) = source.split_once('-').ok_or_else(|| missing("number"))?;
    let number = number.parse().map_err(|_| missing("number"))?;
    let (_, file) = *tests_of(prefix, number, tests).first().ok_or_else(|| missing("test"))?;
    let all = rows.get(source).ok_or_else(|| missing("row"))?;
    let mut chosen = all.iter().filter(|row| row.what.starts_with(begin)).peekable();
    if chosen.peek().is_none() {
        return Err(missing(&format!("row that begins with {begin:?}")));
    }
    for row in chosen {
        let by = if source == id { String::new() } else { format!("{source}: ") };
        let _ = writeln!(
            page,
            "| {id} | {term} | {by}{} | {} | {} | {} | [{file}](../{file}) |",
            row.what, row.published, row.ours, row.remark
        );
    }
    Ok(())
}

const INTRODUCTION: &str = "
## The glossary

The guide ends with a glossary of words without formulas. Every term that can be run has a test, or names a row above
that covers it. *Expected* is the consequence of the standard meaning of the term.

| id | term | what | expected | ours | remark | where |
|---|---|---|---|---|---|---|
";
