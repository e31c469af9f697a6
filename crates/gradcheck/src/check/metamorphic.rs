//! Laws that the gradient of any function obeys, checked without differences or tolerances.

use super::problem::Problem;
use super::report::{Check, Outcome};
use super::verdict::Evidence;
use tape::Tensor;

/// The largest number of inputs that are differentiated alone.
const ALONE: usize = 16;

/// Products below this lose digits to underflow.
const SMALL: f64 = 1e-250;

/// Gradients of the inputs; `None` for those held constant.
type Gradient = [Option<Tensor>];

/// Returns the first entry in which `factor · a` and `b` have different bits.
fn different(a: &Gradient, b: &Gradient, factor: f64) -> Option<(usize, usize)> {
    a.iter().zip(b).enumerate().find_map(|(input, (a, b))| {
        let (Some(a), Some(b)) = (a, b) else { return None };
        let pairs = a.to_vec().into_iter().zip(b.to_vec());
        let differs = |(a, b): (f64, f64)| {
            factor * a != b && a.is_finite() && a.abs() > SMALL || a.is_finite() != b.is_finite()
        };
        pairs.map(differs).position(|differs| differs).map(|at| (input, at))
    })
}

impl Problem<'_> {
    /// Checks that a second sweep gives the same bits, that twice the cotangent gives twice the gradient, and
    /// that the gradient of an input does not depend on which other inputs are differentiated.
    pub(crate) fn metamorphic(&mut self, gradients: &Gradient) -> Check {
        let failed = self.broken_law(gradients);
        let outcome = failed.map_or(Outcome::Passed(0.0), Outcome::Failed);
        Check { name: "metamorphic", outcome, evidence: Evidence::Exact }
    }

    fn broken_law(&mut self, gradients: &Gradient) -> Option<String> {
        let (values, cotangent) = (self.values.clone(), self.cotangent.clone());
        let names = self.names.clone();
        let say = |law: &str, (input, at): (usize, usize)| format!("{law} ({}, element {at})", names[input]);
        let again = self.gradients(&values, &cotangent);
        if let Some(entry) = different(gradients, &again, 1.0) {
            return Some(say("two sweeps differ", entry));
        }
        let doubled = self.gradients(&values, &cotangent.map_elements(|ct| 2.0 * ct));
        if let Some(entry) = different(gradients, &doubled, 2.0) {
            return Some(say("twice the cotangent is not twice the gradient", entry));
        }
        let tracked = self.tracked.clone();
        if tracked.iter().filter(|&&tracked| tracked).count() < 2 {
            return None;
        }
        for input in (0..tracked.len()).filter(|&i| tracked[i]).take(ALONE) {
            self.tracked = (0..tracked.len()).map(|i| i == input).collect();
            let alone = self.gradients(&values, &cotangent);
            self.tracked.clone_from(&tracked);
            if let Some(entry) = different(gradients, &alone, 1.0) {
                return Some(say("the gradient changes when the input is differentiated alone", entry));
            }
        }
        None
    }
}
