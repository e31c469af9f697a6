//! Callbacks of [`Trainer`](super::Trainer).

use super::History;
use crate::checkpoint::SavedState;
use crate::files::StateError;
use crate::module::Module;
use crate::optim::{GradientSource, Optimizer, StepError};
use crate::parameters::Parameters;
use std::fmt;
use std::marker::PhantomData;
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
///
/// `M` is the type of the model, as in [`Trainer`](super::Trainer).
pub struct Epoch<'e, T: Element = f64, M: ?Sized = dyn Module<T>> {
    /// Its number, from 1.
    pub number: usize,
    /// The requested number of epochs.
    pub epochs: usize,
    /// The metrics of this epoch and of those before.
    pub history: &'e History,
    /// The model as it is now.
    pub model: &'e M,
    pub(super) elements: PhantomData<T>,
}

impl<T: Element, M: ?Sized> Epoch<'_, T, M> {
    /// A metric of this epoch; NaN if there is none of that name.
    pub fn value(&self, name: &str) -> f64 {
        self.history.last(name).unwrap_or(f64::NAN)
    }
}

impl<T: Element, M: ?Sized> fmt::Debug for Epoch<'_, T, M> {
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
///
/// `M` is the type of the model, as in [`Trainer`](super::Trainer). A callback for any model is generic over it:
///
/// ```
/// use nn::optim::{Optimizer, Sgd};
/// use nn::train::{Callback, Epoch, Trainer};
/// use nn::Param;
/// use rand::{SeedableRng, rngs::StdRng};
/// use std::ops::ControlFlow;
/// use tape::Element;
///
/// /// Ends training below a loss.
/// struct Below(f64);
///
/// impl<T: Element, M: ?Sized> Callback<T, M> for Below {
///     fn after_epoch(&mut self, epoch: &Epoch<'_, T, M>, _: &mut dyn Optimizer<T>) -> ControlFlow<()> {
///         if epoch.value("loss") < self.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
///     }
/// }
///
/// let (mut w, mut rng) = (Param::new(1.0), StdRng::seed_from_u64(0));
/// let report = Trainer::for_model::<Param>(100).callback(Below(0.1)).run_batches(
///     &mut w,
///     &mut Sgd::new(0.25),
///     &mut vec![()],
///     &mut rng,
///     |w, (), tape, _| Ok(w.on(tape).square().sum()),
/// )?;
/// assert_eq!(report.history.get("loss"), Some(vec![1.0, 0.25, 0.0625]));
/// # Ok::<(), nn::train::TrainError>(())
/// ```
///
/// In [`Trainer::run_steps`](super::Trainer::run_steps) the step closure owns the optimizers, and `optimizer` is a
/// placeholder: its learning rate is NaN, and its other methods panic.
pub trait Callback<T: Element = f64, M: ?Sized = dyn Module<T>> {
    /// Called before each step, even one that turns out not to be made.
    fn before_step(&mut self, step: Step, optimizer: &mut dyn Optimizer<T>) {
        let _ = (step, optimizer);
    }

    /// Called after each epoch; a break ends training.
    fn after_epoch(&mut self, epoch: &Epoch<'_, T, M>, optimizer: &mut dyn Optimizer<T>) -> ControlFlow<()> {
        let _ = (epoch, optimizer);
        ControlFlow::Continue(())
    }

    /// Called when training is over, even if it ended with an error.
    fn finish(&mut self) {}
}

/// A closure called before each step.
pub(super) struct BeforeStep<F>(pub F);

impl<T: Element, M: ?Sized, F: FnMut(Step, &mut dyn Optimizer<T>)> Callback<T, M> for BeforeStep<F> {
    fn before_step(&mut self, step: Step, optimizer: &mut dyn Optimizer<T>) {
        (self.0)(step, optimizer);
    }
}

/// A closure called after each epoch.
pub(super) struct AfterEpoch<F>(pub F);

impl<T, M, F> Callback<T, M> for AfterEpoch<F>
where
    T: Element,
    M: ?Sized,
    F: FnMut(&Epoch<'_, T, M>, &mut dyn Optimizer<T>) -> ControlFlow<()>,
{
    fn after_epoch(&mut self, epoch: &Epoch<'_, T, M>, optimizer: &mut dyn Optimizer<T>) -> ControlFlow<()> {
        (self.0)(epoch, optimizer)
    }
}

/// The place of an optimizer where the step closure owns them all.
pub(super) struct Unavailable;

impl Unavailable {
    #[track_caller]
    fn refuse(&self, call: &str) -> ! {
        panic!("{call}: the step closure of run_steps owns the optimizers: call theirs")
    }
}

impl<T: Element> Optimizer<T> for Unavailable {
    #[track_caller]
    fn try_step(&mut self, _: &mut dyn Parameters<T>, _: &dyn GradientSource<T>) -> Result<(), StepError> {
        self.refuse("step")
    }

    fn learning_rate(&self) -> f64 {
        f64::NAN
    }

    #[track_caller]
    fn set_learning_rate(&mut self, _: f64) {
        self.refuse("set_learning_rate")
    }

    #[track_caller]
    fn save(&self, _: &dyn Parameters<T>) -> SavedState<T> {
        self.refuse("save")
    }

    #[track_caller]
    fn restore(&mut self, _: &dyn Parameters<T>, _: SavedState<T>) -> Result<(), StateError> {
        self.refuse("restore")
    }
}
