//! The tape: every operation in the order it was recorded.
//!
//! Recording order is a topological order, so each sweep is one loop over a vector. A number is one small fixed
//! node ([`Node`]) with its partial derivatives beside it; a tensor is a node that points into a side table with
//! its operation, its operands and its value. Nothing here differentiates: that is `sweep`.

mod erased;
mod handle;
mod memory;
mod pieces;
mod rules;
mod store;

pub(crate) use erased::ErasedOp;
pub(crate) use handle::AnyHandle;
pub use handle::{Handle, HandleRef, Handles, Number, Scalar, Var};
pub use memory::Memory;
pub(crate) use pieces::MASK;
pub(crate) use rules::Rules;
pub(crate) use store::{Keep, Store};

use crate::algebra::{Binary, Element, Unary};
use crate::error::{self, Error};
use crate::op::Op;
use crate::ops::FromScalars;
use crate::shape::Shape;
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::cell::{Ref, RefCell};
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Index of a node on its tape. Node 0 stands for "a constant": it is nobody's result.
pub(crate) type Index = u32;

/// The operand that is not on the tape.
pub(crate) const CONSTANT: Index = 0;

/// The node is a leaf; its value stands in `partial[0]`.
pub(crate) const LEAF: u32 = u32::MAX;

/// The node is a tensor; `parent[0]` is its place in the side table.
pub(crate) const ARRAY: u32 = u32::MAX - 1;

/// The largest number of nodes: the numbers above are taken.
const LIMIT: usize = ARRAY as usize;

/// One recorded number: 32 bytes in `f64`.
///
/// The value is not kept: the reverse sweep needs partial derivatives only, and whoever needs values (higher
/// orders, views) has them computed again, once. An operand that is a constant has index 0, and its value takes
/// the place of the partial derivative that nobody needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<T> {
    pub(crate) partial: [T; 2],
    pub(crate) parent: [Index; 2],
    /// Which function of the parents: a place in [`Rules`], or `LEAF` or `ARRAY`.
    pub(crate) rule: u32,
}

/// One recorded tensor.
pub(crate) struct ArrayNode<T: Element> {
    pub(crate) value: Tensor<T>,
    pub(crate) node: Index,
    /// Range of `Graph::inputs`.
    first_input: u32,
    inputs: u32,
    /// Does it depend on a leaf that is differentiated?
    pub(crate) tracked: bool,
    /// Is it the result of an operation? Leaves and constants are not.
    pub(crate) computed: bool,
}

/// What a tape has recorded.
pub(crate) struct Graph<T: Element> {
    /// A number no other tape has, renewed by every reset.
    pub(crate) epoch: u64,
    pub(crate) nodes: Vec<Node<T>>,
    pub(crate) arrays: Vec<ArrayNode<T>>,
    /// Operations of `arrays`. They outlive a reset, so that the next step finds a place for its own.
    ops: Vec<Arc<dyn ErasedOp<T>>>,
    inputs: Vec<Index>,
    pub(crate) rules: Rules<T>,
    /// Values of the first nodes, computed when somebody asked.
    values: Vec<T>,
    /// Parameters by id, and the place of each in `arrays`.
    pub(crate) parameters: Arc<HashMap<u64, u32>>,
    parameters_before: Arc<HashMap<u64, u32>>,
    /// Names that nodes were given, for views.
    pub(crate) names: HashMap<Index, String>,
    /// Where each node was created, on a traced tape.
    sites: Option<Vec<&'static Location<'static>>>,
    /// Are leaves differentiated?
    recording: bool,
    /// The gradients handed out last; used again once their owner has dropped them.
    pub(crate) spare: Option<Arc<Store<T>>>,
}

impl<T: Element> Graph<T> {
    /// Operands of the tensor at `slot`.
    pub(crate) fn inputs(&self, slot: usize) -> &[Index] {
        let array = &self.arrays[slot];
        &self.inputs[array.first_input as usize..][..array.inputs as usize]
    }

    /// The operation of the tensor at `slot`, which is not a leaf.
    pub(crate) fn op(&self, slot: usize) -> &Arc<dyn ErasedOp<T>> {
        &self.ops[slot]
    }

    /// The place of a node in `arrays`, if it is a tensor.
    pub(crate) fn slot(&self, index: Index) -> Option<usize> {
        let node = &self.nodes[index as usize];
        (node.rule == ARRAY).then_some(node.parent[0] as usize)
    }

    /// Does the node depend on a leaf that is differentiated?
    pub(crate) fn tracked(&self, index: Index) -> bool {
        match self.slot(index) {
            Some(slot) => self.arrays[slot].tracked,
            None => index != CONSTANT,
        }
    }

    /// The tensor a node holds; for a number, which no kernel asks for, `number`.
    pub(crate) fn tensor<'a>(&'a self, index: Index, number: &'a Tensor<T>) -> &'a Tensor<T> {
        self.slot(index).map_or(number, |slot| &self.arrays[slot].value)
    }

    /// The name of the operation that made a node.
    pub(crate) fn name(&self, index: Index) -> &'static str {
        let node = &self.nodes[index as usize];
        match self.slot(index) {
            Some(slot) if self.arrays[slot].computed => self.ops[slot].name(),
            Some(slot) if !self.arrays[slot].tracked => "constant",
            Some(_) => "leaf",
            None if node.rule == LEAF => "leaf",
            None => self.rules.get(node.rule).name(),
        }
    }

    /// Where a node was created, on a traced tape.
    pub(crate) fn site(&self, index: Index) -> Option<&'static Location<'static>> {
        self.sites.as_ref()?.get(index as usize).copied()
    }

    /// Computes the values of the first `count` nodes that are not there yet.
    pub(crate) fn replay(&mut self, count: usize) -> &[T] {
        for i in self.values.len()..count {
            let node = self.nodes[i];
            let value = match node.rule {
                LEAF => node.partial[0],
                ARRAY => {
                    let value = &self.arrays[node.parent[0] as usize].value;
                    if value.rank() == 0 { value.item() } else { T::NAN }
                }
                rule => {
                    let [a, b] = self.operands(i);
                    self.rules.get(rule).eval(a, b)
                }
            };
            self.values.push(value);
        }
        &self.values
    }

    /// The value of a recorded number, once replayed.
    pub(crate) fn value(&self, index: Index) -> T {
        self.values[index as usize]
    }

    /// Values of the operands of a recorded number; those before it must have been computed.
    fn operands(&self, i: usize) -> [T; 2] {
        let node = &self.nodes[i];
        [0, 1].map(|k| match node.parent[k] {
            CONSTANT => node.partial[k],
            parent => self.values[parent as usize],
        })
    }

    #[inline(always)]
    #[track_caller]
    fn push(&mut self, node: Node<T>) -> Index {
        let index = self.nodes.len();
        if index == self.nodes.capacity() {
            self.grow();
        }
        self.nodes.push(node);
        if let Some(sites) = &mut self.sites {
            sites.push(Location::caller());
        }
        index as Index
    }

    /// Makes room for more nodes, as long as 32 bits can number them.
    #[cold]
    #[inline(never)]
    #[track_caller]
    fn grow(&mut self) {
        let room = LIMIT - self.nodes.len();
        if room == 0 {
            Error::Capacity { limit: LIMIT }.panic();
        }
        self.nodes.reserve_exact(self.nodes.len().max(64).min(room));
    }

    #[track_caller]
    fn push_array(&mut self, value: Tensor<T>, inputs: &[Index], tracked: bool, computed: bool) -> Index {
        let slot = self.arrays.len() as u32;
        let node = self.push(Node { partial: [T::ZERO; 2], parent: [slot, 0], rule: ARRAY });
        let first_input = self.inputs.len() as u32;
        self.inputs.extend_from_slice(inputs);
        let inputs = inputs.len() as u32;
        self.arrays.push(ArrayNode { value, node, first_input, inputs, tracked, computed });
        if self.ops.len() < self.arrays.len() {
            self.ops.push(Arc::new(FromScalars { shape: Shape::default() }));
        }
        node
    }

    /// Stores the operation of the tensor recorded last, in the place of an earlier one of its type if it can.
    fn store_op<O: Op<T>>(&mut self, op: O) {
        let place = &mut self.ops[self.arrays.len() - 1];
        match Arc::get_mut(place).and_then(|old| old.as_any_mut().downcast_mut::<O>()) {
            Some(old) => *old = op,
            None => *place = Arc::new(op),
        }
    }
}

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
    graph: RefCell<Graph<T>>,
}

/// Numbers for tapes and resets.
fn next_epoch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Tape<f64> {
    /// An empty tape of `f64`. (For `f32` there is [`Tape::single`]: so that the type of literals is known.)
    pub fn new() -> Tape<f64> {
        Tape::of()
    }

    /// An empty tape that remembers where each node was created, for error messages. Slower.
    pub fn traced() -> Tape<f64> {
        Tape::of().tracing()
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
    pub fn of() -> Tape<T> {
        let nobody = Node { partial: [T::ZERO; 2], parent: [CONSTANT; 2], rule: LEAF };
        let graph = Graph {
            epoch: next_epoch(),
            nodes: vec![nobody],
            arrays: Vec::new(),
            ops: Vec::new(),
            inputs: Vec::new(),
            rules: Rules::default(),
            values: Vec::new(),
            parameters: Arc::default(),
            parameters_before: Arc::default(),
            names: HashMap::new(),
            sites: None,
            recording: true,
            spare: None,
        };
        Tape { graph: RefCell::new(graph) }
    }

    /// The tape, from now on remembering where each node is created.
    pub fn tracing(mut self) -> Tape<T> {
        let graph = self.graph.get_mut();
        graph.sites = Some(vec![Location::caller(); graph.nodes.len()]);
        self
    }

    /// The tape for computing values only: leaves and parameters are constants, and no operation is recorded.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new().inference();
    /// let x = tape.var([1.0, 2.0]);
    /// let y = (x * x).sum();
    /// assert_eq!(y.value(), 5.0);
    /// assert_eq!(y.backward().wrt(x).to_vec(), [0.0, 0.0]);
    /// ```
    pub fn inference(mut self) -> Tape<T> {
        self.graph.get_mut().recording = false;
        self
    }

    /// Forgets everything recorded and keeps the memory, so that the next step allocates nothing.
    pub fn reset(&mut self) {
        let graph = self.graph.get_mut();
        graph.epoch = next_epoch();
        graph.nodes.truncate(1);
        graph.arrays.clear();
        graph.inputs.clear();
        graph.values.clear();
        graph.names.clear();
        // Gradients that are still alive share the map: then the one before it, which nobody holds any more, serves.
        if Arc::get_mut(&mut graph.parameters).is_none() {
            std::mem::swap(&mut graph.parameters, &mut graph.parameters_before);
        }
        Arc::make_mut(&mut graph.parameters).clear();
        if let Some(sites) = &mut graph.sites {
            sites.truncate(1);
        }
    }

    /// The number of nodes recorded.
    pub fn len(&self) -> usize {
        self.graph.borrow().nodes.len() - 1
    }

    /// Is nothing recorded?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number to differentiate with respect to.
    #[track_caller]
    #[inline]
    pub fn scalar(&self, value: T) -> Scalar<'_, T> {
        let node = Node { partial: [value, T::ZERO], parent: [CONSTANT; 2], rule: LEAF };
        let mut graph = self.graph.borrow_mut();
        let index = if graph.recording { graph.push(node) } else { CONSTANT };
        Scalar { tape: self, index, value }
    }

    /// A tensor to differentiate with respect to.
    #[track_caller]
    pub fn var(&self, value: impl Into<Tensor<T>>) -> Var<'_, T> {
        let mut graph = self.graph.borrow_mut();
        let tracked = graph.recording;
        let index = graph.push_array(value.into(), &[], tracked, false);
        Var { tape: self, index, literal: T::ZERO }
    }

    /// A tensor that is not differentiated.
    #[track_caller]
    pub fn constant(&self, value: impl Into<Tensor<T>>) -> Var<'_, T> {
        let index = self.graph.borrow_mut().push_array(value.into(), &[], false, false);
        Var { tape: self, index, literal: T::ZERO }
    }

    /// A number that is not differentiated; it takes no place on the tape.
    pub fn number(&self, value: T) -> Scalar<'_, T> {
        Scalar { tape: self, index: CONSTANT, value }
    }

    /// The parameter `id` with this value: a leaf, recorded once however often it is asked for, so that a
    /// parameter used twice accumulates into one gradient. See [`Gradients::of`](crate::Gradients::of).
    ///
    /// # Panics
    /// If the parameter was recorded with another buffer since the last reset.
    #[track_caller]
    pub fn parameter(&self, id: ParamId, value: &Tensor<T>) -> Var<'_, T> {
        let mut graph = self.graph.borrow_mut();
        let known = graph.parameters.get(&id.0).copied();
        let slot = match known {
            Some(slot) => slot as usize,
            None => {
                let slot = graph.arrays.len();
                let tracked = graph.recording;
                graph.push_array(value.clone(), &[], tracked, false);
                Arc::make_mut(&mut graph.parameters).insert(id.0, slot as u32);
                slot
            }
        };
        let array = &graph.arrays[slot];
        if !array.value.same_as(value) {
            Error::ChangedParameter { id: id.0 }.panic();
        }
        Var { tape: self, index: array.node, literal: T::ZERO }
    }

    /// Lets a leaf stand for the parameter `id`: whoever asks for the parameter, with the buffer of the leaf as its
    /// value, gets the leaf. So a model can be recorded with weights that come from elsewhere.
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
    /// If the leaf belongs to another tape or is no recorded tensor.
    #[track_caller]
    pub fn bind(&self, id: ParamId, leaf: Var<'_, T>) {
        error::expect(self.owns("bind", leaf.tape));
        let mut graph = self.graph.borrow_mut();
        let slot =
            graph.slot(leaf.index).filter(|&slot| leaf.index != CONSTANT && !graph.arrays[slot].computed);
        match slot {
            Some(slot) => Arc::make_mut(&mut graph.parameters).insert(id.0, slot as u32),
            None => {
                Error::Invalid { op: "bind", reason: "expected a leaf, found a result".to_string() }.panic()
            }
        };
    }

    /// Numbers side by side as a vector.
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
        self.record_numbers(x, Shape::from([x.len()]))
    }

    #[track_caller]
    pub(crate) fn record_numbers(&self, x: &[Scalar<'_, T>], shape: Shape) -> Var<'_, T> {
        for x in x {
            error::expect(self.owns("vector", x.tape));
        }
        let value = Tensor::build(shape.clone(), |out| {
            out.iter_mut().zip(x).for_each(|(out, x)| *out = x.value);
        });
        let inputs: SmallVec<[Index; 8]> = x.iter().map(|x| x.index).collect();
        let tracked = inputs.iter().any(|&i| self.graph.borrow().tracked(i));
        self.store(FromScalars { shape }, &inputs, value, tracked)
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

    /// Applies an operation and records it, or says why it cannot.
    ///
    /// # Errors
    /// What the operation's shape rule or kernel refuses; operands of another tape.
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

    /// Is `other` this tape?
    #[inline]
    pub(crate) fn owns(&self, op: &'static str, other: &Tape<T>) -> Result<(), Error> {
        if std::ptr::eq(self, other) {
            Ok(())
        } else {
            Err(Error::ForeignTape { op, tapes: [self.graph.borrow().epoch, other.graph.borrow().epoch] })
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn refuse(&self, op: &'static str, other: &Tape<T>) {
        error::expect(self.owns(op, other));
    }

    pub(crate) fn graph(&self) -> Ref<'_, Graph<T>> {
        self.graph.borrow()
    }

    pub(crate) fn graph_mut(&self) -> std::cell::RefMut<'_, Graph<T>> {
        self.graph.borrow_mut()
    }

    /// Records a function of one number.
    #[track_caller]
    #[inline(always)]
    fn record_unary<F: Unary>(&self, f: F, x: Index, value: T) -> Scalar<'_, T> {
        let y = f.eval(value);
        let partial = [f.slope(value, y), T::ZERO];
        let mut graph = self.graph.borrow_mut();
        let rule = graph.rules.unary(f);
        let index = graph.push(Node { partial, parent: [x, CONSTANT], rule });
        Scalar { tape: self, index, value: y }
    }

    /// Records a function of two numbers, at least one of which is on the tape.
    #[track_caller]
    #[inline(always)]
    fn record_binary<F: Binary>(&self, f: F, parent: [Index; 2], [a, b]: [T; 2]) -> Scalar<'_, T> {
        let y = f.eval(a, b);
        // A constant operand leaves its value where its partial derivative would stand.
        let da = if parent[0] == CONSTANT { a } else { f.slope_a(a, b, y) };
        let db = if parent[1] == CONSTANT { b } else { f.slope_b(a, b, y) };
        let mut graph = self.graph.borrow_mut();
        let rule = graph.rules.binary(f);
        let index = graph.push(Node { partial: [da, db], parent, rule });
        Scalar { tape: self, index, value: y }
    }

    /// Records a tensor operation; only its value if no operand is differentiated.
    #[track_caller]
    pub(crate) fn record<'t, O: Op<T>>(&'t self, op: O, x: &[&Var<'t, T>]) -> Result<Var<'t, T>, Error> {
        let mut inputs: SmallVec<[Index; 4]> = SmallVec::new();
        for x in x {
            self.owns(op.name(), x.tape)?;
            inputs.push(x.node());
        }
        let graph = self.graph.borrow();
        let (value, tracked) = {
            let number = Tensor::default();
            let operands: SmallVec<[&Tensor<T>; 4]> =
                inputs.iter().map(|&i| graph.tensor(i, &number)).collect();
            let shapes: SmallVec<[&Shape; 4]> = operands.iter().map(|x| x.shape()).collect();
            let value = op.shape(&shapes).and_then(|shape| {
                let value = op.try_eval(&operands)?;
                debug_assert_eq!(*value.shape(), shape, "{}: the kernel keeps the shape rule", op.name());
                Ok(value)
            });
            let tracked = |(k, &i): (usize, &Index)| graph.tracked(i) && op.differentiable(k);
            (value, inputs.iter().enumerate().any(tracked))
        };
        let value = value.map_err(|error| match inputs.iter().map(|&i| graph.site(i)).collect() {
            Some(operands) => Error::At { error: Box::new(error), operands },
            None => error,
        })?;
        drop(graph);
        Ok(self.store(op, &inputs, value, tracked))
    }

    /// Records an operation whose value is known already.
    #[track_caller]
    pub(crate) fn record_value<'t, O: Op<T>>(
        &'t self,
        op: O,
        x: &[Var<'t, T>],
        value: Tensor<T>,
    ) -> Var<'t, T> {
        let inputs: SmallVec<[Index; 4]> = x.iter().map(|x| x.node()).collect();
        let tracked = inputs.iter().any(|&i| self.graph.borrow().tracked(i));
        self.store(op, &inputs, value, tracked)
    }

    #[track_caller]
    fn store<O: Op<T>>(&self, op: O, inputs: &[Index], value: Tensor<T>, tracked: bool) -> Var<'_, T> {
        let mut graph = self.graph.borrow_mut();
        let index = graph.push_array(value, if tracked { inputs } else { &[] }, tracked, tracked);
        if tracked {
            graph.store_op(op);
        }
        Var { tape: self, index, literal: T::ZERO }
    }
}

/// The identity of a parameter across tapes: unique in the process.
///
/// ```
/// use tape::{ParamId, Tape, Tensor};
/// let (id, value) = (ParamId::new(), Tensor::from([2.0, 3.0]));
/// let tape = Tape::new();
/// let (first, second) = (tape.parameter(id, &value), tape.parameter(id, &value));
/// let grads = (first * second).sum().backward();
/// assert_eq!(grads.of(id), Tensor::from([4.0, 6.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamId(pub(crate) u64);

impl ParamId {
    /// An id that no other parameter has.
    #[allow(clippy::new_without_default, reason = "every id is a new one")]
    pub fn new() -> ParamId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        ParamId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The id as a number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<T: Element> std::fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let graph = self.graph.borrow();
        write!(f, "Tape<{}> {} with {} nodes", T::NAME, graph.epoch, graph.nodes.len() - 1)
    }
}
