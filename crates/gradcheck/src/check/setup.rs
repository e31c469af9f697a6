//! The options of a check, and the errors of its setup.

use super::{GradCheck, Step};
use std::fmt;
use tape::Tensor;

/// One input.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) value: Tensor,
    pub(crate) tracked: bool,
    /// `true` if its gradient may be zero.
    pub(crate) zero: bool,
}

/// The weights of the outputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Cotangent {
    /// Random weights of either sign, with sizes between 1/2 and 3/2.
    Random,
    /// 1 for every output.
    Ones,
    /// 1 for one output, by its row-major position.
    OneHot(usize),
    /// The given weights.
    Given(Tensor),
}

/// The entries to compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entries {
    /// Every entry of a problem with at most 256; in larger problems random directions, bisected down to an
    /// entry if they fail.
    Auto,
    /// Every entry.
    All,
    /// This many random entries of every input, or all if it has fewer.
    PerTensor(usize),
    /// This many random directions through every input.
    Directions(usize),
}

/// A method of comparison.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Metamorphic, adjoint, path integral, and Richardson's extrapolation for entries or directions.
    Auto,
    /// Forward difference with one step.
    Forward {
        /// The step.
        h: Step,
    },
    /// Central difference with one step.
    Central {
        /// The step.
        h: Step,
    },
    /// Central formula on 3, 5 or 7 points, at the step where its bound is smallest.
    Stencil {
        /// The number of points.
        points: u8,
    },
    /// Central differences extrapolated to step 0.
    Richardson,
    /// Differences of a polynomial of low degree at dyadic numbers, which are exact: equality of bits.
    Exact,
    /// The tape's forward mode: every entry along a unit tangent.
    ForwardMode,
    /// ⟨u, Jv⟩ = ⟨Jᵀu, v⟩.
    Adjoint,
    /// Random directions, with Richardson's extrapolation.
    Projection {
        /// The number of directions through each input.
        k: u8,
    },
    /// The order at which `f(x + hv) - f(x) - h g·v` vanishes.
    Taylor,
    /// The integral of the gradient along a line is the difference of the values at its ends.
    PathIntegral {
        /// The number of Gauss-Legendre nodes, 8 or 16.
        nodes: u8,
    },
    /// The derivative of the gradient is symmetric.
    HessianSymmetry,
    /// The same gradient in numbers of 32 digits, and that along a random direction with differences in them: for the
    /// function of a [`Model`](super::Model), which is generic in its number type. It takes no step, and finds relative errors from about 1e-14.
    Precision,
    /// The gradient is reproducible, linear in the cotangent, and independent of which other inputs are
    /// differentiated.
    Metamorphic,
}

/// The method to determine the rounding noise of the function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// From difference tables of values very close to each other.
    DifferenceTable,
    /// This many roundings of the value.
    Ulps(f64),
}

/// The reason why a check cannot run.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum SetupError {
    /// No input with an entry to differentiate, or no output.
    Empty {
        /// The missing part.
        what: &'static str,
    },
    /// Two inputs of the same name.
    Name {
        /// The name.
        name: String,
    },
    /// A cotangent that does not have the shape of the value.
    Shape {
        /// The shape of the value.
        expected: Vec<usize>,
        /// The shape of the cotangent.
        found: Vec<usize>,
    },
    /// Two evaluations at the same point that differ.
    Nondeterministic {
        /// The first output that differs.
        output: usize,
    },
    /// A value that is not finite at the point of the check.
    NonFinite {
        /// The first output that is not finite.
        output: usize,
    },
    /// An entry that does not exist, or is not differentiated.
    Entry {
        /// The name of the input.
        input: String,
        /// The position.
        index: Vec<usize>,
    },
    /// An environment variable that does not parse.
    Environment {
        /// The expected and the actual value.
        reason: String,
    },
}

impl std::error::Error for SetupError {}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::Empty { what } => write!(f, "gradcheck: expected {what}, found none"),
            SetupError::Name { name } => {
                write!(f, "gradcheck: expected different names, found two inputs {name:?}")
            }
            SetupError::Shape { expected, found } => {
                write!(f, "gradcheck: expected a cotangent of shape {expected:?}, found {found:?}")
            }
            SetupError::Nondeterministic { output } => {
                write!(f, "gradcheck: expected the same value from two evaluations, output {output} differs")
            }
            SetupError::NonFinite { output } => {
                write!(f, "gradcheck: expected finite values, output {output} is not")
            }
            SetupError::Entry { input, index } => {
                write!(f, "gradcheck: expected an entry to differentiate, found {input}{index:?}")
            }
            SetupError::Environment { reason } => write!(f, "gradcheck: {reason}"),
        }
    }
}

impl fmt::Debug for GradCheck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
        f.debug_struct("GradCheck").field("name", &self.name).field("inputs", &names).finish_non_exhaustive()
    }
}

/// Converts a row-major position to an index along each axis.
pub(crate) fn position(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (axis, &extent) in shape.iter().enumerate().rev() {
        index[axis] = at % extent;
        at /= extent;
    }
    index
}
