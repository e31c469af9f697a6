//! Differences without any error.
//!
//! At dyadic numbers with few bits, a polynomial of degree at most 2 along the line, with coefficients of few
//! bits, has central differences without truncation or rounding. The function need not be known: either three
//! steps give the same bits, or they do not.

use super::problem::{Direction, Problem};
use tape::Tensor;

/// The steps, which leave room for the bits of products.
const STEPS: [f64; 3] = [1.0 / 8.0, 1.0 / 16.0, 1.0 / 32.0];

/// Multiples of this, not larger than its inverse, count as dyadic numbers of few bits.
const UNIT: f64 = 1.0 / 1024.0;

/// Returns `true` if all elements are dyadic numbers of few bits.
pub(crate) fn dyadic(x: &Tensor) -> bool {
    x.to_vec().iter().all(|x| (x / UNIT).fract() == 0.0 && x.abs() <= 1.0 / UNIT)
}

impl Problem<'_> {
    /// Returns the derivative along a line, if its differences are exact.
    pub(crate) fn exact(&mut self, line: &Direction) -> Option<f64> {
        let mut known = None;
        for h in STEPS {
            let (right, left) = (self.at(line, h), self.at(line, -h));
            let same = right.same && left.same;
            let difference = (right.deviation - left.deviation) / (2.0 * h);
            // A symmetric difference of a kink is as exact as that of a smooth function: the curvature
            // distinguishes them.
            let bend = (right.deviation + left.deviation) / (h * h);
            if !same || known.is_some_and(|known| known != (difference, bend)) {
                return None;
            }
            known = Some((difference, bend));
        }
        known.map(|(difference, _)| difference).filter(|d| d.is_finite())
    }
}
