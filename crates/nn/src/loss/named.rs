//! Losses as values, for programs that choose one by name.

use super::{
    Losses, Target, absolute_error, binary_cross_entropy_with_logits,
    binary_cross_entropy_with_probabilities, cross_entropy_with_logits, cross_entropy_with_probabilities,
    squared_error,
};
use std::fmt;
use std::str::FromStr;
use tape::{Element, Scalar, Tensor, Var};

/// Declares [`LossFunction`] from a table of variants and functions.
macro_rules! functions {
    ($($variant:ident => $function:ident,)*) => {
        /// A loss function by name; the names are those of the functions in [`loss`](crate::loss).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LossFunction {
            $(#[doc = concat!("[`", stringify!($function), "`].")] $variant,)*
        }

        impl LossFunction {
            /// Every function that can be chosen by name.
            pub const ALL: &[LossFunction] = &[$(LossFunction::$variant),*];

            /// The name of the function.
            pub const fn name(self) -> &'static str {
                match self {
                    $(LossFunction::$variant => stringify!($function),)*
                }
            }

            /// The losses of predictions against targets of the same shape.
            ///
            /// # Panics
            /// If the shapes differ.
            #[track_caller]
            pub fn losses<'t, T: Element>(self, a: Var<'t, T>, y: impl Target<'t, T>) -> Losses<'t, T> {
                let y = y.on(a.tape());
                match self {
                    $(LossFunction::$variant => $function(a, y),)*
                }
            }
        }
    };
}

functions! {
    SquaredError => squared_error,
    AbsoluteError => absolute_error,
    BinaryCrossEntropyWithProbabilities => binary_cross_entropy_with_probabilities,
    BinaryCrossEntropyWithLogits => binary_cross_entropy_with_logits,
    CrossEntropyWithProbabilities => cross_entropy_with_probabilities,
    CrossEntropyWithLogits => cross_entropy_with_logits,
}

impl LossFunction {
    /// The function with [`Losses::sum`].
    pub const fn sum(self) -> Loss {
        Loss { function: self, reduction: Reduction::Sum, half: false }
    }

    /// The function with [`Losses::mean_over_samples`].
    pub const fn mean_over_samples(self) -> Loss {
        Loss { function: self, reduction: Reduction::MeanOverSamples, half: false }
    }

    /// The function with [`Losses::mean`].
    pub const fn mean(self) -> Loss {
        Loss { function: self, reduction: Reduction::Mean, half: false }
    }
}

/// A reduction of [`Losses`] by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// [`Losses::sum`].
    Sum,
    /// [`Losses::mean_over_samples`].
    MeanOverSamples,
    /// [`Losses::mean`].
    Mean,
}

impl Reduction {
    /// Every reduction.
    pub const ALL: [Reduction; 3] = [Reduction::Sum, Reduction::MeanOverSamples, Reduction::Mean];

    /// The name of the method.
    pub const fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::MeanOverSamples => "mean_over_samples",
            Reduction::Mean => "mean",
        }
    }
}

/// A loss by name: a function, its reduction, and the factor ½ or not. The name reads like the call:
/// `squared_error.mean`, `squared_error.sum*0.5`.
///
/// ```
/// use nn::loss::{Loss, LossFunction};
/// use tape::{Tape, Tensor};
/// let loss: Loss = "squared_error.mean_over_samples*0.5".parse()?;
/// assert_eq!(loss, LossFunction::SquaredError.mean_over_samples().half());
/// let tape = Tape::new();
/// let a = tape.var([[1.0, 2.0, 4.0], [0.0, 0.0, 0.0]]);
/// let value = loss.of(a, Tensor::zeros([2, 3]));
/// assert_eq!(value.value(), 5.25);
/// assert_eq!(value.backward().wrt(a), Tensor::from([[0.5, 1.0, 2.0], [0.0, 0.0, 0.0]]));
/// # Ok::<(), nn::loss::ParseLossError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loss {
    /// The function.
    pub function: LossFunction,
    /// Its reduction.
    pub reduction: Reduction,
    /// Multiplies by ½.
    pub half: bool,
}

/// The end of a name with the factor ½.
const HALF: &str = "*0.5";

impl Loss {
    /// The loss times ½.
    pub const fn half(self) -> Loss {
        Loss { half: true, ..self }
    }

    /// The loss of predictions against targets of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn of<'t, T: Element>(self, a: Var<'t, T>, y: impl Target<'t, T>) -> Scalar<'t, T> {
        let losses = self.function.losses(a, y);
        let loss = match self.reduction {
            Reduction::Sum => losses.sum(),
            Reduction::MeanOverSamples => losses.mean_over_samples(),
            Reduction::Mean => losses.mean(),
        };
        if self.half { loss * T::from_f64(0.5) } else { loss }
    }

    /// The loss as a function, for [`Trainer::run`](crate::train::Trainer::run).
    ///
    /// ```
    /// use nn::Linear;
    /// use nn::data::{Dataset, Loader};
    /// use nn::loss::LossFunction;
    /// use nn::optim::Sgd;
    /// use nn::train::Trainer;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let data = Dataset::new(Tensor::from([[0.0], [1.0]]), Tensor::from([[1.0], [3.0]]))?;
    /// let (mut model, mut rng) = (Linear::from_values([[0.0]], [0.0]), StdRng::seed_from_u64(0));
    /// let (mut optimizer, mut loader) = (Sgd::new(0.25), Loader::new(&data, 2)?);
    /// let loss = LossFunction::SquaredError.mean();
    /// Trainer::new(200).run(&mut model, &mut optimizer, &mut loader, &mut rng, loss.as_fn())?;
    /// assert!(model.weight.value().allclose(&Tensor::from([[2.0]])));
    /// # Ok(())
    /// # }
    /// ```
    pub fn as_fn<T: Element>(self) -> impl for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Scalar<'t, T> + Copy {
        move |a, y| self.of(a, y)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.half { HALF } else { "" };
        f.pad(&format!("{}.{}{half}", self.function.name(), self.reduction.name()))
    }
}

impl FromStr for Loss {
    type Err = ParseLossError;

    fn from_str(name: &str) -> Result<Loss, ParseLossError> {
        let unknown = || ParseLossError { name: name.to_owned() };
        let whole = name.strip_suffix(HALF);
        let (function, reduction) = whole.unwrap_or(name).split_once('.').ok_or_else(unknown)?;
        let function = LossFunction::ALL.iter().find(|known| known.name() == function).ok_or_else(unknown)?;
        let reduction = Reduction::ALL.iter().find(|known| known.name() == reduction).ok_or_else(unknown)?;
        Ok(Loss { function: *function, reduction: *reduction, half: whole.is_some() })
    }
}

/// The name, as a string. With the feature `serde`.
///
/// ```
/// use nn::loss::{Loss, LossFunction};
/// let loss = LossFunction::SquaredError.mean().half();
/// let text = serde_json::to_string(&loss)?;
/// assert_eq!(text, "\"squared_error.mean*0.5\"");
/// assert_eq!(serde_json::from_str::<Loss>(&text)?, loss);
/// assert!(serde_json::from_str::<Loss>("\"hinge.sum\"").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg(feature = "serde")]
impl serde::Serialize for Loss {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From its name. With the feature `serde`.
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Loss {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Loss, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// A name that is not the name of a loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseLossError {
    /// The given name.
    pub name: String,
}

impl fmt::Display for ParseLossError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<_> = LossFunction::ALL.iter().map(|function| function.name()).collect();
        let reductions: Vec<_> = Reduction::ALL.iter().map(|reduction| reduction.name()).collect();
        write!(
            f,
            "loss: expected FUNCTION.REDUCTION or FUNCTION.REDUCTION{HALF} with FUNCTION one of {} and REDUCTION one of \
             {}, found {:?}",
            functions.join(", "),
            reductions.join(", "),
            self.name
        )
    }
}

impl std::error::Error for ParseLossError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back() {
        for function in LossFunction::ALL {
            for loss in [function.sum(), function.mean_over_samples(), function.mean()] {
                assert_eq!(loss.to_string().parse(), Ok(loss));
                assert_eq!(loss.half().to_string().parse(), Ok(loss.half()));
            }
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["squared_error", "hinge.sum", "squared_error.total", "squared_error.sum*0.25", ""] {
            let text = name.parse::<Loss>().unwrap_err().to_string();
            assert!(text.starts_with("loss: expected FUNCTION.REDUCTION or"), "{text}");
            assert!(text.contains("one of squared_error, absolute_error,"), "{text}");
            assert!(text.ends_with(&format!("found {name:?}")), "{text}");
        }
    }
}
