//! Resilient backpropagation.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, UpdateRule};
use crate::setting;
use tape::{Element, Error};

/// Riedmiller and Braun (1993): steps whose length follows the signs of the gradient alone.
///
/// Each weight has a step length `s`, η at first. Where the gradient has the sign of the last one, `s` grows by the
/// factor η⁺; where the sign has changed, `s` shrinks by η⁻, and the gradient counts as 0, now and in the next
/// comparison. `s` stays in its bounds, and `w ← w - s sign(g)`. For gradients of the whole batch: those of random batches
/// change their signs for no reason.
///
/// The learning rate is the length of the first step of each weight; its changes and schedules come too late for those
/// that have begun.
///
/// ```
/// use nn::optim::Rprop;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new(1.0);
/// let mut optimizer = Rprop::new(0.4);
/// for expected in [0.6, 0.12, -0.456, -0.456, -0.168] { // lengths 0.4, 0.48, 0.576, then 0.288
///     let grads = { let tape = Tape::new(); w.on(&tape).square().sum().backward() };
///     optimizer.step(&mut w, &grads);
///     assert!((w.value().item() - expected).abs() < 1e-12, "{} for {expected}", w.value().item());
/// }
/// ```
pub type Rprop<T = f64> = GradientDescent<RpropRule, T>;

/// The settings of [`Rprop`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RpropRule {
    /// η⁻ and η⁺, the factors of the step length where the sign changes and where it does not.
    pub etas: (f64, f64),
    /// The least and the greatest step length.
    pub bounds: (f64, f64),
}

/// The settings of [`Rprop::new`].
impl Default for RpropRule {
    fn default() -> RpropRule {
        RpropRule { etas: (0.5, 1.2), bounds: (1e-6, 50.0) }
    }
}

impl<T: Element> Rprop<T> {
    /// The optimizer with η⁻ = 0.5, η⁺ = 1.2 and step lengths from 1e-6 to 50.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> Rprop<T> {
        GradientDescent::with_rule(RpropRule::default(), learning_rate)
    }

    /// Sets η⁻, in (0, 1), and η⁺, above 1.
    ///
    /// # Panics
    /// If one of them is out of range.
    #[track_caller]
    pub fn etas(self, shrink: f64, grow: f64) -> Rprop<T> {
        self.with(|rule| rule.etas = (shrink, grow))
    }

    /// Sets the least and the greatest step length.
    ///
    /// # Panics
    /// If one of them is negative, infinite or NaN, or the least is above the greatest.
    #[track_caller]
    pub fn bounds(self, least: f64, greatest: f64) -> Rprop<T> {
        self.with(|rule| rule.bounds = (least, greatest))
    }
}

impl UpdateRule for RpropRule {
    const NAME: &'static str = "rprop";

    fn slots(&self) -> &'static [&'static str] {
        &["last_gradient", "step_length"]
    }

    fn check(&self) -> Result<(), Error> {
        let ((shrink, grow), (least, greatest)) = (self.etas, self.bounds);
        let number = setting::Number;
        let shrinks = shrink > 0.0 && shrink < 1.0;
        setting::check(Self::NAME, shrinks, "a shrinking factor in (0, 1)", number(shrink))?;
        setting::check(
            Self::NAME,
            grow > 1.0 && grow.is_finite(),
            "a finite growing factor above 1",
            number(grow),
        )?;
        setting::not_negative(Self::NAME, "least step length", least)?;
        setting::not_negative(Self::NAME, "greatest step length", greatest)?;
        let expected = format_args!("a greatest step length of {} or more", number(least)).to_string();
        setting::check(Self::NAME, least <= greatest, expected, number(greatest))
    }

    fn update<T: Element>(&self, rate: f64, _clock: &mut Clock, x: Elements<'_, T>) {
        let [shrink, grow, least, greatest] =
            [self.etas.0, self.etas.1, self.bounds.0, self.bounds.1].map(T::from_f64);
        let rate = T::from_f64(rate);
        x.each(|w, g, [last, length]| {
            // The product of the gradients could underflow.
            let signs = g.sign() * last.sign();
            let begun = if *length == T::ZERO { rate } else { *length };
            let factor = if signs > T::ZERO { grow } else { T::ONE };
            let factor = if signs < T::ZERO { shrink } else { factor };
            *length = (begun * factor).maximum(least).minimum(greatest);
            *last = if signs < T::ZERO { T::ZERO } else { g };
            *w -= last.sign() * *length;
        });
    }
}
