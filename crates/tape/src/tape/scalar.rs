//! [`Scalar`], the handle of a recorded scalar.

use super::{CONSTANT, NOT_A_TENSOR, NodeId, Tape, Var};
use crate::element::Constant;
use crate::error;
use crate::rules::algebra::{Arithmetic, Binary, ChainRule, Element, Test, Unary};
use crate::shape::Shape;
use std::cmp::Ordering;
use std::fmt;

/// A recorded scalar.
///
/// Arithmetic and functions record one small node each; a constant takes no node. Only a `Scalar` has
/// [`backward`](Scalar::backward): differentiating a tensor with more than one element does not compile.
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

impl<T: Element> Clone for Scalar<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Element> Copy for Scalar<'_, T> {}

impl<'t, T: Element> Scalar<'t, T> {
    /// The value.
    ///
    /// # Panics
    /// While a [`Program`](crate::Program) is recorded, whose inputs have no values yet.
    #[track_caller]
    #[inline]
    pub fn value(self) -> T {
        if !self.is_constant() {
            error::expect(self.tape.check_values("value"));
        }
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

    /// The same value as a constant, through which no derivative flows.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(3.0);
    /// assert_eq!((x.detach() * x).backward().wrt(x), 3.0);
    /// ```
    pub fn detach(self) -> Scalar<'t, T> {
        match self.is_constant() || !self.tape.is_replayed() {
            true => self.number(self.value),
            false => self.to_var().detach().item(),
        }
    }

    /// The scalar as a tensor of rank 0.
    #[track_caller]
    pub fn to_var(self) -> Var<'t, T> {
        if self.is_constant() {
            return Var { tape: self.tape, index: CONSTANT, slot: NOT_A_TENSOR, literal: self.value };
        }
        if let Some(slot) = self.tape.graph().slot(self.index) {
            return Var { tape: self.tape, index: self.index, slot: slot as u32, literal: T::ZERO };
        }
        self.tape.record_scalars(&[self], Shape::default())
    }

    /// Checks that other scalars are on the same tape.
    #[track_caller]
    #[inline]
    pub(super) fn beside<const N: usize>(self, op: &'static str, others: [Scalar<'t, T>; N]) {
        for other in others {
            if !std::ptr::eq(self.tape, other.tape) {
                self.tape.refuse(op, other.tape);
            }
        }
    }

    /// `then` where the test of this scalar and `other` holds, else `otherwise`: decided now, except in a program, which
    /// decides when it runs.
    #[track_caller]
    #[inline]
    pub(crate) fn choose(self, test: Test, other: Self, then: Self, otherwise: Self) -> Self {
        self.beside(test.name(), [other, then, otherwise]);
        if self.tape.is_program() && !(self.is_constant() && other.is_constant()) {
            return self.tape.record_choice(test, [self, other], [then, otherwise]);
        }
        if self.tape.is_replayed() && !(self.is_constant() && other.is_constant()) {
            let reason = "a choice between scalars, made once; choose between tensors, with `if_gt` of `Var`";
            self.tape.refuse_replay(test.name(), reason);
        }
        if test.holds(self.value, other.value) { then } else { otherwise }
    }

    /// Applies an elementwise function, built in or user-defined.
    #[track_caller]
    #[inline(always)]
    pub fn map<F: Unary>(self, f: F) -> Scalar<'t, T> {
        if self.is_constant() {
            return self.number(f.eval(self.value));
        }
        self.tape.record_unary(f, self.index, self.value)
    }

    /// Applies an elementwise function of two scalars, built in or user-defined.
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

impl<'t, T: Element> Arithmetic for Scalar<'t, T> {
    #[inline]
    fn lift(&self, c: impl Into<Constant>) -> Self {
        self.number(c.into().to())
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

    /// Records one node if `b` is the node recorded last: see [`Scalar::mul_add`].
    #[track_caller]
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self.tape.record_mul_add(self, a, b)
    }

    #[track_caller]
    fn if_gt(self, other: Self, then: Self, otherwise: Self) -> Self {
        self.choose(Test::Greater, other, then, otherwise)
    }

    #[track_caller]
    fn if_eq(self, other: Self, then: Self, otherwise: Self) -> Self {
        self.choose(Test::Equal, other, then, otherwise)
    }

    /// A factor that is the constant 1 records no node.
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

impl<T: Element> fmt::Debug for Scalar<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            CONSTANT => write!(f, "constant {}", self.value),
            index => write!(f, "#{index} {} {}", self.tape.graph().name(index), self.value),
        }
    }
}

/// The value, with the options of its number type: `{:.3}`. A scalar of a program, which has none, is its operation.
impl<T: Element> fmt::Display for Scalar<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_constant() || !self.tape.is_program() {
            return fmt::Display::fmt(&self.value, f);
        }
        fmt::Debug::fmt(self, f)
    }
}

/// Compares the values.
impl<T: Element> PartialEq for Scalar<'_, T> {
    #[track_caller]
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

/// Compares the values.
impl<T: Element> PartialOrd for Scalar<'_, T> {
    #[track_caller]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value().partial_cmp(&other.value())
    }

    // The default methods would call the one above: errors should name the line of the operator.
    #[track_caller]
    fn lt(&self, other: &Self) -> bool {
        self.value() < other.value()
    }

    #[track_caller]
    fn le(&self, other: &Self) -> bool {
        self.value() <= other.value()
    }

    #[track_caller]
    fn gt(&self, other: &Self) -> bool {
        self.value() > other.value()
    }

    #[track_caller]
    fn ge(&self, other: &Self) -> bool {
        self.value() >= other.value()
    }
}
