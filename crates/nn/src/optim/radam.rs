//! RAdam.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, Ema, UpdateRule, power};
use crate::setting;
use tape::element::Real;
use tape::{Element, Error};

/// Liu and others (2020): [`Adam`](super::Adam) whose first steps do without the root, of which too few gradients are
/// known then.
///
/// With `m̂` and `v̂` of Adam, `ρ∞ = 2 / (1 - β₂) - 1` and `ρₜ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ)`: while `ρₜ ≤ 5`,
/// `w ← w - η m̂`; then `w ← w - η r m̂ / √v̂` with `r² = (ρₜ - 4) (ρₜ - 2) ρ∞ / ((ρ∞ - 4) (ρ∞ - 2) ρₜ)`, where ε is
/// added to the root of `v`, before its correction. With β₂ = 0.999 the first five steps are those without the root.
///
/// η is usually 1e-4 to 1e-2.
///
/// ```
/// use nn::optim::RAdam;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(10.0);
/// let grads = { let tape = Tape::new(); w.on(&tape).square().sum().backward() };
/// RAdam::new(0.1).step(&mut w, &grads);
/// assert!((w.value().item() - 8.0).abs() < 1e-9); // the gradient is 20, and there is no root yet
/// ```
pub type RAdam<T = f64> = GradientDescent<RAdamRule, T>;

/// The equations of [`RAdam`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RAdamRule {
    /// β₁ and β₂, the decay rates of the means.
    pub betas: (f64, f64),
    /// ε, outside the root.
    pub eps: f64,
    /// Whether the weight decay is decoupled from the gradient.
    pub decoupled: bool,
}

/// The settings of [`RAdam::new`].
impl Default for RAdamRule {
    fn default() -> RAdamRule {
        RAdamRule { betas: (0.9, 0.999), eps: 1e-8, decoupled: false }
    }
}

impl<T: Element> RAdam<T> {
    /// The optimizer with β₁ = 0.9, β₂ = 0.999 and ε = 1e-8.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> RAdam<T> {
        GradientDescent::with_rule(RAdamRule::default(), learning_rate)
    }

    /// Sets β₁ and β₂, in [0, 1).
    ///
    /// # Panics
    /// If one of them is not in [0, 1).
    #[track_caller]
    pub fn betas(self, first: f64, second: f64) -> RAdam<T> {
        self.with(|rule| rule.betas = (first, second))
    }

    /// Sets ε.
    ///
    /// # Panics
    /// If ε is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> RAdam<T> {
        self.with(|rule| rule.eps = eps)
    }

    /// Uses the weight decay of [`AdamW`](super::AdamW).
    pub fn decoupled(self) -> RAdam<T> {
        self.with(|rule| rule.decoupled = true)
    }
}

impl RAdamRule {
    /// `r` of a step, or nothing while the variance of the root has no bound.
    fn rectification<R: Real>(&self, clock: &Clock) -> Option<R> {
        let [two, four, five] = [2.0, 4.0, 5.0].map(R::from_f64);
        let (beta, t) = (R::from_f64(self.betas.1), R::from_f64(clock.t()));
        let limit = two / (R::ONE - beta) - R::ONE;
        let length = limit - two * t * power(beta, clock.steps) / clock.bias_correction(beta);
        let ratio = |x: R| (x - four) * (x - two) / x;
        (length > five).then(|| (ratio(length) / ratio(limit)).sqrt())
    }
}

impl UpdateRule for RAdamRule {
    const NAME: &'static str = "radam";

    fn decoupled(&self) -> bool {
        self.decoupled
    }

    fn slots(&self) -> &'static [&'static str] {
        &["mean", "square_mean"]
    }

    fn check(&self) -> Result<(), Error> {
        setting::share(Self::NAME, "first beta", self.betas.0)?;
        setting::share(Self::NAME, "second beta", self.betas.1)?;
        setting::not_negative(Self::NAME, "epsilon", self.eps)
    }

    fn update<T: Element>(&self, rate: f64, clock: &mut Clock, x: Elements<'_, T>) {
        let (first, second) = (Ema::new(self.betas.0), Ema::new(self.betas.1));
        let wide = T::Wide::from_f64;
        let rate = wide(rate) / clock.bias_correction(wide(self.betas.0));
        match self.rectification(clock) {
            None => {
                let rate = T::narrow(rate);
                x.each(|w, g, [m, v]| {
                    *m = first.next(*m, g);
                    *v = second.next(*v, g * g);
                    *w -= rate * *m;
                });
            }
            Some(r) => {
                let rate = T::narrow(rate * r * clock.bias_correction(wide(self.betas.1)).sqrt());
                let eps = T::from_f64(self.eps);
                x.each(|w, g, [m, v]| {
                    *m = first.next(*m, g);
                    *v = second.next(*v, g * g);
                    *w -= rate * *m / (v.sqrt() + eps);
                });
            }
        }
    }
}
