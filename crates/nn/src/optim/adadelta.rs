//! AdaDelta.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, Ema, UpdateRule};
use crate::setting;
use tape::{Element, Error};

/// Zeiler (2012): steps in the units of the weights, from the ratio of past steps to past gradients.
///
/// `s ← ρ s + (1 - ρ) g²`, `d = √(u + ε) / √(s + ε) g`, `u ← ρ u + (1 - ρ) d²`, `w ← w - η d`.
///
/// The paper has η = 1. The first steps are short, of the order of √ε.
///
/// ```
/// use nn::optim::AdaDelta;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(10.0);
/// let grads = { let tape = Tape::new(); w.on(&tape).square().sum().backward() };
/// AdaDelta::new(1.0).rho(0.95).step(&mut w, &grads);
/// assert!((w.value().item() - 9.995527864).abs() < 1e-9);
/// ```
pub type AdaDelta<T = f64> = GradientDescent<AdaDeltaRule, T>;

/// The equations of [`AdaDelta`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdaDeltaRule {
    /// ρ, the decay rate of the means.
    pub rho: f64,
    /// ε, inside the roots.
    pub eps: f64,
}

/// The settings of [`AdaDelta::new`].
impl Default for AdaDeltaRule {
    fn default() -> AdaDeltaRule {
        AdaDeltaRule { rho: 0.9, eps: 1e-6 }
    }
}

impl<T: Element> AdaDelta<T> {
    /// The optimizer with ρ = 0.9 and ε = 1e-6.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> AdaDelta<T> {
        GradientDescent::with_rule(AdaDeltaRule::default(), learning_rate)
    }

    /// Sets ρ, in [0, 1).
    ///
    /// # Panics
    /// If ρ is not in [0, 1).
    #[track_caller]
    pub fn rho(self, rho: f64) -> AdaDelta<T> {
        self.with(|rule| rule.rho = rho)
    }

    /// Sets ε.
    ///
    /// # Panics
    /// If ε is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> AdaDelta<T> {
        self.with(|rule| rule.eps = eps)
    }
}

impl UpdateRule for AdaDeltaRule {
    const NAME: &'static str = "adadelta";

    fn slots(&self) -> &'static [&'static str] {
        &["square_mean", "step_square_mean"]
    }

    fn check(&self) -> Result<(), Error> {
        setting::share(Self::NAME, "rho", self.rho)?;
        setting::not_negative(Self::NAME, "epsilon", self.eps)
    }

    fn update<T: Element>(&self, rate: f64, _clock: &mut Clock, x: Elements<'_, T>) {
        let (rate, eps) = (T::from_f64(rate), T::from_f64(self.eps));
        let mean = Ema::new(self.rho);
        x.each(|w, g, [s, u]| {
            *s = mean.next(*s, g * g);
            let d = (*u + eps).sqrt() / (*s + eps).sqrt() * g;
            *u = mean.next(*u, d * d);
            *w -= rate * d;
        });
    }
}
