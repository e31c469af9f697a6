//! The reverse sweep as methods of the handles: [`Scalar::backward`], [`Var::vjp`], [`Scalar::grad`] and their variants.

use super::gradients::Gradients;
use super::observe::{Ordinary, Perturbed, Roundings};
use super::reach::indices;
use super::recorded::gradients;
use super::{reverse, sweep};
use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::tape::{AnyHandle, GradientBuffers, Handle, Retain, Scalar, Var};
use crate::tensor::Tensor;
use std::panic::Location;
use std::sync::Arc;

impl<'t, T: Element> Scalar<'t, T> {
    /// The gradients with respect to every leaf.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let (x, y) = (tape.scalar(2.0), tape.scalar(5.0));
    /// let grads = (x * x * y).backward();
    /// assert_eq!(grads.wrt([x, y]), [20.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// As [`try_backward`](Scalar::try_backward).
    #[track_caller]
    pub fn backward(self) -> Gradients<T> {
        error::expect(self.try_backward())
    }

    /// As [`backward`](Scalar::backward), but returns errors instead of panicking.
    ///
    /// # Errors
    /// If an operation has a value but no derivative at its operands, or a user-defined operation returns a
    /// tensor of another shape than promised.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let a = tape.var([[1.0, 2.0], [2.0, 4.0]]);
    /// let (_, log) = a.slogdet();
    /// assert_eq!(log.value().item(), f64::NEG_INFINITY);
    /// let error = log.item().try_backward().unwrap_err();
    /// assert_eq!(error.to_string(), "slogdet: the derivative does not exist where the matrix is singular");
    /// ```
    #[track_caller]
    pub fn try_backward(self) -> Result<Gradients<T>, Error> {
        sweep(self.tape, self.index, None, Retain::Leaves, &mut Ordinary::default())
    }

    /// The gradients with respect to every leaf and every intermediate value.
    #[track_caller]
    pub fn backward_all(self) -> Gradients<T> {
        error::expect(sweep(self.tape, self.index, None, Retain::All, &mut Ordinary::default()))
    }

    /// The gradients with respect to every leaf and to the intermediate values `kept`.
    ///
    /// # Panics
    /// If a handle of `kept` belongs to another tape.
    #[track_caller]
    pub fn backward_retaining(self, kept: impl Handle<'t, T>) -> Gradients<T> {
        let kept = error::expect(indices("backward_retaining", self.tape, &kept));
        error::expect(sweep(self.tape, self.index, None, Retain::these(kept), &mut Ordinary::default()))
    }

    /// The gradients with respect to every leaf, reusing the buffers of `grads`.
    #[track_caller]
    pub fn backward_into(self, grads: &mut Gradients<T>) {
        *grads = Gradients(Arc::default());
        *grads = self.backward();
    }

    /// The gradients with respect to `x` as recorded handles, which can be differentiated again.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(2.0);
    /// let y = x.powi(4);
    /// let [dy] = y.grad([x]);
    /// let [ddy] = dy.grad([x]);
    /// let [dddy] = ddy.grad([x]);
    /// assert_eq!([dy.value(), ddy.value(), dddy.value()], [32.0, 48.0, 48.0]);
    /// ```
    ///
    /// # Panics
    /// If a handle of `x` belongs to another tape.
    #[track_caller]
    pub fn grad<H: Handle<'t, T>>(self, x: H) -> H {
        error::expect(self.try_grad(x))
    }

    /// As [`grad`](Scalar::grad), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`try_backward`](Scalar::try_backward), and if a handle of `x` belongs to another tape.
    #[track_caller]
    pub fn try_grad<H: Handle<'t, T>>(self, x: H) -> Result<H, Error> {
        let one = self.number(T::ONE);
        let gradients = || gradients(self.tape, self.index, &x, AnyHandle::Scalar(one));
        self.tape.at_location(Location::caller(), gradients)
    }
}

impl<'t, T: Element> Var<'t, T> {
    /// The gradients of `Σ ct · self` with respect to every leaf: the vector-Jacobian product with `ct`.
    ///
    /// # Panics
    /// If `ct` does not have the shape of `self`.
    #[track_caller]
    pub fn vjp(self, ct: impl Into<Tensor<T>>) -> Gradients<T> {
        error::expect(self.try_vjp(ct))
    }

    /// As [`vjp`](Var::vjp), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`Scalar::try_backward`], and if `ct` does not have the shape of `self`.
    #[track_caller]
    pub fn try_vjp(self, ct: impl Into<Tensor<T>>) -> Result<Gradients<T>, Error> {
        let ct = self.checked(ct.into())?;
        sweep(self.tape, self.index, Some(ct), Retain::Leaves, &mut Ordinary::default())
    }

    /// As [`vjp`](Var::vjp), keeping every intermediate gradient as well.
    #[track_caller]
    pub fn vjp_all(self, ct: impl Into<Tensor<T>>) -> Gradients<T> {
        let ct = error::expect(self.checked(ct.into()));
        error::expect(sweep(self.tape, self.index, Some(ct), Retain::All, &mut Ordinary::default()))
    }

    /// The vector-Jacobian product with respect to `x` as recorded handles.
    ///
    /// # Panics
    /// If `ct` does not have the shape of `self`, or a handle belongs to another tape.
    #[track_caller]
    pub fn grad<H: Handle<'t, T>>(self, ct: Var<'t, T>, x: H) -> H {
        error::expect(self.try_grad(ct, x))
    }

    /// As [`grad`](Var::grad), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`try_vjp`](Var::try_vjp), and if a handle belongs to another tape.
    #[track_caller]
    pub fn try_grad<H: Handle<'t, T>>(self, ct: Var<'t, T>, x: H) -> Result<H, Error> {
        self.tape.owns("grad", ct.tape)?;
        if ct.shape() != self.shape() {
            let (expected, found) = (self.shape().dims(), ct.shape().dims());
            return Err(Error::Shape { op: "grad", expected, found });
        }
        let gradients = || gradients(self.tape, self.index, &x, AnyHandle::new(ct));
        self.tape.at_location(Location::caller(), gradients)
    }

    pub(super) fn checked(self, ct: Tensor<T>) -> Result<Tensor<T>, Error> {
        if *ct.shape() == self.shape() {
            return Ok(ct);
        }
        Err(Error::Shape { op: "vjp", expected: self.shape().dims(), found: ct.shape().dims() })
    }
}

/// [`Var::vjp`] with every contribution multiplied by a factor: shows how scattered roundings move the
/// result.
pub fn perturbed_vjp<T: Element>(
    y: Var<'_, T>,
    ct: Tensor<T>,
    factor: &mut impl FnMut() -> T,
) -> Gradients<T> {
    error::expect(sweep(y.tape, y.index, Some(ct), Retain::Leaves, &mut Perturbed::by(factor)))
}

/// Returns the sum of `|cotangent · value|` over all results from which `y`, with the cotangent `ct`, was computed. Times half
/// an epsilon it bounds, to first order, how far the roundings of those results may move `ct · y`.
pub fn roundings<T: Element>(y: Var<'_, T>, ct: Tensor<T>) -> T {
    y.tape.replay(y.tape.nodes.len());
    let graph = y.tape.graph();
    let mut observer = Roundings::of(&graph);
    let mut buffers = GradientBuffers::default();
    error::expect(reverse(&graph, y.index, Some(ct), true, &mut buffers, &mut observer));
    observer.sum
}
