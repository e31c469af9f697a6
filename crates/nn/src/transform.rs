//! Transformations of a model: the loss of a model in, gradients and products with derivatives out.
//!
//! [`tape::transform`] differentiates a closure with respect to its arguments; these functions do so with respect to the
//! trainable parameters of a model, of any element type. The closure takes the model and a tape, and captures whatever
//! else it needs.
//!
//! Derivatives are [`Direction`]s: one tensor for each trainable parameter. Optimizers and clipping accept them as
//! gradients.
//!
//! ```
//! use nn::optim::{Optimizer, Sgd, gradient_norm};
//! use nn::transform::{Direction, hessian, hvp, jvp, per_sample_grads, value_and_grad};
//! use nn::{Context, Linear, Module, loss};
//! use tape::{Scalar, Tape, Tensor, Var};
//!
//! /// The outputs for two samples: -0.5 and 3.5 at first.
//! fn outputs<'t>(model: &Linear, tape: &'t Tape) -> Var<'t> {
//!     model.forward(tape.constant([[1.0, 2.0], [3.0, 0.0]]), &mut Context::eval())
//! }
//!
//! fn mse<'t>(model: &Linear, tape: &'t Tape) -> Scalar<'t> {
//!     loss::squared_error(outputs(model, tape), Tensor::from([[0.0], [1.0]])).mean()
//! }
//!
//! let mut model = Linear::from_values([[1.0, -1.0]], [0.5]);
//! let (value, grads) = value_and_grad(&model, mse);
//! assert_eq!((value, grads.to_vec()), (3.25, vec![7.0, -1.0, 2.0]));
//! assert_eq!(grads.of(&model.weight), Tensor::from([[7.0, -1.0]]));
//!
//! // How the outputs change with the bias.
//! let bias = Direction::new(&model, |name, value| value.map_elements(|_| if name == "bias" { 1.0 } else { 0.0 }));
//! let (value, slope) = jvp(&model, outputs, &bias);
//! assert_eq!((value.to_vec(), slope.to_vec()), (vec![-0.5, 3.5], vec![1.0, 1.0]));
//!
//! // The Hessian, and its product with that direction.
//! assert_eq!(hessian(&model, mse), Tensor::from([[10.0, 2.0, 4.0], [2.0, 4.0, 2.0], [4.0, 2.0, 2.0]]));
//! assert_eq!(hvp(&model, mse, &bias).to_vec(), [4.0, 2.0, 2.0]);
//!
//! // One gradient for each sample: here, for their norms.
//! let each = per_sample_grads(&model, 2, |model, tape, i| outputs(model, tape).at([i, 0]).square());
//! let norms: Vec<f64> = each.iter().map(|grads| gradient_norm(&model, grads)).collect();
//! assert!((norms[0] - 6f64.sqrt()).abs() < 1e-12 && (norms[1] - 7.0 * 10f64.sqrt()).abs() < 1e-12);
//!
//! Sgd::new(0.5).step(&mut model, &grads);
//! assert_eq!(model.weight.value(), &Tensor::from([[-2.5, -0.5]]));
//! ```
//!
//! Use [`Context::eval`](crate::Context::eval) in the closure: the statistics that a training pass collects would be
//! requested for the model, as in any other pass.

use crate::Param;
use crate::optim::GradientSource;
use crate::parameters::{Parameters, Path};
use crate::setting::expect;
use tape::{Element, Error, ParamId, Scalar, Tape, Tensor, Var};

/// One tensor for each trainable parameter of a model, in order: a gradient, or a direction in which the parameters move.
///
/// ```
/// use nn::Linear;
/// use nn::transform::Direction;
/// use tape::Tensor;
/// let model = Linear::from_values([[1.0, -1.0]], [0.5]);
/// let weights = Direction::new(&model, |_, value| value.clone());
/// assert_eq!(weights.to_vec(), [1.0, -1.0, 0.5]);
/// let doubled = Direction::from_slice(&model, &[2.0, -2.0, 1.0])?;
/// assert_eq!(doubled.of(&model.weight), Tensor::from([[2.0, -2.0]]));
/// let error = Direction::from_slice(&model, &[2.0, -2.0]).unwrap_err();
/// assert_eq!(error.to_string(), "direction: expected 3 elements, one for each trainable element, found 2");
/// # Ok::<(), tape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Direction<T: Element = f64> {
    parts: Vec<(ParamId, Tensor<T>)>,
}

impl<T: Element> Direction<T> {
    /// The tensors that `part` returns for the name and the value of each trainable parameter.
    ///
    /// # Panics
    /// If one has another shape than its parameter.
    #[track_caller]
    pub fn new(
        model: &(impl Parameters<T> + ?Sized),
        mut part: impl FnMut(&str, &Tensor<T>) -> Tensor<T>,
    ) -> Direction<T> {
        let (mut parts, mut wrong) = (Vec::new(), Ok(()));
        model.visit(&Path::root(), &mut |path, param| {
            if param.is_trainable() {
                let part = part(&path.to_string(), param.value());
                if part.shape() != param.value().shape() && wrong.is_ok() {
                    let (expected, found) = (param.value().shape(), part.shape());
                    let reason = format!("expected shape {expected:?} for \"{path}\", found {found:?}");
                    wrong = Err(Error::Invalid { op: "direction", reason });
                }
                parts.push((param.id(), part));
            }
        });
        expect(wrong);
        Direction { parts }
    }

    /// The elements of all tensors, one after the other.
    ///
    /// # Errors
    /// If their number is not that of the trainable elements of `model`.
    pub fn from_slice(model: &(impl Parameters<T> + ?Sized), elements: &[T]) -> Result<Direction<T>, Error> {
        let (count, found) = (model.count(), elements.len());
        if count != found {
            let reason = format!("expected {count} elements, one for each trainable element, found {found}");
            return Err(Error::Invalid { op: "direction", reason });
        }
        let mut rest = elements;
        Ok(Direction::new(model, |_, value| {
            let (head, tail) = rest.split_at(value.size());
            rest = tail;
            Tensor::from(head.to_vec()).reshape(value.shape().clone())
        }))
    }

    /// The elements of all tensors, one after the other.
    pub fn to_vec(&self) -> Vec<T> {
        self.parts.iter().flat_map(|(_, part)| part.to_vec()).collect()
    }

    /// The tensor of a parameter.
    ///
    /// # Panics
    /// If the parameter is not one of the model's, or was not trainable.
    #[track_caller]
    pub fn of(&self, param: &Param<T>) -> Tensor<T> {
        let id = param.id();
        expect(self.gradient(id).ok_or(Error::UnknownParameter { id: id.get() }))
    }

    /// The tensors, in the order of the parameters.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor<T>> {
        self.parts.iter().map(|(_, part)| part)
    }

    /// The tensors for the recorded parameters of `model`.
    fn for_model(&self, op: &'static str, model: &(impl Parameters<T> + ?Sized)) -> Vec<Tensor<T>> {
        let mut parts = Vec::new();
        model.visit(&Path::root(), &mut |path, param| {
            if param.is_trainable() {
                let missing = || {
                    let reason = format!("expected a direction for this model, found none for \"{path}\"");
                    Error::Invalid { op, reason }
                };
                parts.push(self.gradient(param.id()).ok_or_else(missing));
            }
        });
        expect(parts.into_iter().collect())
    }
}

impl<T: Element> GradientSource<T> for Direction<T> {
    fn gradient(&self, id: ParamId) -> Option<Tensor<T>> {
        self.parts.iter().find(|(found, _)| *found == id).map(|(_, part)| part.clone())
    }
}

/// The trainable parameters, recorded, and their identities.
fn record<'t, T: Element>(
    model: &(impl Parameters<T> + ?Sized),
    tape: &'t Tape<T>,
) -> (Vec<ParamId>, Vec<Var<'t, T>>) {
    let mut recorded = (Vec::new(), Vec::new());
    model.visit(&Path::root(), &mut |_, param| {
        if param.is_trainable() {
            recorded.0.push(param.id());
            recorded.1.push(param.on(tape));
        }
    });
    recorded
}

/// Pairs identities with tensors.
fn direction<T: Element>(ids: Vec<ParamId>, parts: Vec<Tensor<T>>) -> Direction<T> {
    Direction { parts: ids.into_iter().zip(parts).collect() }
}

/// The value of `loss`, and its gradient with respect to every trainable parameter; zeros for those that take no part.
/// See the [module](self) for an example.
pub fn value_and_grad<T, M, F>(model: &M, loss: F) -> (T, Direction<T>)
where
    T: Element,
    M: Parameters<T> + ?Sized,
    F: for<'t> FnOnce(&M, &'t Tape<T>) -> Scalar<'t, T>,
{
    value_and_grad_on(&Tape::of(), model, loss)
}

/// The value of `loss`, recorded on an empty tape, and its gradient.
fn value_and_grad_on<T, M, F>(tape: &Tape<T>, model: &M, loss: F) -> (T, Direction<T>)
where
    T: Element,
    M: Parameters<T> + ?Sized,
    F: for<'t> FnOnce(&M, &'t Tape<T>) -> Scalar<'t, T>,
{
    let (ids, params) = record(model, tape);
    let loss = loss(model, tape);
    (loss.value(), direction(ids, loss.backward().wrt(params)))
}

/// The gradient of `loss` with respect to every trainable parameter: see [`value_and_grad`].
///
/// ```
/// use nn::{Param, transform};
/// let w = Param::new([1.0, 2.0]);
/// assert_eq!(transform::grad(&w, |w, tape| w.on(tape).square().sum()).to_vec(), [2.0, 4.0]);
/// ```
pub fn grad<T, M, F>(model: &M, loss: F) -> Direction<T>
where
    T: Element,
    M: Parameters<T> + ?Sized,
    F: for<'t> FnOnce(&M, &'t Tape<T>) -> Scalar<'t, T>,
{
    value_and_grad(model, loss).1
}

/// The value of `f`, and its derivative along a direction in the parameters: one forward sweep. See the [module](self)
/// for an example.
///
/// # Panics
/// If `along` is not a direction for this model.
#[track_caller]
pub fn jvp<T, M, F>(model: &M, f: F, along: &Direction<T>) -> (Tensor<T>, Tensor<T>)
where
    T: Element,
    M: Parameters<T> + ?Sized,
    F: for<'t> FnOnce(&M, &'t Tape<T>) -> Var<'t, T>,
{
    let along = along.for_model("jvp", model);
    let tape = Tape::of();
    let (_, params) = record(model, &tape);
    let y = f(model, &tape);
    (y.value(), y.jvp(params, along))
}

/// The product of the Hessian of `loss` with a direction: the gradient is recorded, and differentiated by one forward
/// sweep. See the [module](self) for an example.
///
/// # Panics
/// If `along` is not a direction for this model.
#[track_caller]
pub fn hvp<T, M, F>(model: &M, loss: F, along: &Direction<T>) -> Direction<T>
where
    T: Element,
    M: Parameters<T> + ?Sized,
    F: for<'t> FnOnce(&M, &'t Tape<T>) -> Scalar<'t, T>,
{
    let along = along.for_model("hvp", model);
    let tape = Tape::of();
    let (ids, params) = record(model, &tape);
    let slope = loss(model, &tape).grad(params.clone());
    direction(ids, tape.jvp(slope, params, along))
}

/// The Hessian of `loss`, `[n, n]` for `n` trainable elements in the order of [`Direction::to_vec`]: the gradient is
/// recorded once, and differentiated by `n` forward sweeps. See the [module](self) for an example.
///
/// # Panics
/// If there is no memory for it.
#[track_caller]
pub fn hessian<T, M, F>(model: &M, loss: F) -> Tensor<T>
where
    T: Element,
    M: Parameters<T> + ?Sized,
    F: for<'t> FnOnce(&M, &'t Tape<T>) -> Scalar<'t, T>,
{
    let n = model.count();
    expect(Tensor::<T>::fits("hessian", &[n, n].into()));
    let tape = Tape::of();
    let (_, params) = record(model, &tape);
    let slope = loss(model, &tape).grad(params.clone());
    let mut unit: Vec<Tensor<T>> = params.iter().map(|param| Tensor::zeros(param.shape())).collect();
    let mut rows = Vec::with_capacity(n * n);
    for k in 0..unit.len() {
        for at in 0..unit[k].size() {
            unit[k].as_mut_slice()[at] = T::ONE;
            let row = tape.jvp(slope.clone(), params.clone(), unit.clone());
            rows.extend(row.iter().flat_map(Tensor::to_vec));
            unit[k].as_mut_slice()[at] = T::ZERO;
        }
    }
    expect(Tensor::from_vec([n, n], rows))
}

/// The gradient of the loss of each of `samples` samples: `loss` records that of sample `i`. See the [module](self) for
/// an example.
pub fn per_sample_grads<T, M, F>(model: &M, samples: usize, mut loss: F) -> Vec<Direction<T>>
where
    T: Element,
    M: Parameters<T> + ?Sized,
    F: for<'t> FnMut(&M, &'t Tape<T>, usize) -> Scalar<'t, T>,
{
    let mut tape = Tape::of();
    let one = |i| {
        tape.reset();
        value_and_grad_on(&tape, model, |model, tape| loss(model, tape, i)).1
    };
    (0..samples).map(one).collect()
}
