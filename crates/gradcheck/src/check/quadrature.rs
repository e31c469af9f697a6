//! The fundamental theorem of calculus: ∫₀¹ g(x + td)·d dt = f(x + d) - f(x).
//!
//! Gauss-Legendre quadrature of the tape's gradient converges faster than any power if the function is
//! analytic, so this compares to about 1e-14 for any number of entries. It tests the gradient at points other
//! than that of the check, and only along one direction. A path across a kink shows nothing.

use super::problem::Direction;
use super::report::{Check, Outcome};
use super::rounding::rounding_along;
use super::run::Run;
use super::verdict::Evidence;
use crate::numdiff::richardson;
use std::f64::consts::PI;
use tape::Tensor;

/// The largest number of times that the path is halved to keep it on one branch of the function.
const HALVINGS: usize = 12;

/// A difference must exceed this many times what quadrature and rounding explain.
const MARGIN: f64 = 8.0;

/// The number of points on a path where differences must confirm its integral, and the levels of their extrapolation.
const CONFIRMING: usize = 4;
const LEVELS: u8 = 6;

/// Returns nodes and weights of Gauss-Legendre quadrature on `[0, 1]`, by Newton's method on the Legendre polynomial from
/// Tricomi's estimate of its roots (NIST Digital Library of Mathematical Functions, 3.5).
pub(crate) fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let node = |i: usize| {
        let mut x = (PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        let mut slope = 0.0;
        for _ in 0..8 {
            let (mut p, mut before) = (1.0, 0.0);
            for k in 0..n {
                let k = k as f64;
                (p, before) = (((2.0 * k + 1.0) * x * p - k * before) / (k + 1.0), p);
            }
            slope = n as f64 * (x * p - before) / (x * x - 1.0);
            x -= p / slope;
        }
        (0.5 * (1.0 + x), 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(node).collect()
}

impl Run<'_, '_> {
    /// Checks the identity along one random path through all inputs, with `nodes` nodes against half as many.
    pub(crate) fn path_integral(&mut self, nodes: usize) {
        let Direction::Dense(parts) = self.problem.random(&mut self.rng, |_| true) else { return };
        let outcome = self.integral(&parts, nodes);
        self.checks.push(Check { name: "path integral", outcome, evidence: Evidence::Interval });
    }

    fn integral(&mut self, parts: &[Option<Tensor>], nodes: usize) -> Outcome {
        let line = Direction::Dense(parts.to_vec());
        let rounding = rounding_along(&self.rounding_bounds, &line);
        let (mut length, mut failed) = (0.25, Vec::new());
        for _ in 0..HALVINGS {
            let end = self.problem.at(&line, length);
            let fine = self.quadrature(&line, parts, length, nodes);
            let coarse = self.quadrature(&line, parts, length, nodes / 2);
            let whole = end.same && end.deviation.is_finite();
            if let (true, Some((sum, size)), Some((coarse, _))) = (whole, fine, coarse) {
                let noise =
                    self.eta.max(f64::EPSILON * end.size) + 16.0 * f64::EPSILON * size + rounding * length;
                let allowed = MARGIN * ((sum - coarse).abs() + noise);
                let difference = (sum - end.deviation).abs();
                // Measured only on suspicion: the values may have more noise than a rounding of the outputs, more at the
                // ends of the path than close to the point of the check, and more than values that do not change show.
                let allowed = match difference <= allowed {
                    true => allowed,
                    false => allowed.max(MARGIN * self.noise_of_ends(&line, length)),
                };
                let decisive = allowed <= self.resolution * size;
                match difference <= allowed {
                    true if decisive && failed.is_empty() => {
                        return Outcome::Passed(allowed / size.max(f64::MIN_POSITIVE));
                    }
                    true if decisive => break,
                    true => {}
                    false => failed
                        .push(format!("integral {sum}, difference {}, allowed {allowed:.1e}", end.deviation)),
                }
                // A kink that no operation reports spoils one path; a wrong gradient spoils every path, and is wrong at
                // the nodes of the last one.
                match &failed[..] {
                    [first, _, _] if self.confirmed(&line, parts, length) => {
                        return Outcome::Failed(first.clone());
                    }
                    [_, _, _] => break,
                    [] => {}
                    _ => length *= 0.25,
                }
            }
            length *= 0.5;
        }
        Outcome::Skipped("no path stays on one smooth branch".to_string())
    }

    /// Measures the noise of the values at both ends of a path, and in the middle, and bounds the roundings inside them.
    fn noise_of_ends(&mut self, line: &Direction, length: f64) -> f64 {
        let noise = [0.0, 0.5, 1.0].map(|t| self.problem.noise(line, t * length, length));
        let inner = [0.0, 1.0].map(|t| self.problem.inner_rounding(line, t * length));
        noise.into_iter().chain(inner).fold(0.0, f64::max)
    }

    /// Returns `true` if differences along the path confirm that the gradient is wrong somewhere on it. If they do not, the
    /// function varies between the nodes of the quadrature.
    fn confirmed(&mut self, line: &Direction, parts: &[Option<Tensor>], length: f64) -> bool {
        // The noise of the values, divided by the narrowest step.
        let rounding = self.eta.max(f64::EPSILON * self.problem.at(line, length).size);
        let noise = rounding.max(self.noise_of_ends(line, length)) / length;
        let noise = noise * f64::from(1 << LEVELS) / 0.1;
        gauss_legendre(CONFIRMING).into_iter().any(|(t, _)| {
            let point = self.problem.point(line, t * length);
            let (slope, size) = self.slope_at(&point, parts);
            let along = |t: f64| self.problem.at(line, t * length).deviation / length;
            let numeric = richardson(along, t, LEVELS);
            (slope - numeric.mid).abs() > MARGIN * (numeric.radius + noise + 16.0 * f64::EPSILON * size)
        })
    }

    /// Returns the slope along a direction by the gradient at a point, `g · v`, and `Σ |g v|`.
    fn slope_at(&mut self, point: &[Tensor], parts: &[Option<Tensor>]) -> (f64, f64) {
        let cotangent = self.problem.cotangent.clone();
        let (mut slope, mut size) = (0.0, 0.0);
        for (g, v) in self.problem.gradients(point, &cotangent).iter().zip(parts) {
            let (Some(g), Some(v)) = (g, v) else { continue };
            for (g, v) in g.to_vec().into_iter().zip(v.to_vec()) {
                slope += g * v;
                size += (g * v).abs();
            }
        }
        (slope, size)
    }

    /// Returns the integral, and that of the sizes of its terms; `None` if the path leaves the branch it
    /// started on.
    fn quadrature(
        &mut self,
        line: &Direction,
        parts: &[Option<Tensor>],
        length: f64,
        nodes: usize,
    ) -> Option<(f64, f64)> {
        let (mut sum, mut size) = (0.0, 0.0);
        for (t, weight) in gauss_legendre(nodes) {
            let point = self.problem.point(line, t * length);
            if !self.problem.evaluate(&point).1 {
                return None;
            }
            let (slope, terms) = self.slope_at(&point, parts);
            sum += weight * length * slope;
            size += weight * length * terms;
        }
        sum.is_finite().then_some((sum, size))
    }
}

#[cfg(test)]
mod tests {
    use super::gauss_legendre;

    #[test]
    fn polynomials_of_twice_the_degree_are_exact() {
        for n in [4, 8, 16] {
            for degree in 0..2 * n as i32 {
                let integral: f64 = gauss_legendre(n).iter().map(|(x, w)| w * x.powi(degree)).sum();
                let exact = 1.0 / f64::from(degree + 1);
                assert!((integral - exact).abs() < 1e-15 * 4.0, "{n} nodes, degree {degree}: {integral}");
            }
        }
    }
}
