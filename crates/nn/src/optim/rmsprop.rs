//! RMSProp.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, Ema, UpdateRule};
use crate::setting;
use tape::{Element, Error};

/// Hinton's lecture 6e (2012): the gradient in units of the root of its mean square.
///
/// `s ← α s + (1 - α) g²`, `w ← w - η g / (√s + ε)`. Centered (Graves 2013), with `a ← α a + (1 - α) g`, the root is
/// that of the variance `s - a²`. With momentum, `v ← μ v + g / (√s + ε)` and `w ← w - η v`.
///
/// η is usually 1e-4 to 1e-2.
///
/// ```
/// use nn::optim::RmsProp;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(10.0);
/// let grads = { let tape = Tape::new(); w.on(&tape).square().sum().backward() };
/// RmsProp::new(0.1).alpha(0.9).step(&mut w, &grads);
/// assert!((w.value().item() - (10.0 - 0.1 / 0.1f64.sqrt())).abs() < 1e-9);
/// ```
pub type RmsProp<T = f64> = GradientDescent<RmsPropRule, T>;

/// The equations of [`RmsProp`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RmsPropRule {
    /// α, the decay rate of the means.
    pub alpha: f64,
    /// ε, outside the root.
    pub eps: f64,
    /// μ, the share of the last step that is kept; 0 for none.
    pub momentum: f64,
    /// Whether the variance is used instead of the mean square.
    pub centered: bool,
}

/// The settings of [`RmsProp::new`].
impl Default for RmsPropRule {
    fn default() -> RmsPropRule {
        RmsPropRule { alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false }
    }
}

impl<T: Element> RmsProp<T> {
    /// The optimizer with α = 0.99 and ε = 1e-8, without momentum, not centered.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> RmsProp<T> {
        GradientDescent::with_rule(RmsPropRule::default(), learning_rate)
    }

    /// Sets α, in [0, 1).
    ///
    /// # Panics
    /// If α is not in [0, 1).
    #[track_caller]
    pub fn alpha(self, alpha: f64) -> RmsProp<T> {
        self.with(|rule| rule.alpha = alpha)
    }

    /// Sets ε.
    ///
    /// # Panics
    /// If ε is negative, infinite or NaN.
    #[track_caller]
    pub fn eps(self, eps: f64) -> RmsProp<T> {
        self.with(|rule| rule.eps = eps)
    }

    /// Sets the momentum μ, in [0, 1).
    ///
    /// # Panics
    /// If μ is not in [0, 1).
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> RmsProp<T> {
        self.with(|rule| rule.momentum = momentum)
    }

    /// Uses the variance instead of the mean square.
    pub fn centered(self) -> RmsProp<T> {
        self.with(|rule| rule.centered = true)
    }
}

impl UpdateRule for RmsPropRule {
    const NAME: &'static str = "rmsprop";

    fn slots(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum != 0.0) {
            (false, false) => &["square_mean"],
            (false, true) => &["square_mean", "velocity"],
            (true, false) => &["square_mean", "mean"],
            (true, true) => &["square_mean", "mean", "velocity"],
        }
    }

    fn check(&self) -> Result<(), Error> {
        setting::share(Self::NAME, "alpha", self.alpha)?;
        setting::not_negative(Self::NAME, "epsilon", self.eps)?;
        setting::share(Self::NAME, "momentum", self.momentum)
    }

    fn update<T: Element>(&self, rate: f64, _clock: &mut Clock, x: Elements<'_, T>) {
        let (rate, eps, momentum) = (T::from_f64(rate), T::from_f64(self.eps), T::from_f64(self.momentum));
        let mean = Ema::new(self.alpha);
        match (self.centered, self.momentum != 0.0) {
            (false, false) => x.each(|w, g, [s]| {
                *s = mean.next(*s, g * g);
                *w -= rate * g / (s.sqrt() + eps);
            }),
            (false, true) => x.each(|w, g, [s, v]| {
                *s = mean.next(*s, g * g);
                *v = momentum * *v + g / (s.sqrt() + eps);
                *w -= rate * *v;
            }),
            (true, false) => x.each(|w, g, [s, a]| {
                *s = mean.next(*s, g * g);
                *a = mean.next(*a, g);
                *w -= rate * g / (deviation(*s, *a) + eps);
            }),
            (true, true) => x.each(|w, g, [s, a, v]| {
                *s = mean.next(*s, g * g);
                *a = mean.next(*a, g);
                *v = momentum * *v + g / (deviation(*s, *a) + eps);
                *w -= rate * *v;
            }),
        }
    }
}

/// `√(s - a²)`. On a constant gradient the variance is 0, and rounding may make it negative.
#[inline(always)]
fn deviation<T: Element>(s: T, a: T) -> T {
    (s - a * a).maximum(T::ZERO).sqrt()
}
