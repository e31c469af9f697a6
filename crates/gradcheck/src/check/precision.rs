//! The gradient in `f64` against that in numbers of 32 digits, and that against differences in them.
//!
//! The first comparison takes no step and has no error but the roundings of `f64`. It cannot see a mistake that a rule makes in
//! both number types; the second one can. Its differences of order 8 have more than 20 digits, so along a random
//! direction through all inputs it misses no wrong entry.

use super::GradCheck;
use super::entry::{Entry, label};
use super::inputs::Inputs;
use super::report::{Check, Outcome};
use super::run::Run;
use super::setup::{Method, position};
use super::verdict::{Evidence, Reason, Verdict};
use crate::DoubleDouble;
use crate::numdiff::Interval;
use crate::precision::nodes::{Recording, nodes};
use tape::element::Constant;
use tape::internal::roundings;
use tape::{Element, Tape, Tensor, Var};

/// The same function in numbers of 32 digits.
pub(crate) type Exact<'f> = dyn for<'t> Fn(&Inputs<'t, DoubleDouble>) -> Var<'t, DoubleDouble> + 'f;

/// The name of the comparison.
const PRECISION: &str = "precision";

/// The step of the differences, relative to the inputs: its eighth power is below the last place.
const STEP: f64 = 1.0 / (1 << 20) as f64;

/// The error of differences: the last place, 1e-32, over the step, and some roundings of the function.
const DIFFERENCE: f64 = 1e-22;

/// Differences that are less certain than this, relative to the terms of the derivative, decide nothing.
const DECISIVE: f64 = 1e-15;

/// The weights of central differences of order 6 and 8, as fractions.
const ORDER_6: [(f64, f64); 3] = [(3.0, 4.0), (-3.0, 20.0), (1.0, 60.0)];
const ORDER_8: [(f64, f64); 4] = [(4.0, 5.0), (-1.0, 5.0), (4.0, 105.0), (-1.0, 280.0)];

/// The function with its gradient, recorded so that both are nodes.
fn recorded<'t, T: Element>(
    tape: &'t Tape<T>,
    inputs: &Inputs<'t, T>,
    tracked: &[bool],
    y: Var<'t, T>,
    cotangent: &Tensor,
) -> Recording<'t, T> {
    let leaves: Vec<Var<'t, T>> = (0..tracked.len()).filter(|&i| tracked[i]).map(|i| inputs.at(i)).collect();
    let function = tape.len();
    let gradients = y.grad(tape.constant(cotangent.cast::<T>()), leaves);
    Recording { tape, function, gradients }
}

/// The sum of `|cotangent · value|` over the inputs and all results. Times the last place it bounds, to first order, the rounding
/// of `ct · y`: each operation rounds its result, and its inner results as if its operands were rounded (it is backward stable).
/// The place matters: the cofactors of a matrix of rank 1 are 0, those of its neighbours are not, and by these the roundings
/// inside a determinant count.
fn sensitivity(y: Var<'_, DoubleDouble>, ct: Tensor<DoubleDouble>, inputs: &[Var<'_, DoubleDouble>]) -> f64 {
    let gradients = y.vjp(ct.clone());
    let of_input = |&x: &Var<'_, DoubleDouble>| -> f64 {
        let pairs = gradients.wrt(x).to_vec().into_iter().zip(x.value().to_vec());
        pairs.map(|(g, x)| (g * x).hi().abs()).sum()
    };
    roundings(y, ct).hi() + inputs.iter().map(of_input).sum::<f64>()
}

impl<'f> GradCheck<'f> {
    /// Gives [`Method::Precision`](super::Method::Precision) `f`, the same function in numbers of 32 digits. For functions that
    /// cannot be written as a [`Model`](super::Model).
    ///
    /// ```
    /// use gradcheck::{GradCheck, Method};
    /// let check = GradCheck::new(|v| v["x"].sin()).exact(|v| v["x"].sin()).input("x", [0.5, 2.0]);
    /// let certificate = check.method(Method::Precision).run().unwrap().require().unwrap();
    /// assert!(certificate.detectable < 1e-13);
    /// ```
    pub fn exact<F>(self, f: F) -> GradCheck<'f>
    where
        F: for<'t> Fn(&Inputs<'t, DoubleDouble>) -> Var<'t, DoubleDouble> + 'f,
    {
        GradCheck { exact: Some(Box::new(f)), ..self }
    }
}

impl Run<'_, '_> {
    /// Compares every entry with the gradient in numbers of 32 digits.
    pub(crate) fn precision(&mut self, f: Option<&Exact<'_>>) {
        let outcome = match f {
            Some(f) => self.digits(f),
            None => Outcome::Skipped("the function is not generic in its number type".to_string()),
        };
        self.checks.push(Check { name: PRECISION, outcome, evidence: Evidence::Reference });
    }

    fn digits(&mut self, f: &Exact<'_>) -> Outcome {
        let values: Vec<Tensor<DoubleDouble>> = self.problem.values.iter().map(Tensor::cast).collect();
        let tape = Tape::<DoubleDouble>::of();
        let inputs = Inputs::record(&tape, &self.problem.names, &values, &self.problem.tracked);
        let y = f(&inputs);
        let point = self.problem.values.clone();
        if !self.problem.decides_as(&point, &tape) {
            return Outcome::Skipped("the two number types decide differently".to_string());
        }
        let exact = recorded(&tape, &inputs, &self.problem.tracked, y, &self.problem.cotangent);
        let tracked: Vec<usize> = (0..values.len()).filter(|&i| self.problem.tracked[i]).collect();
        for (k, &input) in tracked.iter().enumerate() {
            for (at, reference) in exact.gradients[k].value().to_vec().into_iter().enumerate() {
                self.against(&exact, (k, input, at), reference.hi());
            }
        }
        let gradients = exact.gradients.iter().map(|gradient| gradient.value()).collect::<Vec<_>>();
        self.differences(f, &values, &tracked, &gradients)
    }

    /// Compares an entry with its value in numbers of 32 digits.
    fn against(
        &mut self,
        exact: &Recording<'_, DoubleDouble>,
        (k, input, at): (usize, usize, usize),
        reference: f64,
    ) {
        let index = position(self.inputs[input].value.shape(), at);
        let name = label(self.order, &self.inputs[input].name, &index, false);
        if self.only.as_ref().is_some_and(|only| *only != name) {
            return;
        }
        let analytic = self.gradients[input].as_ref().and_then(|g| g.as_slice()).map_or(0.0, |g| g[at]);
        let scale = self.scale(input);
        let numeric = Interval { mid: reference, radius: f64::EPSILON * reference.abs() };
        let error = (analytic - reference).abs();
        let mut rounding_bound = self.rounding_bounds[input][at];
        // The bound is measured, and may be too small: then the error itself is what roundings do.
        if error > numeric.radius + rounding_bound && self.explained(exact, (k, at), error) {
            rounding_bound = error;
        }
        let (allowed, needed) = (numeric.radius + rounding_bound, self.resolution * scale);
        let verdict = if !reference.is_finite() {
            Verdict::Inconclusive(Reason::NonFinite { at: 0.0 })
        } else if error.is_nan() || error > allowed {
            Verdict::Disagree
        } else if allowed > needed {
            Verdict::Inconclusive(Reason::Noise { r: allowed, needed })
        } else {
            Verdict::Agree
        };
        self.entries.push(Entry {
            input: self.inputs[input].name.clone(),
            index,
            direction: false,
            order: self.order,
            analytic,
            numeric,
            rounding_bound,
            h: 0.0,
            noise: 0.0,
            mde: allowed / scale,
            verdict,
            evidence: Evidence::Reference,
            method: Method::Precision,
        });
    }

    /// Returns `true` if the gradient recorded in `f64` is as far off and not by nodes that round badly: the function is
    /// ill-conditioned.
    fn explained(
        &mut self,
        exact: &Recording<'_, DoubleDouble>,
        (k, at): (usize, usize),
        error: f64,
    ) -> bool {
        let tape = Tape::<f64>::of();
        let inputs = Inputs::record(&tape, &self.problem.names, &self.problem.values, &self.problem.tracked);
        let y = (self.problem.f)(&inputs);
        let found = recorded(&tape, &inputs, &self.problem.tracked, y, &self.problem.cotangent);
        let [found_at, exact_at] =
            [found.gradients[k].value().to_vec()[at], exact.gradients[k].value().to_vec()[at].hi()];
        let views = (tape.view(), exact.tape.view());
        let same = views.0.nodes().len() == views.1.nodes().len()
            && views.0.nodes().iter().zip(views.1.nodes()).all(|(a, b)| a.op == b.op && a.shape == b.shape);
        // Shares, not units: where operands have no digits left, a product of two errors counts as a rounding.
        let blamed = || {
            let all = nodes(exact, (&views.0, &views.1), k, at);
            all.iter().filter(|node| node.rounds_badly()).map(|node| node.share.abs()).sum::<f64>()
        };
        same && (found_at - exact_at).abs() >= 0.5 * error && blamed() <= 0.5 * error
    }

    /// Compares the gradient in numbers of 32 digits, along a random direction, with differences in them.
    fn differences(
        &mut self,
        f: &Exact<'_>,
        values: &[Tensor<DoubleDouble>],
        tracked: &[usize],
        gradients: &[Tensor<DoubleDouble>],
    ) -> Outcome {
        let rng = &mut self.rng;
        // By the size of each entry, so that none leaves its scale; a zero has none.
        let mut moves = |x: &Tensor<DoubleDouble>| {
            let size = |x: DoubleDouble| if x == DoubleDouble::ZERO { 1.0 } else { x.hi().abs() };
            let mut entries = x.to_vec().into_iter();
            Tensor::from_fn(x.shape().clone(), |_| {
                DoubleDouble::from(entries.next().map_or(1.0, size) * rng.weight())
            })
        };
        let pairs = values.iter().zip(&self.problem.tracked);
        let along: Vec<Option<Tensor<DoubleDouble>>> =
            pairs.map(|(x, &tracked)| tracked.then(|| moves(x))).collect();
        let cotangent = self.problem.cotangent.to_vec();
        let (mut decisions, mut inner) = (true, 0.0);
        let farthest = STEP * ORDER_8.len() as f64;
        let mut value = |t: f64| {
            let moved: Vec<Tensor<DoubleDouble>> = values
                .iter()
                .zip(&along)
                .map(|(x, v)| v.as_ref().map_or(x.clone(), |v| x + &(v * DoubleDouble::from(t))))
                .collect();
            let tape = Tape::<DoubleDouble>::of();
            let inputs = Inputs::record(&tape, &self.problem.names, &moved, &self.problem.tracked);
            let y = f(&inputs);
            let point = self.problem.values.clone();
            decisions &= self.problem.decides_as(&point, &tape);
            if t.abs() == farthest {
                let leaves: Vec<Var<'_, DoubleDouble>> = tracked.iter().map(|&i| inputs.at(i)).collect();
                let ct = self.problem.cotangent.clone().reshape(y.shape()).cast();
                inner = f64::max(inner, sensitivity(y, ct, &leaves));
            }
            y.value()
                .to_vec()
                .into_iter()
                .zip(&cotangent)
                .map(|(y, &w)| y * DoubleDouble::from(w))
                .sum::<DoubleDouble>()
        };
        let pairs: [DoubleDouble; 4] = std::array::from_fn(|k| {
            let t = STEP * (k + 1) as f64;
            value(t) - value(-t)
        });
        let derivative = |weights: &[(f64, f64)]| {
            let terms = weights.iter().zip(pairs).map(|(&(a, b), pair)| pair * Constant::ratio(a, b).to());
            terms.sum::<DoubleDouble>() / DoubleDouble::from(STEP)
        };
        let (coarse, fine) = (derivative(&ORDER_6), derivative(&ORDER_8));
        let (mut claimed, mut size) = (DoubleDouble::ZERO, self.problem.magnitude());
        for (gradient, &input) in gradients.iter().zip(tracked) {
            for (g, v) in gradient.to_vec().into_iter().zip(along[input].iter().flat_map(Tensor::to_vec)) {
                claimed += g * v;
                size += (g * v).hi().abs();
            }
        }
        let error = (claimed - fine).hi().abs();
        let radius = (fine - coarse).hi().abs() + DIFFERENCE * (size + inner);
        if !decisions || radius.is_nan() || radius > DECISIVE * size {
            return Outcome::Skipped("differences of 32 digits do not settle".to_string());
        }
        if error > radius || error.is_nan() {
            return Outcome::Failed(format!(
                "along a direction {claimed}, by differences of 32 digits {fine}"
            ));
        }
        Outcome::Passed(error / size)
    }
}
