//! Sums of squares whose terms overflow or underflow although the result does not: norms, deviations,
//! standardized rows, in both formats and to the second derivative.

use tape::ops::Standardize;
use tape::{Axes, Element, Tape, Tensor};

/// The rounding of about a dozen operations.
const ULPS: f64 = 64.0;

fn close<T: Element>(what: &str, found: &Tensor<T>, exact: &[f64]) {
    for (found, exact) in found.to_vec().into_iter().zip(exact) {
        let error = (found.to_f64() - exact).abs();
        assert!(
            error <= ULPS * T::EPSILON.to_f64() * exact.abs(),
            "{} {what}: {found}, exactly {exact:e}",
            T::NAME
        );
    }
}

/// Powers of two whose squares overflow or underflow; scaling a row by one of them is exact.
fn scales<T: Element>() -> [f64; 4] {
    if T::EPSILON.to_f64() < 1e-10 { [600.0, -600.0, 1000.0, -1000.0] } else { [80.0, -80.0, 110.0, -110.0] }
        .map(f64::exp2)
}

fn rows<T: Element>() {
    let row = [1.0, 2.0, 4.0, -3.0];
    // With mean 1 the deviations are 0, 1, 3, -4, and the mean of their squares is 6.5.
    let (deviation, size) = (6.5f64.sqrt(), 30f64.sqrt());
    let d = [0.0, 1.0, 3.0, -4.0];
    for scale in scales::<T>() {
        let tape = Tape::<T>::of();
        let x = tape.var(row.map(|x| T::from_f64(x * scale)));
        let seed = || Tensor::from([1.0, 0.0, 0.0, 0.0].map(T::from_f64));
        close("norm", &x.norm_axes(2.0, 0, false).value(), &[size * scale]);
        close("slope of the norm", &x.norm(2.0).backward().wrt(x), &row.map(|x| x / size));
        close("std", &x.std_axes(0, 0, false).value(), &[deviation * scale]);
        close("slope of std", &x.std(0).backward().wrt(x), &d.map(|d| d / deviation / 4.0));
        let second = x.norm(2.0).grad(x).vjp(seed()).wrt(x) * T::from_f64(scale);
        let exact = [29.0, -2.0, -4.0, 3.0].map(|x| x / 30.0 / size);
        if scale > 1.0 || T::ONE / T::from_f64(1.0 / scale) != T::ZERO {
            close("second derivative of the norm", &second, &exact);
        }
        for center in [true, false] {
            let standardize = Standardize { axes: Axes::from(0), eps: 0.0, center };
            let y = tape.apply(standardize, &[x]);
            let (exact, s) = if center { (d, deviation) } else { (row, size / 2.0) };
            let exact = exact.map(|d| d / s);
            close("standardize", &y.value(), &exact);
            // A cotangent of the magnitude of x, so that the result has magnitude 1.
            let seed = || seed() * T::from_f64(scale);
            let mean = if center { 0.25 } else { 0.0 };
            let slope: Vec<f64> = (0..4)
                .map(|i| (f64::from(u8::from(i == 0)) - mean - exact[i] * exact[0] / 4.0) / s)
                .collect();
            close("slope of standardize", &y.vjp(seed()).wrt(x), &slope);
            let recorded = (y * tape.constant(seed())).sum().grad(x);
            close("recorded slope of standardize", &recorded.value(), &slope);
            // The slope g is homogeneous of degree -1 in x, so H x = -g: here for a cotangent of magnitude 1.
            let g = y.slice(0, ..1).sum().grad(x);
            let hvp = g.vjp(x.value()).wrt(x) * T::from_f64(scale);
            close("second derivative of standardize", &hvp, &slope.iter().map(|g| -g).collect::<Vec<_>>());
        }
    }
}

#[test]
fn squares_that_overflow_or_vanish() {
    rows::<f64>();
    rows::<f32>();
}

fn sums<T: Element>() {
    let most = T::MAX.to_f64();
    let tape = Tape::<T>::of();
    let x = tape.var([most, most / 2.0, most, most / 2.0].map(T::from_f64));
    close("mean", &x.mean_axes(0, false).value(), &[0.75 * most]);
    close("center", &x.center(0).value(), &[0.25, -0.25, 0.25, -0.25].map(|d| d * most));
    let x = tape.var([most, -most].map(T::from_f64));
    close("std of opposites", &x.std_axes(0, 0, false).value(), &[most]);
    close("center of opposites", &x.center(0).value(), &[most, -most]);
    close("slope", &x.std(0).backward().wrt(x), &[0.5, -0.5]);
    let y = tape.apply(Standardize { axes: Axes::from(0), eps: 1e-5, center: true }, &[x]);
    close("standardize opposites", &y.value(), &[1.0, -1.0]);
    // The sum of the squares overflows, their mean does not.
    let root = (most / 2.0).sqrt();
    let x = tape.var(Tensor::from_fn([64], |i| T::from_f64(if i[0] % 2 == 0 { root } else { -root })));
    close("variance", &x.variance_axes(0, 0, false).value(), &[most / 2.0]);
    // A result out of range is infinite, and non-finite input stays non-finite.
    let x = tape.var([most, -most].map(T::from_f64));
    assert_eq!(x.variance_axes(0, 0, false).value().item(), T::INFINITY);
    for bad in [T::INFINITY, T::NAN] {
        let x = tape.var([bad, T::ONE]);
        let statistics = [x.mean(), x.std(0), x.variance(0)].map(|y| y.value());
        assert!(statistics.iter().all(|y| !y.is_finite()), "{statistics:?}");
        let centred = x.center(0).value();
        assert!(centred.to_vec().iter().any(|x| x.is_nan()), "{centred}");
        let y = tape.apply(Standardize { axes: Axes::from(0), eps: 1e-5, center: true }, &[x]);
        assert!(y.value().to_vec().iter().any(|x| x.is_nan()), "{}", y.value());
    }
}

#[test]
fn sums_that_overflow() {
    sums::<f64>();
    sums::<f32>();
}
