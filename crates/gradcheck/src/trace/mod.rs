//! A derivation by hand beside the engine, value by value, with a verdict on each.
//!
//! A [`Derivation`] records a model, gives names to its values, and states a closed form for the gradient with respect to each of
//! them. [`Trace`] evaluates both and compares, in backward order: the closed form, the adjoint of the reverse sweep, the
//! derivative in forward mode, and a difference quotient.
//!
//! | verdict | meaning |
//! |---|---|
//! | EXACT | closed form and adjoint have the same bits |
//! | ROUNDING | they differ by no more than the roundings of both explain; with the reason |
//! | WRONG | they differ by more; with the likely [`Cause`] |
//!
//! ```
//! use gradcheck::{Inputs, trace::{Derivation, Equation, Steps, Trace}};
//! use tape::{Element, Scalar};
//!
//! /// A neuron: `loss = (tanh(w x) - y)²`.
//! struct Neuron;
//!
//! impl Derivation for Neuron {
//!     fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T> {
//!         let z = (v["w"] * v["x"]).named("z");
//!         (z.tanh().named("a") - v["y"]).square().sum()
//!     }
//!     fn derive<T: Element>(&self, d: &mut Steps<T>) {
//!         let (one, two) = (T::ONE, T::from_f64(2.0));
//!         d.step("a", Equation::new("1", "2 (a - y)"), |d| (d.value("a") - d.value("y")) * two);
//!         d.step("z", Equation::new("2", "∂a ∘ (1 - a²)"), |d| {
//!             d.gradient("a") * d.value("a").map_elements(|a| one - a * a)
//!         });
//!         d.step("w", Equation::new("3", "∂z x"), |d| d.gradient("z") * d.value("x"));
//!     }
//! }
//!
//! let report = Trace::of(Neuron).input("w", [0.0]).constant("x", [0.6]).constant("y", [1.0]).run()?;
//! assert!(report.agrees(), "{report}");
//! let w = report.row("w").unwrap();
//! assert_eq!(w.verdict.key(), "EXACT");
//! assert_eq!((report.loss(), w.hand, w.adjoint, w.forward), (1.0, -1.2, -1.2, -1.2));
//! assert!((w.quotient - w.adjoint).abs() < 1e-8);
//! # Ok::<(), gradcheck::trace::TraceError>(())
//! ```
//!
//! # The bound of a rounding
//! The bound is neither a tolerance nor a measurement. Model and derivation are evaluated once more, in an arithmetic in which
//! every number carries a running bound of its rounding error, to first order in the unit roundoff `u`:
//!
//! | operation | error |
//! |---|---|
//! | `x y` | `ǀxǀ e(y) + ǀyǀ e(x) + u ǀx yǀ` |
//! | `x / y` | `(e(x) + ǀx / yǀ e(y)) / ǀyǀ + u ǀx / yǀ` |
//! | a sum of `m` terms `t`, in any order | `Σ e(t) + (m - 1) u Σ ǀtǀ` |
//! | an elementary function `f(x)` | `ǀf'(x)ǀ e(x) + 8 u ǀf(x)ǀ` |
//!
//! (N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, sections 3.3 and 4.2; 8 roundings are 4 units in
//! the last place, the bound of `docs/certified.md`.) Both the closed form and the adjoint are within their bounds of one exact
//! number, so they differ by no more than the sum of the two. Recorded values of the forward pass carry their errors too:
//! closed forms and rules use them differently, as `a (1 - a)` and `σ(z) σ(-z)` do.
//!
//! # Mistakes
//! Each cause is tried in turn: the mistake is made in the engine's own rules, and it is named if it reproduces the closed form.
//! After a wrong step the derivation goes on from the adjoint, so that a mistake is reported once, where it was made. If forward
//! mode and the difference quotient agree with the closed form, the report blames the reverse rule of the engine instead.

mod causes;
mod json;
mod markdown;
mod recording;
mod report;
mod steps;
mod table;
mod terms;
#[cfg(test)]
mod tests;

pub use causes::Cause;
pub use report::{Rounding, TraceReport, TraceRow, TraceVerdict};
pub use steps::{Equation, Steps};
pub use table::Style;

use crate::check::Inputs;
use causes::Suspect;
use recording::Recording;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use tape::{Element, Error, Scalar, Tape, Tensor};
use terms::Terms;

/// A model with the derivation of its gradients by hand.
pub trait Derivation {
    /// Records the loss. Inputs have their names already; the other values that the derivation reads or differentiates by get
    /// theirs with [`named`](tape::Var::named).
    fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Scalar<'t, T>;

    /// The closed forms, one [`step`](Steps::step) for each value, from the loss down.
    fn derive<T: Element>(&self, d: &mut Steps<T>);
}

/// The reason why a trace cannot be made.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum TraceError {
    /// A step for a value that was not recorded.
    Unknown {
        /// The name of the step.
        name: String,
        /// The names of the recorded values.
        known: Vec<String>,
    },
    /// A step for a value on which the loss does not depend, or a constant.
    NotOnPath {
        /// The name.
        name: String,
    },
    /// Two inputs or two steps of the same name.
    Twice {
        /// The name.
        name: String,
    },
    /// A derivation without steps.
    NoSteps,
    /// An error of the engine.
    Engine(Error),
}

impl std::error::Error for TraceError {}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceError::Unknown { name, known } => {
                write!(f, "trace: expected the name of a recorded value, one of {known:?}, found {name:?}")
            }
            TraceError::NotOnPath { name } => {
                write!(
                    f,
                    "trace: expected a value between the inputs and the loss, found {name:?}, which gets no gradient"
                )
            }
            TraceError::Twice { name } => write!(f, "trace: expected different names, found {name:?} twice"),
            TraceError::NoSteps => write!(f, "trace: expected a derivation with a step, found none"),
            TraceError::Engine(error) => write!(f, "trace: {error}"),
        }
    }
}

/// A comparison of a derivation by hand with the engine, in `f64` or `f32`.
#[derive(Debug)]
pub struct Trace<D, T: Element = f64> {
    derivation: D,
    title: String,
    conventions: Vec<String>,
    names: Vec<String>,
    values: Vec<Tensor<T>>,
    tracked: Vec<bool>,
}

impl<D: Derivation, T: Element> Trace<D, T> {
    /// A trace of this derivation, without inputs yet.
    pub fn of(derivation: D) -> Trace<D, T> {
        Trace {
            derivation,
            title: String::new(),
            conventions: Vec::new(),
            names: Vec::new(),
            values: Vec::new(),
            tracked: Vec::new(),
        }
    }

    /// Adds an input to differentiate with respect to.
    pub fn input(self, name: impl Into<String>, value: impl Into<Tensor<T>>) -> Trace<D, T> {
        self.with(name.into(), value.into(), true)
    }

    /// Adds an input that is held constant.
    pub fn constant(self, name: impl Into<String>, value: impl Into<Tensor<T>>) -> Trace<D, T> {
        self.with(name.into(), value.into(), false)
    }

    fn with(mut self, name: String, value: Tensor<T>, tracked: bool) -> Trace<D, T> {
        self.names.push(name);
        self.values.push(value);
        self.tracked.push(tracked);
        self
    }

    /// Sets the title of the report.
    pub fn title(self, title: impl Into<String>) -> Trace<D, T> {
        Trace { title: title.into(), ..self }
    }

    /// Adds a line on the notation to the header of the report.
    pub fn convention(mut self, line: impl Into<String>) -> Trace<D, T> {
        self.conventions.push(line.into());
        self
    }

    /// Evaluates the derivation and the model, and compares them.
    ///
    /// # Errors
    /// If a step is for a value that was not recorded or gets no gradient, a name is used twice, or there are no steps.
    ///
    /// # Panics
    /// As the model and the closed forms; with the names that exist if a closed form reads an unknown one.
    pub fn run(&self) -> Result<TraceReport, TraceError> {
        if let Some(name) = twice(&self.names) {
            return Err(TraceError::Twice { name });
        }
        let names: Arc<[String]> = self.names.clone().into();
        let (exact, own, double) = (Tape::<Terms>::of(), Tape::<T>::of(), Tape::<f64>::of());
        let exact = self.recording(&exact, &names);
        let own = self.recording(&own, &names);
        let double = self.recording(&double, &names);

        // In `f64`, and so sharp for `f32` too: which steps are wrong.
        let mut bounded = Steps::new(&exact, HashSet::new(), Some(is_wrong));
        self.derivation.derive(&mut bounded);
        let mut steps = Steps::new(&own, bounded.wrong.clone(), None);
        self.derivation.derive(&mut steps);
        // Every step from the adjoints above it: whether a rounding was made here or carried on.
        let every: HashSet<String> = steps.taken.iter().map(|step| step.name.clone()).collect();
        let mut local = Steps::new(&own, every, None);
        self.derivation.derive(&mut local);

        let taken: Vec<String> = steps.taken.iter().map(|step| step.name.clone()).collect();
        if let Some(name) = twice(&taken) {
            return Err(TraceError::Twice { name });
        }
        if taken.is_empty() {
            return Err(TraceError::NoSteps);
        }
        let rows =
            steps.taken.iter().zip(&bounded.taken).zip(&local.taken).map(|((step, bounded), local)| {
                let name = &step.name;
                let known = || own.view.nodes().iter().filter_map(|node| node.name.clone()).collect();
                let unknown = || TraceError::Unknown { name: name.clone(), known: known() };
                let off = || TraceError::NotOnPath { name: name.clone() };
                let node = own.view.named(name).ok_or_else(unknown)?;
                let adjoint = own.adjoint(node.index).ok_or_else(off)?;
                let terms =
                    exact.view.named(name).and_then(|node| exact.adjoint(node.index)).ok_or_else(off)?;
                let mut row = report::compare(step, &bounded.hand, &local.hand, adjoint, terms);
                let entry = row.entry;
                row.forward = own.forward(node.index, entry);
                let at = double.view.named(name).ok_or_else(unknown)?;
                let (quotient, noise) = double.quotient(at.index, entry).map_err(TraceError::Engine)?;
                row.quotient = quotient;
                if let TraceVerdict::Wrong { cause, adjoint_wrong } = &mut row.verdict {
                    *adjoint_wrong = report::blames_the_adjoint(row.hand, row.adjoint, row.forward, quotient);
                    let adjoint = double.adjoint(at.index).ok_or_else(off)?.clone();
                    *cause =
                        Suspect { recording: &double, node: at, hand: bounded.hand.cast(), adjoint }.cause();
                } else {
                    row.disputed = report::is_disputed(&row, adjoint, noise);
                }
                Ok(row)
            });
        let rows = rows.collect::<Result<_, _>>()?;
        Ok(TraceReport {
            title: self.title.clone(),
            conventions: self.conventions.clone(),
            number: T::NAME,
            loss: own.loss(),
            rows,
            view: double.steps(),
        })
    }

    fn recording<'t, U: Element>(&self, tape: &'t Tape<U>, names: &Arc<[String]>) -> Recording<'t, U> {
        let values: Vec<Tensor<U>> = self.values.iter().map(Tensor::cast).collect();
        Recording::new(tape, names, &values, &self.tracked, |v| self.derivation.record(v))
    }
}

/// A name that appears more than once.
fn twice(names: &[String]) -> Option<String> {
    let mut seen = HashSet::new();
    names.iter().find(|name| !seen.insert(name.as_str())).cloned()
}

/// Returns `true` if the roundings of neither side explain the difference.
fn is_wrong(hand: &Tensor<Terms>, adjoint: &Tensor<Terms>) -> bool {
    let unit = f64::EPSILON / 2.0;
    hand.shape() != adjoint.shape()
        || hand.to_vec().into_iter().zip(adjoint.to_vec()).any(|(hand, adjoint)| {
            let allowed = report::allowed(hand, adjoint, unit, f64::MIN_POSITIVE);
            let agrees = (hand.value - adjoint.value).abs() <= allowed || hand.value == adjoint.value;
            !agrees
        })
}
