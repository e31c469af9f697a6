//! Checks of programs: the same verdicts and entries as of the function on a tape.

use crate::panel::{arguments, panel};
use gradcheck::{Entry, GradCheck, Report, Verdict};
use tape::{Program, Tensor};

/// The label, the verdict and the numbers of every entry.
fn entries(report: &Report) -> Vec<(String, Verdict, [u64; 4])> {
    let bits = |e: &Entry| [e.analytic, e.numeric.mid, e.numeric.radius, e.h].map(f64::to_bits);
    report.entries().iter().map(|e| (e.label(), e.verdict.clone(), bits(e))).collect()
}

#[test]
fn the_panel_is_judged_as_on_a_tape() {
    for (name, f, _, range) in panel() {
        let program = Program::new(|p| f(p.input("x")));
        for x in arguments(range, 6) {
            let recorded = GradCheck::loss(|v| f(v.scalar("x"))).input("x", x).order(2).run().unwrap();
            let program = GradCheck::program(&program).input("x", x).order(2).run().unwrap();
            assert_eq!(recorded.verdict(), program.verdict(), "{name} at {x}: {program}");
            assert_eq!(entries(&recorded), entries(&program), "{name} at {x}");
        }
    }
}

#[test]
fn kinks_are_seen_in_lanes() {
    let program = Program::new(|p| {
        let [x, y] = p.inputs(["x", "y"]);
        x.relu() * 3.0 + x.maximum(y) + (x - y).abs()
    });
    for (x, y) in [(0.0, 1.0), (1e-7, 1.0), (0.5, 0.5), (0.5, 0.5 + 1e-9), (2.0, -1.0)] {
        let recorded = GradCheck::loss(|v| {
            let (x, y) = (v.scalar("x"), v.scalar("y"));
            x.relu() * 3.0 + x.maximum(y) + (x - y).abs()
        });
        let recorded = recorded.input("x", x).input("y", y).run().unwrap();
        let program = GradCheck::program(&program).input("x", x).input("y", y).run().unwrap();
        assert_eq!(entries(&recorded), entries(&program), "at {x}, {y}");
    }
}

#[test]
fn groups_and_several_outputs_are_checked() {
    let program = Program::several(|p| {
        let (r, x) = (p.input("r"), p.group("x", 3));
        vec![r * x[0].sin(), x[1] * x[2], (x[0] + r).exp()]
    });
    let check = GradCheck::program(&program).input("r", 0.7).input("x", [0.3, -1.2, 0.9]);
    let report = check.run().unwrap();
    assert_eq!(report.entries().len(), 4);
    assert_eq!(report.verdict(), Verdict::Agree, "{report}");
    assert!(report.to_string().contains("program ok"), "{report}");
}

#[test]
#[should_panic(expected = "expected one of the inputs [\"y\"], found \"x\"")]
fn an_input_that_is_missing_is_named() {
    let program = Program::new(|p| p.input("x").sin());
    let _ = GradCheck::program(&program).input("y", Tensor::scalar(1.0)).run();
}
