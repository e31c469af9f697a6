//! The registered operations as data, for the table in the documentation and for the tests.
//!
//! The registry is made from the three lists in `ops`, so an operation cannot be registered without an
//! [`OpDoc`] and points or cases to test it at.

mod twins;

use std::fmt::{self, Debug};
use tape::internal::{BinaryPoints, Cases, OpDoc, Points, Registrar, register};
use tape::{Arithmetic, Array, Binary, Element, Error, Op, Scalar, Shape, Tensor, Unary, Var};

pub use twins::{Arguments, Twins, twins};

/// A registered operation.
#[derive(Debug)]
pub struct Entry {
    /// The name of its file, and of its method if it has one.
    pub name: &'static str,
    /// Its row in the table of operations.
    pub doc: OpDoc,
    /// The types that implement it: an operation on tensors often has its adjoint beside it.
    pub types: &'static [&'static str],
    /// The kind of its operands, and the points or cases to test it at.
    pub kind: Kind,
}

/// The kind of an operation's operands, with points or cases to test it at.
#[derive(Debug)]
pub enum Kind {
    /// A function of one scalar; with parameters, one for each choice of them.
    Unary(Vec<(Box<dyn Function>, Points)>),
    /// A function of two scalars.
    Binary(Box<dyn Function>, BinaryPoints),
    /// An operation on tensors.
    Tensor(Vec<Case>),
    /// A function on tensors composed of operations.
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

/// The source of an operand of a test.
#[derive(Clone, Debug)]
pub enum Input {
    /// Random values of this shape.
    Shape(Shape),
    /// The given values.
    Values(Tensor<f64>),
}

/// An operation on tensors of one element type, as a trait object.
pub trait Apply<T: Element>: Debug {
    /// Computes the value.
    fn compute(&self, x: &[&Tensor<T>]) -> Tensor<T>;
    /// Records the operation.
    fn record<'t>(&self, x: &[Var<'t, T>]) -> Var<'t, T>;
    /// Records the operation, or returns the error of operands that it refuses. (A composition panics.)
    fn try_record<'t>(&self, x: &[Var<'t, T>]) -> Result<Var<'t, T>, Error> {
        Ok(self.record(x))
    }
}

/// A function of one or two scalars of one type, as a trait object.
pub trait Evaluate<T: Element>: Apply<T> {
    /// Computes the value for plain numbers.
    fn number(&self, x: &[T]) -> T;
    /// Computes the derivatives for plain numbers, one for each operand.
    fn slopes(&self, x: &[T]) -> Vec<T>;
    /// Records the function of scalars.
    fn scalar<'t>(&self, x: &[Scalar<'t, T>]) -> Scalar<'t, T>;
}

/// An operation on tensors of either element type, as a trait object.
pub trait Operation: Apply<f64> + Apply<f32> {}

impl<O: Apply<f64> + Apply<f32>> Operation for O {}

/// A function of one or two scalars of either type, as a trait object.
pub trait Function: Operation + Evaluate<f64> + Evaluate<f32> {}

impl<F: Evaluate<f64> + Evaluate<f32>> Function for F {}

struct UnaryFn<F>(F);

struct BinaryFn<F>(F);

struct TensorFn<O>(O);

macro_rules! shown_as_their_content {
    ($($wrapper:ident)*) => {$(
        impl<F: Debug> Debug for $wrapper<F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

shown_as_their_content!(UnaryFn BinaryFn TensorFn);

impl<T: Element, F: Unary> Apply<T> for UnaryFn<F> {
    fn compute(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        x[0].clone().map(self.0)
    }
    fn record<'t>(&self, x: &[Var<'t, T>]) -> Var<'t, T> {
        x[0].map(self.0)
    }
}

impl<T: Element, F: Unary> Evaluate<T> for UnaryFn<F> {
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

impl<T: Element, F: Binary> Apply<T> for BinaryFn<F> {
    fn compute(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        x[0].clone().zip(x[1].clone(), self.0)
    }
    fn record<'t>(&self, x: &[Var<'t, T>]) -> Var<'t, T> {
        x[0].zip(x[1], self.0)
    }
    fn try_record<'t>(&self, x: &[Var<'t, T>]) -> Result<Var<'t, T>, Error> {
        Shape::broadcast(&x[0].shape(), &x[1].shape())?;
        Ok(self.record(x))
    }
}

impl<T: Element, F: Binary> Evaluate<T> for BinaryFn<F> {
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

impl<T: Element, O: Op<T>> Apply<T> for TensorFn<O> {
    fn compute(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        Tensor::apply(self.0.clone(), x)
    }
    fn record<'t>(&self, x: &[Var<'t, T>]) -> Var<'t, T> {
        let x: Vec<&Var<'t, T>> = x.iter().collect();
        Var::apply(self.0.clone(), &x)
    }
    fn try_record<'t>(&self, x: &[Var<'t, T>]) -> Result<Var<'t, T>, Error> {
        x[0].tape().try_apply(self.0.clone(), x)
    }
}

/// The cases of one file.
pub struct Collected(Vec<Case>);

impl Cases for Collected {
    type Other = f64;

    fn case<O: Op<f64> + Op<f32>>(&mut self, op: O, shapes: &[&[usize]]) {
        let operands = shapes.iter().map(|&shape| Input::Shape(shape.into())).collect();
        self.0.push(Case { op: Box::new(TensorFn(op)), operands });
    }

    fn values<O: Op<f64> + Op<f32>>(&mut self, op: O, values: &[Tensor<f64>]) {
        let operands = values.iter().cloned().map(Input::Values).collect();
        self.0.push(Case { op: Box::new(TensorFn(op)), operands });
    }
}

/// Collects the entries.
struct Collect(Vec<Entry>);

impl Registrar for Collect {
    type Cases = Collected;

    fn unary<F: Unary>(
        &mut self,
        name: &'static str,
        types: &'static [&'static str],
        doc: OpDoc,
        examples: &[(F, Points)],
    ) {
        let boxed = |&(f, points): &(F, Points)| (Box::new(UnaryFn(f)) as Box<dyn Function>, points);
        self.0.push(Entry { name, doc, types, kind: Kind::Unary(examples.iter().map(boxed).collect()) });
    }

    fn binary<F: Binary>(
        &mut self,
        name: &'static str,
        types: &'static [&'static str],
        doc: OpDoc,
        f: F,
        points: BinaryPoints,
    ) {
        self.0.push(Entry { name, doc, types, kind: Kind::Binary(Box::new(BinaryFn(f)), points) });
    }

    fn tensor(
        &mut self,
        name: &'static str,
        types: &'static [&'static str],
        doc: OpDoc,
        cases: impl FnOnce(&mut Collected),
    ) {
        let mut collected = Collected(Vec::new());
        cases(&mut collected);
        self.0.push(Entry { name, doc, types, kind: Kind::Tensor(collected.0) });
    }
}

/// Returns every registered operation: functions of one scalar, functions of two, operations on tensors.
///
/// ```
/// let registry = gradcheck::registry::registry();
/// let exp = registry.iter().find(|entry| entry.name == "exp").unwrap();
/// assert_eq!((exp.doc.derivative, exp.doc.numpy), ("y", "exp"));
/// ```
// `inline`, so that only crates that call it instantiate every operation for every element type.
#[inline]
pub fn registry() -> Vec<Entry> {
    let mut collect = Collect(Vec::new());
    register(&mut collect);
    collect.0
}
