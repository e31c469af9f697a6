//! The errors of optimizer steps.

use crate::setting::Number;
use std::fmt;

/// The reason why a step was not made, or not in full.
///
/// ```
/// use nn::optim::StepError;
/// use nn::Param;
/// use nn::optim::{Optimizer, Sgd};
/// use tape::Tape;
/// let mut w = Param::new([1.0, 2.0]);
/// let grads = { let tape = Tape::new(); (w.on(&tape) * tape.constant([f64::NAN, 1.0])).sum().backward() };
/// let error = Sgd::new(0.5).clip_norm(1.0).try_step(&mut w, &grads).unwrap_err();
/// assert!(matches!(error, StepError::Gradient { .. }));
/// assert_eq!(w.value().to_vec(), [1.0, 2.0]);
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum StepError {
    /// The learning rate is negative, infinite or NaN. Nothing has changed.
    LearningRate {
        /// The optimizer.
        optimizer: &'static str,
        /// The learning rate.
        found: f64,
    },
    /// There is no gradient for any parameter of the model: the gradients are those of another model (a clone
    /// is another model, too). Nothing has changed.
    NoGradient {
        /// The optimizer.
        optimizer: &'static str,
        /// The number of parameters.
        parameters: usize,
    },
    /// The gradients do not belong to the parameters of this model: another number of them, or other names. Nothing has
    /// changed.
    Gradients {
        /// The optimizer.
        optimizer: &'static str,
        /// The expected gradients, and those found.
        reason: String,
    },
    /// A gradient has another shape than its parameter. Nothing has changed.
    Shape {
        /// The optimizer.
        optimizer: &'static str,
        /// The name of the parameter.
        parameter: String,
        /// The shape of the parameter.
        expected: Vec<usize>,
        /// The shape of its gradient.
        found: Vec<usize>,
    },
    /// A [`group`](super::GradientDescent::group) selects no parameter of the model. Nothing has changed.
    Group {
        /// The optimizer.
        optimizer: &'static str,
        /// The index of the group, from 0.
        number: usize,
    },
    /// The number of trainable elements of the model differs from that in the previous step. Nothing has
    /// changed.
    Count {
        /// The optimizer.
        optimizer: &'static str,
        /// The number in the previous step.
        expected: usize,
        /// The number now.
        found: usize,
    },
    /// A gradient is infinite or NaN. The elements concerned are unchanged; all are, if the norm of the
    /// gradients is clipped.
    Gradient {
        /// The optimizer.
        optimizer: &'static str,
        /// The name of the first such parameter.
        parameter: String,
    },
    /// The gradient is finite, but a new value of the parameter, or of its state in the optimizer, would not
    /// be. The elements concerned are unchanged, with the exceptions named at
    /// [`Elements::each`](super::Elements::each); the others have moved.
    Overflow {
        /// The optimizer.
        optimizer: &'static str,
        /// The name of the first such parameter.
        parameter: String,
        /// The learning rate.
        learning_rate: f64,
    },
}

impl StepError {
    /// Panics with this text, at the caller's line.
    #[track_caller]
    #[cold]
    #[inline(never)]
    pub fn panic(self) -> ! {
        panic!("{self}")
    }
}

impl std::error::Error for StepError {}

/// A parameter in a message; a model that is itself a parameter has no name.
struct Named<'a>(&'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("the parameter") } else { write!(f, "{:?}", self.0) }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepError::LearningRate { optimizer, found } => {
                write!(
                    f,
                    "{optimizer}: expected a finite learning rate of 0 or more, found {}",
                    Number(*found)
                )
            }
            StepError::NoGradient { optimizer, parameters } => {
                write!(f, "{optimizer}: no gradient for any of the model's {parameters} parameters")
            }
            StepError::Gradients { optimizer, reason } => write!(f, "{optimizer}: {reason}"),
            StepError::Shape { optimizer, parameter, expected, found } => {
                let parameter = Named(parameter);
                write!(
                    f,
                    "{optimizer}: expected a gradient of shape {expected:?} for {parameter}, found {found:?}"
                )
            }
            StepError::Group { optimizer, number } => {
                write!(f, "{optimizer}: group {number} selects no parameter of the model")
            }
            StepError::Count { optimizer, expected, found } => {
                write!(
                    f,
                    "{optimizer}: expected {expected} trainable elements as in the last step, found {found}"
                )
            }
            StepError::Gradient { optimizer, parameter } => {
                let parameter = Named(parameter);
                write!(
                    f,
                    "{optimizer}: expected a finite gradient of {parameter}, found infinite or NaN elements"
                )
            }
            StepError::Overflow { optimizer, parameter, learning_rate } => {
                let parameter = Named(parameter);
                write!(
                    f,
                    "{optimizer}: expected a finite step of {parameter}, found infinite or NaN elements "
                )?;
                write!(f, "(learning rate {})", Number(*learning_rate))
            }
        }
    }
}
