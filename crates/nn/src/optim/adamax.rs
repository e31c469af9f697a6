//! Adamax.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, Ema, UpdateRule};
use crate::setting;
use tape::element::Real;
use tape::{Element, Error};

/// Kingma and Ba (2015), section 7.1: [`Adam`](super::Adam) with the largest recent gradient in the place of the root of the
/// mean square.
///
/// `m ← β₁ m + (1 - β₁) g`, `u ← max(β₂ u, |g| + ε)`, both from 0; at step `t`, `w ← w - η m / ((1 - β₁ᵗ) u)`. The
/// maximum needs no correction.
///
/// η is usually 2e-3; the first step has length η in every element.
///
/// ```
/// use nn::optim::Adamax;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(10.0);
/// let grads = { let tape = Tape::new(); w.on(&tape).square().sum().backward() };
/// Adamax::new(0.5).step(&mut w, &grads);
/// assert!((w.value().item() - 9.5).abs() < 1e-9);
/// ```
pub type Adamax<T = f64> = GradientDescent<AdamaxRule, T>;

/// The equations of [`Adamax`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdamaxRule {
    /// β₁ and β₂, the decay rates of the mean and of the maximum.
    pub betas: (f64, f64),
    /// ε, added to the size of each gradient.
    pub eps: f64,
}

/// The settings of [`Adamax::new`].
impl Default for AdamaxRule {
    fn default() -> AdamaxRule {
        AdamaxRule { betas: (0.9, 0.999), eps: 1e-8 }
    }
}

impl<T: Element> Adamax<T> {
    /// The optimizer with β₁ = 0.9, β₂ = 0.999 and ε = 1e-8.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> Adamax<T> {
        GradientDescent::with_rule(AdamaxRule::default(), learning_rate)
    }

    /// Sets β₁ and β₂, in [0, 1).
    ///
    /// # Panics
    /// If one of them is not in [0, 1).
    #[track_caller]
    pub fn betas(self, first: f64, second: f64) -> Adamax<T> {
        self.with(|rule| rule.betas = (first, second))
    }

    /// Sets ε.
    ///
    /// # Panics
    /// If ε is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> Adamax<T> {
        self.with(|rule| rule.eps = eps)
    }
}

impl UpdateRule for AdamaxRule {
    const NAME: &'static str = "adamax";

    fn slots(&self) -> &'static [&'static str] {
        &["mean", "largest"]
    }

    fn check(&self) -> Result<(), Error> {
        setting::share(Self::NAME, "first beta", self.betas.0)?;
        setting::share(Self::NAME, "second beta", self.betas.1)?;
        setting::not_negative(Self::NAME, "epsilon", self.eps)
    }

    fn update<T: Element>(&self, rate: f64, clock: &mut Clock, x: Elements<'_, T>) {
        let wide = T::Wide::from_f64;
        let rate = T::narrow(wide(rate) / clock.bias_correction(wide(self.betas.0)));
        let (first, memory, eps) = (Ema::new(self.betas.0), T::from_f64(self.betas.1), T::from_f64(self.eps));
        x.each(|w, g, [m, u]| {
            *m = first.next(*m, g);
            *u = (memory * *u).maximum(g.abs() + eps);
            *w -= rate * *m / *u;
        });
    }
}
