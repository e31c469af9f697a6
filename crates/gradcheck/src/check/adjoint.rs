//! Reverse mode against forward mode: ⟨u, J v⟩ = ⟨Jᵀ u, v⟩.
//!
//! Shows that both modes agree, not that either is right, but to the last digits and for any function: no
//! differences are needed.

use super::problem::Direction;
use super::report::{Check, Outcome};
use super::rounding::SWEEPS;
use super::run::Run;
use super::verdict::Evidence;
use tape::Tensor;

/// A difference must exceed this many times what rounding explains.
const MARGIN: f64 = 8.0;

/// The number of roundings of each product.
const ROUNDINGS: f64 = 64.0;

impl Run<'_, '_> {
    /// The identity along one random direction through all inputs.
    pub(crate) fn adjoint(&mut self) {
        let Direction::Dense(parts) = self.problem.random(&mut self.rng, |_| true) else { return };
        let outcome = self.identity(&parts);
        self.checks.push(Check { name: "adjoint", outcome, evidence: Evidence::Reference });
    }

    fn identity(&mut self, parts: &[Option<Tensor>]) -> Outcome {
        let (mut right, mut size, mut rounding_bound) = (0.0, 0.0, 0.0);
        for (i, part) in parts.iter().enumerate() {
            let (Some(v), Some(g)) = (part, &self.gradients[i]) else { continue };
            for ((v, g), s) in v.to_vec().into_iter().zip(g.to_vec()).zip(&self.rounding_bounds[i]) {
                right += v * g;
                size += (v * g).abs();
                rounding_bound += (v * s).abs();
            }
        }
        let here = self.problem.tangent(parts, 0.0).to_vec();
        let mut others = vec![self.problem.tangent(parts, 2.0 * f64::EPSILON).to_vec()];
        // Terms that cancel in the sweep, as in the softmax of equal numbers, show when every value is a few
        // ulps off. The generator is a copy, so that the rest of the check does not depend on the number of
        // draws.
        let mut rng = self.rng.clone();
        others.extend((0..SWEEPS).map(|_| self.problem.perturbed_tangent(parts, &mut rng).to_vec()));
        let mut left = 0.0;
        for (j, (dy, ct)) in here.into_iter().zip(self.problem.cotangent.to_vec()).enumerate() {
            left += dy * ct;
            size += (dy * ct).abs();
            // `max` drops a NaN.
            rounding_bound +=
                others.iter().fold(0.0, |most: f64, other| most.max(2.0 * ((other[j] - dy) * ct).abs()));
        }
        let allowed = MARGIN * (rounding_bound + ROUNDINGS * f64::EPSILON * size);
        let difference = (left - right).abs();
        if !(left.is_finite() && right.is_finite()) {
            Outcome::Skipped("not finite".to_string())
        } else if difference <= allowed && allowed > self.resolution * size {
            Outcome::Skipped("the gradient is too small compared with the value".to_string())
        } else if difference <= allowed {
            Outcome::Passed(difference / size.max(f64::MIN_POSITIVE))
        } else {
            Outcome::Failed(format!("forward mode {left}, reverse mode {right}, difference {difference:.1e}"))
        }
    }
}
