//! The result of a training run, or why it failed.

use super::History;
use crate::files::StateError;
use crate::optim::StepError;
use std::fmt;
use tape::Error;

/// The reason why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// All epochs were done.
    Done,
    /// The watched metric no longer improved.
    NoImprovement,
    /// A callback ended it.
    ByCallback,
    /// A loss or gradient was not finite, and the best weights were restored.
    NonFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The step in this epoch, from 1.
        step: usize,
    },
}

/// The result of a training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The metrics of each epoch: `loss` (that of the batches as they were trained, [weighted by their
    /// samples](super::Trainer#the-loss-of-an-epoch)), `validation` if there are such data, and the others.
    pub history: History,
    /// The reason why it ended.
    pub ended: StopReason,
    /// The epoch, from 1, with the best value of the watched metric, and that value.
    pub best: Option<(usize, f64)>,
    /// The number of batches skipped because their loss or gradient was not finite.
    pub skipped: usize,
}

/// The reason why training failed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum TrainError {
    /// A loss or gradient is not finite.
    NonFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The step in this epoch, from 1.
        step: usize,
        /// The loss, as text; it may be finite where the gradient is not.
        loss: String,
    },
    /// The optimizer refused a step: its rate is so large that weights would not be finite, or it does not fit the model.
    Step {
        /// The epoch, from 1.
        epoch: usize,
        /// The step in this epoch, from 1.
        step: usize,
        /// Its reason.
        error: StepError,
    },
    /// Every batch of an epoch was skipped.
    AllSkipped {
        /// The epoch, from 1.
        epoch: usize,
    },
    /// An epoch has no batch.
    NoBatches {
        /// The number of samples, if the source of the batches has any.
        samples: Option<usize>,
    },
    /// An invalid setting, one that this kind of run cannot follow, or validation data without samples.
    Setting(Error),
    /// The model or the loss refused a batch.
    Batch {
        /// The epoch, from 1.
        epoch: usize,
        /// The step in this epoch, from 1.
        step: usize,
        /// The kind of error.
        error: Error,
    },
    /// The model or the loss refused the validation data.
    Validation {
        /// The epoch, from 1.
        epoch: usize,
        /// The kind of error.
        error: Error,
    },
    /// The metric to watch is not measured.
    Unknown {
        /// The requested name.
        watched: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The weights to restore do not fit the model.
    Weights(StateError),
}

impl std::error::Error for TrainError {}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrainError::NonFinite { epoch, step, loss } => {
                write!(f, "epoch {epoch}, step {step}: loss {loss}, expected a finite loss and gradient")
            }
            TrainError::Step { epoch, step, error } => write!(f, "epoch {epoch}, step {step}: {error}"),
            TrainError::AllSkipped { epoch } => {
                write!(f, "epoch {epoch}: no batch has a finite loss and gradient")
            }
            TrainError::NoBatches { samples: Some(samples) } => {
                write!(f, "{samples} samples do not fill a batch")
            }
            TrainError::NoBatches { samples: None } => {
                f.write_str("expected 1 batch or more in an epoch, found 0")
            }
            TrainError::Setting(error) => error.fmt(f),
            TrainError::Batch { epoch, step, error } => write!(f, "epoch {epoch}, step {step}: {error}"),
            TrainError::Validation { epoch, error } => write!(f, "epoch {epoch}, validation: {error}"),
            TrainError::Unknown { watched, known } => {
                write!(f, "no metric is called {watched:?}; there are {}", known.join(", "))
            }
            TrainError::Weights(error) => error.fmt(f),
        }
    }
}

impl From<StateError> for TrainError {
    fn from(error: StateError) -> TrainError {
        TrainError::Weights(error)
    }
}
