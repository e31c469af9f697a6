//! Chapter 4: a tape in a hundred lines.

use super::expression::steps;
use super::{Chapter, table};
use crate::diagram::{Diagram, GRADIENT, VALUE};
use crate::{Exercise, Mistake, Program};

/// The program of the chapter, whose types the exercises and tests use.
#[allow(unreachable_pub, clippy::suspicious_arithmetic_impl)]
pub(crate) mod program {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/04_tape.rs"));
    pub(super) const MAIN: fn() = main;
}

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 4,
    page: "04-tape",
    program: Program {
        text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/04_tape.rs")),
        main: program::MAIN,
    },
    broken: program!("04_broken.rs"),
    tables,
    figures,
    exercises,
};

/// Evaluates the expressions `$f` of `$x` on the small tape and on the engine's: values and gradients of both.
macro_rules! both {
    ($values:expr, |$x:ident| $f:expr) => {{
        let values = $values;
        let small = {
            let tape = program::SmallTape::default();
            let $x = values.map(|value| tape.leaf(value));
            let y = $f;
            let gradient = y.backward();
            (y.value, $x.map(|x| gradient[x.index]).to_vec())
        };
        let engine = {
            let tape = tape::Tape::new();
            let $x = values.map(|value| tape.scalar(value));
            let y = $f;
            (y.value(), y.backward().wrt($x).to_vec())
        };
        (small, engine)
    }};
}

/// A value and its gradient.
type Result = (f64, Vec<f64>);

/// Functions, each evaluated by the small tape and by the engine.
fn functions() -> Vec<(&'static str, Result, Result)> {
    let named = |name, (small, engine)| (name, small, engine);
    vec![
        named("(x y + x) y", both!([2.0, 3.0], |x| (x[0] * x[1] + x[0]) * x[1])),
        named("x / y - y / x", both!([2.0, 3.0], |x| x[0] / x[1] - x[1] / x[0])),
        named("ln(exp x + exp y)", both!([0.5, -1.0], |x| (x[0].exp() + x[1].exp()).ln())),
        named(
            "e / (e + y), e = exp(w x + b)",
            both!([0.5, -1.0, 2.0, 1.0], |x| {
                let e = (x[0] * x[1] + x[2]).exp();
                e / (e + x[3])
            }),
        ),
        named("x ← x x - x, five times", both!([1.5], |x| { (0..5).fold(x[0], |y, _| y * y - y) })),
    ]
}

/// The largest difference of two gradients, relative to 1 where they are smaller.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max)
}

fn tables() -> Vec<(&'static str, String)> {
    let row = |(name, small, engine): (&str, Result, Result)| {
        let numbers =
            |gradient: &[f64]| gradient.iter().map(|x| format!("{x:.6}")).collect::<Vec<_>>().join(", ");
        let agree = difference(&small.1, &engine.1) <= 1e-14;
        [name.to_string(), numbers(&small.1), numbers(&engine.1), if agree { "yes" } else { "no" }.into()]
    };
    let lines = CHAPTER.program.text.lines().count();
    vec![
        (
            "functions",
            table(
                ["function", "small tape", "engine", "equal to 14 digits"],
                functions().into_iter().map(row),
            ),
        ),
        ("lines", format!("The program has {lines} lines, `main` included.")),
    ]
}

fn figures() -> Vec<(&'static str, String)> {
    let mut diagram =
        Diagram::new("The list of nodes of (x y + x) y, recorded downwards and swept upwards", 560, 300)
            .text((290.0, 26.0), "operands and local derivatives", "#404040")
            .text((460.0, 26.0), "value", "#404040");
    for (k, step) in steps().iter().enumerate() {
        let y = 60.0 + 48.0 * k as f64;
        let pair = |(operand, slope): (&usize, &f64)| format!("({operand}, {slope})");
        let pairs: Vec<String> = step.operands.iter().zip(&step.local).map(pair).collect();
        let node = if pairs.is_empty() { "leaf".into() } else { pairs.join("  ") };
        diagram = diagram
            .text((180.0, y + 5.0), &k.to_string(), "#404040")
            .boxed((290.0, y), 180.0, &[(&node, GRADIENT)])
            .text((460.0, y + 5.0), &format!("{} = {}", step.label, step.value), VALUE);
    }
    let diagram = diagram
        .arrow((120.0, 50.0), (120.0, 262.0), "", VALUE)
        .arrow((60.0, 262.0), (60.0, 50.0), "", GRADIENT)
        .text((120.0, 285.0), "recording", VALUE)
        .text((52.0, 285.0), "sweep", GRADIENT);
    vec![("04-list.svg", diagram.svg())]
}

fn exercises() -> Vec<Exercise> {
    let tape = program::SmallTape::default();
    let x = tape.leaf(2.0);
    let root = (tape.leaf(0.5) * x.ln()).exp();
    let slope = root.backward()[x.index];
    let tape = program::SmallTape::default();
    let (x, y) = (tape.leaf(2.0), tape.leaf(3.0));
    let z = (x * y + x) * y;
    let cotangents = z.backward();
    let sum = x + z;
    let last = sum.index as f64;
    vec![
        Exercise {
            number: "4.1",
            right: vec![slope.into()],
            mistakes: vec![
                Mistake::new(1.0 / 2f64.sqrt(), "∂√x/∂x = 1 / (2 √x): the factor 1/2 is missing"),
                Mistake::new(0.5 / 2.0, "the local derivative of exp is its own value, here √2, and not 1"),
                Mistake::new(-slope, "the root grows with x: the slope is positive"),
            ],
            hint: "exp contributes its value √2, the product 0.5, ln x contributes 1 / 2",
        },
        Exercise {
            number: "4.2",
            right: vec![[cotangents[2], cotangents[3], cotangents[4]].into()],
            mistakes: vec![
                Mistake::new(
                    [cotangents[4], cotangents[3], cotangents[2]],
                    "the list is in recording order: node 4 is z",
                ),
                Mistake::new(
                    [6.0, 8.0, 24.0],
                    "these are the values of the nodes; the cotangents are ∂z/∂node",
                ),
            ],
            hint: "node 4 is z itself; node 3 is multiplied by y; node 2 reaches node 3 with slope 1",
        },
        Exercise {
            number: "4.3",
            right: vec![last.into()],
            mistakes: vec![
                Mistake::new(last + 1.0, "positions begin at 0"),
                Mistake::new(last - 1.0, "that is z; the sum is one more node"),
            ],
            hint: "two leaves, three operations, then the sum; the first node is number 0",
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::{difference, functions, program};
    use gradcheck::{GradCheck, Verdict};
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use tape::Tensor;

    #[test]
    fn the_small_tape_agrees_with_the_engine() {
        for (name, small, engine) in functions() {
            assert!(
                (small.0 - engine.0).abs() <= 1e-14 * engine.0.abs().max(1.0),
                "{name}: {} {}",
                small.0,
                engine.0
            );
            assert!(difference(&small.1, &engine.1) <= 1e-14, "{name}: {:?} {:?}", small.1, engine.1);
        }
    }

    /// A step of a random program: the operation, and the positions of its operands among the values so far.
    type Step = (u32, usize, usize);

    fn random_steps(rng: &mut StdRng) -> Vec<Step> {
        (4..30)
            .map(|len| (rng.random_range(0..6), rng.random_range(0..len), rng.random_range(0..len)))
            .collect()
    }

    #[test]
    fn random_programs_have_the_gradients_of_the_engine() {
        let mut rng = StdRng::seed_from_u64(4);
        for _ in 0..200 {
            let steps = random_steps(&mut rng);
            let inputs = [0, 1, 2].map(|_| rng.random_range(-1.5..1.5));
            // The last input is the number 1. The steps stay where exp, ln and / are harmless.
            let (small, engine) = both!([inputs[0], inputs[1], inputs[2], 1.0], |x| {
                let mut values = x.to_vec();
                for &(op, i, j) in &steps {
                    let (a, b, one) = (values[i], values[j], x[3]);
                    values.push(match op {
                        0 => (a + b) / (one + one),
                        1 => a - b,
                        2 => a * b / (one + b * b),
                        3 => a / (one + b * b),
                        4 => (a / (one + a * a)).exp(),
                        _ => (one + a * a).ln(),
                    });
                }
                values[values.len() - 1]
            });
            assert!(
                difference(&small.1, &engine.1) <= 1e-12,
                "{steps:?} at {inputs:?}: {small:?} {engine:?}"
            );
        }
    }

    /// A function of two numbers and its gradient, both by the small tape; `factor` falsifies the gradient unless it is 1.
    fn small(x: &Tensor, factor: f64) -> (f64, [f64; 2]) {
        let tape = program::SmallTape::default();
        let (a, b) = (tape.leaf(x.to_vec()[0]), tape.leaf(x.to_vec()[1]));
        let y = (a * b + a.exp()) / b - (a * a + b * b).ln();
        let gradient = y.backward();
        (y.value, [gradient[a.index] * factor, gradient[b.index]])
    }

    fn verdict(factor: f64) -> Verdict {
        let report = GradCheck::new(move |v| {
            v.tape().custom_vjp(
                &[v["x"]],
                move |x| x[0].tape().constant(Tensor::scalar(small(&x[0].value(), factor).0)),
                move |x, _, dy| vec![x[0].tape().constant(small(&x[0].value(), factor).1) * dy],
            )
        })
        .input("x", [0.7, 1.3])
        .run()
        .unwrap();
        report.verdict()
    }

    #[test]
    fn the_small_tape_passes_the_gradient_check_and_a_fault_does_not() {
        assert_eq!(verdict(1.0), Verdict::Agree);
        assert_eq!(verdict(1.001), Verdict::Disagree);
    }
}
