//! Penalties of large weights, to be added to a loss.

use crate::parameters::{Parameters, Path};
use std::panic::Location;
use tape::{Element, Scalar, Tape, Tensor, Var};

/// `Σ |w|` over all trainable parameters; the derivative at 0 is 0. To leave out biases, pass the weights
/// alone: a [`Param`](crate::Param) is its own only parameter.
///
/// ```
/// use nn::{Linear, loss::l1_penalty};
/// use tape::{Tape, Tensor};
/// let layer = Linear::from_values([[1.0, -2.0]], [3.0]);
/// let tape = Tape::new();
/// assert_eq!(l1_penalty(&layer, &tape).value(), 6.0);
/// let penalty = l1_penalty(&layer.weight, &tape) * 0.5;
/// assert_eq!(penalty.value(), 1.5);
/// assert_eq!(penalty.backward().of(&layer.weight), Tensor::from([[0.5, -0.5]]));
/// ```
#[track_caller]
pub fn l1_penalty<'t, T: Element>(model: &(impl Parameters<T> + ?Sized), tape: &'t Tape<T>) -> Scalar<'t, T> {
    total(model, tape, |w| w.abs().sum())
}

/// `Σ w²` over all trainable parameters, with gradient `2 w`: a weight decay of `λ` descends `λ/2` times
/// this.
///
/// ```
/// use nn::{Linear, loss::l2_penalty};
/// use tape::{Tape, Tensor};
/// let layer = Linear::from_values([[1.0, -2.0]], [3.0]);
/// let tape = Tape::new();
/// let penalty = l2_penalty(&layer, &tape);
/// assert_eq!(penalty.value(), 14.0);
/// assert_eq!(penalty.backward().of(&layer.weight), Tensor::from([[2.0, -4.0]]));
/// ```
#[track_caller]
pub fn l2_penalty<'t, T: Element>(model: &(impl Parameters<T> + ?Sized), tape: &'t Tape<T>) -> Scalar<'t, T> {
    total(model, tape, |w| w.square().sum())
}

/// The sum over all trainable parameters, and 0 if there are none.
#[track_caller]
fn total<'t, T: Element>(
    model: &(impl Parameters<T> + ?Sized),
    tape: &'t Tape<T>,
    term: impl Fn(Var<'t, T>) -> Scalar<'t, T>,
) -> Scalar<'t, T> {
    tape.at_location(Location::caller(), || {
        let mut sum: Option<Scalar<'t, T>> = None;
        model.visit(&Path::root(), &mut |_, param| {
            if param.is_trainable() {
                let term = term(param.on(tape));
                sum = Some(sum.map_or(term, |sum| sum + term));
            }
        });
        sum.unwrap_or_else(|| tape.constant(Tensor::scalar(T::ZERO)).sum())
    })
}
