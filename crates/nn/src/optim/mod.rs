//! Optimizers: values that turn gradients into new parameters, with learning-rate schedules and averages of
//! weights.
//!
//! They know parameters and gradients, and nothing of modules or losses. State is keyed by parameter id, so
//! it follows a parameter wherever it moves, and a clone of a model starts without any.
//!
//! | optimizer | equations, with the gradient `g` |
//! |---|---|
//! | [`Sgd`] | `v ← μ v + g`, `w ← w - η v` |
//! | [`AdaGrad`] | `s ← s + g²`, `w ← w - η g / (√s + ε)` |
//! | [`AdaDelta`] | `w ← w - η d`, `d = g √(u + ε) / √(s + ε)`, `u` and `s` means of `d²` and `g²` |
//! | [`RmsProp`] | `s ← α s + (1 - α) g²`, `w ← w - η g / (√s + ε)` |
//! | [`Adam`], [`AdamW`] | `w ← w - η m̂ / (√v̂ + ε)`, `m̂` and `v̂` means of `g` and `g²` |
//! | [`NAdam`] | [`Adam`] with Nesterov's momentum |
//! | [`RAdam`] | [`Adam`] without the root, until enough gradients are known |
//! | [`Adamax`] | `w ← w - η m̂ / u`, `u ← max(β₂ u, ǀgǀ + ε)` |
//! | [`Lion`] | `w ← w - η sign(β₁ m + (1 - β₁) g)`, `m` a mean of `g` |
//! | [`Rprop`] | `w ← w - s sign(g)`, `s` grows while the sign stays: the whole batch |
//! | [`Asgd`] | `w ← (1 - λ ηₜ) w - ηₜ g`, and the average of these `w` |
//! | [`Lbfgs`] | `w ← w - η H g`, `H` from the last steps: the whole batch, few parameters |
//!
//! Each file reads like the published equations; [`UpdateRule`] is what such a file implements,
//! [`GradientDescent`] is what they share. [`schedule`] has learning-rate schedules, and [`Average`] averages
//! weights.
//!
//! # Settings
//! An optimizer holds its settings together with its state, so its fields are private but for the learning rate, and
//! `Adam { betas: (0.8, 0.999), ..Adam::new(0.1) }` does not compile. Each setting has a method instead. The settings
//! of an update rule alone are a plain struct, whose values are checked when an optimizer takes it:
//!
//! ```
//! use nn::optim::{Adam, AdamRule};
//! let adam: Adam = Adam::new(0.1).betas(0.8, 0.999).weight_decay(1e-4);
//! let rule = AdamRule { betas: (0.8, 0.999), ..AdamRule::default() };
//! assert_eq!(adam.rule(), &rule);
//! assert_eq!(Adam::<f64>::with_rule(rule, 0.1).weight_decay(1e-4).rule(), &rule);
//! ```
//!
//! ```compile_fail
//! use nn::optim::Adam;
//! let adam: Adam = Adam { betas: (0.8, 0.999), ..Adam::new(0.1) };
//! ```
//!
//! Settings are `f64` in every number type. In one with more digits the corrections of [`Adam`], [`AdamW`], [`Adamax`] and
//! [`RAdam`] have all of them; the rates that [`AdaGrad`] and [`Asgd`] lower and the momentum of [`NAdam`] have those of `f64`.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod asgd;
mod average;
mod descent;
mod error;
mod gradients;
mod groups;
mod lbfgs;
mod lion;
mod nadam;
mod radam;
mod rmsprop;
mod rprop;
mod rule;
pub mod schedule;
mod sgd;
mod state;
#[cfg(test)]
mod tests;

pub use adadelta::{AdaDelta, AdaDeltaRule};
pub use adagrad::{AdaGrad, AdaGradRule};
pub use adam::{Adam, AdamRule, AdamW};
pub use adamax::{Adamax, AdamaxRule};
pub use asgd::{Asgd, AsgdRule};
pub use average::Average;
pub use descent::GradientDescent;
pub use error::StepError;
pub use gradients::{GradientAccumulator, GradientSource, gradient_norm};
pub use lbfgs::Lbfgs;
pub use lion::{Lion, LionRule};
pub use nadam::{NAdam, NAdamRule};
pub use radam::{RAdam, RAdamRule};
pub use rmsprop::{RmsProp, RmsPropRule};
pub use rprop::{Rprop, RpropRule};
pub use rule::{Clock, Elements, UpdateRule};
pub use sgd::{Sgd, SgdRule};

use crate::Parameters;
use crate::checkpoint::SavedState;
use crate::files::StateError;
use tape::Element;

/// Updates parameters from their gradients.
///
/// # Numbers that are not finite
/// A step never silently makes parameters, or the state of the optimizer for them, infinite or NaN:
///
/// - An element whose gradient is infinite or NaN is left unchanged. If the norm of all gradients is clipped,
///   there is no common scale, and no element moves.
/// - An element is also left unchanged if its gradient is finite but its new value or state would not be: the
///   rate is too large, or the square of a gradient overflows. ([`Elements::each`] names the few cases in
///   which the value is written nevertheless: where an ε of 0 makes the optimizer divide by 0, and where
///   values are already near the limit of their type.)
///
/// [`try_step`](Optimizer::try_step) returns an error in both cases; [`step`](Optimizer::step) ignores the
/// first, which [`GradientDescent::skipped`] counts, and panics in the second.
pub trait Optimizer<T: Element = f64> {
    /// Updates every trainable parameter of `model` for which there is a gradient, and gives buffers the values that
    /// layers [requested](crate::Context::set) in the forward pass. Others are unchanged: frozen parameters, and those that
    /// this forward pass did not use.
    ///
    /// Reset the tape first: as long as it holds the values, they are copied before they are written.
    ///
    /// # Panics
    /// For every error of [`try_step`](Optimizer::try_step) but [`StepError::Gradient`]: if there is no gradient for any
    /// parameter of the model, or one of another shape; or if a step from finite gradients is not finite.
    #[track_caller]
    fn step(&mut self, model: &mut dyn Parameters<T>, grads: &dyn GradientSource<T>) {
        match self.try_step(model, grads) {
            Ok(()) | Err(StepError::Gradient { .. }) => {}
            Err(error) => error.panic(),
        }
    }

    /// As [`step`](Optimizer::step), with an error instead of a panic.
    ///
    /// ```
    /// use nn::Param;
    /// use nn::optim::{Optimizer, Sgd};
    /// use tape::Tape;
    /// let mut w = Param::new([1.0, 2.0]);
    /// let grads = { let tape = Tape::new(); (w.on(&tape) * tape.constant([1e10, 1.0])).sum().backward() };
    /// let error = Sgd::new(1e300).try_step(&mut w, &grads).unwrap_err();
    /// assert!(error.to_string().starts_with("sgd: expected a finite step of"));
    /// assert_eq!(w.value().to_vec(), [1.0, -1e300]);
    /// ```
    ///
    /// # Errors
    /// See [`StepError`].
    fn try_step(
        &mut self,
        model: &mut dyn Parameters<T>,
        grads: &dyn GradientSource<T>,
    ) -> Result<(), StepError>;

    /// The current learning rate.
    fn learning_rate(&self) -> f64;

    /// Changes the learning rate from the next step on.
    ///
    /// # Panics
    /// If it is negative, infinite or NaN.
    #[track_caller]
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// The learning rate and the state for the parameters of `model`, by name. Hyperparameters and groups are
    /// not included: they belong to the program.
    fn save(&self, model: &dyn Parameters<T>) -> SavedState<T>;

    /// Restores a state of [`save`](Optimizer::save), for the parameters of the same names: the steps that
    /// follow are those that would have followed there, bit for bit.
    ///
    /// # Errors
    /// If names or shapes are not those that this optimizer would save, or a number is one it could not have:
    /// infinite or NaN, a count that is not whole. The optimizer is then unchanged.
    fn restore(&mut self, model: &dyn Parameters<T>, saved: SavedState<T>) -> Result<(), StateError>;
}
