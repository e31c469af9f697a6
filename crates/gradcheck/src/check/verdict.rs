//! The verdict on one derivative, its reason and its evidence.

use crate::numdiff::Interval;
use std::fmt;
use tape::internal::MASK;

/// The verdict of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The derivative lies in the interval, and the interval is narrow enough.
    Agree,
    /// The derivative lies outside the interval, by two formulas at different steps.
    Disagree,
    /// The differences cannot decide.
    Inconclusive(Reason),
}

/// The reason for an inconclusive verdict.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// The point lies on a kink or a jump, or too close to one.
    Kink {
        /// The operation that changes its branch there; empty if none reports it and only differences reveal
        /// it.
        op: &'static str,
        /// Its node on the tape.
        node: usize,
        /// The index of the decision within the node; a very large one means the node as a whole.
        element: usize,
        /// The slopes to the left and to the right.
        one_sided: (f64, f64),
        /// `true` if the derivative lies between them.
        a_is_subgradient: bool,
    },
    /// The interval is wider than the requested resolution.
    Noise {
        /// Its radius.
        r: f64,
        /// The radius needed.
        needed: f64,
    },
    /// Two scales of steps give different derivatives: the function has structure below the steps.
    Scale {
        /// The derivative at the narrower steps.
        narrow: Interval,
        /// The derivative at the wider steps.
        wide: Interval,
    },
    /// The function is not finite at any distance tried.
    NonFinite {
        /// The smallest distance tried.
        at: f64,
    },
    /// The gradient in `f32` could not be compared with that in `f64`, as [`single`](super::GradCheck::single) requires.
    NotCompared {
        /// The reason.
        why: String,
    },
    /// No comparison could have failed.
    Vacuous,
}

/// The interval that contains every number.
pub(crate) const UNKNOWN: Interval = Interval { mid: f64::NAN, radius: f64::INFINITY };

/// The kind of evidence behind a comparison, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// A random test that a wrong derivative passes with a small probability.
    Heuristic,
    /// An interval, valid if the function is smooth on the scale of the steps.
    Interval,
    /// Another way to compute the same derivative, with rounding errors only.
    Reference,
    /// Equality of bits.
    Exact,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Agree => write!(f, "agree"),
            Verdict::Disagree => write!(f, "DISAGREE"),
            Verdict::Inconclusive(why) => write!(f, "inconclusive: {why}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Kink { op, node, element, one_sided: (left, right), a_is_subgradient } => {
                match *op {
                    "" => write!(f, "a kink that no operation reports")?,
                    op if *element >= MASK => write!(f, "node {node} `{op}` decides here")?,
                    op => write!(f, "node {node} `{op}` decides here (element {element})")?,
                }
                let is = if *a_is_subgradient { "is a" } else { "is not a" };
                write!(f, "; one-sided slopes {left:.4e} / {right:.4e}; the derivative {is} subgradient")
            }
            Reason::Noise { r, needed } => write!(f, "the interval has radius {r:.1e}, needed {needed:.1e}"),
            Reason::Scale { narrow, wide } => write!(f, "narrow steps give {narrow}, wide ones {wide}"),
            Reason::NonFinite { at } => write!(f, "not finite, even {at:.1e} away"),
            Reason::NotCompared { why } => write!(f, "the gradient in f32 was not compared: {why}"),
            Reason::Vacuous => write!(f, "nothing was compared that could have failed"),
        }
    }
}
