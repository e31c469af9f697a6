//! The logarithm of the gamma function and its derivatives: Stirling's series after a recurrence, `lgamma` next to its zeros
//! by a Taylor series, negative arguments by reflection.

use super::constants::{BERNOULLI, HALF_LN_2PI, LGAMMA, LN_PI, ONE_MINUS_EULER, PI};
use super::exp::exp;
use super::log::{ln, log1p};
use super::power::powi;
use super::trig::sin_cos_pi;
use super::{DoubleDouble, poly};

const ONE: DoubleDouble = DoubleDouble::ONE;

/// From here on the series in `1 / x` with the [`BERNOULLI`] numbers have all digits.
const FAR: f64 = 32.0;

fn number(x: f64) -> DoubleDouble {
    DoubleDouble::from(x)
}

/// `ln |Gamma(x)|`: infinite at 0, -1, -2, ... and at both infinities.
pub(super) fn lgamma(x: DoubleDouble) -> DoubleDouble {
    if x.hi.is_nan() {
        return x;
    }
    if x.hi == 0.0 || x.hi.is_infinite() {
        return number(f64::INFINITY);
    }
    if x.hi > 0.0 {
        return lgamma_positive(x);
    }
    let sine = sin_cos_pi(x).0.size();
    if sine.hi == 0.0 {
        return number(f64::INFINITY);
    }
    let a = -x;
    if a.hi < 1e-34 {
        return -ln(a);
    }
    // Gamma(x) Gamma(1 - x) = pi / sin(pi x)
    (LN_PI - ln(a * sine)) - lgamma_positive(a)
}

/// `ln Gamma(x)` for x > 0.
fn lgamma_positive(x: DoubleDouble) -> DoubleDouble {
    if x.hi < 0.5 {
        return lgamma_positive(x + ONE) - ln(x);
    }
    if x.hi < 1.5 {
        let t = x - ONE;
        return lgamma_next_to_two(t) - log1p(t);
    }
    if x.hi < 10.0 {
        let (mut t, mut product) = (x, ONE);
        while t.hi > 2.5 {
            t -= ONE;
            product *= t;
        }
        let y = lgamma_next_to_two(t - number(2.0));
        return if product == ONE { y } else { y + ln(product) };
    }
    let (mut t, mut product) = (x, ONE);
    while t.hi < FAR {
        product *= t;
        t += ONE;
    }
    let l = ln(t);
    if t.hi > 1e34 {
        return t * (l - ONE);
    }
    let w = ONE / t;
    let term = |k: usize| BERNOULLI[k - 1] / number((2 * k * (2 * k - 1)) as f64);
    let series = (1..=BERNOULLI.len()).rev().fold(DoubleDouble::ZERO, |y, k| y * (w * w) + term(k));
    let y = (t - number(0.5)) * (l - ONE) + ((HALF_LN_2PI - number(0.5)) + w * series);
    if product == ONE { y } else { y - ln(product) }
}

/// `ln Gamma(2 + t)` for |t| up to 1/2.
fn lgamma_next_to_two(t: DoubleDouble) -> DoubleDouble {
    t * (ONE_MINUS_EULER + t * poly(t, &LGAMMA))
}

/// The derivative of `lgamma`: NaN at -1, -2, ..., infinite at 0.
pub(super) fn digamma(x: DoubleDouble) -> DoubleDouble {
    if x.hi == 0.0 {
        return number(f64::NEG_INFINITY.copysign(-x.hi));
    }
    if x.hi == f64::INFINITY || x.hi.is_nan() {
        return x;
    }
    if x.hi.abs() < 1e-34 {
        return -(ONE / x);
    }
    if x.hi < 0.0 {
        let (sin, cos) = sin_cos_pi(x);
        if sin.hi == 0.0 || sin.hi.is_nan() {
            return number(f64::NAN);
        }
        // psi(x) = psi(-x) - 1/x - pi / tan(pi x)
        return (digamma_positive(-x) - ONE / x) - PI * (cos / sin);
    }
    digamma_positive(x)
}

/// `digamma` for x > 0.
fn digamma_positive(x: DoubleDouble) -> DoubleDouble {
    let (mut t, mut sum) = (x, DoubleDouble::ZERO);
    while t.hi < FAR {
        sum += ONE / t;
        t += ONE;
    }
    let w = ONE / t;
    let z = w * w;
    let series = (1..=BERNOULLI.len())
        .rev()
        .fold(DoubleDouble::ZERO, |y, k| (y + BERNOULLI[k - 1] / number(2.0 * k as f64)) * z);
    ((ln(t) - w.scaled(0.5)) - series) - sum
}

/// The n-th derivative of `digamma`, with the special values of `Real::polygamma` for `f64`.
pub(super) fn polygamma(n: u32, x: DoubleDouble) -> DoubleDouble {
    if n == 0 {
        return digamma(x);
    }
    if x.hi.is_nan() {
        return x;
    }
    let odd = n % 2 == 1;
    if x.hi > -1e-34 {
        // At and next to 0 the first term of the sum dominates, on both sides.
        let y = polygamma_size(n, x.size());
        return if odd { y } else { -x.sign_onto(y) };
    }
    let (sin, cos) = sin_cos_pi(x);
    if sin.hi == 0.0 || sin.hi.is_nan() {
        return number(if odd && x.hi.is_finite() { f64::INFINITY } else { f64::NAN });
    }
    if n > 20 {
        return number(f64::NAN);
    }
    // (-1)^n psi_n(1 - x) - psi_n(x) = pi d^n/dx^n cot(pi x)
    -polygamma_size(n, ONE - x) - cot_derivative(n, sin, cos)
}

/// `|psi_n(x)|` for x > 0, n >= 1: `n! sum (x + i)^-(n + 1)` up to the range of the asymptotic series.
fn polygamma_size(n: u32, x: DoubleDouble) -> DoubleDouble {
    if n > LARGEST_FACTORIAL {
        return polygamma_of_large_order(number(f64::from(n)), x);
    }
    if x.hi == f64::INFINITY {
        return DoubleDouble::ZERO;
    }
    let order = n as i32;
    let from = FAR + f64::from(n);
    let factorial = (1..n).fold(ONE, |y, i| y * number(f64::from(i)));
    let n = number(f64::from(n));
    let (mut t, mut sum) = (x, DoubleDouble::ZERO);
    while t.hi < from {
        sum += powi(ONE / t, order + 1);
        t += ONE;
    }
    // (n-1)! / t^n + n! / (2 t^(n+1)) + sum B_2k (2k+n-1)! / ((2k)! t^(2k+n))
    let w = ONE / t;
    factorial * (asymptotic(n, w) * powi(w, order) + n * sum)
}

/// `1 + n w / 2 + sum B_2k n (n+1) ... (n+2k-1) / (2k)! w^2k`: what follows `(n-1)! w^n` where 1 / w > 32 + n.
fn asymptotic(n: DoubleDouble, w: DoubleDouble) -> DoubleDouble {
    let mut term = (n * w * w).scaled(0.5) * (n + ONE);
    let mut series = ONE + (n * w).scaled(0.5);
    for (k, &b) in BERNOULLI.iter().enumerate() {
        // term = n (n+1) ... (n+2k-1) / (2k)! w^2k for k = 1, 2, ...
        let j = 2.0 * (k as f64 + 1.0);
        if k > 0 {
            let factors = (n + number(j - 2.0)) * (n + number(j - 1.0)) / number(j * (j - 1.0));
            term = term * factors * w * w;
        }
        series += b * term;
    }
    series
}

/// The largest number with a finite factorial.
const LARGEST_FACTORIAL: u32 = 170;

/// The same for orders whose factorial overflows, with `e^(ln n! - (n + 1) ln x)` in front of the sum: between overflow and
/// 0 the relative error grows as `n ln n`.
fn polygamma_of_large_order(n: DoubleDouble, x: DoubleDouble) -> DoubleDouble {
    if x.hi == 0.0 || x.hi == f64::INFINITY {
        return ONE / x;
    }
    // Below x = 32 + n, the 200th of the terms (1 + i / x)^-(n + 1) is below the last place.
    let term = |i: i32| exp(-(n + ONE) * log1p(number(f64::from(i)) / x));
    let sum = if x.hi < FAR + n.hi { (0..200).map(term).sum() } else { x / n * asymptotic(n, ONE / x) };
    exp(lgamma(n + ONE) - (n + ONE) * ln(x)) * sum
}

/// `pi d^n/dx^n cot(pi x)` as a polynomial in the cotangent: each derivative maps `p(c)` to `-pi (1 + c^2) p'(c)`.
fn cot_derivative(n: u32, sin: DoubleDouble, cos: DoubleDouble) -> DoubleDouble {
    let mut p = [DoubleDouble::ZERO; 24];
    p[1] = PI;
    let mut degree = 1;
    for _ in 0..n {
        let mut next = [DoubleDouble::ZERO; 24];
        for i in 1..=degree {
            let d = -PI * number(i as f64) * p[i];
            next[i - 1] += d;
            next[i + 1] += d;
        }
        p = next;
        degree += 1;
    }
    // All terms of one derivative have one parity: no cancellation.
    let c = cos / sin;
    p[..=degree].iter().rev().fold(DoubleDouble::ZERO, |y, &a| y * c + a)
}
