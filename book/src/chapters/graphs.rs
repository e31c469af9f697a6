//! Chapter 2: graphs of arithmetic.

use super::Chapter;
use super::expression::{Step, steps};
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake};
use tape::Tape;

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 2,
    page: "02-graphs",
    program: program!("02_graphs.rs"),
    broken: program!("02_broken.rs"),
    tables: Vec::new,
    figures,
    exercises,
};

/// The positions of x, y, a, b, z in the picture.
const PLACES: [(f64, f64); 5] = [(70.0, 50.0), (70.0, 190.0), (230.0, 120.0), (400.0, 50.0), (570.0, 120.0)];

/// The graph of the expression, with the value and, if wanted, the gradient in each box.
pub(crate) fn picture(title: &'static str, gradients: bool) -> Diagram {
    let steps = steps();
    let mut diagram = Diagram::new(title, 640, 240);
    for (to, Step { operands, local, .. }) in steps.iter().enumerate() {
        for (&from, slope) in operands.iter().zip(local) {
            let (begin, end) = (PLACES[from], PLACES[to]);
            diagram =
                diagram.arrow((begin.0 + 44.0, begin.1), (end.0 - 46.0, end.1), &slope.to_string(), GRADIENT);
        }
    }
    for (step, place) in steps.iter().zip(PLACES) {
        let value = format!("{} = {}", step.label, step.value);
        let gradient = format!("∂z/∂{} = {}", step.label, step.gradient);
        let lines = [(value.as_str(), VALUE), (gradient.as_str(), GRADIENT)];
        diagram = diagram.boxed(place, 88.0, &lines[..if gradients { 2 } else { 1 }]);
    }
    diagram
}

fn figures() -> Vec<(&'static str, String)> {
    vec![(
        "02-graph.svg",
        picture("The graph of z = (x y + x) y with values and local derivatives", false).svg(),
    )]
}

fn exercises() -> Vec<Exercise> {
    let tape = Tape::new();
    let (x, y) = (tape.scalar(2.0), tape.scalar(5.0));
    let _ = (x + y) * x;
    let nodes = tape.view().nodes().len() as f64;
    let (p, r) = (tape.scalar(6.0), tape.scalar(3.0));
    let slopes = (p / r).backward().wrt([p, r]);
    let x = tape.scalar(1.0);
    let u = 3.0 * x + 1.0;
    let slope = (u * u).backward().wrt(x);
    vec![
        Exercise {
            number: "2.1",
            right: vec![nodes.into()],
            mistakes: vec![
                Mistake::new(nodes - 2.0, "the leaves x and y are nodes too"),
                Mistake::new(nodes + 1.0, "x is used twice, but it is one node with two edges"),
            ],
            hint: "count the leaves and the operations, each once",
        },
        Exercise {
            number: "2.2",
            right: vec![slopes.into()],
            mistakes: vec![
                Mistake::new(
                    [slopes[0], -slopes[1]],
                    "the quotient falls when r grows: the second one is negative",
                ),
                Mistake::new(
                    [slopes[0], slopes[1] / 6.0],
                    "the second one is -p / r²: the factor p is missing",
                ),
                Mistake::new([slopes[1], slopes[0]], "p comes first, then r"),
            ],
            hint: "∂q/∂p = 1 / r and ∂q/∂r = -p / r²",
        },
        Exercise {
            number: "2.3",
            right: vec![slope.into()],
            mistakes: vec![
                Mistake::new(slope / 3.0, "the local derivative of the first step, 3, is missing"),
                Mistake::new(2.0 * 3.0, "the slope of u² is 2u at the value of u, not at that of x"),
            ],
            hint: "multiply the local derivatives along the chain, each at the value of its own operand",
        },
    ]
}
