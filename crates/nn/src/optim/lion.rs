//! Lion.

use super::descent::GradientDescent;
use super::rule::{Clock, Elements, Ema, UpdateRule};
use crate::setting;
use tape::{Element, Error};

/// Chen and others, "Symbolic discovery of optimization algorithms" (2023), algorithm 2: steps of a fixed
/// length.
///
/// `c = β₁ m + (1 - β₁) g`, `w ← (1 - η λ) w - η sign(c)`, `m ← β₂ m + (1 - β₂) g`, where `sign(0) = 0`.
///
/// η is usually a third to a tenth of Adam's, λ correspondingly larger.
///
/// ```
/// use nn::optim::Lion;
/// use nn::Param;
/// use nn::optim::Optimizer;
/// use tape::Tape;
/// let mut w = Param::new([10.0, -3.0, 0.0]);
/// let grads = { let tape = Tape::new(); w.on(&tape).square().sum().backward() };
/// Lion::new(0.5).step(&mut w, &grads);
/// assert_eq!(w.value().to_vec(), [9.5, -2.5, 0.0]);
/// ```
pub type Lion<T = f64> = GradientDescent<LionRule, T>;

/// The equations of [`Lion`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LionRule {
    /// β₁, the share of the mean in the step, and β₂, its decay rate.
    pub betas: (f64, f64),
}

/// The settings of [`Lion::new`].
impl Default for LionRule {
    fn default() -> LionRule {
        LionRule { betas: (0.9, 0.99) }
    }
}

impl<T: Element> Lion<T> {
    /// The optimizer with β₁ = 0.9 and β₂ = 0.99.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(learning_rate: f64) -> Lion<T> {
        GradientDescent::with_rule(LionRule::default(), learning_rate)
    }

    /// Sets β₁ and β₂, in [0, 1).
    ///
    /// # Panics
    /// If one of them is not in [0, 1).
    #[track_caller]
    pub fn betas(self, first: f64, second: f64) -> Lion<T> {
        self.with(|rule| rule.betas = (first, second))
    }
}

impl UpdateRule for LionRule {
    const NAME: &'static str = "lion";

    fn decoupled(&self) -> bool {
        true
    }

    fn slots(&self) -> &'static [&'static str] {
        &["mean"]
    }

    fn check(&self) -> Result<(), Error> {
        setting::share(Self::NAME, "first beta", self.betas.0)?;
        setting::share(Self::NAME, "second beta", self.betas.1)
    }

    fn update<T: Element>(&self, rate: f64, _clock: &mut Clock, x: Elements<'_, T>) {
        let rate = T::from_f64(rate);
        let (step, memory) = (Ema::new(self.betas.0), Ema::new(self.betas.1));
        x.each(|w, g, [m]| {
            *w -= rate * step.next(*m, g).sign();
            *m = memory.next(*m, g);
        });
    }
}
