//! The one-cycle schedule.

use super::Schedule;
use crate::setting::{self, expect};
use std::f64::consts::PI;
use tape::Error;
use tape::element::Real;

/// The shape of a phase of [`OneCycle`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Anneal {
    /// Half a cosine wave.
    #[default]
    Cosine,
    /// A straight line.
    Linear,
}

/// Rises to a top rate and falls again, far below the first (Smith and Topin 2019).
///
/// The first rate is `top / first`, the last `top / (first last)`. The top is reached in epoch `rise · epochs - 1`,
/// the last rate in epoch `epochs - 1`, and it holds from there on. With three phases the descent first mirrors the
/// ascent and then goes from the first rate to the last.
///
/// ```
/// use nn::optim::schedule::{Anneal, OneCycle, Schedule};
/// let schedule = OneCycle { anneal: Anneal::Linear, rise: 0.5, ..OneCycle::new(1.0, 10) };
/// assert_eq!([0, 4].map(|k| schedule.at(k)), [1.0 / 25.0, 1.0]);
/// assert!((schedule.at(9) - 1.0 / 25.0 / 1e4).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OneCycle {
    /// The largest rate.
    pub top: f64,
    /// The number of epochs (or steps), at least 1.
    pub epochs: u64,
    /// The fraction of them in which the rate rises, in [0, 1].
    pub rise: f64,
    /// The shape of each phase.
    pub anneal: Anneal,
    /// The ratio of the largest rate to the first.
    pub first: f64,
    /// The ratio of the first rate to the last.
    pub last: f64,
    /// Whether the rate returns to the first rate before it falls below it.
    pub three_phases: bool,
}

impl OneCycle {
    /// A schedule with a rise of 0.3, along the cosine, from `top / 25` to `top / 250000`, in two phases.
    pub fn new(top: f64, epochs: u64) -> OneCycle {
        let anneal = Anneal::Cosine;
        OneCycle { top, epochs, rise: 0.3, anneal, first: 25.0, last: 1e4, three_phases: false }
    }
}

impl Schedule for OneCycle {
    fn at(&self, epoch: u64) -> f64 {
        expect(self.check());
        let (n, k) = (self.epochs as f64, epoch as f64);
        let first = self.top / self.first;
        let (risen, end) = (self.rise * n - 1.0, n - 1.0);
        let (fallen, foot) = if self.three_phases { (2.0 * risen, first) } else { (risen, self.top) };
        let phases = [
            (0.0, risen, first, self.top),
            (risen, fallen, self.top, foot),
            (fallen, end, foot, first / self.last),
        ];
        match phases.into_iter().find(|&(_, end, ..)| k <= end) {
            Some((start, end, from, to)) if end > start => {
                self.between(from, to, (k - start) / (end - start))
            }
            Some((.., to)) => to,
            None => first / self.last,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let op = "one cycle";
        setting::positive(op, "top", self.top)?;
        setting::check(op, self.epochs > 0, "1 epoch or more", self.epochs)?;
        setting::part(op, "rise", self.rise)?;
        setting::positive(op, "ratio of the top to the first rate", self.first)?;
        setting::positive(op, "ratio of the first to the last rate", self.last)
    }
}

impl OneCycle {
    /// The rate after this fraction of a phase.
    fn between(&self, from: f64, to: f64, part: f64) -> f64 {
        match self.anneal {
            Anneal::Cosine => to + (from - to) * (1.0 + Real::cos(PI * part)) / 2.0,
            Anneal::Linear => from + (to - from) * part,
        }
    }
}
