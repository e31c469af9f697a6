//! Chapter 3: the chain rule as a sum over paths.

use super::expression::{Step, paths, steps};
use super::graphs::picture;
use super::{Chapter, table};
use crate::{Exercise, Mistake};
use tape::Tape;

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 3,
    page: "03-chain-rule",
    program: program!("03_chain_rule.rs"),
    broken: program!("03_broken.rs"),
    tables,
    figures,
    exercises,
};

/// The paths from the leaves, and the contributions of a reverse sweep in their order.
fn tables() -> Vec<(&'static str, String)> {
    let steps = steps();
    let leaf = |from: usize| {
        let paths = paths(&steps, from);
        let name =
            |path: &[usize]| path.iter().map(|&k| steps[k].label.as_str()).collect::<Vec<_>>().join(" → ");
        let factors = |path: &[usize]| {
            let local = |edge: &[usize]| {
                let to = &steps[edge[1]];
                let operand = to.operands.iter().position(|&k| k == edge[0]).unwrap_or_default();
                to.local[operand].to_string()
            };
            path.windows(2).map(local).collect::<Vec<_>>().join(" · ")
        };
        let sum: f64 = paths.iter().map(|(_, product)| product).sum();
        let mut rows: Vec<[String; 4]> = paths
            .iter()
            .map(|(path, product)| {
                [steps[from].label.clone(), name(path), factors(path), product.to_string()]
            })
            .collect();
        rows.push([steps[from].label.clone(), "sum".into(), String::new(), sum.to_string()]);
        rows
    };
    let contributions = |from: usize| {
        let Step { label, operands, local, gradient, .. } = &steps[from];
        let contribution = |(&to, local): (&usize, &f64)| {
            let to = &steps[to].label;
            [
                label.clone(),
                gradient.to_string(),
                format!("∂{label}/∂{to} = {local}"),
                format!("∂z/∂{to} += {}", gradient * local),
            ]
        };
        operands.iter().zip(local).map(contribution).collect::<Vec<_>>()
    };
    vec![
        ("paths", table(["leaf", "path", "local derivatives", "product"], [0, 1].into_iter().flat_map(leaf))),
        (
            "sweep",
            table(
                ["node", "its cotangent", "local derivative", "contribution"],
                (0..steps.len()).rev().flat_map(contributions),
            ),
        ),
    ]
}

fn figures() -> Vec<(&'static str, String)> {
    vec![("03-sweep.svg", picture("Values and cotangents of z = (x y + x) y", true).svg())]
}

fn exercises() -> Vec<Exercise> {
    let tape = Tape::new();
    let x = tape.scalar(2.0);
    let (u, v) = (x * x, 3.0 * x);
    let slope = (u * v).backward().wrt(x);
    // A chain of `steps` doublings, x + x.
    let (tape, steps) = (Tape::new(), 5);
    let x = tape.scalar(1.0);
    let doublings = (0..steps).fold(x, |y, _| y + y);
    let paths = doublings.backward().wrt(x);
    let (inputs, edges) = (1000.0, 5000.0);
    vec![
        Exercise {
            number: "3.1",
            right: vec![slope.into()],
            mistakes: vec![
                Mistake::new(2.0 * 2.0 * 6.0, "this is the path through u alone; add the one through v"),
                Mistake::new(4.0 * 3.0, "this is the path through v alone; add the one through u"),
                Mistake::new(2.0 * 2.0 * 3.0 * 6.0 * 4.0, "paths are added, not multiplied"),
            ],
            hint: "∂w/∂u · ∂u/∂x + ∂w/∂v · ∂v/∂x with ∂w/∂u = v = 6 and ∂w/∂v = u = 4",
        },
        Exercise {
            number: "3.2",
            right: vec![paths.into()],
            mistakes: vec![
                Mistake::new(
                    2.0 * f64::from(steps),
                    "that is the number of edges; a path chooses one of two at each step",
                ),
                Mistake::new(
                    paths / 2.0,
                    "each of the five steps doubles the number of paths, the first one too",
                ),
            ],
            hint: "each step has two edges to the one before, and a path takes one of them",
        },
        Exercise {
            number: "3.3",
            right: vec![[edges, inputs * edges].into()],
            mistakes: vec![
                Mistake::new(
                    [inputs * edges, edges],
                    "it is the other way round: the reverse sweep serves all inputs at once",
                ),
                Mistake::new([edges, edges], "a forward sweep answers for one input; there are a thousand"),
                Mistake::new([inputs * edges, inputs * edges], "one reverse sweep is enough for all inputs"),
            ],
            hint: "each sweep multiplies once at each edge; how many sweeps does each mode need?",
        },
    ]
}
