//! Chapter 1: slopes with numbers.

use super::Chapter;
use crate::{Exercise, Mistake};
use nn_plot::Lines;
use tape::Unary;
use tape::ops::Exp;

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 1,
    page: "01-slopes",
    program: program!("01_slopes.rs"),
    broken: program!("01_broken.rs"),
    tables: Vec::new,
    figures,
    exercises,
};

fn one_sided(f: impl Fn(f64) -> f64, x: f64, h: f64) -> f64 {
    (f(x + h) - f(x)) / h
}

fn central(f: impl Fn(f64) -> f64, x: f64, h: f64) -> f64 {
    (f(x + h) - f(x - h)) / (2.0 * h)
}

/// The errors of both differences, with the function as it is and with 1000 added, over the logarithm of the step.
fn figures() -> Vec<(&'static str, String)> {
    let (x, exact) = (2.0, -0.12);
    let curve = |slope: &dyn Fn(f64) -> f64| {
        let points = (0..=52).map(|k| {
            let exponent = -1.0 - f64::from(k) / 4.0;
            (exponent, (slope(Exp.eval(exponent * std::f64::consts::LN_10)) - exact).abs())
        });
        points.collect::<Vec<(f64, f64)>>()
    };
    let f = |x: f64| x / (1.0 + x * x);
    let lifted = |x: f64| 1000.0 + f(x);
    let lines = Lines::new("Error of the slope of x / (1 + x²) at 2")
        .curve("one-sided", curve(&|h| one_sided(f, x, h)))
        .curve("central", curve(&|h| central(f, x, h)))
        .curve("central, 1000 added", curve(&|h| central(lifted, x, h)))
        .x_label("log₁₀ h")
        .y_label("error")
        .log_y();
    vec![("01-v-curve.svg", lines.svg().unwrap_or_default())]
}

fn exercises() -> Vec<Exercise> {
    let cube = |x: f64| x * x * x;
    let square = |x: f64| x * x;
    let (error, shrink) = (4e-6, 10.0);
    vec![
        Exercise {
            number: "1.1",
            right: vec![central(cube, 2.0, 1.0).into()],
            mistakes: vec![
                Mistake::new(
                    one_sided(cube, 2.0, 1.0),
                    "this is the one-sided difference: it looks only to the right",
                ),
                Mistake::new(
                    12.0,
                    "this is the exact derivative 3x²; the difference with a finite step differs from it",
                ),
                Mistake::new(
                    cube(3.0) - cube(1.0),
                    "the change of f is right; divide it by the change of x, which is 2h",
                ),
            ],
            hint: "compute f(3) and f(1), subtract, and divide by 2",
        },
        Exercise {
            number: "1.2",
            right: vec![(one_sided(square, 3.0, 0.01) - 6.0).into()],
            mistakes: vec![
                Mistake::new(0.0, "the central difference of x² is exact, the one-sided one is not"),
                Mistake::new(
                    one_sided(square, 3.0, 0.01),
                    "that is the difference itself; subtract the derivative 6",
                ),
                Mistake::new(
                    0.01 * 0.01,
                    "h² is the error of f after one step; the quotient divides it by h",
                ),
            ],
            hint: "write out ((x + h)² - x²) / h, and subtract 2x",
        },
        Exercise {
            number: "1.3",
            right: vec![(error / (shrink * shrink)).into()],
            mistakes: vec![
                Mistake::new(
                    error / shrink,
                    "that is how a one-sided difference improves: in proportion to h",
                ),
                Mistake::new(
                    error / (shrink * shrink * shrink),
                    "the error is proportional to h², not to h³",
                ),
            ],
            hint: "the error of a central difference is proportional to h²",
        },
    ]
}
