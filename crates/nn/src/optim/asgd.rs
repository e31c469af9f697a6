//! Averaged stochastic gradient descent.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, UpdateRule};
use crate::{Param, setting};
use tape::element::Real;
use tape::{Element, Error, Tensor};

/// Polyak and Juditsky (1992): gradient descent at a slowly falling rate, and the average of the weights on its way.
///
/// At step `t`, with `ηₜ = η / (1 + λ η (t - 1))^α`: `w ← (1 - λ ηₜ) w - ηₜ g`, and `a ← a + (w - a) / max(1, t - 1 - t₀)`,
/// so that `a` is the last weight until step `t₀ + 2`, and then the mean of all that follow. The steps are made with `w`;
/// [`average`](GradientDescent::average) is `a`, for evaluation. [`Average`](super::Average) averages under any optimizer.
///
/// η is usually 1e-2.
///
/// ```
/// use nn::optim::Asgd;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(1.0);
/// let mut optimizer = Asgd::new(0.5).decay(0.0).average_from(0);
/// for _ in 0..3 {
///     let grads = { let tape = Tape::new(); w.on(&tape).sum().backward() };
///     optimizer.step(&mut w, &grads);
/// }
/// assert_eq!(w.value().item(), -0.5);
/// // The weights were 0.5, 0 and -0.5; the average begins with the second.
/// assert_eq!(optimizer.average(&w).unwrap().item(), -0.25);
/// ```
pub type Asgd<T = f64> = GradientDescent<AsgdRule, T>;

/// The equations of [`Asgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AsgdRule {
    /// λ, the decay of the weights and of the rate.
    pub decay: f64,
    /// α, the power of the falling rate.
    pub power: f64,
    /// t₀, the step after which weights are averaged.
    pub average_from: u64,
}

/// The settings of [`Asgd::new`].
impl Default for AsgdRule {
    fn default() -> AsgdRule {
        AsgdRule { decay: 1e-4, power: 0.75, average_from: 1_000_000 }
    }
}

impl<T: Element> Asgd<T> {
    /// The optimizer with λ = 1e-4, α = 0.75 and t₀ = 10⁶.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> Asgd<T> {
        GradientDescent::with_rule(AsgdRule::default(), learning_rate)
    }

    /// Sets λ.
    ///
    /// # Panics
    /// If λ is negative, infinite or NaN.
    #[track_caller]
    pub fn decay(self, decay: f64) -> Asgd<T> {
        self.with(|rule| rule.decay = decay)
    }

    /// Sets α.
    ///
    /// # Panics
    /// If α is negative, infinite or NaN.
    #[track_caller]
    pub fn power(self, power: f64) -> Asgd<T> {
        self.with(|rule| rule.power = power)
    }

    /// Sets t₀.
    pub fn average_from(self, step: u64) -> Asgd<T> {
        self.with(|rule| rule.average_from = step)
    }

    /// The average of a parameter's weights, of the parameter's shape; `None` before its first step.
    pub fn average(&self, param: &Param<T>) -> Option<&Tensor<T>> {
        self.entries.get(&param.id())?.slots.first()
    }
}

impl UpdateRule for AsgdRule {
    const NAME: &'static str = "asgd";

    fn slots(&self) -> &'static [&'static str] {
        &["average"]
    }

    fn check(&self) -> Result<(), Error> {
        setting::not_negative(Self::NAME, "decay", self.decay)?;
        setting::not_negative(Self::NAME, "power", self.power)
    }

    fn update<T: Element>(&self, rate: f64, clock: &mut Clock, x: Elements<'_, T>) {
        let before = clock.steps - 1;
        let rate = rate / Real::pow(1.0 + self.decay * rate * before as f64, self.power);
        let share = 1.0 / before.saturating_sub(self.average_from).max(1) as f64;
        let [shrink, rate] = [1.0 - self.decay * rate, rate].map(T::from_f64);
        let (whole, share) = (share == 1.0, T::from_f64(share));
        x.each(|w, g, [average]| {
            *w = shrink * *w - rate * g;
            *average = if whole { *w } else { *average + share * (*w - *average) };
        });
    }
}
