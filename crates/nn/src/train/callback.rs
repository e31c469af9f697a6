//! Callbacks of [`Trainer`](super::Trainer).

use super::History;
use crate::Module;
use crate::optim::Optimizer;
use std::fmt;
use std::ops::ControlFlow;
use tape::Element;

/// A step that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of steps before it, over all epochs.
    pub number: usize,
    /// The number of steps of all epochs.
    pub steps: usize,
    /// The epoch it belongs to, from 1.
    pub epoch: usize,
}

/// An epoch that is over.
pub struct Epoch<'e, T: Element = f64> {
    /// Its number, from 1.
    pub number: usize,
    /// The requested number of epochs.
    pub epochs: usize,
    /// The metrics of this epoch and of those before.
    pub history: &'e History,
    /// The model as it is now.
    pub model: &'e dyn Module<T>,
}

impl<T: Element> Epoch<'_, T> {
    /// A metric of this epoch; NaN if there is none of that name.
    pub fn value(&self, name: &str) -> f64 {
        self.history.last(name).unwrap_or(f64::NAN)
    }
}

impl<T: Element> fmt::Debug for Epoch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Epoch")
            .field("number", &self.number)
            .field("epochs", &self.epochs)
            .finish_non_exhaustive()
    }
}

/// An observer of training. It may change the learning rate and end training; it can only read the model.
///
/// For one of the two events a closure is enough: [`Trainer::before_step`](super::Trainer::before_step),
/// [`Trainer::after_epoch`](super::Trainer::after_epoch).
pub trait Callback<T: Element = f64> {
    /// Called before each step, even one that turns out not to be made.
    fn before_step(&mut self, step: Step, optimizer: &mut dyn Optimizer<T>) {
        let _ = (step, optimizer);
    }

    /// Called after each epoch; a break ends training.
    fn after_epoch(&mut self, epoch: &Epoch<'_, T>, optimizer: &mut dyn Optimizer<T>) -> ControlFlow<()> {
        let _ = (epoch, optimizer);
        ControlFlow::Continue(())
    }

    /// Called when training is over, even if it ended with an error.
    fn finish(&mut self) {}
}

/// A closure called before each step.
pub(super) struct BeforeStep<F>(pub F);

impl<T: Element, F: FnMut(Step, &mut dyn Optimizer<T>)> Callback<T> for BeforeStep<F> {
    fn before_step(&mut self, step: Step, optimizer: &mut dyn Optimizer<T>) {
        (self.0)(step, optimizer);
    }
}

/// A closure called after each epoch.
pub(super) struct AfterEpoch<F>(pub F);

impl<T, F> Callback<T> for AfterEpoch<F>
where
    T: Element,
    F: FnMut(&Epoch<'_, T>, &mut dyn Optimizer<T>) -> ControlFlow<()>,
{
    fn after_epoch(&mut self, epoch: &Epoch<'_, T>, optimizer: &mut dyn Optimizer<T>) -> ControlFlow<()> {
        (self.0)(epoch, optimizer)
    }
}
