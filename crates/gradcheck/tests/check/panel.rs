//! Fourteen ordinary functions of one scalar, to test the checker on.

use tape::Scalar;

/// A function of one scalar.
pub(crate) type Function = fn(Scalar<'_>) -> Scalar<'_>;

/// Name, function, closed form of the derivative, and the interval the arguments come from.
pub(crate) type Row = (&'static str, Function, fn(f64) -> f64, (f64, f64));

/// The functions.
pub(crate) fn panel() -> [Row; 14] {
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

/// Returns evenly spaced arguments, none of them special.
pub(crate) fn arguments((from, to): (f64, f64), count: usize) -> impl Iterator<Item = f64> {
    let golden = 0.618_033_988_749_894_9;
    (0..count).map(move |i| from + (to - from) * ((i as f64 + 0.5) * golden).fract())
}
