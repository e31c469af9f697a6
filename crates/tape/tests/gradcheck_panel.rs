//! Fourteen ordinary functions of one number: how often an interval holds the derivative, and that no right gradient
//! is called wrong and no wrong one right.

use tape::Scalar;
use tape::gradcheck::{GradCheck, Method, Verdict};
use tape::numdiff::richardson;

type Function = fn(Scalar<'_>) -> Scalar<'_>;

/// Name, function, closed form of the derivative, and the interval the arguments come from.
type Row = (&'static str, Function, fn(f64) -> f64, (f64, f64));

fn panel() -> [Row; 14] {
    [
        ("exp", |x| x.exp(), f64::exp, (-5.0, 5.0)),
        ("ln", |x| x.ln(), |x| 1.0 / x, (0.01, 10.0)),
        ("sin", |x| x.sin(), f64::cos, (-10.0, 10.0)),
        ("sin 50x", |x| (x * 50.0).sin(), |x| 50.0 * (50.0 * x).cos(), (-2.0, 2.0)),
        ("tanh", |x| x.tanh(), |x| 1.0 / x.cosh().powi(2), (-4.0, 4.0)),
        ("sigmoid", |x| x.sigmoid(), |x| 1.0 / (2.0 + x.exp() + (-x).exp()), (-8.0, 8.0)),
        ("sqrt", |x| x.sqrt(), |x| 0.5 / x.sqrt(), (0.01, 100.0)),
        ("1/x", |x| x.recip(), |x| -1.0 / (x * x), (0.05, 10.0)),
        ("x^3 - 2x", |x| x * x * x - x * 2.0, |x| 3.0 * x * x - 2.0, (-10.0, 10.0)),
        ("(x-1)^7", |x| (x - 1.0).powi(7), |x| 7.0 * (x - 1.0).powi(6), (-1.0, 3.0)),
        ("naive softplus", |x| (x.exp() + 1.0).ln(), |x| 1.0 / (1.0 + (-x).exp()), (-10.0, 10.0)),
        ("cancelling", |x| (x.sin() + 1e6) - 1e6, f64::cos, (-3.0, 3.0)),
        ("x exp(-x^2)", |x| x * (-(x * x)).exp(), |x| (1.0 - 2.0 * x * x) * (-x * x).exp(), (-2.0, 2.0)),
        ("weight of a network", network, network_slope, (-2.0, 2.0)),
    ]
}

/// The loss of one hidden tanh unit, as a function of its weight.
fn network(w: Scalar<'_>) -> Scalar<'_> {
    DATA.iter().fold(w * 0.0, |sum, &(x, y)| sum + ((w * x + 0.1).tanh() * 0.7 - y).powi(2))
}

fn network_slope(w: f64) -> f64 {
    let term = |&(x, y): &(f64, f64)| {
        let a = (w * x + 0.1).tanh();
        2.0 * (0.7 * a - y) * 0.7 * (1.0 - a * a) * x
    };
    DATA.iter().map(term).sum()
}

const DATA: [(f64, f64); 4] = [(0.5, 0.3), (-1.0, -0.2), (1.5, 0.9), (0.2, -0.4)];

/// Evenly spread arguments, none of them special.
fn arguments((from, to): (f64, f64), count: usize) -> impl Iterator<Item = f64> {
    let golden = 0.618_033_988_749_894_9;
    (0..count).map(move |i| from + (to - from) * ((i as f64 + 0.5) * golden).fract())
}

const POINTS: usize = 300;

#[test]
fn intervals_hold_the_derivative() {
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
                // Adds 0, with a hundred thousandth of the derivative.
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
