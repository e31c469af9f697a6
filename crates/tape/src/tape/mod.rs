//! The tape: every operation in the order it was recorded.
//!
//! Recording order is a topological order, so each sweep is one loop over a vector. A scalar is one small
//! fixed-size node ([`Node`]) that includes its partial derivatives; a tensor is a node that points into a
//! side table with its operation, its operands and its value. Nothing here differentiates: that is `sweep`.

mod branches;
mod buffers;
mod detach;
mod erased;
mod handles;
mod nodes;
mod parameter;
mod record;
mod records;
mod replayed;
mod scalar;
mod scalar_fns;
mod sums;
mod var;

pub use branches::{MASK, branches, op_name};
pub(crate) use buffers::{GradientBuffers, Retain, zeros};
pub(crate) use erased::ErasedOp;
pub(crate) use handles::AnyHandle;
pub use handles::{Handle, Handles, ReadGradients};
pub(crate) use nodes::{BLOCK, CONSTANT, Input, LEAF, MUL_ADD, NOT_A_TENSOR, Node, NodeId, Nodes, TENSOR};
pub use parameter::ParamId;
pub(crate) use parameter::Parameters;
pub(crate) use records::{Records, TapeRef};
pub(crate) use replayed::ScalarStep;
pub use scalar::Scalar;
pub(crate) use scalar_fns::{ScalarFn, ScalarFns, Word};
pub(crate) use sums::RunningSums;
pub use var::Var;

use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::rules::op::Op;
use crate::shape::Shape;
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::cell::{RefCell, RefMut};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};

/// A list of recorded operations, scalar and tensor, in recording order.
///
/// Handles ([`Scalar`], [`Var`]) borrow the tape, so none can outlive it or a [`reset`](Tape::reset). Gradients
/// are returned, never stored: there is nothing to zero, and a second sweep gives the same result.
///
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let (x, y) = (tape.scalar(3.0), tape.scalar(4.0));
/// let z = x * y + x.sin();
/// let grads = z.backward();
/// assert_eq!(grads.wrt(x), 4.0 + 3f64.cos());
/// assert_eq!(grads.wrt(y), 3.0);
/// ```
pub struct Tape<T: Element = f64> {
    /// An id that no other tape has, renewed by every reset.
    pub(crate) epoch: u64,
    pub(crate) nodes: Nodes<T>,
    records: RefCell<Records<T>>,
    purpose: Purpose,
}

/// The purpose of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Purpose {
    /// Values, and what their derivatives need.
    Derivatives,
    /// Values only: leaves are constants.
    Values,
    /// The operations of a program: its inputs have no values yet.
    Program,
    /// Operations that are repeated on other values of the same shapes.
    Replay,
}

#[cold]
#[inline(never)]
fn without_values(op: &'static str) -> Error {
    let reason = "expected a program to be recorded without its values, which differ from lane to lane; decide with \
                  `if_gt`, `if_eq`, `maximum` or `abs`, and differentiate with `grad` or `pushforward`";
    Error::Invalid { op, reason: reason.to_string() }
}

/// The next id for a tape or a reset.
fn next_epoch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Tape<f64> {
    /// An empty tape of `f64`. (For `f32` use [`Tape::single`]; separate constructors fix the type of
    /// literals.)
    pub fn new() -> Tape<f64> {
        Tape::of()
    }
}

impl Tape<f32> {
    /// An empty tape of `f32`.
    pub fn single() -> Tape<f32> {
        Tape::of()
    }
}

impl Default for Tape<f64> {
    fn default() -> Tape<f64> {
        Tape::new()
    }
}

impl<T: Element> Tape<T> {
    /// An empty tape of any number type, for generic code.
    #[inline(never)]
    pub fn of() -> Tape<T> {
        let (nodes, records) = (Nodes::new(), RefCell::new(Records::new()));
        Tape { epoch: next_epoch(), nodes, records, purpose: Purpose::Derivatives }
    }

    /// A tape for the operations of a program; its inputs are [`input`](Tape::input)s.
    pub(crate) fn for_program() -> Tape<T> {
        Tape { purpose: Purpose::Program, ..Tape::of() }
    }

    /// Returns the tape, which from now on remembers the source location where each node is created.
    /// (`sum` and `product` of an iterator have that of the standard library, which calls them.)
    pub fn with_locations(mut self) -> Tape<T> {
        self.nodes.trace();
        self
    }

    /// Runs `f`, in which every recorded node gets this location, on a tape with locations. For code that records on behalf of
    /// a caller where `#[track_caller]` ends, at a call through `dyn` or in a closure; of nested calls the outermost counts.
    ///
    /// ```
    /// use std::panic::Location;
    /// use tape::Tape;
    /// let tape = Tape::new().with_locations();
    /// let here = Location::caller();
    /// let layers: [fn(tape::Scalar<'_>) -> tape::Scalar<'_>; 2] = [|x| x - 1.0, |x| x.ln()];
    /// let y = tape.at_location(here, || layers.iter().fold(tape.scalar(1.0), |x, layer| layer(x)));
    /// let found = y.find_nonfinite().forward.unwrap();
    /// assert_eq!((found.op, found.site), ("ln", Some(here)));
    /// ```
    pub fn at_location<V>(&self, site: &'static Location<'static>, f: impl FnOnce() -> V) -> V {
        self.nodes.located(site, f)
    }

    /// Returns the tape in inference mode, which computes values only: leaves and parameters are constants,
    /// and no operation is recorded. Derivatives on it are an error.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new().inference();
    /// let x = tape.var([1.0, 2.0]);
    /// let y = (x * x).sum();
    /// assert_eq!(y.value(), 5.0);
    /// let error = y.try_backward().unwrap_err();
    /// assert_eq!(error.to_string(), "backward: expected a tape that records derivatives, found one in inference mode");
    /// ```
    pub fn inference(mut self) -> Tape<T> {
        self.purpose = Purpose::Values;
        self
    }

    /// Forgets everything recorded and keeps the memory, so that the next step allocates nothing.
    #[inline(never)]
    pub fn reset(&mut self) {
        self.epoch = next_epoch();
        self.nodes.clear();
        self.records.get_mut().clear();
    }

    /// The number of nodes recorded.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Returns `true` if nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records a scalar to differentiate with respect to.
    #[track_caller]
    #[inline]
    pub fn scalar(&self, value: T) -> Scalar<'_, T> {
        let recorded = self.differentiates();
        let index = if recorded { self.nodes.push(Node::leaf(value)) } else { CONSTANT };
        Scalar { tape: self, index, value }
    }

    /// Records an input of a program: a scalar whose value is not known yet.
    #[track_caller]
    pub(crate) fn input(&self) -> Scalar<'_, T> {
        Scalar { tape: self, index: self.nodes.push(Node::leaf(T::NAN)), value: T::NAN }
    }

    /// Returns `true` if the operations of a program are recorded.
    #[inline]
    pub(crate) fn is_program(&self) -> bool {
        self.purpose == Purpose::Program
    }

    /// Checks that derivatives are recorded, which they are not in inference mode.
    #[inline]
    pub(crate) fn check_recorded(&self, op: &'static str) -> Result<(), Error> {
        if self.purpose != Purpose::Values {
            return Ok(());
        }
        let reason = "expected a tape that records derivatives, found one in inference mode".to_string();
        Err(Error::Invalid { op, reason })
    }

    /// Records a tensor to differentiate with respect to.
    #[track_caller]
    pub fn var(&self, value: impl Into<Tensor<T>>) -> Var<'_, T> {
        self.push_tensor(value.into(), &[], self.differentiates(), false)
    }

    /// Records a tensor that is not differentiated.
    #[track_caller]
    pub fn constant(&self, value: impl Into<Tensor<T>>) -> Var<'_, T> {
        self.push_tensor(value.into(), &[], false, false)
    }

    /// A scalar that is not differentiated; it takes no node on the tape.
    pub fn scalar_constant(&self, value: T) -> Scalar<'_, T> {
        Scalar { tape: self, index: CONSTANT, value }
    }

    /// The parameter `id` with this value: a leaf, recorded once however often it is requested, so that a
    /// parameter used twice accumulates into one gradient. See [`Gradients::of`](crate::Gradients::of).
    ///
    /// # Panics
    /// If the parameter was recorded with another buffer since the last reset.
    #[track_caller]
    #[inline(never)]
    pub fn parameter(&self, id: ParamId, value: &Tensor<T>) -> Var<'_, T> {
        let known = self.graph().parameters.get(id.0);
        let Some(slot) = known else {
            let leaf = self.push_tensor(value.clone(), &[], self.differentiates(), false);
            self.records_mut().parameters.set(id.0, leaf.slot);
            return leaf;
        };
        let graph = self.graph();
        let array = &graph.tensors[slot as usize];
        if !array.value.ptr_eq(value) {
            Error::ChangedParameter { id: id.0, shape: value.shape().dims() }.panic();
        }
        Var { tape: self, index: array.node, slot, literal: T::ZERO }
    }

    /// Gives the leaf of parameter `id` a name in views and reports, if the parameter is recorded. Constants with the buffer of
    /// `value` get the name too: a parameter that is not differentiated is recorded as one.
    ///
    /// ```
    /// use tape::{ParamId, Tape, Tensor};
    /// let (id, value) = (ParamId::new(), Tensor::from([2.0, f64::NAN]));
    /// let tape = Tape::new();
    /// let y = tape.parameter(id, &value).sum();
    /// tape.name_parameter(id, &value, "gain");
    /// assert_eq!(tape.view().named("gain").unwrap().op, "leaf");
    /// assert_eq!(y.find_nonfinite().forward.unwrap().to_string(), "leaf `gain`: value is NaN");
    /// ```
    pub fn name_parameter(&self, id: ParamId, value: &Tensor<T>, name: &str) {
        let mut records = self.records_mut();
        let Records { tensors, parameters, names, .. } = &mut *records;
        let leaf = parameters.get(id.0).map(|slot| tensors[slot as usize].node);
        let constants = tensors.iter().filter(|x| !x.tracked && !x.computed && x.value.ptr_eq(value));
        for node in leaf.into_iter().chain(constants.map(|x| x.node)) {
            names.insert(node, name.to_string());
        }
    }

    /// Binds parameter `id` to an existing leaf: [`parameter`](Tape::parameter) called with the same buffer
    /// returns that leaf. Use it to record a model with weights supplied from outside.
    ///
    /// ```
    /// use tape::{ParamId, Tape};
    /// let (id, tape) = (ParamId::new(), Tape::new());
    /// let w = tape.var([2.0, 3.0]);
    /// tape.bind(id, w);
    /// let loss = (tape.parameter(id, &w.value()) * w).sum();
    /// assert_eq!(loss.backward().wrt(w).to_vec(), [4.0, 6.0]);
    /// ```
    ///
    /// # Panics
    /// If the leaf belongs to another tape or is not a recorded tensor.
    #[track_caller]
    pub fn bind(&self, id: ParamId, leaf: Var<'_, T>) {
        error::expect(self.owns("bind", leaf.tape));
        let graph = self.graph();
        let slot =
            graph.slot(leaf.index).filter(|&slot| leaf.index != CONSTANT && !graph.tensors[slot].computed);
        drop(graph);
        match slot {
            Some(slot) => self.records_mut().parameters.set(id.0, slot as u32),
            None => {
                Error::Invalid { op: "bind", reason: "expected a leaf, found a result".to_string() }.panic()
            }
        }
    }

    /// The vector of some scalars.
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let (x, y) = (tape.scalar(2.0), tape.scalar(3.0));
    /// let v = tape.vector(&[x, y, x]);
    /// assert_eq!(v.value(), Tensor::from([2.0, 3.0, 2.0]));
    /// let loss = (v * v).sum();
    /// assert_eq!(loss.backward().wrt(x), 8.0);
    /// ```
    #[track_caller]
    pub fn vector(&self, x: &[Scalar<'_, T>]) -> Var<'_, T> {
        self.record_scalars(x, Shape::from([x.len()]))
    }

    /// Applies an operation and records it.
    ///
    /// # Panics
    /// With the operation's [`Error`] if it refuses the operands.
    #[track_caller]
    pub fn apply<'t, O: Op<T>>(&'t self, op: O, x: &[Var<'t, T>]) -> Var<'t, T> {
        let x: SmallVec<[&Var<'t, T>; 4]> = x.iter().collect();
        error::expect(self.record(op, &x))
    }

    /// As [`apply`](Tape::apply), but returns errors instead of panicking.
    ///
    /// # Errors
    /// If the operation's shape rule or kernel refuses the operands, or they belong to another tape.
    #[track_caller]
    pub fn try_apply<'t, O: Op<T>>(&'t self, op: O, x: &[Var<'t, T>]) -> Result<Var<'t, T>, Error> {
        let x: SmallVec<[&Var<'t, T>; 4]> = x.iter().collect();
        self.record(op, &x)
    }

    /// [`Concat`](crate::ops::Concat): tensors one after another along an axis.
    #[track_caller]
    pub fn concat<'t>(&'t self, x: &[Var<'t, T>], axis: isize) -> Var<'t, T> {
        self.apply(crate::ops::Concat { axis }, x)
    }

    /// [`Stack`](crate::ops::Stack): tensors side by side along a new axis.
    #[track_caller]
    pub fn stack<'t>(&'t self, x: &[Var<'t, T>], axis: isize) -> Var<'t, T> {
        self.apply(crate::ops::Stack { axis }, x)
    }

    /// Checks that `other` is this tape.
    #[inline]
    pub(crate) fn owns(&self, op: &'static str, other: &Tape<T>) -> Result<(), Error> {
        if std::ptr::eq(self, other) {
            Ok(())
        } else {
            Err(Error::ForeignTape { op, tapes: [self.epoch, other.epoch] })
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn refuse(&self, op: &'static str, other: &Tape<T>) {
        error::expect(self.owns(op, other));
    }

    #[inline]
    pub(crate) fn graph(&self) -> TapeRef<'_, T> {
        TapeRef { nodes: &self.nodes, records: self.records.borrow() }
    }

    pub(crate) fn records_mut(&self) -> RefMut<'_, Records<T>> {
        self.records.borrow_mut()
    }

    /// Computes the values of the first `count` nodes, which the tape does not keep.
    pub(crate) fn replay(&self, count: usize) {
        self.records_mut().replay(&self.nodes, count);
    }
}

impl<T: Element> std::fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tape<{}> {} with {} nodes", T::NAME, self.epoch, self.len())
    }
}
