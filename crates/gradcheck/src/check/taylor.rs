//! The order at which the remainder of the first-order Taylor polynomial vanishes.
//!
//! `R(h) = |f(x + hv) - f(x) - h g·v|` falls like h² for the right gradient and like h for a wrong one, once
//! h is so small that the error of the gradient outweighs the curvature. (This is a standard test in
//! PDE-constrained optimization: P. E. Farrell, D. A. Ham, S. W. Funke, M. E. Rognes, 2013.)

use super::problem::Direction;
use super::report::{Check, Outcome};
use super::run::Run;
use super::verdict::Evidence;

/// Halvings of the step, until a line no longer moves.
const LEVELS: i32 = 52;

/// A remainder counts if it is this many times the noise.
const CLEAR: f64 = 100.0;

impl Run<'_, '_> {
    /// Estimates the order along one random direction through all inputs.
    pub(crate) fn taylor(&mut self) {
        let line = self.problem.random(&mut self.rng, |_| true);
        let outcome = self.order(&line);
        self.checks.push(Check { name: "taylor", outcome, evidence: Evidence::Heuristic });
    }

    fn noise_at_ends(&mut self, line: &Direction, h: f64) -> f64 {
        let noise = self.problem.noise(line, 0.0, h).max(self.problem.noise(line, h, h));
        noise.max(self.problem.inner_rounding(line, h))
    }

    fn order(&mut self, line: &Direction) -> Outcome {
        let Direction::Dense(parts) = line else { return Outcome::Skipped("no direction".to_string()) };
        let pairs = self.gradients.iter().zip(parts).filter_map(|(g, v)| Some((g.as_ref()?, v.as_ref()?)));
        let terms: Vec<f64> =
            pairs.flat_map(|(g, v)| g.to_vec().into_iter().zip(v.to_vec()).map(|(g, v)| g * v)).collect();
        let (slope, size) = (terms.iter().sum::<f64>(), terms.iter().map(|t| t.abs()).sum::<f64>());
        let mut remainders: Vec<(f64, f64)> = Vec::new();
        for k in 3..LEVELS {
            let h = 2f64.powi(-k);
            let sample = self.problem.at(line, h);
            let remainder = (sample.deviation - h * slope).abs();
            let noise = self.eta.max(f64::EPSILON * sample.size) + h * size * f64::EPSILON;
            if !sample.same || !remainder.is_finite() {
                remainders.clear();
            } else if remainder > CLEAR * noise {
                remainders.push((h, remainder));
            } else if remainders.is_empty() {
                // The function is linear along the line, up to the noise.
                let seen = CLEAR * noise / (h * size);
                return match seen > self.resolution {
                    true => Outcome::Skipped("the remainder is not above the noise".to_string()),
                    false => Outcome::Passed(seen),
                };
            } else {
                break;
            }
        }
        let [.., (_, wide), (h, narrow)] = remainders[..] else {
            return Outcome::Skipped("no two remainders above the noise".to_string());
        };
        let order = (wide / narrow).log2();
        // If the function varies within the narrowest step, so does its gradient.
        let mean = 0.5 * self.problem.along(line, h) + 0.5 * self.problem.along(line, -h);
        match order {
            1.6.. => Outcome::Passed(narrow / (h * size)),
            _ if (mean - slope).abs() > 0.25 * narrow / h => {
                Outcome::Skipped("the gradient varies within the narrowest step".to_string())
            }
            // Measured only on suspicion: the values may have more noise at the end of the step than close to the point, and
            // more than values that do not change show.
            _ if narrow <= CLEAR * self.noise_at_ends(line, h) => {
                Outcome::Skipped("no two remainders above the noise".to_string())
            }
            _ => Outcome::Failed(format!("the remainder vanishes with order {order:.2}, expected 2")),
        }
    }
}
