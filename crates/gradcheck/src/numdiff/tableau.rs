//! Extrapolation to step 0, with a bound.

use super::Interval;

/// Differences at steps h, h/2, h/4, ..., extrapolated to step 0 (L. F. Richardson 1911; C. J. F. Ridders 1982).
///
/// Row `k` has the difference at step `h / 2ᵏ` and `T[k][j] = (q T[k][j-1] - T[k-1][j-1]) / (q - 1)`, which
/// removes another power of the step. Each entry is bounded by its distance from the two it was computed
/// from, and by the rounding noise of the differences, propagated through the same formula.
#[derive(Clone, Debug)]
pub(crate) struct Tableau {
    /// The power of the step that column `j` removes.
    exponent: fn(usize) -> i32,
    /// The last row: values with their noise.
    row: Vec<(f64, f64)>,
    /// The entry with the smallest bound.
    pub(crate) best: Interval,
    /// The noise within that bound.
    pub(crate) noise: f64,
    /// The row of that entry.
    pub(crate) at: usize,
    /// The number of rows.
    pub(crate) rows: usize,
}

impl Tableau {
    /// A tableau for differences whose error is `c₁ h² + c₂ h⁴ + ...`, like that of a central difference.
    pub(crate) fn even() -> Tableau {
        Tableau::new(|j| 2 * j as i32)
    }

    /// A tableau for differences whose error is `c₁ h + c₂ h³ + ...`.
    pub(crate) fn odd() -> Tableau {
        Tableau::new(|j| 2 * j as i32 - 1)
    }

    /// A tableau for differences whose error is `c₁ h + c₂ h² + ...`, like that of a one-sided difference.
    pub(crate) fn every() -> Tableau {
        Tableau::new(|j| j as i32)
    }

    fn new(exponent: fn(usize) -> i32) -> Tableau {
        let best = Interval { mid: f64::NAN, radius: f64::INFINITY };
        Tableau { exponent, row: Vec::new(), best, noise: f64::INFINITY, at: 0, rows: 0 }
    }

    /// Adds the difference at the next step, half the previous one.
    pub(crate) fn push(&mut self, difference: f64, noise: f64) {
        let mut row = vec![(difference, noise)];
        for (j, &(before, noise_before)) in (1..).zip(&self.row) {
            let q = 2f64.powi((self.exponent)(j));
            let (left, noise_left) = row[j - 1];
            // Written so that even the largest derivatives do not overflow.
            let value = left + (left - before) / (q - 1.0);
            let noise = noise_left + (noise_left + noise_before) / (q - 1.0);
            let radius = 2.0 * (value - left).abs().max((value - before).abs()) + noise;
            let radius = radius + 4.0 * f64::EPSILON * value.abs();
            // A NaN is no bound.
            if radius < self.best.radius {
                (self.best, self.noise, self.at) = (Interval { mid: value, radius }, noise, self.rows);
            }
            row.push((value, noise));
        }
        self.row = row;
        self.rows += 1;
    }
}
