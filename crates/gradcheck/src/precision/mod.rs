//! The digits of a gradient: [`Precision`] computes it in `f64` and in numbers of 32 digits, and names the node where digits
//! are lost.
//!
//! The gradient is recorded like any other computation, so a lost digit is looked for in the function and in its derivative
//! alike. Of every node two things are known, because both recordings have the same nodes:
//!
//! - its rounding: the error of its `f64` value less that which its operands bring along, to first order;
//! - its condition: the size of the change of the result that a relative change of the operands causes, relative to the result.
//!
//! A rounding times the cotangent of the node is its share of the error of an entry. A node is to blame in one of two ways: it
//! rounds by more than a few units in the last place, as a badly written operation does, or it rounds well and magnifies what
//! came before, as a difference of close numbers does.

mod hints;
pub(crate) mod nodes;
mod picture;
pub(crate) mod report;

pub use report::{Digits, Loss, NodeDigits, NodeError, PrecisionReport};

use crate::DoubleDouble;
use crate::check::{Inputs, Model};
use nodes::Recording;
use std::sync::Arc;
use tape::{Element, Tape, Tensor, Var};

/// A comparison of a gradient in `f64`, or in `f32`, with the same in [`DoubleDouble`].
///
/// ```
/// use gradcheck::{Inputs, Model, Precision};
/// use tape::{Element, Var};
///
/// /// (1 - cos x) / x², which loses half of its digits near 1e-4.
/// struct Naive;
///
/// impl Model for Naive {
///     fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
///         let x = v["x"];
///         (x.cos() - T::ONE).neg() / x.square()
///     }
/// }
///
/// let report = Precision::of(Naive).input("x", [1e-4]).run();
/// assert!(report.digits()[0].least < 8.0);
/// let loss = report.loss().unwrap();
/// assert_eq!(loss.magnified_by.as_ref().unwrap().op, "sub", "{report}");
/// ```
#[derive(Debug)]
pub struct Precision<M> {
    model: M,
    names: Vec<String>,
    values: Vec<Tensor>,
    tracked: Vec<bool>,
}

impl<M: Model> Precision<M> {
    /// A comparison for this model, without inputs yet.
    pub fn of(model: M) -> Precision<M> {
        Precision { model, names: Vec::new(), values: Vec::new(), tracked: Vec::new() }
    }

    /// Adds an input to differentiate with respect to.
    pub fn input(self, name: impl Into<String>, value: impl Into<Tensor>) -> Precision<M> {
        self.with(name.into(), value.into(), true)
    }

    /// Adds an input that is held constant.
    pub fn constant(self, name: impl Into<String>, value: impl Into<Tensor>) -> Precision<M> {
        self.with(name.into(), value.into(), false)
    }

    fn with(mut self, name: String, value: Tensor, tracked: bool) -> Precision<M> {
        self.names.push(name);
        self.values.push(value);
        self.tracked.push(tracked);
        self
    }

    /// Computes the gradient of the sum of all outputs in `f64` and exactly, and compares the two.
    ///
    /// # Panics
    /// If the two recordings differ: a model that decides by the values of its inputs may decide differently.
    #[track_caller]
    pub fn run(&self) -> PrecisionReport {
        self.compare::<f64>()
    }

    /// The same for the gradient in `f32`, at the inputs rounded to `f32`.
    ///
    /// # Panics
    /// As [`run`](Precision::run).
    ///
    /// ```
    /// use gradcheck::{Inputs, Model, Precision};
    /// use tape::{Element, Var};
    ///
    /// /// The difference of two roots.
    /// struct Roots;
    ///
    /// impl Model for Roots {
    ///     fn record<'t, T: Element>(&self, v: &Inputs<'t, T>) -> Var<'t, T> {
    ///         (v["x"] + T::ONE).sqrt() - v["x"].sqrt()
    ///     }
    /// }
    ///
    /// let check = Precision::of(Roots).input("x", [1000.0]);
    /// let (double, single) = (check.run(), check.run_single());
    /// assert!(double.digits()[0].least > 12.0 && double.loss().is_none(), "{double}");
    /// assert!(single.digits()[0].least < 5.0, "{single}");
    /// ```
    #[track_caller]
    pub fn run_single(&self) -> PrecisionReport {
        self.compare::<f32>()
    }

    #[track_caller]
    fn compare<T: Element>(&self) -> PrecisionReport {
        let (tape, exact) = (Tape::<T>::of(), Tape::<DoubleDouble>::of());
        let rounded: Vec<Tensor<T>> = self.values.iter().map(Tensor::cast).collect();
        let found = self.record(&tape, &rounded);
        let reference = self.record(&exact, &rounded);
        let names: Vec<&str> =
            self.names.iter().zip(&self.tracked).filter(|(_, t)| **t).map(|(n, _)| &**n).collect();
        report::compare(&found, &reference, &names)
    }

    /// Records the function and its gradient.
    fn record<'t, F: Element, T: Element>(
        &self,
        tape: &'t Tape<T>,
        values: &[Tensor<F>],
    ) -> Recording<'t, T> {
        let names: Arc<[String]> = self.names.clone().into();
        let values: Vec<Tensor<T>> = values.iter().map(Tensor::cast).collect();
        let inputs = Inputs::record(tape, &names, &values, &self.tracked);
        let y = self.model.record(&inputs);
        let leaves: Vec<Var<'t, T>> =
            (0..values.len()).filter(|&i| self.tracked[i]).map(|i| inputs.at(i)).collect();
        for (i, name) in names.iter().enumerate() {
            let _ = inputs.at(i).named(name);
        }
        let function = tape.len();
        let ct = tape.constant(Tensor::full(y.shape(), T::ONE));
        let mut gradients = y.grad(ct, leaves);
        let tracked = self.names.iter().zip(&self.tracked).filter(|(_, tracked)| **tracked);
        for ((name, _), gradient) in tracked.zip(&mut gradients) {
            *gradient = gradient.named(report::gradient_name(name));
        }
        Recording { tape, function, gradients }
    }
}
