//! One training step, and the reasons why it is not made.

use crate::module::Context;
use crate::optim::{Optimizer, StepError};
use crate::param::Param;
use crate::parameters::{Parameters, Path};
use std::fmt;
use tape::{Element, Error, Gradients, Scalar, Tape, Tensor, Var};

/// The reason why a step was not made, or not in full: the error of [`descend`], and of the closure of
/// [`Trainer::run_steps`](super::Trainer::run_steps).
///
/// `?` makes one of the errors of models, losses and optimizers.
///
/// ```
/// use nn::data::Dataset;
/// use nn::train::StepFailure;
/// use tape::Tensor;
/// let data = Dataset::<f64>::new(Tensor::zeros([2, 1]), Tensor::zeros([2, 1]))?;
/// let batch = |row: usize| -> Result<Dataset, StepFailure> { Ok(data.take(&[row])?) };
/// assert!(batch(1).is_ok());
/// assert!(matches!(batch(2), Err(StepFailure::Batch(_))));
/// # Ok::<(), tape::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum StepFailure {
    /// The loss, or its gradient, is not finite.
    NonFinite {
        /// The loss; it may be finite where the gradient is not.
        loss: f64,
    },
    /// The model or the loss refused the batch.
    Batch(Error),
    /// The optimizer refused the step, or made it only in part.
    Optimizer(StepError),
}

impl fmt::Display for StepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepFailure::NonFinite { loss } => {
                write!(f, "loss {loss}, expected a finite loss and gradient")
            }
            StepFailure::Batch(error) => error.fmt(f),
            StepFailure::Optimizer(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StepFailure {}

impl From<Error> for StepFailure {
    fn from(error: Error) -> StepFailure {
        StepFailure::Batch(error)
    }
}

impl From<StepError> for StepFailure {
    fn from(error: StepError) -> StepFailure {
        StepFailure::Optimizer(error)
    }
}

/// Makes one step down a loss of the model, and returns the loss before it: the step of
/// [`Trainer`](super::Trainer), for the closure of [`run_steps`](super::Trainer::run_steps) and for your own loop.
///
/// `loss` records the loss on the tape, which is empty before and reset after. Requests of layers in `cx` are applied with
/// the step, and withdrawn if none is made.
///
/// ```
/// use nn::optim::Sgd;
/// use nn::train::{StepFailure, descend};
/// use nn::{Context, Param};
/// use tape::Tape;
/// let (mut w, mut sgd) = (Param::new(3.0), Sgd::new(0.25));
/// let (mut tape, mut cx) = (Tape::new(), Context::eval());
/// let loss = descend(&mut w, &mut sgd, &mut tape, &mut cx, |w, tape, _| Ok(w.on(tape).square().sum()))?;
/// assert_eq!((loss, w.value().item()), (9.0, 1.5));
/// let failed = descend(&mut w, &mut sgd, &mut tape, &mut cx, |w, tape, _| Ok((w.on(tape) * f64::NAN).sum()));
/// assert!(matches!(failed, Err(StepFailure::NonFinite { .. })) && w.value().item() == 1.5);
/// # Ok::<(), StepFailure>(())
/// ```
///
/// # Errors
/// [`StepFailure::NonFinite`] if the loss or its gradient is not finite, [`StepFailure::Batch`] with the error of `loss`,
/// or of a layer if errors of `cx` [wait](Context::errors_wait): then no step is made. [`StepFailure::Optimizer`] with the
/// error of the optimizer.
pub fn descend<T, M, L>(
    model: &mut M,
    optimizer: &mut dyn Optimizer<T>,
    tape: &mut Tape<T>,
    cx: &mut Context<T>,
    loss: L,
) -> Result<f64, StepFailure>
where
    T: Element,
    M: Parameters<T> + ?Sized,
    L: for<'t> FnOnce(&M, &'t Tape<T>, &mut Context<T>) -> Result<Scalar<'t, T>, Error>,
{
    let recorded = record(model, tape, cx, loss);
    // Reset first: a tape that still holds the parameters makes the step copy them.
    tape.reset();
    let (value, grads) = recorded.inspect_err(|_| cx.discard())?;
    if !value.is_finite() || !finite(model, &grads) {
        cx.discard();
        return Err(StepFailure::NonFinite { loss: value });
    }
    let mut model = Whole(model);
    cx.commit(&mut model);
    optimizer.try_step(&mut model, &grads)?;
    Ok(value)
}

/// A closure as the loss of [`Trainer::run`](super::Trainer::run), to be stored in a variable.
///
/// `let f = |a, y| ...` on its own is not accepted where a loss is expected: the compiler then chooses one lifetime for the
/// result, not that of each tape. This function states the type, and returns the closure. (For closures with other
/// arguments see [`tape::function!`].)
///
/// ```
/// use nn::data::{Dataset, Loader};
/// use nn::optim::Sgd;
/// use nn::train::{Trainer, loss_function};
/// use nn::{Linear, loss};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::Tensor;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = Dataset::new(Tensor::from([[0.0], [1.0]]), Tensor::from([[1.0], [3.0]]))?;
/// let (mut model, mut rng) = (Linear::from_values([[0.0]], [0.0]), StdRng::seed_from_u64(0));
/// let (mut optimizer, mut loader) = (Sgd::new(0.5), Loader::new(&data, 2)?);
/// let factor = 0.5;
/// let loss = loss_function(|a, y| loss::squared_error(a, y).mean() * factor);
/// Trainer::new(100).run(&mut model, &mut optimizer, &mut loader, &mut rng, loss)?;
/// Trainer::new(100).run(&mut model, &mut optimizer, &mut loader, &mut rng, loss)?;
/// assert!(model.weight.value().allclose(&Tensor::from([[2.0]])));
/// # Ok(())
/// # }
/// ```
pub fn loss_function<T, L>(loss: L) -> L
where
    T: Element,
    L: for<'t> Fn(Var<'t, T>, &Tensor<T>) -> Scalar<'t, T>,
{
    loss
}

/// The loss and its gradients.
fn record<'t, T, M, L>(
    model: &M,
    tape: &'t Tape<T>,
    cx: &mut Context<T>,
    loss: L,
) -> Result<(f64, Gradients<T>), Error>
where
    T: Element,
    M: Parameters<T> + ?Sized,
    L: FnOnce(&M, &'t Tape<T>, &mut Context<T>) -> Result<Scalar<'t, T>, Error>,
{
    let loss = loss(model, tape, cx);
    let loss = cx.take_error_of(model).map_or(loss, Err)?;
    Ok((loss.value().to_f64(), loss.backward()))
}

/// Returns `true` if every gradient of the model is finite.
pub(super) fn finite<T: Element>(model: &(impl Parameters<T> + ?Sized), grads: &Gradients<T>) -> bool {
    let mut finite = true;
    model.visit(&Path::root(), &mut |_, param| {
        if let (true, Ok(gradient)) = (finite && param.is_trainable(), grads.try_of_ref(param)) {
            finite = match gradient.as_slice() {
                // In blocks without a branch for each element, which fill vectors.
                Some(gradient) => gradient
                    .chunks(1024)
                    .all(|block| block.iter().fold(true, |finite, g| finite & g.is_finite())),
                None => gradient.iter().all(|g| g.is_finite()),
            };
        }
    });
    finite
}

/// A model of any type, sized or not, as one that can be a `dyn Parameters`.
pub(super) struct Whole<'m, M: ?Sized>(pub(super) &'m mut M);

impl<T: Element, M: Parameters<T> + ?Sized> Parameters<T> for Whole<'_, M> {
    fn visit<'a>(&'a self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a Param<T>)) {
        self.0.visit(path, f);
    }

    fn visit_mut<'a>(&'a mut self, path: &Path<'_>, f: &mut dyn FnMut(&Path<'_>, &'a mut Param<T>)) {
        self.0.visit_mut(path, f);
    }
}
