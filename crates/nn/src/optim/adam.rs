//! Adam, and Adam with decoupled weight decay.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, Ema, UpdateRule};
use crate::setting;
use tape::element::Real;
use tape::{Element, Error};

/// Kingma and Ba (2015): momentum, in units of the root of the gradient's mean square.
///
/// `m ← β₁ m + (1 - β₁) g`, `v ← β₂ v + (1 - β₂) g²`, both from 0, so at step `t` the means are
/// `m̂ = m / (1 - β₁ᵗ)` and `v̂ = v / (1 - β₂ᵗ)`; `w ← w - η m̂ / (√v̂ + ε)`. AMSGrad (Reddi, Kale and Kumar 2018) takes
/// the largest `v` so far for the root.
///
/// η is usually 1e-4 to 1e-2; the first step has length η in every element.
///
/// ```
/// use nn::optim::Adam;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(10.0);
/// let grads = { let tape = Tape::new(); w.on(&tape).square().sum().backward() };
/// Adam::new(0.5).step(&mut w, &grads);
/// assert!((w.value().item() - 9.5).abs() < 1e-9);
/// ```
pub type Adam<T = f64> = GradientDescent<AdamRule<false>, T>;

/// Loshchilov and Hutter (2019): [`Adam`] with a weight decay that is not part of the gradient, so it is not
/// divided by the root: `w ← (1 - η λ) w` before the step. λ is 0.01 unless set by
/// [`weight_decay`](GradientDescent::weight_decay).
///
/// ```
/// use nn::optim::AdamW;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(10.0);
/// let grads = { let tape = Tape::new(); w.on(&tape).square().sum().backward() };
/// AdamW::new(0.5).weight_decay(0.2).step(&mut w, &grads);
/// assert!((w.value().item() - (0.9 * 10.0 - 0.5)).abs() < 1e-9);
/// ```
pub type AdamW<T = f64> = GradientDescent<AdamRule<true>, T>;

/// The equations of [`Adam`] and [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdamRule<const DECOUPLED: bool> {
    /// β₁ and β₂, the decay rates of the means.
    pub betas: (f64, f64),
    /// ε, outside the root.
    pub eps: f64,
    /// Whether the largest `v` so far is used.
    pub amsgrad: bool,
}

/// The settings of [`Adam::new`].
impl<const DECOUPLED: bool> Default for AdamRule<DECOUPLED> {
    fn default() -> AdamRule<DECOUPLED> {
        AdamRule { betas: (0.9, 0.999), eps: 1e-8, amsgrad: false }
    }
}

impl<const DECOUPLED: bool, T: Element> GradientDescent<AdamRule<DECOUPLED>, T> {
    /// The optimizer with β₁ = 0.9, β₂ = 0.999 and ε = 1e-8.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> Self {
        let rule = AdamRule::default();
        GradientDescent::with_rule(rule, learning_rate).weight_decay(if DECOUPLED { 0.01 } else { 0.0 })
    }

    /// Sets β₁ and β₂, in [0, 1).
    ///
    /// # Panics
    /// If one of them is not in [0, 1).
    #[track_caller]
    pub fn betas(self, first: f64, second: f64) -> Self {
        self.with(|rule| rule.betas = (first, second))
    }

    /// Sets ε.
    ///
    /// # Panics
    /// If ε is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> Self {
        self.with(|rule| rule.eps = eps)
    }

    /// Uses the largest `v` so far (AMSGrad).
    pub fn amsgrad(self) -> Self {
        self.with(|rule| rule.amsgrad = true)
    }
}

impl<const DECOUPLED: bool> UpdateRule for AdamRule<DECOUPLED> {
    const NAME: &'static str = if DECOUPLED { "adamw" } else { "adam" };

    fn decoupled(&self) -> bool {
        DECOUPLED
    }

    fn slots(&self) -> &'static [&'static str] {
        if self.amsgrad { &["mean", "square_mean", "largest_square_mean"] } else { &["mean", "square_mean"] }
    }

    fn check(&self) -> Result<(), Error> {
        setting::share(Self::NAME, "first beta", self.betas.0)?;
        setting::share(Self::NAME, "second beta", self.betas.1)?;
        setting::not_negative(Self::NAME, "epsilon", self.eps)
    }

    fn update<T: Element>(&self, rate: f64, clock: &mut Clock, x: Elements<'_, T>) {
        let (first, second) = (Ema::new(self.betas.0), Ema::new(self.betas.1));
        // η / (1 - β₁ᵗ), and 1 / √(1 - β₂ᵗ), which are the same for all elements.
        let wide = T::Wide::from_f64;
        let rate = T::narrow(wide(rate) / clock.bias_correction(wide(self.betas.0)));
        let root = T::narrow(T::Wide::ONE / clock.bias_correction(wide(self.betas.1)).sqrt());
        let eps = T::from_f64(self.eps);
        if self.amsgrad {
            x.each(|w, g, [m, v, top]| {
                *m = first.next(*m, g);
                *v = second.next(*v, g * g);
                *top = top.maximum(*v);
                *w -= rate * *m / (root * top.sqrt() + eps);
            });
        } else {
            x.each(|w, g, [m, v]| {
                *m = first.next(*m, g);
                *v = second.next(*v, g * g);
                *w -= rate * *m / (root * v.sqrt() + eps);
            });
        }
    }
}
