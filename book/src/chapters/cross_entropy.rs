//! Chapter 10: softmax and cross-entropy.

use super::{Chapter, table};
use crate::{Exercise, Mistake};
use nn::loss::cross_entropy_with_logits;
use nn_plot::{Matrices, Matrix};
use tape::ops::Ln;
use tape::{Scalar, Tape, Tensor, Unary, Var};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 10,
    page: "10-cross-entropy",
    program: program!("10_cross_entropy.rs"),
    broken: program!("10_broken.rs"),
    tables,
    figures,
    exercises,
};

/// The loss of one row in steps, with or without the subtraction of the largest entry.
fn staged<'t>(z: Var<'t>, t: &Tensor, shifted: bool) -> Scalar<'t> {
    let c = if shifted { z - z.max_axes(1, true) } else { z };
    let e = c.exp();
    let p = e * e.sum_axes(1, true).recip();
    -(p.ln() * t).sum()
}

/// The loss of one row as one operation.
fn fused<'t>(z: Var<'t>, t: &Tensor, _: bool) -> Scalar<'t> {
    cross_entropy_with_logits(z, t).sum()
}

/// Losses and gradients of the three ways for larger and larger weighted inputs.
fn stability() -> String {
    type Way = for<'t> fn(Var<'t>, &Tensor, bool) -> Scalar<'t>;
    let ways: [(Way, bool, &str); 3] = [
        (staged, false, "steps 3 to 8, nothing subtracted"),
        (staged, true, "all eight steps"),
        (fused, true, "one operation"),
    ];
    let t = Tensor::from([[0.0, 1.0, 0.0]]);
    let rows = [1.0, 100.0, 200.0, 1000.0].into_iter().flat_map(|scale| {
        let t = t.clone();
        ways.into_iter().map(move |(way, shifted, name)| {
            let tape = Tape::new();
            let z = tape.var([[scale, 2.0 * scale, 4.0 * scale]]);
            let loss = way(z, &t, shifted);
            let gradient: Vec<String> =
                loss.backward().wrt(z).iter().map(|&x| format!("{:.4}", x + 0.0)).collect();
            let z = format!("{}, {}, {}", scale, 2.0 * scale, 4.0 * scale);
            [z, name.into(), format!("{:.4}", loss.value()), gradient.join(", ")]
        })
    });
    table(["z, target in the middle", "computed by", "loss", "gradient"], rows)
}

fn tables() -> Vec<(&'static str, String)> {
    vec![("stability", stability())]
}

/// Probabilities, targets and their difference for the two samples of the program.
fn figures() -> Vec<(&'static str, String)> {
    let z = Tensor::from([[1.0, 2.0, 4.0], [3.0, -1.0, 0.5]]);
    let t = Tensor::from([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]);
    let p = z.softmax(1);
    let gradient = (&p - &t) / 2.0;
    let named = |title: &str, values: &Tensor| {
        Matrix::new(title, values).rows(["sample 1", "sample 2"]).columns(["class 1", "class 2", "class 3"])
    };
    let matrices = Matrices::new("Probabilities, targets and the gradient")
        .matrix(named("p, the softmax", &p))
        .matrix(named("t, the target", &t))
        .matrix(named("(p - t) / 2, the gradient", &gradient));
    vec![("10-gradient.svg", matrices.svg().unwrap_or_default())]
}

fn exercises() -> Vec<Exercise> {
    let (p, t) = ([0.2, 0.5, 0.3], [0.0, 1.0, 0.0]);
    let each = |f: &dyn Fn(f64, f64) -> f64| [f(p[0], t[0]), f(p[1], t[1]), f(p[2], t[2])];
    let e = [1.0, 3.0, 4.0];
    let s: f64 = e.iter().sum();
    let classes = 10.0;
    vec![
        Exercise {
            number: "10.1",
            right: vec![each(&|p, t| p - t).into()],
            mistakes: vec![
                Mistake::new(each(&|p, t| -t / p), "that is ∂ℓ/∂p; it still has to go through the softmax"),
                Mistake::new(
                    each(&|p, t| -t / p * p * (1.0 - p)),
                    "each p depends on every z: this takes only the diagonal of the softmax's Jacobian",
                ),
                Mistake::new(
                    each(&|p, t| (p - t) * p * (1.0 - p)),
                    "the slope of a sigmoid has no place here",
                ),
            ],
            hint: "p - t, entry by entry",
        },
        Exercise {
            number: "10.2",
            right: vec![(1.0 / s).into()],
            mistakes: vec![
                Mistake::new(
                    -1.0 / (s * s),
                    "that is the local derivative of r = 1/s; the rest of the path is missing",
                ),
                Mistake::new(0.0, "s reaches the loss through r, p and l"),
                Mistake::new(e[1] / s, "that is p of the target"),
            ],
            hint: "the loss is ln s - ln e of the target",
        },
        Exercise {
            number: "10.3",
            right: vec![Ln.eval(classes).into()],
            mistakes: vec![
                Mistake::new(1.0 / classes, "that is the probability of each class; the loss is -ln of it"),
                Mistake::new(1.0, "the logarithm is the natural one"),
                Mistake::new(0.0, "a loss of 0 needs the probability 1 at the target"),
            ],
            hint: "all p are equal, so each is a tenth",
        },
    ]
}
