//! Chapter 5: forks, `+=`, and stale gradients.

use super::Chapter;
use super::expression::steps;
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake};
use tape::Tape;

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 5,
    page: "05-forks",
    program: program!("05_forks.rs"),
    broken: program!("05_broken.rs"),
    tables: Vec::new,
    figures,
    exercises,
};

/// The two shares that arrive at x.
fn figures() -> Vec<(&'static str, String)> {
    let steps = steps();
    let share = |to: usize, k: usize| {
        let step = &steps[to];
        format!("{} · {} = {}", step.gradient, step.local[k], step.gradient * step.local[k])
    };
    let (through_b, through_a) = (share(3, 1), share(2, 0));
    let sum = format!("∂z/∂x = {}", steps[0].gradient);
    let diagram = Diagram::new("The cotangent of x is the sum of two shares", 560, 190)
        .arrow((440.0, 50.0), (160.0, 88.0), "", GRADIENT)
        .text((300.0, 52.0), &format!("from b: {through_b}"), GRADIENT)
        .arrow((440.0, 150.0), (160.0, 108.0), "", GRADIENT)
        .text((300.0, 152.0), &format!("from a: {through_a}"), GRADIENT)
        .boxed((100.0, 98.0), 120.0, &[("x = 2", VALUE), (&sum, GRADIENT)])
        .boxed((480.0, 50.0), 80.0, &[("b", VALUE)])
        .boxed((480.0, 150.0), 80.0, &[("a", VALUE)]);
    vec![("05-fork.svg", diagram.svg())]
}

fn exercises() -> Vec<Exercise> {
    let tape = Tape::new();
    let x = tape.scalar(3.0);
    let cube = (x * x * x).backward().wrt(x);
    let x = tape.scalar(0.5);
    let doubled = x + x;
    let slope = (doubled + doubled).backward().wrt(x);
    let w = tape.scalar(1.0);
    let [first, second] = [2.0, 5.0].map(|target| (w - target).square().backward().wrt(w));
    vec![
        Exercise {
            number: "5.1",
            right: vec![cube.into()],
            mistakes: vec![
                Mistake::new(9.0, "only one of the shares is left: an assignment in place of +="),
                Mistake::new(18.0, "two shares are counted; x is an operand three times"),
            ],
            hint: "x is used three times, and each use contributes the product of the other two factors",
        },
        Exercise {
            number: "5.2",
            right: vec![slope.into()],
            mistakes: vec![
                Mistake::new(1.0, "with =, each fork keeps one share of two"),
                Mistake::new(2.0, "one of the two forks has lost a share"),
                Mistake::new(8.0, "that is what a recursion gives that visits b once for each of its uses"),
            ],
            hint: "both steps have a fork; b = x + x has the cotangent 2 before it passes anything on",
        },
        Exercise {
            number: "5.3",
            right: vec![(first + second).into()],
            mistakes: vec![
                Mistake::new(
                    second,
                    "that is the gradient of the second loss alone; the stored one was not cleared",
                ),
                Mistake::new(
                    first,
                    "that is the gradient of the first loss; the second sweep adds its own to it",
                ),
                Mistake::new((first + second) / 2.0, "stored gradients are added, not averaged"),
            ],
            hint: "the first sweep leaves 2 (w - 2), the second adds 2 (w - 5)",
        },
    ]
}
