//! The gradient checker on every registered operation: right gradients are not called wrong, wrong ones are not called
//! right, and few are left open.

use super::fixtures::{Subject, functions, smooth};
use gradcheck::registry::{Apply, Evaluate};
use gradcheck::{Entries, GradCheck, Reason, Report, Verdict};
use tape::{Tensor, Var};

/// The error that must be found, relative to the gradient.
const ERROR: f64 = 1e-5;

/// A distance from a kink at which a function has one of its slopes.
const NEAR: f64 = 1e-6;

/// Checks an operation whose gradient is multiplied by `1 + error`; `None` if there is nothing to differentiate.
pub(crate) fn check(subject: &Subject, error: f64, entries: Entries) -> Option<Report> {
    let op = subject.op.clone();
    let names: Vec<String> = (0..subject.x.len()).map(|i| format!("x{i}")).collect();
    let inputs = names.clone();
    let check = GradCheck::new(move |v| {
        let x: Vec<Var<'_>> = inputs.iter().map(|name| v[name]).collect();
        let y = Apply::<f64>::record(&*op, &x);
        // Adds 0 to the value and a part of the derivative to the gradient.
        y + (y - y.detach()) * error
    });
    let add = |check: GradCheck<'static>, (name, x): (&String, &Tensor)| {
        check.input(name, x.clone()).expect_zero(name)
    };
    let check = check.named(&subject.name).entries(entries);
    names.iter().zip(&subject.x).fold(check, add).run().ok()
}

#[test]
fn right_gradients() {
    let (mut open, mut all, mut checks) = (0, 0, 0);
    for subject in smooth() {
        let Some(report) = check(&subject, 0.0, Entries::Auto) else { continue };
        assert_ne!(report.verdict(), Verdict::Disagree, "{:?}\n{report}", subject.op);
        let left = report.entries().iter().filter(|e| e.verdict != Verdict::Agree).count();
        if left > 0 {
            println!("{:?}\n{report}", subject.op);
        }
        (open, all, checks) = (open + left, all + report.entries().len(), checks + 1);
    }
    println!("{checks} checks, {all} entries, {open} left open");
    assert!(checks > 300, "{checks} operations were checked");
    assert!(open as f64 <= 0.02 * all as f64, "{open} of {all} entries are left open");
}

#[test]
fn wrong_gradients() {
    let mut found = 0;
    for subject in smooth() {
        let Some(report) = check(&subject, ERROR, Entries::PerTensor(2)) else { continue };
        let wrong = report.entries().iter().any(|e| e.analytic != 0.0);
        if wrong {
            assert_eq!(report.verdict(), Verdict::Disagree, "{:?}\n{report}", subject.op);
            found += 1;
        }
    }
    assert!(found > 200, "{found} wrong gradients were found");
}

#[test]
fn kinks_name_their_operation() {
    let mut kinks = 0;
    for function in functions().into_iter().filter(|function| function.arity == 1) {
        for &x in &function.kinks {
            let f = function.f.clone();
            let check =
                GradCheck::loss(move |v| Evaluate::<f64>::scalar(&*f, &[v.scalar("x")])).input("x", x);
            let report = check.expect_zero("x").run().unwrap();
            let near = [x - NEAR, x + NEAR].map(|x| (function.value(&[x]), function.slopes(&[x])[0]));
            let apart = |a: f64, b: f64| (a - b).abs() > NEAR.sqrt();
            // Functions share lists: 0.5 is a kink of `round` and not of `floor`. And `elu` has a kink in its slope only.
            if !apart(near[0].0, near[1].0) && !apart(near[0].1, near[1].1) {
                assert_ne!(report.verdict(), Verdict::Disagree, "{} at {x}: {report}", function.name);
                continue;
            }
            let name = function.name.split(' ').next();
            match report.verdict() {
                Verdict::Inconclusive(Reason::Kink { op, .. }) => {
                    assert_eq!(Some(op), name, "at {x}: {report}")
                }
                verdict => panic!("{} at {x}: {verdict}\n{report}", function.name),
            }
            kinks += 1;
        }
    }
    assert!(kinks > 20, "{kinks} kinks");
}
