//! Groups of handles: the arguments of gradients, which determine the structure of the result.

use super::{NodeId, Scalar, Tape, Var};
use crate::error::Error;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::tensor::Tensor;
use smallvec::SmallVec;

/// Either handle.
#[derive(Clone, Copy)]
pub(crate) enum AnyHandle<'t, T: Element> {
    Scalar(Scalar<'t, T>),
    Var(Var<'t, T>),
}

impl<'t, T: Element> AnyHandle<'t, T> {
    /// A tensor of rank 0 as a scalar, which is how sweeps carry it.
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

    /// The handle as sweeps carry it: a tensor of rank 0 becomes a scalar.
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

/// Reads the gradient of each handle of a group.
#[doc(hidden)]
pub trait ReadGradients<'t, T: Element> {
    fn number(&mut self, x: Scalar<'t, T>) -> Result<T, Error>;
    fn tensor(&mut self, x: Var<'t, T>) -> Result<Tensor<T>, Error>;
}

/// One or several handles: a [`Scalar`], a [`Var`], an array, a vector or a tuple of them.
///
/// The result has the structure of the argument: `loss.grad([x, y])` returns two handles.
pub trait Handle<'t, T: Element>: Sized {
    /// The type of a gradient with respect to it: a number, a tensor, or several.
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

/// Handles passing through a transformation, in order.
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
            Err(_) => unreachable!("one value for each handle"),
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
