//! Maps from tensors to tensors, and the context of a forward pass.

use crate::Linear;
use crate::by_hand::Activation;
use crate::param::{Param, Request};
use crate::parameters::{Parameters, Path};
use rand::Rng;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, RefUnwindSafe, UnwindSafe};
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
pub trait Module<T: Element = f64>:
    Parameters<T> + CloneModule<T> + fmt::Debug + Send + Sync + UnwindSafe + RefUnwindSafe
{
    /// The output for the input `x`, recorded on the tape of `x`.
    ///
    /// # Panics
    /// If a layer cannot take its input, at the caller's line: the message names the first parameter of that layer, as
    /// `2.weight`, if the layer is part of a [`Sequential`](crate::Sequential). A user-defined
    /// `forward` does not add the name; [`predict`](Module::predict) on the same input has it.
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T>;

    /// This module as a [`Linear`] layer, if it is one: [`Sequential`](crate::Sequential) may record it together with the
    /// activation after it.
    #[doc(hidden)]
    fn as_linear(&self) -> Option<&Linear<T>> {
        None
    }

    /// This module as an activation function with a derivative by hand, if it is one.
    #[doc(hidden)]
    fn as_activation(&self) -> Option<Activation> {
        None
    }

    /// The output of this module after a [`Linear`] layer, recorded as one operation; `None` if there is no such
    /// operation.
    #[doc(hidden)]
    fn forward_after<'t>(&self, _linear: &Linear<T>, _x: Var<'t, T>) -> Option<Var<'t, T>> {
        None
    }

    /// The output for the input `x`: in evaluation mode, without recording. (So a `forward` that contains a gradient panics
    /// here: call it with a [`Tape`].)
    ///
    /// # Panics
    /// If [`try_predict`](Module::try_predict) returns an error.
    #[track_caller]
    fn predict(&self, x: &Tensor<T>) -> Tensor<T> {
        match self.try_predict(x) {
            Ok(y) => y,
            Err(error) => error.panic(),
        }
    }

    /// As [`predict`](Module::predict), for inputs from elsewhere.
    ///
    /// # Errors
    /// If a layer cannot take its input: the message names the layer's first parameter. (The other operations of a
    /// user-defined `forward` panic as always.)
    ///
    /// ```
    /// use nn::{Linear, Module, Sequential, Tanh};
    /// use tape::Tensor;
    /// let model = Sequential::new().push(Tanh).push(Linear::from_values([[1.0, 2.0]], [0.5]));
    /// assert_eq!(model.try_predict(&Tensor::from([[0.0, 0.0]]))?, Tensor::from([[0.5]]));
    /// let error = model.try_predict(&Tensor::from([[0.0, 0.0, 0.0]])).unwrap_err();
    /// assert_eq!(error.to_string(), "linear: expected shape [1, 2], found [1, 3] (layer of 1.weight)");
    /// # Ok::<(), tape::Error>(())
    /// ```
    #[track_caller]
    fn try_predict(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        let tape = Tape::of().inference();
        let mut cx = Context::eval().errors_wait();
        let y = self.forward(tape.constant(x.clone()), &mut cx).value();
        cx.take_error_of(self).map_or(Ok(y), Err)
    }
}

/// Implements [`Parameters`] and [`Cast`](crate::Cast) for types without parameters, for every element type.
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

            $crate::__cast_module!();
        }

        impl<U: tape::Element> $crate::Cast<U> for $name {
            type Output = $name;

            fn cast_to(&self) -> Result<$name, tape::Error> {
                Ok(Clone::clone(self))
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
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        // A call through `dyn` would end the caller's location here.
        x.tape().at_location(Location::caller(), || (**self).forward(x, cx))
    }

    fn as_linear(&self) -> Option<&Linear<T>> {
        (**self).as_linear()
    }

    fn as_activation(&self) -> Option<Activation> {
        (**self).as_activation()
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
    rng: Option<AssertUnwindSafe<Box<dyn Rng + Send>>>,
    requests: Vec<(ParamId, Request<T>)>,
    /// `true` if parameters do not see the requests.
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
    Waits(Option<Refused>),
}

/// An error, and where it arose.
#[derive(Debug)]
pub(crate) struct Refused {
    error: Error,
    /// The first parameter of the layer.
    layer: Option<ParamId>,
    /// The positions of the layer in chains, from the innermost.
    positions: Vec<usize>,
}

impl Refused {
    /// The error, with the name of the layer in `model`.
    pub(crate) fn named<T: Element>(self, model: &(impl Parameters<T> + ?Sized)) -> Error {
        let mut name = None;
        model.visit(&Path::root(), &mut |path, param| {
            if Some(param.id()) == self.layer {
                name = Some(path.to_string());
            }
        });
        let place = match name.filter(|name| name.contains('.')) {
            Some(name) => format!("layer of {name}"),
            None if self.positions.is_empty() => return self.error,
            None => {
                let positions: Vec<String> = self.positions.iter().rev().map(usize::to_string).collect();
                format!("layer {}", positions.join("."))
            }
        };
        let text = self.error.to_string();
        match self.error {
            Error::Shape { op, .. } | Error::Rank { op, .. } | Error::Invalid { op, .. } => {
                let reason = text.strip_prefix(op).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&text);
                Error::Invalid { op, reason: format!("{reason} ({place})") }
            }
            error => error,
        }
    }
}

impl<T: Element> Context<T> {
    /// Training mode: random layers are active and draw from `rng`, statistics are updated.
    pub fn train(rng: impl Rng + Send + 'static) -> Context<T> {
        Context { rng: Some(AssertUnwindSafe(Box::new(rng))), ..Context::eval() }
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

    /// Reports that a module cannot use its input: panics with the text of the error, unless
    /// [`errors_wait`](Context::errors_wait). The module then returns any output of the right shape.
    #[track_caller]
    pub fn refuse(&mut self, error: Error) {
        self.refuse_at(None, error);
    }

    /// As [`refuse`](Context::refuse), by the layer with this parameter.
    #[track_caller]
    fn refuse_at(&mut self, layer: Option<ParamId>, error: Error) {
        match &mut self.refusal {
            Refusal::Panics => error.panic(),
            Refusal::Waits(first) => {
                first.get_or_insert(Refused { error, layer, positions: Vec::new() });
            }
        }
    }

    /// Returns `true` if the layer with this first parameter can take its input. Otherwise the error is reported, as by
    /// [`refuse`](Context::refuse).
    ///
    /// ```
    /// use nn::{Context, Param};
    /// use tape::Error;
    /// let (mut cx, weight) = (Context::eval().errors_wait(), Param::new([1.0]));
    /// assert!(cx.accepts(Some(&weight), Ok(())));
    /// let error = Error::Shape { op: "scale", expected: vec![1], found: vec![2] };
    /// assert!(!cx.accepts(Some(&weight), Err(error.clone())));
    /// let model = vec![vec![weight]];
    /// let named = cx.take_error_of(&model).map(|error| error.to_string());
    /// assert_eq!(named.as_deref(), Some("scale: expected shape [1], found [2] (layer of 0.0)"));
    /// ```
    #[track_caller]
    pub fn accepts(&mut self, layer: Option<&Param<T>>, checked: Result<(), Error>) -> bool {
        match checked {
            Ok(()) => true,
            Err(error) => {
                self.refuse_at(layer.map(Param::id), error);
                false
            }
        }
    }

    /// The first error reported since the last call; always `None` without
    /// [`errors_wait`](Context::errors_wait).
    pub fn take_error(&mut self) -> Option<Error> {
        self.take_refused().map(|refused| refused.error)
    }

    /// As [`take_error`](Context::take_error), with the name of the layer in `model`: see
    /// [`Module::try_predict`].
    pub fn take_error_of(&mut self, model: &(impl Parameters<T> + ?Sized)) -> Option<Error> {
        self.take_refused().map(|refused| refused.named(model))
    }

    pub(crate) fn take_refused(&mut self) -> Option<Refused> {
        match &mut self.refusal {
            Refusal::Panics => None,
            Refusal::Waits(error) => error.take(),
        }
    }

    /// Runs a chain of modules: errors wait until it has returned, so that they panic with the name of the layer and at
    /// the line of the caller of the chain.
    #[track_caller]
    pub(crate) fn chain<V>(
        &mut self,
        tape: &Tape<T>,
        model: &(impl Parameters<T> + ?Sized),
        run: impl FnOnce(&mut Context<T>) -> V,
    ) -> V {
        let site = Location::caller();
        let run = |cx: &mut Context<T>| tape.at_location(site, || run(cx));
        if matches!(self.refusal, Refusal::Waits(_)) {
            return run(self);
        }
        self.refusal = Refusal::Waits(None);
        let waiting = Waiting(self);
        let output = run(&mut *waiting.0);
        if let Some(refused) = waiting.0.take_refused() {
            let error = refused.named(model);
            drop(waiting);
            error.panic()
        }
        output
    }

    /// Returns `true` if an error waits; `position` is that of the module in its chain.
    pub(crate) fn is_refused_at(&mut self, position: usize) -> bool {
        match &mut self.refusal {
            Refusal::Waits(Some(refused)) => {
                refused.positions.push(position);
                true
            }
            _ => false,
        }
    }

    /// Returns `true` in training mode.
    pub fn is_train(&self) -> bool {
        self.rng.is_some()
    }

    /// The random generator, in training mode.
    pub fn rng(&mut self) -> Option<&mut (dyn Rng + Send + 'static)> {
        self.rng.as_mut().map(|rng| &mut ***rng)
    }

    /// Replaces the random generator; the context is in training mode from then on.
    ///
    /// ```
    /// use nn::Context;
    /// use rand::{Rng, SeedableRng, rngs::StdRng};
    /// let mut cx = Context::<f64>::eval();
    /// cx.reseed(StdRng::seed_from_u64(3));
    /// assert_eq!(cx.rng().map(Rng::next_u64), Some(StdRng::seed_from_u64(3).next_u64()));
    /// ```
    pub fn reseed(&mut self, rng: impl Rng + Send + 'static) {
        self.rng = Some(AssertUnwindSafe(Box::new(rng)));
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

    /// Returns `true` if a value was requested and neither taken nor withdrawn.
    pub(crate) fn has_requests(&self) -> bool {
        self.requests.iter().any(|(_, request)| request.get().is_some())
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

/// A context in which errors wait until this is dropped.
struct Waiting<'c, T: Element>(&'c mut Context<T>);

impl<T: Element> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        self.0.refusal = Refusal::Panics;
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
