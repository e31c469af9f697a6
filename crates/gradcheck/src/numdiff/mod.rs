//! Derivatives by differences, each with a bound on its error.
//!
//! A difference quotient has two errors: that of the formula, which shrinks with the step, and the rounding noise of
//! the function divided by the step. Every function here measures the noise, estimates the error of the formula from
//! a second step, and returns an [`Interval`]. The bound holds for functions that are smooth on the scale of the
//! steps: no finite number of values can show more.
//!
//! Automatic steps are relative to the size of the argument, at least 1, or to the scale on which the
//! function varies if differences show that it is smaller: that of `1/x` at 10⁻⁶, of `sin x` at 10⁶, or of
//! `sin(10⁶ x)`. A function with the same value at all steps relative to the argument counts as constant.
//!
//! ```
//! use gradcheck::numdiff::{Step, central, forward, richardson, stencil};
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
//! // Each is narrower than the previous one.
//! assert!(all.windows(2).all(|pair| pair[1].radius < pair[0].radius));
//! assert!(all[3].radius < 1e-11);
//! ```

pub(crate) mod ladder;
pub(crate) mod noise;
mod tableau;

pub(crate) use tableau::Tableau;

use ladder::Rung;

use std::fmt;

/// An interval that contains a number: within `radius` of `mid`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The best estimate.
    pub mid: f64,
    /// The bound on its error.
    pub radius: f64,
}

impl Interval {
    /// Returns `true` if `x` lies in the interval.
    pub fn contains(self, x: f64) -> bool {
        (x - self.mid).abs() <= self.radius
    }

    /// Returns `true` if the two intervals have a number in common.
    ///
    /// ```
    /// use gradcheck::Interval;
    /// let narrow = Interval { mid: 1.0, radius: 0.25 };
    /// assert!(narrow.meets(Interval { mid: 1.5, radius: 0.25 }));
    /// assert!(!narrow.meets(Interval { mid: 2.0, radius: 0.5 }));
    /// ```
    pub fn meets(self, other: Interval) -> bool {
        (self.mid - other.mid).abs() <= self.radius + other.radius
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} +- {:.1e}", self.mid, self.radius)
    }
}

/// The step of a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// The step at which the error of the formula and the noise balance for a function of ordinary curvature,
    /// on the scale on which it varies.
    Auto,
    /// This step.
    Abs(f64),
    /// This multiple of the size of the argument, at least 1.
    Rel(f64),
}

impl Step {
    /// The step for a formula of order `order` at an argument of size `size` of a function that varies within
    /// `scale`: a power of two, whose sum with the argument rounds least.
    pub(crate) fn at(self, size: f64, scale: f64, order: i32) -> f64 {
        let h = match self {
            Step::Auto => scale * f64::EPSILON.powf(1.0 / f64::from(order + 1)),
            Step::Abs(h) => h,
            Step::Rel(h) => size * h,
        };
        power_of_two(h)
    }
}

/// Returns the size of an argument, at least 1.
pub(crate) fn size(x: f64) -> f64 {
    x.abs().max(1.0)
}

/// First rungs that settle below this part of the size of the argument show that the function varies on a smaller scale.
/// Above, the steps of the formulas are small enough as they are.
const NARROW: f64 = 1.0 / 4096.0;

/// Returns the scale on which `f` varies near `x`: the size of the argument, unless differences settle only far below.
fn scale(f: &mut impl FnMut(f64) -> f64, x: f64) -> f64 {
    let (size, here) = (size(x), f(x));
    let mut rung = |h: f64| {
        let (left, right) = (f(x - h), f(x + h));
        let rounding = f64::EPSILON * left.abs().max(right.abs()).max(here.abs()).max(f64::MIN_POSITIVE);
        Rung::new(h, (left - here, right - here), (x + h) - (x - h), rounding)
    };
    let steps = ladder::steps(power_of_two(0.125 * size), ladder::spacing(x));
    // Values that do not change at all show nothing.
    match ladder::settled(steps.map(|h| rung(h).filter(|rung| !rung.flat()))) {
        // A step of a sixth of the scale changes a difference by 1/256.
        Some(h) if h < NARROW * size => 8.0 * h,
        _ => size,
    }
}

/// Returns the largest power of two not above `h`.
pub(crate) fn power_of_two(h: f64) -> f64 {
    h.log2().floor().exp2()
}

/// Computes the forward difference `(f(x+h) - f(x)) / h`. Its error `h f''/2` is estimated from the step `2h`.
///
/// ```
/// use gradcheck::numdiff::{Step, forward};
/// let slope = forward(|x| x * x, 3.0, Step::Abs(0.125));
/// assert_eq!(slope.mid, 6.125);
/// assert!(slope.contains(6.0) && slope.radius < 1.0);
/// ```
pub fn forward(mut f: impl FnMut(f64) -> f64, x: f64, h: Step) -> Interval {
    let scale = scale(&mut f, x);
    let eta = noise::of_function(&mut f, x, scale);
    let here = f(x);
    let difference = |h: f64, f: &mut dyn FnMut(f64) -> f64| (f(x + h) - here) / ((x + h) - x);
    bounded(difference, &mut f, h.at(size(x), scale, 1), 1, 2.0 * eta)
}

/// Computes the central difference `(f(x+h) - f(x-h)) / 2h`. Its error `h² f'''/6` is estimated from the step `2h`.
///
/// ```
/// use gradcheck::numdiff::{Step, central};
/// let slope = central(|x| x * x * x, 1.0, Step::Abs(0.125));
/// assert_eq!(slope.mid, 3.0 + 0.125 * 0.125);
/// assert!(slope.contains(3.0) && slope.radius < 0.1);
/// ```
pub fn central(f: impl FnMut(f64) -> f64, x: f64, h: Step) -> Interval {
    stencil(f, x, 3, h)
}

/// Returns the weights of a central formula: of `f(x + ih) - f(x - ih)`, over `h`.
pub(crate) fn weights(points: u8) -> &'static [f64] {
    match points {
        3 => &[1.0 / 2.0],
        5 => &[2.0 / 3.0, -1.0 / 12.0],
        7 => &[3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0],
        _ => panic!("stencil: expected 3, 5 or 7 points, found {points}"),
    }
}

/// Computes the central formula on 3, 5 or 7 points, of order 2, 4 or 6. Its error is estimated from the step `2h`.
///
/// ```
/// use gradcheck::numdiff::{Step, stencil};
/// let slope = stencil(|x| x * x * x, 1.0, 5, Step::Abs(0.125));
/// assert!(slope.contains(3.0) && slope.radius < 1e-12, "{slope}");
/// ```
///
/// # Panics
/// If there is no formula on `points` points.
#[track_caller]
pub fn stencil(mut f: impl FnMut(f64) -> f64, x: f64, points: u8, h: Step) -> Interval {
    let weights = weights(points);
    let order = 2 * weights.len() as i32;
    let scale = scale(&mut f, x);
    let eta = noise::of_function(&mut f, x, scale);
    let difference = |h: f64, f: &mut dyn FnMut(f64) -> f64| {
        let pair = |(i, w): (i32, &f64)| {
            let (right, left) = (x + f64::from(i) * h, x - f64::from(i) * h);
            // The distance of the rounded points, not of the intended ones.
            w * (f(right) - f(left)) * (2.0 * f64::from(i) * h / (right - left))
        };
        (1..).zip(weights).map(pair).sum::<f64>() / h
    };
    let amplified = 2.0 * weights.iter().map(|w| w.abs()).sum::<f64>() * eta;
    bounded(difference, &mut f, h.at(size(x), scale, order), order, amplified)
}

/// Returns a difference of order `order` with step `h`, bounded by three times the error estimated from the
/// step `2h`, and the noise.
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

/// Computes central differences at `levels` steps, each half the one before, extrapolated to step 0.
///
/// ```
/// use gradcheck::numdiff::richardson;
/// let reciprocal = richardson(|x| 1.0 / x, 1e-6, 9);
/// assert!(reciprocal.contains(-1e12) && reciprocal.radius < 10.0, "{reciprocal}");
/// let wave = richardson(|x| (1e6 * x).sin(), 0.3, 9);
/// assert!(wave.contains(1e6 * 3e5f64.cos()) && wave.radius < 1.0, "{wave}");
/// ```
pub fn richardson(mut f: impl FnMut(f64) -> f64, x: f64, levels: u8) -> Interval {
    let scale = scale(&mut f, x);
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
