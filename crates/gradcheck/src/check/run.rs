//! The state of a running check.

use super::GradCheck;
use super::entry::Entry;
use super::problem::Problem;
use super::report::Check;
use super::rounding::{relative, rounding_bounds};
use super::setup::{Input, Noise};
use tape::Tensor;
use tape::internal::SplitMix64;

/// A running check.
pub(crate) struct Run<'p, 'f> {
    pub(crate) problem: &'p mut Problem<'f>,
    pub(crate) inputs: &'p [Input],
    pub(crate) gradients: Vec<Option<Tensor>>,
    /// The rounding error of each entry of the gradients.
    pub(crate) rounding_bounds: Vec<Vec<f64>>,
    /// The largest entry of each gradient; 0 for one that may be zero, and is but for roundings.
    pub(crate) scales: Vec<f64>,
    /// The rounding noise of one evaluation.
    pub(crate) eta: f64,
    pub(crate) resolution: f64,
    pub(crate) rng: SplitMix64,
    pub(crate) entries: Vec<Entry>,
    pub(crate) checks: Vec<Check>,
    /// 1 for the gradient, 2 for that of the recorded gradient.
    pub(crate) order: u8,
    /// The entry that `GRADCHECK_ONLY` names.
    pub(crate) only: Option<String>,
}

impl<'p, 'f> Run<'p, 'f> {
    /// Computes the gradients with their rounding errors, and measures the noise.
    pub(crate) fn new(
        problem: &'p mut Problem<'f>,
        check: &'p GradCheck<'_>,
        mut rng: SplitMix64,
        order: u8,
    ) -> Run<'p, 'f> {
        let (values, cotangent) = (problem.values.clone(), problem.cotangent.clone());
        let gradients = problem.gradients(&values, &cotangent);
        let rounding_bounds = rounding_bounds(problem, &gradients, &mut rng);
        let scales = (0..values.len())
            .map(|i| size(&gradients[i], &rounding_bounds[i], check.inputs[i].zero))
            .collect();
        let eta = match check.noise {
            Noise::Ulps(k) => k * f64::EPSILON * problem.objective().abs(),
            Noise::DifferenceTable => {
                let line = relative(problem, &mut rng);
                problem.noise(&line, 0.0, problem.scale(&line))
            }
        };
        let (inputs, resolution) = (&check.inputs[..], check.resolution);
        let (entries, checks) = (Vec::new(), Vec::new());
        Run {
            problem,
            inputs,
            gradients,
            rounding_bounds,
            scales,
            eta,
            resolution,
            rng,
            entries,
            checks,
            order,
            only: None,
        }
    }

    /// Returns `true` if no input has a gradient.
    pub(crate) fn flat(&self) -> bool {
        self.scales.iter().all(|&scale| scale == 0.0)
    }

    /// Returns the size of derivatives with respect to an input: of its own gradient, or of all gradients if that is zero.
    pub(crate) fn scale(&self, input: usize) -> f64 {
        let all = self.scales.iter().fold(0.0, |max: f64, &s| if s.is_finite() { max.max(s) } else { max });
        match self.scales[input] {
            own if own > 0.0 && own.is_finite() => own,
            _ if all > 0.0 => all,
            // Without any gradient, the size of the values.
            _ => Some(self.problem.magnitude()).filter(|&size| size > 0.0).unwrap_or(1.0),
        }
    }
}

/// Returns the largest entry of a gradient. One that is declared `zero` and has nothing but roundings counts as 0: that of the sum
/// of a softmax is the sum of terms which are not 0.
fn size(gradient: &Option<Tensor>, rounding_bounds: &[f64], zero: bool) -> f64 {
    let entries = gradient.iter().flat_map(Tensor::to_vec).map(f64::abs);
    let rounded = |(g, bound): (f64, &f64)| g <= *bound;
    if zero && entries.clone().zip(rounding_bounds).all(rounded) { 0.0 } else { entries.fold(0.0, f64::max) }
}
