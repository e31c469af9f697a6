//! Derivatives by differences, each with a bound on its error.
//!
//! A difference quotient has two errors: that of the formula, which shrinks with the step, and the rounding noise of
//! the function divided by the step. Every function here measures the noise, estimates the error of the formula from
//! a second step, and returns an [`Interval`]. The bound holds for functions that are smooth on the scale of the
//! steps: no finite number of values can tell more.
//!
//! ```
//! use tape::numdiff::{Step, central, forward, richardson, stencil};
//! let exact = 1f64.cos();
//! let f = |x: f64| x.sin();
//! let all = [
//!     forward(f, 1.0, Step::Auto),
//!     central(f, 1.0, Step::Auto),
//!     stencil(f, 1.0, 7, Step::Auto),
//!     richardson(f, 1.0, 9),
//! ];
//! for interval in all {
//!     assert!(interval.contains(exact), "{interval}");
//! }
//! // Each is narrower than the one before.
//! assert!(all.windows(2).all(|pair| pair[1].radius < pair[0].radius));
//! assert!(all[3].radius < 1e-11);
//! ```

pub(crate) mod noise;
mod tableau;

pub(crate) use tableau::Tableau;

use std::fmt;

/// Where a number lies: within `radius` of `mid`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The best estimate.
    pub mid: f64,
    /// The bound on its error.
    pub radius: f64,
}

impl Interval {
    /// Does `x` lie in the interval?
    pub fn contains(self, x: f64) -> bool {
        (x - self.mid).abs() <= self.radius
    }

    /// Have the two intervals a number in common?
    pub fn meets(self, other: Interval) -> bool {
        (self.mid - other.mid).abs() <= self.radius + other.radius
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} +- {:.1e}", self.mid, self.radius)
    }
}

/// How far to go for a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Where the error of the formula and the noise balance for a function of ordinary curvature.
    Auto,
    /// This far.
    Abs(f64),
    /// This times the size of the argument, at least 1.
    Rel(f64),
}

impl Step {
    /// The step at `x` for a formula of order `order`, as a power of two: the sum of `x` and it rounds least.
    pub(crate) fn at(self, x: f64, order: i32) -> f64 {
        let scale = x.abs().max(1.0);
        let h = match self {
            Step::Auto => scale * f64::EPSILON.powf(1.0 / f64::from(order + 1)),
            Step::Abs(h) => h,
            Step::Rel(h) => scale * h,
        };
        power_of_two(h)
    }
}

/// The largest power of two not above `h`.
pub(crate) fn power_of_two(h: f64) -> f64 {
    h.log2().floor().exp2()
}

/// The forward difference `(f(x+h) - f(x)) / h`. Its error `h f''/2` is estimated from the step `2h`.
pub fn forward(mut f: impl FnMut(f64) -> f64, x: f64, h: Step) -> Interval {
    let eta = noise::of_function(&mut f, x, x.abs().max(1.0));
    let here = f(x);
    let difference = |h: f64, f: &mut dyn FnMut(f64) -> f64| (f(x + h) - here) / ((x + h) - x);
    bounded(difference, &mut f, h.at(x, 1), 1, 2.0 * eta)
}

/// The central difference `(f(x+h) - f(x-h)) / 2h`. Its error `h² f'''/6` is estimated from the step `2h`.
pub fn central(f: impl FnMut(f64) -> f64, x: f64, h: Step) -> Interval {
    stencil(f, x, 3, h)
}

/// Weights of the central formulas: of `f(x + ih) - f(x - ih)`, over `h`.
pub(crate) fn weights(points: u8) -> &'static [f64] {
    match points {
        3 => &[1.0 / 2.0],
        5 => &[2.0 / 3.0, -1.0 / 12.0],
        7 => &[3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0],
        _ => panic!("stencil: expected 3, 5 or 7 points, found {points}"),
    }
}

/// The central formula on 3, 5 or 7 points, of order 2, 4 or 6. Its error is estimated from the step `2h`.
///
/// # Panics
/// If there is no formula on `points` points.
#[track_caller]
pub fn stencil(mut f: impl FnMut(f64) -> f64, x: f64, points: u8, h: Step) -> Interval {
    let weights = weights(points);
    let order = 2 * weights.len() as i32;
    let eta = noise::of_function(&mut f, x, x.abs().max(1.0));
    let difference = |h: f64, f: &mut dyn FnMut(f64) -> f64| {
        let pair = |(i, w): (i32, &f64)| {
            let (right, left) = (x + f64::from(i) * h, x - f64::from(i) * h);
            // The points there are, not the points that were meant.
            w * (f(right) - f(left)) * (2.0 * f64::from(i) * h / (right - left))
        };
        (1..).zip(weights).map(pair).sum::<f64>() / h
    };
    let amplified = 2.0 * weights.iter().map(|w| w.abs()).sum::<f64>() * eta;
    bounded(difference, &mut f, h.at(x, order), order, amplified)
}

/// A difference of order `order` with step `h`: three times the error that the step `2h` suggests, and the noise.
fn bounded(
    difference: impl Fn(f64, &mut dyn FnMut(f64) -> f64) -> f64,
    f: &mut impl FnMut(f64) -> f64,
    h: f64,
    order: i32,
    noise: f64,
) -> Interval {
    let (fine, coarse) = (difference(h, f), difference(2.0 * h, f));
    let truncation = 3.0 * (fine - coarse).abs() / (2f64.powi(order) - 1.0);
    Interval { mid: fine, radius: truncation + 2.0 * noise / h + 4.0 * f64::EPSILON * fine.abs() }
}

/// Central differences at `levels` steps, each half the one before, extrapolated to step 0.
pub fn richardson(mut f: impl FnMut(f64) -> f64, x: f64, levels: u8) -> Interval {
    let scale = x.abs().max(1.0);
    let eta = noise::of_function(&mut f, x, scale);
    let mut tableau = Tableau::even();
    for k in 0..levels {
        let h = power_of_two(0.1 * scale) / 2f64.powi(i32::from(k));
        let (left, right) = (f(x - h), f(x + h));
        let eta = eta.max(f64::EPSILON * left.abs().max(right.abs()));
        tableau.push((right - left) / ((x + h) - (x - h)), eta / h);
    }
    tableau.best
}
