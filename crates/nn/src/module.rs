//! Maps from tensors to tensors, and the context of a forward pass.

use crate::Linear;
use crate::param::{Param, Request};
use crate::parameters::{Parameters, Path};
use rand::Rng;
use std::fmt;
use tape::{Element, Error, ParamId, Tape, Tensor, Var};

/// A map from tensors to tensors with named parameters.
///
/// Modules are plain data; everything that changes from call to call is in the [`Context`]. A layer with
/// other inputs (indices, sequences with a state) has its own `forward` and implements [`Parameters`] only.
///
/// ```
/// use nn::{Context, Module, Param, Parameters};
/// use tape::{Element, Tape, Tensor, Var};
///
/// /// y = gain · x
/// #[derive(Clone, Debug, Parameters)]
/// struct Scale<T: Element> {
///     gain: Param<T>,
/// }
///
/// impl<T: Element> Module<T> for Scale<T> {
///     fn forward<'t>(&self, x: Var<'t, T>, _cx: &mut Context<T>) -> Var<'t, T> {
///         x * self.gain.on(x.tape())
///     }
/// }
///
/// let model = Scale { gain: Param::new(3.0) };
/// assert_eq!(model.predict(&Tensor::from([1.0, 2.0])).to_vec(), [3.0, 6.0]);
/// let tape = Tape::new();
/// let y = model.forward(tape.constant([1.0, 2.0]), &mut Context::eval());
/// assert_eq!(y.sum().backward().of(&model.gain).item(), 3.0);
/// ```
pub trait Module<T: Element = f64>: Parameters<T> + CloneModule<T> + fmt::Debug + Send + Sync {
    /// The output for the input `x`, recorded on the tape of `x`.
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T>;

    /// This module as a [`Linear`] layer, if it is one: [`Sequential`](crate::Sequential) may record it together with the
    /// activation after it.
    #[doc(hidden)]
    fn as_linear(&self) -> Option<&Linear<T>> {
        None
    }

    /// The output of this module after a [`Linear`] layer, recorded as one operation; `None` if there is no such
    /// operation.
    #[doc(hidden)]
    fn forward_after<'t>(&self, _linear: &Linear<T>, _x: Var<'t, T>) -> Option<Var<'t, T>> {
        None
    }

    /// The output for the input `x`: in evaluation mode, without recording.
    fn predict(&self, x: &Tensor<T>) -> Tensor<T> {
        let tape = Tape::of().inference();
        let y = self.forward(tape.constant(x.clone()), &mut Context::eval());
        y.value()
    }
}

/// Implements [`Parameters`] for types without parameters, for every element type.
macro_rules! without_parameters {
    ($($name:ty),* $(,)?) => {$(
        impl<T: tape::Element> $crate::Parameters<T> for $name {
            fn visit<'a>(
                &'a self,
                _: &$crate::Path<'_>,
                _: &mut dyn FnMut(&$crate::Path<'_>, &'a $crate::Param<T>),
            ) {
            }

            fn visit_mut<'a>(
                &'a mut self,
                _: &$crate::Path<'_>,
                _: &mut dyn FnMut(&$crate::Path<'_>, &'a mut $crate::Param<T>),
            ) {
            }
        }
    )*};
}

pub(crate) use without_parameters;

/// Cloning of boxed modules; implemented for every module that is `Clone`.
pub trait CloneModule<T: Element> {
    /// A clone, boxed; its parameters have fresh ids.
    fn clone_box(&self) -> Box<dyn Module<T>>;
}

impl<T: Element, M: Module<T> + Clone + 'static> CloneModule<T> for M {
    fn clone_box(&self) -> Box<dyn Module<T>> {
        Box::new(self.clone())
    }
}

impl<T: Element> Clone for Box<dyn Module<T>> {
    fn clone(&self) -> Box<dyn Module<T>> {
        (**self).clone_box()
    }
}

impl<T: Element> Module<T> for Box<dyn Module<T>> {
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        (**self).forward(x, cx)
    }

    fn as_linear(&self) -> Option<&Linear<T>> {
        (**self).as_linear()
    }

    fn forward_after<'t>(&self, linear: &Linear<T>, x: Var<'t, T>) -> Option<Var<'t, T>> {
        (**self).forward_after(linear, x)
    }
}

/// The context of a forward pass: the mode, the random generator, and requested changes of state.
///
/// A module that keeps statistics requests new ones with [`set`](Context::set). A request cannot be lost: the next step
/// of an optimizer applies it, and evaluation, files and clones see it already. Without an optimizer,
/// [`commit`](Context::commit) applies it; [`discard`](Context::discard) withdraws it, for a step that is not made.
///
/// ```
/// use nn::{BatchNorm1d, Context, Module};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let mut layer = BatchNorm1d::new(1);
/// let mut cx = Context::train(StdRng::seed_from_u64(0));
/// layer.forward(Tape::new().constant([[1.0], [3.0]]), &mut cx);
/// let moved = layer.predict(&Tensor::from([[1.0]]));
/// cx.commit(&mut layer);
/// assert_eq!(layer.running_mean.value().to_vec(), [0.2]);
/// assert_eq!(layer.predict(&Tensor::from([[1.0]])), moved);
/// ```
///
/// Training passes of one model that run at the same time see each other's requests; [`Shards`](crate::train::Shards)
/// keeps those of its threads apart.
pub struct Context<T: Element = f64> {
    /// The random generator, present exactly in training mode.
    rng: Option<Box<dyn Rng + Send>>,
    requests: Vec<(ParamId, Request<T>)>,
    /// Returns `true` if parameters do not see the requests.
    apart: bool,
    refusal: Refusal,
}

/// The treatment of an error that a module reports.
#[derive(Debug, Default)]
enum Refusal {
    /// It panics.
    #[default]
    Panics,
    /// The first one is kept for the caller.
    Waits(Option<Error>),
}

impl<T: Element> Context<T> {
    /// Training mode: random layers are active and draw from `rng`, statistics are updated.
    pub fn train(rng: impl Rng + Send + 'static) -> Context<T> {
        Context { rng: Some(Box::new(rng)), ..Context::eval() }
    }

    /// Evaluation mode: nothing is random, statistics are used and not updated.
    pub fn eval() -> Context<T> {
        Context { rng: None, requests: Vec::new(), apart: false, refusal: Refusal::Panics }
    }

    /// A context whose requests parameters do not see until they are [taken](Context::take), for passes of one model on
    /// several threads.
    pub(crate) fn apart(self) -> Context<T> {
        Context { apart: true, ..self }
    }

    /// A context in which errors that modules [report](Context::refuse) wait to be
    /// [taken](Context::take_error) instead of panicking. Take them after every forward pass: an output that
    /// comes with an error is meaningless.
    ///
    /// ```
    /// use nn::{BatchNorm1d, Context, Module};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tape;
    /// let mut cx = Context::train(StdRng::seed_from_u64(0)).errors_wait();
    /// let (tape, layer) = (Tape::new(), BatchNorm1d::<f64>::new(2));
    /// layer.forward(tape.constant([[1.0, 2.0]]), &mut cx);
    /// let error = cx.take_error().map(|error| error.to_string());
    /// let expected = "batch_norm: training needs several elements per channel, found shape [1, 2]";
    /// assert_eq!(error.as_deref(), Some(expected));
    /// assert!(cx.take_error().is_none());
    /// ```
    pub fn errors_wait(self) -> Context<T> {
        Context { refusal: Refusal::Waits(None), ..self }
    }

    /// Reports that a module cannot use its input because of the data: panics with the text of the error,
    /// unless [`errors_wait`](Context::errors_wait). The module then returns any output of the right shape.
    #[track_caller]
    pub fn refuse(&mut self, error: Error) {
        match &mut self.refusal {
            Refusal::Panics => error.panic(),
            Refusal::Waits(first) => {
                first.get_or_insert(error);
            }
        }
    }

    /// The first error reported since the last call; always `None` without
    /// [`errors_wait`](Context::errors_wait).
    pub fn take_error(&mut self) -> Option<Error> {
        match &mut self.refusal {
            Refusal::Panics => None,
            Refusal::Waits(error) => error.take(),
        }
    }

    /// Returns `true` in training mode.
    pub fn is_train(&self) -> bool {
        self.rng.is_some()
    }

    /// The random generator, in training mode.
    pub fn rng(&mut self) -> Option<&mut (dyn Rng + Send + 'static)> {
        self.rng.as_deref_mut()
    }

    /// Requests that `param` become `value` with the next step, or [`commit`](Context::commit); the last request counts.
    ///
    /// ```
    /// use nn::{Context, Param};
    /// use tape::Tensor;
    /// let mut mean = Param::buffer([0.0, 0.0]);
    /// let mut cx = Context::eval();
    /// cx.set(&mean, Tensor::from([1.0, 2.0]));
    /// assert_eq!(mean.value().to_vec(), [0.0, 0.0]);
    /// assert_eq!(cx.get(&mean).to_vec(), [1.0, 2.0]);
    /// cx.commit(&mut mean);
    /// assert_eq!(mean.value().to_vec(), [1.0, 2.0]);
    /// ```
    pub fn set(&mut self, param: &Param<T>, value: Tensor<T>) {
        let known = self.requests.iter().position(|(id, _)| *id == param.id());
        let place = known.unwrap_or_else(|| {
            let request = if self.apart { Request::none() } else { param.request().clone() };
            self.requests.push((param.id(), request));
            self.requests.len() - 1
        });
        self.requests[place].1.replace(Some(value));
    }

    /// The value `param` will have after the step: the one that was last [`set`](Context::set), or the current one.
    pub fn get(&self, param: &Param<T>) -> Tensor<T> {
        let request = self.requests.iter().find(|(id, _)| *id == param.id());
        request.and_then(|(_, request)| request.get()).unwrap_or_else(|| param.latest())
    }

    /// Takes the requested value of a parameter.
    pub(crate) fn take(&mut self, id: ParamId) -> Option<Tensor<T>> {
        self.requests.iter().find(|(requested, _)| *requested == id)?.1.replace(None)
    }

    /// Withdraws the requests of this context, for a step that is not made.
    pub fn discard(&mut self) {
        for (_, request) in self.requests.drain(..) {
            request.replace(None);
        }
    }

    /// Applies the requests for parameters of `model`, as the step of an optimizer does: for a training loop without one.
    /// Those for another model remain.
    pub fn commit(&mut self, model: &mut dyn Parameters<T>) {
        if self.requests.is_empty() {
            return;
        }
        model.visit_mut(&Path::root(), &mut |_, param| {
            if let Some(value) = self.take(param.id()) {
                *param.value_mut() = value;
            }
        });
    }
}

impl<T: Element> fmt::Debug for Context<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.is_train() { "train" } else { "eval" };
        f.debug_struct("Context").field("mode", &mode).field("requests", &self.requests).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_request_counts_and_is_applied_once() {
        let mut mean = Param::buffer([0.0]);
        let mut cx = Context::eval();
        cx.set(&mean, Tensor::from([1.0]));
        cx.set(&mean, Tensor::from([2.0]));
        assert_eq!(cx.get(&mean).item(), 2.0);
        cx.commit(&mut mean);
        assert_eq!(mean.value().item(), 2.0);
        *mean.value_mut() = Tensor::from([3.0]);
        cx.commit(&mut mean);
        assert_eq!((mean.value().item(), cx.get(&mean).item()), (3.0, 3.0));
    }

    #[test]
    fn requests_for_another_model_remain() {
        let (mut first, mut second) = (Param::buffer([0.0]), Param::buffer([0.0]));
        let mut cx = Context::eval();
        cx.set(&first, Tensor::from([1.0]));
        cx.set(&second, Tensor::from([2.0]));
        cx.commit(&mut second);
        assert_eq!((first.value().item(), second.value().item()), (0.0, 2.0));
        cx.commit(&mut first);
        assert_eq!(first.value().item(), 1.0);
    }

    #[test]
    fn a_discarded_request_is_not_applied() {
        let mut mean = Param::buffer([0.0]);
        let mut cx = Context::eval();
        cx.set(&mean, Tensor::from([1.0]));
        cx.discard();
        cx.commit(&mut mean);
        assert_eq!((mean.value().item(), cx.get(&mean).item()), (0.0, 0.0));
    }

    #[test]
    fn there_is_a_generator_exactly_in_training() {
        use rand::{SeedableRng, rngs::StdRng};
        let mut train = Context::<f64>::train(StdRng::seed_from_u64(1));
        assert!(train.is_train() && train.rng().is_some());
        let mut eval = Context::<f64>::eval();
        assert!(!eval.is_train() && eval.rng().is_none());
    }
}
