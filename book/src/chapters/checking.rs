//! Chapter 12: gradient checking as an experiment.

use super::{Chapter, table};
use crate::{Exercise, Mistake};
use gradcheck::{Entries, GradCheck};
use nn_plot::Lines;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::{Element, Tensor, Unary};

pub(crate) const CHAPTER: Chapter = Chapter {
    number: 12,
    page: "12-checking",
    program: program!("12_checking.rs"),
    broken: program!("12_broken.rs"),
    tables,
    figures,
    exercises,
};

const AT: f64 = 0.7;

/// The function of the program, in either precision.
fn f<T: Element>(x: T) -> T {
    x / (T::ONE + x * x)
}

/// Its derivative at [`AT`].
fn slope() -> f64 {
    (1.0 - AT * AT) / ((1.0 + AT * AT) * (1.0 + AT * AT))
}

/// The relative errors of both differences with step `2^exponent`.
fn errors<T: Element>(exponent: i32) -> [f64; 2] {
    let h = T::from_f64(2f64.powi(exponent));
    let x = T::from_f64(AT);
    let here = x.to_f64();
    let exact = (1.0 - here * here) / ((1.0 + here * here) * (1.0 + here * here));
    let one_sided = (f(x + h) - f(x)) / h;
    let central = (f(x + h) - f(x - h)) / (h + h);
    [one_sided, central].map(|slope| ((slope.to_f64() - exact) / exact).abs())
}

/// The best step of each formula and number type.
fn best() -> String {
    fn rows<T: Element>(name: &'static str, steps: std::ops::RangeInclusive<i32>) -> [[String; 4]; 2] {
        let best = |k: usize| {
            let all = steps.clone().map(|exponent| (errors::<T>(exponent)[k], exponent));
            let least = all.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::NAN, 0));
            (format!("2^{}", least.1), format!("{:.0e}", least.0))
        };
        [("one-sided", 0), ("central", 1)].map(|(formula, k)| {
            let (step, error) = best(k);
            [name.into(), formula.into(), step, error]
        })
    }
    let rows = rows::<f32>("`f32`", -20..=-1).into_iter().chain(rows::<f64>("`f64`", -45..=-1));
    table(["numbers", "difference", "best step", "its relative error"], rows)
}

/// Checks of the 120 weights of a layer by entries and by directions, with a right gradient and one with a wrong entry.
fn directions() -> String {
    let rng = &mut StdRng::seed_from_u64(12);
    let mut random = |shape: [usize; 2]| Tensor::from_fn(shape, |_| rng.random_range(-1.0..1.0));
    let (x, w) = (random([5, 12]), random([12, 10]));
    let check = |factor: f64, entries: Entries| {
        let factors = Tensor::from_fn([12, 10], |at| if at == [3, 4] { factor } else { 1.0 });
        let report = GradCheck::loss(|v| {
            let factors = factors.clone();
            let w = v["w"].tape().custom_vjp(&[v["w"]], |w| w[0], move |_, _, dy| vec![dy * &factors]);
            v["x"].matmul(w).tanh().square().sum()
        })
        .input("w", w.clone())
        .constant("x", x.clone())
        .entries(entries)
        .run();
        report.map_or(("cannot be run".into(), 0), |report| {
            (report.verdict().to_string(), report.evaluations())
        })
    };
    let rows = [("every entry", Entries::All), ("two random directions", Entries::Directions(2))];
    let rows = rows.into_iter().map(|(name, entries)| {
        let [right, wrong] = [1.0, 1.01].map(|factor| check(factor, entries));
        [name.into(), right.1.to_string(), right.0, wrong.0]
    });
    table(["compared", "evaluations", "right gradient", "one of 120 entries off by 1 %"], rows)
}

fn tables() -> Vec<(&'static str, String)> {
    vec![("best", best()), ("directions", directions())]
}

/// The discrepancy between a claim and central differences over the step, for a right and a wrong claim.
fn figures() -> Vec<(&'static str, String)> {
    fn curve<T: Element>(claim: f64, last: i32) -> Vec<(f64, f64)> {
        let point = |exponent: i32| {
            let h = T::from_f64(2f64.powi(exponent));
            let x = T::from_f64(AT);
            let central = ((f(x + h) - f(x - h)) / (h + h)).to_f64();
            let logarithm = tape::ops::Log10.eval(2f64.powi(exponent));
            (logarithm, ((central - claim) / claim).abs().max(1e-16))
        };
        (last..=-1).map(point).collect()
    }
    let right = slope();
    let wrong = right * (1.0 + 1e-6);
    let lines = Lines::new("Relative discrepancy of a claim and a central difference")
        .curve("f64, right", curve::<f64>(right, -44))
        .curve("f64, off by 1e-6", curve::<f64>(wrong, -44))
        .curve("f32, right", curve::<f32>(right, -20))
        .curve("f32, off by 1e-6", curve::<f32>(wrong, -20))
        .x_label("log₁₀ h")
        .y_label("discrepancy")
        .log_y();
    vec![("12-discrepancy.svg", lines.svg().unwrap_or_default())]
}

fn exercises() -> Vec<Exercise> {
    let (left, right) = (0.1, 1.0);
    let entries = 1000.0;
    let (rounding, h) = (6e-8, 1e-3);
    vec![
        Exercise {
            number: "12.1",
            right: vec![[left, right, (left + right) / 2.0].into()],
            mistakes: vec![
                Mistake::new([left, right, 0.0], "the difference is not symmetric: both sides contribute"),
                Mistake::new(
                    [left, right, right],
                    "the central difference looks at both sides, whatever the convention at 0 is",
                ),
            ],
            hint: "f(h) = h and f(-h) = -0.1 h",
        },
        Exercise {
            number: "12.2",
            right: vec![[2.0 * entries, 6.0].into()],
            mistakes: vec![
                Mistake::new([entries + 1.0, 4.0], "that is the one-sided difference"),
                Mistake::new([entries, 3.0], "a central difference takes two values"),
                Mistake::new([2.0 * entries, 6.0 * entries], "along a direction all entries move at once"),
            ],
            hint: "one central difference takes two evaluations, for an entry or for a direction",
        },
        Exercise {
            number: "12.3",
            right: vec![(2.0 * rounding / (2.0 * h)).into()],
            mistakes: vec![
                Mistake::new(rounding, "the error of a value is divided by the step"),
                Mistake::new(rounding * h, "divided by the step, not multiplied"),
            ],
            hint: "two values, each off by 6e-8 at worst, and their difference is divided by 2h",
        },
    ]
}
