//! Chapter 18: your own operation, your own model.

use super::{Chapter, table};
use crate::{Answer, Exercise, Mistake};
use gradcheck::GradCheck;
use nn::loss::squared_error;
use nn::optim::{Adam, Optimizer};
use nn::{Context, Linear, Module, Parameters};
use nn_plot::Lines;
use rand::{SeedableRng, rngs::StdRng};
use tape::ops::{Cosh, Tanh};
use tape::{Algebra, Element, Elementwise, Tape, Tensor, Unary, Var};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 18,
    page: "18-your-own",
    program: program!("18_own.rs"),
    broken: program!("18_broken.rs"),
    tables,
    figures,
    exercises,
};

/// A derivative that one may write down for `x + sin² x`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Right,
    NoInner,
    Output,
    NoFirst,
    Sign,
}

/// `x + sin² x` with one of the derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Snake(Rule);

impl Unary for Snake {
    const NAME: &'static str = "snake";

    fn eval<T: Element>(&self, x: T) -> T {
        x + x.sin() * x.sin()
    }

    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        let one = x.lift(1.0);
        match self.0 {
            Rule::Right => one + Elementwise::sin(x + x),
            Rule::NoInner => one + Elementwise::sin(x),
            Rule::Output => one + Elementwise::sin(y + y),
            Rule::NoFirst => Elementwise::sin(x + x),
            Rule::Sign => one - Elementwise::sin(x + x),
        }
    }
}

/// The model of the program; without a rule, with tanh.
#[derive(Clone, Debug, Parameters)]
struct Wave {
    inner: Linear,
    outer: Linear,
    #[parameters(skip)]
    rule: Option<Rule>,
}

impl Module for Wave {
    fn forward<'t>(&self, x: Var<'t>, cx: &mut Context) -> Var<'t> {
        let z = self.inner.forward(x, cx);
        let a = self.rule.map_or_else(|| z.tanh(), |rule| z.map(Snake(rule)));
        self.outer.forward(a, cx)
    }
}

/// The function to learn: a wave on a slope.
fn target(x: &Tensor) -> Tensor {
    x + (x * 2.0).sin()
}

/// A model trained on the target between -4 and 4, and its loss.
fn trained(rule: Option<Rule>) -> (Wave, f64) {
    let x = Tensor::linspace(-4.0, 4.0, 80).reshape([80, 1]);
    let (y, mut rng) = (target(&x), StdRng::seed_from_u64(1));
    let (inner, outer) = (Linear::new(1, 16, &mut rng), Linear::new(16, 1, &mut rng));
    let mut model = Wave { inner, outer, rule };
    let (mut tape, mut adam) = (Tape::new(), Adam::new(0.02));
    for _ in 0..600 {
        let a = model.forward(tape.constant(x.clone()), &mut Context::eval());
        let gradients = squared_error(a, &y).mean().backward();
        tape.reset();
        adam.step(&mut model, &gradients);
    }
    let loss = (model.predict(&x) - y).square().mean();
    (model, loss)
}

fn tables() -> Vec<(&'static str, String)> {
    let row = |(name, mistake, rule): (&str, &str, Rule)| {
        let check = GradCheck::new(move |v| v["x"].map(Snake(rule))).input("x", [-2.0, 0.5, 3.0]).run();
        let verdict =
            check.map_or_else(|error| error.to_string(), |report| format!("{:?}", report.verdict()));
        [name.to_string(), mistake.to_string(), verdict, format!("{:.0e}", trained(Some(rule)).1)]
    };
    let rows = [
        ("1 + sin 2x", "none", Rule::Right),
        ("1 + sin x", "the inner derivative of sin² x", Rule::NoInner),
        ("1 + sin 2y", "output in place of input", Rule::Output),
        ("sin 2x", "the derivative of the first term", Rule::NoFirst),
        ("1 - sin 2x", "a sign", Rule::Sign),
    ];
    vec![("rules", table(["slope", "mistake", "verdict", "loss after 600 steps"], rows.map(row)))]
}

fn figures() -> Vec<(&'static str, String)> {
    let x = Tensor::linspace(-8.0, 8.0, 161).reshape([161, 1]);
    let points = |y: Tensor| -> Vec<(f64, f64)> { x.to_vec().into_iter().zip(y.to_vec()).collect() };
    let picture = Lines::new("Two models of a wave on a slope, trained between -4 and 4")
        .x_label("x")
        .y_label("y")
        .curve("target", points(target(&x)))
        .curve("x + sin² x", points(trained(Some(Rule::Right)).0.predict(&x)))
        .curve("tanh", points(trained(None).0.predict(&x)));
    vec![("18-fit.svg", picture.svg().unwrap_or_default())]
}

fn exercises() -> Vec<Exercise> {
    let x = 0.5;
    let (inputs, hidden, outputs) = (3.0, 8.0, 2.0);
    vec![
        Exercise {
            number: "18.1",
            right: vec![Tanh.eval(x).into()],
            mistakes: vec![
                Mistake::new(1.0 / Cosh.eval(x), "multiply by the inner derivative, sinh x"),
                Mistake::new(1.0 - Tanh.eval(x) * Tanh.eval(x), "this is the second derivative"),
            ],
            hint: "the derivative of ln is 1 over its argument, times the derivative of cosh",
        },
        Exercise {
            number: "18.2",
            right: ["1/(2y)", "1/(2*y)", "0.5/y", "1/2/y", "1/2y"].map(Answer::from).to_vec(),
            mistakes: vec![
                Mistake::new(
                    "2y",
                    "this is the derivative of the square; that of its inverse is the reciprocal",
                ),
                Mistake::new("1/(2x)", "y is the root, x its argument: the slope is 1 / (2 √x)"),
                Mistake::new("1/y", "one half is missing"),
            ],
            hint: "the slope is 1 / (2 √x); write y for √x",
        },
        Exercise {
            number: "18.3",
            right: vec![(inputs * hidden + hidden + hidden * outputs + outputs).into()],
            mistakes: vec![
                Mistake::new(
                    inputs * hidden + hidden * outputs,
                    "each layer has a bias for each of its outputs",
                ),
                Mistake::new(
                    inputs * hidden * outputs,
                    "the layers have matrices of their own: add their sizes",
                ),
            ],
            hint: "a layer has (inputs + 1) · outputs parameters",
        },
    ]
}
