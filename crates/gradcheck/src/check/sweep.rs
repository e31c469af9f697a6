//! The error of every difference formula against its step: the V-shaped curves of textbooks, for any function.

use super::GradCheck;
use super::problem::Direction;
use super::setup::SetupError;
use crate::numdiff::weights;
use std::ops::RangeInclusive;
use tape::internal::SplitMix64;

/// The formulas of a sweep, by the number of their points.
pub const FORMULAS: [&str; 5] = ["forward", "central", "5-point", "7-point", "Richardson"];

/// The errors at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweepPoint {
    /// The step.
    pub h: f64,
    /// `|difference - derivative|` by the formulas of [`FORMULAS`], in order. Richardson's extrapolation uses
    /// the central differences of this step and the next three, and is NaN if these are not part of the
    /// sweep.
    pub errors: [f64; 5],
}

/// The error of difference formulas against their step, at one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The derivative by the tape, relative to which errors are measured.
    pub derivative: f64,
    /// The measured rounding noise of one evaluation.
    pub noise: f64,
    /// The steps at which truncation and noise balance, as predicted by the curves: the minimum of each.
    pub best: [f64; 5],
    /// The curves, from the widest step to the narrowest.
    pub points: Vec<SweepPoint>,
}

impl GradCheck<'_> {
    /// Measures the errors of difference formulas at one entry, for steps `2^k` with `k` in `exponents`.
    ///
    /// ```
    /// use gradcheck::GradCheck;
    /// let sweep = GradCheck::loss(|v| v["x"].exp().sum()).input("x", [1.0, 2.0]).sweep("x", &[0], -50..=-2).unwrap();
    /// assert!((sweep.derivative - 1f64.exp()).abs() < 1e-15);
    /// // The central difference is best near the cube root of the rounding error, the forward one near its
    /// // square root; an extrapolation prefers wide steps.
    /// let [forward, central, ..] = sweep.best;
    /// assert!(forward < 1e-6 && central > 1e-6 && central < 1e-3 && sweep.best[4] > 1e-3);
    /// assert_eq!(sweep.to_csv().lines().count(), 50);
    /// println!("{}", sweep.chart());
    /// ```
    ///
    /// # Errors
    /// If there is no such entry, or the check cannot be run.
    pub fn sweep(
        &self,
        input: &str,
        index: &[usize],
        exponents: RangeInclusive<i32>,
    ) -> Result<Sweep, SetupError> {
        let mut problem = self.problem(&mut SplitMix64(self.seed))?;
        let found = self.inputs.iter().position(|i| i.name == input && i.tracked);
        let line = found.and_then(|input| {
            let shape = self.inputs[input].value.shape();
            let inside = index.len() == shape.rank() && index.iter().zip(shape.iter()).all(|(i, n)| i < n);
            let at = index.iter().zip(shape.iter()).fold(0, |at, (i, n)| at * n + i);
            inside.then_some((input, at))
        });
        let Some((input, at)) = line else {
            return Err(SetupError::Entry { input: input.to_string(), index: index.to_vec() });
        };
        let line = Direction::Entry { input, at };
        let (values, cotangent) = (problem.values.clone(), problem.cotangent.clone());
        let gradient = problem.gradients(&values, &cotangent);
        let derivative = gradient[input].as_ref().map_or(0.0, |g| g.to_vec()[at]);
        let noise = problem.noise(&line, 0.0, problem.scale(&line));
        let (mut points, mut centrals) = (Vec::new(), Vec::new());
        for exponent in exponents.rev() {
            let h = 2f64.powi(exponent);
            let mut pair = |i: f64| {
                let difference = problem.at(&line, i * h).deviation - problem.at(&line, -i * h).deviation;
                difference * (2.0 * i * h / problem.width(&line, i * h))
            };
            let pairs = [1.0, 2.0, 3.0].map(&mut pair);
            let forward = problem.at(&line, h).deviation / (0.5 * problem.width(&line, h));
            let central =
                [3, 5, 7].map(|n| weights(n).iter().zip(&pairs).map(|(w, d)| w * d).sum::<f64>() / h);
            let values = [forward, central[0], central[1], central[2], f64::NAN];
            centrals.push(central[0]);
            points.push(SweepPoint { h, errors: values.map(|d| (d - derivative).abs()) });
        }
        for (point, halvings) in points.iter_mut().zip(centrals.windows(HALVINGS)) {
            point.errors[4] = (extrapolated(halvings) - derivative).abs();
        }
        let smallest = |k: usize| {
            let finite = points.iter().filter(|p| p.errors[k].is_finite());
            finite.min_by(|a, b| a.errors[k].total_cmp(&b.errors[k])).map_or(f64::NAN, |p| p.h)
        };
        Ok(Sweep { derivative, noise, best: [0, 1, 2, 3, 4].map(smallest), points })
    }
}

/// The number of central differences that are extrapolated together.
const HALVINGS: usize = 4;

/// Returns the limit of central differences at steps that are halved each time: their error is a series in `h²`.
fn extrapolated(halvings: &[f64]) -> f64 {
    let mut row = halvings.to_vec();
    let mut factor = 4.0;
    while row.len() > 1 {
        row = row.windows(2).map(|d| (factor * d[1] - d[0]) / (factor - 1.0)).collect();
        factor *= 4.0;
    }
    row[0]
}

/// Rows and symbols of the chart.
const ROWS: i32 = 20;
const SYMBOLS: [char; 5] = ['f', 'c', '5', '7', 'R'];

impl Sweep {
    /// Returns the curves as comma-separated values, with a header.
    pub fn to_csv(&self) -> String {
        let mut csv = format!("h,{}\n", FORMULAS.join(","));
        for SweepPoint { h, errors } in &self.points {
            csv += &format!("{h:e},{}\n", errors.map(|error| format!("{error:e}")).join(","));
        }
        csv
    }

    /// Draws the curves in letters: steps from wide to narrow, a decade of the relative error in each row.
    pub fn chart(&self) -> String {
        let scale = self.derivative.abs().max(f64::MIN_POSITIVE);
        let row = |error: f64| (-(error / scale).log10()).floor().clamp(0.0, f64::from(ROWS - 1)) as usize;
        let mut cells = vec![vec![' '; self.points.len()]; ROWS as usize];
        for (column, point) in self.points.iter().enumerate() {
            for (error, symbol) in point.errors.iter().zip(SYMBOLS).filter(|(error, _)| error.is_finite()) {
                cells[row(*error)][column] = symbol;
            }
        }
        let mut chart =
            String::from("relative error against step: f forward, c central, 5 and 7 points, R Richardson\n");
        for (decade, cells) in cells.iter().enumerate() {
            chart += &format!("1e-{decade:02} |{}\n", cells.iter().collect::<String>().trim_end());
        }
        let ends = self.points.first().zip(self.points.last());
        let (wide, narrow) = ends.map_or((f64::NAN, f64::NAN), |(first, last)| (first.h, last.h));
        let axis = "-".repeat(self.points.len());
        chart += &format!("      +{axis}\n       h = {wide:.0e} ... {narrow:.0e}\n");
        chart + &format!("       noise of one evaluation {:.1e}\n", self.noise)
    }
}
