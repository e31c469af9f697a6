//! [`Var`], the handle of a recorded tensor.

use super::detach::Detach;
use super::{CONSTANT, Input, NOT_A_TENSOR, NodeId, Scalar, Tape};
use crate::element::Constant;
use crate::error::{self, Error};
use crate::rules::algebra::{Arithmetic, Binary, ChainRule, Element, Test, Unary};
use crate::rules::elementwise::{Left, Map, Right, Select, Zip};
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::fmt;
use std::panic::Location;

/// A recorded tensor.
///
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let w = tape.var([[1.0, 2.0], [3.0, 4.0]]);
/// let x = tape.constant([[1.0], [-1.0]]);
/// let loss = (w.matmul(x).tanh() * 2.0).sum();
/// let grads = loss.backward();
/// let slope = 2.0 * (1.0 - 1f64.tanh().powi(2));
/// assert!((grads.wrt(w).get([1, 0]).unwrap() - slope).abs() < 1e-15);
/// ```
pub struct Var<'t, T: Element = f64> {
    pub(crate) tape: &'t Tape<T>,
    pub(crate) index: NodeId,
    /// Its slot in the side table.
    pub(crate) slot: u32,
    /// The value, if it is a constant of rank 0 that takes no node on the tape.
    pub(crate) literal: T,
}

impl<T: Element> Clone for Var<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element> Copy for Var<'_, T> {}

impl<'t, T: Element> Var<'t, T> {
    /// The value. Shares its buffer; free.
    #[track_caller]
    pub fn value(self) -> Tensor<T> {
        self.read("value")
    }

    /// Returns `true` if it depends on a leaf.
    pub(crate) fn is_tracked(self) -> bool {
        self.slot != NOT_A_TENSOR && self.tape.graph().tensors[self.slot as usize].tracked
    }

    /// The value; in the recording of a [`Replay`](crate::Replay), which refuses [`value`](Var::value), that of the example it
    /// is recorded with. For checks: a run does not repeat them.
    ///
    /// ```
    /// use tape::{Replay, Tensor};
    /// let x = Tensor::from([1.0, 2.0]);
    /// let root = Replay::new([&x], |_, [x]| {
    ///     assert!(x.example_value().iter().all(|&x| x >= 0.0), "expected no negative numbers");
    ///     x.sqrt().sum()
    /// });
    /// assert_eq!(root?.run(&[&Tensor::from([4.0, 9.0])])?[0].item(), 5.0);
    /// # Ok::<(), tape::Error>(())
    /// ```
    pub fn example_value(self) -> Tensor<T> {
        match self.slot {
            NOT_A_TENSOR => Tensor::scalar(self.literal),
            slot => self.tape.graph().tensors[slot as usize].value.clone(),
        }
    }

    /// The extents of the axes.
    pub fn shape(self) -> Shape {
        match self.slot {
            NOT_A_TENSOR => Shape::default(),
            slot => self.tape.graph().tensors[slot as usize].value.shape().clone(),
        }
    }

    /// The tape it is recorded on.
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// The same value as a constant, through which no derivative flows.
    #[track_caller]
    pub fn detach(self) -> Var<'t, T> {
        if self.tape.is_replayed() && self.is_tracked() {
            return self.record(Detach, &[&self]);
        }
        self.tape.constant(self.example_value())
    }

    /// The only element of a tensor of rank 0.
    ///
    /// # Panics
    /// If the rank is not 0.
    #[track_caller]
    pub fn item(self) -> Scalar<'t, T> {
        let number = |index, value| Scalar { tape: self.tape, index, value };
        if self.index == CONSTANT {
            return number(CONSTANT, self.literal);
        }
        let graph = self.tape.graph();
        let tensor = &graph.tensors[self.slot as usize];
        if tensor.value.rank() != 0 {
            Error::Rank { op: "item", expected: "rank 0", found: tensor.value.shape().dims() }.panic();
        }
        number(if tensor.tracked { self.index } else { CONSTANT }, tensor.value.item())
    }

    /// This tensor as an operand of something recorded at `site`; a constant of rank 0 gets a node.
    pub(crate) fn operand(&self, site: &'static Location<'static>) -> Input {
        if self.slot == NOT_A_TENSOR {
            let constant = || self.tape.constant(Tensor::scalar(self.literal));
            return self.tape.at_location(site, constant).operand(site);
        }
        Input { node: self.index, slot: self.slot }
    }

    pub(crate) fn is_literal(self) -> bool {
        self.index == CONSTANT
    }

    /// A constant of rank 0 on the same tape.
    pub(crate) fn number(self, value: T) -> Var<'t, T> {
        Var { tape: self.tape, index: CONSTANT, slot: NOT_A_TENSOR, literal: value }
    }

    #[track_caller]
    fn record<O: Op<T>>(self, op: O, x: &[&Var<'t, T>]) -> Var<'t, T> {
        error::expect(self.tape.record(op, x))
    }

    /// Applies an elementwise function, built in or user-defined.
    #[track_caller]
    pub fn map<F: Unary>(self, f: F) -> Var<'t, T> {
        if self.is_literal() {
            return self.number(f.eval(self.literal));
        }
        self.record(Map(f), &[&self])
    }

    /// Applies an elementwise function of two tensors, whose shapes broadcast, built in or user-defined.
    #[track_caller]
    pub fn zip<F: Binary>(self, other: Var<'t, T>, f: F) -> Var<'t, T> {
        error::expect(self.tape.owns(F::NAME, other.tape));
        match (self.is_literal(), other.is_literal()) {
            (true, true) => self.number(f.eval(self.literal, other.literal)),
            (true, false) => other.record(Map(Left { f, a: Constant::of(self.literal) }), &[&other]),
            (false, true) => self.record(Map(Right { f, b: Constant::of(other.literal) }), &[&self]),
            (false, false) => self.record(Zip(f), &[&self, &other]),
        }
    }
}

impl<'t, T: Element> Arithmetic for Var<'t, T> {
    fn lift(&self, c: impl Into<Constant>) -> Self {
        self.number(c.into().to())
    }

    #[track_caller]
    fn map<F: Unary>(self, f: F) -> Self {
        Var::map(self, f)
    }

    #[track_caller]
    fn zip<F: Binary>(self, other: Self, f: F) -> Self {
        Var::zip(self, other, f)
    }

    #[track_caller]
    fn if_gt(self, other: Self, then: Self, otherwise: Self) -> Self {
        self.record(Select(Test::Greater), &[&self, &other, &then, &otherwise])
    }

    #[track_caller]
    fn if_eq(self, other: Self, then: Self, otherwise: Self) -> Self {
        self.record(Select(Test::Equal), &[&self, &other, &then, &otherwise])
    }

    /// A slope that is the constant 1 records no node.
    #[track_caller]
    fn chain_rule(self, slope: Self) -> Self {
        error::expect(self.tape.owns("chain_rule", slope.tape));
        match slope.is_literal() && slope.literal == T::ONE {
            true => self,
            false => self.zip(slope, ChainRule),
        }
    }
}

impl<'t, T: Element> Array<T> for Var<'t, T> {
    fn shape(&self) -> Shape {
        Var::shape(*self)
    }

    #[track_caller]
    fn apply<O: Op<T>>(op: O, x: &[&Self]) -> Self {
        match x.first() {
            Some(first) => first.record(op, x),
            None => Error::Operands { op: op.name(), expected: "one operand or more", found: 0 }.panic(),
        }
    }

    #[track_caller]
    fn constant(&self, value: Tensor<T>) -> Self {
        self.tape.constant(value)
    }

    #[track_caller]
    fn chain_unary<F: Unary>(self, f: F, x: &Self, y: &Self) -> Self {
        self.chain_rule(f.slope(*x, *y))
    }

    #[track_caller]
    fn chain_binary<F: Binary>(self, f: F, k: usize, a: &Self, b: &Self, y: &Self) -> Self {
        self.chain_rule(if k == 0 { f.slope_a(*a, *b, *y) } else { f.slope_b(*a, *b, *y) })
    }
}

impl<T: Element> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            CONSTANT => write!(f, "constant {}", self.literal),
            index => write!(f, "#{index} {} {:?}", self.tape.graph().name(index), self.example_value()),
        }
    }
}

/// The value, as a tensor is printed.
impl<T: Element> fmt::Display for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.example_value(), f)
    }
}
