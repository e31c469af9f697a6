//! Gradient descent, with optional momentum.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, UpdateRule};
use crate::setting;
use tape::{Element, Error};

/// Gradient descent: `w ← w - η g`; with momentum μ, `v ← μ v + g` and `w ← w - η v`, where `v` starts at 0.
///
/// On a constant gradient the step tends to `η g / (1 - μ)`. (Where the literature writes
/// `Δw ← -η g + α Δw`, `Δw` is `-η v`: the same as long as η does not change.) The randomness lies in the choice of
/// batches, not in this rule.
///
/// η is usually 1e-3 to 1, μ 0 or 0.9.
///
/// ```
/// use nn::Param;
/// use nn::optim::{Optimizer, Sgd};
/// use tape::Tape;
/// let mut w = Param::new([1.0]);
/// let mut optimizer = Sgd::new(0.1).momentum(0.5);
/// let mut tape = Tape::new();
/// for expected in [0.8, 0.54] {
///     let grads = (w.on(&tape) * w.on(&tape)).sum().backward();
///     tape.reset();
///     optimizer.step(&mut w, &grads);
///     assert!((w.value().item() - expected).abs() < 1e-15);
/// }
/// ```
pub type Sgd<T = f64> = GradientDescent<SgdRule, T>;

/// The equations of [`Sgd`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SgdRule {
    /// μ, the share of the last step that is kept; 0 for none.
    pub momentum: f64,
    /// τ: all gradients but the first enter `v` with the factor `1 - τ`.
    pub dampening: f64,
    /// Whether the step looks ahead (Nesterov).
    pub nesterov: bool,
}

impl<T: Element> Sgd<T> {
    /// Plain gradient descent with the learning rate η.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> Sgd<T> {
        GradientDescent::with_rule(SgdRule::default(), learning_rate)
    }

    /// Sets the momentum μ, in [0, 1); 0 removes it, Nesterov's too.
    ///
    /// # Panics
    /// If μ is not in [0, 1).
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> Sgd<T> {
        self.with(|rule| {
            rule.momentum = momentum;
            rule.nesterov &= momentum != 0.0;
        })
    }

    /// Sets the dampening τ, in [0, 1]: `v ← μ v + (1 - τ) g`, but `v ← g` in the first step.
    ///
    /// # Panics
    /// If τ is not in [0, 1].
    #[track_caller]
    pub fn dampening(self, dampening: f64) -> Sgd<T> {
        self.with(|rule| rule.dampening = dampening)
    }

    /// Uses Nesterov's momentum in the form of Sutskever and others (2013): `w ← w - η (g + μ v)`, with the
    /// new `v`. Set the [`momentum`](GradientDescent::momentum) first.
    ///
    /// # Panics
    /// If there is no momentum.
    #[track_caller]
    pub fn nesterov(self) -> Sgd<T> {
        self.with(|rule| rule.nesterov = true)
    }
}

impl UpdateRule for SgdRule {
    const NAME: &'static str = "sgd";

    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["velocity"] }
    }

    fn check(&self) -> Result<(), Error> {
        setting::share(Self::NAME, "momentum", self.momentum)?;
        setting::part(Self::NAME, "dampening", self.dampening)?;
        let found = self.momentum;
        setting::check(Self::NAME, found > 0.0 || !self.nesterov, "a momentum for Nesterov's step", found)
    }

    fn update<T: Element>(&self, rate: f64, clock: &mut Clock, x: Elements<'_, T>) {
        let (rate, momentum) = (T::from_f64(rate), T::from_f64(self.momentum));
        let share = T::from_f64(if clock.steps == 1 { 1.0 } else { 1.0 - self.dampening });
        match (self.momentum != 0.0, self.nesterov) {
            (false, _) => x.each(|w, g, []| *w -= rate * g),
            (true, false) => x.each(|w, g, [v]| {
                *v = momentum * *v + share * g;
                *w -= rate * *v;
            }),
            (true, true) => x.each(|w, g, [v]| {
                *v = momentum * *v + share * g;
                *w -= rate * (g + momentum * *v);
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Param;
    use crate::optim::Optimizer;
    use tape::{Gradients, Tape};

    /// Gradients of the sum of `g · w` for every parameter: a constant gradient `g`.
    fn constant_gradients(params: &[Param], g: f64) -> Gradients {
        let tape = Tape::new();
        let terms = params.iter().map(|w| (w.on(&tape) * g).sum());
        terms.reduce(|a, b| a + b).expect("there are parameters").backward()
    }

    #[test]
    fn momentum_follows_its_closed_form() {
        let (rate, momentum, g) = (0.1, 0.9, 2.0);
        let mut w = vec![Param::new([1.0, -1.0])];
        let mut optimizer = Sgd::new(rate).momentum(momentum);
        let mut sum = 0.0;
        for n in 1..=60 {
            let grads = constant_gradients(&w, g);
            optimizer.step(&mut w, &grads);
            // v after n steps is g (1 - μⁿ) / (1 - μ).
            sum += g * (1.0 - momentum.powi(n)) / (1.0 - momentum);
            let expected = [1.0 - rate * sum, -1.0 - rate * sum];
            for (w, expected) in w[0].value().to_vec().iter().zip(expected) {
                assert!((w - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{w} != {expected}");
            }
        }
    }

    #[test]
    fn frozen_parameters_and_buffers_stay() {
        let mut model = vec![Param::new([1.0]), Param::new([2.0]), Param::buffer([3.0])];
        model[1].freeze();
        let grads = constant_gradients(&model, 1.0);
        Sgd::new(0.5).step(&mut model, &grads);
        let values: Vec<f64> = model.iter().map(|p| p.value().item()).collect();
        assert_eq!(values, [0.5, 2.0, 3.0]);
    }

    #[test]
    #[should_panic(expected = "sgd: no gradient for any of the model's 1 parameters")]
    fn gradients_of_another_model_are_refused() {
        let model = vec![Param::new([1.0])];
        let grads = constant_gradients(&model, 1.0);
        Sgd::new(0.5).step(&mut model.clone(), &grads);
    }
}
