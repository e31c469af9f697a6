//! From two numbers to a verdict.

use super::line::{Blocked, Slope};
use super::problem::{Direction, Problem};
use super::setup::Method;
use super::verdict::{UNKNOWN, Verdict, Why};
use crate::numdiff::Interval;

/// What the gradient says along a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// The derivative.
    pub(crate) analytic: f64,
    /// The rounding error it may have.
    pub(crate) spread: f64,
    /// The size of derivatives here: what a resolution is relative to.
    pub(crate) scale: f64,
}

/// What a comparison found.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) numeric: Interval,
    pub(crate) h: f64,
    pub(crate) noise: f64,
    pub(crate) verdict: Verdict,
}

/// First steps, as parts of the size of the argument: where the first is too wide for the function, or too narrow
/// for its noise, another serves.
const FIRST_STEPS: [f64; 4] = [0.125, 0.125 / 16.0, 0.125 / 256.0, 2.0];

/// The replication uses steps that are this much narrower.
const NARROWER: f64 = 64.0;

/// A claim that is called wrong gets another chance at steps narrower by this factor, and again.
const FINER: f64 = 1.0 / 16.0;

/// So often at most.
const FINEST: usize = 12;

impl Problem<'_> {
    /// Compares a claim with differences. Every first step is tried until one decides.
    pub(crate) fn judge(
        &mut self,
        method: Method,
        line: &Direction,
        claim: Claim,
        eta: f64,
        resolution: f64,
    ) -> Judged {
        let mut first: Option<Judged> = None;
        for step in FIRST_STEPS {
            let judged = self.judge_from(method, step * self.scale(line), line, claim, eta, resolution);
            match judged.verdict {
                Verdict::Inconclusive(_) => {}
                _ => return judged,
            }
            // A blocked line is blocked for every first step.
            let blocked = judged.numeric.mid.is_nan();
            first = match first {
                Some(first) if first.numeric.radius <= judged.numeric.radius => Some(first),
                _ => Some(judged),
            };
            if blocked {
                break;
            }
        }
        first.unwrap_or_else(|| unreachable!("there are first steps"))
    }

    fn judge_from(
        &mut self,
        method: Method,
        h: f64,
        line: &Direction,
        claim: Claim,
        eta: f64,
        resolution: f64,
    ) -> Judged {
        let needed = resolution * claim.scale;
        match self.slope(line, h, eta, 1e-4 * needed) {
            Ok(slope) => {
                // Whatever formula gives the number, the extrapolation has seen whether the function is smooth.
                let derivative = self.single(method, line, eta).unwrap_or(slope.derivative);
                let slope = Slope { derivative, ..slope };
                let verdict = self.decide(h, line, claim, eta, needed, slope);
                Judged { numeric: slope.derivative, h: slope.h, noise: slope.noise, verdict }
            }
            Err(blocked) => {
                let (h, why) = match blocked {
                    Blocked::Decision(h) => (h, self.kink(line, h, claim, eta)),
                    Blocked::NonFinite(h) => (h, Why::NonFinite { at: h }),
                };
                Judged { numeric: UNKNOWN, h, noise: eta, verdict: Verdict::Inconclusive(why) }
            }
        }
    }

    fn decide(
        &mut self,
        h: f64,
        line: &Direction,
        claim: Claim,
        eta: f64,
        needed: f64,
        slope: Slope,
    ) -> Verdict {
        let numeric = slope.derivative;
        if !claim.analytic.is_finite() {
            return Verdict::Disagree;
        }
        if slope.jump.mid.abs() > slope.jump.radius + needed {
            return Verdict::Inconclusive(self.kink(line, slope.h, claim, eta));
        }
        if let Some(why) = self.structure(line, slope, eta) {
            return Verdict::Inconclusive(why);
        }
        if (claim.analytic - numeric.mid).abs() > numeric.radius + claim.spread {
            return self.confirm(h, line, claim, eta, needed);
        }
        // A symmetric kink has the mean slope: not seeing one must mean that there is none.
        let unseen = 1e-3 * (slope.jump.mid.abs() + slope.jump.radius);
        let r = numeric.radius.max(unseen);
        if r > needed { Verdict::Inconclusive(Why::Noise { r, needed }) } else { Verdict::Agree }
    }

    /// Has the function structure below the steps? The derivative at much narrower steps, by the 5-point formula,
    /// must be the same within both bounds.
    fn structure(&mut self, line: &Direction, slope: Slope, eta: f64) -> Option<Why> {
        let h = slope.h / NARROWER;
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
        (!narrow.meets(slope.derivative)).then_some(Why::Scale { narrow, wide: slope.derivative })
    }

    /// Before it says that a derivative is wrong: the noise along this very line is measured, and another formula at
    /// other steps must find the same.
    fn confirm(&mut self, h: f64, line: &Direction, claim: Claim, eta: f64, needed: f64) -> Verdict {
        let eta = eta.max(self.noise(line));
        let again = self.slope(line, h / 2.0, eta, 0.0);
        let other = self.stencil(line, 7, 0.75 * h, eta);
        let (Ok(again), Some(narrow)) = (again, other) else {
            return Verdict::Inconclusive(Why::Noise { r: f64::INFINITY, needed });
        };
        let outside = |i: Interval| (claim.analytic - i.mid).abs() > i.radius + claim.spread;
        if !again.derivative.meets(narrow) {
            return Verdict::Inconclusive(Why::Scale { narrow, wide: again.derivative });
        }
        if outside(again.derivative) && outside(narrow) {
            return self.aliased(h, line, claim, eta, again).map_or(Verdict::Disagree, Verdict::Inconclusive);
        }
        let r = again.derivative.radius.max(narrow.radius);
        // The first interval was too narrow: its noise was measured elsewhere.
        if r <= needed && !outside(again.derivative) && !outside(narrow) {
            return Verdict::Agree;
        }
        Verdict::Inconclusive(Why::Noise { r, needed: needed.min((claim.analytic - narrow.mid).abs()) })
    }

    /// Do narrower steps, down to where the noise begins, come closer to the claim than to what the wide ones found? Then
    /// the function oscillates below the steps before.
    fn aliased(&mut self, h: f64, line: &Direction, claim: Claim, eta: f64, wide: Slope) -> Option<Why> {
        let wide = wide.derivative;
        let apart = (claim.analytic - wide.mid).abs();
        let mut h = h;
        for _ in 0..FINEST {
            h *= FINER;
            let (right, left) = (self.at(line, h), self.at(line, -h));
            let eta = eta.max(f64::EPSILON * right.size.max(left.size));
            let narrow =
                Interval { mid: (right.deviation - left.deviation) / self.width(line, h), radius: eta / h };
            if narrow.radius > 0.125 * apart {
                return None;
            }
            if right.same && left.same && (claim.analytic - narrow.mid).abs() < 0.5 * apart {
                return Some(Why::Scale { narrow, wide });
            }
        }
        None
    }

    /// What is known about the decision that changes within `h`.
    fn kink(&mut self, line: &Direction, h: f64, claim: Claim, eta: f64) -> Why {
        let flipped = self.flipped(line, h).or_else(|| self.flipped(line, -h));
        let (left, right) = self.one_sided(line, self.scale(line) / 4096.0, eta);
        let inside = claim.analytic >= left.min(right) && claim.analytic <= left.max(right);
        let (op, node, element) = flipped.map_or(("", 0, 0), |d| (d.op, d.node, d.element));
        Why::Kink { op, node, element, one_sided: (left, right), a_is_subgradient: inside }
    }
}
