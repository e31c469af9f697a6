//! A training loop whose variations are settings.

use super::callback::{AfterEpoch, BeforeStep, Callback, Epoch, Step};
use super::{EarlyStopping, TrainError};
use crate::data::Dataset;
use crate::module::Module;
use crate::optim::Optimizer;
use crate::optim::schedule::Goal;
use crate::parameters::Parameters;
use std::fmt;
use std::ops::ControlFlow;
use tape::{Element, Error, Tensor};

/// The weights that the model has after training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
/// [`Optimizer`](crate::optim::Optimizer). Where a closure makes the steps, it decides which are made: see
/// [`Trainer::run_steps`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum OnNonFinite {
    /// Training ends with an error.
    #[default]
    Stop,
    /// The batch is skipped, and counted. An epoch without any step is an error.
    Skip,
    /// Training ends with the best weights so far, or the initial ones if no epoch was completed.
    RestoreBest,
}

pub(super) type Metric<'a, M> = Box<dyn FnMut(&M) -> f64 + 'a>;

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

/// The column `validation`.
pub(super) enum Validation<'a, T: Element, M: ?Sized> {
    /// The loss of these data.
    Of(Dataset<T>),
    /// The value of this function.
    By(Metric<'a, M>),
}

/// A training loop: configure it, then call [`run`](Trainer::run), or for a model of another kind, one of the other three:
///
/// | | model | batches | the closure |
/// |---|---|---|---|
/// | [`run`](Trainer::run) | a [`Module`] | inputs and targets | the loss of an output and its targets |
/// | [`try_run`](Trainer::try_run) | a [`Module`] | inputs and targets | the same, or an error |
/// | [`run_batches`](Trainer::run_batches) | any [`Parameters`](crate::Parameters) | any | records the loss of a batch on a tape |
/// | [`run_steps`](Trainer::run_steps) | any [`Parameters`](crate::Parameters) | any | makes the whole step, with optimizers of its own |
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
/// and, by a generator seeded from it, the random layers and the noise that a closure draws from its context. The
/// learning rate belongs to the optimizer; a schedule is a callback (in [`run_steps`](Trainer::run_steps), a line of the
/// closure):
///
/// ```
/// # use nn::optim::Optimizer;
/// # use nn::train::Trainer;
/// let fit: Trainer<'_> = Trainer::new(10).before_step(|step, optimizer| {
///     optimizer.set_learning_rate(0.1 * (1.0 - step.number as f64 / step.steps as f64));
/// });
/// ```
///
/// # Models that are no modules
/// `M` is the type in which metrics and callbacks see the model: `dyn Module` for a trainer of [`new`](Trainer::new), the
/// type itself for one of [`for_model`](Trainer::for_model).
///
/// # The loss of an epoch
/// The column `loss` is a mean over samples: the loss of a batch is taken to be a mean over its samples and
/// weighted by their number ([`BatchSource::size`](crate::data::BatchSource::size)), so that a short last batch
/// counts for no more than its samples. Skipped batches do not count. Two kinds of loss are no such mean and must be declared: a sum over the samples
/// ([`loss_is_sum`](Trainer::loss_is_sum): then it is the sum over the batches), and a mean with another
/// divisor ([`batch_weight`](Trainer::batch_weight)). Either way, for weights that do not move, the loss
/// equals the `validation` of the same data. The steps are the same in any case: this affects only what is
/// reported, watched and called best.
pub struct Trainer<'a, T: Element = f64, M: ?Sized = dyn Module<T>> {
    pub(super) epochs: usize,
    pub(super) validation: Option<Validation<'a, T, M>>,
    pub(super) metrics: Vec<(String, Metric<'a, M>)>,
    pub(super) callbacks: Vec<Box<dyn Callback<T, M> + 'a>>,
    pub(super) batch_loss: BatchLoss<'a, T>,
    watched: Option<(String, Goal)>,
    pub(super) stopping: Option<EarlyStopping>,
    pub(super) keep: Keep,
    pub(super) non_finite: OnNonFinite,
}

impl<T: Element, M: ?Sized> fmt::Debug for Trainer<'_, T, M> {
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
    /// A loop of this many epochs, one or more, with nothing else set, for a model that is a [`Module`].
    pub fn new(epochs: usize) -> Trainer<'a, T> {
        Trainer::for_model(epochs)
    }

    /// A loop of this many epochs, one or more, with nothing else set, for a model of type `M`:
    /// `Trainer::for_model::<Vae>(100)`. Metrics and callbacks see the model in its own type.
    ///
    /// ```
    /// use nn::Param;
    /// use nn::optim::Sgd;
    /// use nn::train::Trainer;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// let (mut w, mut rng) = (Param::new(1.0), StdRng::seed_from_u64(0));
    /// let report = Trainer::for_model::<Param>(2).metric("w", |w| w.value().item()).run_batches(
    ///     &mut w,
    ///     &mut Sgd::new(0.25),
    ///     &mut vec![()],
    ///     &mut rng,
    ///     |w, (), tape, _| Ok(w.on(tape).square().sum()),
    /// )?;
    /// assert_eq!(report.history.get("w"), Some(vec![0.5, 0.25]));
    /// # Ok::<(), nn::train::TrainError>(())
    /// ```
    pub fn for_model<M: Parameters<T> + ?Sized>(epochs: usize) -> Trainer<'a, T, M> {
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
    /// mode: the column `validation`. For [`run`](Trainer::run) and [`try_run`](Trainer::try_run).
    pub fn validation(self, data: &Dataset<T>) -> Trainer<'a, T> {
        Trainer { validation: Some(Validation::Of(data.clone())), ..self }
    }

    /// Weights the loss of a batch by this function of its targets instead of its samples, for a mean with
    /// that divisor: the sum of class weights, or the number of targets that are not ignored. If the weights
    /// of an epoch are all 0, its loss is NaN. For [`run`](Trainer::run) and [`try_run`](Trainer::try_run).
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
        mut measure: impl FnMut(&dyn Module<T>) -> f64 + 'a,
    ) -> Trainer<'a, T> {
        self.metrics.push((name.into(), Box::new(move |model| measure(model))));
        self
    }

    /// Measures the model by this function after each epoch, in place of the loss of a data set: the column `validation`,
    /// which is [watched](Trainer::watch) by default, and should be least for the best model.
    ///
    /// ```
    /// use nn::data::{Dataset, Loader};
    /// use nn::{Linear, Module, loss};
    /// use nn::optim::Sgd;
    /// use nn::train::Trainer;
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let data = Dataset::new(Tensor::from([[1.0]]), Tensor::from([[2.0]]))?;
    /// let (mut model, mut rng) = (Linear::from_values([[0.0]], [0.0]), StdRng::seed_from_u64(0));
    /// let worst = |model: &dyn Module| (model.predict(data.x()) - data.y()).abs().max();
    /// let report = Trainer::new(3).validation_by(worst).run(
    ///     &mut model,
    ///     &mut Sgd::new(0.125),
    ///     &mut Loader::new(&data, 1)?,
    ///     &mut rng,
    ///     |a, y| loss::squared_error(a, y).mean(),
    /// )?;
    /// assert_eq!(report.history.get("validation"), Some(vec![1.0, 0.5, 0.25]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn validation_by(self, mut measure: impl FnMut(&dyn Module<T>) -> f64 + 'a) -> Trainer<'a, T> {
        Trainer { validation: Some(Validation::By(Box::new(move |model| measure(model)))), ..self }
    }
}

impl<'a, T: Element, M> Trainer<'a, T, M> {
    /// Measures the model by this function after each epoch: the column `validation`, which is
    /// [watched](Trainer::watch) by default, and should be least for the best model.
    ///
    /// ```
    /// use nn::Param;
    /// use nn::optim::Sgd;
    /// use nn::train::{Keep, Trainer};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// // Training leads to 1; the held-out data would have 0.5.
    /// let (mut w, mut rng) = (Param::new(0.0), StdRng::seed_from_u64(0));
    /// let report = Trainer::for_model::<Param>(10)
    ///     .validation_by(|w| (w.value().item() - 0.5).powi(2))
    ///     .keep(Keep::Best)
    ///     .run_batches(&mut w, &mut Sgd::new(0.25), &mut vec![()], &mut rng, |w, (), tape, _| {
    ///         Ok((w.on(tape) - 1.0).square().sum())
    ///     })?;
    /// assert_eq!((report.best, w.value().item()), (Some((1, 0.0)), 0.5));
    /// # Ok::<(), nn::train::TrainError>(())
    /// ```
    pub fn validation_by(self, measure: impl FnMut(&M) -> f64 + 'a) -> Trainer<'a, T, M> {
        Trainer { validation: Some(Validation::By(Box::new(measure))), ..self }
    }

    /// Adds a metric of the model, measured after each epoch, in its own type.
    pub fn metric(
        mut self,
        name: impl Into<String>,
        measure: impl FnMut(&M) -> f64 + 'a,
    ) -> Trainer<'a, T, M> {
        self.metrics.push((name.into(), Box::new(measure)));
        self
    }
}

impl<'a, T: Element, M: ?Sized> Trainer<'a, T, M> {
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
    pub fn loss_is_sum(self) -> Trainer<'a, T, M> {
        Trainer { batch_loss: BatchLoss::Sum, ..self }
    }

    /// Adds a callback.
    pub fn callback(mut self, callback: impl Callback<T, M> + 'a) -> Trainer<'a, T, M> {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Calls this before each step: for learning rates that change from step to step.
    pub fn before_step(self, f: impl FnMut(Step, &mut dyn Optimizer<T>) + 'a) -> Trainer<'a, T, M> {
        self.callback(BeforeStep(f))
    }

    /// Calls this after each epoch; a break ends training.
    pub fn after_epoch(
        self,
        f: impl FnMut(&Epoch<'_, T, M>, &mut dyn Optimizer<T>) -> ControlFlow<()> + 'a,
    ) -> Trainer<'a, T, M> {
        self.callback(AfterEpoch(f))
    }

    /// Sets the column to watch for early stopping and the best weights, and its goal. The default is the
    /// least `validation`, or the least `loss` without such data.
    pub fn watch(self, name: impl Into<String>, goal: Goal) -> Trainer<'a, T, M> {
        Trainer { watched: Some((name.into(), goal)), ..self }
    }

    /// Ends training after this many epochs in a row without improvement of the watched metric.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn patience(self, epochs: usize) -> Trainer<'a, T, M> {
        self.early_stopping(EarlyStopping::new(epochs))
    }

    /// Ends training by this rule for the watched metric, whose goal it takes.
    pub fn early_stopping(self, stopping: EarlyStopping) -> Trainer<'a, T, M> {
        Trainer { stopping: Some(stopping), ..self }
    }

    /// Sets the weights that the model has after training.
    pub fn keep(self, keep: Keep) -> Trainer<'a, T, M> {
        Trainer { keep, ..self }
    }

    /// Sets the policy for a loss or gradient that is not finite.
    pub fn on_non_finite(self, policy: OnNonFinite) -> Trainer<'a, T, M> {
        Trainer { non_finite: policy, ..self }
    }

    /// The columns of the history.
    pub(super) fn names(&self) -> Vec<String> {
        let validation = self.validation.as_ref().map(|_| VALIDATION.to_owned());
        let metrics = self.metrics.iter().map(|(name, _)| name.clone());
        std::iter::once(LOSS.to_owned()).chain(validation).chain(metrics).collect()
    }

    /// Checks the settings.
    pub(super) fn check(&self, pairs: bool) -> Result<(), TrainError> {
        let refused = |reason| Err(TrainError::Setting(Error::Invalid { op: "fit", reason }));
        if self.epochs == 0 {
            return refused("expected 1 epoch or more, found 0".to_owned());
        }
        if self.keep == Keep::AverageFrom(0) {
            return refused("expected an average from epoch 1 or later, found 0".to_owned());
        }
        let alone = "for `run` and `try_run` only, whose batches are inputs and targets";
        match &self.validation {
            Some(Validation::Of(_)) if !pairs => {
                return refused(format!("`validation` is {alone}; `validation_by` takes a function"));
            }
            Some(Validation::Of(data)) if data.is_empty() => {
                return refused("expected 1 sample or more to validate with, found 0".to_owned());
            }
            _ => {}
        }
        if matches!(self.batch_loss, BatchLoss::Weighed(_)) && !pairs {
            return refused(format!(
                "`batch_weight` is {alone}; the source of the batches gives their sizes"
            ));
        }
        let names = self.names();
        match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            Some((_, name)) => refused(format!("expected columns of different names, found {name:?} twice")),
            None => Ok(()),
        }
    }

    pub(super) fn watched_column(&self) -> Result<(String, Goal), TrainError> {
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
