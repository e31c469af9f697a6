//! The logarithm of the gamma function and its derivatives: `lgamma`, `digamma`, `polygamma`.
//!
//! Large arguments by Stirling's series, smaller ones by the recurrence up to it; `lgamma` below 8 by a
//! polynomial on [1, 2] with its two zeros split off; negative arguments by reflection. Scalar code with
//! branches; f32 takes the same path.

use super::bits::poly;
use super::coefficients::{BERNOULLI, HALF_LN_2PI, LGAMMA_F64, LN_PI, STIRLING};
use super::exp::exp_f64;
use super::log::{ln_f64, log1p_f64};
use super::pow::powi_f64;
use super::trig::sin_cos_pi;
use std::f64::consts::PI;

/// `ln |Gamma(x)|`: infinite at 0, -1, -2, ... and at both infinities.
pub(super) fn lgamma_f64(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x == 0.0 || x.abs() == f64::INFINITY {
        return f64::INFINITY;
    }
    if x > 0.0 {
        return lgamma_positive(x);
    }
    let sine = sin_cos_pi(x).0.abs();
    if sine == 0.0 {
        return f64::INFINITY;
    }
    let a = -x;
    if a < 1e-17 {
        return -ln_f64(a);
    }
    // Gamma(x) Gamma(1 - x) = pi / sin(pi x)
    (LN_PI - ln_f64(a * sine)) - lgamma_positive(a)
}

/// `ln Gamma(x)` for x > 0.
fn lgamma_positive(x: f64) -> f64 {
    if x < 1.0 {
        return lgamma_unit(x) - ln_f64(x);
    }
    if x <= 2.0 {
        return lgamma_unit(x - 1.0);
    }
    if x < 8.0 {
        // Gamma(x) = (x - 1) (x - 2) ... Gamma(x - n), down to [1, 2].
        let mut product = 1.0;
        let mut t = x;
        while t > 2.0 {
            t -= 1.0;
            product *= t;
        }
        return lgamma_unit(t - 1.0) + ln_f64(product);
    }
    let l = ln_f64(x);
    if x > 1e17 {
        return x * (l - 1.0);
    }
    let w = 1.0 / x;
    (x - 0.5) * (l - 1.0) + ((HALF_LN_2PI - 0.5) + w * poly(w * w, &STIRLING))
}

/// `ln Gamma(1 + t)` for 0 <= t <= 1: the factors `t` and `t - 1` carry the zeros at 1 and 2.
fn lgamma_unit(t: f64) -> f64 {
    t * (t - 1.0) * poly(t - 0.5, &LGAMMA_F64)
}

/// The derivative of `lgamma`: NaN at -1, -2, ..., infinite at 0.
pub(super) fn digamma_f64(x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY.copysign(-x);
    }
    if x == f64::INFINITY || x.is_nan() {
        return x;
    }
    if x.abs() < 1e-17 {
        return -1.0 / x;
    }
    if x < 0.0 {
        let (sin, cos) = sin_cos_pi(x);
        if sin == 0.0 {
            return f64::NAN;
        }
        // psi(x) = psi(-x) - 1/x - pi / tan(pi x)
        return (digamma_positive(-x) - 1.0 / x) - PI * (cos / sin);
    }
    digamma_positive(x)
}

/// `digamma` for x > 0.
fn digamma_positive(x: f64) -> f64 {
    let mut t = x;
    let mut sum = 0.0;
    while t < 10.0 {
        sum += 1.0 / t;
        t += 1.0;
    }
    let w = 1.0 / t;
    let z = w * w;
    // The terms B_2k / (2k t^2k), k = 8 first.
    let mut series = 0.0;
    let mut k = 8;
    while k > 0 {
        series = (series + BERNOULLI[k - 1] / (2 * k) as f64) * z;
        k -= 1;
    }
    ((ln_f64(t) - 0.5 * w) - series) - sum
}

/// The n-th derivative of `digamma` (n = 0 is `digamma` itself, n = 1 `trigamma`).
///
/// At -1, -2, ... infinite for odd n and NaN for even n; at 0 infinite, for even n with the sign of the
/// side from which zero is approached, given by the sign of zero. NaN below 0 for n > 20. For n > 170, whose
/// factorial is infinite, the relative error grows as `n ln n`.
pub(super) fn polygamma_f64(n: u32, x: f64) -> f64 {
    if n == 0 {
        return digamma_f64(x);
    }
    if x.is_nan() {
        return x;
    }
    let odd = n % 2 == 1;
    if x > -1e-17 {
        // At and next to 0 the first term of the sum dominates, on both sides.
        let y = polygamma_size(n, x.abs());
        return if odd { y } else { -y.copysign(x) };
    }
    let (sin, cos) = sin_cos_pi(x);
    if sin == 0.0 {
        return if odd && x.is_finite() { f64::INFINITY } else { f64::NAN };
    }
    if n > 20 {
        return f64::NAN;
    }
    // (-1)^n psi_n(1 - x) - psi_n(x) = pi d^n/dx^n cot(pi x)
    -polygamma_size(n, 1.0 - x) - cot_derivative(n, sin, cos)
}

/// `|psi_n(x)|` for x > 0, n >= 1: `n! sum (x + i)^-(n + 1)` up to the range of the asymptotic series.
fn polygamma_size(n: u32, x: f64) -> f64 {
    if n > LARGEST_FACTORIAL {
        return polygamma_of_large_order(f64::from(n), x);
    }
    let order = n as i32;
    let from = 10.0 + n as f64;
    let mut factorial = 1.0;
    for i in 1..n {
        factorial *= i as f64;
    }
    let n = n as f64;
    if x == f64::INFINITY {
        return 0.0;
    }
    let mut t = x;
    let mut sum = 0.0;
    while t < from {
        sum += powi_f64(1.0 / t, order + 1);
        t += 1.0;
    }
    // (n-1)! / t^n + n! / (2 t^(n+1)) + sum B_2k (2k+n-1)! / ((2k)! t^(2k+n))
    let w = 1.0 / t;
    factorial * (asymptotic(n, w) * powi_f64(w, order) + n * sum)
}

/// `1 + n w / 2 + sum B_2k n (n+1) ... (n+2k-1) / (2k)! w^2k`: what follows `(n-1)! w^n` where 1 / w > 10 + n.
fn asymptotic(n: f64, w: f64) -> f64 {
    let mut term = n * w * w / 2.0;
    let mut series = 1.0 + n * w / 2.0;
    for (k, b) in BERNOULLI.iter().enumerate() {
        // term = n (n+1) ... (n+2k-1) / (2k)! w^2k for k = 1, 2, ...
        let j = 2.0 * (k as f64 + 1.0);
        if k > 0 {
            term *= (n + j - 2.0) * (n + j - 1.0) / (j * (j - 1.0)) * w * w;
        } else {
            term *= n + 1.0;
        }
        series += b * term;
    }
    series
}

/// The largest number with a finite factorial.
const LARGEST_FACTORIAL: u32 = 170;

/// The same for orders whose factorial overflows, with `e^(ln n! - (n + 1) ln x)` in front of the sum.
/// The number of terms is bounded: where it would be large, the asymptotic series is used. Overflow and 0 are
/// exact; between them the relative error grows as `n ln n`.
fn polygamma_of_large_order(n: f64, x: f64) -> f64 {
    if x == 0.0 || x == f64::INFINITY {
        return 1.0 / x;
    }
    // Below x = 10 + n, the 64th of the terms (1 + i / x)^-(n + 1) is below the last place.
    let term = |i: i32| exp_f64(-(n + 1.0) * log1p_f64(f64::from(i) / x));
    let sum = if x < 10.0 + n { (0..64).map(term).sum() } else { x / n * asymptotic(n, 1.0 / x) };
    exp_f64(lgamma_f64(n + 1.0) - (n + 1.0) * ln_f64(x)) * sum
}

/// `pi d^n/dx^n cot(pi x)` as a polynomial in the cotangent: each derivative maps `p(c)` to
/// `-pi (1 + c^2) p'(c)`.
fn cot_derivative(n: u32, sin: f64, cos: f64) -> f64 {
    let mut p = [0.0; 24];
    p[1] = PI;
    let mut degree = 1;
    for _ in 0..n {
        let mut next = [0.0; 24];
        for i in 1..=degree {
            let d = -PI * i as f64 * p[i];
            next[i - 1] += d;
            next[i + 1] += d;
        }
        p = next;
        degree += 1;
    }
    // All terms of one derivative have one parity: no cancellation.
    let c = cos / sin;
    p[..=degree].iter().rev().fold(0.0, |y, a| y * c + a)
}
