//! The registered operations as data: for the table in the documentation and for the tests.
//!
//! The registry is made from the three lists in `ops`, so an operation cannot be registered without what is
//! asked of it here: a [`Card`], and points or cases to test it at.

mod compositions;

use crate::algebra::{Algebra, Binary, Element, Unary};
use crate::op::{Array, Op};
use crate::ops::card::{Card, Cases, Pairs, Points};
use crate::ops::{self, for_each_array_op, for_each_binary, for_each_unary};
use crate::shape::Shape;
use crate::tape::{Scalar, Var};
use crate::tensor::Tensor;
use std::fmt::{self, Debug};

/// One registered operation.
#[derive(Debug)]
pub struct Entry {
    /// The name: of its file, and of its method where it has one.
    pub name: &'static str,
    /// Its row in the table of operations.
    pub card: Card,
    /// The types that implement it: an operation on tensors often has its adjoint beside it.
    pub types: &'static [&'static str],
    /// What it works on, and where to test it.
    pub kind: Kind,
}

/// What an operation works on, and where to test it.
#[derive(Debug)]
pub enum Kind {
    /// A function of one number; with parameters, one for each choice of them.
    Unary(Vec<(Box<dyn Function>, Points)>),
    /// A function of two numbers.
    Binary(Box<dyn Function>, Pairs),
    /// An operation on tensors.
    Array(Vec<Case>),
    /// A function on tensors that is made of operations.
    Composition(Vec<Case>),
}

/// An operation on tensors together with operands to test it on.
#[derive(Debug)]
pub struct Case {
    /// The operation.
    pub op: Box<dyn Operation>,
    /// The operands.
    pub operands: Vec<Input>,
}

/// What an operand of a test is made from.
#[derive(Clone, Debug)]
pub enum Input {
    /// Random numbers of this shape.
    Shape(Shape),
    /// These numbers.
    Values(Tensor<f64>),
}

/// An operation on tensors of one number type, without its own type.
pub trait Apply<T: Element>: Debug {
    /// The value.
    fn compute(&self, x: &[&Tensor<T>]) -> Tensor<T>;
    /// The value, recorded.
    fn record<'t>(&self, x: &[Var<'t, T>]) -> Var<'t, T>;
}

/// A function of one or two numbers of one type, without its own type.
pub trait Evaluate<T: Element>: Apply<T> {
    /// The value on plain numbers.
    fn number(&self, x: &[T]) -> T;
    /// The derivatives on plain numbers, one for each operand.
    fn slopes(&self, x: &[T]) -> Vec<T>;
    /// The value on recorded numbers.
    fn scalar<'t>(&self, x: &[Scalar<'t, T>]) -> Scalar<'t, T>;
}

/// An operation on tensors of either number type, without its own type.
pub trait Operation: Apply<f64> + Apply<f32> {}

impl<O: Apply<f64> + Apply<f32>> Operation for O {}

/// A function of one or two numbers of either type, without its own type.
pub trait Function: Operation + Evaluate<f64> + Evaluate<f32> {}

impl<F: Evaluate<f64> + Evaluate<f32>> Function for F {}

struct One<F>(F);

struct Two<F>(F);

struct Whole<O>(O);

macro_rules! shown_as_their_content {
    ($($wrapper:ident)*) => {$(
        impl<F: Debug> Debug for $wrapper<F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

shown_as_their_content!(One Two Whole);

impl<T: Element, F: Unary> Apply<T> for One<F> {
    fn compute(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        x[0].clone().map(self.0)
    }
    fn record<'t>(&self, x: &[Var<'t, T>]) -> Var<'t, T> {
        x[0].map(self.0)
    }
}

impl<T: Element, F: Unary> Evaluate<T> for One<F> {
    fn number(&self, x: &[T]) -> T {
        self.0.eval(x[0])
    }
    fn slopes(&self, x: &[T]) -> Vec<T> {
        vec![self.0.slope(x[0], self.0.eval(x[0]))]
    }
    fn scalar<'t>(&self, x: &[Scalar<'t, T>]) -> Scalar<'t, T> {
        x[0].map(self.0)
    }
}

impl<T: Element, F: Binary> Apply<T> for Two<F> {
    fn compute(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        x[0].clone().zip(x[1].clone(), self.0)
    }
    fn record<'t>(&self, x: &[Var<'t, T>]) -> Var<'t, T> {
        x[0].zip(x[1], self.0)
    }
}

impl<T: Element, F: Binary> Evaluate<T> for Two<F> {
    fn number(&self, x: &[T]) -> T {
        self.0.eval(x[0], x[1])
    }
    fn slopes(&self, x: &[T]) -> Vec<T> {
        let (a, b, y) = (x[0], x[1], self.0.eval(x[0], x[1]));
        vec![self.0.slope_a(a, b, y), self.0.slope_b(a, b, y)]
    }
    fn scalar<'t>(&self, x: &[Scalar<'t, T>]) -> Scalar<'t, T> {
        x[0].zip(x[1], self.0)
    }
}

impl<T: Element, O: Op<T> + Clone> Apply<T> for Whole<O> {
    fn compute(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        Tensor::apply(self.0.clone(), x)
    }
    fn record<'t>(&self, x: &[Var<'t, T>]) -> Var<'t, T> {
        let x: Vec<&Var<'t, T>> = x.iter().collect();
        Var::apply(self.0.clone(), &x)
    }
}

/// Collects the cases of one file.
impl Cases for Vec<Case> {
    fn case<O: Op<f64> + Op<f32> + Clone>(&mut self, op: O, shapes: &[&[usize]]) {
        let operands = shapes.iter().map(|&shape| Input::Shape(shape.into())).collect();
        self.push(Case { op: Box::new(Whole(op)), operands });
    }

    fn values<O: Op<f64> + Op<f32> + Clone>(&mut self, op: O, values: &[Tensor<f64>]) {
        let operands = values.iter().cloned().map(Input::Values).collect();
        self.push(Case { op: Box::new(Whole(op)), operands });
    }
}

/// A function without parameters is tested at its `POINTS`; one with parameters at its `EXAMPLES`, pairs of
/// the function with some parameters and the points for these.
macro_rules! examples {
    ($name:ident $op:ident) => {
        vec![(Box::new(One(ops::$op)), ops::$name::POINTS)]
    };
    ($name:ident $op:ident $($arg:ident)+) => {
        ops::$name::EXAMPLES
            .iter()
            .map(|&(f, points)| (Box::new(One(f)) as Box<dyn Function>, points))
            .collect()
    };
}

macro_rules! unary_entries {
    ($($name:ident $(($($arg:ident: $ty:ty),*))? => $op:ident $({ $($field:ident),* })?;)*) => {
        vec![$(Entry {
            name: stringify!($name),
            card: ops::$name::CARD,
            types: &[stringify!($op)],
            kind: Kind::Unary(examples!($name $op $($($arg)*)?)),
        }),*]
    };
}

macro_rules! binary_entries {
    ($($name:ident $(($($arg:ident: $ty:ty),*))? => $op:ident $({ $($field:ident),* })?;)*) => {
        vec![$(Entry {
            name: stringify!($name),
            card: ops::$name::CARD,
            types: &[stringify!($op)],
            kind: Kind::Binary(Box::new(Two(ops::$op)), ops::$name::PAIRS),
        }),*]
    };
}

macro_rules! array_entries {
    ($($file:ident: $($op:ident),+ => $($method:ident [$($x:ident),*] ($($arg:ident: $ty:ty),*) { $build:expr })*;)*) => {
        vec![$({
            let mut cases = Vec::new();
            ops::$file::cases(&mut cases);
            let types = &[$(stringify!($op)),+];
            Entry { name: stringify!($file), card: ops::$file::CARD, types, kind: Kind::Array(cases) }
        }),*]
    };
}

/// Every registered operation: functions of one number, functions of two, operations on tensors; and what is composed
/// of them.
///
/// ```
/// let registry = tape::registry::registry();
/// let exp = registry.iter().find(|entry| entry.name == "exp").unwrap();
/// assert_eq!((exp.card.derivative, exp.card.numpy), ("y", "exp"));
/// ```
// Inline, so that whoever asks for the registry compiles every operation for every number type, and nobody else.
#[inline]
pub fn registry() -> Vec<Entry> {
    let mut entries: Vec<Entry> = for_each_unary!(unary_entries);
    let binary: Vec<Entry> = for_each_binary!(binary_entries);
    let array: Vec<Entry> = for_each_array_op!(array_entries);
    entries.extend(binary);
    entries.extend(array);
    entries.extend(compositions::compositions());
    entries
}
