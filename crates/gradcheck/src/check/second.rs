//! Second derivatives.
//!
//! A recorded gradient is a function like any other: its inner product with fixed weights is checked like a
//! function of first order. And the derivative of a gradient is symmetric, which differences of the gradient
//! show without second derivatives from the tape.

use super::problem::{Direction, Problem, inner};
use super::report::{Check, Outcome};
use super::rounding::rounding_along;
use super::run::Run;
use super::verdict::{Evidence, UNKNOWN};
use super::{Entries, GradCheck, SetupError};
use crate::numdiff::{Interval, richardson};
use tape::{Tensor, Var};

/// The levels of the extrapolation of differences of the gradient.
const LEVELS: u8 = 9;

/// With at most this many entries the Hessian is compared entry by entry.
const SMALL: usize = 64;

/// The two second derivatives must differ by more than this many rounding errors of the gradient to be called wrong: those
/// of gradients, divided by the steps between a tenth and its 256th part.
const ROUNDINGS: f64 = 256.0;

/// The largest number of times that a direction is halved to stay on one branch of the function.
const HALVINGS: i32 = 24;

impl Run<'_, '_> {
    /// Checks the gradient of `Σ u · gradient` like that of a function.
    pub(crate) fn hessian(&mut self, check: &GradCheck<'_>) {
        let Direction::Dense(u) = self.problem.random(&mut self.rng, |_| true) else { return };
        let (f, cotangent) = (&check.f, self.problem.cotangent.clone());
        let outer = GradCheck::new(move |v| {
            let y = f(v);
            let x: Vec<Var<'_>> = (0..u.len()).filter(|&i| u[i].is_some()).map(|i| v.at(i)).collect();
            let gradient = y.grad(v.tape().constant(cotangent.clone()), x);
            let terms = gradient.into_iter().zip(u.iter().flatten()).map(|(g, u)| (g * u).sum());
            terms.reduce(|sum, term| sum + term).unwrap_or_else(|| v.tape().scalar_constant(0.0)).to_var()
        });
        let size: usize = check.inputs.iter().filter(|i| i.tracked).map(|i| i.value.size()).sum();
        let entries = if size <= SMALL { Entries::All } else { Entries::Directions(1) };
        let outer = GradCheck { inputs: check.inputs.clone(), ..outer };
        let outer = outer.entries(entries).resolution(self.resolution).noise(check.noise);
        let outcome = match outer.comparisons(&mut self.rng, 2, self.only.clone()) {
            Ok(entries) => {
                let compared = entries.len();
                self.entries.extend(entries);
                Outcome::Passed(if compared == 0 { f64::NAN } else { 0.0 })
            }
            Err(SetupError::NonFinite { .. }) => Outcome::Skipped("the gradient is not finite".to_string()),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        self.checks.push(Check { name: "recorded gradient", outcome, evidence: Evidence::Interval });
    }

    /// Checks `u·Hv = v·Hu` along two random directions.
    pub(crate) fn symmetry(&mut self) {
        let [u, v] = [0, 1].map(|_| self.problem.random(&mut self.rng, |_| true));
        let outcome = self.problem.symmetric(&u, &v, &self.rounding_bounds);
        self.checks.push(Check { name: "hessian symmetry", outcome, evidence: Evidence::Interval });
    }
}

impl Problem<'_> {
    /// Compares `u·Hv` with `v·Hu`, where the entries of the gradient have these rounding errors.
    fn symmetric(&mut self, u: &Direction, v: &Direction, bounds: &[Vec<f64>]) -> Outcome {
        let Some((u, v)) = self.shortened(u).zip(self.shortened(v)) else {
            return Outcome::Skipped("no line stays on one branch of the function".to_string());
        };
        // A gradient that consists of rounding errors may show none at the few arguments at which its noise
        // is measured.
        let allowed = ROUNDINGS * (rounding_along(bounds, &u) + rounding_along(bounds, &v));
        // Before a gradient is called wrong, other steps must find the same.
        let mut found = Vec::new();
        for scale in [1.0, 0.375] {
            let (left, right) = (self.bend(&u, &v, scale), self.bend(&v, &u, scale));
            if left.meets(right) {
                let size = left.mid.abs().max(right.mid.abs()).max(f64::MIN_POSITIVE);
                return Outcome::Passed(left.radius.max(right.radius) / size);
            }
            found.push((left, right));
        }
        let same = found.windows(2).all(|pair| pair[0].0.meets(pair[1].0) && pair[0].1.meets(pair[1].1));
        match found.last() {
            Some((left, right)) if (left.mid - right.mid).abs() <= allowed => Outcome::Skipped(
                "the second derivatives are not above the rounding of the gradient".to_string(),
            ),
            Some((left, right)) if left.mid.is_finite() && right.mid.is_finite() => match same {
                true => Outcome::Failed(format!("u·Hv {left}, v·Hu {right}")),
                false => Outcome::Skipped("other steps find other second derivatives".to_string()),
            },
            _ => Outcome::Skipped("the gradient is not finite".to_string()),
        }
    }

    /// Returns `u · (derivative of the gradient along v)`.
    fn bend(&mut self, u: &Direction, v: &Direction, scale: f64) -> Interval {
        let Direction::Dense(u) = u else { return UNKNOWN };
        let cotangent = self.cotangent.clone();
        let mut along = |t: f64| {
            let point = self.point(v, t * scale);
            inner(&self.gradients(&point, &cotangent), u)
        };
        let Interval { mid, radius } = richardson(&mut along, 0.0, LEVELS);
        Interval { mid: mid / scale, radius: radius / scale }
    }

    /// Returns the direction, shortened until the function stays on one branch within a unit step.
    fn shortened(&mut self, line: &Direction) -> Option<Direction> {
        let Direction::Dense(parts) = line else { return None };
        let length = (0..HALVINGS).map(|k| 2f64.powi(-k)).find(|&length| {
            [-length, length].iter().all(|&t| {
                let sample = self.at(line, t);
                sample.same && sample.deviation.is_finite()
            })
        })?;
        let scaled = |part: &Option<Tensor>| part.as_ref().map(|v| v.map_elements(|v| v * length));
        Some(Direction::Dense(parts.iter().map(scaled).collect()))
    }
}
