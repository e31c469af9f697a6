//! Chapter 7: matrices.

use super::Chapter;
use crate::diagram::Diagram;
use crate::{Exercise, Mistake};
use tape::{Tape, Tensor};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 7,
    page: "07-matrices",
    program: program!("07_matrices.rs"),
    broken: program!("07_broken.rs"),
    tables: Vec::new,
    figures,
    exercises,
};

/// dy and x, whose columns meet in the entries of dw; those of one entry are marked.
fn figures() -> Vec<(&'static str, String)> {
    let x = Tensor::from_fn([4, 3], |k| 1.0 + (3 * k[0] + k[1]) as f64);
    let dy = Tensor::from_fn([4, 2], |k| k[0] as f64 - 2.0 * k[1] as f64);
    let dw = dy.transpose().matmul(&x);
    let rows =
        |values: &Tensor| values.to_vec().chunks(values.shape()[1]).map(<[f64]>::to_vec).collect::<Vec<_>>();
    let diagram = Diagram::new("Each entry of dw is a column of dy times a column of x", 600, 180)
        .matrix((30.0, 50.0), "dy[n, i]", &rows(&dy), |_, i| i == 0)
        .matrix((190.0, 50.0), "x[n, j]", &rows(&x), |_, j| j == 1)
        .matrix((420.0, 78.0), "dw[i, j] = Σ dy[n, i] x[n, j]", &rows(&dw), |i, j| (i, j) == (0, 1));
    vec![("07-weights.svg", diagram.svg())]
}

fn exercises() -> Vec<Exercise> {
    let tape = Tape::new();
    let x = tape.var([[1.0, 2.0], [3.0, 4.0]]);
    let w = tape.var([[0.0, 0.0], [0.0, 0.0]]);
    let dy = Tensor::from([[1.0, 0.0], [2.0, -1.0]]);
    let dw = x.matmul(w.transpose()).vjp(dy).wrt(w);
    let entry = |i: usize, j: usize| dw[[i, j]];
    vec![
        Exercise {
            number: "7.1",
            right: vec![[32.0, 10.0].into()],
            mistakes: vec![
                Mistake::new([10.0, 32.0], "samples are rows: the first extent is their number"),
                Mistake::new([784.0, 784.0], "the inner extents, both 784, are summed away"),
                Mistake::new([32.0, 784.0], "that is the shape of x; each sample now has ten outputs"),
            ],
            hint: "[32, 784] times [784, 10]",
        },
        Exercise {
            number: "7.2",
            right: vec!["dy·w".into()],
            mistakes: vec![
                Mistake::new("dy·wᵀ", "y = x·wᵀ already has the transpose; sum over i in dy[n, i] w[i, j]"),
                Mistake::new("w·dy", "the rows of dx are samples, so dy comes first"),
                Mistake::new("wᵀ·dy", "that is the form for columns as samples; here samples are rows"),
                Mistake::new("dyᵀ·w", "the samples n remain an index of dx, so dy is not transposed"),
            ],
            hint: "dx[n, j] = Σ_i dy[n, i] w[i, j]: which indices are next to each other?",
        },
        Exercise {
            number: "7.3",
            right: vec![[entry(0, 0), entry(0, 1)].into()],
            mistakes: vec![
                Mistake::new([1.0, 2.0], "that is the first row of dy·x; dy must be transposed"),
                Mistake::new(
                    [entry(0, 0), entry(1, 0)],
                    "that is the first column; the first row belongs to the first output",
                ),
                Mistake::new(
                    [2.0 * 3.0, 2.0 * 4.0],
                    "that is the contribution of the last sample alone; samples are summed",
                ),
                Mistake::new(
                    [entry(0, 0) / 2.0, entry(0, 1) / 2.0],
                    "samples are summed, not averaged: no mean is in the loss",
                ),
            ],
            hint: "dw[0, j] = dy[0, 0] x[0, j] + dy[1, 0] x[1, j]",
        },
    ]
}
