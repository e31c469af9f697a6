//! Reduction of the learning rate on a plateau.

use crate::checkpoint::{SavedState, count_of, rate_of};
use crate::files::StateError;
use crate::setting::{self, expect};
use tape::Element;

/// The direction in which a measurement improves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Goal {
    /// As small as possible: a loss.
    #[default]
    Minimize,
    /// As great as possible: an accuracy.
    Maximize,
}

/// The margin by which a measurement must be better than the best to count.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Threshold {
    /// Relative to the best's absolute value: where the best is 0, any improvement counts.
    Relative(f64),
    /// Absolute.
    Absolute(f64),
}

/// Multiplies the learning rate by a factor when a measurement did not improve for some epochs.
///
/// ```
/// use nn::optim::schedule::Plateau;
/// let mut plateau = Plateau::new(0.1).patience(1).factor(0.5);
/// let rates = [3.0, 2.0, 2.0, 2.0, 1.0].map(|loss| plateau.observe(loss));
/// assert_eq!(rates, [0.1, 0.1, 0.1, 0.05, 0.05]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(remote = "Self"))]
pub struct Plateau {
    goal: Goal,
    factor: f64,
    patience: u64,
    threshold: Threshold,
    cooldown: u64,
    floor: f64,
    rate: f64,
    best: Option<f64>,
    bad: u64,
    cooling: u64,
}

const NAME: &str = "plateau";

impl Plateau {
    /// Starts from this rate, for the least loss: a tenth after 10 epochs without an improvement of 1e-4
    /// relative.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn new(base: f64) -> Plateau {
        expect(setting::not_negative(NAME, "rate", base));
        Plateau {
            goal: Goal::Minimize,
            factor: 0.1,
            patience: 10,
            threshold: Threshold::Relative(1e-4),
            cooldown: 0,
            floor: 0.0,
            rate: base,
            best: None,
            bad: 0,
            cooling: 0,
        }
    }

    /// Checks settings that come from a file; the methods check each as it is set.
    #[cfg(feature = "serde")]
    fn check(&self) -> Result<(), tape::Error> {
        let (Threshold::Relative(margin) | Threshold::Absolute(margin)) = self.threshold;
        setting::not_negative(NAME, "rate", self.rate)?;
        setting::share(NAME, "factor", self.factor)?;
        setting::not_negative(NAME, "threshold", margin)?;
        setting::not_negative(NAME, "floor", self.floor)?;
        Ok(())
    }

    /// Sets the goal.
    pub fn goal(self, goal: Goal) -> Plateau {
        Plateau { goal, ..self }
    }

    /// Sets the factor of a reduction, below 1.
    ///
    /// # Panics
    /// If it is not in [0, 1).
    #[track_caller]
    pub fn factor(self, factor: f64) -> Plateau {
        expect(setting::share(NAME, "factor", factor));
        Plateau { factor, ..self }
    }

    /// Sets the number of epochs without improvement to tolerate.
    pub fn patience(self, epochs: u64) -> Plateau {
        Plateau { patience: epochs, ..self }
    }

    /// Sets the margin of an improvement.
    ///
    /// # Panics
    /// If the number is negative, infinite or NaN.
    #[track_caller]
    pub fn threshold(self, threshold: Threshold) -> Plateau {
        let (Threshold::Relative(number) | Threshold::Absolute(number)) = threshold;
        expect(setting::not_negative(NAME, "threshold", number));
        Plateau { threshold, ..self }
    }

    /// Sets the number of epochs after a reduction that do not count.
    pub fn cooldown(self, epochs: u64) -> Plateau {
        Plateau { cooldown: epochs, ..self }
    }

    /// Sets the lowest rate.
    ///
    /// # Panics
    /// If the rate is negative, infinite or NaN.
    #[track_caller]
    pub fn floor(self, rate: f64) -> Plateau {
        expect(setting::not_negative(NAME, "floor", rate));
        Plateau { floor: rate, ..self }
    }

    /// The current rate.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Takes the measurement of an epoch; returns the rate of the next. NaN is no improvement.
    pub fn observe(&mut self, measured: f64) -> f64 {
        if self.improves(measured) {
            self.best = Some(measured);
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.bad = 0;
        }
        if self.bad > self.patience {
            // The rate may lie below the floor from the start: it never rises.
            self.rate = (self.rate * self.factor).max(self.floor).min(self.rate);
            (self.cooling, self.bad) = (self.cooldown, 0);
        }
        self.rate
    }

    fn improves(&self, measured: f64) -> bool {
        let Some(best) = self.best else { return !measured.is_nan() };
        if best.is_infinite() {
            return if self.goal == Goal::Minimize { measured < best } else { measured > best };
        }
        match (self.goal, self.threshold) {
            // `best - part |best|` and `best + part |best|`.
            (Goal::Minimize, Threshold::Relative(part)) => measured < best * (1.0 - part.copysign(best)),
            (Goal::Minimize, Threshold::Absolute(much)) => measured < best - much,
            (Goal::Maximize, Threshold::Relative(part)) => measured > best * (1.0 + part.copysign(best)),
            (Goal::Maximize, Threshold::Absolute(much)) => measured > best + much,
        }
    }

    /// The state for [`restore`](Plateau::restore).
    pub fn save<T: Element>(&self) -> SavedState<T> {
        let best = self.best.unwrap_or(f64::NAN);
        let (bad, cooling) = (self.bad as f64, self.cooling as f64);
        SavedState::of_numbers([("rate", self.rate), ("best", best), ("bad", bad), ("cooling", cooling)])
    }

    /// Resumes from a state of [`save`](Plateau::save).
    ///
    /// # Errors
    /// If names differ, or a number is one it could not have: a rate that is negative, infinite or NaN, a
    /// count that is not whole. The schedule is then unchanged.
    pub fn restore<T: Element>(&mut self, saved: SavedState<T>) -> Result<(), StateError> {
        let (_, numbers) = saved.exactly(&[], &["rate", "best", "bad", "cooling"])?;
        if let [rate, best, bad, cooling] = numbers[..] {
            let (rate, bad, cooling) =
                (rate_of("rate", rate)?, count_of("bad", bad)?, count_of("cooling", cooling)?);
            self.rate = rate;
            self.best = Some(best).filter(|best| !best.is_nan());
            (self.bad, self.cooling) = (bad, cooling);
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
setting::serde_checked!(Plateau, "The settings, the current rate and what was observed so far.");
