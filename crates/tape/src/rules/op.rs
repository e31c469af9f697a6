//! Operations on whole tensors, written once over [`Array`].
//!
//! [`Op`] is what a tensor operation declares: its name, its shape rule, its kernel and its two linear rules.
//! A rule never sees a tape, an accumulator or a buffer pool.

use crate::error::{self, Error};
use crate::rules::algebra::{Arithmetic, Binary, ChainRule, Element, Unary};
use crate::shape::{Shape, collect_small};
use crate::tensor::{Tensor, kernel};
use smallvec::SmallVec;
use std::fmt::Debug;

/// A tensor that rules compute with: plain ([`Tensor`]) or recorded ([`Var`](crate::Var)).
pub trait Array<T: Element>: Arithmetic {
    /// The extents of the axes.
    fn shape(&self) -> Shape;

    /// The result of an operation: computed, or recorded.
    ///
    /// # Panics
    /// With the operation's [`Error`] if it refuses the shapes.
    #[track_caller]
    fn apply<O: Op<T>>(op: O, x: &[&Self]) -> Self;

    /// A constant of any shape beside `self`: not differentiated.
    fn constant(&self, value: Tensor<T>) -> Self;

    /// `self · f'(x)`, where `y = f(x)` has the shape of `self`: the chain rule through an elementwise function. Zero
    /// absorbs, as in [`Arithmetic::chain_rule`].
    fn chain_unary<F: Unary>(self, f: F, x: &Self, y: &Self) -> Self;

    /// `self · ∂f/∂a` or `self · ∂f/∂b`, where `y = f(a, b)` has the shape of `self`; `k` is 0 for `a` and 1 for `b`,
    /// which broadcast. See [`chain_unary`](Array::chain_unary).
    fn chain_binary<F: Binary>(self, f: F, k: usize, a: &Self, b: &Self, y: &Self) -> Self;
}

/// Cotangents of the inputs of one operation; `None` where none was requested.
pub type Cotangents<T> = Each<Tensor<T>>;

/// One value for each input of an operation; `None` where there is none.
pub type Each<A> = SmallVec<[Option<A>; 4]>;

/// The number of operands of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// This many; in words for the error, as in `"two operands"`.
    Exactly(usize, &'static str),
    /// One or more.
    AtLeastOne,
    /// Any number; the operation checks it in [`Op::shape`] if it matters.
    Any,
}

impl Arity {
    /// One operand.
    pub const ONE: Arity = Arity::Exactly(1, "one operand");
    /// Two operands.
    pub const TWO: Arity = Arity::Exactly(2, "two operands");

    fn check(self, found: usize) -> Result<(), Error> {
        let expected = match self {
            Arity::Exactly(n, expected) if n != found => expected,
            Arity::AtLeastOne if found == 0 => "one operand or more",
            _ => return Ok(()),
        };
        Err(Error::Operands { op: error::UNNAMED, expected, found })
    }
}

/// An operation on tensors.
///
/// `jvp` and `vjp` are written per input `k`: how a tangent of input `k` moves the result, and what a cotangent
/// of the result means for input `k`. Both are linear in their last argument. They are generic, so the same
/// text computes on tensors and records on handles, and derivatives of any order follow from it.
///
/// Indices, axes, shapes and masks are fields of the operation; every input is a tensor of numbers.
///
/// ```
/// use tape::{Array, Element, Error, Op, Shape, Tape, Tensor};
///
/// /// Reverses a vector.
/// #[derive(Clone, Debug)]
/// struct Reverse;
///
/// impl<T: Element> Op<T> for Reverse {
///     const NAME: &'static str = "reverse";
///
///     fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
///         match x[0].rank() {
///             1 => Ok(x[0].clone()),
///             _ => Err(Error::rank("a vector", x[0].dims())),
///         }
///     }
///     fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
///         let mut values = x[0].to_vec();
///         values.reverse();
///         Tensor::from(values)
///     }
///     fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
///         A::apply(Reverse, &[dy])
///     }
/// }
///
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 3.0]);
/// let y = tape.apply(Reverse, &[x]);
/// let loss = (y * tape.constant([1.0, 10.0, 100.0])).sum();
/// assert_eq!(loss.value(), 123.0);
/// assert_eq!(loss.backward().wrt(x).to_vec(), [100.0, 10.0, 1.0]);
/// ```
pub trait Op<T: Element>: Clone + Debug + Send + Sync + 'static {
    /// The name in graphs and error messages. The engine adds it to errors of the rules that carry none.
    const NAME: &'static str;

    /// The number of operands; the engine checks it.
    const ARITY: Arity = Arity::ONE;

    /// The name, where it depends on the value of `self`; otherwise [`NAME`](Op::NAME).
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// The shape of the result, or why these operands are refused. Their number has been checked.
    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error>;

    /// The value, of the shape that [`shape`](Op::shape) returned for these operands.
    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T>;

    /// The value, where it can fail for reasons that the shapes do not show (a singular matrix).
    fn try_eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Result<Tensor<T>, Error> {
        Ok(self.eval(x, shape))
    }

    /// The value, where a [`Replay`](crate::Replay) computes it again: `y` is that of the run before. Override it only to write
    /// into the buffer of `y`; the result must equal that of [`try_eval`](Op::try_eval), whose errors it has.
    fn eval_into(&self, x: &[&Tensor<T>], y: &mut Tensor<T>) -> Result<(), Error> {
        let shape = y.shape().clone();
        replace(self.name(), &mut self.try_eval(x, &shape), &shape, y)
    }

    /// The tangent of the result when input `k` moves by `dx`.
    ///
    /// The default is right for multilinear operations (linear in each input): the derivative of a multilinear map is
    /// the map itself with the tangent in the operand's place. Any other operation must override it.
    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        let mut operands: SmallVec<[&A; 4]> = x.into();
        operands[k] = dx;
        A::apply(self.clone(), &operands)
    }

    /// The cotangent of input `k` when that of the result is `dy`; of the shape of the input.
    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A;

    /// Returns `true` if the result has a derivative with respect to input `k`. If not, neither rule is called for it.
    fn differentiable(&self, _k: usize) -> bool {
        true
    }

    /// Returns `true` if every element of the result depends on the corresponding elements of the operands only. Then an exactly
    /// zero cotangent absorbs an infinite slope.
    fn elementwise(&self) -> bool {
        false
    }

    /// For an operation whose result consists of elements of its only operand (a slice, rows of a table): reports them, in the
    /// result's row-major order, as runs `(start, length)` of the row-major elements of an operand of shape `x`, and returns
    /// `true`. The sweeps then add the cotangent of a piece where it was taken, in time and memory proportional to the piece,
    /// and call [`vjp`](Op::vjp) only where nothing else contributes to the operand.
    ///
    /// ```
    /// use tape::{Op, Shape, ops::Slice};
    /// let column = Slice::new(1, 2..4, 1);
    /// let mut runs = Vec::new();
    /// assert!(Op::<f64>::sources(&column, &Shape::from([2, 5]), &mut |start, length| runs.push((start, length))));
    /// assert_eq!(runs, [(2, 2), (7, 2)]);
    /// ```
    fn sources(&self, _x: &Shape, _run: &mut dyn FnMut(usize, usize)) -> bool {
        false
    }

    /// Returns `true` if the value takes next to no memory, because it is a view of its operand or one element of it.
    /// Otherwise it is refused, before it is computed, where the system has no memory for the result or for an operand
    /// that repeats its elements.
    #[doc(hidden)]
    fn free(&self) -> bool {
        false
    }

    /// The discrete decisions behind the value: `report(at, branch)` for every element `at` (of the values that the
    /// operation decides about) that does not lie on branch 0 of the function. A report changes wherever the operation has a kink
    /// or a jump; a smooth operation reports nothing. See [`Unary::branch`](crate::Unary::branch).
    fn branches(&self, _x: &[&Tensor<T>], _y: &Tensor<T>, _report: &mut dyn FnMut(usize, i64)) {}

    /// Returns `true` if at some element the slope is 0 / 0 and the rules return 0 by convention, as at the norm of zeros: the
    /// sweep goes on, and [`Tape::find_nonfinite`](crate::Tape::find_nonfinite) lists the operation.
    fn undefined(&self, _x: &[&Tensor<T>], _y: &Tensor<T>) -> bool {
        false
    }

    /// Checks that the derivative exists at these operands. The sweeps do so before they apply a rule, and their `try_` forms
    /// return the error. Override it only where the derivative can be missing for reasons that neither the shapes nor
    /// the value show (the logarithm of the determinant of a singular matrix).
    ///
    /// # Errors
    /// If the derivative does not exist at these operands.
    fn check_derivative(&self, _x: &[&Tensor<T>], _y: &Tensor<T>) -> Result<(), Error> {
        Ok(())
    }

    /// The tangent of the result when several inputs move, `dx[k]` for each that does. By default there is none, and
    /// the tangents of [`jvp`](Op::jvp) are added. Override it only where every one of those has the size of the
    /// result although it comes from a small part of it, as in a concatenation.
    fn jvp_all<A: Array<T>>(&self, _x: &[&A], _y: &A, _dx: &[Option<&A>]) -> Option<A> {
        None
    }

    /// All wanted cotangents, by default each by [`vjp`](Op::vjp). Override it only where finding the place of input
    /// `k` takes longer the larger `k` is.
    fn vjp_each<A: Array<T>>(&self, x: &[&A], y: &A, dy: &A, want: &[bool]) -> Each<A> {
        // A loop: compiled once for each operation, an iterator chain takes several times as long.
        let mut each = Each::new();
        for (k, &wanted) in want.iter().enumerate() {
            each.push(if wanted { Some(self.vjp(k, x, y, dy)) } else { None });
        }
        each
    }

    /// All wanted cotangents at once, on plain tensors. Override it only where sharing work between inputs or
    /// reusing the buffer of `dy` pays; the result must equal that of [`vjp`](Op::vjp).
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        self.vjp_each(x, y, &dy, want)
    }

    /// All wanted cotangents, where they can fail. Override it only where [`vjp_all`](Op::vjp_all) would panic for
    /// reasons that [`check_derivative`](Op::check_derivative) cannot find.
    ///
    /// # Errors
    /// If the derivative does not exist at these operands.
    fn try_vjp_all(
        &self,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dy: Tensor<T>,
        want: &[bool],
    ) -> Result<Cotangents<T>, Error> {
        self.check_derivative(x, y)?;
        Ok(self.vjp_all(x, y, dy, want))
    }

    /// All wanted cotangents, where a [`Replay`](crate::Replay) computes them again: `cts[k]` becomes that of input `k`, and may
    /// be that of the run before. `dy` is not needed afterwards. Override it only to write into these buffers; the results must
    /// equal those of [`try_vjp_all`](Op::try_vjp_all), whose errors it has.
    fn vjp_into(
        &self,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dy: &mut Tensor<T>,
        want: &[bool],
        cts: &mut [Tensor<T>],
    ) -> Result<(), Error> {
        let mut each = self.try_vjp_all(x, y, std::mem::take(dy), want);
        hand_over(self.name(), &mut each, want, &mut |k, ct| {
            cts[k] = ct;
            Ok(())
        })
    }
}

/// Replaces a value by one of this shape. This and the next function do not depend on the operation: not inlined, they are
/// compiled once and not for each. Neither moves what is large out of the result.
#[inline(never)]
fn replace<T: Element>(
    op: &'static str,
    value: &mut Result<Tensor<T>, Error>,
    shape: &Shape,
    y: &mut Tensor<T>,
) -> Result<(), Error> {
    match value {
        Ok(value) => std::mem::swap(y, value),
        Err(error) => return Err(error.clone().named(op)),
    }
    keeps_word(op, "eval", None, shape, y.shape())
}

/// Passes the wanted cotangents on; an error gets the name of the operation.
#[inline(never)]
pub(crate) fn hand_over<T: Element>(
    op: &'static str,
    cts: &mut Result<Cotangents<T>, Error>,
    want: &[bool],
    add: &mut dyn FnMut(usize, Tensor<T>) -> Result<(), Error>,
) -> Result<(), Error> {
    let cts = match cts {
        Ok(cts) => cts,
        Err(error) => return Err(error.clone().named(op)),
    };
    all_there(op, want, cts)?;
    for (k, ct) in cts.iter_mut().enumerate().filter(|&(k, _)| want[k]) {
        if let Some(ct) = ct.take() {
            add(k, ct)?;
        }
    }
    Ok(())
}

/// Checks what a rule returned: `operand` is the one whose cotangent it is.
#[inline]
pub(crate) fn keeps_word(
    op: &'static str,
    rule: &'static str,
    operand: Option<usize>,
    expected: &Shape,
    found: &Shape,
) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(broken_word(op, rule, operand, expected, found)) }
}

#[cold]
#[inline(never)]
fn broken_word(
    op: &'static str,
    rule: &'static str,
    operand: Option<usize>,
    expected: &Shape,
    found: &Shape,
) -> Error {
    Error::Contract { op, rule, operand, expected: expected.dims(), found: found.dims() }
}

/// Checks that there is a cotangent for every input that one was wanted for.
#[inline]
pub(crate) fn all_there<A>(op: &'static str, want: &[bool], cts: &[Option<A>]) -> Result<(), Error> {
    let there = |(&wanted, ct): (&bool, &Option<A>)| !wanted || ct.is_some();
    if cts.len() == want.len() && want.iter().zip(cts).all(there) {
        return Ok(());
    }
    let k = want.iter().enumerate().position(|(k, &wanted)| wanted && !matches!(cts.get(k), Some(Some(_))));
    let reason = match k {
        Some(k) => format!("expected a cotangent of operand {k} from `vjp_all`, found none"),
        None => format!("expected {} cotangents from `vjp_all`, found {}", want.len(), cts.len()),
    };
    Err(Error::Invalid { op, reason })
}

/// Positions as decisions: see [`Op::branches`].
pub(crate) fn positions_as_branches(index: &[usize], report: &mut dyn FnMut(usize, i64)) {
    index.iter().enumerate().for_each(|(at, &position)| report(at, position as i64));
}

/// The elements that do not lie on branch 0 of a function, as decisions: see [`Op::branches`].
pub(crate) fn decided<T: Element>(
    x: &Tensor<T>,
    branch: impl Fn(T) -> i64,
    report: &mut dyn FnMut(usize, i64),
) {
    for (at, x) in x.to_vec().into_iter().enumerate() {
        match branch(x) {
            0 => {}
            branch => report(at, branch),
        }
    }
}

/// Which elements are not 0, and of which sign, as decisions: see [`Op::branches`].
pub(crate) fn hits<T: Element>(x: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
    for (at, x) in x.to_vec().into_iter().enumerate().filter(|&(_, x)| x != T::ZERO) {
        report(at, if x > T::ZERO { 1 } else { -1 });
    }
}

/// As [`Array::apply`] on plain tensors, with the error as a value. Not inlined, so that programs use the copies in this
/// crate: see `instances`.
#[inline(never)]
pub(crate) fn compute<T: Element, O: Op<T>>(op: &O, x: &[&Tensor<T>]) -> Result<Tensor<T>, Error> {
    let named = |error: Error| error.named(op.name());
    let shape = O::ARITY.check(x.len()).and_then(|()| op.shape(&shapes(x))).map_err(named)?;
    fits(op.name(), op.free(), x, &shape)?;
    let y = op.try_eval(x, &shape).map_err(named)?;
    keeps_word(op.name(), "eval", None, &shape, y.shape())?;
    Ok(y)
}

/// The shapes of some tensors. This and the next function, too, do not depend on the operation.
#[inline(never)]
fn shapes<'a, T: Element>(x: &[&'a Tensor<T>]) -> SmallVec<[&'a Shape; 4]> {
    match x.first() {
        Some(first) => collect_small(x.len(), first.shape(), |k| x[k].shape()),
        None => SmallVec::new(),
    }
}

/// Checks that there is memory for a result of this shape and for operands that repeat their elements; for a `free`
/// operation, that the shape is possible.
#[inline(never)]
fn fits<T: Element>(op: &'static str, free: bool, x: &[&Tensor<T>], shape: &Shape) -> Result<(), Error> {
    if free {
        return shape.elements::<T>().map(drop).map_err(|error| error.named(op));
    }
    Tensor::<T>::fits(op, shape)?;
    x.iter().try_for_each(|x| x.fits_copied(op))
}

impl<T: Element> Array<T> for Tensor<T> {
    #[inline]
    fn shape(&self) -> Shape {
        Tensor::shape(self).clone()
    }

    #[track_caller]
    #[inline]
    fn apply<O: Op<T>>(op: O, x: &[&Tensor<T>]) -> Tensor<T> {
        error::expect(compute(&op, x))
    }

    fn constant(&self, value: Tensor<T>) -> Tensor<T> {
        value
    }

    #[inline]
    fn chain_unary<F: Unary>(self, f: F, x: &Tensor<T>, y: &Tensor<T>) -> Tensor<T> {
        kernel::chain1(self, x, y, move |d, x, y| ChainRule.eval(d, f.slope(x, y)))
    }

    #[inline]
    fn chain_binary<F: Binary>(
        self,
        f: F,
        k: usize,
        a: &Tensor<T>,
        b: &Tensor<T>,
        y: &Tensor<T>,
    ) -> Tensor<T> {
        match k {
            0 => kernel::chain2(self, a, b, y, move |d, a, b, y| ChainRule.eval(d, f.slope_a(a, b, y))),
            _ => kernel::chain2(self, a, b, y, move |d, a, b, y| ChainRule.eval(d, f.slope_b(a, b, y))),
        }
    }
}
