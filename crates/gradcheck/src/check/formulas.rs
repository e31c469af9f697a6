//! The other methods for the derivative along a line.

use super::exact::dyadic;
use super::judge::{Claim, Judged};
use super::problem::{Direction, Problem};
use super::rounding::SWEEPS;
use super::setup::Method;
use super::verdict::{Evidence, Reason, UNKNOWN, Verdict};
use crate::numdiff::Interval;
use tape::Tensor;
use tape::internal::SplitMix64;

/// The first step of a stencil, relative to the size of the argument.
const STENCIL: f64 = 0.125;

/// Both modes of the tape must agree within this many times what rounding explains.
const MARGIN: f64 = 8.0;

/// The number of roundings of each product of the tangent.
const ROUNDINGS: f64 = 64.0;

impl Problem<'_> {
    /// Compares a claim using `method`, and returns the method actually used.
    pub(crate) fn compare(
        &mut self,
        method: Method,
        line: &Direction,
        claim: Claim,
        eta: f64,
        resolution: f64,
    ) -> (Judged, Method, Evidence) {
        match method {
            Method::Exact if self.exact(line) == Some(claim.analytic) => {
                let numeric = Interval { mid: claim.analytic, radius: 0.0 };
                (
                    Judged { numeric, h: 1.0 / 32.0, noise: 0.0, verdict: Verdict::Agree },
                    method,
                    Evidence::Exact,
                )
            }
            Method::ForwardMode => (self.forward_mode(line, claim, resolution), method, Evidence::Reference),
            Method::Forward { .. } | Method::Central { .. } | Method::Stencil { .. } => {
                (self.judge(method, line, claim, eta, resolution), method, Evidence::Interval)
            }
            _ => {
                let judged = self.judge(Method::Richardson, line, claim, eta, resolution);
                (judged, Method::Richardson, Evidence::Interval)
            }
        }
    }

    /// Returns `true` if all inputs are dyadic numbers of few bits, so that differences may be exact.
    pub(crate) fn dyadic(&self) -> bool {
        self.values.iter().all(dyadic)
    }

    /// Returns the derivative by a formula with one step on the scale on which the function varies, bounded
    /// by the same formula with twice the step; `None` for methods that are not of this kind.
    pub(crate) fn single(
        &mut self,
        method: Method,
        line: &Direction,
        scale: f64,
        eta: f64,
    ) -> Option<Interval> {
        let size = self.scale(line);
        match method {
            Method::Forward { h } => {
                let h = h.at(size, scale, 1);
                let [fine, coarse] = [h, 2.0 * h].map(|h| self.one_step(line, h));
                Some(bounded(fine, coarse, 1, 2.0 * eta / h))
            }
            Method::Central { h } => {
                let h = h.at(size, scale, 2);
                let [fine, coarse] = [h, 2.0 * h].map(|h| self.two_steps(line, h));
                Some(bounded(fine, coarse, 2, eta / h))
            }
            Method::Stencil { points } => {
                Some(self.stencil(line, points, STENCIL * scale, eta).unwrap_or(UNKNOWN))
            }
            _ => None,
        }
    }

    /// Returns the forward difference, NaN across a decision, and the rounding error of the values in it.
    fn one_step(&mut self, line: &Direction, h: f64) -> (f64, f64) {
        let right = self.at(line, h);
        let difference = right.deviation / (0.5 * self.width(line, h));
        let same = right.same;
        (if same { difference } else { f64::NAN }, 2.0 * f64::EPSILON * right.size / h)
    }

    /// Returns the central difference, NaN across a decision, and the rounding error of the values in it.
    fn two_steps(&mut self, line: &Direction, h: f64) -> (f64, f64) {
        let (right, left) = (self.at(line, h), self.at(line, -h));
        let difference = (right.deviation - left.deviation) / self.width(line, h);
        let same = right.same && left.same;
        (if same { difference } else { f64::NAN }, f64::EPSILON * right.size.max(left.size) / h)
    }

    /// Compares the tangent along a line by forward mode with the gradient.
    fn forward_mode(&mut self, line: &Direction, claim: Claim, resolution: f64) -> Judged {
        let parts = self.parts(line);
        let here = self.tangent(&parts, 0.0).to_vec();
        let there = self.tangent(&parts, 2.0 * f64::EPSILON).to_vec();
        let floor = ROUNDINGS * f64::EPSILON * self.magnitude() / self.scale(line);
        let (mut mid, mut rounding) = (0.0, floor);
        let cotangent = self.cotangent.to_vec();
        for ((dy, again), ct) in here.iter().zip(there).zip(&cotangent) {
            mid += dy * ct;
            rounding += ROUNDINGS * f64::EPSILON * (dy * ct).abs() + 2.0 * ((again - dy) * ct).abs();
        }
        let apart = |rounding: f64| (claim.analytic - mid).abs() > MARGIN * (rounding + claim.rounding_bound);
        if apart(rounding) {
            // Measured only on suspicion: the rounding errors of terms that cancel inside the sweep.
            let mut rng = SplitMix64(0);
            for _ in 0..SWEEPS {
                let perturbed = self.perturbed_tangent(&parts, &mut rng).to_vec();
                let changes =
                    here.iter().zip(perturbed).zip(&cotangent).map(|((dy, p), ct)| ((p - dy) * ct).abs());
                // `max` drops a NaN.
                rounding = rounding.max(floor + 2.0 * changes.sum::<f64>());
            }
        }
        let numeric = Interval { mid, radius: MARGIN * rounding };
        let apart = apart(rounding);
        let needed = resolution * claim.scale;
        let verdict = match () {
            () if apart || !claim.analytic.is_finite() => Verdict::Disagree,
            () if numeric.radius > needed => {
                Verdict::Inconclusive(Reason::Noise { r: numeric.radius, needed })
            }
            () => Verdict::Agree,
        };
        Judged { numeric, h: 0.0, noise: rounding, verdict }
    }

    /// Returns a direction as tensors.
    fn parts(&self, line: &Direction) -> Vec<Option<Tensor>> {
        match line {
            Direction::Dense(parts) => parts.clone(),
            Direction::Entry { input, at } => {
                let mut hot = Tensor::zeros(self.values[*input].shape());
                hot.as_mut_slice()[*at] = 1.0;
                (0..self.values.len()).map(|i| (i == *input).then(|| hot.clone())).collect()
            }
        }
    }
}

/// Returns a difference of some order with the error estimated from twice the step, and the noise.
fn bounded(fine: (f64, f64), coarse: (f64, f64), order: i32, noise: f64) -> Interval {
    let truncation = 3.0 * (fine.0 - coarse.0).abs() / (2f64.powi(order) - 1.0);
    let radius = truncation + 2.0 * noise.max(fine.1) + 4.0 * f64::EPSILON * fine.0.abs();
    if radius.is_nan() { UNKNOWN } else { Interval { mid: fine.0, radius } }
}
