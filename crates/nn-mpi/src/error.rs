//! Errors that every rank returns at once.

use std::error::Error;
use std::fmt;

/// An error of a call that all ranks make together. All of them return it, whichever rank it arose on, so that none
/// waits for another one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RankError {
    /// Ranks made different calls, as they do if one of them has left its loop earlier.
    Calls {
        /// The call of each rank.
        found: Vec<String>,
    },
    /// Ranks made the same call with a different number of elements, as they do if their models differ.
    Lengths {
        /// The call.
        call: String,
        /// The number of elements on each rank.
        found: Vec<usize>,
    },
    /// The models of two ranks have other parameters, or should be equal and are not.
    Models {
        /// The property of the model: its "parameters", or their "values".
        of: &'static str,
        /// The first rank that differs from rank 0.
        rank: usize,
    },
    /// A rank failed.
    Failed {
        /// The rank.
        rank: usize,
        /// Its error, as text.
        reason: String,
    },
    /// A setting that no number of ranks can use, or not this one.
    Setting {
        /// The expected value, in words.
        expected: String,
        /// The value that was found.
        found: String,
    },
}

impl fmt::Display for RankError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RankError::Calls { found } => {
                let first = found.first().map_or("", String::as_str);
                let (rank, other) = found
                    .iter()
                    .enumerate()
                    .find(|(_, call)| *call != first)
                    .map_or((0, first), |(rank, call)| (rank, call.as_str()));
                write!(
                    f,
                    "expected the same call on all ranks, found {first} on rank 0 and {other} on rank {rank}"
                )
            }
            RankError::Lengths { call, found } => {
                let first = found.first().copied().unwrap_or_default();
                let (rank, other) = found
                    .iter()
                    .copied()
                    .enumerate()
                    .find(|(_, length)| *length != first)
                    .unwrap_or((0, first));
                write!(
                    f,
                    "{call}: expected as many elements on all ranks, found {first} on rank 0 and {other} on rank {rank}"
                )
            }
            RankError::Models { of, rank } => {
                write!(
                    f,
                    "expected the same model on all ranks, found other {of} on rank {rank} than on rank 0"
                )
            }
            RankError::Failed { rank, reason } => write!(f, "rank {rank}: {reason}"),
            RankError::Setting { expected, found } => write!(f, "expected {expected}, found {found}"),
        }
    }
}

impl Error for RankError {}
