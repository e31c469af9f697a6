//! Numbers of 32 digits as the oracle of a check.

use gradcheck::{Entries, GradCheck, Inputs, Method, Model, Outcome, Precision, Reason, Report, Verdict};
use tape::internal::SplitMix64;
use tape::{Array, Cotangents, Element, Error, Op, Shape, Tensor, Var};

/// The identity, with a derivative that is off by a factor: in every rule, or only in the one that sweeps in `f64` use.
#[derive(Clone, Debug)]
struct Scaled {
    factor: f64,
    everywhere: bool,
}

impl<T: Element> Op<T> for Scaled {
    const NAME: &'static str = "scaled";
    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(x[0].clone())
    }
    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        x[0].clone()
    }
    fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dx: &A) -> A {
        if self.everywhere { dx.clone() * dx.lift(self.factor) } else { dx.clone() }
    }
    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        if self.everywhere { dy.clone() * dy.lift(self.factor) } else { dy.clone() }
    }
    fn vjp_all(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, dy: Tensor<T>, _want: &[bool]) -> Cotangents<T> {
        let wrong = self.everywhere || T::NAME == "f64";
        let factor = if wrong { self.factor } else { 1.0 };
        [Some(dy.map_elements(|dy| dy * T::from_f64(factor)))].into_iter().collect()
    }
}

struct Network(Scaled);

impl Model for Network {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        let hidden = (v["x"].matmul(v["w"]) + v["b"]).tanh();
        v.tape().apply(self.0.clone(), &[hidden]).softmax(1).ln()
    }
}

fn network(factor: f64, everywhere: bool, method: Method) -> Report {
    GradCheck::model(Network(Scaled { factor, everywhere }))
        .input("w", [[0.3, -0.7, 0.1], [1.1, 0.2, -0.4]])
        .input("b", [0.05, -0.15, 0.6])
        .constant("x", [[1.0, -0.5], [0.7, 2.0]])
        .method(method)
        .run()
        .unwrap()
}

fn outcome(report: &Report) -> &Outcome {
    &report.checks().iter().find(|check| check.name == "precision").unwrap().outcome
}

#[test]
fn a_relative_error_of_1e_13_is_found() {
    let right = network(1.0, false, Method::Precision);
    assert_eq!(right.verdict(), Verdict::Agree, "{right}");
    assert!(matches!(outcome(&right), Outcome::Passed(_)), "{right}");
    assert!(right.entries().iter().all(|entry| entry.mde < 1e-13), "{right}");

    let in_f64 = network(1.0 + 1e-13, false, Method::Precision);
    assert_eq!(in_f64.verdict(), Verdict::Disagree, "{in_f64}");
    assert!(in_f64.entries().iter().any(|entry| entry.verdict == Verdict::Disagree), "{in_f64}");

    let in_the_rule = network(1.0 + 1e-13, true, Method::Precision);
    assert_eq!(in_the_rule.verdict(), Verdict::Disagree, "{in_the_rule}");
    assert!(matches!(outcome(&in_the_rule), Outcome::Failed(_)), "{in_the_rule}");

    // Differences in `f64` cannot see it.
    let differences = network(1.0 + 1e-13, true, Method::Richardson);
    assert_eq!(differences.verdict(), Verdict::Agree, "{differences}");
}

/// The square of (1 + x) - 1, whose gradient has few digits in `f64`.
struct Cancels;

impl Model for Cancels {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        ((v["x"] + T::ONE) - T::ONE).square()
    }
}

#[test]
fn a_gradient_without_digits_is_left_open_and_not_called_wrong() {
    let check = |x: f64| GradCheck::model(Cancels).input("x", [x]).method(Method::Precision);
    let report = check(1e-12 / 3.0).run().unwrap();
    assert!(matches!(report.verdict(), Verdict::Inconclusive(Reason::Noise { .. })), "{report}");

    // The error of 3e-9, which the roundings explain, is below the resolution; the report states it.
    let report = check(1e-7 / 3.0).run().unwrap();
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    assert!((1e-9..1e-8).contains(&report.entries()[0].mde), "{report}");
    let report = check(1e-7 / 3.0).resolution(1e-10).run().unwrap();
    assert!(matches!(report.verdict(), Verdict::Inconclusive(Reason::Noise { .. })), "{report}");
}

struct Determinant;

impl Model for Determinant {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        v["a"].det()
    }
}

#[test]
fn the_determinant_next_to_a_matrix_of_rank_1_is_not_called_wrong() {
    // A column times a row, rounded: its cofactors, 1e-17, are the roundings of the products of which they are differences.
    let a = Tensor::from([
        [4.446597353497165, -0.5959357277882799, 0.6876181474480152],
        [-0.5959357277882799, 0.07986767485822308, -0.09215500945179585],
        [0.6876181474480152, -0.09215500945179585, 0.10633270321361059],
    ]);
    for seed in 0..200 {
        let check = GradCheck::model(Determinant).input("a", a.clone()).expect_zero("a");
        let report = check.method(Method::Precision).seed(seed).run().unwrap();
        assert_ne!(report.verdict(), Verdict::Disagree, "{report}");
    }
}

#[test]
fn a_function_that_is_not_generic_is_not_compared() {
    let report = GradCheck::new(|v| v["x"].sin()).input("x", [0.5]).method(Method::Precision).run().unwrap();
    assert!(matches!(outcome(&report), Outcome::Skipped(_)), "{report}");
    assert_eq!(report.verdict(), Verdict::Inconclusive(Reason::Vacuous), "{report}");
}

/// Some operations whose condition is moderate, in an order drawn from a seed.
struct Graph(u64);

impl Model for Graph {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
        let rng = &mut SplitMix64(self.0);
        let mut nodes = vec![v["x"], v["y"]];
        for _ in 0..4 + rng.below(8) {
            let (a, b) = (nodes[rng.below(nodes.len())], nodes[rng.below(nodes.len())]);
            nodes.push(match rng.below(12) {
                0 => a.tanh(),
                1 => a.sin() + b.cos(),
                2 => a.sigmoid() * b,
                3 => a.square() + b.square(),
                4 => a.tanh().exp(),
                5 => a.softplus(),
                6 => a.matmul(b.tanh()),
                7 => a.softmax(1) * b,
                8 => a / (b.square() + T::ONE),
                9 => (a.square() + T::ONE).ln(),
                10 => a.hypot(b.exp().recip() + T::ONE),
                _ => a.atan() + b.sum_axes(0, true).tanh(),
            });
            // So that values stay of size 1, whatever follows.
            if let Some(last) = nodes.last_mut() {
                *last = last.tanh() + *last / (last.square() + T::ONE);
            }
        }
        let all = nodes.iter().skip(2).map(|node| node.sum()).reduce(|sum, node| sum + node);
        all.map_or(v["x"], |sum| sum.to_var())
    }
}

fn operands(seed: u64) -> [Tensor; 2] {
    let rng = &mut SplitMix64(seed ^ 0xABCD);
    [0, 1].map(|_| Tensor::from_fn([3, 3], |_| 0.25 + 0.75 * rng.uniform()))
}

#[test]
fn three_hundred_right_gradients_are_not_called_wrong() {
    let (mut agree, mut unused) = (0, 0);
    for seed in 0..300 {
        let [x, y] = operands(seed);
        let check = GradCheck::model(Graph(seed)).input("x", x).input("y", y);
        let report = check.entries(Entries::All).method(Method::Precision).run().unwrap();
        let flat = |name: &str| report.entries().iter().all(|e| e.input != name || e.analytic == 0.0);
        match report.verdict() {
            Verdict::Agree => agree += 1,
            // A graph that does not use one of its inputs shows nothing there.
            Verdict::Inconclusive(Reason::Vacuous) if flat("x") || flat("y") => unused += 1,
            verdict => panic!("seed {seed}: {verdict}: {report}"),
        }
    }
    println!("{agree} agree, {unused} do not use an input");
    assert!(agree >= 270, "{agree} agree");
}

/// The number of random graphs on which `Precision` must stay quiet.
const QUIET: u64 = 1000;

/// An entry this small beside the largest is a sum that cancels: in bad condition by itself.
const CANCELLED: f64 = 1e-4;

#[test]
fn a_thousand_graphs_in_good_condition_have_lost_no_digits() {
    let (mut cancelled, mut loud) = (0, Vec::new());
    for seed in 0..QUIET {
        let [x, y] = operands(seed);
        let report = Precision::of(Graph(seed)).input("x", x.clone()).input("y", y.clone()).run();
        let Some(loss) = report.loss() else { continue };
        let entries =
            GradCheck::model(Graph(seed)).input("x", x).input("y", y).method(Method::Precision).run();
        let largest = entries.unwrap().entries().iter().fold(0.0, |most: f64, e| most.max(e.analytic.abs()));
        if loss.values.0.abs() < CANCELLED * largest {
            cancelled += 1;
        } else {
            loud.push(format!("seed {seed}: {report}"));
        }
    }
    println!("{} of {QUIET} graphs lost digits, {cancelled} more in an entry next to 0", loud.len());
    assert!(loud.is_empty() && cancelled <= 5, "{}", loud.join("\n"));
}
