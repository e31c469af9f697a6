//! The verdict on one derivative.

use super::line::{Blocked, Slope};
use super::problem::{Direction, Problem};
use super::setup::Method;
use super::verdict::{Reason, UNKNOWN, Verdict};
use crate::numdiff::{Interval, ladder, power_of_two};

/// The derivative along a line according to the gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// The derivative.
    pub(crate) analytic: f64,
    /// Its rounding error.
    pub(crate) rounding_bound: f64,
    /// The size of derivatives, relative to which the resolution is measured.
    pub(crate) scale: f64,
    /// `true` if this is the size of the values, because no input has a gradient.
    pub(crate) flat: bool,
}

/// The result of a comparison.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) numeric: Interval,
    pub(crate) h: f64,
    pub(crate) noise: f64,
    pub(crate) verdict: Verdict,
}

/// The first steps, relative to the size of the argument. If one is too wide for the function, or too narrow
/// for its noise, the next is tried.
const FIRST_STEPS: [f64; 4] = [0.125, 0.125 / 16.0, 0.125 / 256.0, 2.0];

/// The first step, relative to the scale on which a function varies.
const FIRST: f64 = 0.125;

/// Functions that vary on less than this fraction of the size of the argument are too narrow for these steps.
const NARROW: f64 = FIRST / 256.0;

/// The first step for such a function, as a multiple of the step at which its differences settle.
const SETTLED: f64 = 4.0;

/// The largest number of first steps from there on.
const NARROW_STEPS: usize = 4;

/// The replication uses steps narrower by this factor.
const NARROWER: f64 = 64.0;

/// The number of distances at which the gradient is compared with that at the point, each a sixteenth of the
/// previous one.
const NEIGHBOURS: usize = 8;

/// A rounding of the values hides a discrepancy if it changes a difference by more than this fraction of it.
const HIDDEN: f64 = 0.125;

/// The differences of an infinite slope grow by at least this factor.
const STEEP: f64 = 256.0;

/// The start of a sequence of differences.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// The first step.
    h: f64,
    /// The scale on which the function varies.
    scale: f64,
    /// The noise of one evaluation.
    eta: f64,
}

/// The outcome of differences that begin at one step.
enum Outcome {
    Verdict(Verdict),
    /// Steps from this one on come closer to the claim.
    Closer(f64, Reason),
}

impl Problem<'_> {
    /// Compares a claim with differences. Every first step is tried until one decides; then those on the scale on which
    /// the function varies.
    pub(crate) fn judge(
        &mut self,
        method: Method,
        line: &Direction,
        claim: Claim,
        eta: f64,
        resolution: f64,
    ) -> Judged {
        let (scale, needed) = (self.scale(line), resolution * claim.scale);
        let (mut best, mut narrowed) = (None, false);
        for step in FIRST_STEPS {
            let start = Start { h: step * scale, scale, eta };
            let (judged, closer) = self.judge_from(method, start, line, claim, needed);
            // A blocked line is blocked for every first step.
            let blocked = judged.numeric.mid.is_nan();
            let mut decided = better(&mut best, judged);
            if let Some(h) = closer.filter(|_| !narrowed) {
                decided = self.judge_narrow(method, h, line, claim, needed, &mut best);
                narrowed = true;
            }
            match best {
                Some(best) if decided => return best,
                _ if blocked => break,
                _ => {}
            }
        }
        let narrow = NARROW * scale;
        if let Some(h) = self.settled(line, 16.0 * narrow).filter(|&h| h < narrow) {
            self.judge_narrow(method, h, line, claim, needed, &mut best);
        }
        best.unwrap_or_else(|| unreachable!("there are first steps"))
    }

    /// Compares a claim with differences on the scale of a function whose differences settle at `h`. Returns `true` if
    /// they decide.
    fn judge_narrow(
        &mut self,
        method: Method,
        h: f64,
        line: &Direction,
        claim: Claim,
        needed: f64,
        best: &mut Option<Judged>,
    ) -> bool {
        let mut h = SETTLED * h;
        for _ in 0..NARROW_STEPS {
            let scale = h / FIRST;
            let start = Start { h, scale, eta: self.noise(line, 0.0, scale) };
            // The size of values must be divided by a length to become that of a derivative.
            let needed = if claim.flat { needed / scale } else { needed };
            let (judged, closer) = self.judge_from(method, start, line, claim, needed);
            if better(best, judged) {
                return true;
            }
            h = closer.map_or(ladder::FACTOR * h, |closer| SETTLED * closer);
        }
        false
    }

    /// Compares from one first step on. Also returns the step below which differences come closer to the
    /// claim.
    fn judge_from(
        &mut self,
        method: Method,
        start: Start,
        line: &Direction,
        claim: Claim,
        needed: f64,
    ) -> (Judged, Option<f64>) {
        match self.slope(line, start.h, start.eta, 1e-4 * needed) {
            Ok(slope) => {
                // Blocked wide steps do not show the scale.
                let closed = 2.0 * slope.first < start.h;
                let (h, scale) =
                    if closed { (slope.first, slope.first / FIRST) } else { (start.h, start.scale) };
                let start = Start { h, scale, ..start };
                // The extrapolation has shown whether the function is smooth, also for the other formulas.
                let derivative =
                    self.single(method, line, start.scale, start.eta).unwrap_or(slope.derivative);
                let slope = Slope { derivative, ..slope };
                let (verdict, closer) = match self.decide(start, line, claim, needed, slope) {
                    Outcome::Verdict(verdict) => (verdict, None),
                    Outcome::Closer(h, why) => (Verdict::Inconclusive(why), Some(h)),
                };
                (Judged { numeric: slope.derivative, h: slope.h, noise: slope.noise, verdict }, closer)
            }
            Err(blocked) => {
                let (h, why) = match blocked {
                    Blocked::Decision(h) => (h, self.kink(line, h, claim, start.eta)),
                    Blocked::NonFinite(h) => (h, Reason::NonFinite { at: h }),
                };
                (Judged { numeric: UNKNOWN, h, noise: start.eta, verdict: Verdict::Inconclusive(why) }, None)
            }
        }
    }

    fn decide(&mut self, start: Start, line: &Direction, claim: Claim, needed: f64, slope: Slope) -> Outcome {
        let open = |why| Outcome::Verdict(Verdict::Inconclusive(why));
        let numeric = slope.derivative;
        if claim.analytic.is_nan() {
            return Outcome::Verdict(Verdict::Disagree);
        }
        if claim.analytic.is_infinite() {
            return self.steep(line, claim, slope).map_or(Outcome::Verdict(Verdict::Disagree), open);
        }
        if slope.jump.mid.abs() > slope.jump.radius + needed {
            return open(self.kink(line, slope.h, claim, start.eta));
        }
        if let Some(why) = self.structure(line, slope, start.eta) {
            return open(why);
        }
        if (claim.analytic - numeric.mid).abs() > numeric.radius + claim.rounding_bound {
            return self.confirm(start, line, claim, needed);
        }
        // The differences at a symmetric kink are its mean slope: if no kink was seen, there must be none.
        let unseen = 1e-3 * (slope.jump.mid.abs() + slope.jump.radius);
        let r = numeric.radius.max(unseen).max(claim.rounding_bound);
        if r > needed { open(Reason::Noise { r, needed }) } else { Outcome::Verdict(Verdict::Agree) }
    }

    /// Returns a reason if the function has structure below the steps: the derivative at much narrower steps,
    /// by the 5-point formula, must agree within both bounds.
    fn structure(&mut self, line: &Direction, slope: Slope, eta: f64) -> Option<Reason> {
        let h = (slope.h / NARROWER).max(self.spacing(line));
        let mut size = 0f64;
        let mut pair = |h: f64| {
            let (right, left) = (self.at(line, h), self.at(line, -h));
            size = size.max(right.size.max(left.size));
            (right.deviation - left.deviation) / self.width(line, h)
        };
        let (near, far) = (pair(h), pair(2.0 * h));
        let mid = (4.0 * near - far) / 3.0;
        let noise = 3.0 * eta.max(f64::EPSILON * size) / h;
        let narrow = Interval { mid, radius: 2.0 * (near - far).abs() + noise + slope.derivative.radius };
        (!narrow.meets(slope.derivative)).then_some(Reason::Scale { narrow, wide: slope.derivative })
    }

    /// Runs before a derivative is called wrong: the noise is measured along this line, at the point and at both ends of
    /// the first step; another formula at other steps must find the same; and no steps may come closer to the claim.
    fn confirm(&mut self, start: Start, line: &Direction, claim: Claim, needed: f64) -> Outcome {
        let open = |why| Outcome::Verdict(Verdict::Inconclusive(why));
        let ends = [0.0, start.h, -start.h].map(|t| self.noise(line, t, start.scale));
        let eta = ends.into_iter().fold(start.eta, f64::max);
        let again = self.slope(line, start.h / 2.0, eta, 0.0);
        let other = self.stencil(line, 7, 0.75 * start.h, eta);
        let (Ok(again), Some(narrow)) = (again, other) else {
            return open(Reason::Noise { r: f64::INFINITY, needed });
        };
        let outside = |i: Interval| (claim.analytic - i.mid).abs() > i.radius + claim.rounding_bound;
        if !again.derivative.meets(narrow) {
            return open(Reason::Scale { narrow, wide: again.derivative });
        }
        if outside(again.derivative) && outside(narrow) {
            return match self.closer(line, start.h, claim, again.derivative) {
                Some((h, narrow)) => Outcome::Closer(h, Reason::Scale { narrow, wide: again.derivative }),
                // At steps at which part of the line no longer moves, the slope is that of the rest.
                None if again.h < self.spacings(line).1 || self.erratic(line, claim, again) => {
                    open(Reason::Noise { r: f64::INFINITY, needed })
                }
                None => match self.abrupt(start, line, claim, again) {
                    Some(why) => open(why),
                    None => match self.absorbed(line, claim, again) {
                        Some(r) => open(Reason::Noise { r, needed }),
                        None => Outcome::Verdict(Verdict::Disagree),
                    },
                },
            };
        }
        let r = again.derivative.radius.max(narrow.radius).max(claim.rounding_bound);
        // The first interval was too narrow: its noise had been measured elsewhere.
        if r <= needed && !outside(again.derivative) && !outside(narrow) {
            return Outcome::Verdict(Verdict::Agree);
        }
        open(Reason::Noise { r, needed: needed.min((claim.analytic - narrow.mid).abs()) })
    }

    /// Returns the narrower step, down to where the noise begins, from which on differences come closer to the claim than
    /// to the derivative at wide steps: the function varies below those.
    fn closer(&mut self, line: &Direction, h: f64, claim: Claim, wide: Interval) -> Option<(f64, Interval)> {
        let apart = (claim.analytic - wide.mid).abs();
        let near = |mid: f64| (claim.analytic - mid).abs() < 0.5 * apart;
        for h in ladder::descent(ladder::FACTOR * h, self.spacing(line)) {
            let Some(rung) = self.rung(line, h) else { continue };
            // The noise of a function is at least the rounding of its values.
            if rung.noise > HIDDEN * apart {
                return None;
            }
            if rung.flat() || !near(rung.slope) {
                continue;
            }
            // A single difference may come close by chance, within the noise; an extrapolation of several
            // does not.
            let eta = self.noise(line, 0.0, 4.0 * h / FIRST);
            if let Ok(Slope { derivative: narrow, .. }) = self.slope(line, 4.0 * h, eta, 0.0)
                && narrow.radius < 0.25 * apart
                && near(narrow.mid)
            {
                return Some((h, narrow));
            }
        }
        None
    }

    /// Returns `true` if the gradient changes within the steps by as much as it is off. Then the differences
    /// do not follow it, and others cannot either: those of the sine of 10³⁰, whose neighbours are 10¹⁴ away.
    ///
    /// The steps are much narrower, where differences could have followed. If a rounding of the values hides
    /// the discrepancy even a rung below the narrowest step used, no differences can follow, and the wider
    /// steps count too: a bump a few roundings high looks flat to every step that leaves it.
    fn erratic(&mut self, line: &Direction, claim: Claim, slope: Slope) -> bool {
        let apart = (claim.analytic - slope.derivative.mid).abs();
        let narrow = ladder::steps(slope.h / NARROWER, self.spacing(line)).take(NEIGHBOURS);
        let below = self.rung(line, ladder::FACTOR * slope.h);
        let hidden = below.is_none_or(|rung| rung.noise > HIDDEN * apart);
        let used = std::iter::successors(Some(slope.h), |h| Some(2.0 * h)).take_while(|&h| h <= slope.first);
        narrow.chain(used.filter(|_| hidden)).any(|t| {
            // The odd part of the change causes no error of a central difference.
            let mean = 0.5 * self.along(line, t) + 0.5 * self.along(line, -t);
            (mean - claim.analytic).abs() > 0.25 * apart
        })
    }

    /// Returns a reason to leave an infinite derivative open: its differences grow without bound.
    fn steep(&mut self, line: &Direction, claim: Claim, slope: Slope) -> Option<Reason> {
        let (wide, sign) = (slope.derivative, claim.analytic.signum());
        let steps = ladder::steps(slope.h, self.spacing(line));
        let rungs: Vec<_> = steps.filter_map(|h| self.rung(line, h)).collect();
        // The last step, and every step with a difference clearly above the noise: if the values no longer
        // change at the last steps, wider ones show the growth.
        let clear = rungs.iter().filter(|rung| STEEP * rung.noise < rung.slope.abs());
        let steepest = clear.chain(rungs.last()).map(|rung| sign * rung.slope).fold(0.0, f64::max);
        let grows = !wide.mid.is_finite() || steepest / STEEP > wide.mid.abs();
        grows.then_some(Reason::Scale {
            narrow: Interval { mid: sign * steepest, radius: f64::INFINITY },
            wide,
        })
    }

    /// Returns a reason if wider steps than those that call a claim wrong come closer to it, and the difference between the
    /// two appears at once: then the values are rounded to multiples of something, and the narrow steps are wrong.
    fn abrupt(&mut self, start: Start, line: &Direction, claim: Claim, slope: Slope) -> Option<Reason> {
        let narrow = slope.derivative;
        let apart = (claim.analytic - narrow.mid).abs();
        let steps = ladder::steps(power_of_two(FIRST * self.scale(line)), 2.0 * start.h);
        let slopes = steps.filter_map(|h| self.rung(line, h)).map(|rung| rung.slope);
        let wide = slopes.min_by(|a, b| (a - claim.analytic).abs().total_cmp(&(b - claim.analytic).abs()))?;
        let closer = (wide - claim.analytic).abs() < 0.5 * apart;
        let wide = Interval { mid: wide, radius: f64::INFINITY };
        (closer && !self.gradual(line, slope.h, narrow.mid, apart)).then_some(Reason::Scale { narrow, wide })
    }

    /// Returns the radius of an interval around the differences that contains the claim if roundings inside the function hide
    /// the change that it predicts at the widest step.
    fn absorbed(&mut self, line: &Direction, claim: Claim, slope: Slope) -> Option<f64> {
        let ends = [slope.first, -slope.first].map(|t| self.inner_rounding(line, t));
        let r = (ends[0] + ends[1]) / self.width(line, slope.first);
        ((claim.analytic - slope.derivative.mid).abs() <= r).then_some(r)
    }

    /// Describes the decision that changes within `h`.
    fn kink(&mut self, line: &Direction, h: f64, claim: Claim, eta: f64) -> Reason {
        let flipped = self.flipped(line, h).or_else(|| self.flipped(line, -h));
        let (left, right) = self.one_sided(line, self.scale(line) / 4096.0, eta);
        let inside = claim.analytic >= left.min(right) && claim.analytic <= left.max(right);
        let (op, node, element) = flipped.map_or(("", 0, 0), |d| (d.op, d.node, d.element));
        Reason::Kink { op, node, element, one_sided: (left, right), a_is_subgradient: inside }
    }
}

/// Keeps a result that decides, else the one with the narrower interval. Returns `true` if it decides.
fn better(best: &mut Option<Judged>, judged: Judged) -> bool {
    let open = matches!(judged.verdict, Verdict::Inconclusive(_));
    match best {
        Some(best) if open && best.numeric.radius <= judged.numeric.radius => {}
        _ => *best = Some(judged),
    }
    !open
}
