//! Training steps recorded once.

use super::step::{StepFailure, Whole, finite};
use crate::module::Context;
use crate::optim::Optimizer;
use crate::parameters::{Parameters, Path};
use std::convert::Infallible;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tape::{Element, Error, Gradients, Replay, Scalar, Tensor, Var};

/// The training step of a model, recorded once and [replayed](Replay) on other batches of the same shapes, with the weights
/// that the model has then: for small models, whose operations cost less than recording them.
///
/// The closure gets the model, the inputs and a context in training mode, and returns the loss. All that differs from batch to
/// batch must be an input; what the closure captures is a constant. Classes are rows of a [one-hot](Tensor::one_hot) matrix,
/// since labels are no tensor. Frozen parameters and buffers have their current values too.
///
/// ```
/// use nn::optim::Sgd;
/// use nn::train::ReplayedStep;
/// use nn::{Linear, Module, loss};
/// use tape::Tensor;
///
/// let mut model = Linear::from_values([[2.0]], [0.0]);
/// let (x, y) = (Tensor::from([[1.0], [3.0]]), Tensor::from([[3.0], [7.0]]));
/// let mut step = ReplayedStep::new(&model, [&x, &y], |model, [x, y], cx| {
///     loss::squared_error(model.forward(x, cx), y).mean()
/// })?;
/// // (2 - 3)² and (6 - 7)², with the derivatives -2 and -2 of their arguments.
/// let (value, gradients) = step.value_and_gradient(&model, [&x, &y])?;
/// assert_eq!(value, 1.0);
/// assert_eq!((gradients.of(&model.weight).item(), gradients.of(model.bias.as_ref().unwrap()).item()), (-4.0, -2.0));
///
/// let mut optimizer = Sgd::new(0.05);
/// assert_eq!(step.descend(&mut model, &mut optimizer, [&x, &y])?, 1.0);
/// assert_eq!(model.weight.value().item(), 2.0 + 0.05 * 4.0);
/// assert!(step.descend(&mut model, &mut optimizer, [&x, &y])? < 1.0);
/// # Ok::<(), nn::train::StepFailure>(())
/// ```
///
/// Every step has the bits of the same step on a tape. Models that draw random numbers or keep statistics in training are
/// refused.
#[derive(Debug)]
pub struct ReplayedStep<T: Element = f64>(Replay<T>);

impl<T: Element> ReplayedStep<T> {
    /// Records the step with a first batch, which has the shapes of those to come.
    ///
    /// # Errors
    /// If a replay would not be the step, with the operation and the line, or if a layer refuses its input.
    #[track_caller]
    pub fn new<M, const N: usize>(
        model: &M,
        inputs: [&Tensor<T>; N],
        loss: impl for<'t> FnOnce(&M, [Var<'t, T>; N], &mut Context<T>) -> Scalar<'t, T>,
    ) -> Result<ReplayedStep<T>, Error>
    where
        M: Parameters<T> + ?Sized,
    {
        let (drawn, site) = (Arc::new(AtomicBool::new(false)), Location::caller());
        let mut cx = Context::train(Watched(drawn.clone())).errors_wait();
        let replay = Replay::new(inputs, |_, x| loss(model, x, &mut cx));
        let requested = cx.has_requests();
        cx.discard();
        if let Some(error) = cx.take_error_of(model) {
            return Err(error);
        }
        let replay = replay?;
        let reason = match (drawn.load(Ordering::Relaxed), requested) {
            (true, _) => "random numbers, which would be the same in every run",
            (_, true) => "requests for new values of parameters, which a run would not make",
            _ => return Ok(ReplayedStep(replay)),
        };
        Err(Error::NotReplayable { op: "model", reason, site })
    }

    /// The loss of a batch, and its gradients with respect to the parameters of the model.
    ///
    /// # Errors
    /// If the inputs have other shapes than the first batch, the model other parameters than the recorded one, or an
    /// operation no value or derivative.
    pub fn value_and_gradient<M, const N: usize>(
        &mut self,
        model: &M,
        inputs: [&Tensor<T>; N],
    ) -> Result<(T, Gradients<T>), Error>
    where
        M: Parameters<T> + ?Sized,
    {
        self.bind(model)?;
        self.0.value_and_gradient(&inputs)
    }

    /// One step of an optimizer down the loss of a batch. Returns the loss before it. The step of
    /// [`descend`](super::descend), replayed.
    ///
    /// # Errors
    /// [`StepFailure::Batch`] with an error of [`value_and_gradient`](ReplayedStep::value_and_gradient),
    /// [`StepFailure::NonFinite`] if the loss or its gradient is not finite: then no step is made.
    /// [`StepFailure::Optimizer`] with the error of the optimizer.
    pub fn descend<M, const N: usize>(
        &mut self,
        model: &mut M,
        optimizer: &mut dyn Optimizer<T>,
        inputs: [&Tensor<T>; N],
    ) -> Result<f64, StepFailure>
    where
        M: Parameters<T> + ?Sized,
    {
        let (value, gradients) = self.value_and_gradient(&*model, inputs)?;
        let loss = value.to_f64();
        if !loss.is_finite() || !finite(model, &gradients) {
            return Err(StepFailure::NonFinite { loss });
        }
        optimizer.try_step(&mut Whole(model), &gradients)?;
        Ok(loss)
    }

    /// Gives every recorded parameter its current value.
    fn bind<M: Parameters<T> + ?Sized>(&mut self, model: &M) -> Result<(), Error> {
        let mut bound = Ok(());
        model.visit(&Path::root(), &mut |_, param| {
            if bound.is_err() {
                return;
            }
            // Parameters that the loss does not use are not recorded.
            let set = match param.is_trainable() {
                true => self.0.bind(param.id(), param.value()),
                false => self.0.bind(param.id(), &param.latest()),
            };
            match set {
                Ok(_) | Err(Error::UnknownParameter { .. }) => {}
                Err(error) => bound = Err(error),
            }
        });
        bound
    }
}

/// A generator that notes whether it was used.
struct Watched(Arc<AtomicBool>);

impl rand::TryRng for Watched {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| number as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.store(true, Ordering::Relaxed);
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.store(true, Ordering::Relaxed);
        bytes.fill(0);
        Ok(())
    }
}
