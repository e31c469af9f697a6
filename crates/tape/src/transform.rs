//! The transformations: closures in, numbers and tensors out.
//!
//! Each transformation records a closure on a separate tape and returns plain numbers and tensors; the caller
//! writes no lifetime. A closure of `f64` takes a [`Scalar`], of [`Tensor`] a [`Var`], of an array an array
//! of scalars, of a tuple one argument for each entry.
//!
//! ```
//! use tape::Tensor;
//! use tape::transform::{grad, hessian, jacobian};
//!
//! assert_eq!(grad(|x| x * x * x, 2.0), 12.0);
//! assert_eq!(grad(|x, y| x / y, (3.0, 2.0)), (0.5, -0.75));
//! let x = Tensor::from([1.0, 2.0]);
//! assert_eq!(grad(|x| (x * x).sum(), x.clone()), Tensor::from([2.0, 4.0]));
//! assert_eq!(jacobian(|x| x * x, x.clone()), Tensor::from([[2.0, 0.0], [0.0, 4.0]]));
//! assert_eq!(hessian(|[x, y]| x * x * y, [3.0, 5.0]), Tensor::from([[10.0, 6.0], [6.0, 0.0]]));
//! ```
//!
//! A closure that has a name before it is passed needs [`function!`](crate::function): otherwise the compiler finds that
//! "lifetime may not live long enough", or an implementation of `FnOnce` that "is not general enough".

use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::tape::{Handle, Scalar, Tape, Var};
use crate::tensor::Tensor;

/// A closure over handles of any tape, to be stored in a variable.
///
/// `let f = |x: Var| ...` on its own is not accepted where a function of handles is expected: the compiler chooses one
/// lifetime for the result, not that of each argument. The macro states the type.
///
/// ```
/// use tape::prelude::*;
/// let scale = 3.0;
/// let f = tape::function!(|x: Var| -> Scalar { (x * x).sum() * scale });
/// assert_eq!(grad(f, Tensor::from([1.0, 2.0])), Tensor::from([6.0, 12.0]));
/// assert_eq!(hessian(f, Tensor::from([1.0, 2.0])), Tensor::from([[6.0, 0.0], [0.0, 6.0]]));
///
/// let area = tape::function!(|a: Scalar, b: Scalar| -> Scalar { a * b });
/// assert_eq!(grad(area, (2.0, 5.0)), (5.0, 2.0));
/// let norm = tape::function!(|x: [Scalar; 2]| -> Scalar { x[0] * x[0] + x[1] * x[1] });
/// assert_eq!(grad(norm, [1.0, 2.0]), [2.0, 4.0]);
/// let sum = tape::function!(|x: Var<f32>| -> Scalar<f32> { x.sum() });
/// assert_eq!(grad(sum, Tensor::from([1.0f32, 2.0])).to_vec(), [1.0, 1.0]);
/// ```
#[macro_export]
macro_rules! function {
    (|$x:ident: [$handle:ident $(<$t:ty>)?; $n:expr]| -> $result:ident $(<$u:ty>)? $body:block) => {{
        fn stated<F: for<'t> Fn([$crate::$handle<'t $(, $t)?>; $n]) -> $crate::$result<'t $(, $u)?>>(f: F) -> F {
            f
        }
        stated(|$x| $body)
    }};
    (|$($x:ident: $handle:ident $(<$t:ty>)?),+ $(,)?| -> $result:ident $(<$u:ty>)? $body:block) => {{
        fn stated<F: for<'t> Fn($($crate::$handle<'t $(, $t)?>),+) -> $crate::$result<'t $(, $u)?>>(f: F) -> F {
            f
        }
        stated(|$($x),+| $body)
    }};
}

/// Arguments of a closure `F` that returns a scalar.
///
/// Implemented for `f64`, arrays, vectors and tuples of `f64`, and for [`Tensor`] and tuples of tensors of any
/// number type.
pub trait ScalarArgs<F>: Sized {
    /// The number type.
    type Elem: Element;
    /// The gradient, with the structure of the arguments.
    type Gradient;
    /// The arguments as handles on a tape.
    type Handles<'t>: Handle<'t, Self::Elem, Value = Self::Gradient> + Clone;

    /// Records the closure.
    #[doc(hidden)]
    fn record<'t>(self, f: &F, tape: &'t Tape<Self::Elem>) -> (Self::Handles<'t>, Scalar<'t, Self::Elem>);

    /// Builds a gradient from a flat list in the order of the arguments.
    #[doc(hidden)]
    fn gather(&self, flat: &[Self::Elem]) -> Self::Gradient;
}

/// Arguments of a closure `F` that returns a tensor.
///
/// Implemented for `f64`, and for [`Tensor`] and tuples of tensors of any number type.
pub trait ArrayArgs<F>: Sized {
    /// The number type.
    type Elem: Element;
    /// Tangents and cotangents, with the structure of the arguments.
    type Gradient;
    /// The arguments as handles on a tape.
    type Handles<'t>: Handle<'t, Self::Elem, Value = Self::Gradient> + Clone;

    /// Records the closure.
    #[doc(hidden)]
    fn record<'t>(self, f: &F, tape: &'t Tape<Self::Elem>) -> (Self::Handles<'t>, Var<'t, Self::Elem>);
}

macro_rules! numbers {
    ($($t:ident)*) => {$(
        impl<F: for<'t> Fn(Scalar<'t, $t>) -> Scalar<'t, $t>> ScalarArgs<F> for $t {
            type Elem = $t;
            type Gradient = $t;
            type Handles<'t> = Scalar<'t, $t>;
            fn record<'t>(self, f: &F, tape: &'t Tape<$t>) -> (Scalar<'t, $t>, Scalar<'t, $t>) {
                let x = tape.scalar(self);
                (x, f(x))
            }
            fn gather(&self, flat: &[$t]) -> $t {
                flat[0]
            }
        }
        impl<F: for<'t> Fn([Scalar<'t, $t>; N]) -> Scalar<'t, $t>, const N: usize> ScalarArgs<F> for [$t; N] {
            type Elem = $t;
            type Gradient = [$t; N];
            type Handles<'t> = [Scalar<'t, $t>; N];
            fn record<'t>(self, f: &F, tape: &'t Tape<$t>) -> ([Scalar<'t, $t>; N], Scalar<'t, $t>) {
                let x = self.map(|x| tape.scalar(x));
                (x, f(x))
            }
            fn gather(&self, flat: &[$t]) -> [$t; N] {
                std::array::from_fn(|i| flat[i])
            }
        }
        impl<F: for<'t> Fn(&[Scalar<'t, $t>]) -> Scalar<'t, $t>> ScalarArgs<F> for Vec<$t> {
            type Elem = $t;
            type Gradient = Vec<$t>;
            type Handles<'t> = Vec<Scalar<'t, $t>>;
            fn record<'t>(self, f: &F, tape: &'t Tape<$t>) -> (Vec<Scalar<'t, $t>>, Scalar<'t, $t>) {
                let x: Vec<_> = self.into_iter().map(|x| tape.scalar(x)).collect();
                let y = f(&x);
                (x, y)
            }
            fn gather(&self, flat: &[$t]) -> Vec<$t> {
                flat.to_vec()
            }
        }
        impl<F: for<'t> Fn(Scalar<'t, $t>) -> Var<'t, $t>> ArrayArgs<F> for $t {
            type Elem = $t;
            type Gradient = $t;
            type Handles<'t> = Scalar<'t, $t>;
            fn record<'t>(self, f: &F, tape: &'t Tape<$t>) -> (Scalar<'t, $t>, Var<'t, $t>) {
                let x = tape.scalar(self);
                (x, f(x))
            }
        }
        number_tuple!($t A 0, B 1);
        number_tuple!($t A 0, B 1, C 2);
        number_tuple!($t A 0, B 1, C 2, D 3);
    )*};
}

macro_rules! number_tuple {
    ($t:ident $($name:ident $at:tt),*) => {
        impl<F: for<'t> Fn($(same!($name Scalar<'t, $t>)),*) -> Scalar<'t, $t>> ScalarArgs<F>
            for ($(same!($name $t),)*)
        {
            type Elem = $t;
            type Gradient = ($(same!($name $t),)*);
            type Handles<'t> = ($(same!($name Scalar<'t, $t>),)*);
            fn record<'t>(self, f: &F, tape: &'t Tape<$t>) -> (Self::Handles<'t>, Scalar<'t, $t>) {
                let x = ($(tape.scalar(self.$at),)*);
                (x, f($(x.$at),*))
            }
            fn gather(&self, flat: &[$t]) -> Self::Gradient {
                ($(flat[$at],)*)
            }
        }
    };
}

macro_rules! same {
    ($name:ident $t:ty) => {
        $t
    };
}

// Plain numbers are `f64`, so that the type of literals is known; pass `f32` as tensors.
numbers!(f64);

/// Cuts a flat list into tensors of the shapes of `x`, in order.
fn cut<T: Element>(flat: &mut &[T], x: &Tensor<T>) -> Tensor<T> {
    let (head, tail) = flat.split_at(x.size());
    *flat = tail;
    crate::error::expect(Tensor::from_slice(x.shape(), head))
}

impl<T: Element, F: for<'t> Fn(Var<'t, T>) -> Scalar<'t, T>> ScalarArgs<F> for Tensor<T> {
    type Elem = T;
    type Gradient = Tensor<T>;
    type Handles<'t> = Var<'t, T>;
    fn record<'t>(self, f: &F, tape: &'t Tape<T>) -> (Var<'t, T>, Scalar<'t, T>) {
        let x = tape.var(self);
        (x, f(x))
    }
    fn gather(&self, mut flat: &[T]) -> Tensor<T> {
        cut(&mut flat, self)
    }
}

impl<T: Element, F: for<'t> Fn(Var<'t, T>) -> Var<'t, T>> ArrayArgs<F> for Tensor<T> {
    type Elem = T;
    type Gradient = Tensor<T>;
    type Handles<'t> = Var<'t, T>;
    fn record<'t>(self, f: &F, tape: &'t Tape<T>) -> (Var<'t, T>, Var<'t, T>) {
        let x = tape.var(self);
        (x, f(x))
    }
}

macro_rules! tensor_tuple {
    ($($name:ident $at:tt),*) => {
        impl<T: Element, F: for<'t> Fn($(same!($name Var<'t, T>)),*) -> Scalar<'t, T>> ScalarArgs<F>
            for ($(same!($name Tensor<T>),)*)
        {
            type Elem = T;
            type Gradient = ($(same!($name Tensor<T>),)*);
            type Handles<'t> = ($(same!($name Var<'t, T>),)*);
            fn record<'t>(self, f: &F, tape: &'t Tape<T>) -> (Self::Handles<'t>, Scalar<'t, T>) {
                let x = ($(tape.var(self.$at),)*);
                (x, f($(x.$at),*))
            }
            fn gather(&self, mut flat: &[T]) -> Self::Gradient {
                ($(cut(&mut flat, &self.$at),)*)
            }
        }
        impl<T: Element, F: for<'t> Fn($(same!($name Var<'t, T>)),*) -> Var<'t, T>> ArrayArgs<F>
            for ($(same!($name Tensor<T>),)*)
        {
            type Elem = T;
            type Gradient = ($(same!($name Tensor<T>),)*);
            type Handles<'t> = ($(same!($name Var<'t, T>),)*);
            fn record<'t>(self, f: &F, tape: &'t Tape<T>) -> (Self::Handles<'t>, Var<'t, T>) {
                let x = ($(tape.var(self.$at),)*);
                (x, f($(x.$at),*))
            }
        }
    };
}

tensor_tuple!(A 0, B 1);
tensor_tuple!(A 0, B 1, C 2);
tensor_tuple!(A 0, B 1, C 2, D 3);

/// The gradient of `f` at `x`: one reverse sweep.
pub fn grad<X: ScalarArgs<F>, F>(f: F, x: X) -> X::Gradient {
    value_and_grad(f, x).1
}

/// The value of `f` at `x` and its gradient.
///
/// ```
/// use tape::transform::value_and_grad;
/// let (value, slope) = value_and_grad(|x| x.exp() * x, 1.0);
/// assert!((value - 1f64.exp()).abs() < 1e-15);
/// assert!((slope - 2.0 * 1f64.exp()).abs() < 1e-15);
/// ```
pub fn value_and_grad<X: ScalarArgs<F>, F>(f: F, x: X) -> (X::Elem, X::Gradient) {
    let tape = Tape::of();
    let (x, y) = x.record(&f, &tape);
    (y.value(), y.backward().wrt(x))
}

/// The value of `f` at `x` and `ct` times its Jacobian: one reverse sweep.
///
/// ```
/// use tape::{Tensor, transform::vjp};
/// let (y, ct) = vjp(|x| x * x, Tensor::from([1.0, 3.0]), [10.0, 1.0]);
/// assert_eq!((y, ct), (Tensor::from([1.0, 9.0]), Tensor::from([20.0, 6.0])));
/// ```
///
/// # Panics
/// If `ct` does not have the shape of the value.
#[track_caller]
pub fn vjp<X: ArrayArgs<F>, F>(f: F, x: X, ct: impl Into<Tensor<X::Elem>>) -> (Tensor<X::Elem>, X::Gradient) {
    let tape = Tape::of();
    let (x, y) = x.record(&f, &tape);
    (y.value(), y.vjp(ct).wrt(x))
}

/// The value of `f` at `x` and its Jacobian times `dx`: one forward sweep.
///
/// ```
/// use tape::{Tensor, transform::jvp};
/// let (y, dy) = jvp(|x| x * x, Tensor::from([1.0, 3.0]), Tensor::from([10.0, 1.0]));
/// assert_eq!((y, dy), (Tensor::from([1.0, 9.0]), Tensor::from([20.0, 6.0])));
/// ```
///
/// # Panics
/// If `dx` does not have the shape of `x`.
#[track_caller]
pub fn jvp<X: ArrayArgs<F>, F>(f: F, x: X, dx: X::Gradient) -> (Tensor<X::Elem>, Tensor<X::Elem>) {
    let tape = Tape::of();
    let (x, y) = x.record(&f, &tape);
    (y.value(), y.jvp(x, dx))
}

/// The Jacobian of a function of one tensor, of shape `[shape of f(x).., shape of x..]`: a forward sweep for
/// each element of `x`, or a reverse sweep for each element of `f(x)`, whichever are fewer.
///
/// ```
/// use tape::{Tensor, transform::jacobian};
/// let rows = jacobian(|x| x.reshape([3, 1]).matmul(x.reshape([1, 3])), Tensor::from([1.0, 2.0, 3.0]));
/// assert_eq!(rows.shape(), [3, 3, 3]);
/// assert_eq!(rows.get([0, 1, 1]), Some(1.0));
/// ```
///
/// # Panics
/// If the system has no memory for it.
#[track_caller]
pub fn jacobian<T: Element, F>(f: F, x: Tensor<T>) -> Tensor<T>
where
    F: for<'t> Fn(Var<'t, T>) -> Var<'t, T>,
{
    let tape = Tape::of();
    let (x, y) = ArrayArgs::record(x, &f, &tape);
    let (rows, columns) = (y.shape(), x.shape());
    let shape: Shape = rows.iter().chain(columns.iter()).copied().collect();
    crate::error::expect(Tensor::<T>::fits("jacobian", &shape));
    let (m, n) = (rows.size(), columns.size());
    let mut out = vec![T::ZERO; m * n];
    if m <= n {
        for (i, row) in out.chunks_exact_mut(n.max(1)).enumerate() {
            row.copy_from_slice(&y.vjp(unit(&rows, i)).wrt(x).to_vec());
        }
    } else {
        for j in 0..n {
            let column = y.jvp(x, unit(&columns, j)).to_vec();
            column.iter().enumerate().for_each(|(i, &dy)| out[i * n + j] = dy);
        }
    }
    crate::error::expect(Tensor::from_vec(shape, out))
}

/// A tensor of zeros with a 1 at position `at`.
fn unit<T: Element>(shape: &Shape, at: usize) -> Tensor<T> {
    let mut unit = Tensor::zeros(shape.clone());
    unit.as_mut_slice()[at] = T::ONE;
    unit
}

/// The product of the Hessian of `f` at `x` with `v`: the gradient is recorded, and differentiated along `v`
/// by one forward sweep.
///
/// ```
/// use tape::transform::hvp;
/// assert_eq!(hvp(|[x, y]| x * x * y, [3.0, 5.0], [1.0, 10.0]), [10.0 + 60.0, 6.0]);
/// ```
///
/// # Panics
/// If `v` does not have the shape of `x`.
#[track_caller]
pub fn hvp<X: ScalarArgs<F>, F>(f: F, x: X, v: X::Gradient) -> X::Gradient {
    let tape = Tape::of();
    let (x, y) = x.record(&f, &tape);
    let slope = y.grad(x.clone());
    tape.jvp(slope, x, v)
}

/// The Hessian of `f` at `x`, `[n, n]` for `n` numbers in the arguments, in order: the gradient is recorded
/// once, and differentiated along each of the `n` directions.
///
/// ```
/// use tape::{Tensor, transform::hessian};
/// let rows = hessian(|x| (x * x * x).sum(), Tensor::from([1.0, 2.0]));
/// assert_eq!(rows, Tensor::from([[6.0, 0.0], [0.0, 12.0]]));
/// ```
///
/// # Panics
/// If the system has no memory for it.
#[track_caller]
pub fn hessian<X: ScalarArgs<F> + Clone, F>(f: F, x: X) -> Tensor<X::Elem> {
    let tape = Tape::of();
    let (handles, y) = x.clone().record(&f, &tape);
    let slope = y.grad(handles.clone());
    let sizes = {
        let mut values = Vec::new();
        scatter::<X, F>(&y.backward().wrt(handles.clone()), &mut values);
        values.iter().map(Tensor::size).sum::<usize>()
    };
    crate::error::expect(Tensor::<X::Elem>::fits("hessian", &Shape::from([sizes, sizes])));
    let mut rows = Vec::with_capacity(sizes * sizes);
    let mut direction = vec![X::Elem::default(); sizes];
    for i in 0..sizes {
        direction[i] = <X::Elem as crate::element::Real>::ONE;
        let row = tape.jvp(slope.clone(), handles.clone(), x.gather(&direction));
        let mut parts = Vec::new();
        scatter::<X, F>(&row, &mut parts);
        parts.iter().for_each(|part| rows.extend(part.to_vec()));
        direction[i] = X::Elem::default();
    }
    crate::error::expect(Tensor::from_vec([sizes, sizes], rows))
}

fn scatter<X: ScalarArgs<F>, F>(values: &X::Gradient, to: &mut Vec<Tensor<X::Elem>>) {
    <X::Handles<'_> as Handle<'_, X::Elem>>::scatter(values, to);
}
