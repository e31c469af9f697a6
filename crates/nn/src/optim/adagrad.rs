//! AdaGrad.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, UpdateRule};
use crate::setting;
use tape::{Element, Error};

/// Duchi, Hazan and Singer (2011): the more an element moved, the smaller its steps become.
///
/// `s ← s + g²`, `w ← w - η g / (√s + ε)`; with a rate decay δ, step `t` uses `η / (1 + (t - 1) δ)`.
///
/// η is usually 1e-2 to 1.
///
/// ```
/// use nn::optim::AdaGrad;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(10.0);
/// let grads = { let tape = Tape::new(); w.on(&tape).square().sum().backward() };
/// AdaGrad::new(1.0).step(&mut w, &grads);
/// assert!((w.value().item() - 9.0).abs() < 1e-10);
/// ```
pub type AdaGrad<T = f64> = GradientDescent<AdaGradRule, T>;

/// The equations of [`AdaGrad`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdaGradRule {
    /// δ, the decay of the learning rate.
    pub rate_decay: f64,
    /// The initial value of `s`.
    pub initial: f64,
    /// ε, outside the root.
    pub eps: f64,
}

/// The settings of [`AdaGrad::new`].
impl Default for AdaGradRule {
    fn default() -> AdaGradRule {
        AdaGradRule { rate_decay: 0.0, initial: 0.0, eps: 1e-10 }
    }
}

impl<T: Element> AdaGrad<T> {
    /// The optimizer with δ = 0, `s` from 0, and ε = 1e-10.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> AdaGrad<T> {
        GradientDescent::with_rule(AdaGradRule::default(), learning_rate)
    }

    /// Sets δ.
    ///
    /// # Panics
    /// If δ is negative, infinite or NaN.
    #[track_caller]
    pub fn rate_decay(self, decay: f64) -> AdaGrad<T> {
        self.with(|rule| rule.rate_decay = decay)
    }

    /// Sets the initial value of `s`.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[track_caller]
    pub fn initial(self, initial: f64) -> AdaGrad<T> {
        self.with(|rule| rule.initial = initial)
    }

    /// Sets ε.
    ///
    /// # Panics
    /// If ε is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> AdaGrad<T> {
        self.with(|rule| rule.eps = eps)
    }
}

impl UpdateRule for AdaGradRule {
    const NAME: &'static str = "adagrad";

    fn slots(&self) -> &'static [&'static str] {
        &["square_sum"]
    }

    fn initial_slot_value(&self) -> f64 {
        self.initial
    }

    fn check(&self) -> Result<(), Error> {
        setting::not_negative(Self::NAME, "rate decay", self.rate_decay)?;
        setting::not_negative(Self::NAME, "initial sum", self.initial)?;
        setting::not_negative(Self::NAME, "epsilon", self.eps)
    }

    fn update<T: Element>(&self, rate: f64, clock: &mut Clock, x: Elements<'_, T>) {
        let rate = T::from_f64(rate / (1.0 + (clock.t() - 1.0) * self.rate_decay));
        let eps = T::from_f64(self.eps);
        x.each(|w, g, [s]| {
            *s += g * g;
            *w -= rate * g / (s.sqrt() + eps);
        });
    }
}
