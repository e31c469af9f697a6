//! Faults planted in the reverse rules, to prove that the tests would find them. Only with the feature `faults`, which
//! the tests of this crate enable.
//!
//! ```
//! use tape::Tape;
//! use tape::fault::{Fault, plant};
//! let slope = || {
//!     let tape = Tape::new();
//!     let x = tape.var([2.0]);
//!     x.exp().vjp([1.0]).wrt(x).item()
//! };
//! assert_eq!(plant(Fault::Negate, "exp", 0, slope), -slope());
//! ```

use crate::algebra::Element;
use crate::op::Cotangents;
use crate::shape::Shape;
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::cell::Cell;

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The contribution replaces what other uses contributed, instead of being added.
    Overwrite,
    /// There is no contribution.
    Drop,
    /// It has the wrong sign.
    Negate,
    /// It is too large by one part in a million.
    Scale,
    /// It is that of another operand of the same shape.
    SwapOperands,
    /// It is transposed: its elements in the order of the transpose.
    Transpose,
    /// It is rotated along the first axis, as if another axis were meant.
    WrongAxis,
    /// The axes along which the operand was stretched are not summed: the first of their elements is taken.
    SkipUnbroadcast,
    /// The rule sees operands and result as they were before a change.
    StaleValue,
    /// The rule takes the cotangent of the result for 1.
    IgnoreCotangent,
    /// Every element stands one place too far.
    OffByOne,
    /// Only the first element is there.
    FirstEntryOnly,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 12] = [
        Fault::Overwrite,
        Fault::Drop,
        Fault::Negate,
        Fault::Scale,
        Fault::SwapOperands,
        Fault::Transpose,
        Fault::WrongAxis,
        Fault::SkipUnbroadcast,
        Fault::StaleValue,
        Fault::IgnoreCotangent,
        Fault::OffByOne,
        Fault::FirstEntryOnly,
    ];
}

/// A fault in the rule of an operation for one operand.
#[derive(Clone, Copy)]
struct Planted {
    fault: Fault,
    op: &'static str,
    operand: usize,
}

thread_local! {
    static PLANTED: Cell<Option<Planted>> = const { Cell::new(None) };
}

/// Runs `f` while the rule of the operation `op` for its operand `operand` has a fault: on this thread, in the sweep over
/// numbers.
pub fn plant<R>(fault: Fault, op: &'static str, operand: usize, f: impl FnOnce() -> R) -> R {
    /// Takes the fault out again, also when `f` panics.
    struct Clear;
    impl Drop for Clear {
        fn drop(&mut self) {
            PLANTED.set(None);
        }
    }
    PLANTED.set(Some(Planted { fault, op, operand }));
    let _clear = Clear;
    f()
}

fn planted(op: &str) -> Option<(Fault, usize)> {
    PLANTED.get().filter(|planted| planted.op == op).map(|planted| (planted.fault, planted.operand))
}

/// Does the contribution of this operation for operand `k` replace the others?
pub(crate) fn overwrites(op: &str, k: usize) -> bool {
    planted(op) == Some((Fault::Overwrite, k))
}

/// Is a fault planted in a rule of this operation?
pub(crate) fn is_planted(op: &str) -> bool {
    planted(op).is_some()
}

/// `rule(x, y, dy)`, with the fault that is planted in it.
pub(crate) fn spoiled<T: Element>(
    op: &str,
    x: &[&Tensor<T>],
    y: &Tensor<T>,
    dy: Tensor<T>,
    rule: impl Fn(&[&Tensor<T>], &Tensor<T>, Tensor<T>) -> Cotangents<T>,
) -> Cotangents<T> {
    let Some((fault, k)) = planted(op) else { return rule(x, y, dy) };
    let mut cts = rule(x, y, dy.clone());
    let Some(Some(right)) = cts.get(k) else { return cts };
    let same_shape = |(i, ct): (usize, &Option<Tensor<T>>)| {
        i != k && ct.as_ref().is_some_and(|ct| ct.shape() == right.shape())
    };
    let wrong = match fault {
        Fault::SwapOperands => {
            cts.iter().enumerate().position(|(i, ct)| same_shape((i, ct))).and_then(|i| cts[i].clone())
        }
        Fault::StaleValue => {
            let stale = |x: &Tensor<T>| x.map_values(|x| x * T::from_f64(0.75));
            let before: SmallVec<[Tensor<T>; 4]> = x.iter().map(|x| stale(x)).collect();
            rule(&before.iter().collect::<SmallVec<[_; 4]>>(), &stale(y), dy).swap_remove(k)
        }
        Fault::IgnoreCotangent => rule(x, y, Tensor::ones(dy.shape().clone())).swap_remove(k),
        Fault::SkipUnbroadcast => rule(x, y, &dy * &firsts(x[k].shape(), y.shape())).swap_remove(k),
        _ => Some(changed(fault, right)),
    };
    if let Some(wrong) = wrong {
        cts[k] = Some(wrong);
    }
    cts
}

/// 1 at the first of the elements of `y` over which an operand of shape `x` was stretched, else 0; 1 everywhere, if it
/// cannot be stretched to that shape.
fn firsts<T: Element>(x: &Shape, y: &Shape) -> Tensor<T> {
    let missing = y.rank().saturating_sub(x.rank());
    let kept = |axis: usize| axis >= missing && x[axis - missing] == y[axis];
    let stretches =
        x.rank() <= y.rank() && (missing..y.rank()).all(|axis| kept(axis) || x[axis - missing] == 1);
    Tensor::from_fn(y.clone(), |at| {
        let first = at.iter().enumerate().all(|(axis, &i)| i == 0 || kept(axis));
        if first || !stretches { T::ONE } else { T::ZERO }
    })
}

/// A contribution with a fault that needs nothing else.
fn changed<T: Element>(fault: Fault, ct: &Tensor<T>) -> Tensor<T> {
    let (n, shape) = (ct.size(), ct.shape().clone());
    let moved = |source: &dyn Fn(usize) -> usize| {
        let old = ct.to_vec();
        Tensor::from((0..n).map(|i| old[source(i)]).collect::<Vec<_>>()).reshape(shape.clone())
    };
    match fault {
        Fault::Drop => Tensor::zeros(shape),
        Fault::Negate => ct.map_values(|x| -x),
        Fault::Scale => ct.map_values(|x| x * T::from_f64(1.0 + 1e-6)),
        Fault::Transpose if ct.rank() >= 2 => ct.transpose().reshape(shape),
        Fault::WrongAxis if n > 0 && ct.rank() >= 1 => {
            let step = n / shape[0];
            moved(&|i| (i + step) % n)
        }
        Fault::OffByOne if n > 0 => moved(&|i| (i + 1) % n),
        Fault::FirstEntryOnly => {
            let only = |at: &[usize]| if at.iter().all(|&i| i == 0) { T::ONE } else { T::ZERO };
            ct * &Tensor::from_fn(shape, only)
        }
        _ => ct.clone(),
    }
}
