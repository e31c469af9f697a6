//! Gradients in `f32` against those in `f64`.
//!
//! Differences in `f32` are too coarse to show anything (1e-4 at best), so a function generic over the format
//! is checked in `f64`, and its gradient in `f32` is compared with that in `f64`. The effect of rounding is
//! measured: the change of the `f64` gradient when inputs and cotangent move by a rounding of `f32`, as each
//! intermediate result does.

use super::entry::label;
use super::inputs::Inputs;
use super::report::{Check, Outcome};
use super::rounding::relative;
use super::run::Run;
use super::verdict::Evidence;
use super::{GradCheck, setup::position};
use tape::{Element, Tape, Tensor, Var};

/// The name of the comparison.
pub(crate) const SINGLE: &str = "f32";

/// One rounding of `f32`.
const ROUNDING: f64 = 1.0 / (1u64 << 24) as f64;

/// The number of roundings allowed to an entry, and the multiple of its change under one rounding of
/// everything: a gradient is the result of a few dozen operations.
const ALLOWED: f64 = 32.0;

/// The number of times that everything is perturbed by a rounding.
const DRAWS: usize = 4;

/// A function generic over the element type, so that its gradient is checked in both types.
///
/// ```
/// use gradcheck::{GradCheck, Inputs, Model};
/// use tape::{Element, Var};
///
/// struct Neuron;
///
/// impl Model for Neuron {
///     fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
///         (v["x"].matmul(v["w"]) + v["b"]).tanh()
///     }
/// }
///
/// let check = GradCheck::model(Neuron).input("w", [[0.5], [-2.0]]).input("b", 0.25).input("x", [[1.0, 0.75]]);
/// let report = check.run().unwrap();
/// assert!(report.to_string().contains("f32 ok"), "{report}");
/// report.require().unwrap();
/// ```
pub trait Model {
    /// Records the function on the tape of its inputs.
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T>;
}

/// The same function in `f32`.
pub(crate) type Single<'f> = dyn for<'t> Fn(&Inputs<'t, f32>) -> Var<'t, f32> + 'f;

impl<'f> GradCheck<'f> {
    /// Creates a check of a function in `f64`, and of its gradient in `f32` against that in `f64`. With
    /// [`Method::Precision`](super::Method::Precision) its gradient is compared with that of 32 digits.
    pub fn model<M: Model + 'f>(model: M) -> GradCheck<'f> {
        let model = std::rc::Rc::new(model);
        let (double, exact) = (model.clone(), model.clone());
        let check = GradCheck::new(move |v| double.record(v));
        GradCheck {
            single: Some(Box::new(move |v| model.record(v))),
            exact: Some(Box::new(move |v| exact.record(v))),
            ..check
        }
    }

    /// Also compares the gradient of `f`, the same function in `f32`, with that in `f64`, at inputs rounded to `f32`: the
    /// bound is that of a check of a [`Model`], some dozens of roundings of `f32` in the gradient and in the value, and
    /// the measured effect of rounding everything once. For functions that cannot be written as a `Model`.
    ///
    /// Both functions record the same operations in the same order. Where the gradients cannot be compared, the verdict is
    /// [`Reason::NotCompared`](super::Reason::NotCompared): the two recordings differ, or decide differently at a kink, or
    /// values are too large for `f32`.
    ///
    /// ```
    /// use gradcheck::{GradCheck, Verdict};
    /// use tape::{Element, Scalar, Var};
    ///
    /// /// The sum of `exp(x)`, with a derivative that is off by a factor.
    /// fn sum_exp<'t, T: Element>(x: Var<'t, T>, factor: T) -> Scalar<'t, T> {
    ///     x.tape().custom_vjp(&[x], |x| x[0].exp(), move |_, y, dy| vec![y * dy * factor]).sum()
    /// }
    ///
    /// let check = |factor: f32| {
    ///     GradCheck::loss(|v| sum_exp(v["x"], 1.0))
    ///         .single(move |v| sum_exp(v["x"], factor).to_var())
    ///         .input("x", [0.5, -2.0])
    /// };
    /// check(1.0).run().unwrap().require().unwrap();
    /// let report = check(1.001).run().unwrap();
    /// assert_eq!(report.verdict(), Verdict::Disagree);
    /// assert!(report.to_string().contains("f32 FAIL: x[0]"), "{report}");
    /// ```
    pub fn single<F: for<'t> Fn(&Inputs<'t, f32>) -> Var<'t, f32> + 'f>(self, f: F) -> GradCheck<'f> {
        GradCheck { single: Some(Box::new(f)), compared: true, ..self }
    }
}

impl Run<'_, '_> {
    /// Compares the gradients in both formats, at inputs rounded to `f32`.
    pub(crate) fn single(&mut self, f: &Single<'_>) {
        let outcome = self.formats(f);
        self.checks.push(Check { name: SINGLE, outcome, evidence: Evidence::Reference });
    }

    fn formats(&mut self, f: &Single<'_>) -> Outcome {
        let values: Vec<Tensor<f32>> = self.problem.values.iter().map(Tensor::cast).collect();
        let tape = Tape::single();
        let inputs = Inputs::record(&tape, &self.problem.names, &values, &self.problem.tracked);
        let y = f(&inputs);
        let finite = |x: &Tensor<f32>| x.to_vec().iter().all(|x| x.is_finite());
        if !values.iter().all(finite) || !finite(&y.value()) {
            return Outcome::Skipped("values too large for `f32`".to_string());
        }
        let grads = y.vjp(self.problem.cotangent.cast::<f32>());
        let rounded: Vec<Tensor> = values.iter().map(Tensor::cast).collect();
        if !self.problem.decides_as(&rounded, &tape) {
            return Outcome::Skipped("the two formats decide differently".to_string());
        }
        let cotangent = self.problem.cotangent.clone();
        let reference = self.problem.gradients(&rounded, &cotangent);
        let rounding_bounds = self.moved(&rounded, &reference);
        let floor = ALLOWED * ROUNDING * self.problem.magnitude();
        let mut worst = 0f64;
        for (i, (double, rounding_bound)) in reference.iter().zip(rounding_bounds).enumerate() {
            let Some(double) = double else { continue };
            let single = grads.wrt(inputs.at(i)).cast::<f64>().to_vec();
            for (at, ((single, double), rounding_bound)) in
                single.into_iter().zip(double.to_vec()).zip(rounding_bound).enumerate()
            {
                let allowed = ALLOWED * (ROUNDING * double.abs() + rounding_bound)
                    + floor
                    + f64::from(f32::MIN_POSITIVE);
                if double.is_finite() && double.abs() > f64::from(f32::MAX) {
                    return Outcome::Skipped("a gradient too large for `f32`".to_string());
                }
                let discrepancy_ratio = (single - double).abs() / allowed;
                // The derivative of a softmax of equal numbers is 0, but a rounding of the format may remain.
                let cancelled = ROUNDING / f64::EPSILON * self.rounding_bounds[i][at];
                if discrepancy_ratio > 1.0 && (single - double).abs() <= cancelled {
                    return Outcome::Skipped("a gradient of the size of its rounding".to_string());
                }
                if discrepancy_ratio > 1.0 || (single.is_finite() != double.is_finite()) {
                    let name = label(1, &self.problem.names[i], &position(rounded[i].shape(), at), false);
                    return Outcome::Failed(format!(
                        "{name}: f32 {single}, f64 {double}, allowed {allowed:.1e}"
                    ));
                }
                worst = worst.max(ALLOWED * ROUNDING * discrepancy_ratio);
            }
        }
        Outcome::Passed(worst)
    }

    /// Returns the change of each entry of the gradients under a rounding of inputs and cotangent.
    fn moved(&mut self, point: &[Tensor], reference: &[Option<Tensor>]) -> Vec<Vec<f64>> {
        let mut rounding_bounds: Vec<Vec<f64>> = point.iter().map(|x| vec![0.0; x.size()]).collect();
        for _ in 0..DRAWS {
            let line = relative(self.problem, &mut self.rng);
            let moved = self.problem.point(&line, ROUNDING);
            let mut cotangent = self.problem.cotangent.clone();
            cotangent.as_mut_slice().iter_mut().for_each(|ct| *ct *= 1.0 + ROUNDING * self.rng.weight());
            let again = self.problem.gradients(&moved, &cotangent);
            for ((rounding_bound, g), again) in rounding_bounds.iter_mut().zip(reference).zip(again) {
                let (Some(g), Some(again)) = (g, again) else { continue };
                let changes = g.to_vec().into_iter().zip(again.to_vec()).map(|(g, again)| (again - g).abs());
                rounding_bound
                    .iter_mut()
                    .zip(changes)
                    .for_each(|(rounding_bound, change)| *rounding_bound = rounding_bound.max(change));
            }
        }
        rounding_bounds
    }
}
