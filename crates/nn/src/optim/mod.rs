//! Optimizers: values that turn gradients into new parameters.
//!
//! They know parameters and gradients, and nothing of modules or losses. State is kept by parameter id, so it
//! follows a parameter wherever it moves, and a clone of a model starts without any.

mod sgd;

pub use sgd::Sgd;

use crate::param::Param;
use crate::parameters::{Parameters, Path};
use tape::{Element, Error, Gradients, Tensor};

/// A rule that changes parameters by their gradients.
pub trait Optimizer<T: Element = f64> {
    /// Changes every trainable parameter of `model` for which there is a gradient. Others stay as they are:
    /// frozen parameters, buffers, and what this forward pass did not use.
    ///
    /// Reset the tape first: as long as it holds the values, they are copied before they are written.
    ///
    /// # Panics
    /// If there is no gradient for any parameter of the model: these are the gradients of another one (a
    /// clone, too, is another model).
    fn step(&mut self, model: &mut dyn Parameters<T>, grads: &Gradients<T>);

    /// The current learning rate.
    fn learning_rate(&self) -> f64;

    /// Changes the learning rate from the next step on.
    fn set_learning_rate(&mut self, learning_rate: f64);
}

/// Calls `update` with every trainable parameter that has a gradient, and the gradient in row-major order.
#[track_caller]
pub(crate) fn for_each_gradient<T: Element>(
    op: &'static str,
    model: &mut dyn Parameters<T>,
    grads: &Gradients<T>,
    mut update: impl FnMut(&mut Param<T>, &[T]),
) {
    let (mut trainable, mut updated) = (0usize, 0usize);
    model.visit_mut(&Path::root(), &mut |_, param| {
        if !param.is_trainable() {
            return;
        }
        trainable += 1;
        if let Ok(gradient) = grads.get(&*param) {
            let gradient: Tensor<T> = gradient.contiguous();
            update(param, gradient.as_slice().unwrap_or_default());
            updated += 1;
        }
    });
    if updated == 0 && trainable > 0 {
        let reason = format!("no gradient for any of the model's {trainable} parameters");
        Error::Invalid { op, reason }.panic();
    }
}
