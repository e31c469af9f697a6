//! Recorded functions as operations: checkpoints, and derivatives given by hand.
//!
//! Both store closures over handles, and their rules are closures too: the cotangent of a recorded function
//! is again a recorded function, of its operands and the cotangent of its result. So derivatives of every
//! order exist.

use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Cotangents, Op, keeps_word};
use crate::shape::Shape;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;
use std::cell::Cell;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

/// The greatest depth to which recorded functions may be nested. Every level recomputes those below it, so
/// the time grows with the square of the depth.
const NESTING: usize = 64;

/// This many levels share a stack: the next one runs on a new thread, whose stack does not depend on the
/// caller's.
const LEVELS: usize = 2;

/// The stack size of such a thread, in bytes: enough for its levels and for what their functions call.
const STACK: usize = 2 << 20;

thread_local! {
    /// The depth of the function that this thread is computing.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Sets the depth for its lifetime.
struct Level(usize);

impl Level {
    fn enter(depth: usize) -> Level {
        Level(DEPTH.replace(depth))
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(self.0);
    }
}

/// Does the work of a recorded function one level deeper.
///
/// # Errors
/// If the nesting is too deep, or a thread for it cannot be created.
fn deeper<R: Send>(op: &'static str, work: impl FnOnce() -> R + Send) -> Result<R, Error> {
    let depth = DEPTH.get() + 1;
    if depth > NESTING {
        let reason = format!("expected functions nested at most {NESTING} deep, found one more");
        return Err(Error::Invalid { op, reason });
    }
    let work = || {
        let _level = Level::enter(depth);
        work()
    };
    if !depth.is_multiple_of(LEVELS) {
        return Ok(work());
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| {
            let reason =
                format!("expected a thread for the functions nested {depth} deep, found none: {error}");
            Error::Invalid { op, reason }
        })?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// A function of recorded tensors.
type Record<T> = dyn for<'t> Fn(&[Var<'t, T>]) -> Var<'t, T> + Send + Sync;

/// The cotangents of the operands, from the operands, the result and the result's cotangent.
type Pullback<T> = dyn for<'t> Fn(&[Var<'t, T>], Var<'t, T>, Var<'t, T>) -> Vec<Var<'t, T>> + Send + Sync;

/// A function that is recorded on a separate tape whenever its value or derivative is needed.
#[derive(Clone)]
struct Function<T: Element> {
    name: &'static str,
    f: Arc<Record<T>>,
    shape: Shape,
}

impl<T: Element> Function<T> {
    fn new(
        name: &'static str,
        shape: Shape,
        f: impl for<'t> Fn(&[Var<'t, T>]) -> Var<'t, T> + Send + Sync + 'static,
    ) -> Function<T> {
        Function { name, f: Arc::new(f), shape }
    }
}

impl<T: Element> fmt::Debug for Function<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.name, self.shape)
    }
}

/// Puts operands on a tape as leaves.
fn leaves<'t, T: Element>(tape: &'t Tape<T>, x: &[&Tensor<T>]) -> Vec<Var<'t, T>> {
    x.iter().map(|&x| tape.var(x.clone())).collect()
}

/// The value of a function that is recorded on a tape of its own, where it may differentiate.
fn value_of<T: Element>(op: &'static str, f: &Record<T>, x: &[&Tensor<T>]) -> Result<Tensor<T>, Error> {
    deeper(op, || {
        let tape = Tape::of();
        f(&leaves(&tape, x)).value()
    })
}

impl<T: Element> Op<T> for Function<T> {
    const NAME: &'static str = "function";
    const ARITY: Arity = Arity::Any;

    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self, _x: &[&Shape]) -> Result<Shape, Error> {
        Ok(self.shape.clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Result<Tensor<T>, Error> {
        value_of(self.name, &*self.f, x)
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        let f = self.f.clone();
        let tangent = Function::new("tangent", self.shape.clone(), move |args| {
            let (dx, x) = last(args);
            x[k].tape().pushforward(f(x), x[k], dx)
        });
        A::apply(tangent, &with(x, &[dx]))
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let f = self.f.clone();
        let cotangent = Function::new("cotangent", x[k].shape(), move |args| {
            let (dy, x) = last(args);
            f(x).grad(dy, x[k])
        });
        A::apply(cotangent, &with(x, &[dy]))
    }

    fn branches(&self, x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        branches(&*self.f, x, report);
    }

    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        error::expect(self.try_vjp_all(x, y, dy, want))
    }

    /// One recomputation serves all operands.
    fn try_vjp_all(
        &self,
        x: &[&Tensor<T>],
        _y: &Tensor<T>,
        dy: Tensor<T>,
        want: &[bool],
    ) -> Result<Cotangents<T>, Error> {
        let cotangents = || {
            let tape = Tape::of();
            let x = leaves(&tape, x);
            let y = (self.f)(&x);
            keeps_word(self.name, "f", None, dy.shape(), &y.shape())?;
            let grads = y.try_vjp(dy)?;
            Ok(x.iter().zip(want).map(|(&x, &wanted)| wanted.then(|| grads.wrt(x))).collect())
        };
        deeper(self.name, cotangents).flatten()
    }
}

/// The branches of a function that is recorded on a separate tape, with nodes and elements combined into one
/// index.
fn branches<T: Element>(f: &Record<T>, x: &[&Tensor<T>], report: &mut dyn FnMut(usize, i64)) {
    let tape = Tape::of();
    f(&leaves(&tape, x));
    // The node is in the upper half of the index.
    let row = |node: u32| (node as usize).rotate_right(usize::BITS / 2);
    tape.branches(&mut |node, at, branch| report(row(node) | at, branch));
}

fn last<'a, 't, T: Element>(args: &'a [Var<'t, T>]) -> (Var<'t, T>, &'a [Var<'t, T>]) {
    match args.split_last() {
        Some((&last, rest)) => (last, rest),
        None => unreachable!("the operands and the cotangent"),
    }
}

fn with<'a, A>(x: &[&'a A], more: &[&'a A]) -> Vec<&'a A> {
    x.iter().chain(more).copied().collect()
}

/// A function with a given derivative.
#[derive(Clone)]
struct CustomVjp<T: Element> {
    forward: Arc<Record<T>>,
    pullback: Arc<Pullback<T>>,
    shape: Shape,
}

impl<T: Element> fmt::Debug for CustomVjp<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "custom_vjp -> {}", self.shape)
    }
}

/// The cotangents a pullback returns, checked.
#[track_caller]
fn checked_cotangents<'t, T: Element>(
    pullback: &Pullback<T>,
    x: &[Var<'t, T>],
    y: Var<'t, T>,
    dy: Var<'t, T>,
) -> Vec<Var<'t, T>> {
    let cts = pullback(x, y, dy);
    if cts.len() != x.len() {
        let reason = format!("expected {} cotangents from the pullback, found {}", x.len(), cts.len());
        Error::Invalid { op: "custom_vjp", reason }.panic();
    }
    for (ct, x) in cts.iter().zip(x) {
        if ct.shape() != x.shape() {
            let (expected, found) = (x.shape().dims(), ct.shape().dims());
            Error::Shape { op: "custom_vjp", expected, found }.panic();
        }
    }
    cts
}

impl<T: Element> Op<T> for CustomVjp<T> {
    const NAME: &'static str = "custom_vjp";
    const ARITY: Arity = Arity::Any;

    fn shape(&self, _x: &[&Shape]) -> Result<Shape, Error> {
        Ok(self.shape.clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        error::expect(self.try_eval(x, shape))
    }

    fn try_eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Result<Tensor<T>, Error> {
        value_of("custom_vjp", &*self.forward, x)
    }

    /// The pullback is linear in the cotangent, so transposing it once more gives the tangent.
    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        let (pullback, shape) = (self.pullback.clone(), self.shape.clone());
        let tangent = Function::new("tangent", self.shape.clone(), move |args| {
            let (dx, rest) = last(args);
            let (y, x) = last(rest);
            let dy = dx.tape().var(Tensor::zeros(shape.clone()));
            checked_cotangents(&*pullback, x, y, dy)[k].grad(dx, dy)
        });
        A::apply(tangent, &with(x, &[y, dx]))
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let pullback = self.pullback.clone();
        let cotangent = Function::new("cotangent", x[k].shape(), move |args| {
            let (dy, rest) = last(args);
            let (y, x) = last(rest);
            checked_cotangents(&*pullback, x, y, dy)[k]
        });
        A::apply(cotangent, &with(x, &[y, dy]))
    }

    fn branches(&self, x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        branches(&*self.forward, x, report);
    }

    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let cotangents = || {
            let tape = Tape::of();
            let cts =
                checked_cotangents(&*self.pullback, &leaves(&tape, x), tape.var(y.clone()), tape.var(dy));
            cts.iter().zip(want).map(|(ct, &wanted)| wanted.then(|| ct.value())).collect()
        };
        error::expect(deeper("custom_vjp", cotangents))
    }
}

impl<T: Element> Tape<T> {
    /// `f` of `x`, keeping only the value: the reverse sweep records `f` again to differentiate it. Trades
    /// time for memory, with the same bits.
    ///
    /// `f` must use nothing of this tape but its arguments; what it captures is a constant. Draw random
    /// numbers outside and pass them in, so that the second run sees the same ones.
    ///
    /// Checkpoints may be nested up to 64 deep. Each level runs what is inside it once more.
    ///
    /// ```
    /// use tape::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0]);
    /// let y = tape.checkpoint(&[x], |x| (x[0] * x[0]).exp().sin());
    /// let plain = (x * x).exp().sin();
    /// let ct = [1.0, 10.0];
    /// assert_eq!(y.vjp(ct).wrt(x), plain.vjp(ct).wrt(x));
    /// ```
    ///
    /// # Panics
    /// If it is nested in 64 others.
    #[track_caller]
    pub fn checkpoint<'t>(
        &'t self,
        x: &[Var<'t, T>],
        f: impl for<'s> Fn(&[Var<'s, T>]) -> Var<'s, T> + Send + Sync + 'static,
    ) -> Var<'t, T> {
        let value = self.eval_on_own_tape("checkpoint", x, &f);
        let function = Function::new("checkpoint", value.shape().clone(), f);
        self.record_value(function, x, value)
    }

    /// `forward` of `x`, with the derivative given by `pullback`, which maps the operands, the result and its
    /// cotangent to the cotangents of the operands. For straight-through estimators, implicit functions, and
    /// derivatives that are known in a better form than the computation gives.
    ///
    /// `pullback` must be linear in the cotangent. Second derivatives are those of `pullback`; forward mode
    /// transposes it. As in [`checkpoint`](Tape::checkpoint), the closures may use only their arguments.
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let x = tape.var([0.3, 1.6]);
    /// // Rounds, with the derivative of the identity.
    /// let y = tape.custom_vjp(&[x], |x| x[0].detach().map(Round), |_, _, dy| vec![dy]);
    /// assert_eq!(y.value().to_vec(), [0.0, 2.0]);
    /// assert_eq!(y.vjp([1.0, 10.0]).wrt(x).to_vec(), [1.0, 10.0]);
    /// # #[derive(Clone, Copy, Debug, PartialEq)]
    /// # struct Round;
    /// # impl tape::Unary for Round {
    /// #     const NAME: &'static str = "round";
    /// #     fn eval<T: tape::Element>(&self, x: T) -> T { x.round() }
    /// #     fn slope<A: tape::Algebra>(&self, x: A, _y: A) -> A { x.lift(0.0) }
    /// # }
    /// ```
    ///
    /// # Panics
    /// If `pullback` does not return one cotangent for each operand, of its shape; if it is nested in 64
    /// other functions or checkpoints.
    #[track_caller]
    pub fn custom_vjp<'t>(
        &'t self,
        x: &[Var<'t, T>],
        forward: impl for<'s> Fn(&[Var<'s, T>]) -> Var<'s, T> + Send + Sync + 'static,
        pullback: impl for<'s> Fn(&[Var<'s, T>], Var<'s, T>, Var<'s, T>) -> Vec<Var<'s, T>>
        + Send
        + Sync
        + 'static,
    ) -> Var<'t, T> {
        let value = self.eval_on_own_tape("custom_vjp", x, &forward);
        let shape = value.shape().clone();
        let op = CustomVjp { forward: Arc::new(forward), pullback: Arc::new(pullback), shape };
        self.record_value(op, x, value)
    }

    /// The value of `f`, computed on a separate tape.
    #[track_caller]
    fn eval_on_own_tape(&self, op: &'static str, x: &[Var<'_, T>], f: &Record<T>) -> Tensor<T> {
        for x in x {
            error::expect(self.owns(op, x.tape()));
        }
        let x: Vec<Tensor<T>> = x.iter().map(|x| x.example_value()).collect();
        error::expect(value_of(op, f, &x.iter().collect::<Vec<_>>()))
    }
}
