//! Learning-rate schedules: functions of the epoch (or of the step, as the caller counts).
//!
//! A schedule keeps no state, so a resumed run needs only the number of its epoch:
//!
//! ```
//! use nn::optim::schedule::{Cosine, Schedule};
//! use nn::optim::{Optimizer, Sgd};
//! let schedule = Cosine { base: 0.4, floor: 0.0, period: 10 }.warm_up(4);
//! let mut optimizer: Sgd = Sgd::new(schedule.at(0));
//! let mut rates = Vec::new();
//! for epoch in 0..15 {
//!     optimizer.set_learning_rate(schedule.at(epoch));
//!     rates.push(optimizer.learning_rate());
//! }
//! assert!((rates[0] - 0.08).abs() < 1e-15 && (rates[4] - 0.4).abs() < 1e-15 && rates[14].abs() < 1e-15);
//! ```
//!
//! [`Plateau`] is the exception: it depends on measurements.
//!
//! Rates and factors must be finite and not negative. For other settings [`Schedule::check`] returns an
//! error, and [`Schedule::at`] panics.

mod one_cycle;
mod plateau;

pub use one_cycle::{Anneal, OneCycle};
pub use plateau::{Goal, Plateau, Threshold};

use super::rule::power;
use crate::setting::{self, expect};
use std::collections::HashSet;
use std::f64::consts::PI;
use tape::Error;
use tape::element::Real;

/// A learning rate for every epoch, counted from 0. Closures `Fn(u64) -> f64` are schedules too.
pub trait Schedule {
    /// The learning rate of an epoch.
    ///
    /// # Panics
    /// If the schedule's own settings are out of range.
    #[track_caller]
    fn at(&self, epoch: u64) -> f64;

    /// Checks the settings, which may come from user input.
    ///
    /// ```
    /// use nn::optim::schedule::{Schedule, StepDecay};
    /// let schedule = StepDecay { base: 0.1, factor: -0.5, every: 2 };
    /// let error = schedule.check().unwrap_err();
    /// assert_eq!(error.to_string(), "step schedule: expected a finite factor of 0 or more, found -0.5");
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] that says what was expected and what was found.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// This schedule after a warm-up of this many epochs, in which the rate rises linearly:
    /// epoch `k` has `(k + 1) / (epochs + 1)` of the schedule's first rate.
    fn warm_up(self, epochs: u64) -> WarmUp<Self>
    where
        Self: Sized,
    {
        WarmUp { epochs, then: self }
    }
}

impl<F: Fn(u64) -> f64> Schedule for F {
    fn at(&self, epoch: u64) -> f64 {
        self(epoch)
    }
}

/// The same rate in every epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Constant(pub f64);

impl Schedule for Constant {
    fn at(&self, _epoch: u64) -> f64 {
        expect(self.check());
        self.0
    }

    fn check(&self) -> Result<(), Error> {
        setting::not_negative("constant schedule", "rate", self.0)
    }
}

/// `base factor^⌊k / every⌋`: a new rate every `every` epochs.
///
/// ```
/// use nn::optim::schedule::{Schedule, StepDecay};
/// let schedule = StepDecay { base: 1.0, factor: 0.5, every: 2 };
/// assert_eq!([0, 1, 2, 3, 4].map(|k| schedule.at(k)), [1.0, 1.0, 0.5, 0.5, 0.25]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StepDecay {
    /// The first rate.
    pub base: f64,
    /// The ratio of two rates.
    pub factor: f64,
    /// The length of a step; 0 counts as 1.
    pub every: u64,
}

impl Schedule for StepDecay {
    fn at(&self, epoch: u64) -> f64 {
        expect(self.check());
        self.base * power(self.factor, epoch / self.every.max(1))
    }

    fn check(&self) -> Result<(), Error> {
        geometric("step schedule", self.base, self.factor)
    }
}

/// `base factor^n` after `n` of the milestones.
///
/// ```
/// use nn::optim::schedule::{MultiStep, Schedule};
/// let schedule = MultiStep { base: 1.0, factor: 0.5, milestones: vec![1, 4] };
/// assert_eq!([0, 1, 3, 4, 9].map(|k| schedule.at(k)), [1.0, 0.5, 0.5, 0.25, 0.25]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MultiStep {
    /// The first rate.
    pub base: f64,
    /// The ratio of two rates.
    pub factor: f64,
    /// The epochs with new rates, in any order.
    pub milestones: Vec<u64>,
}

impl Schedule for MultiStep {
    fn at(&self, epoch: u64) -> f64 {
        expect(self.check());
        let passed = self.milestones.iter().filter(|&&milestone| epoch >= milestone).count();
        self.base * power(self.factor, passed as u64)
    }

    fn check(&self) -> Result<(), Error> {
        geometric("multi-step schedule", self.base, self.factor)
    }
}

/// `base factor^k`.
///
/// ```
/// use nn::optim::schedule::{Exponential, Schedule};
/// assert_eq!(Exponential { base: 1.0, factor: 0.5 }.at(3), 0.125);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Exponential {
    /// The first rate.
    pub base: f64,
    /// The ratio of two rates.
    pub factor: f64,
}

impl Schedule for Exponential {
    fn at(&self, epoch: u64) -> f64 {
        expect(self.check());
        self.base * power(self.factor, epoch)
    }

    fn check(&self) -> Result<(), Error> {
        geometric("exponential schedule", self.base, self.factor)
    }
}

/// `floor + (base - floor) (1 + cos(π k / period)) / 2`: from the base to the floor in one period, and up again in
/// the next (Loshchilov and Hutter 2017).
///
/// ```
/// use nn::optim::schedule::{Cosine, Schedule};
/// let schedule = Cosine { base: 1.0, floor: 0.0, period: 2 };
/// assert!([1.0, 0.5, 0.0, 0.5].iter().zip(0..).all(|(rate, k)| (rate - schedule.at(k)).abs() < 1e-15));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cosine {
    /// The first rate.
    pub base: f64,
    /// The lowest rate.
    pub floor: f64,
    /// The epoch of the lowest rate; 0 counts as 1.
    pub period: u64,
}

impl Schedule for Cosine {
    fn at(&self, epoch: u64) -> f64 {
        expect(self.check());
        let angle = PI * epoch as f64 / self.period.max(1) as f64;
        self.floor + (self.base - self.floor) * (1.0 + Real::cos(angle)) / 2.0
    }

    fn check(&self) -> Result<(), Error> {
        between("cosine schedule", "base", self.base, "floor", self.floor)
    }
}

/// [`Cosine`] that restarts at the base after each period; each is `period_factor` times as long as the one
/// before.
///
/// ```
/// use nn::optim::schedule::{CosineRestarts, Schedule};
/// let schedule = CosineRestarts { base: 1.0, floor: 0.0, period: 2, period_factor: 2 };
/// assert!([1.0, 0.5, 1.0].iter().zip(0..).all(|(rate, k)| (rate - schedule.at(k)).abs() < 1e-15));
/// assert!((schedule.at(4) - 0.5).abs() < 1e-15 && schedule.at(6) == 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CosineRestarts {
    /// The first rate of each period.
    pub base: f64,
    /// The rate that a period tends to.
    pub floor: f64,
    /// The length of the first period; 0 counts as 1.
    pub period: u64,
    /// The ratio of two periods' lengths; 0 counts as 1.
    pub period_factor: u64,
}

impl Schedule for CosineRestarts {
    fn at(&self, epoch: u64) -> f64 {
        let (mut period, mut k) = (self.period.max(1), epoch);
        if self.period_factor <= 1 {
            k %= period;
        }
        while k >= period {
            k -= period;
            period = period.saturating_mul(self.period_factor);
        }
        expect(self.check());
        Cosine { base: self.base, floor: self.floor, period }.at(k)
    }

    fn check(&self) -> Result<(), Error> {
        between("cosine restarts", "base", self.base, "floor", self.floor)
    }
}

/// Linear from one rate to another, then constant.
///
/// ```
/// use nn::optim::schedule::{LinearRamp, Schedule};
/// let schedule = LinearRamp { from: 0.0, to: 1.0, epochs: 4 };
/// assert_eq!([0, 1, 4, 9].map(|k| schedule.at(k)), [0.0, 0.25, 1.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LinearRamp {
    /// The rate of epoch 0.
    pub from: f64,
    /// The final rate.
    pub to: f64,
    /// The epoch that reaches the final rate; 0 counts as 1.
    pub epochs: u64,
}

impl Schedule for LinearRamp {
    fn at(&self, epoch: u64) -> f64 {
        expect(self.check());
        let epochs = self.epochs.max(1);
        self.from + (self.to - self.from) * epoch.min(epochs) as f64 / epochs as f64
    }

    fn check(&self) -> Result<(), Error> {
        between("linear schedule", "first rate", self.from, "last rate", self.to)
    }
}

/// Rates that change at the listed epochs.
///
/// ```
/// use nn::optim::schedule::{PiecewiseConstant, Schedule};
/// let schedule = PiecewiseConstant { base: 0.3, changes: vec![(2, 0.1), (5, 0.01)] };
/// assert_eq!([0, 1, 2, 4, 5, 9].map(|k| schedule.at(k)), [0.3, 0.3, 0.1, 0.1, 0.01, 0.01]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PiecewiseConstant {
    /// The rate before the first change.
    pub base: f64,
    /// Epochs and their new rates, in any order; each epoch once.
    pub changes: Vec<(u64, f64)>,
}

impl Schedule for PiecewiseConstant {
    fn at(&self, epoch: u64) -> f64 {
        expect(self.check());
        let passed = self.changes.iter().filter(|&&(from, _)| epoch >= from);
        passed.max_by_key(|&&(from, _)| from).map_or(self.base, |&(_, rate)| rate)
    }

    fn check(&self) -> Result<(), Error> {
        let op = "listed schedule";
        setting::not_negative(op, "base", self.base)?;
        let mut epochs = HashSet::new();
        for &(epoch, rate) in &self.changes {
            setting::not_negative(op, "rate", rate)?;
            setting::check(
                op,
                epochs.insert(epoch),
                "one rate for an epoch",
                format_args!("two for {epoch}"),
            )?;
        }
        Ok(())
    }
}

/// A schedule after a warm-up, made by [`Schedule::warm_up`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WarmUp<S> {
    epochs: u64,
    then: S,
}

impl<S: Schedule> Schedule for WarmUp<S> {
    fn at(&self, epoch: u64) -> f64 {
        match epoch.checked_sub(self.epochs) {
            Some(after) => self.then.at(after),
            None => self.then.at(0) * (epoch as f64 + 1.0) / (self.epochs as f64 + 1.0),
        }
    }

    fn check(&self) -> Result<(), Error> {
        self.then.check()
    }
}

/// Checks the settings of `base factorⁿ`.
fn geometric(op: &'static str, base: f64, factor: f64) -> Result<(), Error> {
    setting::not_negative(op, "base", base)?;
    setting::not_negative(op, "factor", factor)
}

/// Checks two rates between which the others lie.
fn between(op: &'static str, a: &str, from: f64, b: &str, to: f64) -> Result<(), Error> {
    setting::not_negative(op, a, from)?;
    setting::not_negative(op, b, to)
}
