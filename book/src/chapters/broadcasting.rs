//! Chapter 8: broadcasting and its adjoint.

use super::Chapter;
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake};
use tape::{Tape, Tensor};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 8,
    page: "08-broadcasting",
    program: program!("08_broadcasting.rs"),
    broken: program!("08_broken.rs"),
    tables: Vec::new,
    figures,
    exercises,
};

/// A row that is copied on the way down, and the rows of cotangents that are added on the way back.
fn figures() -> Vec<(&'static str, String)> {
    let tape = Tape::new();
    let b = tape.var([10.0, 20.0]);
    let dy = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let copies = b.broadcast_to([3, 2]);
    let db = copies.vjp(dy.clone()).wrt(b);
    let row = |values: &Tensor, n: usize| format!("{}   {}", values[[n, 0]], values[[n, 1]]);
    let mut diagram = Diagram::new("Copying a row, and adding its cotangents", 660, 230)
        .text((160.0, 30.0), "forward: copy", VALUE)
        .text((500.0, 30.0), "backward: add", GRADIENT)
        .boxed((60.0, 130.0), 90.0, &[("10   20", VALUE)])
        .text((60.0, 175.0), "b", VALUE)
        .boxed((600.0, 130.0), 90.0, &[(&format!("{}   {}", db[[0]], db[[1]]), GRADIENT)])
        .text((600.0, 175.0), "gradient of b", GRADIENT);
    for n in 0..3 {
        let y = 70.0 + 60.0 * n as f64;
        diagram = diagram
            .boxed((250.0, y), 90.0, &[(&row(&copies.value(), n), VALUE)])
            .boxed((410.0, y), 90.0, &[(&row(&dy, n), GRADIENT)])
            .arrow((106.0, 130.0), (203.0, y), "", VALUE)
            .arrow((456.0, y), (553.0, 130.0), "", GRADIENT);
    }
    vec![("08-copy-and-sum.svg", diagram.svg())]
}

fn exercises() -> Vec<Exercise> {
    let tape = Tape::new();
    let (x, s) = (tape.var([[1.0, 2.0], [3.0, 4.0]]), tape.var([[10.0], [100.0]]));
    let ds = (x * s).sum().backward().wrt(s).to_vec();
    let v = tape.var([1.0, 2.0, 3.0, 6.0]);
    let mean = v.mean();
    let dv = (mean * mean).backward().wrt(v).to_vec();
    let (p, t) = (Tensor::<f64>::zeros([5, 1]), Tensor::zeros([5]));
    let entries = (&p - &t).to_vec().len() as f64;
    vec![
        Exercise {
            number: "8.1",
            right: vec![[ds[0], ds[1]].into()],
            mistakes: vec![
                Mistake::new([4.0, 6.0], "these are the sums of columns; s was copied along each row"),
                Mistake::new([30.0, 700.0], "multiply the cotangents, all 1, by x, not by x s"),
                Mistake::new([2.0, 4.0], "only the last copy has been counted; add all of them"),
            ],
            hint: "ds[n] = Σ_j dy[n, j] x[n, j], with dy = 1 everywhere",
        },
        Exercise {
            number: "8.2",
            right: vec![dv[0].into()],
            mistakes: vec![
                Mistake::new(4.0 * dv[0], "the mean divides by 4, and so does its derivative"),
                Mistake::new(dv[0] / 4.0, "the factor 1/4 belongs into the chain once"),
                Mistake::new(mean.value(), "that is the mean itself; the slope is 2 m / 4"),
            ],
            hint: "∂(m²)/∂m = 2 m, and ∂m/∂v = 1/4 for each entry",
        },
        Exercise {
            number: "8.3",
            right: vec![entries.into()],
            mistakes: vec![
                Mistake::new(5.0, "[5, 1] and [5] are different: the missing axis is added in front, [1, 5]"),
                Mistake::new(10.0, "both axes are stretched: the result is 5 by 5"),
            ],
            hint: "align the shapes at the right: [5, 1] and [1, 5]",
        },
    ]
}
