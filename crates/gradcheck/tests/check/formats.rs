//! Gradients in both element types, difference formulas, sweeps, and the environment of a check.

use gradcheck::numdiff::{Step, central, forward, richardson, stencil};
use gradcheck::{GradCheck, Inputs, Model, Outcome, SetupError, Verdict, assert_gradients};
use std::process::Command;
use tape::{Array, Cotangents, Element, Error, Op, Shape, Tensor, Var};

/// The identity, with a cotangent that is wrong for one element type only.
#[derive(Clone, Debug)]
struct WrongIn(&'static str);

impl<T: Element> Op<T> for WrongIn {
    const NAME: &'static str = "wrong_in";
    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(x[0].clone())
    }
    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        x[0].clone()
    }
    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dx: &A) -> A {
        dx.clone()
    }
    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        dy.clone()
    }
    fn vjp_all(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, dy: Tensor<T>, _want: &[bool]) -> Cotangents<T> {
        let factor = if T::NAME == self.0 { 1.0 + 1e-4 } else { 1.0 };
        [Some(dy.map_elements(|dy| dy * T::from_f64(factor)))].into_iter().collect()
    }
}

struct Network {
    wrong: &'static str,
}

impl Model for Network {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        let hidden = (v["x"].matmul(v["w"]) + v["b"]).tanh();
        v.tape().apply(WrongIn(self.wrong), &[hidden]).softmax(1).ln()
    }
}

fn network(wrong: &'static str) -> gradcheck::Report {
    GradCheck::model(Network { wrong })
        .input("w", [[0.3, -0.7, 0.1], [1.1, 0.2, -0.4]])
        .input("b", [0.05, -0.15, 0.6])
        .constant("x", [[1.0, -0.5], [0.7, 2.0]])
        .run()
        .unwrap()
}

#[test]
fn single_precision_is_compared_with_double() {
    let report = network("");
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    let single = report.checks().iter().find(|check| check.name == "f32").unwrap();
    assert!(matches!(single.outcome, Outcome::Passed(_)), "{report}");
    let report = network("f32");
    assert_eq!(report.verdict(), Verdict::Disagree, "{report}");
    assert!(report.entries().iter().all(|e| e.verdict == Verdict::Agree), "{report}");
    assert!(report.to_string().contains("f32 FAIL: w["), "{report}");
    let report = network("f64");
    assert!(report.entries().iter().all(|e| e.verdict == Verdict::Disagree), "{report}");
}

type Number = fn(f64) -> f64;

#[test]
fn every_formula_bounds_its_error() {
    let functions: [(Number, Number); 4] = [
        (f64::exp, f64::exp),
        (f64::sin, f64::cos),
        (|x| (1.0 + x.exp()).ln(), |x| 1.0 / (1.0 + (-x).exp())),
        (|x| (1e6 + x.sin()) - 1e6, f64::cos),
    ];
    for (number, (f, derivative)) in functions.into_iter().enumerate() {
        for x in [-2.5, -0.1, 0.0, 0.7, 3.0] {
            let exact = derivative(x);
            let intervals = [
                forward(f, x, Step::Auto),
                forward(f, x, Step::Abs(1e-4)),
                central(f, x, Step::Auto),
                central(f, x, Step::Rel(1e-3)),
                stencil(f, x, 5, Step::Auto),
                stencil(f, x, 7, Step::Abs(0.01)),
                richardson(f, x, 9),
            ];
            for (method, interval) in intervals.into_iter().enumerate() {
                assert!(
                    interval.contains(exact),
                    "function {number} at {x}, method {method}: {interval}, {exact}"
                );
                // The cancelling function has noise 1e-10, of which a forward difference leaves 1e-2.
                assert!(interval.radius < 0.1, "function {number} at {x}, method {method}: {interval}");
            }
        }
    }
}

#[test]
fn formulas_are_exact_up_to_their_degree() {
    let power = |n: i32| move |x: f64| x.powi(n);
    let at = |method: &dyn Fn(i32) -> f64, degree: i32| (1..=degree).all(|n| method(n) == f64::from(n));
    assert!(at(&|n| forward(power(n), 1.0, Step::Abs(0.25)).mid, 1));
    assert!(at(&|n| central(power(n), 1.0, Step::Abs(0.25)).mid, 2));
    let near = |method: &dyn Fn(i32) -> f64, degree: i32| {
        (1..=degree).all(|n| (method(n) - f64::from(n)).abs() < 1e-13)
    };
    assert!(near(&|n| stencil(power(n), 1.0, 5, Step::Abs(0.25)).mid, 4));
    assert!(near(&|n| stencil(power(n), 1.0, 7, Step::Abs(0.25)).mid, 6));
    assert!(!near(&|n| stencil(power(n), 1.0, 7, Step::Abs(0.25)).mid, 7));
}

#[test]
fn a_sweep_shows_truncation_and_noise() {
    let check = GradCheck::loss(|v| v["x"].exp().sum()).input("x", [0.5, 1.0]);
    let sweep = check.sweep("x", &[1], -48..=-2).unwrap();
    let error = |k: i32, formula: usize| {
        sweep.points.iter().find(|p| p.h == 2f64.powi(k)).map(|p| p.errors[formula]).unwrap()
    };
    // Halving the step divides the truncation of a formula of order p by 2^p.
    for (formula, order, k) in [(0, 1.0, -8), (1, 2.0, -6), (2, 4.0, -3), (3, 6.0, -2)] {
        let rate = (error(k, formula) / error(k - 1, formula)).log2();
        assert!((rate - order).abs() < 0.2, "formula {formula}: {rate}");
    }
    assert!(sweep.noise > 0.0 && sweep.noise < 1e-14, "{}", sweep.noise);
    assert!(sweep.best[0] < sweep.best[1] && sweep.best[1] < sweep.best[2], "{:?}", sweep.best);
    assert!(error(-48, 1) > error(-18, 1), "noise grows");
    let chart = sweep.chart();
    assert!(SYMBOLS.iter().all(|&symbol| chart.contains(symbol)), "{chart}");
    assert!(matches!(check.sweep("x", &[2], -4..=-2), Err(SetupError::Entry { .. })));
    assert!(matches!(check.sweep("y", &[0], -4..=-2), Err(SetupError::Entry { .. })));
}

const SYMBOLS: [char; 4] = ['f', 'c', '5', '7'];

#[test]
fn the_macro_takes_scalars_and_tensors() {
    let certificate = assert_gradients!(|x, a| (x * a).sin() + x, [1.0, 2.0, -0.5], 0.75);
    assert_eq!(certificate.entries, 4);
    assert_gradients!(|x| x.item().exp(), 0.5);
}

/// Prints a report. The test below runs it with environment variables.
#[test]
fn report_in_an_environment() {
    let report = GradCheck::new(|v| v["w"].tanh()).input("w", [[0.1, 0.2], [0.3, 0.4]]).run().unwrap();
    println!("{report}\n{}", report.to_csv());
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
}

#[test]
fn the_environment_reruns_one_entry() {
    let program = std::env::current_exe().unwrap();
    let run = |only: &str, seed: &str| {
        let mut command = Command::new(&program);
        command.args(["--exact", "formats::report_in_an_environment", "--nocapture"]);
        let output = command.env("GRADCHECK_ONLY", only).env("GRADCHECK_SEED", seed).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = run("w[1,0]", "0x77");
    assert!(text.contains("seed 0x77  1 entries") && text.contains("\"w[1,0]\","), "{text}");
    let text = run("w[1,0]", "many");
    assert!(text.contains("FAILED") || !text.contains("seed"), "{text}");
}
