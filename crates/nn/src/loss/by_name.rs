//! Losses as values, for programs that choose one by name.

use super::{
    Target, bce, bce_from_logits, bce_mean, cross_entropy, cross_entropy_from_logits, half_mse, half_sse,
    mae, mae_sum, mse, sample_mean_se, sse,
};
use std::fmt;
use std::str::FromStr;
use tape::{Element, Scalar, Var};

/// A loss by name; the names are those of the functions in [`loss`](crate::loss).
///
/// ```
/// use nn::Loss;
/// use tape::{Tape, Tensor};
/// let loss: Loss = "half_mse".parse()?;
/// assert_eq!(loss, Loss::HalfMse);
/// let tape = Tape::new();
/// let a = tape.var([[1.0], [2.0]]);
/// let value = loss.of(a, &Tensor::from([[0.0], [0.0]]));
/// assert_eq!(value.value(), 1.25);
/// assert_eq!(value.backward().wrt(a), Tensor::from([[0.5], [1.0]]));
/// # Ok::<(), nn::loss::ParseLossError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// [`half_sse`].
    HalfSse,
    /// [`sse`].
    Sse,
    /// [`sample_mean_se`].
    SampleMeanSe,
    /// [`half_mse`].
    HalfMse,
    /// [`mse`].
    Mse,
    /// [`mae_sum`].
    MaeSum,
    /// [`mae`].
    Mae,
    /// [`bce`].
    Bce,
    /// [`bce_mean`].
    BceMean,
    /// [`cross_entropy`].
    CrossEntropy,
    /// [`bce_from_logits`].
    BceFromLogits,
    /// [`cross_entropy_from_logits`].
    CrossEntropyFromLogits,
}

impl Loss {
    /// Every loss.
    pub const ALL: [Loss; 12] = [
        Loss::HalfSse,
        Loss::Sse,
        Loss::SampleMeanSe,
        Loss::HalfMse,
        Loss::Mse,
        Loss::MaeSum,
        Loss::Mae,
        Loss::Bce,
        Loss::BceMean,
        Loss::CrossEntropy,
        Loss::BceFromLogits,
        Loss::CrossEntropyFromLogits,
    ];

    /// The name of the function.
    pub fn name(self) -> &'static str {
        match self {
            Loss::HalfSse => "half_sse",
            Loss::Sse => "sse",
            Loss::SampleMeanSe => "sample_mean_se",
            Loss::HalfMse => "half_mse",
            Loss::Mse => "mse",
            Loss::MaeSum => "mae_sum",
            Loss::Mae => "mae",
            Loss::Bce => "bce",
            Loss::BceMean => "bce_mean",
            Loss::CrossEntropy => "cross_entropy",
            Loss::BceFromLogits => "bce_from_logits",
            Loss::CrossEntropyFromLogits => "cross_entropy_from_logits",
        }
    }

    /// The loss of predictions against targets of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn of<'t, T: Element>(self, a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
        let y = y.on(a.tape());
        match self {
            Loss::HalfSse => half_sse(a, y),
            Loss::Sse => sse(a, y),
            Loss::SampleMeanSe => sample_mean_se(a, y),
            Loss::HalfMse => half_mse(a, y),
            Loss::Mse => mse(a, y),
            Loss::MaeSum => mae_sum(a, y),
            Loss::Mae => mae(a, y),
            Loss::Bce => bce(a, y),
            Loss::BceMean => bce_mean(a, y),
            Loss::CrossEntropy => cross_entropy(a, y),
            Loss::BceFromLogits => bce_from_logits(a, y),
            Loss::CrossEntropyFromLogits => cross_entropy_from_logits(a, y),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Loss {
    type Err = ParseLossError;

    fn from_str(name: &str) -> Result<Loss, ParseLossError> {
        let found = Loss::ALL.into_iter().find(|loss| loss.name() == name);
        found.ok_or_else(|| ParseLossError { name: name.to_owned() })
    }
}

/// A name that is not the name of a loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseLossError {
    /// What was given.
    pub name: String,
}

impl fmt::Display for ParseLossError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss: {:?} is not one of", self.name)?;
        Loss::ALL.iter().enumerate().try_for_each(|(i, loss)| {
            let separator = if i == 0 { "" } else { "," };
            write!(f, "{separator} {loss}")
        })
    }
}

impl std::error::Error for ParseLossError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back() {
        for loss in Loss::ALL {
            assert_eq!(loss.to_string().parse(), Ok(loss));
        }
        let text = "hinge".parse::<Loss>().unwrap_err().to_string();
        assert!(text.starts_with("loss: \"hinge\" is not one of half_sse, sse,"), "{text}");
    }
}
