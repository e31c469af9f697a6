//! The loop that [`Trainer`] describes.

use super::callback::{Epoch, Step};
use super::step::StepFailure;
use super::trainer::{BatchLoss, Validation};
use super::{BestWeights, History, Keep, OnNonFinite, Report, StopReason, TrainError, Trainer, WeightedMean};
use crate::data::{BatchSource, Dataset};
use crate::files::State;
use crate::optim::schedule::Goal;
use crate::optim::{Average, Optimizer, StepError};
use crate::parameters::Parameters;
use crate::state::{load_state_dict, state_dict};
use rand::Rng;
use std::marker::PhantomData;
use tape::{Element, Error, Tensor};

/// The part in which the entry points of [`Trainer`] differ.
pub(super) trait Work<T: Element, M: ?Sized> {
    /// A batch of the source.
    type Batch;

    /// `true` if batches are inputs and targets, to which some settings refer.
    const PAIRS: bool = false;

    /// Makes one step, and returns the loss before it.
    fn step(
        &mut self,
        model: &mut M,
        optimizer: &mut dyn Optimizer<T>,
        batch: Self::Batch,
        step: Step,
    ) -> Result<f64, StepFailure>;

    /// The targets of a batch of [pairs](Work::PAIRS).
    fn targets(_batch: &Self::Batch) -> Option<&Tensor<T>> {
        None
    }

    /// The loss of data, if batches are [pairs](Work::PAIRS).
    fn validation(&self, _model: &M, _data: &Dataset<T>) -> Option<Result<f64, Error>> {
        None
    }
}

/// A training run: the settings, the objects being trained, and the current position.
pub(super) struct Run<'r, 'a, T: Element, M: ?Sized, W> {
    pub fit: Trainer<'a, T, M>,
    pub model: &'r mut M,
    pub optimizer: &'r mut dyn Optimizer<T>,
    pub work: W,
    /// The next step.
    pub step: Step,
}

/// The end of an epoch: completed, or at a loss or gradient at which the run ends with the best weights.
enum Passed {
    Done { loss: f64, skipped: usize },
    NonFinite { step: usize },
}

/// Weights that may have to be restored.
struct Kept<T: Element> {
    start: Option<State<T>>,
    best: Option<BestWeights<T>>,
    average: Average<T>,
}

impl<T, M, W> Run<'_, '_, T, M, W>
where
    T: Element,
    M: Parameters<T> + ?Sized,
    W: Work<T, M>,
{
    pub(super) fn train(
        &mut self,
        batches: &mut impl BatchSource<Batch = W::Batch>,
        rng: &mut dyn Rng,
        watched: &str,
        goal: Goal,
    ) -> Result<Report, TrainError> {
        let mut kept = self.kept(goal);
        let history = History::new(self.fit.names());
        let mut report = Report { history, ended: StopReason::Done, best: None, skipped: 0 };
        let mut stopping = self.fit.stopping.map(|stopping| stopping.goal(goal));
        for epoch in 1..=self.fit.epochs {
            self.step.epoch = epoch;
            match self.pass(batches, rng)? {
                Passed::Done { loss, skipped } => {
                    report.skipped += skipped;
                    report.history.push(&self.measure(loss)?);
                }
                Passed::NonFinite { step } => {
                    report.ended = StopReason::NonFinite { epoch, step };
                    break;
                }
            }
            let value = report.history.last(watched).unwrap_or(f64::NAN);
            self.keep(&mut kept, epoch, value);
            if self.callbacks_break(epoch, &report.history) {
                report.ended = StopReason::ByCallback;
                break;
            }
            if stopping.as_mut().is_some_and(|stopping| stopping.observe(value)) {
                report.ended = StopReason::NoImprovement;
                break;
            }
        }
        report.best = report.history.best(watched, goal);
        self.restore(&kept, report.ended)?;
        Ok(report)
    }

    /// Runs one epoch.
    fn pass<S: BatchSource<Batch = W::Batch>>(
        &mut self,
        batches: &mut S,
        rng: &mut dyn Rng,
    ) -> Result<Passed, TrainError> {
        let epoch = self.step.epoch;
        let (mut mean, mut sum, mut made, mut skipped) = (WeightedMean::new(), 0.0, 0, 0);
        for (i, batch) in batches.epoch(rng).enumerate() {
            for callback in &mut self.fit.callbacks {
                callback.before_step(self.step, self.optimizer);
            }
            let weight = self.weight::<S>(i + 1, &batch)?;
            let result = self.work.step(self.model, self.optimizer, batch, self.step);
            self.step.number += 1;
            match (finite(result), self.fit.non_finite) {
                (Ok(loss), _) => {
                    mean.add(loss, weight);
                    sum += loss;
                    made += 1;
                }
                (Err(StepFailure::Batch(error)), _) => {
                    return Err(TrainError::Batch { epoch, step: i + 1, error });
                }
                (Err(StepFailure::Optimizer(error)), policy)
                    if policy == OnNonFinite::Stop || !is_non_finite(&error) =>
                {
                    return Err(TrainError::Step { epoch, step: i + 1, error });
                }
                (Err(StepFailure::NonFinite { loss }), OnNonFinite::Stop) => {
                    return Err(TrainError::NonFinite { epoch, step: i + 1, loss: loss.to_string() });
                }
                (Err(_), OnNonFinite::RestoreBest) => return Ok(Passed::NonFinite { step: i + 1 }),
                (Err(_), _) => skipped += 1,
            }
        }
        match (made, skipped) {
            (0, 0) => return Err(TrainError::NoBatches { samples: batches.epoch_samples() }),
            (0, _) => return Err(TrainError::AllSkipped { epoch }),
            _ => {}
        }
        let loss = if matches!(self.fit.batch_loss, BatchLoss::Sum) { sum } else { mean.value() };
        Ok(Passed::Done { loss, skipped })
    }

    /// The weight of a batch in the loss of its epoch.
    fn weight<S: BatchSource<Batch = W::Batch>>(
        &mut self,
        step: usize,
        batch: &W::Batch,
    ) -> Result<f64, TrainError> {
        let (BatchLoss::Weighed(weight), Some(y)) = (&mut self.fit.batch_loss, W::targets(batch)) else {
            return Ok(S::size(batch) as f64);
        };
        let weight = weight(y);
        if weight >= 0.0 && weight.is_finite() {
            return Ok(weight);
        }
        let reason = format!("expected a batch to have a finite weight, 0 or more, found {weight}");
        let error = Error::Invalid { op: "fit", reason };
        Err(TrainError::Batch { epoch: self.step.epoch, step, error })
    }

    /// The metrics of an epoch, in the order of the columns.
    fn measure(&mut self, loss: f64) -> Result<Vec<f64>, TrainError> {
        let mut values = vec![loss];
        match &mut self.fit.validation {
            None => {}
            Some(Validation::By(measure)) => values.push(measure(self.model)),
            Some(Validation::Of(data)) => {
                let refused = |error| TrainError::Validation { epoch: self.step.epoch, error };
                let loss = self.work.validation(self.model, data).transpose().map_err(refused)?;
                values.extend(loss);
            }
        }
        for (_, metric) in &mut self.fit.metrics {
            values.push(metric(self.model));
        }
        Ok(values)
    }

    fn callbacks_break(&mut self, epoch: usize, history: &History) -> bool {
        let epochs = self.fit.epochs;
        let epoch = Epoch { number: epoch, epochs, history, model: &*self.model, elements: PhantomData };
        let mut end = false;
        for callback in &mut self.fit.callbacks {
            end |= callback.after_epoch(&epoch, self.optimizer).is_break();
        }
        end
    }

    /// The weights before the first step, kept only if they may be needed: the next step copies shared
    /// weights.
    fn kept(&self, goal: Goal) -> Kept<T> {
        let restores = self.fit.non_finite == OnNonFinite::RestoreBest;
        Kept {
            start: restores.then(|| state_dict(&*self.model)),
            best: (restores || self.fit.keep == Keep::Best).then(|| BestWeights::new(goal)),
            average: Average::swa(),
        }
    }

    fn keep(&self, kept: &mut Kept<T>, epoch: usize, value: f64) {
        if let Some(best) = &mut kept.best {
            best.observe(value, &*self.model);
        }
        if matches!(self.fit.keep, Keep::AverageFrom(first) if epoch >= first) {
            kept.average.update(&*self.model);
        }
    }

    /// Assigns the final weights to the model.
    fn restore(&mut self, kept: &Kept<T>, ended: StopReason) -> Result<(), TrainError> {
        let broken = matches!(ended, StopReason::NonFinite { .. });
        match (&kept.best, &kept.start) {
            (Some(best), _) if best.value().is_some() && (broken || self.fit.keep == Keep::Best) => {
                best.restore(self.model)?;
            }
            (_, Some(start)) if broken => load_state_dict(self.model, start.clone())?,
            _ => {}
        }
        if !broken && kept.average.updates() > 0 {
            kept.average.apply(self.model)?;
        }
        Ok(())
    }
}

/// A loss that is not finite as a failure, for steps that do not check it themselves.
fn finite(result: Result<f64, StepFailure>) -> Result<f64, StepFailure> {
    result.and_then(|loss| if loss.is_finite() { Ok(loss) } else { Err(StepFailure::NonFinite { loss }) })
}

/// Returns `true` for an error that is about values; the others are about the model.
fn is_non_finite(error: &StepError) -> bool {
    matches!(error, StepError::Gradient { .. } | StepError::Overflow { .. })
}
