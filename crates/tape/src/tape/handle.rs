//! The two handles: a recorded number and a recorded tensor.

use super::{CONSTANT, Input, NOT_A_TENSOR, NodeId, Tape};
use crate::error::{self, Error};
use crate::rules::algebra::{Algebra, Binary, ChainRule, Element, Unary};
use crate::rules::elementwise::{Left, Map, Right, Select, Test, Zip};
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::fmt;

/// A recorded number.
///
/// Arithmetic and functions record one small node each; a constant takes no node. Only a `Scalar` has
/// [`backward`](Scalar::backward): the gradient of something that is not a number does not compile.
///
/// ```
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(2.0);
/// let y = 1.0 / x + x.powi(3);
/// assert_eq!(y.value(), 8.5);
/// assert_eq!(y.backward().wrt(x), 11.75);
/// ```
pub struct Scalar<'t, T: Element = f64> {
    pub(crate) tape: &'t Tape<T>,
    pub(crate) index: NodeId,
    pub(crate) value: T,
}

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
    /// Its place in the side table.
    pub(crate) slot: u32,
    /// The value, if it is a constant number that takes no place on the tape.
    pub(crate) literal: T,
}

impl<T: Element> Clone for Scalar<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element> Copy for Scalar<'_, T> {}

impl<T: Element> Clone for Var<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element> Copy for Var<'_, T> {}

impl<'t, T: Element> Scalar<'t, T> {
    /// The number.
    #[inline]
    pub fn value(self) -> T {
        self.value
    }

    /// The tape it is recorded on.
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// A constant on the same tape.
    #[inline]
    pub(crate) fn number(self, value: T) -> Scalar<'t, T> {
        Scalar { tape: self.tape, index: CONSTANT, value }
    }

    #[inline]
    pub(crate) fn is_constant(self) -> bool {
        self.index == CONSTANT
    }

    /// The same number, through which no derivative flows.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(3.0);
    /// assert_eq!((x.detach() * x).backward().wrt(x), 3.0);
    /// ```
    pub fn detach(self) -> Scalar<'t, T> {
        self.number(self.value)
    }

    /// The number as a tensor of rank 0.
    #[track_caller]
    pub fn to_var(self) -> Var<'t, T> {
        if self.is_constant() {
            return Var { tape: self.tape, index: CONSTANT, slot: NOT_A_TENSOR, literal: self.value };
        }
        if let Some(slot) = self.tape.graph().slot(self.index) {
            return Var { tape: self.tape, index: self.index, slot: slot as u32, literal: T::ZERO };
        }
        self.tape.record_numbers(&[self], Shape::default())
    }

    /// Checks that other numbers are of the same tape.
    #[track_caller]
    #[inline]
    pub(super) fn beside<const N: usize>(self, op: &'static str, others: [Scalar<'t, T>; N]) {
        for other in others {
            if !std::ptr::eq(self.tape, other.tape) {
                self.tape.refuse(op, other.tape);
            }
        }
    }

    /// An elementwise function: one of ours or your own.
    #[track_caller]
    #[inline(always)]
    pub fn map<F: Unary>(self, f: F) -> Scalar<'t, T> {
        if self.is_constant() {
            return self.number(f.eval(self.value));
        }
        self.tape.record_unary(f, self.index, self.value)
    }

    /// An elementwise function of two numbers: one of ours or your own.
    #[track_caller]
    #[inline(always)]
    pub fn zip<F: Binary>(self, other: Scalar<'t, T>, f: F) -> Scalar<'t, T> {
        self.beside(F::NAME, [other]);
        if self.is_constant() && other.is_constant() {
            return self.number(f.eval(self.value, other.value));
        }
        self.tape.record_binary(f, [self.index, other.index], [self.value, other.value])
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// The tensor. Shares its buffer; free.
    pub fn value(self) -> Tensor<T> {
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

    /// The same tensor, through which no derivative flows.
    #[track_caller]
    pub fn detach(self) -> Var<'t, T> {
        self.tape.constant(self.value())
    }

    /// The only element, of a tensor of rank 0.
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
        let array = &graph.tensors[self.slot as usize];
        if array.value.rank() != 0 {
            Error::Rank { op: "item", expected: "rank 0", found: array.value.shape().dims() }.panic();
        }
        number(if array.tracked { self.index } else { CONSTANT }, array.value.item())
    }

    /// This tensor as an operand; a constant number gets a node.
    #[track_caller]
    pub(crate) fn operand(&self) -> Input {
        if self.slot == NOT_A_TENSOR {
            return self.tape.constant(Tensor::scalar(self.literal)).operand();
        }
        Input { node: self.index, slot: self.slot }
    }

    pub(crate) fn is_literal(self) -> bool {
        self.index == CONSTANT
    }

    /// A constant number on the same tape.
    pub(crate) fn number(self, value: T) -> Var<'t, T> {
        Var { tape: self.tape, index: CONSTANT, slot: NOT_A_TENSOR, literal: value }
    }

    #[track_caller]
    fn record<O: Op<T>>(self, op: O, x: &[&Var<'t, T>]) -> Var<'t, T> {
        error::expect(self.tape.record(op, x))
    }

    /// An elementwise function: one of ours or your own.
    #[track_caller]
    pub fn map<F: Unary>(self, f: F) -> Var<'t, T> {
        if self.is_literal() {
            return self.number(f.eval(self.literal));
        }
        self.record(Map(f), &[&self])
    }

    /// An elementwise function of two tensors, whose shapes broadcast: one of ours or your own.
    #[track_caller]
    pub fn zip<F: Binary>(self, other: Var<'t, T>, f: F) -> Var<'t, T> {
        error::expect(self.tape.owns(F::NAME, other.tape));
        match (self.is_literal(), other.is_literal()) {
            (true, true) => self.number(f.eval(self.literal, other.literal)),
            (true, false) => other.record(Map(Left { f, a: self.literal.to_f64() }), &[&other]),
            (false, true) => self.record(Map(Right { f, b: other.literal.to_f64() }), &[&self]),
            (false, false) => self.record(Zip(f), &[&self, &other]),
        }
    }
}

impl<'t, T: Element> Algebra for Scalar<'t, T> {
    #[inline]
    fn lift(&self, c: f64) -> Self {
        self.number(T::from_f64(c))
    }

    #[track_caller]
    #[inline]
    fn map<F: Unary>(self, f: F) -> Self {
        Scalar::map(self, f)
    }

    #[track_caller]
    #[inline]
    fn zip<F: Binary>(self, other: Self, f: F) -> Self {
        Scalar::zip(self, other, f)
    }

    /// One node where `b` is the node recorded last: see [`Scalar::mul_add`].
    #[track_caller]
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self.tape.record_mul_add(self, a, b)
    }

    #[track_caller]
    fn if_gt(self, other: Self, then: Self, otherwise: Self) -> Self {
        self.beside("if_gt", [other, then, otherwise]);
        if self.value > other.value { then } else { otherwise }
    }

    #[track_caller]
    fn if_eq(self, other: Self, then: Self, otherwise: Self) -> Self {
        self.beside("if_eq", [other, then, otherwise]);
        if self.value == other.value { then } else { otherwise }
    }

    /// A factor that is the constant 1 leaves no node.
    #[track_caller]
    fn chain_rule(self, slope: Self) -> Self {
        self.beside("chain_rule", [slope]);
        match (self.is_constant(), slope.is_constant()) {
            (_, true) if slope.value == T::ONE => self,
            (true, _) if self.value == T::ONE => slope,
            _ => self.zip(slope, ChainRule),
        }
    }
}

impl<'t, T: Element> Algebra for Var<'t, T> {
    fn lift(&self, c: f64) -> Self {
        self.number(T::from_f64(c))
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

    /// A slope that is the constant 1 leaves no node.
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
}

/// Either handle.
#[derive(Clone, Copy)]
pub(crate) enum AnyHandle<'t, T: Element> {
    Scalar(Scalar<'t, T>),
    Var(Var<'t, T>),
}

impl<'t, T: Element> AnyHandle<'t, T> {
    /// A tensor of rank 0 as a number, which is how sweeps carry it.
    #[track_caller]
    pub(crate) fn new(x: Var<'t, T>) -> AnyHandle<'t, T> {
        if x.shape().rank() == 0 { AnyHandle::Scalar(x.item()) } else { AnyHandle::Var(x) }
    }

    pub(crate) fn shape(self) -> Shape {
        match self {
            AnyHandle::Scalar(_) => Shape::default(),
            AnyHandle::Var(x) => x.shape(),
        }
    }

    /// The handle as sweeps carry it: whatever is of rank 0 as a number.
    #[track_caller]
    pub(crate) fn carried(self) -> AnyHandle<'t, T> {
        match self {
            AnyHandle::Scalar(_) => self,
            AnyHandle::Var(x) => AnyHandle::new(x),
        }
    }

    pub(crate) fn index(self) -> NodeId {
        match self {
            AnyHandle::Scalar(x) => x.index,
            AnyHandle::Var(x) => x.index,
        }
    }

    pub(crate) fn tape(self) -> &'t Tape<T> {
        match self {
            AnyHandle::Scalar(x) => x.tape,
            AnyHandle::Var(x) => x.tape,
        }
    }

    #[track_caller]
    pub(crate) fn to_var(self) -> Var<'t, T> {
        match self {
            AnyHandle::Scalar(x) => x.to_var(),
            AnyHandle::Var(x) => x,
        }
    }

    /// The sum of two contributions to one node.
    #[track_caller]
    pub(crate) fn plus(self, other: AnyHandle<'t, T>) -> AnyHandle<'t, T> {
        match (self, other) {
            (AnyHandle::Scalar(a), AnyHandle::Scalar(b)) => AnyHandle::Scalar(a + b),
            (a, b) => AnyHandle::Var(a.to_var() + b.to_var()),
        }
    }
}

/// Finds what belongs to one handle of a group.
#[doc(hidden)]
pub trait ReadGradients<'t, T: Element> {
    fn number(&mut self, x: Scalar<'t, T>) -> Result<T, Error>;
    fn tensor(&mut self, x: Var<'t, T>) -> Result<Tensor<T>, Error>;
}

/// One or several handles: a [`Scalar`], a [`Var`], an array, a vector or a tuple of them.
///
/// What is asked with handles is answered in the same form: `loss.grad([x, y])` returns two handles.
pub trait Handle<'t, T: Element>: Sized {
    /// What a gradient with respect to it is: a number, a tensor, or several.
    type Value;

    #[doc(hidden)]
    fn gather(&self, to: &mut Handles<'t, T>);
    #[doc(hidden)]
    fn rebuild(&self, from: &mut Handles<'t, T>) -> Self;
    #[doc(hidden)]
    fn scatter(values: &Self::Value, to: &mut Vec<Tensor<T>>);
    #[doc(hidden)]
    fn values<L: ReadGradients<'t, T>>(&self, of: &mut L) -> Result<Self::Value, Error>;
}

/// Handles on their way through a transformation, in order.
#[doc(hidden)]
#[derive(Default)]
pub struct Handles<'t, T: Element>(pub(crate) SmallVec<[AnyHandle<'t, T>; 4]>, pub(crate) usize);

impl<'t, T: Element> Handles<'t, T> {
    pub(crate) fn new() -> Self {
        Handles(SmallVec::new(), 0)
    }

    fn next(&mut self) -> AnyHandle<'t, T> {
        self.1 += 1;
        self.0[self.1 - 1]
    }
}

impl<'t, T: Element> Handle<'t, T> for Scalar<'t, T> {
    type Value = T;
    fn gather(&self, to: &mut Handles<'t, T>) {
        to.0.push(AnyHandle::Scalar(*self));
    }
    fn rebuild(&self, from: &mut Handles<'t, T>) -> Self {
        match from.next() {
            AnyHandle::Scalar(x) => x,
            AnyHandle::Var(x) => x.item(),
        }
    }
    fn scatter(values: &T, to: &mut Vec<Tensor<T>>) {
        to.push(Tensor::scalar(*values));
    }
    #[inline]
    fn values<L: ReadGradients<'t, T>>(&self, of: &mut L) -> Result<T, Error> {
        of.number(*self)
    }
}

impl<'t, T: Element> Handle<'t, T> for Var<'t, T> {
    type Value = Tensor<T>;
    fn gather(&self, to: &mut Handles<'t, T>) {
        to.0.push(AnyHandle::Var(*self));
    }
    fn rebuild(&self, from: &mut Handles<'t, T>) -> Self {
        match from.next() {
            AnyHandle::Scalar(x) => x.to_var(),
            AnyHandle::Var(x) => x,
        }
    }
    fn scatter(values: &Tensor<T>, to: &mut Vec<Tensor<T>>) {
        to.push(values.clone());
    }
    fn values<L: ReadGradients<'t, T>>(&self, of: &mut L) -> Result<Tensor<T>, Error> {
        of.tensor(*self)
    }
}

impl<'t, T: Element, H: Handle<'t, T>, const N: usize> Handle<'t, T> for [H; N] {
    type Value = [H::Value; N];
    fn gather(&self, to: &mut Handles<'t, T>) {
        self.iter().for_each(|x| x.gather(to));
    }
    fn rebuild(&self, from: &mut Handles<'t, T>) -> Self {
        self.each_ref().map(|x| x.rebuild(from))
    }
    fn scatter(values: &Self::Value, to: &mut Vec<Tensor<T>>) {
        values.iter().for_each(|x| H::scatter(x, to));
    }
    fn values<L: ReadGradients<'t, T>>(&self, of: &mut L) -> Result<Self::Value, Error> {
        let values = self.iter().map(|x| x.values(of)).collect::<Result<Vec<_>, _>>()?;
        match values.try_into() {
            Ok(values) => Ok(values),
            Err(_) => unreachable!("as many values as handles"),
        }
    }
}

impl<'t, T: Element, H: Handle<'t, T>> Handle<'t, T> for Vec<H> {
    type Value = Vec<H::Value>;
    fn gather(&self, to: &mut Handles<'t, T>) {
        self.iter().for_each(|x| x.gather(to));
    }
    fn rebuild(&self, from: &mut Handles<'t, T>) -> Self {
        self.iter().map(|x| x.rebuild(from)).collect()
    }
    fn scatter(values: &Self::Value, to: &mut Vec<Tensor<T>>) {
        values.iter().for_each(|x| H::scatter(x, to));
    }
    fn values<L: ReadGradients<'t, T>>(&self, of: &mut L) -> Result<Self::Value, Error> {
        self.iter().map(|x| x.values(of)).collect()
    }
}

macro_rules! tuples {
    ($($name:ident $at:tt),*) => {
        impl<'t, T: Element, $($name: Handle<'t, T>),*> Handle<'t, T> for ($($name,)*) {
            type Value = ($($name::Value,)*);
            fn gather(&self, to: &mut Handles<'t, T>) {
                $(self.$at.gather(to);)*
            }
            fn rebuild(&self, from: &mut Handles<'t, T>) -> Self {
                ($(self.$at.rebuild(from),)*)
            }
            fn scatter(values: &Self::Value, to: &mut Vec<Tensor<T>>) {
                $($name::scatter(&values.$at, to);)*
            }
            fn values<L: ReadGradients<'t, T>>(&self, of: &mut L) -> Result<Self::Value, Error> {
                Ok(($(self.$at.values(of)?,)*))
            }
        }
    };
}

tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);

impl<T: Element> fmt::Debug for Scalar<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            CONSTANT => write!(f, "constant {}", self.value),
            index => write!(f, "#{index} {} {}", self.tape.graph().name(index), self.value),
        }
    }
}

impl<T: Element> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            CONSTANT => write!(f, "constant {}", self.literal),
            index => write!(f, "#{index} {} {:?}", self.tape.graph().name(index), self.value()),
        }
    }
}

/// Compares the values.
impl<T: Element> PartialEq for Scalar<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Compares the values.
impl<T: Element> PartialOrd for Scalar<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&other.value)
    }
}
