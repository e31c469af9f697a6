//! The errors of saved states, as data: of parameters, optimizers, schedules and checkpoints.

use super::text::{Extents, Listed, Quoted, Tensor};
use std::fmt;

/// The reason why a state does not fit the model, optimizer or schedule that requests it.
///
/// ```
/// use nn::files::StateError;
/// use nn::{Linear, load_state_dict, state_dict};
/// let narrow = Linear::from_values([[1.0, 2.0]], [0.5]);
/// let mut wide = Linear::from_values([[1.0, 2.0, 3.0]], [0.5]);
/// let error = load_state_dict(&mut wide, state_dict(&narrow)).unwrap_err();
/// assert!(matches!(error, StateError::Shape { .. }));
/// assert_eq!(error.to_string(), "tensor \"weight\": expected shape [1, 3], found [1, 2]");
/// ```
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum StateError {
    /// A tensor has another shape.
    Shape {
        /// The tensor's name.
        tensor: String,
        /// The requested shape.
        expected: Vec<usize>,
        /// The shape found.
        found: Vec<usize>,
    },
    /// The names of the tensors differ from the requested ones.
    Names {
        /// Requested names that are missing.
        missing: Vec<String>,
        /// Names that were not requested.
        unexpected: Vec<String>,
    },
    /// The names of the numbers differ from the requested ones.
    Numbers {
        /// Requested names that are missing.
        missing: Vec<String>,
        /// Names that were not requested.
        unexpected: Vec<String>,
    },
    /// A number, or an element of a tensor, is out of range.
    Number {
        /// The name of the number or the tensor.
        number: String,
        /// The accepted values.
        expected: &'static str,
        /// The number found.
        found: String,
    },
    /// A checkpoint has no part, or no note, of that name.
    Part {
        /// The name.
        missing: String,
    },
    /// The text of a note of a checkpoint does not parse as the requested type.
    Note {
        /// The name.
        name: String,
        /// The text of the note.
        text: String,
    },
    /// A name appears more than once.
    Duplicate {
        /// The tensor's name.
        tensor: String,
    },
}

impl fmt::Debug for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StateError").field(&format_args!("{self}")).finish()
    }
}

impl std::error::Error for StateError {}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Shape { tensor, expected, found } => {
                let (expected, found) = (Extents(expected), Extents(found));
                write!(f, "{}expected shape {expected}, found {found}", Tensor(tensor))
            }
            StateError::Names { missing, unexpected } => differences(f, "tensors", missing, unexpected),
            StateError::Numbers { missing, unexpected } => differences(f, "numbers", missing, unexpected),
            StateError::Number { number, expected, found } => {
                write!(f, "number {}: expected {expected}, found {found}", Quoted(number))
            }
            StateError::Part { missing } => write!(f, "there is no {} in this checkpoint", Quoted(missing)),
            StateError::Note { name, text } => {
                let (name, text) = (Quoted(name), Quoted(text));
                write!(f, "note {name}: expected text that parses as the requested type, found {text}")
            }
            StateError::Duplicate { tensor } => write!(f, "tensor {} appears more than once", Quoted(tensor)),
        }
    }
}

/// Lists the missing and the unexpected names.
fn differences(
    f: &mut fmt::Formatter<'_>,
    of: &str,
    missing: &[String],
    unexpected: &[String],
) -> fmt::Result {
    let mut separator = "";
    for (what, names) in [("missing", missing), ("unexpected", unexpected)] {
        if !names.is_empty() {
            write!(f, "{separator}{what} {of}: {}", Listed(names))?;
            separator = "; ";
        }
    }
    Ok(())
}
