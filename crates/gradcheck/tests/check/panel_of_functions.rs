//! The coverage of the intervals, and the verdicts on right and wrong gradients, on a panel of functions.

use crate::panel::{arguments, panel};
use gradcheck::numdiff::richardson;
use gradcheck::{GradCheck, Method, Verdict};

const POINTS: usize = 300;

#[test]
fn intervals_contain_the_derivative() {
    let (mut inside, mut all) = (0, 0);
    for (name, f, derivative, range) in panel() {
        let value = |x: f64| f(tape::Tape::new().scalar(x)).value();
        let mut missed = 0;
        for x in arguments(range, POINTS) {
            let (interval, exact) = (richardson(value, x, 9), derivative(x));
            let room = interval.radius + 16.0 * f64::EPSILON * exact.abs();
            missed += usize::from((interval.mid - exact).abs() > room);
        }
        println!("{name}: {missed} of {POINTS} missed");
        (inside, all) = (inside + POINTS - missed, all + POINTS);
    }
    assert!(inside as f64 >= 0.999 * all as f64, "{inside} of {all}");
}

#[test]
fn right_gradients_are_never_called_wrong_and_seldom_left_open() {
    let (mut open, mut all) = (0, 0);
    for (name, f, _, range) in panel() {
        let mut left = 0;
        for x in arguments(range, POINTS) {
            let check = GradCheck::loss(|v| f(v.scalar("x"))).input("x", x);
            let report = check.method(Method::Richardson).run().unwrap();
            assert_ne!(report.verdict(), Verdict::Disagree, "{name} at {x}: {report}");
            left += usize::from(report.verdict() != Verdict::Agree);
        }
        println!("{name}: {left} of {POINTS} open");
        (open, all) = (open + left, all + POINTS);
    }
    assert!(open as f64 <= 0.02 * all as f64, "{open} of {all}");
}

#[test]
fn wrong_gradients_are_never_called_right() {
    for (name, f, _, range) in panel() {
        let mut found = 0;
        for x in arguments(range, POINTS / 3) {
            let check = GradCheck::loss(|v| {
                // Adds 0 to the value and a hundred thousandth of the derivative to the gradient.
                let x = v.scalar("x");
                let y = f(x);
                y + (y.detach() - y) * -1e-5
            });
            let report = check.input("x", x).method(Method::Richardson).run().unwrap();
            assert_ne!(report.verdict(), Verdict::Agree, "{name} at {x}: {report}");
            found += usize::from(report.verdict() == Verdict::Disagree);
        }
        println!("{name}: {found} of {} found", POINTS / 3);
        assert!(found > 0, "{name}");
    }
}
