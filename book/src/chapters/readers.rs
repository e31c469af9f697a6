//! Chapter 19: PyTorch and JAX.

use super::{Chapter, table};
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake};
use tape::transform::{grad, jvp};
use tape::{Tape, Tensor};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 19,
    page: "19-pytorch-and-jax",
    program: program!("19_readers.rs"),
    broken: program!("19_broken.rs"),
    tables,
    figures,
    exercises,
};

/// The value and the slope of `√x` where x is positive, and of 0 elsewhere, at a point.
fn masked_root(x: f64) -> [f64; 2] {
    let tape = Tape::new();
    let x = tape.var([x]);
    let positive = Tensor::from([if x.value().item() > 0.0 { 1.0 } else { 0.0 }]);
    let y = tape::Var::select(&positive, x.sqrt(), tape.constant([0.0]));
    [y.value().item(), y.sum().backward().wrt(x).item()]
}

fn tables() -> Vec<(&'static str, String)> {
    let row = |x: f64| {
        let [value, slope] = masked_root(x);
        [format!("{x}"), format!("{value}"), format!("{slope}")]
    };
    vec![("masked", table(["x", "value", "slope"], [4.0, 0.25, 0.0].map(row)))]
}

/// Where a program, its recording, and its gradient are in each of the three designs.
fn figures() -> Vec<(&'static str, String)> {
    let mut diagram =
        Diagram::new("From a program to its gradient in PyTorch, in JAX and on this tape", 780, 300);
    let designs: [(&str, [(&str, &str); 4]); 3] = [
        (
            "PyTorch",
            [
                ("code runs", "on tensors"),
                ("graph of nodes", "behind loss.grad_fn"),
                ("loss.backward()", "the graph is freed"),
                ("w.grad", "added in place"),
            ],
        ),
        (
            "JAX",
            [
                ("function f", "of arrays"),
                ("traced", "jaxpr"),
                ("jax.grad(f)", "another function"),
                ("result", "of the call"),
            ],
        ),
        (
            "tape",
            [
                ("code runs", "on handles"),
                ("list of nodes", "on the tape"),
                ("loss.backward()", "the list is kept"),
                ("Gradients", "returned"),
            ],
        ),
    ];
    for (row, (name, stages)) in designs.into_iter().enumerate() {
        let y = 60.0 + 90.0 * row as f64;
        diagram = diagram.text((45.0, y + 5.0), name, "#404040");
        for (k, (first, second)) in stages.into_iter().enumerate() {
            let x = 170.0 + 175.0 * k as f64;
            let colour = if k < 2 { VALUE } else { GRADIENT };
            diagram = diagram.boxed((x, y), 140.0, &[(first, colour), (second, colour)]);
            if k > 0 {
                diagram = diagram.arrow((x - 105.0, y), (x - 70.0, y), "", VALUE);
            }
        }
    }
    vec![("19-designs.svg", diagram.svg())]
}

fn exercises() -> Vec<Exercise> {
    let w = 3.0;
    let once = grad(|w| w * w, w);
    let stopped = grad(|x| x * x.detach(), w);
    let cube = |x: Tensor, dx: Tensor| jvp(|x| x * x * x, x, dx);
    let (value, tangent) = cube(Tensor::from([2.0]), Tensor::from([0.5]));
    vec![
        Exercise {
            number: "19.1",
            right: vec![(2.0 * once).into()],
            mistakes: vec![
                Mistake::new(
                    once,
                    "that is one sweep; w.grad is not cleared in between, so the second is added",
                ),
                Mistake::new(once * once, "gradients are added, not multiplied"),
            ],
            hint: "each backward adds 2w to w.grad",
        },
        Exercise {
            number: "19.2",
            right: vec![stopped.into()],
            mistakes: vec![
                Mistake::new(
                    once,
                    "this is the derivative of x²; one of the two factors counts as a constant",
                ),
                Mistake::new(0.0, "only one factor is stopped"),
            ],
            hint: "the second factor has the value 3 and the slope 0",
        },
        Exercise {
            number: "19.3",
            right: vec![[value.item(), tangent.item()].into()],
            mistakes: vec![
                Mistake::new([value.item(), tangent.item() / 0.5], "the tangent 0.5 multiplies the slope"),
                Mistake::new(
                    [tangent.item() / 0.5, tangent.item()],
                    "the first result is the value, not the slope",
                ),
            ],
            hint: "the value is x³, and the tangent 3x² times 0.5",
        },
    ]
}
