//! A training loop whose variations are settings.

use super::callback::{AfterEpoch, BeforeStep, Callback, Epoch, Step};
use super::run::Run;
use super::{EarlyStopping, FitError, Goal, Report};
use crate::data::{Dataset, Loader};
use crate::module::{Context, Module};
use crate::optim::Optimizer;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt;
use std::ops::ControlFlow;
use tape::{Element, Scalar, Tape, Tensor, Var};

/// The weights a model has when training is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Those of the last step.
    #[default]
    Last,
    /// Those of the epoch with the best watched number; the first of equal ones.
    Best,
    /// The mean of those at the end of each epoch from this one on (counted from 1), each with the same share. Buffers
    /// are not averaged: the last ones count. Those of the last step, if training ended before.
    AverageFrom(usize),
}

/// What happens when the loss of a batch or its gradient is not finite, or the weights after its step would not be. The step
/// is not made in the first case; in the second, the elements concerned stay as they were: see
/// [`Optimizer`](crate::Optimizer).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnNonFinite {
    /// Training ends with an error.
    #[default]
    Stop,
    /// The batch is left out, and counted. An epoch without any step is an error.
    Skip,
    /// Training ends with the best weights so far, or the first ones if no epoch was over.
    RestoreBest,
}

pub(super) type Metric<'a, T> = Box<dyn FnMut(&dyn Module<T>) -> f64 + 'a>;

/// A training loop: what it is to do is said first, [`run`](Fit::run) does it.
///
/// ```
/// use nn::data::{Dataset, Loader};
/// use nn::train::{Fit, Keep};
/// use nn::{Identity, Module, Sgd, Tanh, loss, mlp};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut rng = StdRng::seed_from_u64(0);
/// let x = Tensor::linspace(-1.0, 1.0, 40).reshape([40, 1]);
/// let data = Dataset::new(x.clone(), x.square())?;
/// let mut model = mlp(&[1, 8, 1], Tanh, Identity, &mut rng);
/// let report = Fit::new(60)
///     .validation(&data)
///     .metric("rmse", |model| nn::metrics::rmse(&model.predict(data.x()), data.y()).unwrap_or(f64::NAN))
///     .patience(10)
///     .keep(Keep::Best)
///     .run(
///         &mut model,
///         &mut Sgd::new(0.1).momentum(0.9),
///         &mut Loader::new(&data, 10)?,
///         &mut rng,
///         |a, y| loss::mse(a, y),
///     )?;
/// assert_eq!(report.history.names(), ["loss", "validation", "rmse"]);
/// let (epoch, least) = report.best.unwrap();
/// assert!(least < 0.01);
/// assert_eq!(report.history.get("validation").unwrap()[epoch - 1], least);
/// let error = nn::metrics::rmse(&model.predict(data.x()), data.y())?;
/// assert_eq!(report.history.get("rmse").unwrap()[epoch - 1], error);
/// # Ok(())
/// # }
/// ```
///
/// Everything random comes from the generator that `run` is given: the order of the samples, their changes, and, from one
/// that is seeded with it, what layers draw. The learning rate belongs to the optimizer; a schedule is a callback:
///
/// ```
/// # use nn::{Optimizer, train::Fit};
/// let fit: Fit<'_> = Fit::new(10).before_step(|step, optimizer| {
///     optimizer.set_learning_rate(0.1 * (1.0 - step.number as f64 / step.steps as f64));
/// });
/// ```
pub struct Fit<'a, T: Element = f64> {
    pub(super) epochs: usize,
    pub(super) validation: Option<Dataset<T>>,
    pub(super) metrics: Vec<(String, Metric<'a, T>)>,
    pub(super) callbacks: Vec<Box<dyn Callback<T> + 'a>>,
    watched: Option<(String, Goal)>,
    pub(super) stopping: Option<EarlyStopping>,
    pub(super) keep: Keep,
    pub(super) non_finite: OnNonFinite,
}

impl<T: Element> fmt::Debug for Fit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fit")
            .field("epochs", &self.epochs)
            .field("measured", &self.names())
            .field("keep", &self.keep)
            .field("non_finite", &self.non_finite)
            .finish_non_exhaustive()
    }
}

impl<'a, T: Element> Fit<'a, T> {
    /// So many passes over the data, without anything else.
    pub fn new(epochs: usize) -> Fit<'a, T> {
        Fit {
            epochs,
            validation: None,
            metrics: Vec::new(),
            callbacks: Vec::new(),
            watched: None,
            stopping: None,
            keep: Keep::Last,
            non_finite: OnNonFinite::Stop,
        }
    }

    /// Measures the loss of these data, all together, after each epoch, in evaluation mode: the column `validation`.
    pub fn validation(self, data: &Dataset<T>) -> Fit<'a, T> {
        Fit { validation: Some(data.clone()), ..self }
    }

    /// Measures a number of the model after each epoch.
    pub fn metric(
        mut self,
        name: impl Into<String>,
        measure: impl FnMut(&dyn Module<T>) -> f64 + 'a,
    ) -> Fit<'a, T> {
        self.metrics.push((name.into(), Box::new(measure)));
        self
    }

    /// Calls this while training.
    pub fn callback(mut self, callback: impl Callback<T> + 'a) -> Fit<'a, T> {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Calls this before each step: for learning rates that change from step to step.
    pub fn before_step(self, f: impl FnMut(Step, &mut dyn Optimizer<T>) + 'a) -> Fit<'a, T> {
        self.callback(BeforeStep(f))
    }

    /// Calls this after each epoch; a break ends training.
    pub fn after_epoch(
        self,
        f: impl FnMut(&Epoch<'_, T>, &mut dyn Optimizer<T>) -> ControlFlow<()> + 'a,
    ) -> Fit<'a, T> {
        self.callback(AfterEpoch(f))
    }

    /// Which column says how good an epoch was, for early stopping and the best weights. Unless said it is `validation`,
    /// or `loss` without such data, and the least is the best.
    pub fn watch(self, name: impl Into<String>, goal: Goal) -> Fit<'a, T> {
        Fit { watched: Some((name.into(), goal)), ..self }
    }

    /// Ends training after so many epochs in a row without improvement of the watched number.
    pub fn patience(self, epochs: usize) -> Fit<'a, T> {
        self.early_stopping(EarlyStopping::new(epochs))
    }

    /// Ends training as this says of the watched number, whose goal it takes.
    pub fn early_stopping(self, stopping: EarlyStopping) -> Fit<'a, T> {
        Fit { stopping: Some(stopping), ..self }
    }

    /// The weights the model has in the end.
    pub fn keep(self, keep: Keep) -> Fit<'a, T> {
        Fit { keep, ..self }
    }

    /// What happens when a loss or gradient is not finite.
    pub fn on_non_finite(self, policy: OnNonFinite) -> Fit<'a, T> {
        Fit { non_finite: policy, ..self }
    }

    /// Trains `model` on `data`: `loss` is that of an output and its targets.
    ///
    /// # Errors
    /// As [`FitError`] says. The model then has the weights of the last step that was made, except that of a refused step the
    /// elements that could move have.
    pub fn run<L>(
        self,
        model: &mut impl Module<T>,
        optimizer: &mut dyn Optimizer<T>,
        data: &mut Loader<'_, T>,
        rng: &mut (impl Rng + ?Sized),
        loss: L,
    ) -> Result<Report, FitError>
    where
        L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Scalar<'t, T>,
    {
        let (watched, goal) = self.watched_column()?;
        if data.is_empty() {
            return Err(FitError::NoBatches { samples: data.data().len() });
        }
        let step = Step { number: 0, steps: self.epochs * data.len(), epoch: 1 };
        let cx = Context::train(StdRng::from_rng(rng));
        let mut run = Run { fit: self, model, optimizer, loss, tape: Tape::of(), cx, step };
        let result = run.train(data, rng, &watched, goal);
        run.fit.callbacks.iter_mut().for_each(|callback| callback.finish());
        result
    }

    /// The columns of the history.
    pub(super) fn names(&self) -> Vec<String> {
        let validation = self.validation.as_ref().map(|_| VALIDATION.to_owned());
        let metrics = self.metrics.iter().map(|(name, _)| name.clone());
        std::iter::once(LOSS.to_owned()).chain(validation).chain(metrics).collect()
    }

    fn watched_column(&self) -> Result<(String, Goal), FitError> {
        let unless_said = if self.validation.is_some() { VALIDATION } else { LOSS };
        let (name, goal) = self.watched.clone().unwrap_or_else(|| (unless_said.to_owned(), Goal::Least));
        let known = self.names();
        if known.contains(&name) { Ok((name, goal)) } else { Err(FitError::Unknown { watched: name, known }) }
    }
}

const LOSS: &str = "loss";
const VALIDATION: &str = "validation";
