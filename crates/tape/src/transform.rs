//! The transformations: closures in, numbers and tensors out.
//!
//! Each transformation records a closure on a separate tape and returns plain numbers and tensors; the caller
//! writes no lifetime. A closure of `f64` takes a [`Scalar`], of [`Tensor`] a [`Var`], of an array an array
//! of them, of a tuple one argument for each entry: [`Args`] has the table.
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

use crate::error::Error;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::sweep::sparse::{SparseJacobian, sparse_rows};
use crate::tape::{Handle, ReadGradients, Scalar, Tape, Var};
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

/// The arguments of a transformation: a number, a tensor, or an array, vector or tuple of arguments.
///
/// | value | argument of the closure | gradient |
/// |---|---|---|
/// | `f64` | [`Scalar`] | `f64` |
/// | [`Single`]`(x)`, of an `f32` | `Scalar<f32>` | `f32` |
/// | [`Tensor<T>`](Tensor) | [`Var<T>`](Var) | `Tensor<T>` |
/// | `[X; N]` | an array | an array |
/// | `Vec<X>` | a slice; in a tuple a `Vec` | a `Vec` |
/// | `(X, Y)`, up to 4 entries | one argument for each entry | a tuple |
///
/// ```
/// use tape::Tensor;
/// use tape::transform::{grad, hessian, hvp, jacobian, jvp, vjp};
/// let x = Tensor::from([1.0, 2.0]);
/// // 3 (x₀ + x₁) + x₀²
/// assert_eq!(grad(|a, x| a * x.sum() + x.at(0).square(), (3.0, x.clone())), (3.0, Tensor::from([5.0, 3.0])));
/// assert_eq!(grad(|x, [a, b]| x.sum() * a * b, (x.clone(), [3.0, 5.0])), (Tensor::from([15.0, 15.0]), [15.0, 9.0]));
/// assert_eq!(grad(|w| (w[0] * w[1]).sum(), vec![x.clone(), x.clone()]), vec![x.clone(), x.clone()]);
/// assert_eq!(jvp(|a, x| x * a, (3.0, x.clone()), (1.0, Tensor::zeros([2]))).1, x);
/// assert_eq!(vjp(|a, x| x * a, (3.0, x.clone()), [1.0, 1.0]).1, (3.0, Tensor::from([3.0, 3.0])));
/// assert_eq!(hvp(|a, x| a * x.sum(), (3.0, x.clone()), (1.0, Tensor::zeros([2]))), (0.0, Tensor::ones([2])));
/// assert_eq!(jacobian(|a, x| x * a, (3.0, x.clone())), Tensor::from([[1.0, 3.0, 0.0], [2.0, 0.0, 3.0]]));
/// assert_eq!(hessian(|a, x| a * x.sum(), (3.0, Tensor::from([1.0]))), Tensor::from([[0.0, 1.0], [1.0, 0.0]]));
/// ```
pub trait Args: Sized {
    /// The number type.
    type Elem: Element;
    /// Gradients, tangents and cotangents, with the structure of the arguments.
    type Gradient;
    /// The arguments as handles on a tape.
    type Handles<'t>: Handle<'t, Self::Elem, Value = Self::Gradient> + Clone;

    /// Records the arguments.
    #[doc(hidden)]
    fn handles<'t>(self, tape: &'t Tape<Self::Elem>) -> Self::Handles<'t>;

    /// Takes a gradient from the front of a flat list in the order of the arguments.
    #[doc(hidden)]
    fn gather(&self, flat: &mut &[Self::Elem]) -> Self::Gradient;

    /// The number of elements.
    #[doc(hidden)]
    fn size(&self) -> usize;

    /// The shape of the columns of a Jacobian.
    #[doc(hidden)]
    fn columns(&self) -> Shape {
        Shape::from([self.size()])
    }
}

/// Arguments of a closure `F` that returns a scalar: see [`Args`].
pub trait ScalarArgs<F>: Args {
    /// Calls the closure.
    #[doc(hidden)]
    fn call<'t>(f: &F, x: &Self::Handles<'t>) -> Scalar<'t, Self::Elem>;
}

/// Arguments of a closure `F` that returns a tensor: see [`Args`].
pub trait ArrayArgs<F>: Args {
    /// Calls the closure.
    #[doc(hidden)]
    fn call<'t>(f: &F, x: &Self::Handles<'t>) -> Var<'t, Self::Elem>;
}

/// An `f32`, or an array or vector of them, as the arguments of a transformation.
///
/// Numbers that are not marked are `f64`: the compiler must know the type of `x` in `|x| ...` before it has seen whether
/// `2.0` is to be an `f32`.
///
/// ```
/// use tape::Tensor;
/// use tape::transform::{Single, grad, hessian, value_and_grad};
/// let slope: f32 = grad(|x| x * x * x, Single(2.0));
/// assert_eq!(slope, 12.0);
/// assert_eq!(grad(|[x, y]| x / y, Single([3.0, 2.0])), [0.5, -0.75]);
/// assert_eq!(value_and_grad(|x| x[0] * x[1], Single(vec![3.0, 2.0])), (6.0, vec![2.0, 3.0]));
/// assert_eq!(hessian(|x| x * x, Single(2.0)), Tensor::from([[2.0f32]]));
/// let mixed = grad(|a, x| x.sum() * a, (Single(3.0), Tensor::from([1.0f32, 2.0])));
/// assert_eq!(mixed, (3.0, Tensor::from([3.0, 3.0])));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Single<X>(pub X);

/// Takes one number from the front of a list.
fn take<T: Copy>(flat: &mut &[T]) -> T {
    let first = flat[0];
    *flat = &flat[1..];
    first
}

/// Plain numbers, by the type of the argument and the number in it.
macro_rules! numbers {
    ($($args:ty, $t:ident, $at:pat => $x:expr;)*) => {$(
        impl Args for $args {
            type Elem = $t;
            type Gradient = $t;
            type Handles<'t> = Scalar<'t, $t>;
            fn handles<'t>(self, tape: &'t Tape<$t>) -> Scalar<'t, $t> {
                let $at = self;
                tape.scalar($x)
            }
            fn gather(&self, flat: &mut &[$t]) -> $t {
                take(flat)
            }
            fn size(&self) -> usize {
                1
            }
            fn columns(&self) -> Shape {
                Shape::default()
            }
        }
    )*};
}

numbers! {
    f64, f64, x => x;
    Single<f32>, f32, Single(x) => x;
}

impl<T: Element> Args for Tensor<T> {
    type Elem = T;
    type Gradient = Tensor<T>;
    type Handles<'t> = Var<'t, T>;
    fn handles<'t>(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.var(self)
    }
    fn gather(&self, flat: &mut &[T]) -> Tensor<T> {
        let (head, tail) = flat.split_at(Tensor::size(self));
        *flat = tail;
        crate::error::expect(Tensor::from_slice(self.shape(), head))
    }
    fn size(&self) -> usize {
        Tensor::size(self)
    }
    fn columns(&self) -> Shape {
        self.shape().clone()
    }
}

impl<X: Args, const N: usize> Args for [X; N] {
    type Elem = X::Elem;
    type Gradient = [X::Gradient; N];
    type Handles<'t> = [X::Handles<'t>; N];
    fn handles<'t>(self, tape: &'t Tape<X::Elem>) -> Self::Handles<'t> {
        self.map(|x| x.handles(tape))
    }
    fn gather(&self, flat: &mut &[X::Elem]) -> Self::Gradient {
        self.each_ref().map(|x| x.gather(flat))
    }
    fn size(&self) -> usize {
        self.iter().map(X::size).sum()
    }
}

impl<X: Args> Args for Vec<X> {
    type Elem = X::Elem;
    type Gradient = Vec<X::Gradient>;
    type Handles<'t> = Vec<X::Handles<'t>>;
    fn handles<'t>(self, tape: &'t Tape<X::Elem>) -> Self::Handles<'t> {
        self.into_iter().map(|x| x.handles(tape)).collect()
    }
    fn gather(&self, flat: &mut &[X::Elem]) -> Self::Gradient {
        self.iter().map(|x| x.gather(flat)).collect()
    }
    fn size(&self) -> usize {
        self.iter().map(X::size).sum()
    }
}

impl<const N: usize> Args for Single<[f32; N]> {
    type Elem = f32;
    type Gradient = [f32; N];
    type Handles<'t> = [Scalar<'t, f32>; N];
    fn handles<'t>(self, tape: &'t Tape<f32>) -> Self::Handles<'t> {
        self.0.map(|x| tape.scalar(x))
    }
    fn gather(&self, flat: &mut &[f32]) -> [f32; N] {
        self.0.map(|_| take(flat))
    }
    fn size(&self) -> usize {
        N
    }
}

impl Args for Single<Vec<f32>> {
    type Elem = f32;
    type Gradient = Vec<f32>;
    type Handles<'t> = Vec<Scalar<'t, f32>>;
    fn handles<'t>(self, tape: &'t Tape<f32>) -> Self::Handles<'t> {
        self.0.into_iter().map(|x| tape.scalar(x)).collect()
    }
    fn gather(&self, flat: &mut &[f32]) -> Vec<f32> {
        self.0.iter().map(|_| take(flat)).collect()
    }
    fn size(&self) -> usize {
        self.0.len()
    }
}

/// A closure over handles of any tape. `F: for<'t> Fn(X::Handles<'t>) -> Scalar<'t>` is refused, since the arguments, as an
/// associated type, need not depend on `'t`; here it is a parameter. The closure's type follows from the supertrait.
macro_rules! closures {
    ($($closure:ident($($arg:ident: $given:ty),*);)*) => {$(
        #[doc(hidden)]
        #[diagnostic::on_unimplemented(
            message = "expected a closure from the handles of the arguments to `{R}`, found `{Self}`",
            note = "the table of `tape::transform::Args` lists the handles"
        )]
        pub trait $closure<'t, $($arg,)* R>: Fn($($given),*) -> R {}

        impl<'t, $($arg,)* R, F: Fn($($given),*) -> R> $closure<'t, $($arg,)* R> for F {}
    )*};
}

closures! {
    Closure1(A: A);
    ClosureOfSlice(A: &[A]);
    Closure2(A: A, B: B);
    Closure3(A: A, B: B, C: C);
    Closure4(A: A, B: B, C: C, D: D);
}

macro_rules! tuple {
    ($first:ident 0, $($name:ident $at:tt),*) => {
        impl<$first: Args, $($name: Args<Elem = $first::Elem>),*> Args for ($first, $($name),*) {
            type Elem = $first::Elem;
            type Gradient = ($first::Gradient, $($name::Gradient),*);
            type Handles<'t> = ($first::Handles<'t>, $($name::Handles<'t>),*);
            fn handles<'t>(self, tape: &'t Tape<Self::Elem>) -> Self::Handles<'t> {
                (self.0.handles(tape), $(self.$at.handles(tape)),*)
            }
            fn gather(&self, flat: &mut &[Self::Elem]) -> Self::Gradient {
                (self.0.gather(flat), $(self.$at.gather(flat)),*)
            }
            fn size(&self) -> usize {
                self.0.size() $(+ self.$at.size())*
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

/// The calls of closures that return one kind of handle.
macro_rules! calls {
    ($trait:ident, $handle:ident) => {
        impl<F: for<'t> Fn(Scalar<'t>) -> $handle<'t>> $trait<F> for f64 {
            fn call<'t>(f: &F, x: &Self::Handles<'t>) -> $handle<'t> {
                f(*x)
            }
        }
        impl<F: for<'t> Fn(Scalar<'t, f32>) -> $handle<'t, f32>> $trait<F> for Single<f32> {
            fn call<'t>(f: &F, x: &Self::Handles<'t>) -> $handle<'t, f32> {
                f(*x)
            }
        }
        impl<F: for<'t> Fn([Scalar<'t, f32>; N]) -> $handle<'t, f32>, const N: usize> $trait<F>
            for Single<[f32; N]>
        {
            fn call<'t>(f: &F, x: &Self::Handles<'t>) -> $handle<'t, f32> {
                f(*x)
            }
        }
        impl<F: for<'t> Fn(&[Scalar<'t, f32>]) -> $handle<'t, f32>> $trait<F> for Single<Vec<f32>> {
            fn call<'t>(f: &F, x: &Self::Handles<'t>) -> $handle<'t, f32> {
                f(x)
            }
        }
        impl<T: Element, F: for<'t> Fn(Var<'t, T>) -> $handle<'t, T>> $trait<F> for Tensor<T> {
            fn call<'t>(f: &F, x: &Self::Handles<'t>) -> $handle<'t, T> {
                f(*x)
            }
        }
        impl<X: Args, F, const N: usize> $trait<F> for [X; N]
        where
            F: for<'t> Closure1<'t, [X::Handles<'t>; N], $handle<'t, X::Elem>>,
        {
            fn call<'t>(f: &F, x: &Self::Handles<'t>) -> $handle<'t, X::Elem> {
                f(x.clone())
            }
        }
        impl<X: Args, F> $trait<F> for Vec<X>
        where
            F: for<'t> ClosureOfSlice<'t, X::Handles<'t>, $handle<'t, X::Elem>>,
        {
            fn call<'t>(f: &F, x: &Self::Handles<'t>) -> $handle<'t, X::Elem> {
                f(x)
            }
        }
        calls!($trait, $handle, Closure2, A 0, B 1);
        calls!($trait, $handle, Closure3, A 0, B 1, C 2);
        calls!($trait, $handle, Closure4, A 0, B 1, C 2, D 3);
    };
    ($trait:ident, $handle:ident, $closure:ident, $first:ident 0, $($name:ident $at:tt),*) => {
        impl<$first: Args, $($name: Args<Elem = $first::Elem>,)* F> $trait<F> for ($first, $($name),*)
        where
            F: for<'t> $closure<
                    't,
                    $first::Handles<'t>,
                    $($name::Handles<'t>,)*
                    $handle<'t, $first::Elem>,
                >,
        {
            fn call<'t>(f: &F, x: &Self::Handles<'t>) -> $handle<'t, Self::Elem> {
                f(x.0.clone(), $(x.$at.clone()),*)
            }
        }
    };
}

calls!(ScalarArgs, Scalar);
calls!(ArrayArgs, Var);

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
    let x = x.handles(&tape);
    let y = X::call(&f, &x);
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
    let x = x.handles(&tape);
    let y = X::call(&f, &x);
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
    let x = x.handles(&tape);
    let y = X::call(&f, &x);
    (y.value(), y.jvp(x, dx))
}

/// The Jacobian of `f` at `x`, of shape `[shape of f(x).., shape of x..]` for a tensor or a number, and `[shape of
/// f(x).., n]` for an array, vector or tuple of `n` elements, in order: a forward sweep for each element of `x`, or a
/// reverse sweep for each element of `f(x)`, whichever are fewer.
///
/// ```
/// use tape::{Tensor, transform::jacobian};
/// let rows = jacobian(|x| x.reshape([3, 1]).matmul(x.reshape([1, 3])), Tensor::from([1.0, 2.0, 3.0]));
/// assert_eq!(rows.shape(), [3, 3, 3]);
/// assert_eq!(rows.get([0, 1, 1]), Some(1.0));
/// let rows = jacobian(|x, a| x * a, (Tensor::from([1.0, 2.0]), 5.0));
/// assert_eq!(rows, Tensor::from([[5.0, 0.0, 1.0], [0.0, 5.0, 2.0]]));
/// ```
///
/// # Panics
/// If the system has no memory for it.
#[track_caller]
pub fn jacobian<X: ArrayArgs<F> + Clone, F>(f: F, x: X) -> Tensor<X::Elem> {
    let tape = Tape::of();
    let handles = x.clone().handles(&tape);
    let y = X::call(&f, &handles);
    let (rows, columns) = (y.shape(), x.columns());
    let shape: Shape = rows.iter().chain(columns.iter()).copied().collect();
    crate::error::expect(Tensor::<X::Elem>::fits("jacobian", &shape));
    let (m, n) = (rows.size(), x.size());
    let mut out = vec![X::Elem::default(); m * n];
    if m <= n {
        for (i, row) in out.chunks_exact_mut(n.max(1)).enumerate() {
            let gradient = flat::<X>(&y.vjp(unit(&rows, i)).wrt(handles.clone()));
            row.copy_from_slice(&gradient);
        }
    } else {
        let columns = along_each(&x, |directions| tape.jvp_each(y, handles.clone(), directions));
        for (j, column) in columns.enumerate() {
            column.iter().enumerate().for_each(|(i, &dy)| out[i * n + j] = dy);
        }
    }
    crate::error::expect(Tensor::from_vec(shape, out))
}

/// The Jacobian of a function of scalars whose results depend on few of its arguments each, in compressed sparse rows: a reverse
/// sweep for each row, over what the row depends on. Time and memory are in proportion to the recording and to the
/// operations behind each row, not to rows times columns.
///
/// An entry is part of the result if the row depends on the argument in the recording, also where its value is 0. The values
/// are those of [`jacobian`], to the last bit where it uses reverse sweeps.
///
/// ```
/// use tape::transform::sparse_jacobian;
/// // y₀ = x₀ x₁, y₁ = sin x₂
/// let rows = sparse_jacobian(|x| vec![x[0] * x[1], x[2].sin()], vec![3.0, 5.0, 0.0]);
/// assert_eq!((rows.starts, rows.columns), (vec![0, 2, 3], vec![0, 1, 2]));
/// assert_eq!(rows.values, [5.0, 3.0, 1.0]);
/// ```
///
/// For the same function at many points see [`Program::sparse_jacobian`](crate::Program::sparse_jacobian).
///
/// # Panics
/// If a result depends on a tensor, or belongs to another tape.
#[track_caller]
pub fn sparse_jacobian<F>(f: F, x: Vec<f64>) -> SparseJacobian<Vec<f64>>
where
    F: for<'t> ClosureOfSlice<'t, Scalar<'t>, Vec<Scalar<'t>>>,
{
    let tape = Tape::new();
    let x: Vec<Scalar> = x.into_iter().map(|x| tape.scalar(x)).collect();
    crate::error::expect(sparse_rows(&tape, &f(&x), &x))
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
    let x = x.handles(&tape);
    let slope = X::call(&f, &x).grad(x.clone());
    tape.jvp(slope, x, v)
}

/// The gradient of `f` at `x` and the product of its Hessian with `v`, from one recording.
///
/// If the Hessian is known to be diagonal, as that of a sum of functions of one element each, the product with ones is its
/// diagonal: what a step of Newton's method needs.
///
/// ```
/// use tape::{Tensor, transform::grad_and_hvp};
/// let x = Tensor::from([1.0, 2.0]);
/// let (slope, diagonal) = grad_and_hvp(|x| x.powi(4).sum(), x, Tensor::ones([2]));
/// assert_eq!((slope, diagonal), (Tensor::from([4.0, 32.0]), Tensor::from([12.0, 48.0])));
/// ```
///
/// # Panics
/// If `v` does not have the shape of `x`.
#[track_caller]
pub fn grad_and_hvp<X: ScalarArgs<F>, F>(f: F, x: X, v: X::Gradient) -> (X::Gradient, X::Gradient) {
    let tape = Tape::of();
    let x = x.handles(&tape);
    let slope = X::call(&f, &x).grad(x.clone());
    (crate::error::expect(slope.values(&mut Values)), tape.jvp(slope, x, v))
}

/// Reads the recorded values of handles.
struct Values;

impl<'t, T: Element> ReadGradients<'t, T> for Values {
    fn number(&mut self, x: Scalar<'t, T>) -> Result<T, Error> {
        Ok(x.value())
    }

    fn tensor(&mut self, x: Var<'t, T>) -> Result<Tensor<T>, Error> {
        Ok(x.value())
    }
}

/// The diagonal of the Hessian of `f` at `x`, with the structure of `x`: the gradient is recorded once, and differentiated along each
/// direction; nothing of the size of the Hessian is kept. Where it is known that the Hessian is diagonal, [`grad_and_hvp`]
/// takes one direction.
///
/// ```
/// use tape::transform::hessian_diagonal;
/// // ∂²/∂x² = 2 y, ∂²/∂y² = 0
/// assert_eq!(hessian_diagonal(|[x, y]| x * x * y, [3.0, 5.0]), [10.0, 0.0]);
/// ```
#[track_caller]
pub fn hessian_diagonal<X: ScalarArgs<F> + Clone, F>(f: F, x: X) -> X::Gradient {
    let tape = Tape::of();
    let handles = x.clone().handles(&tape);
    let slope = X::call(&f, &handles).grad(handles.clone());
    let rows = along_each(&x, |directions| tape.jvp_each(slope.clone(), handles.clone(), directions));
    let diagonal: Vec<X::Elem> = rows.enumerate().map(|(i, row)| flat::<X>(&row)[i]).collect();
    x.gather(&mut &diagonal[..])
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
    let (tape, n) = (Tape::of(), x.size());
    let handles = x.clone().handles(&tape);
    let slope = X::call(&f, &handles).grad(handles.clone());
    crate::error::expect(Tensor::<X::Elem>::fits("hessian", &Shape::from([n, n])));
    let mut rows = Vec::with_capacity(n * n);
    for row in along_each(&x, |directions| tape.jvp_each(slope.clone(), handles.clone(), directions)) {
        rows.extend(flat::<X>(&row));
    }
    crate::error::expect(Tensor::from_vec([n, n], rows))
}

/// Directions in one forward sweep. Twice as many take twice the memory and save little more.
const DIRECTIONS: usize = 16;

/// The tangents in which each element of the arguments alone moves, from a sweep for several at once.
fn along_each<X: Args, V>(x: &X, sweep: impl Fn(&[X::Gradient]) -> Vec<V>) -> impl Iterator<Item = V> {
    (0..x.size()).step_by(DIRECTIONS).flat_map(move |first| {
        let last = x.size().min(first + DIRECTIONS);
        sweep(&(first..last).map(|at| direction(x, at)).collect::<Vec<_>>())
    })
}

/// The direction in which element `at` of the arguments alone moves.
fn direction<X: Args>(x: &X, at: usize) -> X::Gradient {
    let elements = unit::<X::Elem>(&Shape::from([x.size()]), at).to_vec();
    x.gather(&mut &elements[..])
}

/// The elements of a gradient, in the order of the arguments.
fn flat<X: Args>(gradient: &X::Gradient) -> Vec<X::Elem> {
    let mut parts = Vec::new();
    <X::Handles<'_> as Handle<'_, X::Elem>>::scatter(gradient, &mut parts);
    parts.iter().flat_map(Tensor::to_vec).collect()
}
