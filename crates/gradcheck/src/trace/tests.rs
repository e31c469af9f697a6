//! A small network of two layers in every combination of number type and mistake.

use super::*;
use crate::Inputs;

/// Two sigmoid layers and half the squared error, with a fork: the hidden activation is also penalised.
#[derive(Clone, Copy)]
struct Net {
    mistake: &'static str,
}

fn sigmoid_slope<T: Element>(a: &Tensor<T>) -> Tensor<T> {
    a.map_elements(|a| a * (T::ONE - a))
}

impl Derivation for Net {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
        let z1 = (v["X"].matmul(v["W1"].transpose()) + v["b1"]).named("Z1");
        let a1 = z1.sigmoid().named("A1");
        let z2 = (a1.matmul(v["W2"].transpose()) + v["b2"]).named("Z2");
        let a2 = z2.sigmoid().named("A2");
        (a2 - v["Y"]).square().sum() * T::from_f64(0.5) + a1.square().sum() * T::from_f64(0.25)
    }

    fn derive<T: Element>(&self, d: &mut Steps<T>) {
        let half = T::from_f64(0.5);
        let wrong = self.mistake;
        let eq = |label: &str| Equation::new(label, "");
        d.step("Z2", eq("1"), |d| {
            let a = d.value("A2");
            let error = if wrong == "sign" { d.value("Y") - &a } else { &a - &d.value("Y") };
            match wrong {
                "tanh" => error * a.map_elements(|a| T::ONE - a * a),
                "input" => error * sigmoid_slope(&d.value("Z2")),
                "upstream" => sigmoid_slope(&a),
                _ => error * sigmoid_slope(&a),
            }
        });
        d.step("W2", eq("2"), |d| {
            let product = d.gradient("Z2").transpose().matmul(&d.value("A1"));
            if wrong == "transpose" { product.transpose() } else { product }
        });
        d.step("b2", eq("3"), |d| match wrong {
            "sum" => d.gradient("Z2"),
            "mean" => d.gradient("Z2").mean_axes(0, false),
            "last" => d.gradient("Z2").slice(0, 2..3).reshape([2]),
            _ => d.gradient("Z2").sum_axes(0, false),
        });
        d.step("A1", eq("4"), |d| {
            let w = d.value("W2");
            let w = if wrong == "updated" { &w - &(d.gradient("W2") * half) } else { w };
            let through = d.gradient("Z2").matmul(&w);
            if wrong == "fork" { through } else { through + d.value("A1") * half }
        });
        d.step("Z1", eq("5"), |d| d.gradient("A1") * sigmoid_slope(&d.value("A1")));
        d.step("W1", eq("6"), |d| {
            let x = if wrong == "layer" { d.value("A1") } else { d.value("X") };
            d.gradient("Z1").transpose().matmul(&x)
        });
    }
}

fn trace<T: Element>(mistake: &'static str) -> TraceReport {
    let draw = |shape: [usize; 2], seed: f64| {
        Tensor::from_fn(shape, |i| T::from_f64(((3 * i[0] + 7 * i[1]) as f64 + seed).sin()))
    };
    Trace::of(Net { mistake })
        .input("W1", draw([4, 2], 1.0))
        .input("b1", draw([1, 4], 2.0).reshape([4]))
        .input("W2", draw([2, 4], 3.0))
        .input("b2", draw([1, 2], 4.0).reshape([2]))
        .constant("X", draw([3, 2], 5.0))
        .constant("Y", draw([3, 2], 6.0))
        .run()
        .unwrap()
}

#[test]
fn a_right_derivation_agrees_in_both_number_types() {
    for report in [trace::<f64>(""), trace::<f32>("")] {
        assert!(report.agrees(), "{report}");
        assert_eq!(report.rows().len(), 6);
        for row in report.rows() {
            assert!(row.ulp <= row.bound || row.ulp == 0.0, "{report}");
            assert!((row.forward - row.adjoint).abs() <= 1e-5 * row.adjoint.abs(), "{report}");
            assert!((row.quotient - row.adjoint).abs() <= 1e-5 * row.adjoint.abs().max(1.0), "{report}");
        }
    }
}

#[test]
fn a_mistake_is_found_in_its_row_alone_and_named() {
    let expected = [
        ("sign", "Z2", "sign", "the sign is opposite"),
        ("tanh", "Z2", "slope", "the derivative of tanh was used, but the operation is sigmoid"),
        ("input", "Z2", "input for output", "the derivative of sigmoid was computed from its input"),
        ("upstream", "Z2", "upstream ignored", "the gradient with respect to A2 is ignored"),
        ("transpose", "W2", "transpose", "it is the transpose of the adjoint"),
        ("sum", "b2", "sum missing", "its sum over axis 0 is the adjoint: a sum over 3 samples"),
        ("mean", "b2", "mean twice", "3 times too small"),
        ("last", "b2", "one sample", "it is the gradient of sample 2 of 3 alone"),
        ("updated", "A1", "updated value", "W2 was read after its update (learning rate 0.500)"),
        ("fork", "A1", "+= missing", "this is the contribution of `matmul` alone"),
        ("layer", "W1", "other value", "A1 was used in place of X"),
    ];
    for (mistake, row, cause, text) in expected {
        for report in [trace::<f64>(mistake), trace::<f32>(mistake)] {
            let wrong: Vec<(&str, &str)> = report
                .wrong()
                .map(|row| match &row.verdict {
                    TraceVerdict::Wrong { cause, adjoint_wrong: false } => (row.name.as_str(), cause.key()),
                    _ => (row.name.as_str(), "adjoint"),
                })
                .collect();
            assert_eq!(wrong, [(row, cause)], "{mistake}: {report}");
            let reason = report.row(row).map(TraceRow::reason).unwrap_or_default();
            assert!(reason.contains(text), "{mistake}: {reason}");
        }
    }
}

/// A derivation of `x` from the steps of its field.
struct Odd(&'static [&'static str]);

impl Derivation for Odd {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
        (v["x"] * v["c"]).sum()
    }
    fn derive<T: Element>(&self, d: &mut Steps<T>) {
        for name in self.0 {
            d.step(*name, Equation::new("1", "c"), |d| d.value("c"));
        }
    }
}

#[test]
fn names_that_do_not_fit_are_errors() {
    let error = |steps: &'static [&'static str]| {
        Trace::<_, f64>::of(Odd(steps)).input("x", [1.0]).constant("c", [2.0]).run().unwrap_err().to_string()
    };
    assert_eq!(
        error(&["x", "y"]),
        "trace: expected the name of a recorded value, one of [\"x\", \"c\"], found \"y\""
    );
    assert_eq!(
        error(&["c"]),
        "trace: expected a value between the inputs and the loss, found \"c\", which gets no gradient"
    );
    assert_eq!(error(&["x", "x"]), "trace: expected different names, found \"x\" twice");
    assert_eq!(error(&[]), "trace: expected a derivation with a step, found none");
}

/// `Σ exp(x²)`, for a fault in the rule of `exp`.
struct Exponential;

impl Derivation for Exponential {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
        (v["x"].square().named("q")).exp().sum()
    }
    fn derive<T: Element>(&self, d: &mut Steps<T>) {
        d.step("q", Equation::new("1", "exp(q)"), |d| d.value("q").map_elements(|q| q.exp()));
    }
}

#[cfg(feature = "faults")]
#[test]
fn a_wrong_rule_of_the_engine_is_blamed() {
    use crate::fault::{Fault, plant};
    let report = plant(Fault::Negate, "exp", 0, || {
        Trace::<_, f64>::of(Exponential).input("x", [0.5, 1.0]).run().unwrap()
    });
    let row = report.row("q").unwrap();
    assert!(matches!(row.verdict, TraceVerdict::Wrong { adjoint_wrong: true, .. }), "{report}");
}

/// Scalars: `u = w x`, `loss = u sin u + u + Σ (u, v)²` with `v = u + 2`, where products and sums are recorded as one node.
struct Scalars;

impl Derivation for Scalars {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
        let u = (v.scalar("w") * v.scalar("x")).named("u");
        let sum = (u + T::from_f64(2.0)).named("v");
        u.sin() * u + u + v.tape().vector(&[u, sum]).square().sum()
    }
    fn derive<T: Element>(&self, d: &mut Steps<T>) {
        let two = T::from_f64(2.0);
        d.step("v", Equation::new("1", "2 v"), |d| d.value("v") * two);
        d.step("u", Equation::new("2", "sin u + u cos u + 1 + 2 u + ∂v"), |d| {
            let u = d.value("u");
            let of = |u: T| u.sin() + u * u.cos() + T::ONE + two * u;
            u.map_elements(of) + d.gradient("v")
        });
        d.step("w", Equation::new("3", "∂u x"), |d| d.gradient("u") * d.value("x"));
    }
}

#[test]
fn scalars_are_traced_too() {
    let report = Trace::<_, f64>::of(Scalars).input("w", 0.75).input("x", -1.25).run().unwrap();
    assert!(report.agrees(), "{report}");
    let u = 0.75 * -1.25f64;
    let expected = u.sin() + u * u.cos() + 1.0 + 2.0 * u + 2.0 * (u + 2.0);
    let row = report.row("u").unwrap();
    for found in [row.hand, row.adjoint, row.forward, row.quotient] {
        assert!((found - expected).abs() < 1e-8, "{report}");
    }
    assert_eq!(row.shown_shape(), []);
}

/// `e = 0.7 (w x - y)` and the loss `Σ 0.3 e²`: of products and sums alone, which round alike on every machine.
struct Line;

impl Derivation for Line {
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
        let p = (v["w"] * v["x"]).named("p");
        let e = ((p - v["y"]) * T::from_f64(0.7)).named("e");
        (e.square() * T::from_f64(0.3)).sum()
    }
    fn derive<T: Element>(&self, d: &mut Steps<T>) {
        let number = T::from_f64;
        d.step("e", Equation::new("1", "0.6 e"), |d| d.value("e") * number(2.0) * number(0.3));
        d.step("p", Equation::new("2", "0.42 e"), |d| d.value("e") * number(0.42));
        d.step("w", Equation::new("3", "-∂p x").by_columns(), |d| {
            -(d.gradient("p") * d.value("x")).transpose()
        });
    }
}

fn line() -> TraceReport {
    Trace::<_, f64>::of(Line)
        .title("A line")
        .convention("| y is the target")
        .input("w", [[0.3, 1.1]])
        .constant("x", [[0.9, -0.4]])
        .constant("y", [[0.2, 0.6]])
        .run()
        .unwrap()
}

#[test]
fn tables_fit_their_width_and_are_aligned() {
    for mistake in ["", "fork", "updated", "layer"] {
        let report = trace::<f64>(mistake);
        for width in [80, 100, 120] {
            let table = report.table(&Style { width, colour: false });
            for line in table.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
    let expected = include_str!("snapshots/table_80.txt");
    assert_eq!(line().table(&Style { width: 80, colour: false }) + "\n", expected);
    let expected = include_str!("snapshots/table_120.txt");
    assert_eq!(line().table(&Style { width: 120, colour: false }) + "\n", expected);
}

#[test]
fn colours_are_escape_codes_around_the_verdict() {
    let colour = line().table(&Style { width: 100, colour: true });
    assert!(colour.contains("\x1b[31mWRONG\x1b[0m") && colour.contains("\x1b[32mEXACT\x1b[0m"), "{colour}");
    assert!(!line().to_string().contains('\x1b'));
}

#[test]
fn markdown_and_json_are_as_recorded() {
    assert_eq!(line().to_markdown() + "\n", include_str!("snapshots/report.md"));
    assert_eq!(line().to_json() + "\n", include_str!("snapshots/report.json"));
}

/// After a change of the output that was looked at: `cargo test -p gradcheck --lib trace -- --ignored write`.
#[test]
#[ignore = "writes the snapshots"]
fn write_the_snapshots() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/trace/snapshots");
    let table = |width| line().table(&Style { width, colour: false });
    let files = [
        ("table_80.txt", table(80)),
        ("table_120.txt", table(120)),
        ("report.md", line().to_markdown()),
        ("report.json", line().to_json()),
    ];
    for (name, text) in files {
        std::fs::write(format!("{folder}/{name}"), text + "\n").unwrap();
    }
}
