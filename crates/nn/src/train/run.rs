//! The loop that [`Trainer`] describes.

use super::callback::{Epoch, Step};
use super::trainer::BatchLoss;
use super::{BestWeights, History, Keep, OnNonFinite, Report, StopReason, TrainError, Trainer, WeightedMean};
use crate::data::Loader;
use crate::files::State;
use crate::module::{Context, Module};
use crate::optim::schedule::Goal;
use crate::optim::{Average, Optimizer, StepError};
use crate::parameters::{Parameters, Path};
use crate::state::{load_state_dict, state_dict};
use rand::Rng;
use tape::{Element, Error, Gradients, Scalar, Tape, Tensor, Var};

/// A training run: the settings, the objects being trained, and the current position.
pub(super) struct Run<'r, 'a, T: Element, M, L> {
    pub fit: Trainer<'a, T>,
    pub model: &'r mut M,
    pub optimizer: &'r mut dyn Optimizer<T>,
    pub loss: L,
    pub tape: Tape<T>,
    pub cx: Context<T>,
    /// The next step.
    pub step: Step,
}

/// The end of an epoch: completed, or at a loss or gradient at which the run ends with the best weights.
enum Passed {
    Done { loss: f64, skipped: usize },
    NonFinite { step: usize },
}

/// The reason why a step was not made, or not in full.
enum Refused {
    /// The loss, or its gradient, is not finite.
    Loss(f64),
    /// The model or the loss refused the batch.
    Batch(Error),
    /// New weights would not be finite.
    Step(StepError),
    /// The optimizer does not fit the model.
    Model(StepError),
}

/// Weights that may have to be restored.
struct Kept<T: Element> {
    start: Option<State<T>>,
    best: Option<BestWeights<T>>,
    average: Average<T>,
}

impl<T, M, L> Run<'_, '_, T, M, L>
where
    T: Element,
    M: Module<T>,
    L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Result<Scalar<'t, T>, Error>,
{
    pub(super) fn train(
        &mut self,
        data: &mut Loader<'_, T>,
        rng: &mut (impl Rng + ?Sized),
        watched: &str,
        goal: Goal,
    ) -> Result<Report, TrainError> {
        let mut kept = self.kept(goal);
        let history = History::new(self.fit.names());
        let mut report = Report { history, ended: StopReason::Done, best: None, skipped: 0 };
        let mut stopping = self.fit.stopping.map(|stopping| stopping.goal(goal));
        for epoch in 1..=self.fit.epochs {
            self.step.epoch = epoch;
            match self.pass(data, rng)? {
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
    fn pass(
        &mut self,
        data: &mut Loader<'_, T>,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Passed, TrainError> {
        let epoch = self.step.epoch;
        let (mut mean, mut sum, mut made, mut skipped) = (WeightedMean::new(), 0.0, 0, 0);
        for (i, (x, y)) in data.epoch(rng).enumerate() {
            for callback in &mut self.fit.callbacks {
                callback.before_step(self.step, self.optimizer);
            }
            self.step.number += 1;
            let weight = self.weight(epoch, i + 1, &y)?;
            match (self.step(x, &y), self.fit.non_finite) {
                (Ok(loss), _) => {
                    mean.add(loss, weight);
                    sum += loss;
                    made += 1;
                }
                (Err(Refused::Batch(error)), _) => {
                    return Err(TrainError::Batch { epoch, step: i + 1, error });
                }
                (Err(Refused::Model(error)), _) => {
                    return Err(TrainError::Step { epoch, step: i + 1, error });
                }
                (Err(_), OnNonFinite::Skip) => skipped += 1,
                (Err(_), OnNonFinite::RestoreBest) => return Ok(Passed::NonFinite { step: i + 1 }),
                (Err(Refused::Loss(loss)), OnNonFinite::Stop) => {
                    return Err(TrainError::NonFinite { epoch, step: i + 1, loss: loss.to_string() });
                }
                (Err(Refused::Step(error)), OnNonFinite::Stop) => {
                    return Err(TrainError::Step { epoch, step: i + 1, error });
                }
            }
        }
        if made == 0 {
            return Err(TrainError::AllSkipped { epoch });
        }
        let loss = if matches!(self.fit.batch_loss, BatchLoss::Sum) { sum } else { mean.value() };
        Ok(Passed::Done { loss, skipped })
    }

    /// The weight of a batch in the loss of its epoch.
    fn weight(&mut self, epoch: usize, step: usize, y: &Tensor<T>) -> Result<f64, TrainError> {
        let BatchLoss::Weighed(weight) = &mut self.fit.batch_loss else { return Ok(y.shape()[0] as f64) };
        let weight = weight(y);
        if weight >= 0.0 && weight.is_finite() {
            return Ok(weight);
        }
        let reason = format!("expected a batch to have a finite weight, 0 or more, found {weight}");
        Err(TrainError::Batch { epoch, step, error: Error::Invalid { op: "fit", reason } })
    }

    /// Makes one step, and returns the loss before it.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite, no step is made. The model, the loss and the optimizer may
    /// refuse one too.
    fn step(&mut self, x: Tensor<T>, y: &Tensor<T>) -> Result<f64, Refused> {
        let output = self.model.forward(self.tape.constant(x), &mut self.cx);
        if let Some(error) = self.cx.take_error_of(&*self.model) {
            return Err(Refused::Batch(error));
        }
        let loss = (self.loss)(output, y).map_err(Refused::Batch)?;
        let value = loss.value().to_f64();
        let grads = loss.backward();
        // Reset first: a tape that still holds the parameters makes the step copy them.
        self.tape.reset();
        if !value.is_finite() || !finite(self.model, &grads) {
            self.cx.discard();
            return Err(Refused::Loss(value));
        }
        self.cx.commit(self.model);
        match self.optimizer.try_step(self.model, &grads) {
            Ok(()) => Ok(value),
            Err(error @ (StepError::Gradient { .. } | StepError::Overflow { .. })) => {
                Err(Refused::Step(error))
            }
            Err(error) => Err(Refused::Model(error)),
        }
    }

    /// The metrics of an epoch, in the order of the columns.
    fn measure(&mut self, loss: f64) -> Result<Vec<f64>, TrainError> {
        let mut values = vec![loss];
        if let Some(data) = &self.fit.validation {
            let tape = Tape::of().inference();
            let mut cx = Context::eval().errors_wait();
            let output = self.model.forward(tape.constant(data.x().clone()), &mut cx);
            let loss = cx.take_error_of(&*self.model).map_or_else(|| (self.loss)(output, data.y()), Err);
            let refused = |error| TrainError::Validation { epoch: self.step.epoch, error };
            values.push(loss.map_err(refused)?.value().to_f64());
        }
        for (_, metric) in &mut self.fit.metrics {
            values.push(metric(&*self.model));
        }
        Ok(values)
    }

    fn callbacks_break(&mut self, epoch: usize, history: &History) -> bool {
        let epoch = Epoch { number: epoch, epochs: self.fit.epochs, history, model: &*self.model };
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

/// Returns `true` if every gradient of the model is finite.
fn finite<T: Element>(model: &impl Parameters<T>, grads: &Gradients<T>) -> bool {
    let mut finite = true;
    model.visit(&Path::root(), &mut |_, param| {
        if let (true, Ok(gradient)) = (finite && param.is_trainable(), grads.try_of(param)) {
            let gradient: Tensor<T> = gradient.contiguous();
            finite = gradient.as_slice().unwrap_or_default().iter().all(|g| g.is_finite());
        }
    });
    finite
}
