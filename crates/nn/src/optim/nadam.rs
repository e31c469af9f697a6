//! NAdam.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, Ema, UpdateRule};
use crate::setting;
use tape::element::Real;
use tape::{Element, Error};

/// Dozat (2016): [`Adam`](super::Adam) with Nesterov's momentum.
///
/// With `m` and `v̂` of Adam and `μₜ = β₁ (1 - 0.96^(t ψ) / 2)`:
/// `w ← w - η ((1 - μₜ) g / (1 - Πμ) + μₜ₊₁ m / (1 - μₜ₊₁ Πμ)) / (√v̂ + ε)`, where `Πμ = μ₁ ⋯ μₜ`.
///
/// η is usually 1e-4 to 1e-2.
///
/// ```
/// use nn::optim::NAdam;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(1.0);
/// let grads = { let tape = Tape::new(); (w.on(&tape) * 2.0).sum().backward() };
/// NAdam::new(0.1).step(&mut w, &grads);
/// let mu = |t: f64| 0.9 * (1.0 - 0.5 * 0.96f64.powf(t * 0.004));
/// let step = 1.0 + mu(2.0) * 0.1 / (1.0 - mu(2.0) * mu(1.0));
/// assert!((w.value().item() - (1.0 - 0.1 * step)).abs() < 1e-8);
/// ```
pub type NAdam<T = f64> = GradientDescent<NAdamRule, T>;

/// The equations of [`NAdam`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NAdamRule {
    /// β₁ and β₂, the decay rates of the means.
    pub betas: (f64, f64),
    /// ε, outside the root.
    pub eps: f64,
    /// ψ, the rate at which `μ` tends to `β₁`.
    pub momentum_decay: f64,
    /// Whether the weight decay is decoupled from the gradient.
    pub decoupled: bool,
}

/// The settings of [`NAdam::new`].
impl Default for NAdamRule {
    fn default() -> NAdamRule {
        NAdamRule { betas: (0.9, 0.999), eps: 1e-8, momentum_decay: 0.004, decoupled: false }
    }
}

impl<T: Element> NAdam<T> {
    /// The optimizer with β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and ψ = 0.004.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> NAdam<T> {
        GradientDescent::with_rule(NAdamRule::default(), learning_rate)
    }

    /// Sets β₁ and β₂, in [0, 1).
    ///
    /// # Panics
    /// If one of them is not in [0, 1).
    #[track_caller]
    pub fn betas(self, first: f64, second: f64) -> NAdam<T> {
        self.with(|rule| rule.betas = (first, second))
    }

    /// Sets ε.
    ///
    /// # Panics
    /// If ε is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> NAdam<T> {
        self.with(|rule| rule.eps = eps)
    }

    /// Sets ψ.
    ///
    /// # Panics
    /// If ψ is negative, infinite or NaN.
    #[track_caller]
    pub fn momentum_decay(self, decay: f64) -> NAdam<T> {
        self.with(|rule| rule.momentum_decay = decay)
    }

    /// Uses the weight decay of [`AdamW`](super::AdamW).
    pub fn decoupled(self) -> NAdam<T> {
        self.with(|rule| rule.decoupled = true)
    }
}

impl NAdamRule {
    /// `μₜ`.
    fn momentum(&self, t: f64) -> f64 {
        self.betas.0 * (1.0 - 0.5 * Real::pow(0.96, t * self.momentum_decay))
    }
}

impl UpdateRule for NAdamRule {
    const NAME: &'static str = "nadam";

    fn decoupled(&self) -> bool {
        self.decoupled
    }

    fn slots(&self) -> &'static [&'static str] {
        &["mean", "square_mean"]
    }

    fn check(&self) -> Result<(), Error> {
        setting::share(Self::NAME, "first beta", self.betas.0)?;
        setting::share(Self::NAME, "second beta", self.betas.1)?;
        setting::not_negative(Self::NAME, "epsilon", self.eps)?;
        setting::not_negative(Self::NAME, "momentum decay", self.momentum_decay)
    }

    fn update<T: Element>(&self, rate: f64, clock: &mut Clock, x: Elements<'_, T>) {
        let (mu, next) = (self.momentum(clock.t()), self.momentum(clock.t() + 1.0));
        clock.product *= mu;
        let of_gradient = T::from_f64(rate * (1.0 - mu) / (1.0 - clock.product));
        let of_mean = T::from_f64(rate * next / (1.0 - clock.product * next));
        let root = T::Wide::ONE / clock.bias_correction(T::Wide::from_f64(self.betas.1)).sqrt();
        let root = T::narrow(root);
        let (first, second) = (Ema::new(self.betas.0), Ema::new(self.betas.1));
        let eps = T::from_f64(self.eps);
        x.each(|w, g, [m, v]| {
            *m = first.next(*m, g);
            *v = second.next(*v, g * g);
            *w -= (of_gradient * g + of_mean * *m) / (root * v.sqrt() + eps);
        });
    }
}
