//! Errors, as data.
//!
//! Every variant carries the operation and the values that disagree, never a preformatted sentence. `Display`
//! writes the text: one lowercase line that says what was expected and what was found. The panicking forms
//! print exactly this text.

use std::fmt;
use std::panic::Location;

/// A shape as stored in an error: plain extents.
pub type Dims = Vec<usize>;

/// The reason an operation, a shape or an index was refused.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Two shapes that do not broadcast against each other.
    Broadcast {
        /// The requested operation.
        op: &'static str,
        /// Shape of the left operand.
        lhs: Dims,
        /// Shape of the right operand.
        rhs: Dims,
    },
    /// Shapes that must be equal and are not.
    Shape {
        /// The requested operation.
        op: &'static str,
        /// The shape the operation needs.
        expected: Dims,
        /// The shape that was found.
        found: Dims,
    },
    /// A matrix product whose inner dimensions differ.
    InnerDims {
        /// The requested operation.
        op: &'static str,
        /// Shape of the left operand.
        lhs: Dims,
        /// Shape of the right operand.
        rhs: Dims,
    },
    /// An operand of the wrong rank.
    Rank {
        /// The requested operation.
        op: &'static str,
        /// The operation's requirement, in words.
        expected: &'static str,
        /// The shape that was found.
        found: Dims,
    },
    /// An axis that the operand does not have.
    Axis {
        /// The requested operation.
        op: &'static str,
        /// The axis as the caller wrote it.
        axis: isize,
        /// The operand's shape.
        shape: Dims,
    },
    /// A list of axes in which one appears more than once.
    RepeatedAxis {
        /// The requested operation.
        op: &'static str,
        /// The axis that appears more than once.
        axis: usize,
    },
    /// An index beyond the end of its axis.
    Index {
        /// The requested operation.
        op: &'static str,
        /// The index as the caller wrote it.
        index: isize,
        /// The axis it indexes.
        axis: usize,
        /// The operand's shape.
        shape: Dims,
    },
    /// A number of elements that does not fill the shape.
    Elements {
        /// The requested operation.
        op: &'static str,
        /// The shape to be filled.
        shape: Dims,
        /// The number of elements found.
        found: usize,
    },
    /// A shape with more elements than a tensor can have.
    Size {
        /// The requested operation.
        op: &'static str,
        /// The most elements of a tensor: what fits into `isize::MAX` bytes. An extent of 0 counts as 1.
        limit: usize,
        /// The requested shape.
        found: Dims,
    },
    /// A tensor for which the system has no memory.
    Memory {
        /// The requested operation.
        op: &'static str,
        /// The bytes that the tensor would take.
        bytes: usize,
        /// The shape of the tensor.
        shape: Dims,
    },
    /// A reduction without a value for no elements (`max` of nothing).
    Empty {
        /// The requested operation.
        op: &'static str,
        /// The operand's shape.
        shape: Dims,
    },
    /// The wrong number of operands.
    Operands {
        /// The requested operation.
        op: &'static str,
        /// The operation's requirement, in words.
        expected: &'static str,
        /// The number of operands found.
        found: usize,
    },
    /// Operands, or a gradient and a handle, from two different tapes.
    ForeignTape {
        /// The requested operation.
        op: &'static str,
        /// Ids of the two tapes (a reset gives a tape a new id).
        tapes: [u64; 2],
    },
    /// The tape is full: nodes are numbered with 32 bits.
    Capacity {
        /// The largest number of nodes.
        limit: usize,
    },
    /// The gradient of an intermediate value was requested, but only those of leaves were kept.
    NotKept {
        /// Name of the operation that produced the value.
        op: &'static str,
        /// Its index on the tape.
        node: usize,
    },
    /// A parameter that was never recorded on the tape the gradients came from.
    UnknownParameter {
        /// The parameter's id.
        id: u64,
    },
    /// A parameter whose value changed after it was recorded on this tape.
    ChangedParameter {
        /// The parameter's id.
        id: u64,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A broken contract: one of an operation's rules returned a tensor of another shape than promised.
    Contract {
        /// The operation.
        op: &'static str,
        /// The rule that returned it: `eval`, `vjp` or `jvp`.
        rule: &'static str,
        /// The operand that the cotangent belongs to, if it is one.
        operand: Option<usize>,
        /// The shape it must have.
        expected: Dims,
        /// The shape it has.
        found: Dims,
    },
    /// Something that a replay would not repeat, recorded for one: see [`Replay`](crate::Replay).
    NotReplayable {
        /// The operation.
        op: &'static str,
        /// Why a replay would not repeat it.
        reason: &'static str,
        /// Where it was called.
        site: &'static Location<'static>,
    },
    /// A refusal in the operation's own words: singular matrices, hyper-parameters out of range.
    Invalid {
        /// The requested operation.
        op: &'static str,
        /// The expected and the found, in words.
        reason: String,
    },
    /// Any of the above, on a tape with locations, with the source locations where the operands were created.
    At {
        /// The error.
        error: Box<Error>,
        /// The source location where each operand was created.
        operands: Vec<&'static Location<'static>>,
    },
}

/// The operation of an error whose operation is not known yet: see [`Error::named`].
pub(crate) const UNNAMED: &str = "shape";

/// Errors without the name of an operation, as rules return them: the engine adds it.
impl Error {
    /// Names the operation in an error that does not carry a name yet. The engine does it for the errors of an
    /// operation's rules, so that these need not repeat its name.
    ///
    /// ```
    /// use tape::{Error, Shape};
    /// let error = Shape::from([2, 3]).axis(5).unwrap_err().named("mine");
    /// assert_eq!(error.to_string(), "mine: axis 5 does not exist in shape [2, 3]");
    /// assert_eq!(error.clone().named("other"), error);
    /// ```
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Error {
        if let Some(op) = self.op_mut()
            && *op == UNNAMED
        {
            *op = name;
        }
        self
    }

    fn op_mut(&mut self) -> Option<&mut &'static str> {
        match self {
            Error::Broadcast { op, .. }
            | Error::Shape { op, .. }
            | Error::InnerDims { op, .. }
            | Error::Rank { op, .. }
            | Error::Axis { op, .. }
            | Error::RepeatedAxis { op, .. }
            | Error::Index { op, .. }
            | Error::Elements { op, .. }
            | Error::Size { op, .. }
            | Error::Memory { op, .. }
            | Error::Empty { op, .. }
            | Error::Operands { op, .. }
            | Error::ForeignTape { op, .. }
            | Error::NotKept { op, .. }
            | Error::Contract { op, .. }
            | Error::NotReplayable { op, .. }
            | Error::Invalid { op, .. } => Some(op),
            Error::At { error, .. } => error.op_mut(),
            Error::Capacity { .. } | Error::UnknownParameter { .. } | Error::ChangedParameter { .. } => None,
        }
    }

    /// [`Error::Broadcast`].
    #[cold]
    pub fn broadcast(lhs: Dims, rhs: Dims) -> Error {
        Error::Broadcast { op: UNNAMED, lhs, rhs }
    }

    /// [`Error::Shape`].
    #[cold]
    pub fn shape(expected: Dims, found: Dims) -> Error {
        Error::Shape { op: UNNAMED, expected, found }
    }

    /// [`Error::InnerDims`].
    #[cold]
    pub fn inner_dims(lhs: Dims, rhs: Dims) -> Error {
        Error::InnerDims { op: UNNAMED, lhs, rhs }
    }

    /// [`Error::Rank`].
    #[cold]
    pub fn rank(expected: &'static str, found: Dims) -> Error {
        Error::Rank { op: UNNAMED, expected, found }
    }

    /// [`Error::Elements`].
    #[cold]
    pub fn elements(shape: Dims, found: usize) -> Error {
        Error::Elements { op: UNNAMED, shape, found }
    }

    /// [`Error::Empty`].
    #[cold]
    pub fn empty(shape: Dims) -> Error {
        Error::Empty { op: UNNAMED, shape }
    }

    /// [`Error::Invalid`].
    #[cold]
    pub fn invalid(reason: impl Into<String>) -> Error {
        Error::Invalid { op: UNNAMED, reason: reason.into() }
    }

    /// [`Error::Index`] for an index counted from the start; where it is beyond an `isize`, [`Error::Invalid`] of the same
    /// text.
    ///
    /// ```
    /// use tape::Error;
    /// let error = Error::index(usize::MAX, 0, &[3]).named("row");
    /// assert_eq!(error.to_string(), format!("row: index {} is out of range for axis 0 of shape [3]", usize::MAX));
    /// assert!(matches!(Error::index(3, 0, &[3]), Error::Index { index: 3, .. }));
    /// ```
    #[cold]
    pub fn index(index: usize, axis: usize, shape: &[usize]) -> Error {
        match isize::try_from(index) {
            Ok(index) => Error::Index { op: UNNAMED, index, axis, shape: shape.to_vec() },
            Err(_) => {
                Error::invalid(format!("index {index} is out of range for axis {axis} of shape {shape:?}"))
            }
        }
    }

    /// Panics with this error's text, at the caller's line.
    #[track_caller]
    #[cold]
    #[inline(never)]
    pub fn panic(self) -> ! {
        panic!("{self}")
    }
}

/// Unwraps, or panics with the error's text: for errors such as a wrong shape in an expression, which are
/// programming errors.
#[track_caller]
#[inline]
pub fn expect<V>(result: Result<V, Error>) -> V {
    match result {
        Ok(value) => value,
        Err(error) => error.panic(),
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Broadcast { op, lhs, rhs } => {
                write!(f, "{op}: shapes do not broadcast: {lhs:?} and {rhs:?}")
            }
            Error::Shape { op, expected, found } => {
                write!(f, "{op}: expected shape {expected:?}, found {found:?}")
            }
            Error::InnerDims { op, lhs, rhs } => {
                write!(f, "{op}: inner dimensions differ: {lhs:?} · {rhs:?}")
            }
            Error::Rank { op, expected, found } => {
                write!(f, "{op}: expected {expected}, found shape {found:?}")
            }
            Error::Axis { op, axis, shape } => {
                write!(f, "{op}: axis {axis} does not exist in shape {shape:?}")
            }
            Error::RepeatedAxis { op, axis } => write!(f, "{op}: axis {axis} appears more than once"),
            Error::Index { op, index, axis, shape } => {
                write!(f, "{op}: index {index} is out of range for axis {axis} of shape {shape:?}")
            }
            Error::Elements { op, shape, found } => {
                write!(f, "{op}: shape {shape:?} needs ")?;
                match shape.iter().try_fold(1_u128, |size, &extent| size.checked_mul(extent as u128)) {
                    Some(needed) => write!(f, "{needed} elements, found {found}"),
                    None => write!(f, "more elements than can be counted, found {found}"),
                }
            }
            Error::Size { op, limit, found } => write!(
                f,
                "{op}: expected at most {limit} elements (an extent of 0 counts as 1), found shape {found:?}"
            ),
            Error::Memory { op, bytes, shape } => {
                write!(f, "{op}: expected memory for {bytes} bytes of shape {shape:?}, found less")
            }
            Error::Empty { op, shape } => write!(f, "{op}: no elements to reduce in shape {shape:?}"),
            Error::Operands { op, expected, found } => {
                write!(f, "{op}: expected {expected}, found {found} operands")
            }
            Error::ForeignTape { op, tapes: [a, b] } => {
                write!(f, "{op}: operands of two tapes: tape {a} and tape {b}")
            }
            Error::Capacity { limit } => write!(f, "tape: full, it holds at most {limit} nodes"),
            Error::NotKept { op, node } => write!(
                f,
                "gradients: node {node} ({op}) is not a leaf and its gradient was not kept; \
                 use backward_all() or backward_retaining()"
            ),
            Error::UnknownParameter { id } => {
                write!(
                    f,
                    "gradients: parameter {id} was not recorded on this tape as a variable (frozen ones are not)"
                )
            }
            Error::ChangedParameter { id, shape } => write!(
                f,
                "param: the value of parameter {id}, of shape {shape:?}, changed after it was recorded; \
                 reset the tape before the next forward pass"
            ),
            Error::Contract { op, rule, operand, expected, found } => {
                write!(f, "{op}: `{rule}` must return a tensor of shape {expected:?}")?;
                match operand {
                    Some(k) => write!(f, " for operand {k}, found {found:?}"),
                    None => write!(f, ", found {found:?}"),
                }
            }
            Error::NotReplayable { op, reason, site } => {
                write!(f, "{op}: expected a step that can be replayed, found {reason}, at {site}")
            }
            Error::Invalid { op, reason } => write!(f, "{op}: {reason}"),
            Error::At { error, operands } => {
                write!(f, "{error}")?;
                for (i, site) in operands.iter().enumerate() {
                    write!(f, "{} operand {i} created at {site}", if i == 0 { ";" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}
