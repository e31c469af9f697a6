//! A parameter: a tensor with an identity, outside any tape.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use tape::{Element, ParamId, Tape, Tensor, Var};

/// The role of a parameter in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Differentiated, and changed by optimizers.
    Trainable,
    /// A constant for now: neither differentiated nor changed.
    Frozen,
    /// Part of the state but never differentiated (running statistics); see [`Context::set`](crate::Context::set).
    Buffer,
}

/// A tensor that belongs to a model: it has an identity by which gradients and optimizer state find it.
///
/// `clone` makes a separate parameter, with a fresh id, so a model and its clone are two models even on one
/// tape; [`snapshot`](Param::snapshot) keeps the id.
///
/// ```
/// use nn::Param;
/// use tape::Tape;
/// let w = Param::new([2.0, 3.0]);
/// let tape = Tape::new();
/// let loss = (w.on(&tape) * w.on(&tape)).sum();
/// assert_eq!(loss.value(), 13.0);
/// assert_eq!(loss.backward().of(&w).to_vec(), [4.0, 6.0]);
/// assert_ne!(w.clone().id(), w.id());
/// assert_eq!(w.snapshot().id(), w.id());
/// ```
pub struct Param<T: Element = f64> {
    id: ParamId,
    value: Tensor<T>,
    role: Role,
    /// The request of a forward pass, once there was one.
    request: OnceLock<Request<T>>,
}

/// The value that a forward pass requested for a parameter, until it is applied or discarded. Shared by the parameter,
/// which is where a step finds it, and the context that made the request, which can withdraw it.
#[derive(Clone, Debug)]
pub(crate) struct Request<T: Element>(Arc<RwLock<Option<Tensor<T>>>>);

impl<T: Element> Request<T> {
    /// No request.
    pub(crate) fn none() -> Request<T> {
        Request(Arc::new(RwLock::new(None)))
    }

    /// The requested value.
    pub(crate) fn get(&self) -> Option<Tensor<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the requested value, and returns the previous one.
    pub(crate) fn replace(&self, value: Option<Tensor<T>>) -> Option<Tensor<T>> {
        std::mem::replace(&mut self.0.write().unwrap_or_else(PoisonError::into_inner), value)
    }
}

impl<T: Element> Param<T> {
    /// A trainable parameter.
    pub fn new(value: impl Into<Tensor<T>>) -> Param<T> {
        Param { id: ParamId::new(), value: value.into(), role: Role::Trainable, request: OnceLock::new() }
    }

    /// State that is saved with the model but never differentiated.
    pub fn buffer(value: impl Into<Tensor<T>>) -> Param<T> {
        Param { role: Role::Buffer, ..Param::new(value) }
    }

    /// The identity: unique in the process.
    pub fn id(&self) -> ParamId {
        self.id
    }

    /// The value as of the last step: without a [requested](crate::Context::set) one that no step has applied yet, which
    /// [`latest`](Param::latest) includes.
    pub fn value(&self) -> &Tensor<T> {
        &self.value
    }

    /// The value that a training pass [requested](crate::Context::set) and no step has applied yet, or else the
    /// [`value`](Param::value).
    ///
    /// ```
    /// use nn::{Context, Param};
    /// use tape::Tensor;
    /// let mut mean = Param::buffer([0.0]);
    /// Context::eval().set(&mean, Tensor::from([1.0]));
    /// assert_eq!((mean.value().item(), mean.latest().item()), (0.0, 1.0));
    /// mean.value_mut();
    /// assert_eq!(mean.value().item(), 1.0);
    /// ```
    pub fn latest(&self) -> Tensor<T> {
        self.request.get().and_then(Request::get).unwrap_or_else(|| self.value.clone())
    }

    /// The value, mutably; a requested one is applied first. Elements are written in place if no tape and no clone shares
    /// the buffer, and into a copy otherwise, so other holders keep the old value.
    pub fn value_mut(&mut self) -> &mut Tensor<T> {
        if let Some(value) = self.request.get().and_then(|request| request.replace(None)) {
            self.value = value;
        }
        &mut self.value
    }

    /// The request of a forward pass, to be filled in.
    pub(crate) fn request(&self) -> &Request<T> {
        self.request.get_or_init(Request::none)
    }

    /// Applies the requested value, if there is one.
    pub(crate) fn settle(&mut self) {
        self.value_mut();
    }

    /// The role of the parameter in training.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Returns `true` if it is differentiated and changed by optimizers.
    pub fn is_trainable(&self) -> bool {
        self.role == Role::Trainable
    }

    /// Freezes it: makes it a constant. A buffer stays a buffer.
    pub fn freeze(&mut self) {
        if self.role == Role::Trainable {
            self.role = Role::Frozen;
        }
    }

    /// Makes it trainable again. A buffer stays a buffer.
    pub fn unfreeze(&mut self) {
        if self.role == Role::Frozen {
            self.role = Role::Trainable;
        }
    }

    /// Records it: if trainable, as a leaf, the same one for every call on a tape; otherwise as a constant, with the
    /// [`latest`](Param::latest) value.
    ///
    /// # Panics
    /// If its value changed since it was recorded on this tape: reset the tape between steps.
    #[track_caller]
    pub fn on<'t>(&self, tape: &'t Tape<T>) -> Var<'t, T> {
        match self.role {
            Role::Trainable => tape.parameter(self.id, &self.value),
            Role::Frozen | Role::Buffer => tape.constant_parameter(self.id, &self.latest()),
        }
    }

    /// The parameter as it is now, with the same id; its value is shared until either is written.
    pub fn snapshot(&self) -> Param<T> {
        Param { id: self.id, ..self.clone() }
    }

    /// A separate parameter of the same role with this value.
    pub(crate) fn converted<U: Element>(&self, value: Tensor<U>) -> Param<U> {
        Param { role: self.role, ..Param::new(value) }
    }

    /// Takes the identity of another parameter, for snapshots of whole models.
    pub(crate) fn set_id(&mut self, id: ParamId) {
        self.id = id;
    }
}

/// A separate parameter: same value and role, fresh id.
impl<T: Element> Clone for Param<T> {
    fn clone(&self) -> Param<T> {
        self.converted(self.latest())
    }
}

// A tensor is a plain list of elements, also when a panic interrupted a change of it: numbers have no invariants.
impl<T: Element> UnwindSafe for Param<T> {}
impl<T: Element> RefUnwindSafe for Param<T> {}

impl<T: Element> fmt::Debug for Param<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Param { id, role, request, .. } = self;
        let mut fields = f.debug_struct("Param");
        fields.field("id", id).field("value", &self.value).field("role", role);
        match request.get().and_then(Request::get) {
            Some(value) => fields.field("requested", &value).finish(),
            None => fields.finish(),
        }
    }
}

impl<T: Element> From<&Param<T>> for ParamId {
    fn from(param: &Param<T>) -> ParamId {
        param.id
    }
}

/// Records an optional parameter.
#[track_caller]
pub(crate) fn recorded<'t, T: Element>(param: &Option<Param<T>>, tape: &'t Tape<T>) -> Option<Var<'t, T>> {
    // No closure: the recording has the caller's location.
    match param {
        Some(param) => Some(param.on(tape)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_parameters_and_buffers_are_constants() {
        let mut w = Param::new([1.0, 2.0]);
        let mut state = Param::buffer([3.0, 4.0]);
        w.freeze();
        state.freeze();
        state.unfreeze();
        assert_eq!((w.role(), state.role()), (Role::Frozen, Role::Buffer));
        let tape = Tape::new();
        let grads = (w.on(&tape) * state.on(&tape)).sum().backward();
        assert!(grads.try_of(&w).is_err() && grads.try_of(&state).is_err());
        w.unfreeze();
        let grads = (w.on(&tape) * state.on(&tape)).sum().backward();
        assert_eq!(grads.of(&w).to_vec(), [3.0, 4.0]);
    }

    #[test]
    fn a_write_leaves_the_tape_and_a_snapshot_their_value() {
        let mut w = Param::new([1.0, 2.0]);
        let old = w.snapshot();
        let tape = Tape::new();
        let leaf = w.on(&tape);
        w.value_mut().as_mut_slice()[0] = 9.0;
        assert_eq!(leaf.value().to_vec(), [1.0, 2.0]);
        assert_eq!(old.value().to_vec(), [1.0, 2.0]);
        assert_eq!(w.value().to_vec(), [9.0, 2.0]);
    }

    #[test]
    #[should_panic(expected = "changed after it was recorded")]
    fn recording_a_changed_value_again_is_refused() {
        let mut w = Param::new([1.0]);
        let tape = Tape::new();
        w.on(&tape);
        w.value_mut().as_mut_slice()[0] = 2.0;
        w.on(&tape);
    }

    #[test]
    fn an_unshared_value_is_written_in_place() {
        let mut w = Param::new([1.0, 2.0]);
        let before = w.value().as_slice().map(<[f64]>::as_ptr);
        w.value_mut().as_mut_slice()[1] = 5.0;
        assert_eq!(w.value().as_slice().map(<[f64]>::as_ptr), before);
    }
}
