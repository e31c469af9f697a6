//! L-BFGS: Newton's method with a Hessian approximated from the last steps.

mod history;
mod line_search;
mod state;
#[cfg(test)]
mod tests;

use super::error::StepError;
use super::gradients::collect;
use crate::parameters::{Parameters, Path};
use crate::setting::{self, expect};
use history::{History, Pair, dot};
use line_search::{Trial, search};
use std::collections::VecDeque;
use tape::{Element, Gradients};

const NAME: &str = "lbfgs";

/// Limited-memory BFGS with a line search for the strong Wolfe conditions (Nocedal and Wright, "Numerical
/// Optimization", 2006, chapters 3 and 7), or [without one](Lbfgs::without_line_search).
///
/// For small models and the whole batch: the function must be the same at every evaluation, so no random batches
/// and no random layers. A step makes several iterations, and each evaluates the function at least once.
///
/// # Numbers that are not finite
/// If the value of the function or its gradient is infinite or NaN at the start, a step does nothing. No step
/// ends at such a point: if the search reaches one, or if products of gradients overflow (in `f64` beyond
/// 1e154), the step ends at the last finite point and the memory is cleared.
///
/// ```
/// use nn::Param;
/// use nn::optim::Lbfgs;
/// use tape::Tape;
/// // Rosenbrock's valley, from its customary start.
/// let mut w = Param::new([-1.2, 1.0]);
/// let mut optimizer = Lbfgs::new().iterations(100).tolerances(1e-10, 1e-14);
/// let least = optimizer.step(&mut w, |w| {
///     let tape = Tape::new();
///     let x = w.on(&tape);
///     let (a, b) = (x.at([0]), x.at([1]));
///     let f = (1.0 - a).square() + 100.0 * (b - a.square()).square();
///     (f.value(), f.backward())
/// });
/// assert!(least < 1e-16, "{least:e}");
/// assert!(w.value().to_vec().iter().all(|w| (w - 1.0).abs() < 1e-7));
/// ```
#[derive(Clone, Debug)]
pub struct Lbfgs<T: Element = f64> {
    learning_rate: f64,
    iterations: usize,
    evaluations: usize,
    history: usize,
    gradient_tolerance: f64,
    change_tolerance: f64,
    line_search: bool,
    memory: History<T>,
    last: Option<Last<T>>,
}

/// The last iteration: its direction, its length, and the gradient from which it started.
#[derive(Clone, Debug)]
struct Last<T> {
    direction: Vec<T>,
    length: f64,
    gradient: Vec<T>,
}

impl<T: Element> Default for Lbfgs<T> {
    fn default() -> Lbfgs<T> {
        Lbfgs::new()
    }
}

impl<T: Element> Lbfgs<T> {
    /// The optimizer with 20 iterations and 25 evaluations per step, a memory of 10 steps, and tolerances
    /// 1e-7 and 1e-9.
    pub fn new() -> Lbfgs<T> {
        Lbfgs {
            learning_rate: 1.0,
            iterations: 20,
            evaluations: 25,
            history: 10,
            gradient_tolerance: 1e-7,
            change_tolerance: 1e-9,
            line_search: true,
            memory: History { pairs: Default::default() },
            last: None,
        }
    }

    /// Sets η, the step length that each line search tries first (except the very first, which begins
    /// smaller); [without one](Lbfgs::without_line_search), the step length. The default, 1, is that of Newton's method.
    ///
    /// # Panics
    /// If it is not a finite number above 0.
    #[track_caller]
    pub fn learning_rate(self, learning_rate: f64) -> Lbfgs<T> {
        expect(setting::positive(NAME, "learning rate", learning_rate));
        Lbfgs { learning_rate, ..self }
    }

    /// Sets the maximum number of iterations per step; none begins after a quarter more evaluations.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn iterations(self, iterations: usize) -> Lbfgs<T> {
        expect(setting::counts(NAME, "number of iterations", &[iterations]));
        Lbfgs { iterations, evaluations: iterations.saturating_add(iterations / 4), ..self }
    }

    /// Sets the number of remembered steps; with 0, the direction is that of the negative gradient.
    pub fn history(self, steps: usize) -> Lbfgs<T> {
        Lbfgs { history: steps, ..self }
    }

    /// Makes every step as long as the learning rate says, without a line search: one evaluation for each iteration, but
    /// nothing keeps the value from growing. (The very first step is shorter, `η min(1, 1 / Σ |g|)`.) A step to a point
    /// where the function is not finite is still taken back.
    ///
    /// ```
    /// use nn::Param;
    /// use nn::optim::Lbfgs;
    /// use tape::Tape;
    /// let mut w = Param::new([2.0, -1.0]);
    /// let mut optimizer = Lbfgs::new().without_line_search().learning_rate(0.5).iterations(40).tolerances(1e-10, 1e-16);
    /// let least = optimizer.step(&mut w, |w| {
    ///     let tape = Tape::new();
    ///     let f = (w.on(&tape) * tape.constant([1.0, 3.0])).square().sum();
    ///     (f.value(), f.backward())
    /// });
    /// assert!(least < 1e-12, "{least:e}");
    /// ```
    pub fn without_line_search(self) -> Lbfgs<T> {
        Lbfgs { line_search: false, ..self }
    }

    /// Sets the tolerances: a step ends when no element of the gradient exceeds the first, when no element of an
    /// iteration's step exceeds the second, or when the change of the value is below the second.
    ///
    /// # Panics
    /// If one of them is negative, infinite or NaN.
    #[track_caller]
    pub fn tolerances(self, gradient: f64, change: f64) -> Lbfgs<T> {
        expect(setting::not_negative(NAME, "tolerance of the gradient", gradient));
        expect(setting::not_negative(NAME, "tolerance of changes", change));
        Lbfgs { gradient_tolerance: gradient, change_tolerance: change, ..self }
    }

    /// Iterates until one of the limits or tolerances is reached. `objective` returns the value and the
    /// gradients of the function for a model; the final value is returned.
    ///
    /// # Panics
    /// If there is no gradient for any parameter of the model, or one of another shape than its parameter; if
    /// the number of trainable elements of the model differs from that in the last step.
    #[track_caller]
    pub fn step<M: Parameters<T> + ?Sized>(
        &mut self,
        model: &mut M,
        objective: impl FnMut(&M) -> (T, Gradients<T>),
    ) -> f64 {
        match self.try_step(model, objective) {
            Ok(value) => value,
            Err(error) => error.panic(),
        }
    }

    /// As [`step`](Lbfgs::step), with an error instead of a panic.
    ///
    /// # Errors
    /// If [`step`](Lbfgs::step) panics. The model is unchanged, unless only a later evaluation returned
    /// such gradients.
    pub fn try_step<M: Parameters<T> + ?Sized>(
        &mut self,
        model: &mut M,
        mut objective: impl FnMut(&M) -> (T, Gradients<T>),
    ) -> Result<f64, StepError> {
        let (mut value, mut gradient) = evaluate(model, &mut objective)?;
        if let Some(Last { gradient: before, .. }) = &self.last
            && before.len() != gradient.len()
        {
            let (expected, found) = (before.len(), gradient.len());
            return Err(StepError::Count { optimizer: NAME, expected, found });
        }
        if !value.is_finite() || !all_finite(&gradient) {
            return Ok(value);
        }
        let mut evaluations = 1;
        for _ in 0..self.iterations {
            if largest(&gradient) <= self.gradient_tolerance {
                break;
            }
            let (direction, first) = self.propose(&gradient);
            let slope = dot(&gradient, &direction);
            if !slope.is_finite() || !all_finite(&direction) {
                self.forget();
                break;
            }
            // Not a descent direction, or too slight a descent for a step.
            if slope > -self.change_tolerance {
                break;
            }
            let origin = positions(model, &gradient);
            let mut refused = None;
            let mut along = |t: f64| {
                place(model, &origin, t, &direction);
                let (value, gradient) = evaluate(model, &mut objective).unwrap_or_else(|error| {
                    refused.get_or_insert(error);
                    (f64::NAN, vec![T::NAN; direction.len()])
                });
                let slope = dot(&gradient, &direction);
                Trial { t, value, slope, gradient }
            };
            let (found, count) = match self.line_search {
                true => {
                    let start = Trial { t: 0.0, value, slope, gradient: gradient.clone() };
                    search(along, start, first, self.change_tolerance / largest(&direction))
                }
                false => (along(first), 1),
            };
            let good = found.t.is_finite() && found.value.is_finite() && all_finite(&found.gradient);
            place(model, &origin, if good { found.t } else { 0.0 }, &direction);
            if !good {
                self.forget();
            }
            if let Some(error) = refused {
                return Err(error);
            }
            if !good {
                break;
            }
            evaluations += count;
            let change = (found.value - value).abs();
            let moved = largest(&direction) * found.t;
            self.last = Some(Last { direction, length: found.t, gradient });
            (value, gradient) = (found.value, found.gradient);
            if evaluations >= self.evaluations
                || moved <= self.change_tolerance
                || change < self.change_tolerance
            {
                break;
            }
        }
        Ok(value)
    }

    /// Restarts with the next iteration.
    fn forget(&mut self) {
        (self.memory, self.last) = (History { pairs: VecDeque::new() }, None);
    }

    /// The direction of the next iteration, and the length to try first.
    fn propose(&mut self, gradient: &[T]) -> (Vec<T>, f64) {
        let Some(Last { direction, length, gradient: before }) = self.last.take() else {
            let sum: f64 = gradient.iter().map(|g| g.to_f64().abs()).sum();
            return (self.memory.direction(gradient), (1.0 / sum).min(1.0) * self.learning_rate);
        };
        let length = T::from_f64(length);
        let s = direction.iter().map(|&d| length * d).collect();
        let y = gradient.iter().zip(&before).map(|(&g, &before)| g - before).collect();
        self.memory.push(Pair { s, y }, self.history);
        (self.memory.direction(gradient), self.learning_rate)
    }
}

/// Returns `true` if all elements are finite.
fn all_finite<T: Element>(x: &[T]) -> bool {
    x.iter().all(|x| x.is_finite())
}

/// The largest absolute value.
fn largest<T: Element>(x: &[T]) -> f64 {
    x.iter().fold(0.0, |largest, x| largest.max(x.to_f64().abs()))
}

/// The value, and the gradients of all trainable parameters, concatenated; zeros for those that took no part.
///
/// # Errors
/// If there is no gradient at all, or one of another shape than its parameter.
fn evaluate<T: Element, M: Parameters<T> + ?Sized>(
    model: &M,
    objective: &mut impl FnMut(&M) -> (T, Gradients<T>),
) -> Result<(f64, Vec<T>), StepError> {
    let (value, grads) = objective(model);
    let mut found = Vec::new();
    let parameters = collect(NAME, model, &grads, &mut found)?;
    if found.is_empty() {
        return Err(StepError::NoGradient { optimizer: NAME, parameters });
    }
    let (mut all, mut found) = (Vec::new(), found.into_iter().peekable());
    model.visit(&Path::root(), &mut |_, param| {
        if !param.is_trainable() {
            return;
        }
        match found.next_if(|(id, _)| *id == param.id()) {
            Some((_, gradient)) => all.extend(gradient.to_vec()),
            None => all.resize(all.len() + param.value().size(), T::ZERO),
        }
    });
    Ok((value.to_f64(), all))
}

/// The trainable parameters, concatenated.
fn positions<T: Element, M: Parameters<T> + ?Sized>(model: &M, gradient: &[T]) -> Vec<T> {
    let mut all = Vec::with_capacity(gradient.len());
    model.visit(&Path::root(), &mut |_, param| {
        if param.is_trainable() {
            all.extend(param.value().to_vec());
        }
    });
    all
}

/// Moves the model to `origin + t direction`, and applies the requests of the forward pass.
fn place<T: Element, M: Parameters<T> + ?Sized>(model: &mut M, origin: &[T], t: f64, direction: &[T]) {
    let (t, mut steps) = (T::from_f64(t), origin.iter().zip(direction));
    model.visit_mut(&Path::root(), &mut |_, param| {
        param.settle();
        if param.is_trainable() {
            for (w, (&x, &d)) in param.value_mut().as_mut_slice().iter_mut().zip(&mut steps) {
                *w = x + t * d;
            }
        }
    });
}
