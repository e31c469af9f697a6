//! Early stopping.

use super::best::improves;
use crate::optim::schedule::Goal;
use crate::setting::{self, expect};
use tape::Error;

const NAME: &str = "early_stopping";

/// Detects that a measurement has not improved for some epochs.
///
/// ```
/// use nn::train::EarlyStopping;
/// let mut stopping = EarlyStopping::new(2).min_change(0.1);
/// let stop = [1.0, 0.5, 0.45, 0.42, 0.3].map(|loss| stopping.observe(loss));
/// assert_eq!(stop, [false, false, false, true, false]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(remote = "Self"))]
pub struct EarlyStopping {
    patience: usize,
    goal: Goal,
    min_change: f64,
    best: Option<f64>,
    waited: usize,
}

impl EarlyStopping {
    /// Stops after this many epochs in a row that did not get below the best one. 5 to 20 is usual.
    ///
    /// # Panics
    /// If `patience` is 0.
    #[track_caller]
    pub fn new(patience: usize) -> EarlyStopping {
        let stopping =
            EarlyStopping { patience, goal: Goal::Minimize, min_change: 0.0, best: None, waited: 0 };
        expect(stopping.check());
        stopping
    }

    /// Sets the goal.
    pub fn goal(self, goal: Goal) -> EarlyStopping {
        EarlyStopping { goal, ..self }
    }

    /// Sets the margin by which an improvement must exceed the best; 0 by default.
    ///
    /// # Panics
    /// If `min_change` is negative or not finite.
    #[track_caller]
    pub fn min_change(self, min_change: f64) -> EarlyStopping {
        let stopping = EarlyStopping { min_change, ..self };
        expect(stopping.check());
        stopping
    }

    fn check(&self) -> Result<(), Error> {
        let EarlyStopping { patience, min_change, .. } = *self;
        setting::check(NAME, patience > 0, "a patience of 1 epoch or more", patience)?;
        let finite = min_change >= 0.0 && min_change.is_finite();
        setting::check(NAME, finite, "a finite min_change, 0 or more", min_change)
    }

    /// Records the measurement of an epoch. Returns `true` when it is time to stop. NaN is no improvement.
    pub fn observe(&mut self, measured: f64) -> bool {
        if improves(self.goal, measured, self.best, self.min_change) {
            self.best = Some(measured);
            self.waited = 0;
            return false;
        }
        self.waited += 1;
        self.waited >= self.patience
    }
}

#[cfg(feature = "serde")]
crate::setting::serde_checked!(EarlyStopping, "The settings and what was observed so far.");
