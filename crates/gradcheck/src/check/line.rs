//! The derivative along a line, as an interval.

use super::problem::{Direction, Problem};
use crate::numdiff::ladder::{self, Rung};
use crate::numdiff::{Interval, Tableau, noise, power_of_two, weights};

/// No step is made smaller than this many halvings of the first.
const HALVINGS: i32 = 44;

/// A program evaluates the pairs of this many halvings together.
const TOGETHER: i32 = 12;

/// With fewer differences than this, the smoothness of the function cannot be seen.
const ROWS: usize = 4;

/// The fraction by which the differences of a smooth function leave a slope before they leave it altogether.
const GRADUAL: f64 = 1.0 / 1024.0;

/// The derivative along a line, by differences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slope {
    /// The derivative.
    pub(crate) derivative: Interval,
    /// The difference between the slopes to the right and to the left: 0 where the function is smooth.
    pub(crate) jump: Interval,
    /// The widest step used.
    pub(crate) first: f64,
    /// The narrowest step used.
    pub(crate) h: f64,
    /// The part of the radius due to rounding noise.
    pub(crate) noise: f64,
}

/// The reason why there is no derivative along a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Blocked {
    /// A discrete decision changes within this step, however small.
    Decision(f64),
    /// The function is not finite within this step, however small.
    NonFinite(f64),
}

impl Problem<'_> {
    /// Computes central differences at steps from `h` on downwards, extrapolated to 0, until the bound is below `target` or no
    /// longer improves. A step over which a discrete decision changes, or beyond which the function is not finite, is
    /// dropped with everything wider.
    pub(crate) fn slope(
        &mut self,
        line: &Direction,
        h: f64,
        eta: f64,
        target: f64,
    ) -> Result<Slope, Blocked> {
        let (mut even, mut odd) = (Tableau::even(), Tableau::odd());
        let mut blocked = None;
        let mut h = power_of_two(h);
        let mut first = h;
        for k in 0..HALVINGS {
            if k % TOGETHER == 0 {
                self.prepare(line, (0..TOGETHER).map(|i| h * 0.5f64.powi(i)).flat_map(|h| [h, -h]));
            }
            let (right, left) = (self.at(line, h), self.at(line, -h));
            blocked = if !(right.same && left.same) {
                Some(Blocked::Decision(h))
            } else if !(right.deviation - left.deviation).is_finite() {
                Some(Blocked::NonFinite(h))
            } else {
                None
            };
            if blocked.is_some() {
                (even, odd) = (Tableau::even(), Tableau::odd());
                first = 0.5 * h;
            } else {
                let eta = eta.max(f64::EPSILON * right.size.max(left.size));
                let width = self.width(line, h);
                even.push((right.deviation - left.deviation) / width, 2.0 * eta / width);
                odd.push((right.deviation + left.deviation) / h, 4.0 * eta / h);
                let stale = even.rows >= even.at + 4 && odd.rows >= odd.at + 3;
                if even.rows >= ROWS && (even.best.radius <= target || stale) {
                    break;
                }
            }
            h *= 0.5;
        }
        match blocked {
            None if even.rows >= ROWS => {
                Ok(Slope { derivative: even.best, jump: odd.best, first, h, noise: even.noise })
            }
            _ => Err(blocked.unwrap_or(Blocked::Decision(h))),
        }
    }

    /// Computes the derivative by another formula at other steps: a stencil, at the step where its bound is smallest.
    /// The bound is four times the change from the step before, and the noise.
    pub(crate) fn stencil(&mut self, line: &Direction, points: u8, h: f64, eta: f64) -> Option<Interval> {
        let weights = weights(points);
        let amplified: f64 = 2.0 * weights.iter().map(|w| w.abs()).sum::<f64>();
        let mut best: Option<Interval> = None;
        let mut before = None;
        let mut h = h;
        for _ in 0..HALVINGS {
            let mut sum = Some(0.0);
            let mut noise = eta;
            for (i, w) in (1..).zip(weights) {
                let t = f64::from(i) * h;
                let (right, left) = (self.at(line, t), self.at(line, -t));
                let usable = [right, left].iter().all(|s| s.same && s.deviation.is_finite());
                noise = noise.max(f64::EPSILON * right.size.max(left.size));
                let term = w * (right.deviation - left.deviation) * (2.0 * t / self.width(line, t)) / h;
                sum = sum.filter(|_| usable).map(|sum| sum + term);
            }
            if let (Some(mid), Some(before)) = (sum, before) {
                let change: f64 = mid - before;
                let radius = 4.0 * change.abs() + amplified * noise / h + 4.0 * f64::EPSILON * mid.abs();
                match best {
                    Some(known) if known.radius <= radius => {
                        // The noise grows from here on.
                        if amplified * noise / h > known.radius {
                            break;
                        }
                    }
                    _ => best = Some(Interval { mid, radius }),
                }
            }
            before = sum;
            h *= 0.5;
        }
        best
    }

    /// Returns the slopes to the left and to the right.
    pub(crate) fn one_sided(&mut self, line: &Direction, h: f64, eta: f64) -> (f64, f64) {
        let mut side = |sign: f64| {
            let mut tableau = Tableau::every();
            for k in 0..9 {
                let h = sign * h / 2f64.powi(k);
                tableau.push(self.at(line, h).deviation / h, 2.0 * eta / h.abs());
            }
            tableau.best.mid
        };
        (side(-1.0), side(1.0))
    }

    /// Measures the rounding noise of one evaluation at `t` along a line, of a function that varies within `scale`: see
    /// [`noise::of_table`]. It differs from point to point: a sum of a few numbers with few digits is exact, and the same
    /// sum is not at the end of a step.
    pub(crate) fn noise(&mut self, line: &Direction, t: f64, scale: f64) -> f64 {
        let (mut largest, smallest) = (0f64, self.spacing(line));
        for spacing in noise::SPACINGS {
            // Closer arguments would round to the same numbers.
            let spacing = (spacing * scale).max(smallest);
            let points = (0..noise::POINTS).map(|i| t + f64::from(i) * spacing);
            self.prepare(line, points.clone());
            let samples: Vec<_> = points.map(|t| self.at(line, t)).collect();
            if samples.iter().all(|sample| sample.same) {
                let values: Vec<f64> = samples.iter().map(|sample| sample.deviation).collect();
                largest = largest.max(noise::of_table(&values));
            }
        }
        largest
    }

    /// Returns the differences at one step; `None` across a decision, or where the function is not finite.
    pub(crate) fn rung(&mut self, line: &Direction, h: f64) -> Option<Rung> {
        let (right, left) = (self.at(line, h), self.at(line, -h));
        let rounding = f64::EPSILON * right.size.max(left.size);
        let rung = Rung::new(h, (left.deviation, right.deviation), self.width(line, h), rounding);
        rung.filter(|_| right.same && left.same)
    }

    /// Returns the widest step below `h` from which on differences settle. Values that do not change at all show nothing.
    pub(crate) fn settled(&mut self, line: &Direction, h: f64) -> Option<f64> {
        let smallest = self.spacing(line);
        // A line that is blocked at the smallest steps is blocked.
        self.rung(line, 4.0 * smallest)?;
        let steps = ladder::steps(power_of_two(h), smallest);
        self.prepare(line, steps.clone().flat_map(|h| [h, -h]));
        let rungs = steps.map(|h| self.rung(line, h));
        ladder::settled(rungs.map(|rung| rung.filter(|rung| !rung.flat())))
    }

    /// Returns `true` if the differences at wider steps than `h` leave the slope `mid` gradually, like those
    /// of a smooth function. Those of values rounded to multiples of something leave it at once.
    pub(crate) fn gradual(&mut self, line: &Direction, h: f64, mid: f64, apart: f64) -> bool {
        let mut before = 0.0;
        let steps = std::iter::successors(Some(h), |h| Some(2.0 * h));
        for h in steps.take_while(|h| h.is_finite()) {
            // A pole is not a jump.
            let Some(rung) = self.rung(line, h) else { return before > GRADUAL * apart };
            let left = (rung.slope - mid).abs();
            if left > 0.25 * apart {
                return before > GRADUAL * apart;
            }
            before = if left > 4.0 * rung.noise { left } else { 0.0 };
        }
        false
    }
}
