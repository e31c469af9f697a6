//! A training loop whose variations are settings.

use super::callback::{AfterEpoch, BeforeStep, Callback, Epoch, Step};
use super::run::Run;
use super::{EarlyStopping, Report, TrainError};
use crate::data::{Dataset, Loader};
use crate::module::{Context, Module};
use crate::optim::Optimizer;
use crate::optim::schedule::Goal;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt;
use std::ops::ControlFlow;
use tape::{Element, Error, Scalar, Tape, Tensor, Var};

/// The weights that the model has after training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Those of the last step.
    #[default]
    Last,
    /// Those of the epoch with the best value of the watched metric; the first of equal ones.
    Best,
    /// The mean of those at the end of each epoch from this one on (counted from 1). Buffers are not
    /// averaged: the last ones are kept. Those of the last step, if training ended before.
    AverageFrom(usize),
}

/// The policy for a batch whose loss or gradient is not finite, or whose step would make weights non-finite.
/// In the first case no step is made; in the second, the elements concerned are unchanged: see
/// [`Optimizer`](crate::optim::Optimizer).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnNonFinite {
    /// Training ends with an error.
    #[default]
    Stop,
    /// The batch is skipped, and counted. An epoch without any step is an error.
    Skip,
    /// Training ends with the best weights so far, or the initial ones if no epoch was completed.
    RestoreBest,
}

pub(super) type Metric<'a, T> = Box<dyn FnMut(&dyn Module<T>) -> f64 + 'a>;

type Weight<'a, T> = Box<dyn FnMut(&Tensor<T>) -> f64 + 'a>;

/// The combination of the losses of batches into that of the epoch.
pub(super) enum BatchLoss<'a, T: Element> {
    /// Their mean, weighted by samples.
    Mean,
    /// Their mean, weighted by a function of the targets.
    Weighed(Weight<'a, T>),
    /// Their sum.
    Sum,
}

/// A training loop: configure it, then call [`run`](Trainer::run).
///
/// ```
/// use nn::data::{Dataset, Loader};
/// use nn::train::{Trainer, Keep};
/// use nn::{Identity, Module, Tanh, loss, mlp};
/// use nn::optim::Sgd;
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut rng = StdRng::seed_from_u64(0);
/// let x = Tensor::linspace(-1.0, 1.0, 40).reshape([40, 1]);
/// let data = Dataset::new(x.clone(), x.square())?;
/// let mut model = mlp(&[1, 8, 1], Tanh, Identity, &mut rng);
/// let report = Trainer::new(60)
///     .validation(&data)
///     .metric("rmse", |model| nn::metrics::rmse(&model.predict(data.x()), data.y()).unwrap_or(f64::NAN))
///     .patience(10)
///     .keep(Keep::Best)
///     .run(
///         &mut model,
///         &mut Sgd::new(0.1).momentum(0.9),
///         &mut Loader::new(&data, 10)?,
///         &mut rng,
///         |a, y| loss::squared_error(a, y).mean(),
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
/// All randomness comes from the generator passed to `run`: the order of the samples, their transformations,
/// and, by a generator seeded from it, the random layers. The learning rate belongs to the optimizer; a
/// schedule is a callback:
///
/// ```
/// # use nn::optim::Optimizer;
/// # use nn::train::Trainer;
/// let fit: Trainer<'_> = Trainer::new(10).before_step(|step, optimizer| {
///     optimizer.set_learning_rate(0.1 * (1.0 - step.number as f64 / step.steps as f64));
/// });
/// ```
///
/// # The loss of an epoch
/// The column `loss` is a mean over samples: the loss of a batch is taken to be a mean over its samples and
/// weighted by their number, so that a short last batch counts for no more than its samples. Skipped batches
/// do not count. Two kinds of loss are no such mean and must be declared: a sum over the samples
/// ([`loss_is_sum`](Trainer::loss_is_sum): then it is the sum over the batches), and a mean with another
/// divisor ([`batch_weight`](Trainer::batch_weight)). Either way, for weights that do not move, the loss
/// equals the `validation` of the same data. The steps are the same in any case: this affects only what is
/// reported, watched and called best.
pub struct Trainer<'a, T: Element = f64> {
    pub(super) epochs: usize,
    pub(super) validation: Option<Dataset<T>>,
    pub(super) metrics: Vec<(String, Metric<'a, T>)>,
    pub(super) callbacks: Vec<Box<dyn Callback<T> + 'a>>,
    pub(super) batch_loss: BatchLoss<'a, T>,
    watched: Option<(String, Goal)>,
    pub(super) stopping: Option<EarlyStopping>,
    pub(super) keep: Keep,
    pub(super) non_finite: OnNonFinite,
}

impl<T: Element> fmt::Debug for Trainer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer")
            .field("epochs", &self.epochs)
            .field("measured", &self.names())
            .field("keep", &self.keep)
            .field("non_finite", &self.non_finite)
            .finish_non_exhaustive()
    }
}

impl<'a, T: Element> Trainer<'a, T> {
    /// A loop of this many epochs, one or more, with nothing else set.
    pub fn new(epochs: usize) -> Trainer<'a, T> {
        Trainer {
            epochs,
            validation: None,
            metrics: Vec::new(),
            callbacks: Vec::new(),
            batch_loss: BatchLoss::Mean,
            watched: None,
            stopping: None,
            keep: Keep::Last,
            non_finite: OnNonFinite::Stop,
        }
    }

    /// Measures the loss of these data, one sample or more, in one batch after each epoch, in evaluation
    /// mode: the column `validation`.
    pub fn validation(self, data: &Dataset<T>) -> Trainer<'a, T> {
        Trainer { validation: Some(data.clone()), ..self }
    }

    /// Declares that the loss is a sum over the samples of a batch: the [loss of an
    /// epoch](Trainer#the-loss-of-an-epoch) is then the sum over its batches.
    ///
    /// ```
    /// use nn::data::{Dataset, Loader};
    /// use nn::{Linear, loss};
    /// use nn::optim::Sgd;
    /// use nn::train::Trainer;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let data = Dataset::new(Tensor::zeros([3, 1]), Tensor::from([[1.0], [2.0], [3.0]]))?;
    /// let (mut model, mut rng) = (Linear::from_values([[0.0]], [0.0]), StdRng::seed_from_u64(0));
    /// let report = Trainer::new(1).loss_is_sum().run(
    ///     &mut model,
    ///     &mut Sgd::new(0.0),
    ///     &mut Loader::new(&data, 2)?,
    ///     &mut rng,
    ///     |a, y| loss::squared_error(a, y).sum(),
    /// )?;
    /// assert_eq!(report.history.last("loss"), Some(14.0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn loss_is_sum(self) -> Trainer<'a, T> {
        Trainer { batch_loss: BatchLoss::Sum, ..self }
    }

    /// Weights the loss of a batch by this function of its targets instead of its samples, for a mean with
    /// that divisor: the sum of class weights, or the number of targets that are not ignored. If the weights
    /// of an epoch are all 0, its loss is NaN.
    ///
    /// ```
    /// use nn::data::{Dataset, Loader};
    /// use nn::functional::CrossEntropyOptions;
    /// use nn::loss::cross_entropy_with_logits_and_options;
    /// use nn::Linear;
    /// use nn::optim::Sgd;
    /// use nn::train::Trainer;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Labels as numbers; -1 marks samples to ignore.
    /// let data = Dataset::new(Tensor::zeros([3, 1]), Tensor::from([-1.0, 0.0, 1.0]))?;
    /// let (mut model, mut rng) = (Linear::from_values([[0.0]; 2], [1.0, 0.0]), StdRng::seed_from_u64(0));
    /// let report = Trainer::new(1)
    ///     .validation(&data)
    ///     .batch_weight(|y| y.to_vec().iter().filter(|&&label| label >= 0.0).count() as f64)
    ///     .run(&mut model, &mut Sgd::new(0.0), &mut Loader::new(&data, 2)?.without_shuffle(), &mut rng, |z, y| {
    ///         let labels: Vec<i64> = y.to_vec().iter().map(|&label| label as i64).collect();
    ///         cross_entropy_with_logits_and_options(z, &labels, &CrossEntropyOptions { ignore: Some(-1), ..CrossEntropyOptions::default() }).mean()
    ///     })?;
    /// assert_eq!(report.history.last("loss"), report.history.last("validation"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch_weight(self, weight: impl FnMut(&Tensor<T>) -> f64 + 'a) -> Trainer<'a, T> {
        Trainer { batch_loss: BatchLoss::Weighed(Box::new(weight)), ..self }
    }

    /// Adds a metric of the model, measured after each epoch.
    pub fn metric(
        mut self,
        name: impl Into<String>,
        measure: impl FnMut(&dyn Module<T>) -> f64 + 'a,
    ) -> Trainer<'a, T> {
        self.metrics.push((name.into(), Box::new(measure)));
        self
    }

    /// Adds a callback.
    pub fn callback(mut self, callback: impl Callback<T> + 'a) -> Trainer<'a, T> {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Calls this before each step: for learning rates that change from step to step.
    pub fn before_step(self, f: impl FnMut(Step, &mut dyn Optimizer<T>) + 'a) -> Trainer<'a, T> {
        self.callback(BeforeStep(f))
    }

    /// Calls this after each epoch; a break ends training.
    pub fn after_epoch(
        self,
        f: impl FnMut(&Epoch<'_, T>, &mut dyn Optimizer<T>) -> ControlFlow<()> + 'a,
    ) -> Trainer<'a, T> {
        self.callback(AfterEpoch(f))
    }

    /// Sets the column to watch for early stopping and the best weights, and its goal. The default is the
    /// least `validation`, or the least `loss` without such data.
    pub fn watch(self, name: impl Into<String>, goal: Goal) -> Trainer<'a, T> {
        Trainer { watched: Some((name.into(), goal)), ..self }
    }

    /// Ends training after this many epochs in a row without improvement of the watched metric.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn patience(self, epochs: usize) -> Trainer<'a, T> {
        self.early_stopping(EarlyStopping::new(epochs))
    }

    /// Ends training by this rule for the watched metric, whose goal it takes.
    pub fn early_stopping(self, stopping: EarlyStopping) -> Trainer<'a, T> {
        Trainer { stopping: Some(stopping), ..self }
    }

    /// Sets the weights that the model has after training.
    pub fn keep(self, keep: Keep) -> Trainer<'a, T> {
        Trainer { keep, ..self }
    }

    /// Sets the policy for a loss or gradient that is not finite.
    pub fn on_non_finite(self, policy: OnNonFinite) -> Trainer<'a, T> {
        Trainer { non_finite: policy, ..self }
    }

    /// Trains `model` on `data`: `loss` maps an output and its targets to [a mean over the
    /// samples](Trainer#the-loss-of-an-epoch) unless another setting says otherwise.
    ///
    /// # Errors
    /// See [`TrainError`]. The model then has the weights of the last step that was made; of a refused step,
    /// the elements that could move have moved.
    ///
    /// # Panics
    /// If the model or the loss panics: the shapes of the data are not those that they take. A loss that data
    /// can make fail (labels out of range) belongs in [`try_run`](Trainer::try_run).
    pub fn run<L>(
        self,
        model: &mut impl Module<T>,
        optimizer: &mut dyn Optimizer<T>,
        data: &mut Loader<'_, T>,
        rng: &mut (impl Rng + ?Sized),
        loss: L,
    ) -> Result<Report, TrainError>
    where
        L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Scalar<'t, T>,
    {
        self.try_run(model, optimizer, data, rng, |a, y| Ok(loss(a, y)))
    }

    /// [`run`](Trainer::run) with a loss that can fail: its error ends training, with the epoch and the step.
    ///
    /// ```
    /// use nn::data::{Dataset, Loader};
    /// use nn::functional::CrossEntropyOptions;
    /// use nn::loss::try_cross_entropy_with_logits_and_options;
    /// use nn::Linear;
    /// use nn::optim::Sgd;
    /// use nn::train::Trainer;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// # fn main() -> Result<(), tape::Error> {
    /// let data = Dataset::new(Tensor::zeros([3, 1]), Tensor::from([0.0, 1.0, 2.0]))?;
    /// let (mut model, mut rng) = (Linear::from_values([[0.0]; 2], [0.0, 0.0]), StdRng::seed_from_u64(0));
    /// let mut loader = Loader::new(&data, 2)?.without_shuffle();
    /// let result = Trainer::new(1).try_run(&mut model, &mut Sgd::new(0.1), &mut loader, &mut rng, |z, y| {
    ///     let labels: Vec<i64> = y.to_vec().iter().map(|&label| label as i64).collect();
    ///     Ok(try_cross_entropy_with_logits_and_options(z, &labels, &CrossEntropyOptions::default())?.mean())
    /// });
    /// let text = result.unwrap_err().to_string();
    /// assert!(text.starts_with("epoch 1, step 2: ") && text.contains("index 2 is out of range"), "{text}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`TrainError`]. The model then has the weights of the last step that was made.
    ///
    /// # Panics
    /// If the model or the loss panics: the shapes of the data are not those that they take.
    pub fn try_run<L>(
        self,
        model: &mut impl Module<T>,
        optimizer: &mut dyn Optimizer<T>,
        data: &mut Loader<'_, T>,
        rng: &mut (impl Rng + ?Sized),
        loss: L,
    ) -> Result<Report, TrainError>
    where
        L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Result<Scalar<'t, T>, Error>,
    {
        self.check()?;
        let (watched, goal) = self.watched_column()?;
        if data.is_empty() {
            return Err(TrainError::NoBatches { samples: data.data().len() });
        }
        let step = Step { number: 0, steps: self.epochs.saturating_mul(data.len()), epoch: 1 };
        let cx = Context::train(StdRng::from_rng(rng)).errors_wait();
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

    /// Checks the settings.
    fn check(&self) -> Result<(), TrainError> {
        let refused = |reason| Err(TrainError::Setting(Error::Invalid { op: "fit", reason }));
        if self.epochs == 0 {
            return refused("expected 1 epoch or more, found 0".to_owned());
        }
        if self.keep == Keep::AverageFrom(0) {
            return refused("expected an average from epoch 1 or later, found 0".to_owned());
        }
        if self.validation.as_ref().is_some_and(Dataset::is_empty) {
            return refused("expected 1 sample or more to validate with, found 0".to_owned());
        }
        let names = self.names();
        match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            Some((_, name)) => refused(format!("expected columns of different names, found {name:?} twice")),
            None => Ok(()),
        }
    }

    fn watched_column(&self) -> Result<(String, Goal), TrainError> {
        let unless_said = if self.validation.is_some() { VALIDATION } else { LOSS };
        let (name, goal) = self.watched.clone().unwrap_or_else(|| (unless_said.to_owned(), Goal::Minimize));
        let known = self.names();
        if known.contains(&name) {
            Ok((name, goal))
        } else {
            Err(TrainError::Unknown { watched: name, known })
        }
    }
}

const LOSS: &str = "loss";
const VALIDATION: &str = "validation";
