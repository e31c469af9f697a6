//! The scale on which a function varies.
//!
//! A function need not vary on the scale of its argument: `1/x` at 10⁻⁶ varies within 10⁻⁶, `sin(10⁶ x)`
//! within 10⁻⁶ at any argument, `sin x` at 10⁶ within 1. Wider differences may agree with each other, and
//! show nothing. A ladder of steps, each a sixteenth of the previous one, leads down to where the differences
//! settle.

/// Each step is this fraction of the previous one.
pub(crate) const FACTOR: f64 = 1.0 / 16.0;

/// No step from 0 is smaller, so that quotients are formed of normal numbers.
pub(crate) const SMALLEST: f64 = 4.0 * f64::MIN_POSITIVE;

/// Differences have settled when they change by less than this fraction.
const SETTLED: f64 = 1.0 / 256.0;

/// A difference is visible if it is above the noise by this factor.
const CLEAR: f64 = 64.0;

/// The differences at one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rung {
    /// The step.
    pub(crate) h: f64,
    /// The central difference.
    pub(crate) slope: f64,
    /// The difference of the one-sided slopes: `h f''` for small steps.
    bend: f64,
    /// The change of `slope` by one rounding of the values.
    pub(crate) noise: f64,
}

impl Rung {
    /// Computes the differences from the values at `±h`, relative to that in the middle, which are `width`
    /// apart and rounded to `rounding`; `None` if they are not finite.
    pub(crate) fn new(h: f64, (left, right): (f64, f64), width: f64, rounding: f64) -> Option<Rung> {
        let (slope, bend) = ((right - left) / width, (right + left) / h);
        let finite = (right - left).is_finite() && width > 0.0;
        finite.then_some(Rung { h, slope, bend, noise: 2.0 * rounding / width })
    }

    fn size(self) -> f64 {
        self.slope.abs() + self.bend.abs()
    }

    /// Returns `true` if the value did not change at all.
    pub(crate) fn flat(self) -> bool {
        self.size() == 0.0
    }

    /// Returns `true` if the slope and the curvature are those of the next narrower step.
    fn settled(self, next: Rung) -> bool {
        let change = (self.slope - next.slope).abs() + (FACTOR * self.bend - next.bend).abs();
        let size = self.size().max(next.size());
        change <= SETTLED * size + 4.0 * next.noise
    }
}

/// Returns the widest step from which on the differences do not change over three rungs, if they settle before they
/// vanish in the noise. A rung is `None` at a step without differences.
pub(crate) fn settled(rungs: impl IntoIterator<Item = Option<Rung>>) -> Option<f64> {
    let mut before: [Option<Rung>; 2] = [None; 2];
    for rung in rungs {
        if rung.is_some_and(|rung| CLEAR * rung.noise > rung.size() && !rung.flat()) {
            return None;
        }
        if let ([Some(first), Some(second)], Some(third)) = (before, rung)
            && first.settled(second)
            && second.settled(third)
        {
            return Some(first.h);
        }
        before = [before[1], rung];
    }
    None
}

/// Returns the steps of a ladder from `h` down to `smallest`.
pub(crate) fn steps(h: f64, smallest: f64) -> impl Iterator<Item = f64> + Clone {
    std::iter::successors(Some(h), |h| Some(h * FACTOR)).take_while(move |&h| h >= smallest)
}

/// Returns the steps of a ladder that becomes steeper far down, where only functions without roundings still vary.
pub(crate) fn descent(h: f64, smallest: f64) -> impl Iterator<Item = f64> {
    let deep = h * FACTOR.powi(16);
    let next = move |h: &f64| Some(h * if *h > deep { FACTOR } else { FACTOR.powi(3) });
    std::iter::successors(Some(h), next).take_while(move |&h| h >= smallest)
}

/// Returns the distance of `x` to its neighbours, and at 0 the smallest step.
pub(crate) fn spacing(x: f64) -> f64 {
    match x {
        0.0 => SMALLEST,
        x => (super::power_of_two(x.abs()) * f64::EPSILON).max(f64::MIN_POSITIVE * f64::EPSILON),
    }
}
